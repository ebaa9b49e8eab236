"""What happened while a tape was recording that it keeps no record of, for diagnosis.

A tape keeps operations that depend on something it watches. Why a derivative is missing
shows in the others: what was used before it was watched, values that left the tape
through NumPy, variables that were written. Of these only types and lines are kept, no
values.
"""

from __future__ import annotations

import weakref
from typing import Any

from retrograd.graph.operation import user_stack
from retrograd.graph.record import Record
from retrograd.graph.tensor import Tensor


class Passed:
    """An operation that was run and not recorded, without its values.

    Attributes:
      type, name: as those of the record.
      sources: for each input, the operation that made it if that is kept here, else a
        weak reference to the tensor.
    """

    __slots__ = ("_stack", "name", "sources", "type")

    def __init__(self, op: Record, sources: tuple[Any, ...]) -> None:
        self.type, self.name = op.type, op.name
        self._stack = op._stack
        self.sources = sources


class Read:
    """A line of the program that took the value of a tensor that a tape knows.

    Attributes:
      tensor: a weak reference to it.
      type, name: what the line did: `numpy`, `float`.
    """

    __slots__ = ("_stack", "name", "tensor", "type")

    def __init__(self, tensor: Tensor, how: str) -> None:
        self.tensor = weakref.ref(tensor)
        self.type = self.name = how
        self._stack = user_stack()


class History:
    """What a tape saw and did not record.

    Attributes:
      written: operations without outputs, which change variables.
      read: by line of the program, how a known tensor's value was taken.
    """

    def __init__(self) -> None:
        self._made: dict[int, tuple[weakref.ref[Tensor], Passed]] = {}
        self.written: list[Passed] = []
        self.read: dict[Any, Read] = {}

    def note(self, op: Record) -> None:
        """Keep what can be told of an operation without keeping values."""
        sources = tuple(self.maker(t) or weakref.ref(t) for t in op._inputs)
        passed = Passed(op, sources)
        for tensor in op._outputs:
            self._made[id(tensor)] = (weakref.ref(tensor), passed)
        if not op._outputs:
            self.written.append(passed)

    def maker(self, tensor: Tensor) -> Passed | None:
        """The operation that made a tensor, if it was noted."""
        reference, passed = self._made.get(id(tensor), (None, None))
        # a number may be that of an earlier object, which is gone
        return passed if reference is not None and reference() is tensor else None

    def note_read(self, tensor: Tensor, how: str) -> None:
        """Keep that a value was taken, once for each line of the program."""
        read = Read(tensor, how)
        if read._stack:
            self.read[read._stack[0]] = read
