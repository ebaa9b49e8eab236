"""The value of an optional: some tensors, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.arrays.list_value import zeros_like

if TYPE_CHECKING:
    from retrograd.typing import Value


class Optional:
    """The value of an optional: some tensors, or nothing (`values` is None)."""

    __slots__ = ("values",)

    def __init__(self, values: tuple[Any, ...] | None = None) -> None:
        self.values = values

    def zeros_like(self) -> Optional:
        """Zeros where there are values."""
        if self.values is None:
            return self
        return Optional(tuple(zeros_like(v) for v in self.values))

    def __add__(self, other: Value) -> Optional:
        if not isinstance(other, Optional):
            return NotImplemented
        if self.values is None or other.values is None:
            return other if self.values is None else self
        return Optional(
            tuple(a + b for a, b in zip(self.values, other.values, strict=True))
        )

    def __repr__(self) -> str:
        return f"Optional({self.values!r})"
