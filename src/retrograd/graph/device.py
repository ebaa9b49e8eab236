"""Device names: `/job:worker/replica:0/task:1/device:GPU:0`, whole or in part."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Self

CPU_GPU = ("cpu", "gpu")
_NAMES = ("job", "replica", "task", "device_type", "device_index")


def _part(place: int, settable: bool = False) -> Any:
    """A property for one of the parts of a device name."""

    def get(self: DeviceSpecV2) -> Any:
        return self._parts[place]

    def put(self: DeviceSpecV2, value: object) -> None:
        parts: list[Any] = list(self._parts)
        parts[place] = value
        self.__init__(*parts)

    return property(get, put if settable else None, doc=f"The {_NAMES[place]}.")


class DeviceSpecV2:
    """A device name taken apart; a part that is None is left open. It never changes."""

    job = _part(0)
    replica = _part(1)
    task = _part(2)
    device_type = _part(3)
    device_index = _part(4)

    def __init__(
        self,
        job: str | None = None,
        replica: int | None = None,
        task: int | None = None,
        device_type: str | None = None,
        device_index: int | None = None,
    ) -> None:
        if device_type in CPU_GPU:
            device_type = device_type.upper()
        self._parts = (
            None if job is None else str(job),
            None if replica is None else int(replica),
            None if task is None else int(task),
            device_type,
            None if device_index is None else int(device_index),
        )

    @classmethod
    def from_string(cls, spec: str) -> Self:
        """Read a device name.

        Raises:
          ValueError: a part is not known.
        """
        return cls(*_parts(spec or ""))

    def parse_from_string(self, spec: str) -> Self:
        """The same."""
        return self.from_string(spec)

    def make_merged_spec(self, dev: DeviceSpecV2) -> Self:
        """A new spec: this one, overridden by the parts that `dev` sets."""
        return type(self)(*self._overridden(dev))

    def _overridden(self, dev: DeviceSpecV2) -> Iterator[Any]:
        for mine, theirs in zip(self._parts, dev._parts, strict=True):
            yield mine if theirs is None else theirs

    def replace(self, **parts: object) -> Self:
        """A copy with the given parts replaced."""
        return type(self)(**{**dict(zip(_NAMES, self._parts, strict=True)), **parts})

    def to_string(self) -> str:
        """The name in its full form."""
        job, replica, task, kind, index = self._parts
        text = "" if job is None else f"/job:{job}"
        text += "" if replica is None else f"/replica:{replica}"
        text += "" if task is None else f"/task:{task}"
        if kind is not None:
            text += f"/device:{kind}:{'*' if index is None else index}"
        return text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self.to_string())


class DeviceSpecV1(DeviceSpecV2):
    """A device name taken apart, whose parts can be set."""

    job = _part(0, settable=True)
    replica = _part(1, settable=True)
    task = _part(2, settable=True)
    device_type = _part(3, settable=True)
    device_index = _part(4, settable=True)

    def parse_from_string(self, spec: str) -> Self:
        """Set the parts that `spec` names, and return this object."""
        self.__init__(*_parts(spec or ""))
        return self

    def merge_from(self, dev: DeviceSpecV2) -> None:
        """Take every part that `dev` sets."""
        self.__init__(*self._overridden(dev))


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


def canonical_name(device: str | bytes | DeviceSpecV2 | None) -> str:
    """The full form of a device name or spec; None and "" give an empty string."""
    if device is None or device == "":
        return ""
    to_string = getattr(device, "to_string", None)
    if to_string is not None:
        return to_string()
    return _canonical(device.decode() if isinstance(device, bytes) else str(device))


@functools.lru_cache(1024)
def _canonical(device: str) -> str:
    return DeviceSpecV1.from_string(device).to_string()


@functools.lru_cache(4096)
def merge(outer: str, inner: str) -> str:
    """`outer` overridden by the parts that `inner` sets."""
    if not outer or not inner:
        return inner or outer
    spec = DeviceSpecV1.from_string(outer)
    spec.merge_from(DeviceSpecV1.from_string(inner))
    return spec.to_string()
