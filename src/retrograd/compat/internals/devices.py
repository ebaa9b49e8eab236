"""Device names: a check, and device functions that merge one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.device import DeviceSpecV1, canonical_name, merge

if TYPE_CHECKING:
    from retrograd.graph.device import DeviceSpecV2
    from retrograd.graph.operation import Operation


def check_valid(spec: str) -> None:
    """Check that a string names a device.

    Raises:
      ValueError: it does not.
    """
    DeviceSpecV1.from_string(spec)


def merge_device(spec: DeviceSpecV2 | str | None) -> Any:
    """A device function that merges `spec` into the device an operation has.

    Parts that the operation has set already are kept, as in nested `tf.device` blocks.
    """
    name = canonical_name(spec)

    def assign(op: Operation) -> str:
        return merge(name, getattr(op, "device", "") or "")

    return assign
