"""Layers that make sequences, images and volumes larger or smaller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from retrograd import shapes
from retrograd.graph.tensor import Tensor
from retrograd.layers.configured import Configured
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.sizes import (
    as_pairs,
    normalize_data_format,
    normalize_tuple,
    spatial,
    with_spatial,
)
from retrograd.layers.tensor_functions import repeat_elements, resize_images
from retrograd.ops.array.pad import pad

if TYPE_CHECKING:
    from retrograd.typing import ShapeLike, Sizes

    #: one for all axes, one for each, or a pair for each
    Amounts = Sizes | Sequence[Sizes]

T = TypeVar("T")
Pairs = tuple[tuple[int, int], ...]


class Resizing(Configured):
    """A base: outputs of other sizes of space, with the same channels.

    Inputs [batch, *space, channels], or channels second by `data_format`.
    """

    rank = 2
    data_format: str

    def _expect(self, data_format: str | None) -> None:
        """Keep the format, and expect `rank` axes of space."""
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _start(self) -> int:
        """The first axis of space."""
        return 2 if self.data_format == "channels_first" else 1

    def _length(self, length: int, axis: int) -> int:
        """How long axis number `axis` of space comes out."""
        raise NotImplementedError

    def _placed(self, space: Sequence[T], other: T) -> list[T]:
        """What is done to each axis: of space, and of the batch and the channels."""
        if self.data_format == "channels_first":
            return [other, other, *space]
        return [other, *space, other]

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, *space, channels]."""
        given = shapes.TensorShape(input_shape).as_list()
        space = [
            None if d is None else self._length(d, axis)
            for axis, d in enumerate(spatial(given, self.data_format))
        ]
        channels = given[1 if self.data_format == "channels_first" else -1]
        return shapes.TensorShape(
            with_spatial(given, self.data_format, space, channels)
        )


# ---------------------------------------------------------------------- larger


class UpSampling(Resizing):
    """Each element several times; a base.

    Args:
      size: how many times: a number, or one for each axis of space.
      data_format: `channels_last` or `channels_first`.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("size", "data_format")

    def __init__(
        self, size: Sizes = 2, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._expect(data_format)
        self.size = normalize_tuple(size, self.rank, "size")

    def _length(self, length: int, axis: int) -> int:
        return length * self.size[axis]

    def call(self, inputs: Tensor) -> Tensor:
        """The outputs for inputs."""
        for axis, times in enumerate(self.size, self._start()):
            inputs = repeat_elements(inputs, times, axis)
        return inputs


class UpSampling1D(Resizing):
    """Each step of [batch, steps, channels] several times.

    Args:
      size: how many times.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("size",)
    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._expect("channels_last")
        self.size = int(size)

    def _length(self, length: int, axis: int) -> int:
        del axis
        return length * self.size

    def call(self, inputs: Tensor) -> Tensor:
        """The outputs for inputs."""
        return repeat_elements(inputs, self.size, axis=1)


class UpSampling2D(UpSampling):
    """Images made larger by whole factors.

    Args:
      size, data_format: see `UpSampling`.
      interpolation: `nearest` or `bilinear`.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: another interpolation.
    """

    _ARGUMENTS = ("size", "data_format", "interpolation")

    def __init__(
        self,
        size: Sizes = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                '`interpolation` argument should be one of `"nearest"` or `"bilinear"`.'
            )
        self.interpolation = interpolation

    def call(self, inputs: Tensor) -> Tensor:
        """The outputs for inputs."""
        return resize_images(inputs, self.size, self.data_format, self.interpolation)


class UpSampling3D(UpSampling):
    """Each element of volumes several times; see `UpSampling`."""

    rank = 3


class ZeroPadding(Resizing):
    """Zeros before and after; a base.

    Args:
      padding: how many: a number, one for each axis of space, or a pair for each.
      data_format: `channels_last` or `channels_first`.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: another number of them.
    """

    _ARGUMENTS = ("padding", "data_format")
    padding: Any

    def __init__(
        self,
        padding: Amounts = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._expect(data_format)
        self.padding = as_pairs(padding, self.rank, "padding")

    def _amounts(self) -> Pairs:
        """How many before and after, by axis of space."""
        return self.padding

    def _length(self, length: int, axis: int) -> int:
        return length + sum(self._amounts()[axis])

    def call(self, inputs: Tensor) -> Tensor:
        """The outputs for inputs."""
        amounts = [list(pair) for pair in self._amounts()]
        return pad(inputs, self._placed(amounts, [0, 0]))


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after the steps of [batch, steps, channels].

    Args:
      padding: how many: a number, or a pair.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("padding",)
    rank = 1

    def __init__(self, padding: Sizes = 1, **kwargs: Any) -> None:
        pair = normalize_tuple(padding, 2, "padding")
        super().__init__([pair], "channels_last", **kwargs)
        self.padding = pair

    def _amounts(self) -> Pairs:
        return (self.padding,)


class ZeroPadding2D(ZeroPadding):
    """Zeros around images; see `ZeroPadding`."""


class ZeroPadding3D(ZeroPadding):
    """Zeros around volumes; see `ZeroPadding`."""

    rank = 3

    def _length(self, length: int, axis: int) -> int:
        # 1.15 takes one amount twice here, not both; the outputs have the true size
        pair = self.padding[axis]
        return length + 2 * pair[0 if self.data_format == "channels_first" else 1]


# ---------------------------------------------------------------------- smaller


class Cropping(Resizing):
    """Elements cut off before and after; a base.

    Args:
      cropping: how many: a number, one for each axis of space, or a pair for each.
      data_format: `channels_last` or `channels_first`.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: another number of them.
    """

    _ARGUMENTS = ("cropping", "data_format")
    cropping: Any

    def __init__(
        self,
        cropping: Amounts = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._expect(data_format)
        self.cropping = as_pairs(cropping, self.rank, "cropping")

    def _amounts(self) -> Pairs:
        """How many before and after, by axis of space."""
        return self.cropping

    def _length(self, length: int, axis: int) -> int:
        return length - sum(self._amounts()[axis])

    def call(self, inputs: Tensor) -> Tensor:
        """The outputs for inputs."""
        kept = [slice(lo, -hi if hi else None) for lo, hi in self._amounts()]
        return inputs[tuple(self._placed(kept, slice(None)))]


class Cropping1D(Cropping):
    """Steps of [batch, steps, channels] cut off before and after.

    Args:
      cropping: how many: a number, or a pair.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("cropping",)
    rank = 1

    def __init__(self, cropping: Sizes = (1, 1), **kwargs: Any) -> None:
        pair = normalize_tuple(cropping, 2, "cropping")
        super().__init__([pair], "channels_last", **kwargs)
        self.cropping = pair

    def _amounts(self) -> Pairs:
        return (self.cropping,)


class Cropping2D(Cropping):
    """Images with their borders cut off; see `Cropping`."""

    def __init__(
        self,
        cropping: Amounts = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """Volumes with their borders cut off; see `Cropping`."""

    rank = 3
