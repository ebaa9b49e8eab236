"""Splitting a plan into stages: runs of array ops that are compiled as one."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence

from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import find, kind_of
from retrograd.ops.flow.effects import (
    bodies_of,
    is_reading,
    is_storage,
    reads_of,
    variable_of,
    writes_of,
)
from retrograd.ops.traits import Kind

#: dtypes that have no device form
_HOST_DTYPES = frozenset(("string", "resource"))


class Segment:
    """Operations that run together: compiled (a stage) or one by one.

    Attributes:
      ops: in order.
      compiled: whether they form a stage.
      inputs: tensors from outside whose values the segment uses.
      outputs: tensors made here that are used after it.
    """

    def __init__(self, ops: list[Operation], compiled: bool) -> None:
        self.ops = ops
        self.compiled = compiled
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []


def is_host(op: Operation) -> bool:
    """Whether an operation can only run one by one, in Python."""
    declaration = find(op.type)
    if declaration is None or declaration.host or declaration.cells:
        return True
    if declaration.traits.kind in (Kind.VARIABLE, Kind.NOTHING):
        return False
    passing = declaration.live is not None  # a loop may hand a variable on
    for tensor in op._outputs:
        name = tensor.dtype.base_dtype.name
        if name in _HOST_DTYPES and not (passing and name == "resource"):
            return True
    for tensor in op._inputs:
        name = tensor.dtype.base_dtype.name
        if name == "string":
            return True
        if name == "resource" or tensor.dtype._is_ref_dtype:
            variable = variable_of(tensor)
            if variable is None or kind_of(variable.type) is Kind.TEMPORARY:
                return True
    return any(map(_has_host_op, bodies_of(op)))


def _has_host_op(body: FuncGraph) -> bool:
    state = len(body._ops), body._rewirings
    known = body.__dict__.get("_host")
    if known is None or known[0] != state:
        given = {tensor._op for tensor in body.inputs}
        found = any(
            op not in given and (is_host(op) or bool(writes_of(op))) for op in body._ops
        )
        known = body.__dict__["_host"] = (state, found)
    return known[1]


def split(
    ops: Sequence[Operation],
    fetches: Iterable[Tensor],
    host: Callable[[Operation], bool] = is_host,
    known: Container[Tensor] = frozenset(),
) -> list[Segment]:
    """The operations in few, large segments, host and compiled ones in turn.

    Each operation goes into the earliest segment of its kind that its dependencies
    allow: data, control, and the order of reads and writes of a variable in `ops`.
    One whose value is among `known` is in none; what it waits for, its users wait for.
    """
    level: dict[Operation, int] = {}
    segments: dict[int, Segment] = {}
    order = _StateOrder()
    # operations that may have to be left out: on one side of a Switch
    conditional: set[Operation] = set()
    for op in ops:
        kind = kind_of(op.type)
        # a Merge takes the one input that there is
        merges = kind is Kind.MERGE
        if kind is Kind.SWITCH or (not merges and _depends_on(op, conditional)):
            conditional.add(op)
        before = (*(t._op for t in op._inputs), *op._control_inputs, *order(op))
        levels = [level[earlier] for earlier in before if earlier in level]
        if op._outputs and op._outputs[0] in known:
            if levels:
                level[op] = max(levels)
            continue
        alone = merges or op in conditional or host(op)
        own = 0 if alone else 1
        at = max([own, *(n if n % 2 == own else n + 1 for n in levels)])
        if not is_storage(op):  # there from the start
            level[op] = at
        if at not in segments:
            segments[at] = Segment([], at % 2 == 1)
        segments[at].ops.append(op)
    result = [segments[at] for at in sorted(segments)]
    _find_edges(result, fetches)
    return result


def _depends_on(op: Operation, others: set[Operation]) -> bool:
    if not others:
        return False
    return any(t._op in others for t in op._inputs) or any(
        o in others for o in op._control_inputs
    )


class _StateOrder:
    """The operations that one must follow because of a variable both use."""

    def __init__(self) -> None:
        self.writer: dict[Operation, Operation] = {}
        self.readers: dict[Operation, list[Operation]] = {}

    def __call__(self, op: Operation) -> list[Operation]:
        found: list[Operation] = []
        for variable in reads_of(op):
            if variable in self.writer:
                found.append(self.writer[variable])
            self.readers.setdefault(variable, []).append(op)
        for variable in writes_of(op):
            if variable in self.writer:
                found.append(self.writer[variable])
            found.extend(self.readers.pop(variable, ()))
            self.writer[variable] = op
        return found


def _stored(tensor: Tensor, home: dict[Tensor, Segment]) -> Tensor:
    """What a tensor that only reads a variable gets its value from."""
    while tensor in home and is_reading(tensor):
        tensor = tensor._op._inputs[0]
    return tensor


def _find_edges(segments: list[Segment], fetches: Iterable[Tensor]) -> None:
    home: dict[Tensor, Segment] = {}
    for segment in segments:
        for op in segment.ops:
            for tensor in op._outputs:
                home[tensor] = segment
    outputs: dict[Segment, dict[Tensor, None]] = {s: {} for s in segments}
    for segment in segments:
        inputs: dict[Tensor, None] = {}
        for op in segment.ops:
            for tensor in op._inputs:
                tensor = _stored(tensor, home)
                source = home.get(tensor)
                # a variable whose operation is in no segment is fed
                if source is segment or (source and is_storage(tensor._op)):
                    continue
                inputs[tensor] = None
                if source is not None:
                    outputs[source][tensor] = None
        segment.inputs = list(inputs)
    for tensor in fetches:
        tensor = _stored(tensor, home)
        source = home.get(tensor)
        if source is not None and not is_storage(tensor._op):
            outputs[source][tensor] = None
    for segment in segments:
        segment.outputs = list(outputs[segment])


class Void(Exception):
    """A compiled run does not count; no variable has changed.

    Attributes:
      no_room: a loop turns more often than there is room for. Otherwise an operation
        has refused what it was given.
    """

    def __init__(self, no_room: bool) -> None:
        self.no_room = no_room
