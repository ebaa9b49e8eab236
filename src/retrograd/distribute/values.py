"""Values that are another one in each replica, or a copy on each device."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.distribute import current
from retrograd.distribute.devices import (
    DeviceMap,
    ReplicaDeviceMap,
    SingleDeviceMap,
    canonicalize,
    current_device,
)
from retrograd.graph.defaults import control_dependencies, device
from retrograd.graph.specs import CompositeTensor, TypeSpec, type_spec_from_value
from retrograd.ops.array.identity import identity
from retrograd.ops.array.tensor_values import is_tensor
from retrograd.ops.flow.control import group

if TYPE_CHECKING:
    from retrograd.distribute.extended import StrategyExtendedV1
    from retrograd.typing import Structure


class DistributedValues:
    """A value for each replica.

    Args:
      device_map: the devices of the replicas.
      values: one a replica.
      logical_device: which of a replica's devices it is on.
    """

    def __init__(
        self,
        device_map: DeviceMap,
        values: Sequence[Any],
        logical_device: int | None = None,
    ) -> None:
        assert isinstance(device_map, DeviceMap)
        self._device_map = device_map
        self._values = tuple(values)
        if logical_device is None:
            logical_device = device_map.logical_device_from_values(self._values)
        self._logical_device: int = logical_device

    def get(self, device: str | None = None) -> Any:
        """The value on a device; by default that of the replica or device at work.

        Raises:
          ValueError: there is none on that device.
        """
        if device is None:
            replica = current.get_replica_context()
            if replica is not None:
                return self._device_map.select_for_current_replica(
                    self._values, replica
                )
            device = current.get_update_device()
            if device is None:
                return self._get_cross_replica()
        return self._device_map.select_for_device(self._values, canonicalize(device))

    def _get_cross_replica(self) -> Any:
        raise TypeError(
            f"{type(self).__name__} has no value for all replicas together; reduce it, "
            "or take experimental_local_results"
        )

    @property
    def primary(self) -> Any:
        """The value of the first replica."""
        return self._values[0]

    @property
    def devices(self) -> tuple[str, ...]:
        """Where the values are."""
        return self._device_map.logical_to_actual_devices(self._logical_device)

    @property
    def logical_device(self) -> int:
        """Which of a replica's devices it is on."""
        return self._logical_device

    @property
    def device_map(self) -> DeviceMap:
        """The devices of the replicas."""
        return self._device_map

    @property
    def values(self) -> tuple[Any, ...]:
        """The values of all replicas."""
        return self._values

    @property
    def is_tensor_like(self) -> bool:
        """Whether all values stand for tensors."""
        return all(is_tensor(v) for v in self._values)

    def _listed(self, show: Callable[[Any], str]) -> str:
        rows = zip(self.devices, self._values, strict=True)
        lines = [f"  {i} {where}: {show(v)}" for i, (where, v) in enumerate(rows)]
        return f"{type(self).__name__}:{{\n" + ",\n".join(lines) + "\n}"

    def __str__(self) -> str:
        return self._listed(str)

    def __repr__(self) -> str:
        return self._listed(repr)


class DistributedDelegate(DistributedValues):
    """Values that can be used as the one of the replica or device at work."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_device_map", "_values"):
            raise AttributeError(name)  # asked for while copying: there is no value yet
        return getattr(self.get(), name)

    def _get_as_operand(self) -> Any:
        return self.get()


def _add_operators() -> None:
    """Give delegates the operators of tensors, applied to the value at work."""

    def unary(apply: Callable[[Any], Any]) -> Any:
        return lambda self: apply(self._get_as_operand())

    def binary(apply: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
        return (
            lambda self, other: apply(self._get_as_operand(), other),
            lambda self, other: apply(other, self._get_as_operand()),
        )

    for name in ("neg", "abs", "invert"):
        setattr(DistributedDelegate, f"__{name}__", unary(getattr(operator, name)))
    for name in ("lt", "le", "gt", "ge", "getitem"):
        ahead, _ = binary(getattr(operator, name))
        setattr(DistributedDelegate, f"__{name}__", ahead)
    for name in "add sub mul truediv floordiv mod pow and or xor matmul".split():
        word = name + "_" if name in ("and", "or") else name
        ahead, reflected = binary(getattr(operator, word))
        setattr(DistributedDelegate, f"__{name}__", ahead)
        setattr(DistributedDelegate, f"__r{name}__", reflected)


_add_operators()


class PerReplica(DistributedValues, CompositeTensor):
    """A value of its own for each replica."""

    @property
    def _type_spec(self) -> PerReplicaSpec:
        specs = [type_spec_from_value(v) for v in self._values]
        return PerReplicaSpec(specs, self._device_map, self._logical_device)


class PerReplicaSpec(TypeSpec):
    """What is known about a value of its own for each replica.

    Args:
      value_specs: what is known about the value of each replica.
      device_map: the devices, or what `_serialize` gives for them.
      logical_device: which of a replica's devices it is on.
    """

    def __init__(
        self, value_specs: Sequence[Any], device_map: DeviceMap, logical_device: int
    ) -> None:
        if isinstance(device_map, tuple):
            kind, devices = device_map
            single = kind == "single"
            device_map = (
                SingleDeviceMap(devices) if single else ReplicaDeviceMap(devices)
            )
        self._value_specs = tuple(value_specs)
        self._device_map = device_map
        self._logical_device = logical_device

    @property
    def value_type(self) -> Any:
        """The Python type of the values."""
        return PerReplica

    def _serialize(self) -> tuple[Any, ...]:
        devices = self._device_map.all_devices
        if isinstance(self._device_map, SingleDeviceMap):
            return self._value_specs, ("single", devices[0]), self._logical_device
        return self._value_specs, ("replica", devices), self._logical_device

    @property
    def _component_specs(self) -> Any:
        return self._value_specs

    def _to_components(self, value: PerReplica) -> Any:
        replica = current.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            raise ValueError(
                "Flattening a PerReplica to components is not supported in replica "
                "context."
            )
        return value._values

    def _from_components(self, components: Sequence[Any]) -> Any:
        return PerReplica(self._device_map, components, self._logical_device)


class Mirrored(DistributedDelegate):
    """The same value on each device."""

    def _get_cross_replica(self) -> Any:
        found = self._device_map.replica_for_device(canonicalize(current_device()))
        return self._values[found or 0]

    def _as_graph_element(self) -> Any:
        value = self.get()
        convert = getattr(value, "_as_graph_element", None)
        return convert() if callable(convert) else value


# ---------------------------------------------------------------------- regrouping


def regroup(
    device_map: DeviceMap,
    values: Sequence[Any],
    wrap_class: Callable[[DeviceMap, Sequence[Any]], Any] = PerReplica,
) -> Any:
    """One structure of what each replica has, out of one structure a replica.

    Args:
      device_map: the devices of the replicas.
      values: a structure for each replica, all alike.
      wrap_class: what makes one value of those of all replicas, from `device_map` and
        these. What is the same object in all is kept; copies of a variable become the
        variable.
    """
    assert len(values) == device_map.num_replicas_in_graph
    first = values[0]

    def part(key: Hashable) -> Any:
        return regroup(device_map, tuple(v[key] for v in values), wrap_class)

    if isinstance(first, (list, tuple)):
        assert all(isinstance(v, type(first)) for v in values)
        assert all(len(v) == len(first) for v in values), "structures differ"
        parts = [part(i) for i in range(len(first))]
        if hasattr(first, "_make"):
            return type(first)._make(parts)  # pyright: ignore[reportAttributeAccessIssue]
        return parts if isinstance(first, list) else tuple(parts)
    if isinstance(first, dict):
        assert all(isinstance(v, dict) and v.keys() == first.keys() for v in values)
        return {key: part(key) for key in first}
    container = container_of(first)
    if all(v is first for v in values) and (container in (None, first)):
        return first
    if container is None:
        return wrap_class(device_map, values)
    assert all(container_of(v) is container for v in values)
    return container


def container_of(value: object) -> Any:
    """The variable that `value` is a copy of on one device; None for anything else.

    A variable of all replicas is its own.
    """
    reference = getattr(value, "_distributed_container", None)
    return None if reference is None else reference()


def value_container(value: object) -> Any:
    """The variable that `value` is the copy of on one device; itself if it is none."""
    found = container_of(value)
    return value if found is None else found


def select_replica(replica_id: int, structured: Structure) -> Any:
    """A structure with the values of one replica in it."""
    return nest.map_structure(
        lambda x: x.values[replica_id] if isinstance(x, DistributedValues) else x,
        structured,
    )


def select_device_mirrored(device: str, structured: Structure) -> Any:
    """A structure with the copies on one device in it.

    Raises:
      TypeError: a value differs between replicas.
    """

    def select(x: object) -> Any:
        if not isinstance(x, DistributedValues):
            return x
        if not isinstance(x, Mirrored):
            raise TypeError(
                f"Expected value to be mirrored across replicas: {x} in {structured}."
            )
        return x.get(device)

    return nest.map_structure(select, structured)


def update_regroup(
    extended: StrategyExtendedV1,
    device_map: DeviceMap,
    updates: Sequence[Any],
    grouped: bool,
) -> Any:
    """What an `update` returns, of the results on each device."""
    if grouped:
        return regroup(device_map, updates, _together)
    regrouped = regroup(device_map, updates, Mirrored)
    return nest.map_structure(extended._local_results, regrouped)


def _together(device_map: DeviceMap, values: Sequence[Any]) -> Any:
    """Copies of which none is there before all are."""
    if len(values) == 1:
        return Mirrored(device_map, values)
    done = group(values)
    if not all(is_tensor(v) for v in values):
        return done
    copies = []
    for value, where in zip(values, device_map.all_devices, strict=True):
        with device(where), control_dependencies([done]):
            copies.append(identity(value))
    return Mirrored(device_map, copies)


# ---------------------------------------------------------------------- checks


def validate_colocate(variable: Any, extended: StrategyExtendedV1) -> None:
    """Check that a variable was made in the scope of a strategy.

    Raises:
      ValueError: it was not.
    """
    if not hasattr(variable, "_distribute_strategy"):
        raise ValueError(
            "`colocate_vars_with` must only be passed a variable created in this "
            f"tf.distribute.Strategy.scope(), not: {variable!r}"
        )
    strategy = variable._distribute_strategy
    if strategy is None or strategy.extended is not extended:
        raise ValueError(
            "`colocate_vars_with` must only be passed a variable created in this "
            f"tf.distribute.Strategy.scope(), not {variable} created in scope: "
            f"{strategy}"
        )
