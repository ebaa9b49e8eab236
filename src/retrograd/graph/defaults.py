"""Methods of the default graph as functions: `tf.device`, `tf.get_collection` …"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.device import canonical_name
from retrograd.graph.dispatch import name_scope
from retrograd.graph.function import FuncGraph
from retrograd.util.decorators import contextmanager

if TYPE_CHECKING:
    from retrograd.graph.device import DeviceSpecV2
    from retrograd.typing import DeviceLike


def device(
    device_name_or_function: DeviceLike,
) -> contextlib.AbstractContextManager[Any]:
    """A context in which new operations get a device.

    Args:
      device_name_or_function: a name, a DeviceSpecV1, None for no device, or a function
        from an operation to its device.

    Raises:
      RuntimeError: a function, while executing eagerly.
    """
    if not context.executing_eagerly():
        return context.get_default_graph().device(device_name_or_function)
    if callable(device_name_or_function):
        raise RuntimeError(
            "tf.device does not support functions when eager execution is enabled."
        )
    return _eager_device(device_name_or_function)


def device_v2(device_name: DeviceLike) -> contextlib.AbstractContextManager[Any]:
    """`device` of TensorFlow 2.

    Raises:
      RuntimeError: a function is given.
    """
    if callable(device_name):
        raise RuntimeError("tf.device does not support functions.")
    return device(device_name)


@contextlib.contextmanager
def _eager_device(name: str | bytes | DeviceSpecV2 | None) -> Iterator[None]:
    before = context.local.device
    after = context.local.device = "" if name is None else canonical_name(name)
    try:
        yield
    finally:
        if context.local.device != after:
            raise RuntimeError("Exiting device scope without proper scope nesting")
        context.local.device = before


def control_dependencies(
    control_inputs: Iterable[Any] | None,
) -> contextlib.AbstractContextManager[Any]:
    """A context in which new operations run after others.

    Args:
      control_inputs: a list of operations and tensors; None clears what outer contexts
        ask for. While executing eagerly there is nothing to wait for; functions are
        called.
    """
    if not context.executing_eagerly():
        return context.get_default_graph().control_dependencies(control_inputs)
    if callable(control_inputs):
        control_inputs()
    else:
        for item in control_inputs or ():
            if callable(item):
                item()
    return contextlib.nullcontext()


def colocate_with(
    op: Any, ignore_existing: bool = False
) -> contextlib.AbstractContextManager[Any]:
    """A context in which new operations lie where another does."""
    if not context.executing_eagerly():
        return context.get_default_graph().colocate_with(op, ignore_existing)
    if op is None:
        return contextlib.nullcontext()
    return device((op if hasattr(op, "device") else convert_to_tensor(op)).device)


def container(container_name: str) -> contextlib.AbstractContextManager[str]:
    """A context in which stateful operations keep their state in a container."""
    return context.get_default_graph().container(container_name)


def add_to_collection(name: Hashable, value: object) -> None:
    """Add a value to a collection of the default graph."""
    context.get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Iterable[Hashable], value: object) -> None:
    """Add a value to several collections of the default graph."""
    context.get_default_graph().add_to_collections(names, value)


def get_collection(key: Hashable, scope: str | None = None) -> list[Any]:
    """A copy of a collection of the default graph.

    Args:
      key: the name of the collection.
      scope: keep only what has a name that begins with this regular expression.
    """
    return context.get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Hashable) -> list[Any]:
    """A collection of the default graph itself, made if it is not there."""
    return context.get_default_graph().get_collection_ref(key)


def get_all_collection_keys() -> list[Any]:
    """The names of the collections of the default graph."""
    return context.get_default_graph().get_all_collection_keys()


def get_name_scope() -> str:
    """The name scope that new operations get, without a slash at the end."""
    return context.get_default_graph().get_name_scope()


@contextmanager
def op_scope(
    values: Sequence[Any] | None, name: str | None, default_name: str | None = None
) -> Iterator[str]:
    """`name_scope` with its arguments in the order of early TensorFlow."""
    with name_scope(name, default_name=default_name, values=values) as scope:
        yield scope


def inside_function() -> bool:
    """Whether the default graph is the body of a function."""
    return isinstance(context.get_default_graph(), FuncGraph)


def executing_eagerly_outside_functions() -> bool:
    """Whether ops would run at once if function bodies were left."""
    if context.executing_eagerly():
        return True
    with context.init_scope():
        return context.executing_eagerly()


def has_default_graph() -> bool:
    """Whether a `with graph.as_default()` block is open in this thread."""
    return bool(context.local.graphs)
