"""What a function that runs once for each replica knows of its replica."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.distribute import current
from retrograd.distribute.devices import current_device
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.grad.custom import custom_gradient
from retrograd.graph import context
from retrograd.graph.distribution import entered
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.distribute.strategy import Strategy
    from retrograd.distribute.values import DistributedValues
    from retrograd.typing import CompositeLike


class ReplicaContext:
    """One replica at work; `with` makes it the current one.

    Args:
      strategy: the strategy it belongs to.
      replica_id_in_sync_group: its number, an int or an int32 scalar tensor.
    """

    def __init__(
        self, strategy: Strategy, replica_id_in_sync_group: Tensor | int
    ) -> None:
        self._strategy = strategy
        self._replica_id_in_sync_group = replica_id_in_sync_group
        self._entered: list[contextlib.ExitStack] = []

    def __enter__(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(entered(self._strategy, self))
            stack.enter_context(_summaries_of(self._is_first))
            self._entered.append(stack.pop_all())

    def __exit__(self, *details: Any) -> None:
        self._entered.pop().__exit__(*details)

    def _is_first(self) -> Tensor:
        return F.Equal(self._replica_id_in_sync_group, constant(0))

    def merge_call(
        self,
        merge_fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Wait for all replicas, and call `merge_fn` once for them together.

        Args:
          merge_fn: `f(strategy, *args, **kwargs)`, called in cross-replica context with
            values that hold those of all replicas.
          args, kwargs: this replica's values.

        Returns:
          This replica's part of what `merge_fn` returned.

        Raises:
          RuntimeError: this replica is not the one at work.
        """
        current.require_replica(self)
        return self._merge_call(merge_fn, args, kwargs or {})

    def _merge_call(
        self,
        merge_fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        with entered(self._strategy):
            return merge_fn(self._strategy, *args, **kwargs)

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas there are."""
        return self._strategy.num_replicas_in_sync

    @property
    def replica_id_in_sync_group(self) -> Any:
        """The number of this replica, from 0: an int or an int32 scalar tensor."""
        current.require_replica(self)
        return self._replica_id_in_sync_group

    @property
    def strategy(self) -> Any:
        """The strategy it belongs to."""
        return self._strategy

    @property
    def devices(self) -> Any:
        """The devices it runs on."""
        current.require_replica(self)
        return (current_device(),)

    def all_reduce(
        self, reduce_op: ReduceOp | str, value: DistributedValues | CompositeLike
    ) -> Any:
        """The sum or mean of a value over all replicas, given to each of them.

        Its derivative is the same reduction of what comes back.

        Args:
          reduce_op: a ReduceOp.
          value: a tensor or a nested structure of tensors.

        Returns:
          The structure of `value`.
        """

        def reduced(*values: Tensor) -> Any:
            return self.merge_call(_batch_reduced, (reduce_op, *values))

        @custom_gradient
        def differentiable(*values: Tensor) -> Any:
            return reduced(*values), lambda *dys: self.all_reduce(reduce_op, dys)

        flat = nest.flatten(value)
        if reduce_op in (ReduceOp.SUM, ReduceOp.MEAN):
            return nest.pack_sequence_as(value, nest.flatten(differentiable(*flat)))
        found = nest.pack_sequence_as(value, nest.flatten(reduced(*flat)))
        return nest.map_structure(F.PreventGradient, found)


def _batch_reduced(
    strategy: Strategy, reduce_op: ReduceOp | str, *values: object
) -> Any:
    """All values, each reduced to where it is."""
    pairs = [(v, v.device if isinstance(v, Tensor) else v) for v in values]
    return strategy.extended.batch_reduce_to(reduce_op, pairs)


@contextlib.contextmanager
def _summaries_of(chosen: Callable[[], Any]) -> Any:
    """A context that writes summaries where `chosen()` is true."""
    summaries = context.local.summaries
    before = summaries.recording_of_strategy
    summaries.recording_of_strategy = chosen
    try:
        yield
    finally:
        summaries.recording_of_strategy = before
