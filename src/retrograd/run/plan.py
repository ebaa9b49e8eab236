"""What one run has to do: the operations that the fetches need, in order."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from retrograd.errors import InvalidArgumentError
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.binding import binding
from retrograd.ops.declare import find
from retrograd.ops.flow.demand import demand
from retrograd.run.frames import lifted

VARIABLES = frozenset(("Variable", "VariableV2", "VarHandleOp", "TemporaryVariable"))
#: version 1's conditionals: one of a Switch's outputs has no value, a Merge needs one
SWITCHES = frozenset(("Switch", "RefSwitch"))
MERGES = frozenset(("Merge", "RefMerge"))


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
    return Plan(order(needed, fed), list(fetches), list(feeds), list(targets))


def _planned(
    fetches: Sequence[Tensor], targets: Sequence[Operation], feeds: Sequence[Tensor]
) -> list[Operation]:
    return make_plan(fetches, targets, feeds).ops


def variable_of(tensor: Tensor) -> Operation | None:
    """The variable that a reference or resource tensor stands for, if it is known."""
    op = tensor._op
    while op.type not in VARIABLES:
        if op.type == "Placeholder" and isinstance(op._graph, FuncGraph):
            outer = op._graph.outside(op._outputs[0])
            if outer is None or getattr(outer, "_is_eager", False):
                return None if outer is None else outer._variable
            op = outer._op
        elif not op._inputs or op.type not in _PASSING:
            return None
        else:
            op = op._inputs[0]._op
    return op


def is_reading(tensor: Tensor) -> bool:
    """Whether a tensor only reads a reference variable.

    As in TensorFlow, it shares the variable's storage: its value is the one that the
    variable has when the tensor is used, after the writes that the user follows.
    """
    while tensor._op.type == "Identity":
        tensor = tensor._op._inputs[0]
        if tensor.dtype._is_ref_dtype:
            return tensor._op.type in ("Variable", "VariableV2")
    return False


_PASSING = frozenset(
    (
        "Identity RefIdentity Switch RefSwitch Assign AssignAdd AssignSub Enter "
        "RefEnter ScatterUpdate ScatterAdd ScatterSub ScatterMul ScatterDiv ScatterMin "
        "ScatterMax ScatterNdUpdate ScatterNdAdd ScatterNdSub CountUpTo"
    ).split()
)


def bodies_of(op: Operation) -> list[FuncGraph]:
    """The functions that an operation calls."""
    found = []
    for value in op.attrs.values():
        values = value if isinstance(value, list) else [value]
        found.extend(v for v in values if isinstance(v, FuncGraph))
    return found


def writes_of(op: Operation) -> list[Operation]:
    """The variables that an operation changes, in the functions it calls for one."""
    if op._op_def is not None and op._op_def.calls:
        inside = (o for body in bodies_of(op) for o in body._ops)
        return list(dict.fromkeys(v for o in inside for v in writes_of(o)))
    declaration = find(op.type)
    if declaration is None or not declaration.updates:
        return []
    found = (variable_of(op._inputs[i]) for i in binding(declaration, op).updates)
    return [variable for variable in found if variable is not None]


def reads_of(op: Operation) -> list[Operation]:
    """The variables whose value an operation uses without changing it."""
    if op.type in VARIABLES:
        return []
    written = set(writes_of(op))
    found = []
    for tensor in op._inputs:
        stored = tensor.dtype._is_ref_dtype or tensor.dtype.name == "resource"
        if stored or is_reading(tensor):
            variable = variable_of(tensor)
            if variable is not None and variable not in written:
                found.append(variable)
    return found


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
