"""What NumPy's arrays could do, and cannot any more: methods, and being numbers.

Methods that only have another name today are in `names.METHODS`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from retrograd.compat.restore import fixed_types
from retrograd.compat.restore.notices import announce


def ptp(
    self: np.ndarray,
    axis: int | tuple[int, ...] | None = None,
    out: np.ndarray | None = None,
    keepdims: bool = False,
) -> np.ndarray:
    """The largest element less the smallest one, along an axis."""
    return np.ptp(self, axis, out, keepdims)


def itemset(self: Any, *args: object) -> None:
    """Set one element: `itemset(value)`, `itemset(place, value)`.

    Raises:
      ValueError: there is more than one element and no place.
    """
    *place, value = args
    if place and isinstance(place[0], tuple):
        self[place[0]] = value
    elif place:
        self.flat[place[0]] = value
    elif self.size == 1:
        self[...] = value
    else:
        raise ValueError("can only convert an array of size 1 to a Python scalar")


def newbyteorder(self: Any, new_order: str = "S") -> np.ndarray:
    """The same bytes, read in another order."""
    return self.view(self.dtype.newbyteorder(new_order))


METHODS: dict[str, Callable[..., Any]] = {
    "ptp": ptp,
    "itemset": itemset,
    "newbyteorder": newbyteorder,
}


def _announced(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def called(self: object, *args: object, **kwargs: object) -> Any:
        announce(f"numpy.ndarray.{name}")
        return method(self, *args, **kwargs)

    return called


def _number(name: str, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A conversion to a number that takes arrays of one element of any rank."""

    def number(self: np.ndarray) -> Any:
        if self.ndim and self.size == 1:
            announce(f"{name}() of an array of one element")
            return convert(self.reshape(()))
        return convert(self)

    return number


def adapt(numpy: ModuleType) -> None:
    """Put the methods back, and let arrays of one element be numbers."""
    for name, method in METHODS.items():
        if not hasattr(numpy.ndarray, name):
            fixed_types.put(numpy.ndarray, name, _announced(name, method))
    for name in ("float", "int", "complex"):
        special = f"__{name}__"
        convert = _number(name, getattr(numpy.ndarray, special))
        fixed_types.put(numpy.ndarray, special, convert)
