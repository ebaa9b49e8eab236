"""`tf.config`: devices, threads and optimizers as a program asks for them.

There is one CPU, which can be split into several; XLA uses an accelerator, if it finds
one, for whole compiled steps. Other settings are kept and given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from retrograd.run.devices import PREFIX
from retrograd.util import protos

#: RewriterConfig.Toggle
_ON, _OFF = 1, 2


class PhysicalDevice(NamedTuple):
    """A device of this computer."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device that ops can be placed on."""

    name: str
    device_type: str


class VirtualDeviceConfiguration(NamedTuple):
    """One of the devices that a physical one is split into.

    Attributes:
      memory_limit: how many megabytes it may use.
    """

    memory_limit: int | None = None


_CPU = PhysicalDevice("/physical_device:CPU:0", "CPU")


class _Settings:
    """What the program asked for."""

    def __init__(self) -> None:
        self.visible = [_CPU]
        self.virtual: dict[PhysicalDevice, list[VirtualDeviceConfiguration]] = {}
        self.threads = {"intra": 0, "inter": 0}
        self.jit = False
        self.options: dict[str, Any] = {}
        self.soft_placement = True
        self.policy = "silent"
        self.synchronous = True


_settings = _Settings()


def _check_known(device: object) -> None:
    if device != _CPU:
        raise ValueError(f"Unrecognized device: {device!r}")


# ---------------------------------------------------------------------- devices


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of this computer, or those of one type."""
    return [_CPU] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices that ops can be placed on, or those of one type."""
    if device_type not in (None, "CPU") or _CPU not in _settings.visible:
        return []
    count = len(_settings.virtual.get(_CPU, [None]))
    return [LogicalDevice(f"{PREFIX}/device:CPU:{i}", "CPU") for i in range(count)]


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that may be used, or those of one type."""
    return [
        d
        for d in _settings.visible
        if device_type is None or d.device_type == device_type
    ]


def set_visible_devices(
    devices: PhysicalDevice | Sequence[PhysicalDevice], device_type: str | None = None
) -> None:
    """Say which devices may be used, of one type or of all.

    Raises:
      ValueError: there is no such device.
    """
    chosen: list[Any] = devices if isinstance(devices, list) else [devices]
    for device in chosen:
        _check_known(device)
        if device_type is not None and device.device_type != device_type:
            raise ValueError(f"Unrecognized device: {device!r}")
    if device_type is None:
        kept = []
    else:
        kept = [d for d in _settings.visible if d.device_type != device_type]
    _settings.visible = [*kept, *chosen]


def get_memory_growth(device: PhysicalDevice) -> bool:
    """Whether a GPU's memory is allocated as needed.

    Raises:
      ValueError: there is no such device.
    """
    _check_known(device)
    return False


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Ask for a GPU's memory to be allocated as needed.

    Raises:
      ValueError: there is no such device, or it is no GPU.
    """
    del enable
    _check_known(device)
    raise ValueError("Cannot set memory growth on non-GPU devices")


def get_virtual_device_configuration(device: PhysicalDevice) -> Any:
    """The devices that one is split into, or None.

    Raises:
      ValueError: there is no such device.
    """
    _check_known(device)
    return _settings.virtual.get(device)


def set_virtual_device_configuration(
    device: PhysicalDevice, virtual_devices: Sequence[VirtualDeviceConfiguration]
) -> None:
    """Split a device.

    Raises:
      ValueError: there is no such device, or a part has a memory limit.
    """
    _check_known(device)
    if any(v.memory_limit is not None for v in virtual_devices):
        raise ValueError(
            "Setting memory limit on CPU virtual devices is currently not supported"
        )
    _settings.virtual[device] = list(virtual_devices)


# ---------------------------------------------------------------------- the rest


def get_intra_op_parallelism_threads() -> int:
    """How many threads one op may use; 0 leaves it to the system."""
    return _settings.threads["intra"]


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Ask for a number of threads for one op."""
    _settings.threads["intra"] = num_threads


def get_inter_op_parallelism_threads() -> int:
    """How many ops may run at the same time; 0 leaves it to the system."""
    return _settings.threads["inter"]


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Ask for a number of ops that run at the same time."""
    _settings.threads["inter"] = num_threads


def get_optimizer_jit() -> bool:
    """Whether compiling was asked for; what runs often is compiled anyway."""
    return _settings.jit


def set_optimizer_jit(enabled: bool) -> None:
    """Ask for compiling."""
    _settings.jit = enabled


def session_config() -> Any:
    """The ConfigProto of a session that is given none; None where nothing was set."""
    threads = _settings.threads
    if not _settings.options and not any(threads.values()):
        return None
    config = protos.message("config.ConfigProto")(
        intra_op_parallelism_threads=threads["intra"],
        inter_op_parallelism_threads=threads["inter"],
    )
    rewriting = config.graph_options.rewrite_options
    for name, value in _settings.options.items():
        field = rewriting.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            continue
        toggled = field.enum_type is not None and isinstance(value, bool)
        setattr(rewriting, name, (_ON if value else _OFF) if toggled else value)
    return config


def get_optimizer_experimental_options() -> dict[str, Any]:
    """The options of the graph optimizer that were set."""
    return dict(_settings.options)


def set_optimizer_experimental_options(options: dict[str, Any]) -> None:
    """Set options of the graph optimizer; those not given stay."""
    _settings.options.update(options)


def get_soft_device_placement() -> bool:
    """Whether ops may go to another device than the one asked for."""
    return _settings.soft_placement


def set_soft_device_placement(enabled: bool) -> None:
    """Say whether ops may go to another device than the one asked for."""
    _settings.soft_placement = enabled


def get_device_policy() -> str:
    """What happens to inputs on other devices."""
    return _settings.policy


def set_device_policy(device_policy: str | None) -> None:
    """Say what happens to inputs on other devices.

    Raises:
      ValueError: not one of `silent`, `silent_for_int32`, `warn`, `explicit`, None.
    """
    known = ("silent", "silent_for_int32", "warn", "explicit", None)
    if device_policy not in known:
        raise ValueError(f"Not a valid device policy: {device_policy!r}")
    _settings.policy = device_policy or "silent"


def get_synchronous_execution() -> bool:
    """Whether an eager op is done when it returns; it is in any case."""
    return _settings.synchronous


def set_synchronous_execution(enable: bool | None) -> None:
    """Ask for eager ops to be done when they return, or not."""
    _settings.synchronous = enable is not False
