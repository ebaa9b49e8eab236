"""Small variables of a compiled stage, packed into one array.

Handing 400 arrays to XLA and back costs half a millisecond, one array a few
microseconds. A cell in an arena holds a `Slot`; whoever reads it gets that part of the
array, whoever writes it takes the cell out until the arena is collected again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.run.store import Cell

if TYPE_CHECKING:
    from retrograd.typing import Array

#: bytes up to which a variable counts as small, and how many make an arena worth while
_SMALL, _FEWEST = 16384, 8


class Slot:
    """The part of an arena that holds one variable."""

    __slots__ = ("arena", "dtype", "shape", "start", "stop")

    def __init__(self, arena: Arena, start: int, shape: tuple[int, ...]) -> None:
        self.arena = arena
        self.start = start
        self.stop = start + int(np.prod(shape, dtype=np.int64))
        self.shape = shape
        self.dtype = arena.dtype

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> np.ndarray:
        del copy
        whole = np.asarray(self.arena.value)
        part = whole[self.start : self.stop].reshape(self.shape)
        return part if dtype is None else part.astype(dtype)

    def of(self, whole: Array) -> Any:
        """This variable's part of the packed array."""
        return whole[self.start : self.stop].reshape(self.shape)


class Arena:
    """Cells of one dtype and the array that holds their values.

    Attributes:
      cells: the members.
      slots: where each is.
      value: their array, a device buffer after the first run.
    """

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = list(cells)
        self.dtype = np.dtype(cells[0].value.dtype)
        self.slots: list[Slot] = []
        start = 0
        for cell in self.cells:
            self.slots.append(Slot(self, start, np.shape(cell.value)))
            start = self.slots[-1].stop
        self.value: Any = None
        self.collect()

    def collect(self) -> Any:
        """The packed array, with what was written to members since.

        The caller holds the lock of the store that the cells are in.

        Raises:
          TypeError: a member has taken another shape or dtype.
        """
        if not all(map(is_, [cell.value for cell in self.cells], self.slots)):
            parts = []
            for cell, slot in zip(self.cells, self.slots, strict=True):
                value = cell.read()
                if value.shape != slot.shape or value.dtype != self.dtype:
                    raise TypeError(f"{cell.name} has changed its shape or dtype")
                parts.append(np.reshape(value, -1))
            # before the members: a reader finds each in its own place or in this one
            self.value = np.concatenate(parts)
            for cell, slot in zip(self.cells, self.slots, strict=True):
                cell.value = slot
        return self.value


def arenas_for(changed: Iterable[Cell]) -> list[Arena]:
    """The arenas that the changed cells of a stage are in, new ones where it pays.

    The caller holds the lock of the store that the cells are in.
    """
    found: dict[Arena, None] = {}
    loose: dict[np.dtype, list[Cell]] = {}
    for cell in changed:
        value = cell.held()
        if isinstance(value, Slot):
            found[value.arena] = None
        elif 0 < np.size(value) and np.size(value) * value.dtype.itemsize <= _SMALL:
            loose.setdefault(np.dtype(value.dtype), []).append(cell)
    made = [Arena(cells) for cells in loose.values() if len(cells) >= _FEWEST]
    return [*found, *made]


def arenas_of(cells: Iterable[Cell]) -> list[Arena]:
    """The arenas that some cells are in already."""
    slots = (cell.held() for cell in cells)
    return list(dict.fromkeys(s.arena for s in slots if isinstance(s, Slot)))
