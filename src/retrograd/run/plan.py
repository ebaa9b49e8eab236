"""What one run has to do: the operations that the fetches need, in order."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from retrograd.errors import InvalidArgumentError
from retrograd.graph.opdef import type_word
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.flow.demand import Overruled, demand
from retrograd.ops.flow.effects import reads_of, writes_of
from retrograd.ops.flow.frames import lifted


@dataclass(slots=True)
class Plan:
    """The operations of a run, in an order that keeps all dependencies.

    Attributes:
      ops: the operations to run; those whose outputs are all fed are left out.
      fetches: the tensors whose values are wanted.
      feeds: the tensors whose values are given.
    """

    ops: list[Operation]
    fetches: list[Tensor]
    feeds: list[Tensor]
    targets: list[Operation] = field(default_factory=list)


def make_plan(
    fetches: Sequence[Tensor], targets: Sequence[Operation], feeds: Sequence[Tensor]
) -> Plan:
    """Prune the graph to what is needed, and order it."""
    fed = set(feeds)
    needed = lifted(demand(fetches, targets, fed).ops, fed, _planned)
    ops = [Overruled(op, fed) if _gives(op, fed) else op for op in order(needed, fed)]
    return Plan(ops, list(fetches), list(feeds), list(targets))


def refuse_values(plan: Plan) -> None:
    """Refuse a run in which something changes a variable whose value is fed.

    Raises:
      InvalidArgumentError: an operation takes a reference, and is given a value.
    """
    if not any(t.dtype._is_ref_dtype for t in plan.feeds):
        return
    feeds = sorted(plan.feeds, key=lambda t: t.name)
    for op in plan.ops:
        if op._op_def is None or len(op._op_def.inputs) != len(op._inputs):
            continue
        for i, (arg, tensor) in enumerate(
            zip(op._op_def.inputs, op._inputs, strict=True)
        ):
            if arg.is_ref and tensor in feeds:
                word = type_word(tensor.dtype.base_dtype)
                source = f"_arg_{tensor._op.name}_{tensor._value_index}"
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Input {i} of node {op.name} was passed {word} from {source}_"
                    f"{feeds.index(tensor)}:0 incompatible with expected {word}_ref.",
                )


def _gives(op: Operation, fed: set[Tensor]) -> bool:
    """Whether an operation gives a tensor whose value is given from outside."""
    return bool(fed) and not fed.isdisjoint(op._outputs)


def _planned(
    fetches: Sequence[Tensor], targets: Sequence[Operation], feeds: Sequence[Tensor]
) -> list[Operation]:
    return make_plan(fetches, targets, feeds).ops


def order(needed: set[Operation], fed: set[Tensor]) -> list[Operation]:
    """`needed` in a topological order: reads as early, writes as late as possible.

    An operation that reads a variable and does not depend on a write to it comes before
    that write, so that what a run returns does not depend on chance.  Operations that
    are free to go are taken in the order they were made.
    """
    before: dict[Operation, list[Operation]] = {}
    for op in needed:
        found = [t._op for t in op._inputs if t not in fed]
        found.extend(op._control_inputs)
        before[op] = [o for o in dict.fromkeys(found) if o in needed]
    writers = {op: w for op in needed if (w := writes_of(op))}
    if writers:
        _reads_first(before, writers)
    return _sorted(before, set(writers))


def _sorted(
    before: dict[Operation, list[Operation]], late: set[Operation]
) -> list[Operation]:
    waiting = {op: len(inputs) for op, inputs in before.items()}
    after: dict[Operation, list[Operation]] = {op: [] for op in before}
    for op, inputs in before.items():
        for earlier in inputs:
            after[earlier].append(op)
    ready = [(op in late, op._id, op) for op, count in waiting.items() if not count]
    heapq.heapify(ready)
    result = []
    while ready:
        op = heapq.heappop(ready)[2]
        result.append(op)
        for later in after[op]:
            waiting[later] -= 1
            if not waiting[later]:
                heapq.heappush(ready, (later in late, later._id, later))
    if len(result) != len(before):
        raise _cycle({op: before[op] for op in before.keys() - set(result)})
    return result


def _cycle(before: dict[Operation, list[Operation]]) -> InvalidArgumentError:
    """The error of operations that wait for one another.

    Args:
      before: what each operation waits for; some may only follow a cycle.
    """
    inside = set(before)
    while True:
        awaited = {earlier for op in inside for earlier in before[op]}
        if inside <= awaited:
            break
        inside &= awaited
    names = ", ".join(op.name for op in sorted(inside, key=lambda op: op._id))
    return InvalidArgumentError(
        None,
        None,
        f"Graph is invalid, contains a cycle with {len(inside)} nodes, including: "
        f"{names}",
    )


def _reads_first(
    before: dict[Operation, list[Operation]],
    writers: dict[Operation, list[Operation]],
) -> None:
    """Add an edge from each read to each write of a variable that it does not follow.

    Only reads that come after some write need one: others go first in any case.
    """
    by_variable: dict[Operation, list[Operation]] = {}
    for op, variables in writers.items():
        for variable in variables:
            by_variable.setdefault(variable, []).append(op)
    order_ = _sorted(before, set(writers))
    past: dict[Operation, frozenset[Operation]] = {}
    for op in order_:
        merged: set[Operation] = set()
        for earlier in before[op]:
            merged |= past[earlier]
            if earlier in writers:
                merged.add(earlier)
        past[op] = frozenset(merged)
    for op in order_:
        if not past[op]:
            continue
        for variable in reads_of(op):
            for write in by_variable.get(variable, ()):
                if write is not op and write not in past[op]:
                    if not _follows(before, op, write):
                        before[write].append(op)


def _follows(
    before: dict[Operation, list[Operation]], op: Operation, earlier: Operation
) -> bool:
    """Whether `op` comes after `earlier` in any order."""
    pending, seen = [op], {op}
    while pending:
        for previous in before[pending.pop()]:
            if previous is earlier:
                return True
            if previous not in seen:
                seen.add(previous)
                pending.append(previous)
    return False
