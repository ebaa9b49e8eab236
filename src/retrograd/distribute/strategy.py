"""`tf.distribute.Strategy`: the side of a strategy that programs use."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.distribute import current
from retrograd.distribute.input import InputContext, InputReplicationMode
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.graph import context
from retrograd.ops.array.shape import rank, shape, size
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_sum

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.distribute.batches import DistributedIterator
    from retrograd.distribute.extended import StrategyExtendedV1
    from retrograd.distribute.values import DistributedValues
    from retrograd.graph.tensor import Tensor
    from retrograd.run.session import BaseSession
    from retrograd.train.server_lib import ClusterSpec
    from retrograd.typing import CompositeLike, Message, Structure, VariableLike


class Strategy:
    """On which devices a program runs, and how what it computes is put together.

        strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
        with strategy.scope():
            variable = tf.get_variable("w", [])
            losses = strategy.experimental_run_v2(step)
            loss = strategy.reduce("mean", losses)

    Args:
      extended: the side of the strategy that libraries use.
    """

    def __init__(self, extended: StrategyExtendedV1) -> None:
        self._extended = extended
        #: whether losses are means over the batch, to be divided by the replicas
        self._scale_loss_for_estimator = False

    @property
    def extended(self) -> Any:
        """The side of the strategy that libraries use."""
        return self._extended

    @contextlib.contextmanager
    def _scale_loss_for_estimator_enabled(self) -> Iterator[None]:
        self._scale_loss_for_estimator = True
        try:
            yield
        finally:
            self._scale_loss_for_estimator = False

    def scope(self) -> Any:
        """A context in which the strategy is in force, and makes the variables."""
        return self._extended._scope(self)

    def colocate_vars_with(
        self, colocate_with_variable: VariableLike | Sequence[Any]
    ) -> Any:
        """See `StrategyExtendedV2.colocate_vars_with`."""
        return self._extended.colocate_vars_with(colocate_with_variable)

    # ------------------------------------------------------------------ input

    def make_dataset_iterator(self, dataset: DatasetV2) -> Any:
        """An iterator over the batches of a dataset, shared out among replicas."""
        return self._extended._make_dataset_iterator(dataset)

    def make_input_fn_iterator(
        self,
        input_fn: Callable[[InputContext], Any],
        replication_mode: InputReplicationMode = InputReplicationMode.PER_WORKER,
    ) -> Any:
        """An iterator over the dataset that a function makes, a batch a replica.

        Args:
          input_fn: takes an InputContext.
          replication_mode: how often it is called.

        Raises:
          ValueError: there is no such mode.
        """
        if replication_mode != InputReplicationMode.PER_WORKER:
            raise ValueError(
                f"Input replication mode not supported: {replication_mode!r}"
            )
        with self.scope():
            return self._extended._make_input_fn_iterator(input_fn, replication_mode)

    def experimental_make_numpy_dataset(
        self, numpy_input: Structure, session: BaseSession | None = None
    ) -> Any:
        """A dataset with an element for each row of arrays."""
        return self._extended.experimental_make_numpy_dataset(numpy_input, session)

    def experimental_distribute_dataset(self, dataset: DatasetV2) -> Any:
        """A dataset whose batches are shared out among replicas."""
        return self._extended._experimental_distribute_dataset(dataset)

    def experimental_distribute_datasets_from_function(
        self, dataset_fn: Callable[[InputContext], Any]
    ) -> Any:
        """A dataset that a function makes, which gives a batch to each replica."""
        return self._extended._experimental_distribute_datasets_from_function(
            dataset_fn
        )

    # ------------------------------------------------------------------ running

    def experimental_run(
        self, fn: Callable[..., Any], input_iterator: DistributedIterator | None = None
    ) -> Any:
        """Call `fn` for each replica, with the next elements of an iterator."""
        with self.scope():
            args = () if input_iterator is None else (input_iterator.get_next(),)
        return self.experimental_run_v2(fn, args)

    def experimental_run_v2(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `fn` for each replica, on its device.

        Args:
          fn: the function; gets its replica's part of each argument.
          args, kwargs: the arguments.

        Returns:
          The structure that `fn` returned. Parts that differ between replicas have a
          value for each; `experimental_local_results` gives them.
        """
        with self.scope():
            return self._extended.call_for_each_replica(fn, args, kwargs)

    def reduce(
        self,
        reduce_op: ReduceOp | str,
        value: DistributedValues | CompositeLike,
        axis: int | None,
    ) -> Any:
        """The sum or mean of a value over all replicas, a tensor.

        Args:
          reduce_op: a ReduceOp, or its name.
          value: what has a value for each replica.
          axis: an axis of these to reduce as well; a mean counts elements, so that
            replicas with more of them weigh more. None reduces over replicas only.

        Raises:
          RuntimeError: inside a function that runs for one replica.
          TypeError: not a ReduceOp, or an axis that is no int.
          ValueError: there is no such axis.
        """
        current.require_cross_replica(self._extended)
        reduce_op = ReduceOp.of(reduce_op)
        if axis is None:
            return self._extended._reduce(reduce_op, value)
        if reduce_op == ReduceOp.SUM:
            sums = self.experimental_run_v2(
                lambda v: reduce_sum(v, axis=axis), args=(value,)
            )
            return self._extended._reduce(reduce_op, sums)
        if reduce_op != ReduceOp.MEAN:
            raise TypeError(
                "Expected `reduce_op` to be a `tf.distribute.ReduceOp`, not: "
                f"{reduce_op!r}"
            )
        if not isinstance(axis, int):
            raise TypeError(f"Expected `axis` to be an integer not: {axis!r}")
        sums, counts = self.experimental_run_v2(
            lambda v: (reduce_sum(v, axis=axis), _count(v, axis)), args=(value,)
        )
        total = self._extended._reduce(ReduceOp.SUM, sums)
        if isinstance(counts, int):  # the same in each replica
            return total / cast(counts * self.num_replicas_in_sync, total.dtype)
        count = self._extended._reduce(ReduceOp.SUM, counts)
        return total / cast(count, total.dtype)

    # ------------------------------------------------------------------ values

    def unwrap(self, value: Structure) -> tuple[Any, ...]:
        """The values of the replicas of this process."""
        return self._extended._local_results(value)

    def experimental_local_results(self, value: Structure) -> tuple[Any, ...]:
        """The values of the replicas of this process."""
        return self._extended._local_results(value)

    def group(self, value: Structure, name: str | None = None) -> Any:
        """An operation that has run when those of all replicas have."""
        return self._extended._group(value, name)

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas share a step."""
        return self._extended._num_replicas_in_sync

    # ------------------------------------------------------------------ settings

    def configure(
        self,
        session_config: Message | None = None,
        cluster_spec: ClusterSpec | Message | Mapping[str, Any] | None = None,
        task_type: str | None = None,
        task_id: int | None = None,
    ) -> None:
        """Take note of the cluster; there is one computer."""
        self._extended._configure(session_config, cluster_spec, task_type, task_id)

    def update_config_proto(self, config_proto: Message) -> Any:
        """A copy of a ConfigProto with what the strategy needs set."""
        return self._extended._update_config_proto(config_proto)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        made = memo[id(self)] = type(self).__new__(type(self))
        for name, value in vars(self).items():
            setattr(made, name, copy.deepcopy(value, memo))
        return made

    def __copy__(self) -> Any:
        raise RuntimeError("Must only deepcopy DistributionStrategy.")

    def _in_multi_worker_mode(self) -> bool:
        return False


class StrategyV1(Strategy):
    """A strategy as version 1 has it. See `Strategy`."""

    def reduce(
        self,
        reduce_op: ReduceOp | str,
        value: DistributedValues | CompositeLike,
        axis: int | None = None,
    ) -> Any:
        """See `Strategy.reduce`."""
        return super().reduce(reduce_op, value, axis)


def _count(value: Tensor, axis: int) -> Any:
    """How many elements `value` has along an axis: an int where it is known.

    Raises:
      ValueError: there is no such axis.
    """
    known = value.shape.rank
    if known is None:
        if axis < 0:
            return shape(value, out_type=dtypes.int64)[axis + rank(value)]
        return shape(value, out_type=dtypes.int64)[axis]
    if not -known <= axis < known:
        raise ValueError(f"`axis` = {axis} out of range for `value` with rank {known}")
    length = value.shape.as_list()[axis]
    if length is not None:
        return length
    if known == 1:
        return size(value, out_type=dtypes.int64)
    return shape(value, out_type=dtypes.int64)[axis]


def get_loss_reduction() -> ReduceOp:
    """How losses of replicas are put together: MEAN where they are means of a batch.

    They count as such while an Estimator trains, unless the last loss that was made is
    a sum.
    """
    if not current.get_strategy()._scale_loss_for_estimator:
        return ReduceOp.SUM
    last = context.get_default_graph()._last_loss_reduction
    summed = getattr(last, "value", last) in ("weighted_sum", "sum")
    return ReduceOp.SUM if summed else ReduceOp.MEAN
