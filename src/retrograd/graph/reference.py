"""Hashable references to objects whose own equality is not identity."""

from __future__ import annotations

from typing import Any


class Reference:
    """Compares and hashes by the identity of the object it refers to."""

    __slots__ = ("_object",)

    def __init__(self, referred: object) -> None:
        self._object = referred

    def deref(self) -> Any:
        """The object referred to."""
        return self._object

    def __hash__(self) -> int:
        return id(self._object)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and self._object is other._object

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._object!r}>"
