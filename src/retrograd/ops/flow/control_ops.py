"""Ops: no-ops, gates, and the primitives of old control flow.

`Switch` sends its input one of two ways; what lies on the other way is *dead*: it does
not run, and its outputs are `DEAD`. The runtime sees to that (`run/interpret.py`); the
kernels below only ever meet `DEAD` in `Merge`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import nothing, same, scalar
from retrograd.ops.traits import Kind, Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.run.store import Cell
    from retrograd.typing import Array, Arrays, Gradient, Value


class _Dead:
    """The value of a tensor on a branch that is not taken."""

    def __repr__(self) -> str:
        return "DEAD"


DEAD = _Dead()


@op("NoOp", infer=nothing, traits=Traits(kind=Kind.NOTHING))
def no_op_kernel(xp: Arrays) -> tuple[()]:
    """Nothing; something to depend on."""
    del xp
    return ()


@op("ControlTrigger", infer=nothing)
def control_trigger(xp: Arrays) -> tuple[()]:
    """As NoOp, and not dead when what it depends on is."""
    del xp
    return ()


@op("Abort", infer=nothing, host=True)
def abort(xp: Arrays, *, error_msg: str, exit_without_error: bool) -> None:
    """Ends the process."""
    del xp
    if exit_without_error:
        raise SystemExit(0)
    raise errors.AbortedError(None, None, f"Abort_op intentional failure; {error_msg}")


def _both(n: Operation) -> list[RawShape]:
    return [n._inputs[0]._shape_raw] * 2


def _switch_gradient(n: Operation, *dys: Tensor) -> list[Gradient]:
    """What arrives on either side, of which one is dead."""
    pred = n.inputs[1]
    no = F.Switch(dys[0], pred)[0]
    yes = F.Switch(dys[1], pred)[1]
    return [F.Merge([no, yes])[0], None]


@op(
    "Switch",
    infer=_both,
    math="y₀ = x if not p; y₁ = x if p",
    grad=_switch_gradient,
    pure=False,
    notation=dict(data="x̄ = ȳ₁ if p, else ȳ₀", pred="p"),
    traits=Traits(kind=Kind.SWITCH, passes=Passes.SAME),
)
def switch_kernel(xp: Arrays, data: Value | Cell, pred: Array) -> tuple[Any, Any]:
    """The data on the side that the predicate names, nothing on the other."""
    del xp
    return (DEAD, data) if pred else (data, DEAD)


@op(
    "RefSwitch",
    infer=_both,
    cells="data",
    grad=_switch_gradient,
    pure=False,
    math="y₀ = x if not p; y₁ = x if p",
    notation=dict(data="x̄ = ȳ₁ if p, else ȳ₀", pred="p"),
    traits=Traits(kind=Kind.SWITCH, passes=Passes.SAME),
)
def ref_switch_kernel(xp: Arrays, data: Cell, pred: Array) -> Any:
    """`Switch` for the storage of a variable."""
    del xp
    return (DEAD, data) if pred else (data, DEAD)


def _merged(n: Operation) -> list[RawShape]:
    """What all inputs agree about: any of them may be the one that arrives."""
    found = n._inputs[0]._shape_raw
    for tensor in n._inputs[1:]:
        raw = tensor._shape_raw
        if found is None or raw is None or len(found) != len(raw):
            found = None
            break
        found = (*(a if a == b else None for a, b in zip(found, raw, strict=True)),)
    return [found, ()]


def _merge_gradient(n: Operation, dy: Tensor, _: Tensor | None) -> list[Gradient]:
    """The gradient goes where the value came from."""
    found = []
    for i, tensor in enumerate(n.inputs):
        came = F.Equal(n.outputs[1], np.int32(i))
        found.append(F.Switch(dy, came)[1] if tensor.dtype.is_floating else None)
    return found


def _first_alive(xp: Arrays, *inputs: Value | Cell | _Dead) -> tuple[Any, Any]:
    """The input that is not dead, and its index."""
    del xp
    for i, value in enumerate(inputs):
        if value is not DEAD:
            return value, np.int32(i)
    return DEAD, DEAD


op(
    "Merge",
    infer=_merged,
    math="y = xₖ, the one that is there; k = its place",
    grad=_merge_gradient,
    pure=False,
    notation=dict(inputs="x̄ᵢ = ȳ if k = i, else nothing"),
    traits=Traits(kind=Kind.MERGE),
)(_first_alive)
op(
    "RefMerge",
    infer=_merged,
    cells="inputs",
    grad=_merge_gradient,
    pure=False,
    math="y = xₖ, the one that is there; k = its place",
    notation=dict(inputs="x̄ᵢ = ȳ if k = i, else nothing"),
    traits=Traits(kind=Kind.MERGE),
)(_first_alive)


def _passing(xp: Arrays, x: Array) -> Array:
    """The input."""
    del xp
    return x


def _entered(n: Operation) -> RawShape:
    return n._inputs[0]._shape_raw if n.attrs["is_constant"] else None


_THROUGH = dict(data=rule("x̄ = ȳ", lambda n, dy: dy))
op(
    "Enter",
    infer=_entered,
    math="y = x",
    grad=_THROUGH,
    traits=Traits(kind=Kind.ENTER, passes=Passes.SAME),
)(_passing)
op(
    "Exit",
    infer=same,
    math="y = x",
    grad=_THROUGH,
    traits=Traits(kind=Kind.EXIT, passes=Passes.SAME),
)(_passing)
op(
    "NextIteration",
    infer=same,
    math="y = x",
    grad=_THROUGH,
    traits=Traits(kind=Kind.NEXT_ITERATION, passes=Passes.SAME),
)(_passing)
op(
    "LoopCond",
    infer=scalar,
    math="y = x",
    grad={},
    notation=dict(input="x has no derivative: a truth value"),
    traits=Traits(kind=Kind.LOOP_CONDITION, passes=Passes.SAME),
)(_passing)
for _name, _infer, _kind in (
    ("RefEnter", _entered, Kind.ENTER),
    ("RefExit", same, Kind.EXIT),
    ("RefNextIteration", same, Kind.NEXT_ITERATION),
):
    op(
        _name,
        infer=_infer,
        math="y = x",
        cells="data",
        grad=_THROUGH,
        pure=False,
        traits=Traits(kind=_kind, passes=Passes.SAME),
    )(_passing)


def _selected(n: Operation) -> RawShape:
    first = n._inputs[1]._shape_raw
    return first if all(t._shape_raw == first for t in n._inputs[2:]) else None


@op("RefSelect", infer=_selected, cells="inputs", host=True, pure=False)
def ref_select_kernel(xp: Arrays, index: Array, *cells: Array) -> Array:
    """The storage of one variable out of several."""
    del xp
    if not 0 <= int(index) < len(cells):
        raise errors.InvalidArgumentError(
            None, None, f"Index must be in the range [0, {len(cells)}) but got {index}"
        )
    return cells[int(index)]
