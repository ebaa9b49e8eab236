"""Cells with gates: GRU and LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.layers.dropped import times
from retrograd.layers.recurrent_cells import (
    CONSTRAINTS,
    DEFAULTS,
    DROPOUT,
    INITIALIZERS,
    REGULARIZERS,
    Cell,
)
from retrograd.layers.signatures import constructor
from retrograd.ops.array.join import split, unstack
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, ShapeLike, TensorLike, Training

_ACTIVATIONS = "activation recurrent_activation use_bias"
GRU_CELL = (
    f"units {_ACTIVATIONS} {INITIALIZERS} {REGULARIZERS} {CONSTRAINTS} {DROPOUT} "
    "implementation reset_after"
)
LSTM_CELL = (
    f"units {_ACTIVATIONS} {INITIALIZERS} unit_forget_bias {REGULARIZERS} "
    f"{CONSTRAINTS} {DROPOUT} implementation"
)


class GRUCell(Cell):
    """Gated recurrent units: h = z h + (1 − z) h̃ (Cho et al. 2014).

    z and r = recurrent_activation(x · kernel + h · recurrent_kernel + bias), each with
    its part of the weights, in the order z, r, h̃; and h̃ likewise, with `activation`
    and r h in place of h.

    Args:
      units: the size of the state.
      activation, recurrent_activation: functions or their names.
      use_bias: whether there is a bias.
      kernel_initializer, recurrent_initializer, bias_initializer: the first values of
        the weights.
      kernel_regularizer, recurrent_regularizer, bias_regularizer: the losses of the
        weights.
      kernel_constraint, recurrent_constraint, bias_constraint: what the weights must
        satisfy.
      dropout, recurrent_dropout: the shares of inputs and states that are dropped.
      implementation: 1 for a product for each gate, 2 for one for all.
      reset_after: whether r is multiplied after the product; then there are two biases.
      **kwargs: those of `Layer`.
    """

    _parts = 3
    _ARGUMENTS = tuple(GRU_CELL.split())
    __init__ = constructor(GRU_CELL, DEFAULTS)

    def _add_bias(self) -> Any:
        width = self._parts * self.units
        return self._weight("bias", (2, width) if self.reset_after else (width,))

    def call(
        self,
        inputs: Tensor,
        states: Sequence[Tensor],
        training: Training | None = None,
    ) -> tuple[Any, list[Any]]:
        """The outputs of a step, and the next states.

        Args:
          inputs: [batch, n].
          states: one, [batch, units].
          training: whether dropout drops; by default in the learning phase.
        """
        before = states[0]
        masks = self.get_dropout_mask_for_cell(inputs, training, count=3)
        recurrent = self.get_recurrent_dropout_mask_for_cell(before, training, count=3)
        return self._stepped(inputs, before, masks, recurrent)

    def _stepped(
        self,
        inputs: Tensor,
        before: Tensor,
        masks: list[Any] | None = None,
        recurrent: list[Any] | None = None,
    ) -> tuple[Any, list[Any]]:
        biases = (self.bias, None)
        if self.use_bias and self.reset_after:
            biases = unstack(self.bias)
        step = self._apart if self.implementation == 1 else self._together
        update, before, candidate = step(inputs, before, masks, recurrent, biases)
        output = update * before + (1 - update) * candidate
        return output, [output]

    def _apart(
        self,
        inputs: Tensor,
        before: Tensor,
        masks: list[Any] | None,
        recurrent: list[Any] | None,
        biases: Sequence[Any],
    ) -> tuple[Any, Any, Any]:
        """The update gate, the state and the candidate; a product for each part."""
        given = times(inputs, masks, 3)
        x = [F.MatMul(x, self._slice(self.kernel, i)) for i, x in enumerate(given)]
        if self.use_bias:
            bias = biases[0]
            x = [self._add_biased(y, self._slice(bias, i)) for i, y in enumerate(x)]
        kept = times(before, recurrent, 3)
        kernel, bias = self.recurrent_kernel, biases[1]
        h = [F.MatMul(kept[i], self._slice(kernel, i)) for i in (0, 1)]
        if self.reset_after and self.use_bias:
            h = [self._add_biased(y, self._slice(bias, i)) for i, y in enumerate(h)]
        update = self.recurrent_activation(x[0] + h[0])
        reset = self.recurrent_activation(x[1] + h[1])
        if not self.reset_after:
            inner = F.MatMul(reset * kept[2], self._slice(kernel, 2))
            return update, before, self.activation(x[2] + inner)
        inner = F.MatMul(kept[2], self._slice(kernel, 2))
        if self.use_bias:
            inner = self._add_biased(inner, self._slice(bias, 2))
        return update, before, self.activation(x[2] + reset * inner)

    def _slice(self, weight: Tensor, part: int) -> Any:
        """A part of a weight, along its last axis."""
        low = None if part == 0 else part * self.units
        high = None if part == 2 else (part + 1) * self.units
        return weight[low:high] if len(weight.shape) == 1 else weight[:, low:high]

    def _together(
        self,
        inputs: Tensor,
        before: Tensor,
        masks: list[Any] | None,
        recurrent: list[Any] | None,
        biases: Sequence[Any],
    ) -> tuple[Any, Any, Any]:
        """The update gate, the state and the candidate; one product for all parts.

        The state is what dropout has left of it.
        """
        units = self.units
        (inputs,) = times(inputs, masks and masks[:1], 1)
        x = self._add_biased(F.MatMul(inputs, self.kernel), biases[0])
        x_update, x_reset, x_candidate = (
            x[:, :units],
            x[:, units : 2 * units],
            x[:, 2 * units :],
        )
        (before,) = times(before, recurrent and recurrent[:1], 1)
        if self.reset_after:
            inner = F.MatMul(before, self.recurrent_kernel)
            inner = self._add_biased(inner, biases[1])
        else:
            inner = F.MatMul(before, self.recurrent_kernel[:, : 2 * units])
        h_update, h_reset = inner[:, :units], inner[:, units : 2 * units]
        update = self.recurrent_activation(x_update + h_update)
        reset = self.recurrent_activation(x_reset + h_reset)
        if self.reset_after:
            inner = reset * inner[:, 2 * units :]
        else:
            inner = F.MatMul(reset * before, self.recurrent_kernel[:, 2 * units :])
        return update, before, self.activation(x_candidate + inner)


class LSTMCell(Cell):
    """Long short-term memory: c = f c + i c̃, h = o activation(c).

    The gates i, f and o are recurrent_activation(x · kernel + h · recurrent_kernel +
    bias), each with its part of the weights, in the order i, f, c̃, o; and c̃ likewise,
    with `activation` (Hochreiter & Schmidhuber 1997).

    Args:
      units: the size of the states h and c.
      activation, recurrent_activation: functions or their names.
      use_bias: whether there is a bias.
      kernel_initializer, recurrent_initializer, bias_initializer: the first values of
        the weights.
      unit_forget_bias: whether the bias of f is 1 at first.
      kernel_regularizer, recurrent_regularizer, bias_regularizer: the losses of the
        weights.
      kernel_constraint, recurrent_constraint, bias_constraint: what the weights must
        satisfy.
      dropout, recurrent_dropout: the shares of inputs and states that are dropped.
      implementation: 1 for a product for each gate, 2 for one for all.
      **kwargs: those of `Layer`.
    """

    _parts = 4
    _ARGUMENTS = tuple(LSTM_CELL.split())
    __init__ = constructor(LSTM_CELL, DEFAULTS)

    def _set_sizes(self) -> None:
        super()._set_sizes()
        self.state_size = [self.units, self.units]

    def _add_bias(self) -> Any:
        return self._forget_bias(self.units)

    def call(
        self,
        inputs: Tensor,
        states: Sequence[Tensor],
        training: Training | None = None,
    ) -> tuple[Any, list[Any]]:
        """The outputs of a step, and the next states.

        Args:
          inputs: [batch, n].
          states: h and c, each [batch, units].
          training: whether dropout drops; by default in the learning phase.
        """
        before, carry = states[0], states[1]
        masks = self.get_dropout_mask_for_cell(inputs, training, count=4)
        recurrent = self.get_recurrent_dropout_mask_for_cell(before, training, count=4)
        if self.implementation != 1:
            return self._stepped(inputs, before, carry, masks, recurrent)
        given = times(inputs, masks, 4)
        kernels = split(self.kernel, 4, axis=1)
        x = [F.MatMul(x, kernels[i]) for i, x in enumerate(given)]
        if self.use_bias:
            biases = split(self.bias, 4, axis=0)
            x = [self._add_biased(y, biases[i]) for i, y in enumerate(x)]
        carry, gate = self._gates(x, times(before, recurrent, 4), carry)
        return self._given(gate, carry)

    def _stepped(
        self,
        inputs: Tensor,
        before: Tensor,
        carry: Tensor,
        masks: list[Any] | None = None,
        recurrent: list[Any] | None = None,
    ) -> tuple[Any, list[Any]]:
        """A step with one product for all gates."""
        (inputs,) = times(inputs, masks and masks[:1], 1)
        z = F.MatMul(inputs, self.kernel)
        (before,) = times(before, recurrent and recurrent[:1], 1)
        z = z + F.MatMul(before, self.recurrent_kernel)
        carry, gate = self._fused_gates(
            split(self._add_biased(z, self.bias), 4, axis=1), carry
        )
        return self._given(gate, carry)

    def _given(self, gate: Tensor, carry: Tensor) -> tuple[Any, list[Any]]:
        output = gate * self.activation(carry)
        return output, [output, carry]

    def _part(self, place: int) -> Any:
        units = self.units
        low = None if place == 0 else place * units
        high = None if place == 3 else (place + 1) * units
        return self.recurrent_kernel[:, low:high]

    def _gates(
        self, x: Sequence[Any], h: Sequence[Any], carry: Tensor
    ) -> tuple[Any, Any]:
        """The next c and the output gate; x and h for each part."""
        enter = self.recurrent_activation(x[0] + F.MatMul(h[0], self._part(0)))
        keep = self.recurrent_activation(x[1] + F.MatMul(h[1], self._part(1)))
        kept = keep * carry
        candidate = self.activation(x[2] + F.MatMul(h[2], self._part(2)))
        carry = kept + enter * candidate
        gate = self.recurrent_activation(x[3] + F.MatMul(h[3], self._part(3)))
        return carry, gate

    def _fused_gates(self, z: Sequence[Any], carry: Tensor) -> tuple[Any, Any]:
        """The next c and the output gate; z for each part, before the activation."""
        enter = self.recurrent_activation(z[0])
        keep = self.recurrent_activation(z[1])
        kept = keep * carry
        carry = kept + enter * self.activation(z[2])
        return carry, self.recurrent_activation(z[3])

    def get_initial_state(
        self,
        inputs: Tensor | None = None,
        batch_size: TensorLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> Any:
        """Zeros; see `Cell`."""
        return list(super().get_initial_state(inputs, batch_size, dtype))


class PeepholeLSTMCell(LSTMCell):
    """LSTM whose gates also see c: i and f that before, o the next (Gers et al. 2002).

    The arguments are those of `LSTMCell`.
    """

    def build(self, input_shape: ShapeLike) -> None:
        """Make the weights, for inputs [batch, n]."""
        super().build(input_shape)
        self.input_gate_peephole_weights = self._peephole("input")
        self.forget_gate_peephole_weights = self._peephole("forget")
        self.output_gate_peephole_weights = self._peephole("output")

    def _peephole(self, gate: str) -> Any:
        return self.add_weight(
            name=f"{gate}_gate_peephole_weights",
            shape=(self.units,),
            initializer=self.kernel_initializer,
        )

    def _gates(
        self, x: Sequence[Any], h: Sequence[Any], carry: Tensor
    ) -> tuple[Any, Any]:
        z = [x[i] + F.MatMul(h[i], self._part(i)) for i in range(4)]
        return self._fused_gates(z, carry)

    def _fused_gates(self, z: Sequence[Any], carry: Tensor) -> tuple[Any, Any]:
        enter = self.recurrent_activation(
            z[0] + self.input_gate_peephole_weights * carry
        )
        keep = self.recurrent_activation(
            z[1] + self.forget_gate_peephole_weights * carry
        )
        carry = keep * carry + enter * self.activation(z[2])
        gate = self.recurrent_activation(
            z[3] + self.output_gate_peephole_weights * carry
        )
        return carry, gate
