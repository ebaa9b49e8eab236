"""What a strategy does for libraries: variables, reductions, updates, calls.

A strategy of one's own is a subclass that defines the methods with an underscore; those
without one check the context first.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from retrograd import nest
from retrograd.distribute import current
from retrograd.distribute.devices import current_device
from retrograd.distribute.input import InputContext
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.distribute.scope import StrategyScope
from retrograd.ops.flow.control import group
from retrograd.platform import logs
from retrograd.variables.options import VariableAggregation
from retrograd.variables.scope import variable_creator_scope

if TYPE_CHECKING:
    from retrograd.data.dataset import DatasetV2
    from retrograd.distribute.batches import DistributedDataset, DistributedIterator
    from retrograd.distribute.cross_device import Destinations
    from retrograd.distribute.devices import DeviceMap
    from retrograd.distribute.strategy import Strategy
    from retrograd.distribute.values import DistributedValues
    from retrograd.run.session import BaseSession
    from retrograd.train.server_lib import ClusterSpec
    from retrograd.typing import CompositeLike, Message, Structure, VariableLike
    from retrograd.variables.variable import Variable


def _left_out() -> NoReturn:
    raise NotImplementedError("must be implemented in descendants")


class StrategyExtendedV2:
    """The side of a strategy that libraries use: `strategy.extended`.

    Args:
      container_strategy: the strategy it belongs to.
    """

    _default_device: str | None = None
    _require_static_shapes = False
    _device_map: DeviceMap

    def __init__(self, container_strategy: Strategy) -> None:
        self._container_strategy_weakref = weakref.ref(container_strategy)

    def _container_strategy(self) -> Any:
        strategy = self._container_strategy_weakref()
        assert strategy is not None
        return strategy

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        made = memo[id(self)] = copy.copy(self)
        strategy = self._container_strategy()
        for name, value in vars(self).items():
            if name != "_container_strategy_weakref":
                setattr(made, name, copy.deepcopy(value, memo))
        made._container_strategy_weakref = weakref.ref(memo.get(id(strategy), strategy))
        return made

    # ------------------------------------------------------------------ variables

    def _scope(self, strategy: Strategy) -> Any:
        return StrategyScope(strategy)

    def _creator(self, next_creator: Callable[..., Any], **arguments: Any) -> Any:
        """Makes the variables of the scope; see `tf.variable_creator_scope`."""
        current.require_strategy(self)
        arguments["use_resource"] = True
        arguments["distribute_strategy"] = self._container_strategy()
        return self._create_variable(next_creator, **arguments)

    def _getter(self, getter: Callable[..., Any], *args: Any, **arguments: Any) -> Any:
        """The custom getter of the scope: variables are in one part."""
        if not self._allow_variable_partition():
            if arguments.pop("partitioner", None) is not None:
                logs.log_first_n(
                    logs.WARN,
                    "Partitioned variables are disabled when using current "
                    "tf.distribute.Strategy.",
                    1,
                )
        return getter(*args, **arguments)

    def _allow_variable_partition(self) -> bool:
        return False

    def _create_variable(
        self, next_creator: Callable[..., Any], **arguments: Any
    ) -> Any:
        _left_out()

    def variable_created_in_scope(self, v: Any) -> bool:
        """Whether a variable was made in the scope of this strategy."""
        return v._distribute_strategy is self._container_strategy()

    def colocate_vars_with(
        self, colocate_with_variable: VariableLike | Sequence[Any]
    ) -> Any:
        """A context whose variables lie on the devices of another variable.

        Raises:
          RuntimeError: outside the scope of the strategy.
          ValueError: the other variable was not made in that scope.
        """

        def create(next_creator: Callable[..., Any], **arguments: Any) -> Any:
            current.require_strategy(self)
            arguments["use_resource"] = True
            arguments["colocate_with"] = colocate_with_variable
            return next_creator(**arguments)

        current.require_strategy(self)
        self._validate_colocate_with_variable(colocate_with_variable)
        return variable_creator_scope(create)

    def _validate_colocate_with_variable(
        self, colocate_with_variable: VariableLike | Sequence[Any]
    ) -> None:
        """Raise where a variable is none to lie beside."""

    # ------------------------------------------------------------------ reductions

    def _reduce(
        self, reduce_op: ReduceOp, value: DistributedValues | CompositeLike
    ) -> Any:
        where = current_device() or "/device:CPU:0"
        return self._local_results(self._reduce_to(reduce_op, value, where))[0]

    def reduce_to(
        self,
        reduce_op: ReduceOp | str,
        value: DistributedValues | CompositeLike,
        destinations: Destinations,
    ) -> Any:
        """The sum or mean of a value over all replicas.

        Args:
          reduce_op: a ReduceOp, or its name.
          value: what has a value for each replica.
          destinations: where the result is wanted: a variable, a tensor, a device
            name, or what has values on several devices.
        """
        current.require_cross_replica(self)
        assert not isinstance(destinations, (list, tuple))
        assert not isinstance(reduce_op, VariableAggregation)
        reduce_op = ReduceOp.of(reduce_op)
        assert reduce_op in (ReduceOp.SUM, ReduceOp.MEAN)
        return self._reduce_to(reduce_op, value, destinations)

    def _reduce_to(
        self,
        reduce_op: ReduceOp,
        value: DistributedValues | CompositeLike,
        destinations: Destinations,
    ) -> Any:
        _left_out()

    def batch_reduce_to(
        self,
        reduce_op: ReduceOp | str,
        value_destination_pairs: Iterable[tuple[Any, Any]],
    ) -> list[Any]:
        """As `reduce_to` for pairs of a value and its destinations."""
        current.require_cross_replica(self)
        assert not isinstance(reduce_op, VariableAggregation)
        return self._batch_reduce_to(ReduceOp.of(reduce_op), value_destination_pairs)

    def _batch_reduce_to(
        self,
        reduce_op: ReduceOp,
        value_destination_pairs: Iterable[tuple[Any, Any]],
    ) -> list[Any]:
        return [
            self.reduce_to(reduce_op, value, destinations=where)
            for value, where in value_destination_pairs
        ]

    # ------------------------------------------------------------------ updates

    def update(
        self,
        var: Variable,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        group: bool = True,
    ) -> Any:
        """Call `fn` for each copy of a variable, on the device where it lies.

        Args:
          var: the variable.
          fn: `f(copy, *args, **kwargs)`; arguments that are equal on all devices are
            given as the value on that device.
          args, kwargs: the arguments.
          group: whether what is returned runs all calls, rather than being a list of
            their results.
        """
        current.require_cross_replica(self)
        with self._container_strategy().scope():
            return self._update(var, fn, args, kwargs or {}, group)

    def _update(
        self,
        var: Variable,
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        group: bool,
    ) -> Any:
        _left_out()

    def update_non_slot(
        self,
        colocate_with: VariableLike | Sequence[Any],
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        group: bool = True,
    ) -> Any:
        """Call `fn(*args, **kwargs)` on each of the devices from `non_slot_devices`."""
        current.require_cross_replica(self)
        with self._container_strategy().scope():
            return self._update_non_slot(colocate_with, fn, args, kwargs or {}, group)

    def _update_non_slot(
        self,
        colocate_with: VariableLike | Sequence[Any],
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        group: bool,
    ) -> Any:
        _left_out()

    # ------------------------------------------------------------------ values

    def _local_results(self, distributed_value: Structure) -> tuple[Any, ...]:
        _left_out()

    def value_container(self, value: DistributedValues | CompositeLike) -> Any:
        """What a value is one replica's part of; itself where it is no part."""
        _left_out()

    def _group(
        self, value: DistributedValues | CompositeLike, name: str | None = None
    ) -> Any:
        parts = nest.flatten(self._local_results(value))
        if len(parts) != 1 or name is not None:
            return group(parts, name=name)
        return getattr(parts[0], "op", parts[0])

    # ------------------------------------------------------------------ facts

    @property
    def experimental_require_static_shapes(self) -> bool:
        """Whether shapes must be known when the graph is built."""
        return self._require_static_shapes

    @property
    def _num_replicas_in_sync(self) -> int:
        _left_out()

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """The devices that replicas run on."""
        _left_out()

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """The devices that variables lie on."""
        _left_out()

    def non_slot_devices(self, var_list: Sequence[Any]) -> Any:
        """The devices for variables that belong to none of `var_list` alone."""
        _left_out()

    def _configure(
        self,
        session_config: Message | None = None,
        cluster_spec: ClusterSpec | Message | Mapping[str, Any] | None = None,
        task_type: str | None = None,
        task_id: int | None = None,
    ) -> None:
        """Take note of the cluster; there is one computer."""

    def _update_config_proto(self, config_proto: Message) -> Any:
        return copy.deepcopy(config_proto)


class StrategyExtendedV1(StrategyExtendedV2):
    """What version 1 adds. See `StrategyExtendedV2`.

    Attributes:
      experimental_between_graph: whether each computer builds a graph of its own.
      experimental_should_init: whether this process initializes variables.
      should_checkpoint: whether this process saves checkpoints.
      should_save_summary: whether this process writes summaries.
    """

    experimental_between_graph = False
    experimental_should_init = True
    should_checkpoint = True
    should_save_summary = True
    #: a batch that is given is for all replicas together
    _global_batch_size = True

    def broadcast_to(self, tensor: CompositeLike, destinations: Destinations) -> Any:
        """Copies of a tensor on the devices of `destinations`."""
        assert destinations is not None
        current.require_cross_replica(self)
        assert not isinstance(destinations, (list, tuple))
        return self._broadcast_to(tensor, destinations)

    def _broadcast_to(self, tensor: CompositeLike, destinations: Destinations) -> Any:
        _left_out()

    def call_for_each_replica(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `fn` once for each replica.

        Args:
          fn: the function; gets its replica's part of each argument.
          args, kwargs: the arguments.

        Returns:
          What the calls returned, put together.

        Raises:
          RuntimeError: inside such a call, or in the scope of another strategy.
        """
        current.require_cross_replica(self)
        with self._container_strategy().scope():
            return self._call_for_each_replica(fn, args, kwargs or {})

    def _call_for_each_replica(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        _left_out()

    def read_var(self, v: Variable) -> Any:
        """The value of a variable that has another one in each replica."""
        _left_out()

    # ------------------------------------------------------------------ input
    # Every program has a strategy, few have datasets: these are loaded when asked for.

    def _split(self, dataset: DatasetV2) -> Any:
        """A dataset with each batch in one part for each replica."""
        from retrograd.data.dataset import rebatched

        replicas = self._num_replicas_in_sync
        return dataset if replicas == 1 else rebatched(dataset, replicas)

    def _iterated(self, dataset: DatasetV2) -> DistributedIterator:
        from retrograd.distribute.batches import DistributedIterator

        return DistributedIterator(self, dataset)

    def _distributed(self, dataset: DatasetV2) -> DistributedDataset:
        from retrograd.distribute.batches import DistributedDataset

        return DistributedDataset(self, dataset)

    def _made(self, dataset_fn: Callable[[InputContext], Any]) -> Any:
        """What an input function makes for this computer."""
        return dataset_fn(InputContext(num_replicas_in_sync=self._num_replicas_in_sync))

    def _make_dataset_iterator(self, dataset: DatasetV2) -> Any:
        return self._iterated(self._split(dataset))

    def _make_input_fn_iterator(
        self, input_fn: Callable[[InputContext], Any], replication_mode: object
    ) -> Any:
        del replication_mode
        return self._iterated(self._made(input_fn))

    def _experimental_distribute_dataset(self, dataset: DatasetV2) -> Any:
        return self._distributed(self._split(dataset))

    def _experimental_distribute_datasets_from_function(
        self, dataset_fn: Callable[[InputContext], Any]
    ) -> Any:
        return self._distributed(self._made(dataset_fn))

    def experimental_make_numpy_dataset(
        self, numpy_input: Structure, session: BaseSession | None = None
    ) -> Any:
        """A dataset with an element for each row of arrays."""
        from retrograd.data.dataset import DatasetV1

        del session
        current.require_cross_replica(self)
        return DatasetV1.from_tensor_slices(numpy_input)
