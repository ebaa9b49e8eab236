"""Objects as names and configurations, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrograd.typing import Named

#: what the program has registered for names in configurations
custom_objects: dict[str, Any] = {}


def get_custom_objects() -> dict[str, Any]:
    """The objects that names in configurations stand for, to add to."""
    return custom_objects


class CustomObjectScope:
    """A context in which names in configurations stand for these objects."""

    def __init__(self, *args: Mapping[str, Any]) -> None:
        self.custom_objects = args
        self.backup: dict[str, Any] | None = None

    def __enter__(self) -> CustomObjectScope:
        self.backup = dict(custom_objects)
        for objects in self.custom_objects:
            custom_objects.update(objects)
        return self

    def __exit__(self, *args: object) -> None:
        custom_objects.clear()
        custom_objects.update(self.backup or {})


def custom_object_scope(*args: Mapping[str, Any]) -> CustomObjectScope:
    """As `CustomObjectScope`."""
    return CustomObjectScope(*args)


def serialize(instance: Any) -> Any:
    """A name, or a class's name with its configuration; None for None.

    Raises:
      ValueError: the object has neither.
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {
            "class_name": type(instance).__name__,
            "config": dict(instance.get_config()),
        }
    if hasattr(instance, "__name__"):
        return instance.__name__
    raise ValueError("Cannot serialize", instance)


def deserialize(
    identifier: Named,
    module_objects: Mapping[str, Any] | None = None,
    custom: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that a name or a configuration stands for.

    Args:
      identifier: a name, or a dict with `class_name` and `config`.
      module_objects: the objects by their names.
      custom: the program's own.
      printable_module_name: what is looked for, for errors.

    Raises:
      ValueError: there is none of that name.
    """
    if identifier is None:
        return None
    known = {**(module_objects or {}), **custom_objects, **(custom or {})}
    if isinstance(identifier, dict):
        return _from_config(identifier, known, custom, printable_module_name)
    if isinstance(identifier, str):
        found = known.get(identifier)
        if found is None:
            raise ValueError(f"Unknown {printable_module_name}:{identifier}")
        return found() if inspect.isclass(found) else found
    raise ValueError(
        f"Could not interpret serialized {printable_module_name}: {identifier}"
    )


def get(identifier: Named, read: Callable[..., Any], called: str) -> Any:
    """What a name, a configuration or the object itself stands for; None for None.

    Args:
      identifier: one of these.
      read: makes it from a name or a configuration.
      called: what is looked for, for errors.

    Raises:
      ValueError: nothing of these.
    """
    if isinstance(identifier, (str, dict)):
        return read(identifier)
    if identifier is None or callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret {called} identifier: {identifier}")


def _from_config(
    identifier: dict[str, Any],
    known: Mapping[str, Any],
    custom: Mapping[str, Any] | None,
    called: str,
) -> Any:
    if "class_name" not in identifier or "config" not in identifier:
        raise ValueError(f"Improper config format: {identifier}")
    name, config = identifier["class_name"], identifier["config"]
    kind = known.get(name)
    if kind is None:
        raise ValueError(f"Unknown {called}: {name}")
    if not hasattr(kind, "from_config"):
        with CustomObjectScope(custom or {}):
            return kind(**config)
    if "custom_objects" in inspect.signature(kind.from_config).parameters:
        merged = {**custom_objects, **(custom or {})}
        return kind.from_config(config, custom_objects=merged)
    with CustomObjectScope(custom or {}):
        return kind.from_config(config)
