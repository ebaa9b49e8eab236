"""Recurrent layers with a cell of their own: SimpleRNN, GRU, LSTM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.layers import regularizers
from retrograd.layers.configured import written
from retrograd.layers.gated_cells import GRU_CELL, LSTM_CELL, GRUCell, LSTMCell
from retrograd.layers.input_spec import InputSpec
from retrograd.layers.recurrent import RNN
from retrograd.layers.recurrent_cells import DEFAULTS, SimpleRNNCell
from retrograd.layers.signatures import constructor

if TYPE_CHECKING:
    from retrograd.typing import Structure, Training

_SEQUENCES = "return_sequences return_state go_backwards stateful unroll"


def with_loss_of_outputs(names: str) -> str:
    """The arguments of a cell, with `activity_regularizer` where a layer has it."""
    return names.replace(
        "kernel_constraint", "activity_regularizer kernel_constraint", 1
    )


class CellLayer(RNN):
    """A base of layers that make their cell of their own arguments.

    These are attributes of the layer, and of the cell.
    """

    _CELL: type[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        kind = getattr(cls, "_CELL", None)
        for name in () if kind is None else kind._ARGUMENTS:
            if name not in vars(RNN):
                setattr(cls, name, _of_cell(name))

    def _begin(self, given: dict[str, Any]) -> None:
        """Make the cell; the other arguments are those of `RNN`."""
        names = self._CELL._ARGUMENTS
        own = {name: given.pop(name) for name in names if name in given}
        for name in ("dtype", "trainable"):
            if name in given:
                own[name] = given[name]
        if own.get("implementation") == 0:
            own["implementation"] = 1
        activity = regularizers.get(given.pop("activity_regularizer", None))
        RNN.__init__(self, self._CELL(**own), **given)
        self.activity_regularizer = activity
        self.input_spec = [InputSpec(ndim=3)]

    def call(  # pyright: ignore[reportIncompatibleMethodOverride] - without constants
        self,
        inputs: Structure,
        mask: Structure = None,
        training: Training | None = None,
        initial_state: Structure = None,
    ) -> Any:
        """The outputs for inputs; see `RNN`."""
        return super().call(
            inputs, mask=mask, training=training, initial_state=initial_state
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, without its weights."""
        config = super().get_config()
        del config["cell"]
        names = (*self._CELL._ARGUMENTS, "activity_regularizer")
        return {**config, **{name: written(self, name) for name in names}}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The layer with the arguments that `get_config` gave."""
        del custom_objects
        return cls(**config)


def _of_cell(name: str) -> property:
    return property(lambda self: getattr(self.cell, name), doc="That of the cell.")


class SimpleRNN(CellLayer):
    """`SimpleRNNCell` for each step.

    Args:
      units, activation, …, recurrent_dropout: see `SimpleRNNCell`.
      activity_regularizer: the loss of the outputs.
      return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.
      **kwargs: those of `RNN`.

    Inputs [batch, steps, n]; outputs [batch, units], or with the steps.
    """

    _CELL = SimpleRNNCell
    __init__ = constructor(
        f"{with_loss_of_outputs(SimpleRNNCell._NAMES)} {_SEQUENCES}", DEFAULTS
    )


class GRU(CellLayer):
    """`GRUCell` for each step.

    Args:
      units, activation, …, reset_after: see `GRUCell`.
      activity_regularizer: the loss of the outputs.
      return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.
      **kwargs: those of `RNN`.

    Inputs [batch, steps, n]; outputs [batch, units], or with the steps.
    """

    _CELL = GRUCell
    _of_version_1 = True
    __init__ = constructor(
        with_loss_of_outputs(GRU_CELL).replace("reset_after", _SEQUENCES)
        + " reset_after",
        DEFAULTS,
    )


class LSTM(CellLayer):
    """`LSTMCell` for each step; the states that are returned are h and c.

    Args:
      units, activation, …, implementation: see `LSTMCell`.
      activity_regularizer: the loss of the outputs.
      return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.
      **kwargs: those of `RNN`.

    Inputs [batch, steps, n]; outputs [batch, units], or with the steps.
    """

    _CELL = LSTMCell
    _of_version_1 = True
    __init__ = constructor(f"{with_loss_of_outputs(LSTM_CELL)} {_SEQUENCES}", DEFAULTS)
