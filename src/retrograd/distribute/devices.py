"""Devices of replicas: their names in full, and which replica is on which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd.graph import context, defaults
from retrograd.graph.device import DeviceSpecV1, canonical_name, merge
from retrograd.run.devices import CPU

if TYPE_CHECKING:
    from retrograd.distribute.replica import ReplicaContext
    from retrograd.graph.device import DeviceSpecV2


def canonicalize(
    device: str | bytes | DeviceSpecV2 | None, default: str | None = None
) -> str:
    """A device name with all its parts; the first CPU's where it leaves them open.

    Args:
      device: a device name.
      default: a name whose parts come before those of the first CPU.
    """
    spec = DeviceSpecV1.from_string(CPU)
    if not defaults.executing_eagerly_outside_functions():
        spec = spec.replace(job=None)  # a graph can be run anywhere
    full = merge(spec.to_string(), canonical_name(default))
    return merge(full, canonical_name(device))


def resolve(device: str | bytes | DeviceSpecV2 | None) -> str:
    """A device name with all its parts, by default those of the device in force."""
    return canonicalize(device, current_device())


class _Nothing:
    """Stands for an operation, to find out which device one would get."""

    type = name = _device = ""

    @property
    def device(self) -> str:
        """The device so far."""
        return self._device

    @property
    def node_def(self) -> Any:
        """Itself: it has a name and no op type."""
        return self


def current_device() -> str:
    """The device that is asked for here; an empty string if none is."""
    if defaults.executing_eagerly_outside_functions():
        return canonical_name(context.local.device)
    nothing: Any = _Nothing()
    for scope in reversed(context.get_default_graph()._scopes.devices):
        if scope.clears:
            break
        scope.apply(nothing)
    return nothing.device


def host_of(device: str) -> str:
    """The first CPU of the computer that a device is in."""
    return (
        DeviceSpecV1.from_string(device)
        .replace(device_type="CPU", device_index=0)
        .to_string()
    )


class DeviceMap:
    """Which devices replicas are on.

    Args:
      devices: their names, one a replica, all different.
    """

    def __init__(self, devices: Sequence[Any]) -> None:
        self._devices = tuple(canonicalize(d) for d in devices)

    @property
    def all_devices(self) -> tuple[str, ...]:
        """The names of the devices."""
        return self._devices

    @property
    def num_logical_devices(self) -> int:
        """How many devices a replica has."""
        return 1

    @property
    def num_replicas_in_graph(self) -> int:
        """How many replicas there are."""
        return len(self._devices)

    @property
    def devices_by_replica(self) -> Iterator[tuple[str]]:
        """The devices of each replica."""
        return ((device,) for device in self._devices)

    def logical_device_from_values(self, values: Sequence[Any]) -> int:
        """Which of a replica's devices the values are on: its only one."""
        del values
        return 0

    def logical_to_actual_devices(self, logical_device_id: int) -> tuple[str, ...]:
        """The devices of the replicas."""
        assert logical_device_id == 0
        return self._devices

    def select_for_current_replica(
        self, values: Sequence[Any], replica: ReplicaContext
    ) -> Any:
        """The value of a replica, out of those of all."""
        raise NotImplementedError

    def replica_for_device(self, device: str) -> int | None:
        """The replica on a device, or None."""
        raise NotImplementedError

    def select_for_device(self, values: Sequence[Any], device: str) -> Any:
        """The value on a device, out of those of all.

        Raises:
          ValueError: no replica is there.
        """
        found = self.replica_for_device(device)
        if found is None:
            raise ValueError(
                f"Device {device} not found in {self._devices} (current device "
                f"{current_device()})"
            )
        return values[found]

    def is_device_in_replica(self, device: str, replica_id: int) -> bool:
        """Whether a replica is on a device."""
        return canonicalize(device) == self._devices[replica_id]


class SingleDeviceMap(DeviceMap):
    """One device, whichever replica asks."""

    def __init__(self, device: str) -> None:
        assert isinstance(device, str)
        super().__init__([device])

    def select_for_current_replica(
        self, values: Sequence[Any], replica: ReplicaContext
    ) -> Any:
        """The only value."""
        del replica
        (value,) = values
        return value

    def replica_for_device(self, device: str) -> int | None:
        """0, or None for another device."""
        return 0 if device == self._devices[0] else None

    def __repr__(self) -> str:
        return f"SingleDeviceMap({self._devices[0]!r})"


class ReplicaDeviceMap(DeviceMap):
    """A device for each replica.

    Raises:
      ValueError: two names stand for one device.
    """

    def __init__(self, devices: Sequence[Any]) -> None:
        super().__init__(devices)
        self._replicas = {device: i for i, device in enumerate(self._devices)}
        if len(self._replicas) != len(self._devices):
            raise ValueError(
                f"Duplicate devices in {devices}, after canonicalization: "
                f"{self._devices}"
            )

    def select_for_current_replica(
        self, values: Sequence[Any], replica: ReplicaContext
    ) -> Any:
        """The value of a replica."""
        return values[replica_number(replica)]

    def replica_for_device(self, device: str) -> int | None:
        """The replica on a device, or None."""
        return self._replicas.get(device)

    def __str__(self) -> str:
        return f"[{', '.join(self._devices)}]"

    def __repr__(self) -> str:
        return f"ReplicaDeviceMap([{', '.join(map(repr, self._devices))}])"


def replica_number(replica: ReplicaContext) -> int:
    """The number of a replica, as an int; 0 where it is not known yet."""
    from retrograd.ops.array.tensor_values import constant_value

    number = replica.replica_id_in_sync_group
    if not isinstance(number, int):
        number = constant_value(number)
    return 0 if number is None else int(number)


class LogicalDeviceSpec(NamedTuple):
    """The devices of all replicas, as a place to reduce to."""

    device_map: DeviceMap
    logical_device: int
