"""Several cells as one, each given the outputs of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest, shapes
from retrograd.graph.hooks import hooks
from retrograd.layers.base import Layer
from retrograd.layers.recurrent_cells import sizes_of, zero_state_for
from retrograd.layers.serialization import serialize
from retrograd.platform import logs
from retrograd.util.functions import fn_args

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, Structure, TensorLike


class StackedRNNCells(Layer):
    """Cells one behind the other.

    Args:
      cells: the cells; the first is given the inputs.
      **kwargs: those of `Layer`; `reverse_state_order`, whether the states of the last
        cell come first.

    Raises:
      ValueError: a cell that has no `call` or no `state_size`.
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        for attribute in ("call", "state_size"):
            if not all(hasattr(cell, attribute) for cell in cells):
                kind = "method" if attribute == "call" else "attribute"
                raise ValueError(
                    f"All cells must have a `{attribute}` {kind}. received cells:",
                    cells,
                )
        reverse = kwargs.pop("reverse_state_order", False)
        super().__init__(**kwargs)
        self.cells = cells
        self.reverse_state_order = reverse
        if reverse:
            logs.warning(
                "reverse_state_order=True in StackedRNNCells will soon be deprecated. "
                "Please update the code to work with the natural order of states if "
                "you rely on the RNN states, eg RNN(return_state=True)."
            )

    def _ordered(self) -> list[Any]:
        """The cells in the order of their states."""
        return list(self.cells[::-1] if self.reverse_state_order else self.cells)

    @property
    def state_size(self) -> tuple[Any, ...]:
        """The sizes of the states of each cell."""
        return tuple(cell.state_size for cell in self._ordered())

    @property
    def output_size(self) -> Any:
        """The size of the outputs of the last cell."""
        return output_size_of(self.cells[-1])

    def get_initial_state(
        self,
        inputs: Tensor | None = None,
        batch_size: TensorLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> tuple[Any, ...]:
        """The states that each cell begins with."""
        return tuple(
            initial_state_of(cell, inputs, batch_size, dtype)
            for cell in self._ordered()
        )

    def build(self, input_shape: Structure) -> None:
        """Make the weights of each cell."""
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch = shapes.TensorShape(input_shape).as_list()[0]
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            input_shape = (batch, *sizes_of(output_size_of(cell)))
        self.built = True

    def call(
        self,
        inputs: Tensor,
        states: Structure,
        constants: Sequence[Tensor] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        """The outputs of a step, and the next states.

        Args:
          inputs: [batch, n].
          states: in the structure of `state_size`.
          constants: for the cells that take them.
          **kwargs: for the cells.
        """
        sizes = self.state_size
        if self.reverse_state_order:
            sizes = sizes[::-1]
        nested = nest.pack_sequence_as(sizes, nest.flatten(states))
        new = []
        for cell, own in zip(self.cells, nested, strict=False):
            own = own if nest.is_sequence(own) else [own]
            if getattr(cell, "_is_tf_rnn_cell", None) is not None and len(own) == 1:
                own = own[0]
            if constants is not None and "constants" in fn_args(cell.call):
                inputs, own = cell.call(inputs, own, constants=constants, **kwargs)
            else:
                inputs, own = cell.call(inputs, own, **kwargs)
            new.append(own)
        return inputs, nest.pack_sequence_as(sizes, nest.flatten(new))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, without its weights."""
        cells = [serialize(cell) for cell in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The one with the arguments that `get_config` gave."""
        config = dict(config)
        cells = [
            hooks.layer_from_config(cell, custom_objects)
            for cell in config.pop("cells")
        ]
        return cls(cells, **config)


def output_size_of(cell: Any) -> Any:
    """The size of a cell's outputs: that which it says, or that of its first state."""
    if getattr(cell, "output_size", None) is not None:
        return cell.output_size
    size = cell.state_size
    return size[0] if nest.is_sequence(size) else size


def initial_state_of(
    cell: Any,
    inputs: Tensor | None,
    batch_size: TensorLike | None,
    dtype: DTypeLike | None,
) -> Any:
    """The states that a cell begins with: those that it says, or zeros."""
    own = getattr(cell, "get_initial_state", None)
    if own is not None:
        return own(inputs=inputs, batch_size=batch_size, dtype=dtype)
    return zero_state_for(cell, inputs, batch_size, dtype)
