"""What programs ask about eager execution: the mode, the device, all devices."""

from __future__ import annotations

import contextlib
from typing import Any

from retrograd.graph import context as modes
from retrograd.graph.defaults import device as device_block
from retrograd.run.devices import local_devices


class Context:
    """The eager context of the process; the mode and the device are a thread's own."""

    def __repr__(self) -> str:
        names = self.devices()
        lines = [f"   Device {i}: {name}" for i, name in enumerate(names)]
        title = f"Eager TensorFlow Context with {len(names)} devices"
        return "\n".join([title, *lines])

    def executing_eagerly(self) -> bool:
        """Whether ops run at once in this thread."""
        return modes.executing_eagerly()

    def ensure_initialized(self) -> None:
        """Nothing: there is nothing to prepare."""

    def devices(self) -> list[str]:
        """The names of the devices that ops can be placed on."""
        return [found.name for found in local_devices()]

    def num_gpus(self) -> int:
        """How many GPUs ops can be placed on by name: none."""
        return 0

    @property
    def device_name(self) -> str:
        """The device of the innermost device block; '' outside."""
        return modes.local.device

    @property
    def scope_name(self) -> str:
        """The name scope that this thread is in, with a slash; '' outside."""
        return modes.local.name_scope

    def device(self, name: Any) -> contextlib.AbstractContextManager[Any]:
        """A block whose eager ops run on a device; graphs are not concerned."""
        if modes.executing_eagerly():
            return device_block(name)
        return contextlib.nullcontext()


_context = Context()


def context() -> Context:
    """The eager context of this process."""
    return _context


def device(name: Any) -> contextlib.AbstractContextManager[Any]:
    """As `Context.device`."""
    return _context.device(name)


def num_gpus() -> int:
    """As `Context.num_gpus`."""
    return _context.num_gpus()
