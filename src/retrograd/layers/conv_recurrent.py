"""LSTM over images, with convolutions in place of products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.layers.dropped import times
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.recurrent_cells import (
    CONSTRAINTS,
    DEFAULTS,
    DROPOUT,
    INITIALIZERS,
    REGULARIZERS,
    Cell,
)
from retrograd.layers.recurrent_layers import CellLayer, with_loss_of_outputs
from retrograd.layers.signatures import constructor
from retrograd.layers.sizes import (
    conv_output_length,
    normalize_data_format,
    normalize_padding,
    normalize_tuple,
    op_data_format,
    spatial,
    with_spatial,
)
from retrograd.ops.array.fill import zeros, zeros_like
from retrograd.ops.array.join import split
from retrograd.ops.array.shape import transpose
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.dilated import convolution
from retrograd.ops.nn.nn import bias_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import ShapeLike, Sizes, Structure, Training
    from retrograd.variables.variable import Variable

_CELL = (
    "filters kernel_size strides padding data_format dilation_rate activation "
    f"recurrent_activation use_bias {INITIALIZERS} unit_forget_bias {REGULARIZERS} "
    f"{CONSTRAINTS} {DROPOUT}"
)
_DEFAULTS = {
    **DEFAULTS,
    "strides": (1, 1),
    "padding": "valid",
    "data_format": None,
    "dilation_rate": (1, 1),
}


class ConvLSTM2DCell(Cell):
    """`LSTMCell` over images: each product is a convolution (Shi et al. 2015).

    Args:
      filters: how many channels the states have.
      kernel_size, strides, padding, data_format, dilation_rate: see `Conv2D`; they are
        those of the convolutions of inputs.
      activation, …, recurrent_dropout: see `LSTMCell`.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = tuple(_CELL.split())
    __init__ = constructor(_CELL, _DEFAULTS)

    def _begin(self, given: dict[str, Any]) -> None:
        for name in ("kernel_size", "strides", "dilation_rate"):
            given[name] = normalize_tuple(given[name], 2, name)
        given["padding"] = normalize_padding(given["padding"])
        given["data_format"] = normalize_data_format(given["data_format"])
        super()._begin(given)

    def _set_sizes(self) -> None:
        self.state_size = (self.filters, self.filters)

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, rows, columns, channels].

        Raises:
          ValueError: the channels are not known.
        """
        axis = 1 if self.data_format == "channels_first" else -1
        channels = shapes.TensorShape(input_shape).as_list()[axis]
        if channels is None:
            raise ValueError(
                "The channel dimension of the inputs should be defined. Found `None`."
            )
        width = 4 * self.filters
        self.__dict__["_kernel_shape"] = (*self.kernel_size, channels, width)
        self.kernel = self._weight("kernel", self._kernel_shape)
        self.recurrent_kernel = self._weight(
            "recurrent_kernel", (*self.kernel_size, self.filters, width), of="recurrent"
        )
        self.bias = self._forget_bias(self.filters) if self.use_bias else None
        self.built = True

    def call(
        self,
        inputs: Tensor,
        states: Sequence[Tensor],
        training: Training | None = None,
    ) -> tuple[Any, list[Any]]:
        """The outputs of a step, and the next states.

        Args:
          inputs: [batch, rows, columns, channels].
          states: h and c, each with `filters` channels.
          training: whether dropout drops; by default in the learning phase.
        """
        before, carry = states[0], states[1]
        masks = self.get_dropout_mask_for_cell(inputs, training, count=4)
        recurrent = self.get_recurrent_dropout_mask_for_cell(before, training, count=4)
        given, kept = times(inputs, masks, 4), times(before, recurrent, 4)
        kernels = split(self.kernel, 4, axis=3)
        recurrent_kernels = split(self.recurrent_kernel, 4, axis=3)
        biases = split(self.bias, 4) if self.use_bias else [None] * 4
        x = [
            self.input_conv(given[i], kernels[i], biases[i], self.padding)
            for i in range(4)
        ]
        h = [self.recurrent_conv(kept[i], recurrent_kernels[i]) for i in range(4)]
        enter = self.recurrent_activation(x[0] + h[0])
        keep = self.recurrent_activation(x[1] + h[1])
        left = keep * carry
        carry = left + enter * self.activation(x[2] + h[2])
        output = self.recurrent_activation(x[3] + h[3]) * self.activation(carry)
        return output, [output, carry]

    def input_conv(
        self, x: Tensor, w: Tensor, b: Tensor | None = None, padding: str = "valid"
    ) -> Any:
        """Inputs through a part of the kernel, plus its bias.

        Args:
          x: inputs.
          w: the part, [*kernel_size, channels, filters].
          b: the bias, [filters].
          padding: `valid` or `same`.
        """
        found = self._convolved(x, w, padding, self.strides, self.dilation_rate)
        if b is None:
            return found
        return bias_add(found, b, data_format=op_data_format(self.data_format, 4))

    def recurrent_conv(self, x: Tensor, w: Tensor) -> Any:
        """A state through a part of the recurrent kernel."""
        return self._convolved(x, w, "same", (1, 1), (1, 1))

    def _convolved(
        self, x: Tensor, w: Tensor, padding: str, strides: Sizes, rate: Sizes
    ) -> Any:
        first = self.data_format == "channels_first"
        found = convolution(
            transpose(x, [0, 2, 3, 1]) if first else x,
            w,
            padding.upper(),
            strides=strides,
            dilation_rate=rate,
            data_format="NHWC",
        )
        return transpose(found, [0, 3, 1, 2]) if first else found


class ConvRNN2D(CellLayer):
    """A base of layers with a cell over images [batch, steps, rows, columns, channels].

    Raises:
      TypeError: `unroll` is asked for.
    """

    _CELL = ConvLSTM2DCell
    _limits_loop = True

    def _begin(self, given: dict[str, Any]) -> None:
        if given.pop("unroll", False):
            raise TypeError("Unrolling isn't possible with convolutional RNNs.")
        super()._begin(given)
        self.input_spec = [InputSpec(ndim=5)]

    def _of_image(self, given: ShapeLike) -> shapes.TensorShape:
        """The shape of a state for inputs of a shape."""
        batch, _, *image = shapes.TensorShape(given).as_list()
        cell = self.cell
        space = [
            conv_output_length(size, kernel, cell.padding, stride, rate)
            for size, kernel, stride, rate in zip(
                spatial([batch, *image], cell.data_format),
                cell.kernel_size,
                cell.strides,
                cell.dilation_rate,
                strict=True,
            )
        ]
        sizes = with_spatial([batch, *image], cell.data_format, space, cell.filters)
        return shapes.TensorShape(sizes)

    def _state_shape(self, size: Any) -> Sequence[int | None]:
        first = self.cell.data_format == "channels_first"
        return (None, size, None, None) if first else (None, None, None, size)

    def _kept_sizes(self, size: ShapeLike) -> list[int | None]:
        del size
        return self._of_image(self.input_spec[0].shape).as_list()[1:]

    def _shown(self, batch: int, kept: Variable) -> tuple[Any, ...]:
        del batch
        sizes = [shapes.Dimension(size) for size in kept.shape.as_list()]
        at = 1 if self.cell.data_format == "channels_first" else 3
        return tuple(x.value if i == at else x for i, x in enumerate(sizes))

    def compute_output_shape(self, input_shape: Structure) -> Any:
        """[batch, rows, columns, filters], or with the steps; states may follow."""
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, steps = shapes.TensorShape(input_shape).as_list()[:2]
        state = self._of_image(input_shape)
        found = state
        if self.return_sequences:
            found = shapes.TensorShape([batch, steps, *state.as_list()[1:]])
        return [found, state, state] if self.return_state else found

    def get_initial_state(self, inputs: Structure) -> list[Any]:
        """Zeros in the shape of the inputs after a convolution."""
        cell = self.cell
        blank = reduce_sum(zeros_like(nest.flatten(inputs)[0]), axis=1)
        sizes = (*cell._kernel_shape[:-1], cell.filters)
        state = cell.input_conv(blank, zeros(sizes), padding=cell.padding)
        return [state for _ in cell.state_size]


class ConvLSTM2D(ConvRNN2D):
    """`ConvLSTM2DCell` for each step.

    Args:
      filters, kernel_size, …, recurrent_dropout: see `ConvLSTM2DCell`.
      activity_regularizer: the loss of the outputs.
      return_sequences, go_backwards, stateful: see `RNN`.
      **kwargs: those of `RNN`.

    Inputs [batch, steps, rows, columns, channels]; outputs without the steps, or with.
    """

    __init__ = constructor(
        with_loss_of_outputs(_CELL).replace(
            DROPOUT, f"return_sequences go_backwards stateful {DROPOUT}"
        ),
        _DEFAULTS,
    )
