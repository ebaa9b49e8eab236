"""`tfe.Saver`: a Saver of variables that are executed eagerly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.train.saver import Saver as _Saver

if TYPE_CHECKING:
    from retrograd.train.optimizer import Optimizer
    from retrograd.typing import TensorLike
    from retrograd.variables.variable import Variable


class Saver:
    """Saves and restores variables by their names.

    Args:
      var_list: the variables, a list or a dict from names.
    """

    def __init__(self, var_list: Sequence[Variable] | Mapping[str, Variable]) -> None:
        self._saver = _Saver(var_list)

    def save(self, file_prefix: str, global_step: TensorLike | None = None) -> Any:
        """Save the variables.

        Args:
          file_prefix: the name of the checkpoint.
          global_step: a number to add to it.

        Returns:
          The name of the checkpoint.
        """
        return self._saver.save(
            None, file_prefix, write_meta_graph=False, global_step=global_step
        )

    def restore(self, file_prefix: str) -> None:
        """Give the variables the values of a checkpoint."""
        self._saver.restore(None, file_prefix)


def get_optimizer_variables(optimizer: Optimizer) -> list[Any]:
    """The variables of an optimizer, to save them too."""
    return optimizer.variables()
