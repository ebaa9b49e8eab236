"""Where y does not depend on x at all: what y is made of instead, and where x leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from types import CodeType
from typing import TYPE_CHECKING, Any

from retrograd.explain.connection import Connection
from retrograd.explain.operations import is_a, only_reads, read_from
from retrograd.explain.remedies import USE_VALUE
from retrograd.explain.report import Finding
from retrograd.explain.wording import called
from retrograd.grad.reach import is_continuous
from retrograd.ops.declare import traits_of
from retrograd.ops.flow.effects import writes_of
from retrograd.ops.host.py_func import function_of
from retrograd.ops.traits import Kind, Passes

if TYPE_CHECKING:
    from types import FunctionType

    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor

_MOST_NAMED = 4


def separation(connection: Connection, given: object) -> list[Finding]:
    """Why no operation leads from x to y; the likeliest reason first.

    Args:
      connection: of y and x, which are tensors of one graph.
      given: what the caller passed for x.
    """
    found = _Separation(connection, given)
    return list(found.reasons()) or [found.nowhere()]


class _Separation:
    """What y is made of (`above`), and what x leads to (`below`)."""

    def __init__(self, connection: Connection, given: object) -> None:
        self.given, self.x = given, connection.x
        self.y = connection.ys[0]
        self.above = dict.fromkeys(connection.above)
        self.tensors = {t for op in self.above for t in (*op.inputs, *op.outputs)}
        self.below = _descendants(self.x)

    def reasons(self) -> Iterator[Finding]:
        """Why the two do not meet, as far as the graph shows."""
        for reason in (self._relative, self._variable, self._handle, self._python):
            found = reason()
            if found is not None:
                yield found

    def _relative(self) -> Finding | None:
        """Of x, the nearest tensor it is made of that y is made of as well."""
        came_by: dict[Any, Any] = {}
        pending = [self.x]
        for tensor in pending:
            if tensor is not self.x and tensor in self.tensors:
                return self._beside(tensor, _way(tensor, came_by))
            for source in tensor.op.inputs:
                if source not in came_by and _can_matter(source):
                    came_by[source] = tensor
                    pending.append(source)
        return None

    def _beside(self, origin: Tensor, way: Sequence[Any]) -> Finding:
        """x is made of `origin`, and y of `origin` but not of x."""
        ops = [t.op for t in way]
        users = [op for op in origin.consumers() if op in self.above]
        x, y, source = called(self.x), called(self.y), called(read_from(origin))
        made = _made(ops)
        late = self.x.op._id > self.y.op._id
        what = f"{y} is made from {source}, not from {x}, which is {made}"
        what += f" made after {y}." if late else "."
        details = [f"from {source} to {x}: {', '.join(_short(o) for o in ops[::-1])}"]
        if users:
            details.append(f"from {source} to {y}: {_listed(users)}")
        fix = f"tf.gradients({y}, {source}), or make {y} from {x}"
        return Finding(what, details, self.x.op, fix)

    def _variable(self) -> Finding | None:
        """A variable that x's side writes and y's side reads."""
        for op in self.below:
            for variable in writes_of(op):
                if variable in self.above:
                    return Finding(
                        f"{called(self.x)} reaches {called(self.y)} only through the "
                        f"variable {variable.name}: assignments pass no gradient.",
                        [f"{op.type} writes it, and {called(self.y)} reads it"],
                        op,
                        USE_VALUE,
                    )
        return None

    def _handle(self) -> Finding | None:
        """A queue or another store that x goes into and y comes out of."""
        for op in self.below:
            for tensor in op.inputs:
                holder = tensor.op
                if is_handle(tensor) and holder in self.above:
                    if is_a(holder, Kind.VARIABLE):
                        continue
                    return Finding(
                        f"{called(self.x)} reaches {called(self.y)} only through "
                        f"{holder.name} ({holder.type}), which keeps values without "
                        "their history.",
                        [f"{op.type} puts it in, and {called(self.y)} takes it out"],
                        op,
                        "connect them directly, where gradients are wanted",
                    )
        return None

    def _python(self) -> Finding | None:
        """A Python function behind y that uses x as one of its own variables."""
        meant = [self.given, self.x, *self.x.op.outputs]
        for op in self.above:
            if not is_a(op, Kind.PYTHON):
                continue
            name = _mention(_function(op), meant)
            if name:
                return Finding(
                    f"The function that {op.name} calls uses {called(self.x)} as its "
                    f"variable `{name}`, not as an argument: no gradient passes.",
                    [],
                    op,
                    f"pass it: tf.py_function(f, [..., {name}], Tout)",
                )
        return None

    def nowhere(self) -> Finding:
        """Nothing else is known: what y is made of, and what x is used for."""
        x, y = called(self.x), called(self.y)
        details = [f"{y} is made from: {_leaves(self.above) or 'constants only'}"]
        if not self.below:
            details.append(f"nothing uses {x}")
        else:
            users = list(_users(self.x, self.x.op.name + "/"))
            details.append(f"{x} is used by: {_listed(users) or 'nothing'}")
            own = self.x.op.name + "/"
            ends = [op for op in self.below if not _is_used(op)]
            ends = [op for op in ends if not op.name.startswith(own)]
            if ends and ends != users:
                details.append(f"and leads to: {_listed(ends)}")
        waiting = self._waiting()
        if waiting is not None:
            details.append(
                f"{waiting.name} only waits for it (a control dependency), which "
                "passes no value"
            )
        twin = self._twin()
        if twin is not None:
            details.append(f"{twin.name} has the same shape, made in {twin.where}")
            what = f"{y} is made from {twin.name}, not from {x}."
            fix = "use one variable for both: reuse=tf.AUTO_REUSE, or one layer object"
            return Finding(what, details, self.x.op, fix)
        what = f"{y} does not depend on {x}: no operation leads from one to the other."
        fix = f"make {y} from {x}, or leave {x} out of the list"
        return Finding(what, details, self.x.op, fix)

    def _waiting(self) -> Any:
        """An operation behind y that runs after one that x leads to, or None."""
        below = {*self.below, self.x.op}
        for op in self.above:
            if any(c in below for c in op.control_inputs):
                return op
        return None

    def _twin(self) -> Any:
        """A variable behind y that x may have been taken for, by name and shape."""
        mine = self.x.op
        if not is_a(mine, Kind.VARIABLE):
            return None
        shape = mine.attrs.get("shape")
        others = [
            op
            for op in self.above
            if is_a(op, Kind.VARIABLE) and op.attrs.get("shape") == shape
        ]
        if not others:
            return None
        last = mine.name.rpartition("/")[2]
        best = max(
            others, key=lambda op: SequenceMatcher(None, op.name, mine.name).ratio()
        )
        alike = SequenceMatcher(None, best.name, mine.name).ratio()
        same_end = "/" in mine.name and best.name.rpartition("/")[2] == last
        return best if same_end or alike > 0.8 else None


def _made(ops: Sequence[Any]) -> str:
    """What operations one after another make of something: a copy, a part, or more."""
    ways = [traits_of(op.type).passes for op in ops if not is_a(op, Kind.READ)]
    if None in ways:
        return "computed from it"
    return "taken from it" if Passes.MOVED in ways else "a copy of it"


def is_handle(tensor: Tensor) -> bool:
    """Whether a tensor stands for something that keeps values."""
    dtype = tensor.dtype
    return dtype.base_dtype.name == "resource" or dtype._is_ref_dtype


def _can_matter(tensor: Tensor) -> bool:
    return is_continuous(tensor) and not is_a(tensor.op, Kind.CONSTANT)


def _way(origin: Tensor, came_by: dict[Any, Any]) -> list[Any]:
    """The tensors from x up to just below `origin`, that one last."""
    found = []
    at = came_by.get(origin)
    while at is not None:
        found.append(at)
        at = came_by.get(at)
    return found[::-1]


def _descendants(x: Tensor) -> list[Any]:
    """The operations that depend on a tensor by data, in no special order."""
    found: dict[Any, None] = {}
    pending = list(x.consumers())
    while pending:
        op = pending.pop()
        if op not in found:
            found[op] = None
            pending.extend(c for t in op.outputs for c in t.consumers())
    return sorted(found, key=lambda op: op._id)


def _users(tensor: Tensor, own: str) -> Iterator[Any]:
    """What uses a tensor, other than a variable's own operations."""
    for op in tensor.consumers():
        if not op.name.startswith(own):
            yield op
        elif only_reads(op):
            yield from _users(op.outputs[0], own)


def _is_used(op: Operation) -> bool:
    return any(t.consumers() for t in op.outputs)


def _leaves(above: Iterable[Operation]) -> str:
    """The variables and placeholders behind y."""
    leaves = [op for op in above if is_a(op, Kind.VARIABLE, Kind.PARAMETER)]
    return _listed(sorted(leaves, key=lambda op: op._id))


def _short(op: Operation) -> str:
    return f"{op.name} ({op.type}, {op.where})"


def _listed(ops: Sequence[Any]) -> str:
    ops = list(dict.fromkeys(ops))
    text = ", ".join(_short(op) for op in ops[:_MOST_NAMED])
    more = len(ops) - _MOST_NAMED
    return f"{text} and {more} more" if more > 0 else text


# ---------------------------------------------------------------------- closures


def _function(op: Operation) -> Any:
    try:
        found = function_of(op)
    except ValueError:  # the graph came from a file
        return None
    return getattr(found, "_func", found)


def _mention(function: Any, meant: Sequence[Any]) -> str:
    """The name under which a Python function uses one of some objects; "" if none."""
    known: dict[str, Any] = {}
    while function is not None:
        bound = getattr(function, "__self__", None)
        known |= getattr(bound, "__dict__", {})
        function = getattr(function, "__func__", function)
        code = getattr(function, "__code__", None)
        if code is not None:
            known |= _globals_of(function, code)
            cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
            known |= {name: cell.cell_contents for name, cell in cells}
        function = getattr(function, "__wrapped__", None)
    for name, value in known.items():
        handle = getattr(value, "handle", None)
        reference = getattr(value, "_variable", None)
        if any(m is v for m in meant for v in (value, handle, reference)):
            return name
    return ""


def _globals_of(function: FunctionType, code: CodeType) -> dict[str, Any]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= set(constant.co_names)
    return {n: function.__globals__[n] for n in names if n in function.__globals__}
