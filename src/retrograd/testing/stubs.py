"""`tf.test.StubOutForTesting`: replace attributes for a while, then put them back."""

from __future__ import annotations

import inspect
from typing import Any, Self

MISSING = object()


class StubOutForTesting:
    """Replaces attributes of modules, classes and objects until `CleanUp`.

    Use it as a context manager, or call `CleanUp` in `tearDown`:

        with tf.test.StubOutForTesting() as stubs:
            stubs.Set(os.path, "exists", lambda path: True)
    """

    def __init__(self) -> None:
        self._set: list[tuple[Any, str, Any]] = []
        self._smart_set: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.CleanUp()

    def __del__(self) -> None:
        self.CleanUp()

    def CleanUp(self) -> None:
        """Undo every `SmartSet` and every `Set`."""
        self.SmartUnsetAll()
        self.UnsetAll()

    def Set(self, parent: object, child_name: str, new_child: object) -> None:
        """Replace `parent.child_name`, of exactly that object."""
        self._set.append((parent, child_name, _current(parent, child_name)))
        setattr(parent, child_name, new_child)

    def UnsetAll(self) -> None:
        """Undo every `Set`, the latest first."""
        _put_back(self._set)

    def SmartSet(self, obj: object, attr_name: str, new_attr: object) -> None:
        """Replace an attribute where it is held: by `obj` itself, else by its class.

        Raises:
          AttributeError: `obj` has no such attribute.
        """
        holder = self._holder(obj, attr_name)
        self._smart_set.append((holder, attr_name, _current(holder, attr_name)))
        setattr(holder, attr_name, new_attr)

    def SmartUnsetAll(self) -> None:
        """Undo every `SmartSet`, the latest first."""
        _put_back(self._smart_set)

    @staticmethod
    def _holder(obj: object, attr_name: str) -> Any:
        getattr(obj, attr_name)  # raises where there is none
        if inspect.ismodule(obj) or inspect.isclass(obj) or attr_name in vars(obj):
            return obj
        return type(obj)


def _current(holder: object, name: str) -> Any:
    """The attribute as stored, static methods as such; MISSING if inherited."""
    getattr(holder, name)  # raises where there is none
    return getattr(holder, "__dict__", {}).get(name, MISSING)


def _put_back(changes: list[tuple[Any, str, Any]]) -> None:
    while changes:
        holder, name, value = changes.pop()
        if value is MISSING:
            delattr(holder, name)
        else:
            setattr(holder, name, value)
