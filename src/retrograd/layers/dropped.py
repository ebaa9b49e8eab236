"""The masks of dropout in cells: the same for all steps of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.layers import phase
from retrograd.layers.noise import drawn_seed
from retrograd.ops.array.fill import ones_like
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.nn.nn import dropout_v2

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Training


class DropoutRNNCellMixin:
    """What a cell keeps of dropout: masks, from when they are first asked for.

    `dropout` and `recurrent_dropout` are the shares of the inputs and of the states
    that are dropped. Masks of graphs and of eager mode are kept apart.
    """

    dropout: float
    recurrent_dropout: float

    def _kept_masks(self) -> dict[tuple[str, bool], list[Any] | None]:
        return self.__dict__.setdefault("_masks_of_dropout", {})

    def _forget(self, of: str) -> None:
        for eager in (False, True):
            self._kept_masks().pop((of, eager), None)

    def _mask(
        self, of: str, like: Tensor, training: Training | None, count: int
    ) -> list[Any] | None:
        rate = getattr(self, of)
        if rate == 0:
            return None
        kept, key = self._kept_masks(), (of, context.executing_eagerly())
        if kept.get(key) is None:
            kept[key] = _masks(ones_like(like), rate, training, count)
        return kept[key]

    def reset_dropout_mask(self) -> None:
        """Let new masks of the inputs be made."""
        self._forget("dropout")

    def reset_recurrent_dropout_mask(self) -> None:
        """Let new masks of the states be made."""
        self._forget("recurrent_dropout")

    def get_dropout_mask_for_cell(
        self, inputs: Tensor, training: Training | None, count: int = 1
    ) -> list[Any] | None:
        """Masks to multiply inputs by; None without dropout.

        Args:
          inputs: what they are for; the first tells the shape.
          training: whether anything is dropped; by default in the learning phase.
          count: how many masks.
        """
        return self._mask("dropout", inputs, training, count)

    def get_recurrent_dropout_mask_for_cell(
        self, inputs: Tensor, training: Training | None, count: int = 1
    ) -> list[Any] | None:
        """Masks to multiply states by; see `get_dropout_mask_for_cell`."""
        return self._mask("recurrent_dropout", inputs, training, count)


def _masks(
    ones: Tensor, rate: float, training: Training | None, count: int
) -> list[Any]:
    training = phase.training_or_phase(training)

    def dropped() -> Any:
        return dropout_v2(ones, rate=rate, seed=drawn_seed())

    return [smart_cond(training, dropped, lambda: ones) for _ in range(count)]


def times(x: Tensor, masks: list[Any] | None, count: int) -> list[Any]:
    """x times each of the masks; x itself, `count` times, without masks."""
    return [x] * count if masks is None else [x * mask for mask in masks]
