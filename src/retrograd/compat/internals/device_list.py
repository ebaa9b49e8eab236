"""The devices of this process as protocol messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.formats import messages
from retrograd.run.devices import local_devices

if TYPE_CHECKING:
    from retrograd.typing import Message


def list_local_devices(session_config: Message | None = None) -> list[Any]:
    """A DeviceAttributes message for each device that operations can be placed on.

    Args:
      session_config: a ConfigProto, for the number of CPU devices.
    """
    return [
        messages.DeviceAttributes(
            name=found.name.replace("/job:localhost/replica:0/task:0", ""),
            device_type=found.device_type,
            memory_limit=found.memory_limit_bytes,
            incarnation=found.incarnation,
        )
        for found in local_devices(session_config)
    ]
