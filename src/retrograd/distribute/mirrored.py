"""`tf.distribute.MirroredStrategy`: a replica on each device, variables on all."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.distribute import current, values
from retrograd.distribute.cross_device import (
    CrossDeviceOps,
    choose_the_best,
    reduce_non_distributed_value,
)
from retrograd.distribute.devices import (
    DeviceMap,
    LogicalDeviceSpec,
    ReplicaDeviceMap,
    resolve,
)
from retrograd.distribute.extended import StrategyExtendedV1
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.distribute.replicas import call_for_each_replica
from retrograd.distribute.strategy import Strategy, StrategyV1
from retrograd.distribute.variables import (
    DistributedVariable,
    MirroredVariable,
    SyncOnReadVariable,
)
from retrograd.errors import message
from retrograd.graph import context, defaults, dispatch
from retrograd.graph.device import DeviceSpecV1
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.identity import identity
from retrograd.run.configuration import list_logical_devices
from retrograd.variables.options import VariableAggregation, VariableSynchronization

if TYPE_CHECKING:
    from retrograd.distribute.cross_device import Destinations
    from retrograd.distribute.values import DistributedValues
    from retrograd.typing import CompositeLike, Message, Structure, VariableLike
    from retrograd.variables.variable import Variable


class MirroredStrategy(Strategy):
    """Each device runs the program on its part of a batch; gradients are summed.

    Variables have a copy on every device, and optimizers change all copies equally.

    Args:
      devices: the names of the devices, by default all there are.
      cross_device_ops: how values are reduced, by default on the first device.

    Raises:
      ValueError: a device on another computer.
    """

    def __init__(
        self,
        devices: Sequence[str] | None = None,
        cross_device_ops: CrossDeviceOps | None = None,
    ) -> None:
        super().__init__(MirroredExtended(self, devices, cross_device_ops))


class MirroredStrategyV1(StrategyV1):
    """See `MirroredStrategy`."""

    def __init__(
        self,
        devices: Sequence[str] | None = None,
        cross_device_ops: CrossDeviceOps | None = None,
    ) -> None:
        super().__init__(MirroredExtended(self, devices, cross_device_ops))


def all_local_devices() -> tuple[str, ...]:
    """The names of the devices there are."""
    return tuple(device.name for device in list_logical_devices())


class MirroredExtended(StrategyExtendedV1):
    """What libraries use of `MirroredStrategy`."""

    def __init__(
        self,
        container_strategy: Strategy,
        devices: Sequence[str] | None = None,
        cross_device_ops: CrossDeviceOps | None = None,
    ) -> None:
        super().__init__(container_strategy)
        places = tuple(resolve(d) for d in devices or all_local_devices())
        assert len(set(places)) == len(places), (
            f"No duplicates allowed in `devices` argument: {places}"
        )
        for place in places:
            _check_local(place)
        self._device_map = ReplicaDeviceMap(places)
        self._cross_device_ops = cross_device_ops or choose_the_best(places)

    # ------------------------------------------------------------------ variables

    def _create_variable(
        self, next_creator: Callable[..., Any], **arguments: Any
    ) -> Any:
        beside = arguments.pop("colocate_with", None)
        place = self._device_map if beside is None else beside.device_map
        return mirrored_variable(
            self._container_strategy(), place, next_creator, arguments
        )

    def _validate_colocate_with_variable(
        self, colocate_with_variable: VariableLike | Sequence[Any]
    ) -> None:
        if not isinstance(colocate_with_variable, DistributedVariable):
            raise ValueError(
                "`colocate_vars_with` must only be passed a variable created in this "
                f"tf.distribute.Strategy.scope(), not: {colocate_with_variable!r}"
            )
        values.validate_colocate(colocate_with_variable, self)

    def read_var(self, v: Any) -> Any:
        """The value of a variable, put together where it differs between replicas."""
        if isinstance(v, SyncOnReadVariable):
            return v._get_cross_replica()
        return identity(v.get())

    # ------------------------------------------------------------------ running

    def _call_for_each_replica(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        strategy = self._container_strategy()
        return call_for_each_replica(strategy, self._device_map, fn, args, kwargs)

    def _broadcast_to(self, tensor: CompositeLike, destinations: Destinations) -> Any:
        if isinstance(tensor, (float, int)):
            return tensor  # numbers are the same everywhere
        where = destinations or LogicalDeviceSpec(self._device_map, 0)
        return self._cross_device_ops.broadcast(tensor, where)

    def _reduce_to(
        self,
        reduce_op: ReduceOp,
        value: DistributedValues | CompositeLike,
        destinations: Destinations,
    ) -> Any:
        if isinstance(value, values.Mirrored) and reduce_op == ReduceOp.MEAN:
            return value
        assert not isinstance(value, values.Mirrored)
        if not isinstance(value, values.DistributedValues):
            return reduce_non_distributed_value(
                reduce_op, self._device_map, value, destinations
            )
        return self._cross_device_ops.reduce(reduce_op, value, destinations)

    def _batch_reduce_to(
        self,
        reduce_op: ReduceOp,
        value_destination_pairs: Iterable[tuple[Any, Any]],
    ) -> Any:
        return self._cross_device_ops.batch_reduce(reduce_op, value_destination_pairs)

    # ------------------------------------------------------------------ updating

    def _update(
        self,
        var: Variable,
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        group: bool,
    ) -> Any:
        assert isinstance(var, DistributedVariable)
        parts = list(zip(var.devices, var.values, strict=True))
        return self._on_each(parts, fn, args, kwargs, group)

    def _update_non_slot(
        self,
        colocate_with: VariableLike | Sequence[Any],
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        group: bool,
    ) -> Any:
        assert isinstance(colocate_with, tuple)
        return self._on_each([(d,) for d in colocate_with], fn, args, kwargs, group)

    def _on_each(
        self,
        parts: Sequence[tuple[Any, ...]],
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        group: bool,
    ) -> Any:
        """Call `fn` for each of `parts`: a device, and what comes before `args`."""
        updates = []
        for i, (where, *first) in enumerate(parts):
            with (
                defaults.device(where),
                current.updating(where),
                dispatch.name_scope(f"update_{i}"),
            ):
                own = values.select_device_mirrored(where, args)
                named = values.select_device_mirrored(where, kwargs)
                updates.append(fn(*first, *own, **named))
        return values.update_regroup(self, self._device_map, updates, group)

    # ------------------------------------------------------------------ facts

    def _local_results(self, distributed_value: Structure) -> tuple[Any, ...]:
        if isinstance(distributed_value, values.DistributedValues):
            return distributed_value.values
        return (distributed_value,)

    def value_container(self, value: DistributedValues | CompositeLike) -> Any:
        """The variable that a value is one device's copy of; otherwise itself."""
        return values.value_container(value)

    def _update_config_proto(self, config_proto: Message) -> Any:
        changed = copy.deepcopy(config_proto)
        changed.isolate_session_state = True
        return changed

    @property
    def _num_replicas_in_sync(self) -> int:
        return self._device_map.num_replicas_in_graph

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """The devices, one a replica."""
        return self._device_map.all_devices

    @property
    def parameter_devices(self) -> tuple[str, ...]:
        """The devices, each with a copy of the variables."""
        return self._device_map.all_devices

    def non_slot_devices(self, var_list: Sequence[Any]) -> tuple[str, ...]:
        """The devices."""
        del var_list
        return self._device_map.all_devices


def _check_local(device: str) -> None:
    job = DeviceSpecV1.from_string(device).job
    if job not in (None, "localhost"):
        raise ValueError(
            message(
                "MirroredStrategy: a device on another computer.",
                got=device,
                want="devices of this computer: /job:localhost, or no job",
            )
        )


# ---------------------------------------------------------------------- variables


def mirrored_variable(
    strategy: Strategy,
    device_map: DeviceMap,
    creator: Callable[..., Any],
    arguments: dict[str, Any],
) -> DistributedVariable:
    """A variable with a copy on each device.

    Args:
      strategy: the strategy in whose scope it is made.
      device_map: the devices.
      creator: makes one copy; a variable creator.
      arguments: those of `tf.Variable`; `synchronization` decides whether the copies
        are kept equal.

    Raises:
      ValueError: copies that are never made equal, or options that do not exist.
    """
    name = arguments.get("name")
    kind = _kind_of(arguments.get("synchronization"), name)
    aggregation = arguments.pop("aggregation", VariableAggregation.NONE)
    if aggregation not in list(VariableAggregation):
        raise ValueError(
            f"Invalid variable aggregation mode: {aggregation} for variable: {name}"
        )
    collections = arguments.pop("collections", None)
    if collections is None:
        collections = [GraphKeys.GLOBAL_VARIABLES]
    arguments.pop("caching_device", None)
    tapes, context.local.tapes = context.local.tapes, []
    try:
        copies = _copies(device_map, creator, {**arguments, "collections": []})
    finally:
        context.local.tapes = tapes
    variable = kind(strategy, device_map, copies, aggregation)
    if not context.executing_eagerly():
        _collect(variable, collections, arguments.get("trainable", True))
    elif GraphKeys.GLOBAL_STEP in collections:
        defaults.add_to_collection(GraphKeys.GLOBAL_STEP, variable)
    return variable


def _kind_of(
    synchronization: VariableSynchronization | None, name: str | None
) -> type[DistributedVariable]:
    if synchronization == VariableSynchronization.NONE:
        raise ValueError(
            "`NONE` variable synchronization mode is not supported with `Mirrored` "
            "distribution strategy. Please change the `synchronization` for variable: "
            f"{name}"
        )
    if synchronization == VariableSynchronization.ON_READ:
        return SyncOnReadVariable
    if synchronization in (None, *VariableSynchronization):
        return MirroredVariable
    raise ValueError(
        f"Invalid variable synchronization mode: {synchronization} for variable: {name}"
    )


def _copies(
    device_map: DeviceMap, creator: Callable[..., Any], arguments: dict[str, Any]
) -> list[Any]:
    """A variable on each device, those after the first with its initial value."""
    made: list[Any] = []
    for i, where in enumerate(device_map.all_devices):
        if i:
            first = made[0].name.partition(":")[0]
            arguments["name"] = f"{first}/replica_{i}/"
            arguments["initial_value"] = _initial_value_of(made[0], where)
        with defaults.device(where):
            made.append(creator(**arguments))
    return made


def _initial_value_of(first: Variable, where: str) -> Callable[[], Any]:
    def initial_value() -> Any:
        if context.executing_eagerly() or defaults.inside_function():
            return identity(first.value())
        with defaults.device(where):
            return identity(first.initial_value)

    return initial_value


def _collect(
    variable: DistributedVariable,
    collections: Iterable[str],
    trainable: bool | None,
) -> None:
    """Put a variable, in the place of its copies, into the collections.

    Of a variable that is trainable because nothing was said about it, the copies stay
    in the collection of trainable variables, as they do in TensorFlow 1.15.
    """
    graph = context.get_default_graph()
    if trainable:
        collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        listed = graph.get_collection_ref(GraphKeys.TRAINABLE_VARIABLES)
        copies = variable.values
        listed[:] = [v for v in listed if not any(v is copy for copy in copies)]
    graph.add_to_collections(collections, variable)
