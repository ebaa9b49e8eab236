"""Calls of functions by operations whose op type is the function's name.

Such an operation holds the function in an attribute that is not part of its node: in a
graph file the name alone says what it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.errors import InvalidArgumentError
from retrograd.graph.function import CALLEE, FuncGraph
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.graph.unbuilt import UnbuiltFunction
from retrograd.ops.declare import Declaration, Facts, called, op
from retrograd.ops.flow.demand import Live, needs, restricted
from retrograd.ops.flow.functional_ops import called_results
from retrograd.ops.traits import Kind, Traits

if TYPE_CHECKING:
    from retrograd.ops.flow.functional_ops import Carried
    from retrograd.typing import Arrays


Body = Callable[..., tuple[Any, ...]]


def _returned(n: Operation) -> list[RawShape | Facts]:
    return called_results(n.attrs[CALLEE], n)


def _whole(n: Operation, wanted: frozenset[int]) -> Live:
    del wanted
    return Live(tuple(range(len(n._inputs))), tuple(range(len(n._outputs))), {})


def _run(n: Operation, values: Sequence[Carried]) -> Any:
    return values[0] if len(n._outputs) == 1 else tuple(values)


def call_kernel(xp: Arrays, *args: Carried, _callee: Body, n: Operation) -> Any:
    """The outputs of the function that the operation is named after."""
    del xp
    return _run(n, _callee(*args))


CALL = Declaration(
    "call",
    call_kernel,
    _returned,
    "y = f(x)",
    pure=False,
    wanted=(CALLEE, "n"),
    live=_whole,
)


def declare_callee(name: str) -> None:
    """Let operations of type `name` call the function that they hold."""
    called[name] = CALL


hooks.provide(declare_callee=declare_callee)


def _derivative(n: Operation) -> Any:
    """What a SymbolicGradient calls: made when the operation is."""
    known = n.attrs.get(CALLEE)
    if known is None:
        known = n.attrs["f"]
        if not isinstance(known, UnbuiltFunction):
            known = _derivative_of(known)
        n.attrs[CALLEE] = known
    return known


def _derivative_of(function: FuncGraph) -> FuncGraph | UnbuiltFunction:
    try:
        return hooks.derivative_of(function)
    except (LookupError, TypeError, ValueError) as error:  # raised when it is run
        problem = InvalidArgumentError(None, None, str(error))
        return UnbuiltFunction(function.function_name, problem)


def _input_shapes(n: Operation) -> list[RawShape]:
    _derivative(n)
    return [t._shape_raw for t in n._inputs[: len(n._outputs)]]


def _live(n: Operation, wanted: frozenset[int]) -> Live:
    """The part of the derivative that some outputs need."""
    body = _derivative(n)
    outputs = tuple(sorted(wanted))
    inputs = tuple(sorted(needs(body, outputs)))
    changed = {
        "Tin": [n.attrs["Tin"][i] for i in inputs],
        "Tout": [n.attrs["Tout"][i] for i in outputs],
        CALLEE: restricted(body, inputs, outputs),
    }
    return Live(inputs, outputs, changed)


@op(
    "SymbolicGradient",
    infer=_input_shapes,
    math="zⱼ = derivative j of f, backwards, by x₀, x₁, …",
    live=_live,
    traits=Traits(kind=Kind.CALL),
)
def symbolic_gradient_kernel(
    xp: Arrays, *args: Carried, _callee: Body, n: Operation
) -> Any:
    """The derivatives of a function for its arguments and those of its outputs."""
    del xp
    return _run(n, _callee(*args))
