"""How many bytes are alive while a plan runs, and what recomputing would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from retrograd.explain.operations import is_a, source
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import asks_for_shapes, traits_of
from retrograd.ops.flow.control_ops import DEAD
from retrograd.ops.flow.effects import is_reading
from retrograd.ops.traits import Kind, Passes
from retrograd.run.plan import Plan

#: how ops hand on an array without memory of its own
_IN_PLACE = (Passes.SAME, Passes.RESHAPED)


@dataclass(slots=True)
class Event:
    """One operation of a plan, as far as memory goes.

    Attributes:
      op: the operation.
      reads, writes: arrays by key: a tensor, or a pair for one that is made again.
      backward: whether it is part of the sweep.
    """

    op: Operation
    reads: list[Any]
    writes: list[Any]
    backward: bool


class Timeline:
    """The arrays of a plan over the order of its operations.

    Tensors that are the same array in another shape count once; so do constants and
    variables, which are there all the time, not at all. What a kernel needs while it
    runs is not known.

    Args:
      plan: what runs.
      size: bytes of a tensor.
      backward: whether an operation is part of the sweep.
      constants: tensors that are computed before the run.
    """

    def __init__(
        self,
        plan: Plan,
        size: Callable[[Tensor], int],
        backward: Callable[[Operation], bool],
        constants: Iterable[Tensor] = (),
    ) -> None:
        self._size = size
        self.constants = set(constants)
        self.fed = set(plan.feeds)
        self.fetched = {self.root(t) for t in plan.fetches}
        self.events = [
            Event(op, self._reads(op), self._writes(op), backward(op))
            for op in plan.ops
            if not is_a(op, Kind.VARIABLE)
        ]

    def root(self, tensor: Tensor) -> Tensor:
        """The tensor whose memory a tensor uses."""
        while tensor not in self.fed and not is_reading(tensor):
            op = tensor._op
            passed = source(tensor, op)
            if passed is None or traits_of(op.type).passes not in _IN_PLACE:
                break
            tensor = passed
        return tensor

    def counts(self, tensor: Tensor) -> bool:
        """Whether a tensor is an array that comes and goes with the run."""
        if tensor in self.constants or is_a(tensor._op, Kind.VARIABLE):
            return False
        if tensor.dtype._is_ref_dtype or is_reading(tensor):
            return False
        if is_a(tensor._op, Kind.READ, Kind.CONSTANT):
            return False
        return tensor.dtype.base_dtype.name != "resource"

    def _reads(self, op: Operation) -> list[Tensor]:
        roots = [self.root(t) for t in op._inputs]
        return [t for t in dict.fromkeys(roots) if self.counts(t)]

    def _writes(self, op: Operation) -> list[Tensor]:
        return [t for t in op._outputs if self.root(t) is t and self.counts(t)]

    def bytes(self, key: Any) -> int:
        """The size of an array."""
        return self._size(key[1] if isinstance(key, tuple) else key)

    # ------------------------------------------------------------------ what is kept

    def kept(self) -> dict[Tensor, list[Operation]]:
        """The arrays of the forward pass that the sweep reads, and what reads them.

        An operation that only asks for a shape keeps nothing.
        """
        made = {t for e in self.events if not e.backward for t in e.writes}
        found: dict[Tensor, list[Operation]] = {}
        for event in self.events:
            if event.backward and not asks_for_shapes(event.op.type):
                for tensor in event.reads:
                    if tensor in made and tensor not in self.fed:
                        found.setdefault(tensor, []).append(event.op)
        return found

    def for_shapes(self) -> list[Tensor]:
        """The arrays of the forward pass of which the sweep only asks the shape."""
        made = {t for e in self.events if not e.backward for t in e.writes}
        kept = self.kept()
        asked = [
            t
            for e in self.events
            if e.backward and asks_for_shapes(e.op.type)
            for t in e.reads
        ]
        return [t for t in dict.fromkeys(asked) if t in made and t not in kept]

    # ------------------------------------------------------------------ peak

    def peak(
        self, segments: Sequence[frozenset[Operation]] = ()
    ) -> tuple[int, Operation | None, list[Operation]]:
        """The most bytes alive at once.

        Args:
          segments: groups of forward operations whose results are dropped and computed
            again where the sweep first needs one.

        Returns:
          The bytes, the operation at which, and the operations that run again.
        """
        events, again = self.events, []
        for segment in segments:
            events, repeated = self._recomputed(events, segment)
            again += repeated
        last: dict[Any, int] = {}
        for place, event in enumerate(events):
            for key in (*event.writes, *self._needed(event)):
                last[key] = place
        ending: dict[int, list[Any]] = {}
        for key, place in last.items():
            if key not in self.fetched:
                ending.setdefault(place, []).append(key)
        alive = highest = 0
        where: Operation | None = None
        held: set[Any] = set()
        for place, event in enumerate(events):
            for key in event.writes:
                if key not in held:
                    held.add(key)
                    alive += self.bytes(key)
            if alive > highest:
                highest, where = alive, event.op
            for key in ending.get(place, ()):
                if key in held:
                    alive -= self.bytes(key)
        return highest, where, again

    def _needed(self, event: Event) -> list[Any]:
        """The arrays that must be there; for a shape, none."""
        return [] if asks_for_shapes(event.op.type) else event.reads

    def _recomputed(
        self, events: list[Event], segment: frozenset[Operation]
    ) -> tuple[list[Event], list[Operation]]:
        """The events with a segment made again, where the sweep first reads of it."""
        inside = {
            t for e in events if not e.backward and e.op in segment for t in e.writes
        }
        # what is read outside of the segment anyway, forward, stays only so long
        first = None
        wanted: set[Any] = set()
        for place, event in enumerate(events):
            used = inside.intersection(self._needed(event)) if event.backward else ()
            if used:
                first = place if first is None else first
                wanted |= set(used)
        if first is None:
            return events, []
        repeated: list[Event] = []
        for event in reversed(events[:first]):
            if event.backward or event.op not in segment:
                continue
            if wanted.intersection(event.writes):
                repeated.append(event)
                wanted |= inside.intersection(self._needed(event))
        repeated.reverse()
        made = {t for e in repeated for t in e.writes}
        replace = {t: ("again", t) for t in made}
        copies = [_replaced(e, replace, True) for e in repeated]
        rest = [
            _replaced(e, replace, False) if e.backward else e for e in events[first:]
        ]
        return [*events[:first], *copies, *rest], [e.op for e in repeated]


def _replaced(event: Event, names: dict[Any, Any], writes: bool) -> Event:
    """An event that reads, and if asked for writes, other arrays."""
    return Event(
        event.op,
        [names.get(t, t) for t in event.reads],
        [names.get(t, t) for t in event.writes] if writes else event.writes,
        event.backward or writes,
    )


def nbytes(value: Any) -> int:
    """Bytes of a value: of an array, or of all items of a list or an optional."""
    if value is None or value is DEAD:
        return 0
    items = getattr(value, "items", None)
    if isinstance(items, list):
        return sum({id(v): nbytes(v) for v in items}.values())
    if getattr(value, "values", None) is not None and not hasattr(value, "dtype"):
        return sum(nbytes(v) for v in value.values)
    return int(getattr(value, "nbytes", 0))
