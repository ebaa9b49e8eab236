"""What has to run for some tensors to have values, into branches and loops.

A branch or loop of which only some outputs are wanted runs the part of its bodies that
they need: a variable that a loop also carries, or a history that only a gradient reads,
costs nothing when nobody asks for it. As in TensorFlow 1, what nothing wanted depends
on does not run, whatever its effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import find

Indices = tuple[int, ...]


@dataclass(slots=True)
class Live:
    """The part of an operation that calls functions which its wanted outputs need.

    Attributes:
      inputs, outputs: positions among those of the operation.
      attrs: attributes of the smaller operation, its functions for one.
    """

    inputs: Indices
    outputs: Indices
    attrs: dict[str, Any]


class Substitute(Operation):
    """An operation with other inputs, outputs or attributes; equal to the whole one."""

    def __init__(self, whole: Operation) -> None:
        self.__dict__.update(whole.__dict__)
        self.whole = whole

    def __hash__(self) -> int:
        return hash(self.whole)

    def __eq__(self, other: object) -> bool:
        return self is other or self.whole is other


class Part(Substitute):
    """An operation less some inputs and outputs."""

    def __init__(self, whole: Operation, live: Live) -> None:
        super().__init__(whole)
        self.attrs = {**whole.attrs, **live.attrs}
        self._inputs = tuple(whole._inputs[i] for i in live.inputs)
        self._outputs = [whole._outputs[i] for i in live.outputs]


class Overruled(Substitute):
    """An operation that runs though outputs of it are fed.

    These are tensors here that nobody uses: who uses the output sees what is fed.
    """

    def __init__(self, whole: Operation, fed: set[Tensor]) -> None:
        super().__init__(whole)
        self._outputs = [self._unseen(t) if t in fed else t for t in whole._outputs]

    def _unseen(self, like: Tensor) -> Tensor:
        made = Tensor(self, like._value_index, like.dtype)
        made._shape_raw, made._held = like._shape_raw, like._held
        return made


@dataclass(slots=True)
class Demand:
    """What some tensors need: the operations, and which of the fed tensors."""

    ops: set[Operation] = field(default_factory=set)
    fed: set[Tensor] = field(default_factory=set)


def demand(
    fetches: Iterable[Tensor], targets: Iterable[Operation], feeds: Iterable[Tensor]
) -> Demand:
    """The operations that `fetches` and `targets` need, given `feeds`.

    An operation that calls functions comes as a `Part` where less than all is needed.
    """
    return _Search(set(feeds)).run(fetches, targets)


class _Search:
    def __init__(self, feeds: set[Tensor]) -> None:
        self.feeds = feeds
        self.found = Demand()
        self.tensors: list[Tensor] = []
        self.wanted: dict[Operation, set[int]] = {}
        self.live: dict[Operation, Live] = {}
        self.reached: dict[Operation, set[int]] = {}

    def run(self, fetches: Iterable[Tensor], targets: Iterable[Operation]) -> Demand:
        ops = self.found.ops
        self.tensors.extend(fetches)
        for op in targets:
            self._whole(op)
        while self.tensors:
            tensor = self.tensors.pop()
            if tensor in self.feeds:
                self.found.fed.add(tensor)
                continue
            op = tensor._op
            if _live_rule(op) is not None:
                self._want(op, (tensor._value_index,))
            elif op not in ops:
                self._add(op)
        for op, live in self.live.items():
            ops.discard(op)
            ops.add(Part(op, live))
        return self.found

    def _whole(self, op: Operation) -> None:
        """All of an operation, as somebody waits for it."""
        if _live_rule(op) is not None:
            self._want(op, range(len(op._outputs)))
        elif op not in self.found.ops:
            self._add(op)

    def _add(self, op: Operation) -> None:
        rule = _live_rule(op)
        self.found.ops.add(op)
        if rule is None:
            self.tensors.extend(op._inputs)
        for before in op._control_inputs:
            fed = (
                self.feeds
                and before._outputs
                and self.feeds.issuperset(before._outputs)
            )
            if not fed:
                self._whole(before)

    def _want(self, op: Operation, outputs: Iterable[int]) -> None:
        wanted = self.wanted.setdefault(op, set())
        if op not in self.live:
            self._add(op)
        elif wanted.issuperset(outputs):
            return
        wanted.update(outputs)
        rule: Any = _live_rule(op)
        live = self.live[op] = rule(op, frozenset(wanted))
        wanted.update(live.outputs)
        reached = self.reached.setdefault(op, set())
        self.tensors.extend(op._inputs[i] for i in live.inputs if i not in reached)
        reached.update(live.inputs)


def _live_rule(op: Operation) -> Callable[..., Any] | None:
    if op._op_def is None or not op._op_def.calls:
        return None
    declaration = find(op.type)
    return None if declaration is None else declaration.live


def needs(graph: FuncGraph, outputs: Sequence[int]) -> frozenset[int]:
    """The inputs of a function, by position, that some of its outputs need."""
    key = ("needs", tuple(outputs))
    cache = _cache(graph)
    known = cache.get(key)
    if known is None:
        found = _demand_of(graph, outputs)
        places = enumerate(graph.inputs)
        known = cache[key] = frozenset(i for i, t in places if t in found.fed)
    return known


def _demand_of(graph: FuncGraph, outputs: Sequence[int]) -> Demand:
    wanted = [graph.outputs[i] for i in outputs]
    return demand(wanted, graph.control_outputs, graph.inputs)


def _cache(graph: FuncGraph) -> dict[Any, Any]:
    """What was worked out about a function, forgotten when it changes."""
    counts = len(graph._ops), len(graph.inputs), len(graph.outputs)
    state = (*counts, graph.base._rewirings)
    known = graph.__dict__.get("_demands")
    if known is None or known[0] != state:
        known = graph.__dict__["_demands"] = (state, {})
    return known[1]


def restricted(
    graph: FuncGraph, inputs: Sequence[int], outputs: Sequence[int]
) -> FuncGraph:
    """A function with some of the inputs and outputs, and what these need."""
    key = ("restricted", tuple(inputs), tuple(outputs))
    cache = _cache(graph)
    known = cache.get(key)
    if known is None:
        known = graph.copy()
        known.__dict__.pop("_demands", None)
        known.inputs = [graph.inputs[i] for i in inputs]
        known.outputs = [graph.outputs[i] for i in outputs]
        needed = _demand_of(graph, outputs).ops
        known._ops = sorted(needed, key=lambda o: o._id)
        cache[key] = known
    return known
