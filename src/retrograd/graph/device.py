"""Device names: `/job:worker/replica:0/task:1/device:GPU:0`, whole or in part."""

from __future__ import annotations

import functools
from typing import Any


class DeviceSpec:
    """A device name taken apart; a part that is None is left open."""

    def __init__(
        self,
        job: str | None = None,
        replica: int | None = None,
        task: int | None = None,
        device_type: str | None = None,
        device_index: int | None = None,
    ) -> None:
        self.job = None if job is None else str(job)
        self.replica = None if replica is None else int(replica)
        self.task = None if task is None else int(task)
        if device_type in CPU_GPU:
            device_type = device_type.upper()
        self.device_type = device_type
        self.device_index = None if device_index is None else int(device_index)

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """Read a device name.

        Raises:
          ValueError: a part is not known.
        """
        return cls().parse_from_string(spec)

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Set the parts that `spec` names, and return this object."""
        found = _parts(spec or "")
        self.__init__(*found)
        return self

    def _values(self) -> tuple[Any, ...]:
        return (self.job, self.replica, self.task, self.device_type, self.device_index)

    def merge_from(self, dev: DeviceSpec) -> None:
        """Take every part that `dev` sets."""
        for part in ("job", "replica", "task", "device_type", "device_index"):
            if getattr(dev, part) is not None:
                setattr(self, part, getattr(dev, part))

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """A new spec: this one, overridden by the parts that `dev` sets."""
        merged = type(self)(*self._values())
        merged.merge_from(dev)
        return merged

    def replace(self, **parts: Any) -> DeviceSpec:
        """A copy with the given parts replaced."""
        names = ("job", "replica", "task", "device_type", "device_index")
        return type(self)(**{**dict(zip(names, self._values(), strict=True)), **parts})

    def to_string(self) -> str:
        """The name in its full form."""
        text = "" if self.job is None else f"/job:{self.job}"
        text += "" if self.replica is None else f"/replica:{self.replica}"
        text += "" if self.task is None else f"/task:{self.task}"
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            text += f"/device:{self.device_type}:{index}"
        return text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self.to_string())


CPU_GPU = ("cpu", "gpu")


def _parts(spec: str) -> tuple[Any, ...]:
    """Job, replica, task, device type and index of a device name; None where open."""
    found: dict[str, Any] = {}
    for part in spec.split("/"):
        words = part.split(":")
        key = words[0]
        if len(words) == 2 and key in ("job", "replica", "task"):
            found[key] = words[1]
        elif len(words) <= 2 and key.lower() in CPU_GPU:
            _set_kind(found, key.upper(), words[1] if len(words) == 2 else "*", spec)
        elif len(words) == 3 and key == "device":
            _set_kind(found, words[1], words[2], spec)
        elif key:
            raise ValueError(f"Unknown attribute: '{key}' in '{spec}'")
    return tuple(found.get(key) for key in ("job", "replica", "task", "kind", "index"))


def _set_kind(found: dict[str, Any], kind: str, index: str, spec: str) -> None:
    if "kind" in found:
        raise ValueError(f"Cannot specify multiple device types: {spec}")
    found["kind"] = kind
    found["index"] = None if index == "*" else int(index)


def canonical_name(device: Any) -> str:
    """The full form of a device name or spec; None and "" give an empty string."""
    if device is None or device == "":
        return ""
    to_string = getattr(device, "to_string", None)
    if to_string is not None:
        return to_string()
    return _canonical(device.decode() if isinstance(device, bytes) else str(device))


@functools.lru_cache(1024)
def _canonical(device: str) -> str:
    return DeviceSpec.from_string(device).to_string()


@functools.lru_cache(4096)
def merge(outer: str, inner: str) -> str:
    """`outer` overridden by the parts that `inner` sets."""
    if not outer or not inner:
        return inner or outer
    spec = DeviceSpec.from_string(outer)
    spec.merge_from(DeviceSpec.from_string(inner))
    return spec.to_string()
