"""How the values of several replicas become one."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from retrograd.variables.options import VariableAggregation

if TYPE_CHECKING:
    from retrograd.typing import Aggregation


class ReduceOp(enum.Enum):
    """The sum or the mean over replicas."""

    SUM = "SUM"
    MEAN = "MEAN"

    @staticmethod
    def from_variable_aggregation(aggregation: Aggregation) -> ReduceOp:
        """The one that does what a VariableAggregation says.

        Raises:
          ValueError: it is neither the sum nor the mean.
        """
        for found in ReduceOp:
            if aggregation == VariableAggregation[found.name]:
                return found
        raise ValueError(
            f"Could not convert from `tf.VariableAggregation` {aggregation} to"
            "`tf.distribute.ReduceOp` type"
        )

    @staticmethod
    def of(given: ReduceOp | str) -> ReduceOp:
        """A ReduceOp given by name, in any case; everything else as it is."""
        return ReduceOp(given.upper()) if isinstance(given, str) else given
