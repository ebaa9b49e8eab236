"""Device names: `/job:worker/replica:0/task:1/device:GPU:0`, whole or in part."""

from __future__ import annotations

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
        self.job = job
        self.replica = None if replica is None else int(replica)
        self.task = None if task is None else int(task)
        if device_type in ("cpu", "gpu"):
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
        for part in spec.split("/"):
            key, _, value = part.partition(":")
            if not part:
                continue
            if key == "job":
                self.job = value
            elif key in ("replica", "task"):
                setattr(self, key, int(value))
            elif key.lower() in ("cpu", "gpu"):
                self.device_type = key.upper()
                self.device_index = None if value in ("*", "") else int(value)
            elif key == "device":
                kind, _, index = value.partition(":")
                self.device_type = kind.upper() if kind.lower() in CPU_GPU else kind
                self.device_type = None if kind == "*" else self.device_type
                self.device_index = None if index in ("*", "") else int(index)
            else:
                raise ValueError(f"Unknown attribute: '{key}' in '{spec}'")
        return self

    def merge_from(self, dev: DeviceSpec) -> None:
        """Take every part that `dev` sets."""
        for part in ("job", "replica", "task", "device_type", "device_index"):
            if getattr(dev, part) is not None:
                setattr(self, part, getattr(dev, part))

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """A new spec: this one, overridden by the parts that `dev` sets."""
        merged = DeviceSpec.from_string(self.to_string())
        merged.merge_from(dev)
        return merged

    def replace(self, **parts: Any) -> DeviceSpec:
        """A copy with the given parts replaced."""
        merged = DeviceSpec.from_string(self.to_string())
        for name, value in parts.items():
            setattr(merged, name, value)
        return merged

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
        return isinstance(other, DeviceSpec) and self.to_string() == other.to_string()

    def __hash__(self) -> int:
        return hash(self.to_string())


CPU_GPU = ("cpu", "gpu")


def canonical_name(device: Any) -> str:
    """The full form of a device name or spec; None and "" give an empty string."""
    if device is None or device == "":
        return ""
    if isinstance(device, DeviceSpec):
        return device.to_string()
    return DeviceSpec.from_string(str(device)).to_string()


def merge(outer: str, inner: str) -> str:
    """`outer` overridden by the parts that `inner` sets."""
    if not outer or not inner:
        return inner or outer
    spec = DeviceSpec.from_string(outer)
    spec.merge_from(DeviceSpec.from_string(inner))
    return spec.to_string()


def merge_device(spec: Any) -> Any:
    """A device function that merges `spec` into the device an operation has.

    Unlike nested `tf.device` blocks, parts the operation has set already are kept.
    """
    name = canonical_name(spec)

    def assign(op: Any) -> str:
        return merge(name, getattr(op, "device", "") or "")

    return assign
