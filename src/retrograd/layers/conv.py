"""Convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.graph import context
from retrograd.layers import regularizers
from retrograd.layers.configured import Configured
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.sizes import (
    conv_output_length,
    deconv_output_length,
    normalize_data_format,
    normalize_padding,
    normalize_tuple,
    op_data_format,
    spatial,
    with_spatial,
)
from retrograd.ops.array.join import stack
from retrograd.ops.array.pad import pad
from retrograd.ops.array.shape import expand_dims, reshape, shape, squeeze, transpose
from retrograd.ops.nn.depthwise import depthwise_conv2d, separable_conv2d
from retrograd.ops.nn.dilated import Convolution
from retrograd.ops.nn.nn import bias_add
from retrograd.ops.nn.transposed import (
    atrous_conv2d_transpose,
    conv2d_transpose,
    conv3d_transpose,
)

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, Operand, Padding, ShapeLike, Sizes, Training

_BIAS = (
    "use_bias bias_initializer bias_regularizer activity_regularizer bias_constraint"
)
_WINDOW = "filters kernel_size strides padding data_format dilation_rate activation"


class Conv(Configured):
    """activation(inputs ∗ kernel + bias); a base.

    Args:
      filters: how many channels come out.
      kernel_size: of the window: a number, or one for each axis.
      strides: how far it moves.
      padding: `valid`, `same`, or (one axis) `causal`.
      data_format: `channels_last` or `channels_first`.
      dilation_rate: how far the elements of the window are apart.
      activation: a function or its name; by default none.
      use_bias: whether there is a bias.
      kernel_initializer, bias_initializer: the first values of the weights.
      kernel_regularizer, bias_regularizer: the losses of the weights.
      activity_regularizer: the loss of the outputs.
      kernel_constraint, bias_constraint: what the weights must satisfy.
      **kwargs: those of `Layer`.

    Inputs [batch, *space, channels], outputs [batch, *space, filters].

    Raises:
      ValueError: sizes or formats that there are not; channels that are not known.
    """

    _ARGUMENTS = tuple(
        f"{_WINDOW} {_BIAS} kernel_initializer kernel_regularizer "
        "kernel_constraint".split()
    )

    rank: int = 2
    bias: Any
    _data_format: str | None = None

    def __init__(
        self,
        filters: int | None,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
        super().__init__(
            activity_regularizer=regularizers.get(activity_regularizer), **kwargs
        )
        rank = self.rank
        self.padding = normalize_padding(padding)
        if self.padding == "causal" and rank != 1:
            raise ValueError(
                "Causal padding is only supported for `Conv1D`and ``SeparableConv1D`."
            )
        self.data_format = normalize_data_format(data_format or self._data_format)
        self._keep(
            filters=filters,
            kernel_size=normalize_tuple(kernel_size, rank, "kernel_size"),
            strides=normalize_tuple(strides, rank, "strides"),
            dilation_rate=normalize_tuple(dilation_rate, rank, "dilation_rate"),
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.input_spec = InputSpec(ndim=rank + 2)

    def _channels(self, input_shape: ShapeLike) -> int:
        """The channels of the inputs, which are expected from now on.

        Raises:
          ValueError: they are not known.
        """
        axis = 1 if self.data_format == "channels_first" else -1
        channels = shapes.TensorShape(input_shape).as_list()[axis]
        if channels is None:
            raise ValueError(
                "The channel dimension of the inputs should be defined. Found `None`."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_bias(self, size: int) -> None:
        self.bias = self._weight("bias", (size,)) if self.use_bias else None

    def build(self, input_shape: ShapeLike) -> None:
        """Make the kernel [*kernel_size, channels, filters] and the bias."""
        sizes = (*self.kernel_size, self._channels(input_shape), self.filters)
        self.kernel = self._weight("kernel", sizes)
        self._add_bias(self.filters)
        self.__dict__["_convolution_op"] = Convolution(
            shapes.TensorShape(input_shape),
            filter_shape=self.kernel.shape,
            dilation_rate=self.dilation_rate,
            strides=self.strides,
            padding=self._op_padding(),
            data_format=op_data_format(self.data_format, self.rank + 2),
        )
        self.built = True

    def _op_padding(self) -> Any:
        if isinstance(self.padding, (list, tuple)):
            return self.padding
        return "VALID" if self.padding == "causal" else self.padding.upper()

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        outputs = self._convolution_op(self._padded(inputs), self.kernel)
        return self._activated(self._with_bias(outputs))

    def _with_bias(self, outputs: Tensor) -> Any:
        """Outputs and the bias, if there is one."""
        if not self.use_bias:
            return outputs
        if self.rank == 1 and self.data_format == "channels_first":
            return outputs + reshape(self.bias, (1, self.filters, 1))
        format_ = op_data_format(self.data_format, 4)
        return bias_add(outputs, self.bias, data_format=format_)

    def _padded(self, inputs: Tensor) -> Any:
        """Inputs with the zeros in front that causal padding asks for."""
        if self.padding != "causal":
            return inputs
        left = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        pairs = [[0, 0], [left, 0], [0, 0]]
        if self.data_format == "channels_first":
            pairs = [[0, 0], [0, 0], [left, 0]]
        return pad(inputs, pairs)

    def _space(self, given: list[Any]) -> list[Any]:
        """The sizes of space that come out."""
        return [
            conv_output_length(d, kernel, self.padding, stride, dilation)
            for d, kernel, stride, dilation in zip(
                spatial(given, self.data_format),
                self.kernel_size,
                self.strides,
                self.dilation_rate,
                strict=True,
            )
        ]

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, *space, filters]."""
        given = shapes.TensorShape(input_shape).as_list()
        sizes = with_spatial(given, self.data_format, self._space(given), self.filters)
        return shapes.TensorShape(sizes)


class Conv1D(Conv):
    """Convolution over [batch, steps, channels]; see `Conv` for the arguments."""

    rank = 1
    _data_format = "channels_last"


class Conv2D(Conv):
    """Convolution over [batch, rows, columns, channels]; see `Conv`."""

    rank = 2


class Conv3D(Conv):
    """Convolution over volumes; see `Conv` for the arguments."""

    rank = 3


class ConvTranspose(Conv):
    """The transpose of a convolution: the gradient of one, as a layer; a base.

    Args:
      filters, kernel_size, strides, padding: as of `Conv`.
      output_padding: how much longer each axis comes out than it must.
      **kwargs: those of `Conv`.

    Raises:
      ValueError: as much as a stride.
    """

    _ARGUMENTS = (*Conv._ARGUMENTS, "output_padding")

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        output_padding: Sizes | None = None,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, **kwargs
        )
        self.output_padding = output_padding
        if output_padding is None:
            return
        self.output_padding = normalize_tuple(
            output_padding, self.rank, "output_padding"
        )
        for stride, more in zip(self.strides, self.output_padding, strict=True):
            if more >= stride:
                raise ValueError(
                    f"Stride {self.strides} must be greater than output padding "
                    f"{self.output_padding}"
                )

    def build(self, input_shape: ShapeLike) -> None:
        """Make the kernel [*kernel_size, filters, channels] and the bias.

        Raises:
          ValueError: inputs of another rank.
        """
        given = shapes.TensorShape(input_shape)
        if given.ndims != self.rank + 2:
            raise ValueError(
                f"Inputs should have rank {self.rank + 2}. Received input shape: "
                f"{given}"
            )
        sizes = (*self.kernel_size, self.filters, self._channels(input_shape))
        self.kernel = self._weight("kernel", sizes)
        self._add_bias(self.filters)
        self.built = True

    def _space(self, given: list[Any]) -> list[Any]:
        """The sizes of space that come out."""
        more: Any = self.output_padding or (None,) * self.rank
        return [
            deconv_output_length(d, kernel, self.padding, extra, stride, dilation)
            for d, kernel, extra, stride, dilation in zip(
                spatial(given, self.data_format),
                self.kernel_size,
                more,
                self.strides,
                self.dilation_rate,
                strict=True,
            )
        ]

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        dynamic = shape(inputs)
        start = 2 if self.data_format == "channels_first" else 1
        space = range(start, start + self.rank)
        known = {i: dynamic[i] for i in (0, *space)}
        given = [known.get(i) for i in range(self.rank + 2)]
        sizes = with_spatial(given, self.data_format, self._space(given), self.filters)
        outputs = self._transposed(inputs, stack(sizes))
        if not context.executing_eagerly():
            outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self._activated(self._with_bias(outputs))

    def _transposed(self, inputs: Tensor, sizes: Any) -> Any:
        strides = (1, 1, *self.strides)
        if self.data_format == "channels_last":
            strides = (1, *self.strides, 1)
        function = conv2d_transpose if self.rank == 2 else conv3d_transpose
        return function(
            inputs,
            self.kernel,
            sizes,
            strides,
            padding=self.padding.upper(),
            data_format=op_data_format(self.data_format, self.rank + 2),
        )


class Conv2DTranspose(ConvTranspose):
    """The transpose of a convolution over images; see `ConvTranspose`."""

    def _transposed(self, inputs: Tensor, sizes: Any) -> Any:
        _ = sizes[0]  # 1.15 looks whether it is None, and has this node for it
        if self.dilation_rate == (1, 1):
            return super()._transposed(inputs, sizes)
        first = self.data_format == "channels_first"
        if first:
            inputs = transpose(inputs, (0, 2, 3, 1))
            sizes = stack([sizes[0], sizes[2], sizes[3], sizes[1]])
        outputs = atrous_conv2d_transpose(
            inputs, self.kernel, sizes, self.dilation_rate[0], self.padding.upper()
        )
        return transpose(outputs, (0, 3, 1, 2)) if first else outputs


class Conv3DTranspose(ConvTranspose):
    """The transpose of a convolution over volumes; see `ConvTranspose`."""

    _ARGUMENTS = tuple(a for a in ConvTranspose._ARGUMENTS if a != "dilation_rate")
    rank = 3


class SeparableConv(Conv):
    """A convolution of each channel, then one over the channels; a base.

    Args:
      filters, kernel_size, strides, padding, data_format, dilation_rate: as of `Conv`.
      depth_multiplier: how many channels the first gives for each.
      activation, use_bias: as of `Conv`.
      depthwise_initializer, pointwise_initializer, bias_initializer,
      depthwise_regularizer, pointwise_regularizer, bias_regularizer,
      activity_regularizer, depthwise_constraint, pointwise_constraint,
      bias_constraint: as of `Conv`, for each of the weights.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = (
        *Conv._ARGUMENTS,
        *"depth_multiplier depthwise_initializer pointwise_initializer".split(),
        *"depthwise_regularizer pointwise_regularizer".split(),
        *"depthwise_constraint pointwise_constraint".split(),
    )

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: Padding = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        depth_multiplier: int = 1,
        activation: Named = None,
        use_bias: bool = True,
        depthwise_initializer: Named = "glorot_uniform",
        pointwise_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        depthwise_regularizer: Named = None,
        pointwise_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        depthwise_constraint: Named = None,
        pointwise_constraint: Named = None,
        bias_constraint: Named = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self._keep(
            depth_multiplier=depth_multiplier,
            depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
        )

    def build(self, input_shape: ShapeLike) -> None:
        """Make the kernels [*kernel_size, n, multiplier] and [1, …, filters]."""
        channels = self._channels(input_shape)
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*(1,) * self.rank, self.depth_multiplier * channels, self.filters)
        self.depthwise_kernel = self._weight("depthwise_kernel", depthwise, "depthwise")
        self.pointwise_kernel = self._weight("pointwise_kernel", pointwise, "pointwise")
        self._add_bias(self.filters)
        self.built = True

    def _separably(self, inputs: Tensor, depthwise: Operand, pointwise: Operand) -> Any:
        """Convolve images, and add the bias."""
        strides, rate = self.strides * (3 - self.rank), self.dilation_rate
        first = self.data_format == "channels_first"
        format_ = op_data_format(self.data_format, 4)
        outputs = separable_conv2d(
            inputs,
            depthwise,
            pointwise,
            strides=(1, 1, *strides) if first else (1, *strides, 1),
            padding=self._op_padding(),
            rate=rate if self.rank == 2 else (1, *rate),
            data_format=format_,
        )
        if self.use_bias:
            outputs = bias_add(outputs, self.bias, data_format=format_)
        return outputs


class SeparableConv1D(SeparableConv):
    """Separable convolution over [batch, steps, channels]; see `SeparableConv`."""

    rank = 1

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        axis = 2 if self.data_format == "channels_first" else 1
        outputs = self._separably(
            expand_dims(self._padded(inputs), axis),
            expand_dims(self.depthwise_kernel, 0),
            expand_dims(self.pointwise_kernel, 0),
        )
        outputs = squeeze(outputs, [axis])
        return self._activated(outputs)


class SeparableConv2D(SeparableConv):
    """Separable convolution over images; see `SeparableConv`."""

    def call(self, inputs: Tensor) -> Any:
        """The outputs for inputs."""
        outputs = self._separably(inputs, self.depthwise_kernel, self.pointwise_kernel)
        return self._activated(outputs)


class DepthwiseConv2D(Conv2D):
    """A convolution of each channel of images alone.

    Args:
      kernel_size, strides, padding: as of `Conv`.
      depth_multiplier: how many channels come out for each.
      data_format, activation, use_bias: as of `Conv`.
      depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
      activity_regularizer, depthwise_constraint, bias_constraint: for the weights.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = tuple(
        "kernel_size strides padding data_format dilation_rate activation use_bias "
        "bias_initializer bias_regularizer activity_regularizer bias_constraint "
        "depth_multiplier depthwise_initializer depthwise_regularizer "
        "depthwise_constraint".split()
    )

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = (1, 1),
        padding: Padding = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        activation: Named = None,
        use_bias: bool = True,
        depthwise_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        depthwise_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        depthwise_constraint: Named = None,
        bias_constraint: Named = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            None,
            kernel_size,
            strides,
            padding,
            data_format,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self._keep(
            depth_multiplier=depth_multiplier,
            depthwise_initializer=depthwise_initializer,
            depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint,
        )

    def build(self, input_shape: ShapeLike) -> None:
        """Make the kernel [*kernel_size, channels, multiplier] and the bias."""
        channels = self._channels(input_shape)
        sizes = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self._weight("depthwise_kernel", sizes, "depthwise")
        self._add_bias(channels * self.depth_multiplier)
        self.built = True

    def call(self, inputs: Tensor, training: Training | None = None) -> Any:
        """The outputs for inputs."""
        del training
        first = self.data_format == "channels_first"
        outputs = depthwise_conv2d(
            inputs,
            self.depthwise_kernel,
            strides=(1, 1, *self.strides) if first else (1, *self.strides, 1),
            padding=self._op_padding(),
            rate=self.dilation_rate,
            data_format=op_data_format(self.data_format, 4),
        )
        return self._activated(self._with_bias(outputs))

    def compute_output_shape(self, input_shape: ShapeLike) -> Any:
        """[batch, *space, channels · multiplier]."""
        given = shapes.TensorShape(input_shape).as_list()
        first = self.data_format == "channels_first"
        channels = given[1 if first else 3] * self.depth_multiplier
        sizes = with_spatial(given, self.data_format, self._space(given), channels)
        return shapes.TensorShape(sizes)
