"""Statistics of nodes, floating point operations for one, by op type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.typing import Message


class OpStats:
    """A number that may not be known, with the name of what it counts.

    Attributes:
      value: the number or None.
    """

    def __init__(self, statistic_type: str, value: float | None = None) -> None:
        self.statistic_type = statistic_type
        self.value = value

    @property
    def statistic_type(self) -> str:
        """What the number counts."""
        return self._statistic_type

    @statistic_type.setter
    def statistic_type(self, statistic_type: str) -> None:
        self._statistic_type = statistic_type

    @property
    def value(self) -> float | None:
        """The number, or None."""
        return self._value

    @value.setter
    def value(self, value: float | None) -> None:
        self._value = value

    def __iadd__(self, other: OpStats) -> OpStats:
        if other.statistic_type != self.statistic_type:
            raise ValueError(
                f"Can't add an OpStat of type {self.statistic_type} to one of "
                f"{other.statistic_type}."
            )
        if self.value is None:
            self.value = other.value
        elif other.value is not None:
            self.value = self.value + other.value
        return self


_registered: dict[str, Callable[..., OpStats]] = {}


class RegisterStatistics:
    """Decorator for a function `(graph, node_def) → OpStats` of an op type.

    Args:
      op_type: the op type.
      statistic_type: what the function counts, such as "flops".

    Raises:
      TypeError: an argument is not a string, or has a comma.
    """

    def __init__(self, op_type: str, statistic_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string.")
        if "," in op_type:
            raise TypeError("op_type must not contain a comma.")
        if not isinstance(statistic_type, str):
            raise TypeError("statistic_type must be a string.")
        if "," in statistic_type:
            raise TypeError("statistic_type must not contain a comma.")
        self._key = f"{op_type},{statistic_type}"

    def __call__(self, f: Callable[..., OpStats]) -> Callable[..., OpStats]:
        if self._key in _registered:
            raise KeyError(f"Registering two statistics with name '{self._key}'!")
        _registered[self._key] = f
        return f


def get_stats_for_node_def(graph: Graph, node: Message, statistic_type: str) -> OpStats:
    """The statistics of a node; of unknown value where none are registered."""
    function = _registered.get(f"{node.op},{statistic_type}")
    return OpStats(statistic_type) if function is None else function(graph, node)
