"""How a compiled stage is given the constants that are too large to be part of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from retrograd.graph.tensor import Tensor

#: constants of more bytes than this are not part of the program: XLA would fold them
_LARGEST_INLINE = 4096


class Large:
    """The large constants of a stage: one element repeated, or arrays to be passed.

    What is equal to the last bit is one value to the compiler too, so that it finds
    equal operations. Two gradients of one result start from equal ones, and need the
    sweep through what they share only once.

    Attributes:
      repeated: the element and the shape of each tensor whose elements are all equal.
      places: for each other tensor, which of `arrays` is its value.
      arrays: different values.
    """

    def __init__(self, constants: dict[Tensor, Any], used: Iterable[Tensor]) -> None:
        self.repeated: dict[Tensor, tuple[Any, tuple[int, ...]]] = {}
        self.places: dict[Tensor, int] = {}
        self.arrays: list[np.ndarray] = []
        for tensor in dict.fromkeys(used):
            value = constants.get(tensor)
            if isinstance(value, np.ndarray) and value.nbytes > _LARGEST_INLINE:
                element = _repeated(value)
                if element is None:
                    self.places[tensor] = self._place(value)
                else:
                    self.repeated[tensor] = element, value.shape

    def __contains__(self, tensor: Tensor) -> bool:
        return tensor in self.places or tensor in self.repeated

    def _place(self, value: np.ndarray) -> int:
        for place, array in enumerate(self.arrays):
            if _same(array, value):
                return place
        self.arrays.append(value)
        return len(self.arrays) - 1


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have the same dtype, shape and bits: 0 is not −0 here."""
    if a is b:
        return True
    alike = a.dtype == b.dtype and a.shape == b.shape
    return alike and bool((_bits(a) == _bits(b)).all())


def _repeated(value: np.ndarray) -> Any:
    """The element that all the others equal to the last bit; None if they differ."""
    bits = _bits(value)
    return value.flat[0] if (bits[0] == bits).all() else None


def _bits(value: np.ndarray) -> np.ndarray:
    """One row of bytes for each element."""
    flat = np.ascontiguousarray(value).reshape(-1)
    return flat.view(np.uint8).reshape(flat.size, value.itemsize)
