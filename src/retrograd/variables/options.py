"""How a variable behaves when a program runs on several devices."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrograd.typing import Aggregation


class VariableSynchronization(enum.Enum):
    """When copies of a variable on several devices are made equal."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class _Aggregation(enum.Enum):
    """Equal to the member of the same value in the other list of ways."""

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, _Aggregation) and self.value == other.value


class VariableAggregationV2(_Aggregation):
    """How updates of a variable from several devices are put together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


class VariableAggregation(_Aggregation):
    """How updates of a variable from several devices are put together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3


def validate_synchronization_aggregation_trainable(
    synchronization: VariableSynchronization | int | None,
    aggregation: Aggregation | int | None,
    trainable: bool | None,
    name: str | None,
) -> tuple[VariableSynchronization, Any, bool]:
    """The three options with their defaults filled in.

    Raises:
      ValueError: one is not among the values it can have.
    """
    if aggregation is None:
        aggregation = VariableAggregation.NONE
    elif not isinstance(aggregation, _Aggregation):
        try:
            aggregation = VariableAggregationV2(aggregation)
        except ValueError:
            raise ValueError(
                f"Invalid variable aggregation mode: {aggregation} for variable: {name}"
            ) from None
    if synchronization is None:
        synchronization = VariableSynchronization.AUTO
    else:
        try:
            synchronization = VariableSynchronization(synchronization)
        except ValueError:
            raise ValueError(
                f"Invalid variable synchronization mode: {synchronization} for "
                f"variable: {name}"
            ) from None
    if trainable is None:
        trainable = synchronization != VariableSynchronization.ON_READ
    return synchronization, aggregation, bool(trainable)
