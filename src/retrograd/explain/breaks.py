"""What is said of a place where a gradient ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrograd.explain.connection import Break, Connection
from retrograd.explain.operations import is_a, overridden
from retrograd.explain.remedies import remedy
from retrograd.explain.report import Finding
from retrograd.explain.wording import called
from retrograd.grad.reach import is_continuous
from retrograd.graph.function import FuncGraph
from retrograd.graph.trial import trial
from retrograd.ops.binding import input_names
from retrograd.ops.declare import gradient_registry, traits_of
from retrograd.ops.flow.effects import bodies_of
from retrograd.ops.traits import Kind, Passes

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor

_KINDS = {"string": "text", "bool": "truth values"}


def describe(found: Break, connection: Connection) -> tuple[str, Finding]:
    """Whom to blame, in a few words with the line; and the finding."""
    op = found.cause
    if op is None:
        x = connection.x
        return _of_x(x, connection.names.get(x) or called(x))
    if found.error is not None:
        text = str(found.error).split("\n")[0]
        return f"an error at {op.name}", Finding(text, [], op, "")
    if found.tensor in connection.stop:
        name = called(found.tensor)
        what = f"stop_gradients names {name}, so it counts as constant."
        maker = getattr(found.tensor, "_op", None)
        return "stop_gradients", Finding(what, [], maker, f"leave {name} out of it")
    call, why, fix = _reason(found, op)
    details = _where_it_enters(found, op)
    deeper = inside(found.op, found.position)
    if deeper:
        (blame, first), *_ = deeper
        details += [f"inside: {f.what} {f.at}".rstrip() for _, f in deeper]
        return f"{blame}, inside {op.type}", Finding(
            f"{op.name} ({op.type}) passes no gradient to its input "
            f"{found.position}: {blame} does not.",
            details,
            op,
            first.fix,
        )
    what = f"{call} passes no gradient on: {why}."
    return f"{call} in {op.where}", Finding(what, details, op, fix)


def _of_x(x: Tensor, name: str) -> tuple[str, Finding]:
    dtype = x.dtype.base_dtype.name
    what = f"{name} has dtype {dtype}, and {_kind(x)} have no derivative."
    fix = "make it a float, and tf.cast it where its own dtype is needed"
    op = None if getattr(x, "_is_eager", False) else x.op
    return f"the dtype of {name}, {dtype}", Finding(what, [], op, fix)


def _kind(tensor: Tensor) -> str:
    return _KINDS.get(tensor.dtype.base_dtype.name, "whole numbers")


def _reason(found: Break, op: Operation) -> tuple[str, str, str]:
    """What the program calls the operation, why it passes nothing, the way out."""
    own = overridden(op)
    known = remedy(op.type)
    call = (known.call if known is not None else "") or op.type
    if _is_custom(op, own):
        call = "the function of tf.custom_gradient"
        return call, "it returned None for this input", "mend that function"
    registered = _declared_by_program(op.type) if own in ("", op.type) else ""
    if registered:
        return call, f"it is declared so in {registered}", "register a gradient for it"
    if own:
        where = _registered_at(own)
        return (
            f"{op.type} with the gradient function {own}",
            "the function returned None for this input",
            f"mend {own}{where}",
        )
    outputs = [t for t in op.outputs if not is_continuous(t)]
    if traits_of(op.type).passes is Passes.CONVERTED and outputs:
        dtype = outputs[0].dtype.base_dtype.name
        return (
            f"tf.cast to {dtype}",
            f"{_kind(outputs[0])} have no derivative",
            "stay with floats; for a straight-through derivative: "
            "x + tf.stop_gradient(rounded - x)",
        )
    if known is not None:
        return call, known.why, known.fix
    if outputs and len(outputs) == len(op.outputs):
        why = f"its results are {_kind(outputs[0])}, which have no derivative"
        return call, why, "use its floats, if it has any"
    entry = gradient_registry._registry.get(op.type)
    if entry is not None and entry["type"] is None:
        return call, "it is declared not differentiable", _OTHER_WAY
    if found.position >= 0 and found.op is op:
        name = input_names(op)[found.position] or str(found.position)
        return call, f"its gradient for `{name}` is declared as none", _OTHER_WAY
    return call, "its rule gives none", _OTHER_WAY


def _is_custom(op: Operation, own: str) -> bool:
    """Whether an operation stands for a call of a `tf.custom_gradient` function."""
    function = op._gradient_function
    module = getattr(function, "__module__", "")
    return own.startswith("CustomGradient-") or module == "retrograd.grad.custom"


_OTHER_WAY = "take another operation, or register a gradient under a name of your own"


def _declared_by_program(op_type: str) -> str:
    """The line at which a program declared that an op type has no gradient."""
    entry = gradient_registry._registry.get(op_type)
    if entry is None or entry["type"] is not None or not entry["location"][0]:
        return ""
    file, line, *_ = entry["location"]
    return f"{Path(file).name}:{line}"


def _registered_at(name: str) -> str:
    entry = gradient_registry._registry.get(name)
    if entry is None or not entry["location"][0]:
        return ""
    file, line, *_ = entry["location"]
    return f", registered in {Path(file).name}:{line}"


def _where_it_enters(found: Break, op: Operation) -> list[str]:
    """Where what the cause made is used, if that is another operation."""
    if found.position < 0:
        return [f"y has dtype {found.tensor.dtype.base_dtype.name}"]
    if found.op is op:
        return []
    name = input_names(found.op)[found.position]
    place = f"`{name}` of " if name else ""
    return [
        f"its result becomes {place}{found.op.name} ({found.op.type}, {found.op.where})"
    ]


def inside(op: Operation, position: int) -> list[tuple[str, Finding]]:
    """What stops gradients in the bodies that an operation calls, for one input."""
    found: list[tuple[str, Finding]] = []
    for body, place in _bodies(op, position):
        x = body.inputs[place]
        with trial(body), body.as_default(), body.control_dependencies(None):
            connection = Connection(body.outputs, x, lambda t: t.op)
            found += [describe(b, connection) for b in connection.breaks()]
    unique = {(f.op, f.what): (blame, f) for blame, f in found}
    return list(unique.values())


def _bodies(op: Operation, position: int) -> Sequence[tuple[FuncGraph, int]]:
    """The bodies that an input goes into, and which input of theirs it is."""
    if position < 0:
        return []
    if is_a(op, Kind.LOOP):
        return [(op.attrs["body"], position)]
    if is_a(op, Kind.BRANCH):
        position -= 1
    found = bodies_of(op)
    return [(b, position) for b in found if 0 <= position < len(b.inputs)]
