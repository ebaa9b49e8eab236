"""The reverse sweep: from ∂L/∂y back to ∂L/∂x, one operation at a time."""

from __future__ import annotations

import contextlib
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from retrograd.errors import message
from retrograd.grad.gates import gated
from retrograd.grad.terms import add_n, fit, zeros_for
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import GradientRule, gradient_function


@dataclass(slots=True)
class Step:
    """One operation's part of a sweep, for an observer.

    Attributes:
      op: the operation that was differentiated.
      douts: ∂L/∂output for each output, summed; None where L does not depend on it.
      dins: what the rule gives for each input.
      terms: the same in the shape of the input, before it is summed with terms of other
        consumers; None where no x depends on it.
    """

    op: Operation
    douts: list[Any]
    dins: list[Any]
    terms: list[Any]


Observer = Callable[[Step], None]
Producer = Callable[[Tensor], Operation | None]
Provenance = Callable[[Operation], contextlib.AbstractContextManager[Any]]


def sweep(
    ys: Sequence[Tensor],
    xs: Sequence[Tensor],
    dys: Sequence[Any],
    *,
    stop: Iterable[Tensor] = (),
    provenance: Provenance = contextlib.nullcontext,
    observe: Observer | None = None,
    producer: Producer = attrgetter("_op"),
    aggregate: Callable[[list[Any]], Any] = add_n,
    outwards: bool = True,
    arrive: Callable[[Tensor, Any], Any] | None = None,
    gates: bool = False,
) -> list[Any]:
    """x̄ = ∂L/∂x for each x, with L = Σᵢ ⟨dysᵢ, ysᵢ⟩; None where L does not depend on x.

    An operation is younger than its inputs, so newest first is a valid order: no
    recursion, each operation and edge between xs and ys is visited once.

    Args:
      ys: what is differentiated.
      xs: with respect to what.
      dys: the seeds, one for each y.
      stop: tensors that count as constant.
      provenance: entered around the rule of each operation.
      observe: is told of each step.
      producer: the operation that made a tensor; None where that is of no interest.
      aggregate: sums the terms that reach one tensor.
      outwards: whether to go on, from what a function body takes from outside, in the
        graph around it.
      arrive: is given each output and its whole derivative, and returns what goes on in
        its place.
      gates: whether no term of an operation is used before all are there.
    """
    stopped = set(stop)
    inputs_of = Inputs(xs, outwards)
    reached = depends_on(xs, ys, stopped, inputs_of, producer)
    terms: dict[Tensor, list[Any]] = defaultdict(list)
    for y, dy in zip(ys, dys, strict=True):
        terms[y].append(dy)

    def total(tensor: Tensor) -> Any:
        """The sum of the terms so far; made once, kept."""
        found = terms.get(tensor)
        if not found:
            return None
        if len(found) > 1:
            terms[tensor] = found = [aggregate(found)]
        return found[0]

    final: dict[Tensor, Any] = {}
    wanted = set(xs)
    pending = NewestFirst(o for y in ys if (o := producer(y)) in reached)
    for op in pending:
        douts = [total(t) for t in op.outputs]
        if arrive is not None:
            douts = [
                d if d is None else arrive(t, d)
                for t, d in zip(op.outputs, douts, strict=True)
            ]
        pairs = zip(op.outputs, douts, strict=True)
        final.update((tensor, dout) for tensor, dout in pairs if tensor in wanted)
        inputs = inputs_of(op)
        live = [t in reached[op] and t not in stopped for t in inputs]
        if any(d is not None for d in douts) and any(live):
            with provenance(op):
                dins = terms_of(op, douts, live)
                fitted = [
                    fit(dx, x, op) if dx is not None and wants else None
                    for x, dx, wants in zip(inputs, dins, live, strict=True)
                ]
                if gates:
                    fitted = gated(op, dins, fitted)
            for x, term in zip(inputs, fitted, strict=True):
                if term is not None:
                    terms[x].append(term)
            if observe is not None:
                observe(Step(op, douts, dins, fitted))
        pending.add(producer(t) for t, wants in zip(inputs, live, strict=True) if wants)
    return [final[x] if x in final else total(x) for x in xs]


class Inputs:
    """The inputs of operations, in the graph that they come from.

    A parameter of a function body that stands for a tensor outside is taken for that
    tensor, unless it is an x itself.
    """

    def __init__(self, xs: Sequence[Tensor], outwards: bool) -> None:
        self._sources = set(xs)
        self._outwards = outwards

    def __call__(self, op: Operation) -> Sequence[Tensor]:
        if not self._outwards or not _depth(op):
            return op.inputs
        return [self._origin(t) for t in op.inputs]

    def _origin(self, tensor: Tensor) -> Tensor:
        while tensor not in self._sources and not getattr(tensor, "_is_eager", False):
            graph = tensor.graph
            outer = graph.outside(tensor) if isinstance(graph, FuncGraph) else None
            if outer is None or getattr(outer, "_is_eager", False):
                break
            tensor = outer
        return tensor


def _depth(op: Operation) -> int:
    """How many functions an operation lies in."""
    graph = getattr(op, "_graph", None)
    return 0 if graph is None else graph.depth


class NewestFirst:
    """A queue of operations, each given once: inner graphs first, then the newest."""

    def __init__(self, ops: Iterable[Operation | None]) -> None:
        self._heap: list[tuple[int, int, Operation]] = []
        self._seen: set[Operation] = set()
        self.add(ops)

    def add(self, ops: Iterable[Operation | None]) -> None:
        for op in ops:
            if op is not None and op not in self._seen:
                self._seen.add(op)
                heapq.heappush(self._heap, (-_depth(op), -op._id, op))

    def __iter__(self) -> NewestFirst:
        return self

    def __next__(self) -> Operation:
        if not self._heap:
            raise StopIteration
        return heapq.heappop(self._heap)[2]


def depends_on(
    xs: Sequence[Tensor],
    ys: Sequence[Tensor],
    stopped: set[Tensor],
    inputs_of: Callable[[Operation], Sequence[Tensor]],
    producer: Producer = attrgetter("_op"),
) -> dict[Operation, set[Tensor]]:
    """For each operation between xs and ys, which of its inputs depend on an x."""
    sources = set(xs)
    order: list[Operation] = []
    queue = NewestFirst(producer(y) for y in ys)
    for op in queue:
        order.append(op)
        queue.add(producer(t) for t in inputs_of(op) if t not in stopped)
    carrying: set[Operation] = set()
    reached: dict[Operation, set[Tensor]] = {}
    for op in reversed(order):
        inputs = {
            t
            for t in inputs_of(op)
            if t not in stopped
            and (t in sources or producer(t) in carrying)
            and is_continuous(t)
        }
        if inputs:
            carrying.add(op)
        if inputs or any(t in sources for t in op.outputs):
            reached[op] = inputs
    return reached


def is_continuous(tensor: Tensor) -> bool:
    """Whether derivatives pass through: numbers that are not whole, handles."""
    dtype = tensor.dtype.base_dtype
    return (
        dtype.is_floating or dtype.is_complex or dtype.name in ("resource", "variant")
    )


def terms_of(op: Operation, douts: list[Any], live: list[bool]) -> list[Any]:
    """What the gradient function of `op` gives for each input, checked."""
    rule = _function_of(op)
    if rule is None:
        return [None] * len(op.inputs)
    declared = isinstance(rule, GradientRule)
    if not (declared and rule.takes_none):
        douts = [
            zeros_for(t) if d is None and t.dtype.base_dtype.is_floating else d
            for d, t in zip(douts, op.outputs, strict=True)
        ]
    found = rule(op, *douts, wanted=live) if declared else rule(op, *douts)
    return _checked(op, found, len(live))


def _function_of(op: Operation) -> Any:
    try:
        return gradient_function(op)
    except LookupError:
        what = f"No gradient defined for operation '{op.name}' (op type: {op.type})"
        if not isinstance(op, Operation):  # of a tape
            what = f"gradient registry has no entry for: {op.type}"
        raise LookupError(
            message(
                what,
                at=f"{op.name}, made in {op.where}",
                fix=f'tf.RegisterGradient("{op.type}"), or tf.stop_gradient around it',
            )
        ) from None


def _checked(op: Operation, found: Any, wanted: int) -> list[Any]:
    """The terms as a list, one for each input that the operation had.

    Raises:
      ValueError: there are more or fewer.
    """
    terms = list(found) if isinstance(found, (list, tuple)) else [found]
    if len(terms) != wanted:
        raise ValueError(
            message(
                f"Num gradients {len(terms)} generated for op {op.node_def} do not "
                f"match num inputs {wanted}",
                at=f"{op.name}, made in {op.where}",
                fix="return one gradient, or None, for each input",
            )
        )
    return terms
