"""The devices that operations can be placed on by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.device import canonical_name

if TYPE_CHECKING:
    from retrograd.typing import Message

PREFIX = "/job:localhost/replica:0/task:0"
CPU = f"{PREFIX}/device:CPU:0"
_MEMORY = 256 << 20


class DeviceAttributes:
    """What a session says of a device: name, type, memory in bytes, incarnation."""

    def __init__(
        self, name: str, device_type: str, memory_limit_bytes: int, incarnation: int
    ) -> None:
        self._name = canonical_name(name)
        self._device_type = device_type
        self._memory_limit_bytes = memory_limit_bytes
        self._incarnation = incarnation

    @property
    def name(self) -> str:
        """The full device name."""
        return self._name

    @property
    def device_type(self) -> str:
        """`CPU`, `GPU` …"""
        return self._device_type

    @property
    def memory_limit_bytes(self) -> int:
        """How much memory operations may use; a nominal number."""
        return self._memory_limit_bytes

    @property
    def incarnation(self) -> int:
        """A number that is another one after the device was started anew."""
        return self._incarnation

    def __repr__(self) -> str:
        return (
            f"_DeviceAttributes({self.name}, {self.device_type}, "
            f"{self.memory_limit_bytes}, {self.incarnation})"
        )


def local_devices(
    config: Message | None = None, prefix: str = PREFIX
) -> list[DeviceAttributes]:
    """The devices of a session: as many CPUs as a ConfigProto asks for, or one.

    An accelerator that XLA finds runs whole compiled steps; operations are not placed
    on it by name.
    """
    count = config.device_count.get("CPU", 1) if config is not None else 1
    return [
        DeviceAttributes(f"{prefix}/device:CPU:{i}", "CPU", _MEMORY, i + 1)
        for i in range(max(count, 1))
    ]
