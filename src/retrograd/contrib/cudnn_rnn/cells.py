"""Cells with the variables and the arithmetic of cuDNN's networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.contrib.rnn.blocks import LSTMBlockCell
from retrograd.layers.rnn_cell_base import BIAS
from retrograd.layers.rnn_cells import GRUCell
from retrograd.ops.array.join import concat, split
from retrograd.ops.declare import F
from retrograd.ops.nn.nn import bias_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, ShapeLike


class CudnnCompatibleLSTMCell(LSTMBlockCell):
    """An LSTM as cuDNN's: nothing is added to the forget gate, and c has no limit.

    Args:
      num_units: the size of c and h.
      reuse: whether variables that are there are used.
    """

    def __init__(self, num_units: int, reuse: bool | None = None) -> None:
        super().__init__(
            num_units,
            forget_bias=0,
            cell_clip=None,
            use_peephole=False,
            reuse=reuse,
            name="cudnn_compatible_lstm_cell",
        )


class CudnnCompatibleGRUCell(GRUCell):
    """Gated recurrent units as cuDNN's: the reset gate comes behind the product.

    h̃ = tanh(x · W + a + r (h · V + b)), and h = (1 − u) h̃ + u h.

    Args:
      num_units: the size of the state.
      reuse: whether variables that are there are used.
      kernel_initializer: the first values of the kernels.
    """

    def __init__(
        self,
        num_units: int,
        reuse: bool | None = None,
        kernel_initializer: Named = None,
    ) -> None:
        super().__init__(
            num_units,
            activation=None,
            reuse=reuse,
            kernel_initializer=kernel_initializer,
        )

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        width, units = self._width(input_shape), self._num_units
        ones, blank = self._first_biases()
        self._gate_kernel = self._kernel_of("gates", [width + units, 2 * units])
        self._gate_bias = self.add_variable(
            f"gates/{BIAS}", shape=[2 * units], initializer=ones
        )
        self._candidate_input_kernel = self._kernel_of(
            "candidate/input_projection", [width, units]
        )
        self._candidate_hidden_kernel = self._kernel_of(
            "candidate/hidden_projection", [units, units]
        )
        self._candidate_input_bias = self.add_variable(
            f"candidate/input_projection/{BIAS}", shape=[units], initializer=blank
        )
        self._candidate_hidden_bias = self.add_variable(
            f"candidate/hidden_projection/{BIAS}", shape=[units], initializer=blank
        )
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Any, Any]:
        """The outputs of a step, and the next state."""
        z = F.MatMul(concat([inputs, state], 1), self._gate_kernel)
        gates = F.Sigmoid(bias_add(z, self._gate_bias))
        reset, update = split(value=gates, num_or_size_splits=2, axis=1)
        of_x = F.MatMul(inputs, self._candidate_input_kernel)
        of_x = bias_add(of_x, self._candidate_input_bias)
        of_h = F.MatMul(state, self._candidate_hidden_kernel)
        of_h = bias_add(of_h, self._candidate_hidden_bias)
        candidate = self._activation(of_x + reset * of_h)
        new = (1 - update) * candidate + update * state
        return new, new
