"""TensorArrays of version 1 in branches and loops, while these are traced.

Which places of an array were read or written is handed into the traced functions and
out again (see `arrays.xla.marks`), as they cannot change what belongs to the outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.static import constant

#: what looks at an array without reading its elements
_HARMLESS = frozenset(("TensorListLength", "TensorListElementShape"))


def _carried(value: Any) -> bool:
    return getattr(getattr(value, "marks", None), "carried", False)


class Guard:
    """The arrays among the inputs of functions.

    Args:
      inputs: what the functions take.
      places: those of the inputs to look at.
    """

    def __init__(self, inputs: Sequence[Any], places: Iterable[int]) -> None:
        self.inputs = list(inputs)
        self.places = [i for i in places if _carried(inputs[i])]

    def marks(self) -> tuple[Any, ...]:
        """What is handed in."""
        arrays = [self.inputs[i] for i in self.places]
        return tuple([a.marks.copy(a.capacity()) for a in arrays])

    def given(self, marks: Sequence[Any]) -> list[Any]:
        """The inputs with other marks."""
        values = list(self.inputs)
        for i, own in zip(self.places, marks, strict=True):
            values[i] = values[i].with_marks(own)
        return values

    def branch(self, body: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
        """A function of the marks; what it returns has them last."""

        def run(*marks: Any) -> tuple[Any, ...]:
            return (*body(*self.given(marks)), *marks)

        return run

    def settled(self, results: Sequence[Any]) -> Sequence[Any]:
        """What the functions return, less the marks, which are taken over."""
        count = len(results) - len(self.places)
        for i, marks in zip(self.places, results[count:], strict=True):
            self.inputs[i].marks.become(marks)
        return results[:count]


@dataclass
class Walked:
    """An array of which each turn of a loop uses the next place.

    Attributes:
      place: that of the array among the loop variables.
      counter: that of the index.
      writes: whether the place is written; else it is read.
    """

    place: int
    counter: int
    writes: bool


class Walks:
    """The arrays through which a loop walks: their marks stay out of it.

    Args:
      inputs: the loop variables as the loop starts; the marks are taken off them.
    """

    def __init__(self, n: Operation, inputs: list[Any]) -> None:
        self._start, self._inputs = list(inputs), inputs
        self._found: list[Walked] = []
        for i, value in enumerate(inputs):
            found = _walked(n, i) if _carried(value) else None
            if found is not None:
                self._found.append(found)
                inputs[i] = value.with_marks(None)

    def settle(self, results: list[Any]) -> None:
        """Give the loop variables after the loop their marks."""
        for walked in self._found:
            array = self._start[walked.place]
            first = self._start[walked.counter]
            last = results[walked.counter]
            array.marks.walk(first, last, array.capacity(), walked.writes)
            results[walked.place] = results[walked.place].with_marks(array.marks)


def _walked(n: Operation, place: int) -> Walked | None:
    body: FuncGraph = n.attrs["body"]
    inner, after = body.inputs[place], body.outputs[place]
    if _users(n.attrs["cond"].inputs[place]):
        return None
    users = _users(inner)
    if len(users) != 1 or users[0].type not in (
        "TensorListGetItem",
        "TensorListSetItem",
    ):
        return None
    user = users[0]
    writes = user.type == "TensorListSetItem"
    if after is not (user._outputs[0] if writes else inner):
        return None
    counter = _counter(body, user._inputs[1])
    if counter is None or (writes and _users(after)):
        return None
    return Walked(place, counter, writes)


def _users(array: Tensor) -> list[Operation]:
    return [op for op in array._consumers if op.type not in _HARMLESS]


def _counter(body: FuncGraph, index: Tensor) -> int | None:
    """The place of a loop variable that is one more in each turn."""
    for place, inner in enumerate(body.inputs):
        if inner is index:
            op = body.outputs[place]._op
            if op.type not in ("Add", "AddV2") or index not in op._inputs:
                return None
            one = op._inputs[1 if op._inputs[0] is index else 0]
            value = constant(one)
            return place if value is not None and value == 1 else None
    return None
