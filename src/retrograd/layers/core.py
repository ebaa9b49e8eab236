"""Dense layers, and layers that reshape, mask or drop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.layers import regularizers
from retrograd.layers.backend_config import floatx
from retrograd.layers.configured import Configured, Elementwise
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.noise import Noise
from retrograd.layers.sizes import normalize_data_format
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import expand_dims, reshape, shape, squeeze, transpose
from retrograd.ops.declare import F
from retrograd.ops.linalg.einsum import tensordot
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_any
from retrograd.ops.nn.nn import bias_add, dropout

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, ShapeLike


def sizes_of(input_shape: ShapeLike) -> list[int | None]:
    """A shape as a list."""
    return shapes.TensorShape(input_shape).as_list()


class Dense(Configured):
    """activation(x · kernel + bias), over the last axis.

    Args:
      units: how many outputs.
      activation: a function or its name; by default none.
      use_bias: whether there is a bias.
      kernel_initializer, bias_initializer: the first values of the weights.
      kernel_regularizer, bias_regularizer: the losses of the weights.
      activity_regularizer: the loss of the outputs.
      kernel_constraint, bias_constraint: what the weights must satisfy.
      **kwargs: those of `Layer`.

    Inputs [..., n], outputs [..., units].

    Raises:
      TypeError: weights that are not floats.
      ValueError: the size of the last axis is not known.
    """

    bias: Any
    _ARGUMENTS = tuple(
        "units activation use_bias kernel_initializer bias_initializer "
        "kernel_regularizer bias_regularizer activity_regularizer kernel_constraint "
        "bias_constraint".split()
    )

    def __init__(
        self,
        units: int,
        activation: Named = None,
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        bias_constraint: Named = None,
        **kwargs: Any,
    ) -> None:
        if "input_shape" not in kwargs and "input_dim" in kwargs:
            kwargs["input_shape"] = (kwargs.pop("input_dim"),)
        super().__init__(
            activity_regularizer=regularizers.get(activity_regularizer), **kwargs
        )
        self._keep(
            units=units if isinstance(units, int) else int(units),
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the kernel [n, units] and the bias [units]."""
        dtype = dtypes.as_dtype(self.dtype or floatx())
        if not (dtype.is_floating or dtype.is_complex):
            raise TypeError(
                f"Unable to build `Dense` layer with non-floating point dtype {dtype}"
            )
        last = sizes_of(input_shape)[-1]
        if last is None:
            raise ValueError(
                "The last dimension of the inputs to `Dense` should be defined. Found "
                "`None`."
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: last})
        self.kernel = self._weight("kernel", [last, self.units])
        self.bias = self._weight("bias", [self.units]) if self.use_bias else None
        self.built = True

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        inputs = convert_to_tensor(inputs)
        rank = inputs.shape.ndims
        if rank is not None and rank > 2:
            outputs = tensordot(inputs, self.kernel, [[rank - 1], [0]])
            if not context.executing_eagerly():
                outputs.set_shape([*inputs.shape.as_list()[:-1], self.units])
        else:
            outputs = F.MatMul(cast(inputs, self.dtype), self.kernel)
        if self.use_bias:
            outputs = bias_add(outputs, self.bias)
        return self._activated(outputs)

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[..., units].

        Raises:
          ValueError: the size of the last axis is not known.
        """
        given = shapes.TensorShape(input_shape).with_rank_at_least(2).as_list()
        if given[-1] is None:
            raise ValueError(
                "The innermost dimension of input_shape must be defined, but saw: "
                f"{input_shape}"
            )
        return shapes.TensorShape([*given[:-1], self.units])


class Activation(Elementwise):
    """A function of each input.

    Args:
      activation: the function or its name.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("activation",)

    def __init__(self, activation: Named, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._keep(activation=activation)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return self.activation(inputs)


class Dropout(Noise):
    """In training, inputs set to 0 at random, the others scaled up.

    Args:
      rate: the share that is dropped.
      noise_shape: the shape of what is drawn; where it is 1, one draw is for all.
      seed: of the random numbers.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("rate", "noise_shape", "seed")

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[Any] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def _get_noise_shape(self, inputs: Tensor) -> Any:
        if self.noise_shape is None:
            return None
        dynamic = shape(inputs)
        sizes = [dynamic[i] if d is None else d for i, d in enumerate(self.noise_shape)]
        return convert_to_tensor(sizes)

    def _noised(self, inputs: Tensor) -> Any:
        noise = self._get_noise_shape(inputs)
        return dropout(inputs, noise_shape=noise, seed=self.seed, rate=self.rate)


class SpatialDropout(Dropout):
    """Drops whole channels; a base."""

    _rank = 1

    def __init__(
        self, rate: float, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(rate, **kwargs)
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _get_noise_shape(self, inputs: Tensor) -> Any:
        sizes = shape(inputs)
        if self._rank > 1 and self.data_format == "channels_first":
            return (sizes[0], sizes[1], *[1] * self._rank)
        return (sizes[0], *[1] * self._rank, sizes[self._rank + 1])


class SpatialDropout1D(SpatialDropout):
    """Drops whole channels of sequences [batch, steps, channels].

    Args:
      rate: the share that is dropped.
      **kwargs: those of `Layer`.
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(rate, **kwargs)


class SpatialDropout2D(SpatialDropout):
    """Drops whole channels of images.

    Args:
      rate: the share that is dropped.
      data_format: `channels_last` or `channels_first`.
      **kwargs: those of `Layer`.
    """

    _rank = 2


class SpatialDropout3D(SpatialDropout):
    """Drops whole channels of volumes; arguments as of `SpatialDropout2D`."""

    _rank = 3


class Flatten(Configured):
    """All axes but the first made one.

    Args:
      data_format: `channels_first` brings the channels last before.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("data_format",)

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        rank = inputs.shape.ndims
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = transpose(inputs, [0, *range(2, rank), 1])
        batch = inputs.shape.as_list()[0] or shape(inputs)[0]
        outputs = reshape(inputs, (batch, -1))
        if not context.executing_eagerly():
            outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, product of the other sizes]."""
        batch, *rest = sizes_of(input_shape) or [1]
        known = [d for d in rest if d]
        size = math.prod(known) if len(known) == len(rest) else None
        return shapes.TensorShape([batch, size])


class Reshape(Configured):
    """Inputs in another shape.

    Args:
      target_shape: the shape without the batch; one size may be −1.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("target_shape",)

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return reshape(inputs, (shape(inputs)[0], *self.target_shape))

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, *target_shape].

        Raises:
          ValueError: the inputs have another number of elements.
        """
        batch, *rest = sizes_of(input_shape)
        wanted = list(self.target_shape)
        if None in rest:
            return shapes.TensorShape(
                [batch, *[None if d == -1 else d for d in wanted]]
            )
        if wanted.count(-1) > 1:
            raise ValueError("Can only specify one unknown dimension.")
        count = math.prod(d for d in rest if d is not None)
        known = math.prod(d for d in wanted if d >= 0)
        if (known == 0 or count % known) if -1 in wanted else count != known:
            raise ValueError("total size of new array must be unchanged")
        sizes = [count // known if d < 0 else d for d in wanted]
        return shapes.TensorShape([batch, *sizes])


class Permute(Configured):
    """Axes in another order.

    Args:
      dims: the order of the axes after the batch, from 1 on.
      **kwargs: those of `Layer`.

    Raises:
      ValueError: `dims` is no order of them.
    """

    _ARGUMENTS = ("dims",)

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(
                f"Invalid permutation `dims` for Permute Layer: {dims}. The set of "
                "indices in `dims` must be consecutive and start from 1."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return transpose(inputs, perm=(0, *self.dims))

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """The sizes in the new order."""
        given = sizes_of(input_shape)
        return shapes.TensorShape([given[0], *[given[d] for d in self.dims]])


class RepeatVector(Configured):
    """[batch, features] repeated: [batch, n, features].

    Args:
      n: how often.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("n",)

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        return F.Tile(expand_dims(inputs, 1), stack([1, self.n, 1]))

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, n, features]."""
        batch, size = sizes_of(input_shape)
        return shapes.TensorShape([batch, self.n, size])


class Masking(Configured):
    """A mask of the steps that do not hold `mask_value` alone; those are set to 0.

    Args:
      mask_value: the value.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("mask_value",)
    _compute_output_and_mask_jointly = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.mask_value = mask_value

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Any:
        """The steps in which an input differs from the value."""
        del mask
        return reduce_any(F.NotEqual(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        kept = reduce_any(F.NotEqual(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = inputs * cast(kept, inputs.dtype)
        outputs._keras_mask = squeeze(kept, axis=-1)
        return outputs

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """The shape of the inputs."""
        return input_shape


class ActivityRegularization(Configured):
    """The inputs, whose absolute values and squares are losses.

    Args:
      l1: the weight of the absolute values.
      l2: the weight of the squares.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("l1", "l2")

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        loss = regularizers.L1L2(l1=l1, l2=l2)
        super().__init__(activity_regularizer=loss, **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """The shape of the inputs."""
        return input_shape
