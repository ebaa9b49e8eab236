"""LSTM whose inputs and states are lines, images or volumes (Shi et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.contrib.rnn.linear import joined
from retrograd.contrib.rnn.sized import keeps_sizes
from retrograd.contrib.rnn.steps import memory
from retrograd.layers.rnn_cell_base import KERNEL, RNNCell
from retrograd.layers.rnn_cells import LSTMStateTuple
from retrograd.ops.array.join import concat, split
from retrograd.ops.declare import F
from retrograd.ops.nn.conv import conv1d, conv2d, conv3d
from retrograd.variables.initializers import constant_initializer
from retrograd.variables.scope import get_variable

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure


def _checked_channels(args: Sequence[Any]) -> int:
    """The sum of the channels of tensors.

    Raises:
      ValueError: they are no lines, images or volumes, or not of one kind.
    """
    sizes = [x.shape.as_list() for x in args]
    for one in sizes:
        if len(one) not in (3, 4, 5):
            raise ValueError(f"Conv Linear expects 3D, 4D or 5D arguments: {sizes}")
        if len(one) != len(sizes[0]):
            raise ValueError(
                f"Conv Linear expects all args to be of same Dimension: {sizes}"
            )
    return sum(one[-1] for one in sizes)


def _conv(
    args: Sequence[Any],
    filter_size: Sequence[int],
    num_features: int,
    bias: bool,
    bias_start: float = 0.0,
) -> Any:
    """The convolution of tensors side by side, with variables of the current scope.

    Args:
      args: tensors [batch, …, channels], of as many axes as `filter_size` has and two.
      filter_size: the sizes of the kernel.
      num_features: the channels of what comes out.
      bias: whether there is one.
      bias_start: its first values.

    Raises:
      ValueError: the tensors are no lines, images or volumes, or not of one kind.
    """
    channels, dtype, rank = _checked_channels(args), args[0].dtype, len(args[0].shape)
    convolved = {3: conv1d, 4: conv2d, 5: conv3d}[rank]
    strides: Any = 1 if rank == 3 else [1] * rank
    kernel = get_variable(KERNEL, [*filter_size, channels, num_features], dtype=dtype)
    whole = joined(args, rank - 1)
    found = convolved(whole, kernel, strides, padding="SAME")
    if not bias:
        return found
    first = constant_initializer(bias_start, dtype=dtype)
    return found + get_variable(
        "biases", [num_features], dtype=dtype, initializer=first
    )


@keeps_sizes
class ConvLSTMCell(RNNCell):
    """LSTM with convolutions where others have products.

    Args:
      conv_ndims: how many axes it convolves along: 1, 2 or 3.
      input_shape: the shape of the inputs, without the batch.
      output_channels: the channels of c.
      kernel_shape: the sizes of the kernel.
      use_bias: whether there is a bias.
      skip_connection: whether the inputs come out behind the outputs.
      forget_bias: what is added to the input of the forget gate.
      initializers: does nothing.
      name: of the layer.

    Raises:
      ValueError: the shape has another number of axes.
    """

    def __init__(
        self,
        conv_ndims: int,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: Sequence[int],
        use_bias: bool = True,
        skip_connection: bool = False,
        forget_bias: float = 1.0,
        initializers: object = None,
        name: str = "conv_lstm_cell",
    ) -> None:
        super().__init__(name=name)
        if conv_ndims != len(input_shape) - 1:
            raise ValueError(
                f"Invalid input_shape {input_shape} for conv_ndims={conv_ndims}."
            )
        del initializers
        self._conv_ndims = conv_ndims
        self._input_shape = input_shape
        self._output_channels = output_channels
        self._kernel_shape = list(kernel_shape)
        self._use_bias = use_bias
        self._forget_bias = forget_bias
        self._skip_connection = skip_connection
        sizes, channels = list(input_shape[:-1]), output_channels
        self._total_output_channels = channels + (
            input_shape[-1] if skip_connection else 0
        )
        kept = shapes.TensorShape([*sizes, channels])
        self._state_size = LSTMStateTuple(kept, kept)
        self._output_size = shapes.TensorShape([*sizes, self._total_output_channels])

    def call(self, inputs: Tensor, state: Structure) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        c, h = state
        parts, axis = 4 * self._output_channels, self._conv_ndims + 1
        z = _conv([inputs, h], self._kernel_shape, parts, self._use_bias)
        gates = split(value=z, num_or_size_splits=4, axis=axis)
        c = memory(c, gates, self._forget_bias)
        output = F.Tanh(c) * F.Sigmoid(gates[3])
        if self._skip_connection:
            output = concat([output, inputs], axis=-1)
        return output, LSTMStateTuple(c, output)


class Conv1DLSTMCell(ConvLSTMCell):
    """`ConvLSTMCell` for lines.

    Args:
      name: of the layer.
      **kwargs: those of `ConvLSTMCell`.
    """

    def __init__(self, name: str = "conv_1d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=1, name=name, **kwargs)


class Conv2DLSTMCell(ConvLSTMCell):
    """`ConvLSTMCell` for images.

    Args:
      name: of the layer.
      **kwargs: those of `ConvLSTMCell`.
    """

    def __init__(self, name: str = "conv_2d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=2, name=name, **kwargs)


class Conv3DLSTMCell(ConvLSTMCell):
    """`ConvLSTMCell` for volumes.

    Args:
      name: of the layer.
      **kwargs: those of `ConvLSTMCell`.
    """

    def __init__(self, name: str = "conv_3d_lstm_cell", **kwargs: Any) -> None:
        super().__init__(conv_ndims=3, name=name, **kwargs)
