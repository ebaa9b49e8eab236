"""What programs ask about eager execution: the mode, the device, how ops are run.

Ops run at once, one after the other, in the thread that asks for them; what asks for
other ways of running is kept and given back, and changes nothing.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd.graph import context as modes
from retrograd.graph.defaults import device as device_block
from retrograd.graph.device import DeviceSpecV1, merge
from retrograd.run import eager
from retrograd.run.configuration import (
    LogicalDevice,
    PhysicalDevice,
    VirtualDeviceConfiguration,
    list_logical_devices,
)
from retrograd.run.devices import PREFIX

if TYPE_CHECKING:
    from retrograd.typing import DeviceLike, Message

GRAPH_MODE, EAGER_MODE = 0, 1
#: what to do with an input that is on another device
DEVICE_PLACEMENT_EXPLICIT = 0
DEVICE_PLACEMENT_WARN = 1
DEVICE_PLACEMENT_SILENT = 2
DEVICE_PLACEMENT_SILENT_FOR_INT32 = 3
SYNC, ASYNC = 0, 1
MIRRORING_NONE, MIRRORING_ALL = 0, 1


class ContextSwitch(NamedTuple):
    """A graph or mode that was entered."""

    is_building_function: bool
    enter_context_fn: Callable[[], Any]
    device_stack: Any


class _ContextSwitches:
    """What was entered in this thread, as TensorFlow's own libraries look at it."""

    @property
    def stack(self) -> list[ContextSwitch]:
        """The graphs and modes, innermost last."""
        first = []
        if modes.shared.eager_by_default:
            first = [ContextSwitch(False, modes.eager_mode, None)]
        return first + [ContextSwitch(*entry) for entry in modes.local.switches]


class Executor:
    """What runs eager ops; they are done when they return."""

    def __init__(self, enable_async: bool = False) -> None:
        self._async = enable_async

    def is_async(self) -> bool:
        """Whether ops were asked to run in the background."""
        return self._async

    def wait(self) -> None:
        """Nothing: everything is done."""

    def clear_error(self) -> None:
        """Nothing: errors are raised where they happen."""


def new_executor(enable_async: bool) -> Executor:
    """An executor."""
    return Executor(enable_async)


class FunctionCallOptions:
    """How calls of functions were asked to be run."""

    def __init__(
        self, executor_type: object = None, config_proto: Message | None = None
    ) -> None:
        self.executor_type = executor_type
        self.config_proto_serialized = config_proto


class _EagerTensorCache:
    """The eager tensors used last, as long as they are small."""

    def __init__(self, max_items: int = 256, max_tensor_size: int = 10000) -> None:
        self._items: OrderedDict[Any, Any] = OrderedDict()
        self._max_items, self._max_size = max_items, max_tensor_size

    def put(self, key: object, value: Any) -> None:
        """Keep a tensor."""
        if value.shape.num_elements() > self._max_size:
            return
        self._items[key] = value
        if len(self._items) > self._max_items:
            self._items.popitem(last=False)

    def get(self, key: object) -> Any:
        """A tensor that is kept, or None."""
        return self._items.get(key)

    def flush(self) -> None:
        """Forget all tensors."""
        self._items.clear()


class _Own(threading.local):
    """What a thread set in one context."""

    def __init__(self, mode: int) -> None:
        self.mode = mode
        self.executor = Executor(mode == ASYNC)
        self.scope_name: str | None = None
        self.policy = DEVICE_PLACEMENT_SILENT
        self.mirroring = MIRRORING_NONE
        self.options = FunctionCallOptions()
        self.summaries = modes.Summaries()


def _of_thread(name: str, doc: str, inside: str = "_own") -> Any:
    def read(self: Context) -> Any:
        return getattr(getattr(self, inside), name)

    def write(self: Context, value: object) -> None:
        setattr(getattr(self, inside), name, value)

    return property(read, write, doc=doc)


class Context:
    """The eager context of the process; the mode and the device are a thread's own.

    Args:
      config: a ConfigProto, kept.
      device_policy: what to do with inputs on other devices, kept.
      execution_mode: SYNC or ASYNC, kept.
      server_def: a ServerDef, kept.

    Raises:
      ValueError: another execution mode.
    """

    def __init__(
        self,
        config: Message | None = None,
        device_policy: int | None = None,
        execution_mode: int | None = None,
        server_def: Message | None = None,
    ) -> None:
        if execution_mode not in (None, SYNC, ASYNC):
            raise ValueError(
                f"execution_mode should be None/SYNC/ASYNC. Got {execution_mode}"
            )
        self._config, self._server_def = config, server_def
        self._own = _Own(execution_mode or SYNC)
        if device_policy is not None:
            self._own.policy = device_policy
        self.log_device_placement = False

    def __repr__(self) -> str:
        names = self.devices()
        lines = [f"   Device {i}: {name}" for i, name in enumerate(names)]
        title = f"Eager TensorFlow Context with {len(names)} devices"
        return "\n".join([title, *lines])

    summary_writer = _of_thread("writer", "Where summaries go.", "_summaries")
    summary_recording = _of_thread(
        "recording", "Whether they are recorded.", "_summaries"
    )
    summary_recording_distribution_strategy = _of_thread(
        "recording_of_strategy", "The same, for replicas.", "_summaries"
    )
    summary_step = _of_thread("step", "The step of summaries.", "_summaries")
    device_policy = _of_thread("policy", "What to do with inputs on other devices.")
    mirroring_policy = _of_thread("mirroring", "Whether copies on devices are kept.")
    function_call_options = _of_thread("options", "How functions are called.")

    @property
    def _summaries(self) -> modes.Summaries:
        return modes.local.summaries if self is _context else self._own.summaries

    def executing_eagerly(self) -> bool:
        """Whether ops run at once in this thread."""
        return modes.executing_eagerly()

    def ensure_initialized(self) -> None:
        """Nothing: there is nothing to prepare."""

    @property
    def config(self) -> Any:
        """The ConfigProto, or None."""
        return self._config

    # ------------------------------------------------------------------ devices

    def devices(self) -> list[str]:
        """The names of the devices that ops can be placed on."""
        return [found.name for found in list_logical_devices()]

    def num_gpus(self) -> int:
        """How many GPUs ops can be placed on by name: none."""
        return len(list_logical_devices("GPU"))

    @property
    def device_name(self) -> str:
        """The device of the innermost device block; '' outside."""
        name = modes.local.device
        return merge(name, PREFIX) if name else ""

    @property
    def device_spec(self) -> DeviceSpecV1:
        """The same, taken apart."""
        return DeviceSpecV1.from_string(self.device_name)

    def device(self, name: DeviceLike) -> contextlib.AbstractContextManager[Any]:
        """A block whose eager ops run on a device; graphs are not concerned."""
        if modes.executing_eagerly():
            return device_block(name)
        return contextlib.nullcontext()

    # ------------------------------------------------------------------ scopes

    @property
    def scope_name(self) -> str:
        """The name scope that this thread is in, with a slash; '' outside."""
        own = self._own.scope_name
        return modes.local.name_scope if own is None else own

    @scope_name.setter
    def scope_name(self, name: str) -> None:
        if self is _context:
            modes.local.name_scope = name
        else:
            self._own.scope_name = name

    @property
    def context_switches(self) -> _ContextSwitches:
        """The graphs and modes that were entered."""
        return _ContextSwitches()

    # ------------------------------------------------------------------ running

    @property
    def execution_mode(self) -> int:
        """SYNC, or ASYNC if that was asked for."""
        return self._own.mode

    @execution_mode.setter
    def execution_mode(self, mode: int | None) -> None:
        if mode not in (None, SYNC, ASYNC):
            raise ValueError(f"Execution mode should be None/SYNC/ASYNC. Got {mode}")
        self._own.mode = mode or SYNC
        self._own.executor = Executor(self._own.mode == ASYNC)

    @property
    def executor(self) -> Executor:
        """What runs ops in this thread."""
        return self._own.executor

    @executor.setter
    def executor(self, executor: Executor) -> None:
        self._own.executor = executor

    def is_async(self) -> bool:
        """Whether ops were asked to run in the background."""
        return self.executor.is_async()

    def add_post_execution_callback(self, callback: Callable[..., Any]) -> None:
        """Have a function called after each op (see `contrib.eager`)."""
        eager.callbacks.append(callback)

    def clear_post_execution_callbacks(self) -> None:
        """Forget these functions."""
        eager.callbacks.clear()

    @property
    def post_execution_callbacks(self) -> list[Callable[..., Any]]:
        """These functions."""
        return eager.callbacks

    def start_step(self) -> None:
        """Nothing: values live as long as somebody has them."""

    def end_step(self) -> None:
        """Nothing."""


_context = Context()


def context() -> Context:
    """The eager context of this process."""
    return _context


context_safe = context


def ensure_initialized() -> None:
    """Nothing: there is nothing to prepare."""


def device(name: DeviceLike) -> contextlib.AbstractContextManager[Any]:
    """As `Context.device`."""
    return _context.device(name)


def num_gpus() -> int:
    """As `Context.num_gpus`."""
    return _context.num_gpus()


def list_devices() -> list[str]:
    """As `Context.devices`."""
    return _context.devices()


def scope_name() -> str:
    """As `Context.scope_name`."""
    return _context.scope_name


def shared_name(name: str | None = None) -> str | None:
    """The name that a resource is shared by: in eager mode none, so as not to share."""
    if name or not modes.executing_eagerly():
        return name
    return "cd2c89b7-88b7-44c8-ad83-06c2a9158347"


def in_eager_mode() -> bool:
    """Whether ops run at once in this thread."""
    return modes.executing_eagerly()


@contextlib.contextmanager
def _during(attribute: str, value: object) -> Iterator[None]:
    before = getattr(_context, attribute)
    setattr(_context, attribute, value)
    try:
        yield
    finally:
        setattr(_context, attribute, before)


def device_policy(policy: int) -> contextlib.AbstractContextManager[None]:
    """A context with another device policy."""
    return _during("device_policy", policy)


def mirroring_policy(policy: int) -> contextlib.AbstractContextManager[None]:
    """A context with another mirroring policy."""
    return _during("mirroring_policy", policy)


def execution_mode(mode: int) -> contextlib.AbstractContextManager[None]:
    """A context with another execution mode."""
    return _during("execution_mode", mode)


def executor_scope(e: Executor) -> contextlib.AbstractContextManager[None]:
    """A context with another executor."""
    return _during("executor", e)


def function_executor_type(
    executor_type: object,
) -> contextlib.AbstractContextManager[None]:
    """A context in which functions are asked to be run by another executor."""
    options = FunctionCallOptions(executor_type)
    return _during("function_call_options", options)


def set_execution_mode(mode: int) -> None:
    """Set `Context.execution_mode`."""
    _context.execution_mode = mode


def get_log_device_placement() -> bool:
    """Whether device placement was asked to be logged."""
    return _context.log_device_placement


def set_log_device_placement(enabled: bool) -> None:
    """Ask for device placement to be logged; there is one device."""
    _context.log_device_placement = enabled


def is_async() -> bool:
    """As `Context.is_async`."""
    return _context.is_async()


def async_wait() -> None:
    """Nothing: everything is done."""


def async_clear_error() -> None:
    """Nothing: errors are raised where they happen."""


def global_seed() -> int | None:
    """The seed that eager random ops derive theirs from."""
    return modes.shared.eager_seed


__all__ = [
    "Context",
    "LogicalDevice",
    "PhysicalDevice",
    "VirtualDeviceConfiguration",
    "context",
]
