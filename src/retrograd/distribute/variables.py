"""Variables with a copy on each device of a strategy."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd.distribute import current
from retrograd.distribute.devices import (
    DeviceMap,
    canonicalize,
    current_device,
)
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.distribute.values import DistributedDelegate, Mirrored
from retrograd.graph.convert import (
    internal_convert_to_tensor,
    register_dense_tensor_like_type,
    register_tensor_conversion_function,
)
from retrograd.graph.defaults import device
from retrograd.graph.distribution import in_cross_replica_context
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F
from retrograd.ops.flow.control import group
from retrograd.variables.options import VariableAggregation
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.distribute.cross_device import Destinations
    from retrograd.distribute.strategy import Strategy
    from retrograd.dtypes import DType
    from retrograd.run.session import BaseSession
    from retrograd.typing import Aggregation, Structure


class DistributedVarOp(NamedTuple):
    """What is asked of the operation of a variable that has several."""

    name: str
    graph: Any
    traceback: Any
    type: str


class DistributedVariable(DistributedDelegate, Variable):
    """A variable with a copy for each replica; see its two subclasses.

    Args:
      strategy: the strategy in whose scope it was made.
      device_map: the devices of the replicas.
      values: the copies, resource variables.
      aggregation: how what replicas assign is put together.
      logical_device: which of a replica's devices it is on.
    """

    _is_resource_variable = True

    def __init__(
        self,
        strategy: Strategy,
        device_map: DeviceMap,
        values: Sequence[Any],
        aggregation: Aggregation,
        logical_device: int | None = None,
    ) -> None:
        super().__init__(device_map, values, logical_device)
        self._distribute_strategy = strategy
        self._aggregation = aggregation
        self._initializer_op = None
        for copy in values:
            copy._distributed_container = weakref.ref(self)

    def __getattr__(self, name: str) -> Any:
        if name in ("sparse_read", "gather_nd"):
            # rows are gathered from the value, as in TensorFlow 1.15's graphs
            raise AttributeError(f"a {type(self).__name__} is read as a whole")
        return super().__getattr__(name)

    def _distributed_container(self) -> DistributedVariable:
        return self

    __hash__ = Variable.__hash__
    __eq__ = Variable.__eq__
    __ne__ = Variable.__ne__

    # ------------------------------------------------------------------ of all copies

    @property
    def distribute_strategy(self) -> Any:
        """The strategy in whose scope it was made."""
        return self._distribute_strategy

    @property
    def initializer(self) -> Any:
        """The operation that gives all copies their initial value."""
        if self._initializer_op is not None:
            return self._initializer_op
        return group([v.initializer for v in self._values])

    def is_initialized(self, name: str | None = None) -> Any:
        """Whether all copies have a value, a bool scalar."""
        *others, last = [v.is_initialized() for v in self._values]
        if not others:
            return last
        so_far = functools.reduce(F.LogicalAnd, others)
        return F.LogicalAnd(so_far, last, name=name)

    @property
    def op(self) -> Any:
        """The operation of the replica at work; facts about the first one's for all."""
        if not in_cross_replica_context():
            return self.get().op
        op = self.primary.op
        return DistributedVarOp(op.name, op.graph, op.traceback, op.type)

    # ------------------------------------------------------------------ of the first

    @property
    def name(self) -> str:
        """The name of the first copy."""
        return self.primary.name

    @property
    def _shared_name(self) -> str:
        return self.primary.name.partition(":")[0]

    @property
    def _unique_id(self) -> Any:
        return self.primary._unique_id

    @property
    def _graph_key(self) -> Any:
        return self.primary._graph_key

    @property
    def _in_graph_mode(self) -> bool:
        return self.primary._in_graph_mode

    @property
    def graph(self) -> Any:
        """The graph that holds it."""
        return self.primary.graph

    @property
    def dtype(self) -> Any:
        """The type of its elements."""
        return self.primary.dtype

    @property
    def shape(self) -> Any:
        """The static shape."""
        return self.primary.shape

    @property
    def synchronization(self) -> Any:
        """When its copies are made equal."""
        return self.primary.synchronization

    @property
    def aggregation(self) -> Any:
        """How what replicas assign is put together."""
        return self._aggregation

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it by default."""
        return self.primary.trainable

    @property
    def constraint(self) -> Any:
        """The function that optimizers apply after an update, or None."""
        return self.primary.constraint

    @property
    def _save_slice_info(self) -> Any:
        return self.primary._save_slice_info

    @_save_slice_info.setter
    def _save_slice_info(self, info: Variable.SaveSliceInfo | None) -> None:
        for copy in self._values:
            copy._save_slice_info = info

    def to_proto(self, export_scope: str | None = None) -> Any:
        """A VariableDef message of the first copy."""
        return self.primary.to_proto(export_scope=export_scope)

    # ------------------------------------------------------------------ of the nearest

    def _get_closest(self) -> Any:
        """The copy of the replica or on the device at work; otherwise the first."""
        replica = current.get_replica_context()
        if replica is not None:
            return self._device_map.select_for_current_replica(self._values, replica)
        where = current.get_update_device()
        where = current_device() if where is None else where
        found = self._device_map.replica_for_device(canonicalize(where))
        return self._values[found or 0]

    @property
    def device(self) -> str:
        """The device of the nearest copy."""
        return self._get_closest().device

    @property
    def initial_value(self) -> Any:
        """The tensor that the nearest copy is initialized with."""
        return self._get_closest().initial_value

    def initialized_value(self) -> Any:
        """The value of the nearest copy, or its initial value while it has none."""
        return self._get_closest().initialized_value()

    def value(self) -> Any:
        """The value of the nearest copy."""
        return self._get_closest().value()

    def eval(self, session: BaseSession | None = None) -> Any:
        """The value of the nearest copy in a session."""
        return self._get_closest().eval(session)

    @property
    def handle(self) -> Any:
        """The handle of the copy at work.

        Raises:
          ValueError: neither a replica nor an update is at work.
        """
        where = None
        if in_cross_replica_context():
            where = current.get_update_device()
            if where is None:
                raise ValueError(
                    "`handle` is not available outside the replica context or a "
                    "`tf.distribute.Strategy.update()` call."
                )
        return self.get(where).handle

    def read_value(self) -> Any:
        """The value, for the replica at work or for all."""
        with current.inside(self._distribute_strategy):
            return identity(self.get())

    def numpy(self) -> Any:
        """The value as an array, when executing eagerly."""
        return self.get().numpy()

    def _dense_var_to_tensor(
        self, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
    ) -> Any:
        return internal_convert_to_tensor(self.get(), dtype, name, as_ref)

    # ------------------------------------------------------------------ changing

    def _changed(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Call a method of the copies that changes them."""
        raise NotImplementedError

    def assign(self, *args: Any, **kwargs: Any) -> Any:
        """Make a value the value. See `tf.Variable.assign`."""
        return self._changed("assign", args, kwargs)

    def assign_add(self, *args: Any, **kwargs: Any) -> Any:
        """Add to the value. See `tf.Variable.assign_add`."""
        return self._changed("assign_add", args, kwargs)

    def assign_sub(self, *args: Any, **kwargs: Any) -> Any:
        """Subtract from the value. See `tf.Variable.assign_sub`."""
        return self._changed("assign_sub", args, kwargs)

    def _clone_with_new_values(self, new_values: Sequence[Any]) -> Any:
        return type(self)(
            self._distribute_strategy,
            self._device_map,
            new_values,
            self._aggregation,
            self._logical_device,
        )


class MirroredVariable(DistributedVariable, Mirrored):
    """A variable whose copies are kept equal.

    What replicas assign is put together first, as its aggregation says.
    """

    def _get_cross_replica(self) -> Any:
        return identity(super()._get_cross_replica())

    def _as_graph_element(self) -> Any:
        if in_cross_replica_context():
            return self.primary._as_graph_element()
        return self.get()._as_graph_element()

    def _dense_var_to_tensor(
        self, dtype: DType | None = None, name: str | None = None, as_ref: bool = False
    ) -> Any:
        assert not as_ref
        return super()._dense_var_to_tensor(dtype, name)

    def _changed(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        def change(copy: Variable, *args: Any, **kwargs: Any) -> Any:
            return getattr(copy, method)(*args, **kwargs)

        with current.inside(self._distribute_strategy):
            if not in_cross_replica_context():
                return self._changed_by_replicas(change, args, kwargs)
            where = current.get_update_device()
            if where is not None:
                return change(self.get(where), *args, **kwargs)
            extended = self._distribute_strategy.extended
            return extended.update(self, change, args, kwargs)

    def _changed_by_replicas(
        self, change: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        if self._aggregation == VariableAggregation.NONE:
            raise ValueError(_no_aggregation(type(self).__name__))

        def merge(
            strategy: Strategy, value: Structure, *others: object, **kwargs: Any
        ) -> Any:
            value = _aggregated(strategy, value, self._aggregation, self)
            return strategy.extended.update(self, change, (value, *others), kwargs)

        return current.get_replica_context().merge_call(merge, args, kwargs)


class SyncOnReadVariable(DistributedVariable):
    """A variable with another value in each replica, put together where all read it."""

    def _get_cross_replica(self) -> Any:
        if self._aggregation == VariableAggregation.ONLY_FIRST_REPLICA:
            return self.primary
        reduce_op = ReduceOp.from_variable_aggregation(self._aggregation)
        with current.inside(self._distribute_strategy):
            return self._distribute_strategy.reduce(reduce_op, self, axis=None)

    def _as_graph_element(self) -> Any:
        if in_cross_replica_context():
            return self._get_cross_replica()
        return self.get()._as_graph_element()

    def _changed(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        with current.inside(self._distribute_strategy):
            if not in_cross_replica_context():
                return getattr(self.get(), method)(*args, **kwargs)
            return self._changed_for_all(method, args[0])

    def _changed_for_all(self, method: str, value: Structure) -> Any:
        if self._aggregation == VariableAggregation.SUM:
            if method != "assign":
                raise ValueError(
                    f"SyncOnReadVariable does not support `{method}` in cross-replica "
                    "context when aggregation is set to `tf.VariableAggregation.SUM`."
                )
            value = value * (1.0 / len(self.devices))
        done = []
        for copy in self._values:
            with device(copy.device):
                done.append(getattr(copy, method)(value))
        return group(done)


register_dense_tensor_like_type(DistributedVariable)


def _convert(
    value: DistributedVariable,
    dtype: DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Any:
    return value._dense_var_to_tensor(dtype, name, as_ref)


register_tensor_conversion_function(DistributedVariable, _convert)


def is_distributed_variable(v: object) -> bool:
    """Whether `v` is a variable with a copy for each replica."""
    return isinstance(v, DistributedVariable)


def _aggregated(
    strategy: Strategy,
    value: Structure,
    aggregation: Aggregation,
    destinations: Destinations,
) -> Any:
    """What replicas assign, put together."""
    extended = strategy.extended
    if aggregation == VariableAggregation.ONLY_FIRST_REPLICA:
        first = strategy.experimental_local_results(value)[0]
        return extended.broadcast_to(first, destinations)
    reduce_op = ReduceOp.from_variable_aggregation(aggregation)
    return extended.reduce_to(reduce_op, value, destinations)


def _no_aggregation(kind: str) -> str:
    return (
        f"You must specify an aggregation method to update a {kind} in Replica Context."
        " You can do so by passing an explicit value for argument `aggregation` to "
        "tf.Variable(..).e.g. `tf.Variable(..., aggregation=tf.VariableAggregation.SUM)"
        "``tf.VariableAggregation` lists the possible aggregation methods.This is "
        f"required because {kind} should always be kept in sync. When updating them or "
        "assigning to them in a replica context, we automatically try to aggregate the "
        "values before updating the variable. For this aggregation, we need to know "
        "the aggregation method. Another alternative is to not try to update such "
        f"{kind} in replica context, but in cross replica context. You can enter cross "
        "replica context by calling `tf.distribute.get_replica_context().merge_call("
        "merge_fn, ..)`.Inside `merge_fn`, you can then update the "
        f"{kind} using `tf.distribute.StrategyExtended.update()`."
    )
