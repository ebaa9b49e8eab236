"""What strategies with one replica have in common: a value is all there is of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.distribute.extended import StrategyExtendedV1
from retrograd.ops.array.identity import identity

if TYPE_CHECKING:
    from retrograd.distribute.cross_device import Destinations
    from retrograd.distribute.reduce_op import ReduceOp
    from retrograd.distribute.values import DistributedValues
    from retrograd.typing import CompositeLike, Structure, VariableLike
    from retrograd.variables.variable import Variable


class SingleExtended(StrategyExtendedV1):
    """What libraries use of a strategy with one replica."""

    def _updating(
        self, colocate_with: VariableLike | Sequence[Any]
    ) -> contextlib.AbstractContextManager[Any]:
        """A context for changing a variable, or what lies beside it."""
        raise NotImplementedError

    def _broadcast_to(self, tensor: CompositeLike, destinations: Destinations) -> Any:
        del destinations
        return tensor

    def _reduce_to(
        self,
        reduce_op: ReduceOp,
        value: DistributedValues | CompositeLike,
        destinations: Destinations,
    ) -> Any:
        del reduce_op, destinations
        return value

    def _update(
        self,
        var: Variable,
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        group: bool,
    ) -> Any:
        return self._update_non_slot(var, fn, (var, *args), kwargs, group)

    def _update_non_slot(
        self,
        colocate_with: VariableLike | Sequence[Any],
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        group: bool,
    ) -> Any:
        with self._updating(colocate_with):
            result = fn(*args, **kwargs)
        return result if group else nest.map_structure(self._local_results, result)

    def read_var(self, v: Variable) -> Any:
        """The value of a variable."""
        return identity(v)

    def _local_results(self, distributed_value: Structure) -> tuple[Any, ...]:
        return (distributed_value,)

    def value_container(self, value: DistributedValues | CompositeLike) -> Any:
        """The value itself."""
        return value

    @property
    def _num_replicas_in_sync(self) -> int:
        return 1
