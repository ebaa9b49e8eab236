"""Which variables an operation reads and writes, in the functions it calls as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from retrograd.graph.function import BodyGraph, FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.binding import binding
from retrograd.ops.declare import find, kind_of, registry, traits_of
from retrograd.ops.traits import Kind, Passes

_STORAGE = (Kind.VARIABLE, Kind.TEMPORARY)


def is_storage(op: Operation) -> bool:
    """Whether an operation stands for the storage of a variable."""
    found = registry.get(op.type)
    return found is not None and found.traits.kind in _STORAGE


def passed_on(tensor: Tensor) -> Tensor | None:
    """The input whose storage, or handle, a tensor hands on; None where it makes one.

    An op whose output and first input are references gives back the reference that it
    took; a loop's variable that is a handle stays the same in every turn.
    """
    op = tensor._op
    if not op._inputs:
        return None
    traits = traits_of(op.type)
    if traits.kind is Kind.LOOP:
        return op._inputs[tensor._value_index]
    if traits.passes in (Passes.SAME, Passes.CHECKED):
        by_place = op._op_def is not None and op._op_def.inputs[0].is_list
        return op._inputs[tensor._value_index if by_place else 0]
    first = op._inputs[0]
    return first if tensor.dtype._is_ref_dtype and first.dtype._is_ref_dtype else None


def variable_of(tensor: Tensor) -> Operation | None:
    """The variable that a reference or resource tensor stands for, if it is known."""
    at: Tensor | None = tensor
    while at is not None:
        op = at._op
        kind = kind_of(op.type)
        if kind in _STORAGE:
            return op
        if kind is Kind.PARAMETER and isinstance(op._graph, FuncGraph):
            at = op._graph.outside(at)
            if getattr(at, "_is_eager", False):
                return at._variable  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
        else:
            at = passed_on(at)
    return None


def is_reading(tensor: Tensor) -> bool:
    """Whether a tensor only reads a reference variable.

    As in TensorFlow, it shares the variable's storage: its value is the one that the
    variable has when the tensor is used, after the writes that the user follows. So
    does what a branch or a loop takes from outside, where it writes the variable.
    """
    while not tensor.dtype._is_ref_dtype:
        op = tensor._op
        found = registry.get(op._type)
        if found is None:
            return False
        traits = found.traits
        if traits.kind is Kind.PARAMETER:
            return _reads_again(tensor)
        if traits.passes is not Passes.SAME:
            return False
        if traits.kind or len(op._outputs) > 1:
            return False
        tensor = op._inputs[0]
        if tensor.dtype._is_ref_dtype:
            return is_storage(tensor._op)
    return False


def _reads_again(parameter: Tensor) -> bool:
    """Whether a parameter stands for a reading of a variable that its body writes."""
    graph = parameter._op._graph
    if not isinstance(graph, BodyGraph) or parameter not in graph._outside:
        return False
    written = _written_in(graph).union(*map(_written_in, graph.beside))
    if not written:
        return False
    outer = graph.outside(parameter)
    return (
        not getattr(outer, "_is_eager", False)
        and variable_of(outer) in written
        and (is_reading(outer) or _is_captured_reading(outer))
    )


def _is_captured_reading(tensor: Tensor) -> bool:
    """Whether a parameter stands, by way of others, for a reading of a variable."""
    graph = tensor._op._graph
    while isinstance(graph, FuncGraph):
        outer = graph.outside(tensor)
        if outer is None or getattr(outer, "_is_eager", False):
            return False
        if is_reading(outer):
            return True
        tensor, graph = outer, outer._op._graph
    return False


def _written_in(graph: FuncGraph) -> frozenset[Operation]:
    """The variables that the operations of a function change."""
    state = len(graph._ops), graph._rewirings
    known = graph.__dict__.get("_writes")
    if known is None or known[0] != state:
        found = frozenset(v for op in graph._ops for v in writes_of(op))
        known = graph.__dict__["_writes"] = (state, found)
    return known[1]


def bodies_of(op: Operation) -> list[FuncGraph]:
    """The functions that an operation calls."""
    found = []
    for value in op.attrs.values():
        values = value if isinstance(value, list) else [value]
        found.extend(v for v in values if isinstance(v, FuncGraph))
    return found


def operations_in(bodies: Sequence[FuncGraph]) -> Iterator[Operation]:
    """The operations in functions, and in those that these call.

    Each function is looked into once, however often it is called: functions that call
    others twice are few, and their calls as many as powers of two.
    """
    seen = set(bodies)
    waiting = [iter(body._ops) for body in reversed(bodies)]
    while waiting:
        inside = next(waiting[-1], None)
        if inside is None:
            waiting.pop()
            continue
        yield inside
        if inside._op_def is not None and inside._op_def.calls:
            new = [body for body in bodies_of(inside) if body not in seen]
            seen.update(new)
            waiting.extend(iter(body._ops) for body in reversed(new))


def written_by(op: Operation) -> Iterator[Tensor]:
    """The inputs whose variables an operation changes; those of operations in the
    functions that it calls are tensors of these."""
    if op._op_def is None:
        return
    if op._op_def.calls:
        for inside in operations_in(bodies_of(op)):
            if inside._op_def is not None and not inside._op_def.calls:
                yield from written_by(inside)
        return
    declaration = find(op.type)
    if declaration is not None and declaration.updates:
        yield from (op._inputs[i] for i in binding(declaration, op).updates)


def writes_of(op: Operation) -> list[Operation]:
    """The variables that an operation changes, as far as they are known."""
    if _changes_nothing(op):
        return []
    found = (variable_of(t) for t in written_by(op))
    return list(dict.fromkeys(v for v in found if v is not None))


def _changes_nothing(op: Operation) -> bool:
    if op._op_def is None or op._op_def.calls:
        return op._op_def is None
    declaration = find(op.type)
    return declaration is None or not declaration.updates


def may_write(ops: Iterable[Operation], variable: Operation | None) -> bool:
    """Whether some of `ops` changes a variable, or one that is not known."""
    for op in ops:
        for tensor in written_by(op):
            other = variable_of(tensor)
            if other is None or variable is None or other is variable:
                return True
    return False


def reads_variable(op: Operation) -> bool:
    """Whether an operation takes the value of a resource variable."""
    declaration = find(op.type)
    return declaration is not None and bool(declaration.reads)


def may_keep(op: Operation) -> bool:
    """Whether an operation may hold on to an array that it is given, for later runs.

    Queues, stacks, iterators, Python functions and the like; in the functions that it
    calls as well. A variable has an array of its own; one of lists may hold others'.
    """
    declaration = find(op.type)
    if declaration is None or op._op_def is None:
        return False
    if op._op_def.calls and declaration.live is not None:
        return any(
            may_keep(o) for o in operations_in(bodies_of(op)) if not bodies_of(o)
        )
    if declaration.updates:
        return any(tensor.dtype.name == "variant" for tensor in op._inputs)
    traits = declaration.traits
    if declaration.pure or declaration.state is not None or declaration.reads:
        return False
    if traits.passes is not None or traits.kind not in (None, Kind.PYTHON):
        return False
    return declaration.host or op._op_def.is_stateful or bool(declaration.cells)


def reads_of(op: Operation) -> list[Operation]:
    """The variables whose value an operation uses without changing it."""
    if is_storage(op):
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
