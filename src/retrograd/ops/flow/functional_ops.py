"""Ops that call functions: branches, loops, calls.

Their bodies are `FuncGraph`s; a kernel receives them as callables that take the values
of the inputs and return the tuple of the outputs. What a body takes from outside is
among the inputs. Gradients are in `grad/control`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from retrograd.arrays.array_rules import text_of
from retrograd.errors import DeadlineExceededError, InvalidArgumentError
from retrograd.graph import context
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.graph.unbuilt import UnbuiltFunction
from retrograd.ops.array.blank import blank
from retrograd.ops.declare import Facts, op
from retrograd.ops.flow.arrays import Guard, Walks
from retrograd.ops.flow.control_flow_util import CHECKED
from retrograd.ops.flow.demand import Indices, Live, needs, restricted
from retrograd.ops.infer import from_attr, invalid
from retrograd.ops.traits import Kind, Traits

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.run.store import Cell
    from retrograd.typing import Array, Arrays, Value

    #: what a body takes and makes: values, and the storage of variables
    Carried: TypeAlias = Value | Cell


Body = Callable[..., tuple[Any, ...]]


def _results(n: Operation, values: Sequence[Carried]) -> Any:
    """Outputs as a kernel returns them: a tuple, unless there is one."""
    return values[0] if len(n._outputs) == 1 else tuple(values)


def _check_scalar(value: Array) -> None:
    """Raise InvalidArgumentError unless what decides is a scalar."""
    if np.ndim(value):
        raise InvalidArgumentError(
            None,
            None,
            "The second input must be a scalar, but it has shape "
            f"{text_of(np.shape(value))}",
        )


def truth(xp: Arrays, value: Array, n: Operation) -> Array | bool:
    """Whether a condition holds: a number is not 0, a string or an array not empty.

    Raises:
      InvalidArgumentError: it is no scalar, and has to be one.
    """
    if np.ndim(value):
        if CHECKED in n.attrs:
            _check_scalar(value)
        return np.size(value) > 0
    if isinstance(value, (np.ndarray, np.generic, bytes, str, bool)):
        return bool(value[()] if isinstance(value, np.ndarray) else value)
    return value if value.dtype == np.bool_ else xp.not_equal(value, 0)


# ---------------------------------------------------------------------- shapes


def _declared_shapes(n: Operation) -> list[RawShape | Facts]:
    """The shapes that an attribute gives; of handles, what all bodies agree on."""
    return _with_shapes(n, [None] * len(n._outputs))


def _kept_shapes(n: Operation) -> list[RawShape | Facts]:
    """As `_declared_shapes`, for loops: if nothing is given, those of the inputs."""
    return _with_shapes(n, [t._shape_raw for t in n._inputs])


def _with_shapes(n: Operation, otherwise: Sequence[RawShape]) -> list[RawShape | Facts]:
    raws = n.attrs.get("output_shapes") or otherwise
    if len(raws) != len(n._outputs):
        raise invalid(
            n,
            "`output_shapes` must be the same length as num outputs "
            f"({len(raws)} vs. {len(n._outputs)}",
        )
    called = [b for name in _RETURNING for b in _bodies(n.attrs.get(name, ()))]
    return [_returned(called, i, raw) for i, raw in enumerate(raws)]


#: the attributes whose functions return what an operation does
_RETURNING = ("then_branch", "else_branch", "branches", "body", "f")


def _returned(called: Sequence[Any], i: int, raw: RawShape) -> RawShape | Facts:
    """What is known of output `i`, which has the shape `raw`."""
    held = {
        b.outputs[i]._held if isinstance(b, FuncGraph) and i < len(b.outputs) else None
        for b in called
    }
    return raw if len(held) != 1 or None in held else Facts(held.pop(), raw)


def called_results(function: FuncGraph, n: Operation) -> list[RawShape | Facts]:
    """What is known of the outputs of an operation that calls a function."""
    found = function.results_of(n._inputs)
    return [raw if held is None else Facts(held, raw) for raw, held in found]


def _returned_shapes(n: Operation) -> list[RawShape | Facts]:
    body = n.attrs["f"]
    if isinstance(body, UnbuiltFunction):
        body.check()
    elif isinstance(body, FuncGraph) and len(body.outputs) == len(n._outputs):
        return called_results(body, n)
    return [None] * len(n._outputs)


# ---------------------------------------------------------------------- liveness


def _picked(
    values: Sequence[DType | Sequence[int | None] | None], places: Indices
) -> list[DType | Sequence[int | None] | None]:
    return [values[i] for i in places]


def _call_live(*attrs: str, first: int) -> Callable[..., Any]:
    """The live part where each function takes all inputs from `first` on."""

    def rule(n: Operation, wanted: frozenset[int]) -> Live:
        outputs = tuple(sorted(wanted))
        bodies = [b for a in attrs for b in _bodies(n.attrs[a])]
        taken = tuple(sorted(frozenset().union(*(needs(b, outputs) for b in bodies))))
        changed: dict[str, Any] = {
            "Tin": _picked(n.attrs["Tin"], taken),
            "Tout": _picked(n.attrs["Tout"], outputs),
        }
        if n.attrs.get("output_shapes"):
            changed["output_shapes"] = _picked(n.attrs["output_shapes"], outputs)
        for name in attrs:
            small = [restricted(b, taken, outputs) for b in _bodies(n.attrs[name])]
            changed[name] = small if isinstance(n.attrs[name], list) else small[0]
        before = tuple(range(first))
        return Live((*before, *(first + i for i in taken)), outputs, changed)

    return rule


def _bodies(value: Any) -> list[FuncGraph]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _loop_live(n: Operation, wanted: frozenset[int]) -> Live:
    """The loop variables that the wanted ones and the condition depend on."""
    cond, body = n.attrs["cond"], n.attrs["body"]
    kept = wanted | needs(cond, (0,))
    while True:
        more = kept | needs(body, sorted(kept))
        if more == kept:
            break
        kept = more
    places = tuple(sorted(kept))
    changed: dict[str, Any] = {
        "T": _picked(n.attrs["T"], places),
        "cond": restricted(cond, places, (0,)),
        "body": restricted(body, places, places),
    }
    if n.attrs.get("output_shapes"):
        changed["output_shapes"] = _picked(n.attrs["output_shapes"], places)
    return Live(places, places, changed)


def _all_live(n: Operation, wanted: frozenset[int]) -> Live:
    del wanted
    return Live(tuple(range(len(n._inputs))), tuple(range(len(n._outputs))), {})


# ---------------------------------------------------------------------- ops


def _if(
    xp: Arrays,
    cond: Array,
    *inputs: Carried,
    then_branch: Body,
    else_branch: Body,
    n: Operation,
) -> Any:
    """The outputs of one of two functions of the same inputs."""
    holds = truth(xp, cond, n)
    if isinstance(holds, bool):
        return _results(n, (then_branch if holds else else_branch)(*inputs))
    guard = Guard(inputs, range(len(inputs)))
    branches = guard.branch(then_branch), guard.branch(else_branch)
    found = xp.cond(holds, *branches, *guard.marks())
    return _results(n, guard.settled(found))


for _name in ("If", "StatelessIf"):
    op(
        _name,
        infer=_declared_shapes,
        math="yⱼ = fⱼ(x₀, x₁, …) if c, else gⱼ(x₀, x₁, …)",
        notation=dict(cond="c"),
        pure=False,
        live=_call_live("then_branch", "else_branch", first=1),
        traits=Traits(kind=Kind.BRANCH),
    )(_if)


@op(
    "Case",
    infer=_declared_shapes,
    math="yⱼ = fⱼ(x₀, x₁, …), f = branch b",
    pure=False,
    live=_call_live("branches", first=1),
    notation=dict(branch_index="b"),
    traits=Traits(kind=Kind.BRANCH),
)
def case_kernel(
    xp: Arrays,
    branch_index: Array,
    *inputs: Carried,
    branches: list[Body],
    n: Operation,
) -> Any:
    """The outputs of the function with the given index; of the last for any other."""
    last = len(branches) - 1
    _check_scalar(branch_index)
    if isinstance(branch_index, (np.ndarray, np.generic)):
        index = int(branch_index)
        return _results(n, branches[index if 0 <= index <= last else last](*inputs))

    guard = Guard(inputs, range(len(inputs)))
    runs = [guard.branch(b) for b in branches]

    def chosen(first: int, *marks: Any) -> tuple[Array, ...]:
        if first == last:
            return runs[last](*marks)
        return xp.cond(
            xp.equal(branch_index, first),
            runs[first],
            lambda *marks: chosen(first + 1, *marks),
            *marks,
        )

    return _results(n, guard.settled(chosen(0, *guard.marks())))


def _while(
    xp: Arrays,
    *inputs: Carried,
    cond: Body,
    body: Body,
    n: Operation,
    bound: Callable[..., Any] | None,
) -> Any:
    """Applies `body` to the loop variables for as long as `cond` of them holds.

    Variables that the body returns as they are stay out of what is carried along.
    """
    graph = n.attrs["body"]
    pairs = zip(graph.inputs, graph.outputs, strict=True)
    moving = [i for i, (before, after) in enumerate(pairs) if before is not after]
    values = list(inputs)
    walks = Walks(n, values)
    guard = Guard(values, sorted({*range(len(values))} - {*moving}))
    count = len(moving)

    def all_of(state: Sequence[Value]) -> list[Carried]:
        current = guard.given(state[count:])
        for i, value in zip(moving, state[:count], strict=True):
            current[i] = value
        return current

    def step(state: Sequence[Value]) -> tuple[Value, ...]:
        after = body(*all_of(state))
        return (*[after[i] for i in moving], *state[count:])

    def holds(state: Sequence[Value]) -> Array | bool:
        return truth(xp, cond(*all_of(state))[0], n)

    start = (*[values[i] for i in moving], *guard.marks())
    limit = context.local.deadline
    goes_on = holds if limit is None else _until(limit, holds)
    found = xp.while_loop(goes_on, step, start, bound)
    for i, value in zip(moving, guard.settled(found), strict=True):
        values[i] = value
    walks.settle(values)
    return _results(n, values)


def _until(limit: float, goes_on: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A condition that fails when a point in time has passed."""

    def checked(state: Sequence[Value]) -> Array | bool:
        if time.monotonic() > limit:
            raise DeadlineExceededError(
                None, None, "Timed out waiting for notification"
            )
        return goes_on(state)

    return checked


for _name in ("While", "StatelessWhile"):
    op(
        _name,
        infer=_kept_shapes,
        math="y = f(f(… f(x))) as long as c holds",
        pure=False,
        live=_loop_live,
        traits=Traits(kind=Kind.LOOP),
    )(_while)


@op("For", infer=lambda n: [None] * len(n._outputs), pure=False, live=_all_live)
def for_kernel(
    xp: Arrays,
    start: Array,
    limit: Array,
    delta: Array,
    *inputs: Carried,
    body: Body,
    n: Operation,
) -> Any:
    """Applies `body(i, *variables)` for i from `start` to `limit` by `delta`."""
    values: tuple[Any, ...] = inputs
    for i in range(int(start), int(limit), int(delta)):
        values = body(np.int32(i), *values)
    return _results(n, values)


def _call(xp: Arrays, *args: Carried, f: Body, n: Operation) -> Any:
    """The outputs of a function."""
    del xp
    return _results(n, f(*args))


for _name in ("PartitionedCall", "StatefulPartitionedCall"):
    op(
        _name,
        infer=_returned_shapes,
        math="yⱼ = fⱼ(x₀, x₁, …)",
        pure=False,
        live=_call_live("f", first=0),
        traits=Traits(kind=Kind.CALL),
    )(_call)


@op(
    "RemoteCall",
    infer=_returned_shapes,
    math="yⱼ = fⱼ(x₀, x₁, …)",
    pure=False,
    live=_all_live,
    traits=Traits(kind=Kind.CALL),
)
def remote_call_kernel(
    xp: Arrays, target: Array, *args: Carried, f: Body, n: Operation
) -> Any:
    """The outputs of a function; all devices are in this process."""
    del xp, target
    return _results(n, f(*args))


@op("FakeParam", infer=from_attr("shape"))
def fake_param(xp: Arrays, *, dtype: np.dtype, shape: Sequence[int]) -> Array:
    """Stands for a value on the branch that does not make it; never looked at."""
    return blank(xp, tuple(size or 0 for size in shape or ()), dtype)
