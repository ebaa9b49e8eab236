"""Pooling: the largest, or the mean, of each window, or of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.layers.backend_config import floatx
from retrograd.layers.configured import Configured
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.sizes import (
    conv_output_length,
    normalize_data_format,
    normalize_padding,
    normalize_tuple,
    op_data_format,
    spatial,
    with_spatial,
)
from retrograd.ops.array.shape import expand_dims, reshape, squeeze
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_max, reduce_mean, reduce_sum
from retrograd.ops.nn.pooling import avg_pool, avg_pool3d, max_pool, max_pool3d

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import ShapeLike, Sizes


class Pooling(Configured):
    """A base: what `_functions` do to each window.

    Args:
      pool_size: the size of the window: a number, or one for each axis.
      strides: how far it moves; by default its size.
      padding: `valid` or `same`.
      data_format: `channels_last` or `channels_first`.
      **kwargs: those of `Layer`.

    Inputs [batch, *space, channels].
    """

    _ARGUMENTS = ("pool_size", "padding", "strides", "data_format")
    rank = 2
    _functions: tuple[Any, Any]

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if strides is None:
            strides = pool_size
        self.pool_size = normalize_tuple(pool_size, self.rank, "pool_size")
        self.strides = normalize_tuple(strides, self.rank, "strides")
        self.padding = normalize_padding(padding)
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        first = self.data_format == "channels_first"
        sizes, strides = ((1, *x, 1) for x in (self.pool_size, self.strides))
        if first:
            sizes, strides = ((1, 1, *x) for x in (self.pool_size, self.strides))
        return self._functions[self.rank - 2](
            inputs,
            ksize=sizes,
            strides=strides,
            padding=self.padding.upper(),
            data_format=op_data_format(self.data_format, self.rank + 2),
        )

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, *space, channels]."""
        given = shapes.TensorShape(input_shape).as_list()
        space = [
            conv_output_length(d, size, self.padding, stride)
            for d, size, stride in zip(
                spatial(given, self.data_format),
                self.pool_size,
                self.strides,
                strict=True,
            )
        ]
        channels = given[1 if self.data_format == "channels_first" else -1]
        return shapes.TensorShape(
            with_spatial(given, self.data_format, space, channels)
        )


class Pooling1D(Pooling):
    """A base for sequences [batch, steps, channels], as images one row wide."""

    rank = 1

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        axis = 2 if self.data_format == "channels_last" else 3
        images = expand_dims(inputs, axis)
        sizes, strides = (*self.pool_size, 1), (*self.strides, 1)
        first = self.data_format == "channels_first"
        outputs = self._functions[0](
            images,
            ksize=(1, 1, *sizes) if first else (1, *sizes, 1),
            strides=(1, 1, *strides) if first else (1, *strides, 1),
            padding=self.padding.upper(),
            data_format=op_data_format(self.data_format, 4),
        )
        return squeeze(outputs, axis)


_MAX, _MEAN = (max_pool, max_pool3d), (avg_pool, avg_pool3d)


class MaxPooling1D(Pooling1D):
    """The largest of each window of steps; see `Pooling`."""

    _functions = _MAX


class AveragePooling1D(Pooling1D):
    """The mean of each window of steps; see `Pooling`."""

    _functions = _MEAN


class MaxPooling2D(Pooling):
    """The largest of each window of images; see `Pooling`."""

    _functions = _MAX


class AveragePooling2D(Pooling):
    """The mean of each window of images; see `Pooling`."""

    _functions = _MEAN


class MaxPooling3D(Pooling):
    """The largest of each window of volumes; see `Pooling`."""

    rank = 3
    _functions = _MAX


class AveragePooling3D(Pooling):
    """The mean of each window of volumes; see `Pooling`."""

    rank = 3
    _functions = _MEAN


class GlobalPooling(Configured):
    """A base: one value for each channel.

    Args:
      data_format: `channels_last` or `channels_first`.
      **kwargs: those of `Layer`.

    Inputs [batch, *space, channels], outputs [batch, channels].
    """

    _ARGUMENTS = ("data_format",)
    rank = 2
    _function: Any

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _axes(self) -> list[int]:
        start = 2 if self.data_format == "channels_first" else 1
        return list(range(start, start + self.rank))

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return type(self)._function(inputs, axis=self._axes())

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, channels]."""
        given = shapes.TensorShape(input_shape).as_list()
        first = self.data_format == "channels_first"
        return shapes.TensorShape([given[0], given[1 if first else -1]])


class GlobalMaxPooling1D(GlobalPooling):
    """The largest step of each channel; see `GlobalPooling`."""

    rank = 1
    _function = staticmethod(reduce_max)


class GlobalAveragePooling1D(GlobalPooling):
    """The mean of the steps that are not masked; see `GlobalPooling`."""

    rank = 1
    _function = staticmethod(reduce_mean)

    def __init__(
        self, data_format: str | None = "channels_last", **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """The outputs for inputs."""
        axis = 1 if self.data_format == "channels_last" else 2
        if mask is None:
            return reduce_mean(inputs, axis=axis)
        # of channels first 1.15 makes the same, which does not fit
        steps: Any = inputs.shape.as_list()[axis]
        kept = reshape(cast(mask, floatx()), [-1, steps, 1])
        inputs *= kept
        return reduce_sum(inputs, axis=axis) / reduce_sum(kept, axis=axis)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """None: the steps are gone."""
        del inputs, mask
        return None


class GlobalMaxPooling2D(GlobalPooling):
    """The largest place of each channel; see `GlobalPooling`."""

    _function = staticmethod(reduce_max)


class GlobalAveragePooling2D(GlobalPooling):
    """The mean of each channel; see `GlobalPooling`."""

    _function = staticmethod(reduce_mean)


class GlobalMaxPooling3D(GlobalPooling):
    """The largest place of each channel of volumes; see `GlobalPooling`."""

    rank = 3
    _function = staticmethod(reduce_max)


class GlobalAveragePooling3D(GlobalPooling):
    """The mean of each channel of volumes; see `GlobalPooling`."""

    rank = 3
    _function = staticmethod(reduce_mean)
