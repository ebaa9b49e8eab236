"""GRU and LSTM of version 2: other defaults; in eager mode also another dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.defaults import executing_eagerly_outside_functions
from retrograd.layers import gated_cells, recurrent_layers
from retrograd.layers.dropped import DropoutRNNCellMixin
from retrograd.layers.gated_cells import GRU_CELL, LSTM_CELL
from retrograd.layers.recurrent_cells import DEFAULTS
from retrograd.layers.recurrent_layers import with_loss_of_outputs
from retrograd.layers.signatures import constructor
from retrograd.ops.array.constant import constant

if TYPE_CHECKING:
    from retrograd.typing import Structure, Training

_DEFAULTS = {
    **DEFAULTS,
    "recurrent_activation": "sigmoid",
    "implementation": 2,
    "reset_after": True,
}
_SEQUENCES = "return_sequences return_state go_backwards stateful"


class GRUCell(gated_cells.GRUCell):
    """As `GRUCell` of version 1, by default with `reset_after` and the sigmoid."""

    _of_version_1 = False
    __init__ = constructor(GRU_CELL, _DEFAULTS)


class LSTMCell(gated_cells.LSTMCell):
    """As `LSTMCell` of version 1, by default with the sigmoid."""

    _of_version_1 = False
    __init__ = constructor(LSTM_CELL, _DEFAULTS)


class _Fused(DropoutRNNCellMixin):
    """In eager mode, steps without the cell's own dropout if its arguments are usual.

    Dropout then multiplies the inputs of all steps by one mask, of their shape.
    """

    cell: Any
    unroll: bool
    _limits_loop = True

    def _is_usual(self) -> bool:
        cell = self.cell
        return (
            cell.activation.__name__ == "tanh"
            and cell.recurrent_activation.__name__ == "sigmoid"
            and cell.recurrent_dropout == 0
            and not self.unroll
            and cell.use_bias
            and getattr(cell, "reset_after", True)
        )

    def call(
        self: Any,
        inputs: Structure,
        mask: Structure = None,
        training: Training | None = None,
        initial_state: Structure = None,
    ) -> Any:
        """The outputs for inputs; see `RNN`."""
        if not (self._is_usual() and executing_eagerly_outside_functions()):
            outputs = super().call(inputs, mask, training, initial_state)  # pyright: ignore[reportAttributeAccessIssue] - a part of RNN
            if not context.executing_eagerly():
                constant(0.0, name="runtime")  # a node of TensorFlow's graphs
            return outputs
        inputs, initial_state, _ = self._process_inputs(inputs, initial_state, None)
        self.reset_dropout_mask()
        masks = self.get_dropout_mask_for_cell(inputs, training, self.cell._parts)
        if masks is not None:
            inputs = inputs * masks[0]
        stepped = self.cell._stepped
        return self._run(
            lambda x, states: stepped(x, *states), inputs, initial_state, mask
        )


class GRU(_Fused, recurrent_layers.GRU):
    """As `GRU` of version 1, by default with `reset_after` and the sigmoid."""

    _CELL = GRUCell
    _of_version_1 = False
    __init__ = constructor(
        with_loss_of_outputs(GRU_CELL).replace(
            "reset_after", f"{_SEQUENCES} unroll time_major"
        )
        + " reset_after",
        _DEFAULTS,
    )


class LSTM(_Fused, recurrent_layers.LSTM):
    """As `LSTM` of version 1, by default with the sigmoid."""

    _CELL = LSTMCell
    _of_version_1 = False
    __init__ = constructor(
        f"{with_loss_of_outputs(LSTM_CELL)} {_SEQUENCES} time_major unroll", _DEFAULTS
    )
