"""Derivatives of function calls.

The derivative of a call is a call: of a function that takes the derivatives of the
outputs, and what it needs of the values inside the body, which become further outputs
of the forward call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.grad.backward import (
    Bringing,
    add_output,
    differentiate,
    own_body,
)
from retrograd.grad.reach import is_continuous
from retrograd.grad.terms import dense, zeros_for
from retrograd.graph import context
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.function import CALLEE, FuncGraph, uid
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F, gradient
from retrograd.ops.flow.bodies import is_stateful, operation_of

if TYPE_CHECKING:
    from retrograd.typing import Gradient


class CallBackward(Bringing):
    """The function that differentiates the one that a call calls.

    Attributes:
      terms: for each differentiated input its derivative here, or None.
    """

    terms: list[Any]

    def __init__(self, op: Operation) -> None:
        forward = op.attrs["f"]
        if forward.__dict__.get("_owner") is not op:
            forward = own_body(op, "f")
            forward.function_name = f"__forward_{forward.name}_{uid()}"
            op._graph._add_function(forward)
        super().__init__(forward, op, f"__backward_{forward.name}_{uid()}")
        self._first = len(op._inputs) - len(forward.inputs)

    def _outside_of(self, place: int) -> Tensor:
        return self.op._inputs[self._first + place]

    def _intermediate(self, tensor: Tensor) -> Tensor:
        forward = self.forward
        if tensor in forward.inputs:
            return self.capture(self._outside_of(forward.inputs.index(tensor)))
        for place, output in enumerate(forward.outputs):
            if output is tensor:
                return self.capture(self.op._outputs[place])
        forward.outputs.append(tensor)
        dtype, raw = tensor.dtype.base_dtype, tensor._shape_raw
        return self.capture(add_output(self.op, dtype, raw, tensor._held))

    def build(self, dys: Sequence[Any], xs: Sequence[int]) -> None:
        """Make the body.

        Args:
          dys: the derivative of each output, None for those that have none.
          xs: the positions of the inputs of the forward function to differentiate.
        """
        forward = self.forward
        with self.as_default():
            pairs = [
                (y, self._inside(dy))
                for y, dy in zip(list(forward.outputs), dys, strict=False)
                if dy is not None and is_continuous(y)
            ]
            inputs = [forward.inputs[i] for i in xs]
            ys, seeds = [y for y, _ in pairs], [dy for _, dy in pairs]
            found = differentiate(ys, inputs, seeds)
            self.terms = [None if t is None else _map(self.capture, t) for t in found]
        self.outputs = [t for term in self.terms for t in parts_of(term)]
        self.structured_outputs = self.terms

    def _inside(self, dy: Gradient) -> Any:
        return _map(self.capture, dy)


def _map(function: Callable[..., Any], term: Gradient) -> Any:
    """Apply a function to the tensors of a term."""
    if not isinstance(term, IndexedSlices):
        return function(term)
    values, indices = function(term.values), function(term.indices)
    dense = None if term.dense_shape is None else function(term.dense_shape)
    return IndexedSlices(values, indices, dense)


def parts_of(term: Gradient) -> list[Any]:
    """The tensors of a term: none, one, or those of slices."""
    if term is None:
        return []
    if isinstance(term, IndexedSlices):
        dense = [] if term.dense_shape is None else [term.dense_shape]
        return [term.values, term.indices, *dense]
    return [term]


def like_terms(terms: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
    """Tensors put together in the way that some terms are."""
    rest = iter(tensors)
    return [None if t is None else _map(lambda _: next(rest), t) for t in terms]


def call_op_type(graph: FuncGraph) -> str:
    """The op type that calls a function: it says whether the function has state."""
    return "StatefulPartitionedCall" if is_stateful([graph]) else "PartitionedCall"


def call_function(
    graph: FuncGraph, inputs: Sequence[Any], name: str | None = None, **attrs: object
) -> Operation:
    """Add the operation that calls a function to the default graph.

    Args:
      graph: the function.
      inputs: the tensors for all its inputs.
      name: the name of the operation.
      **attrs: attributes besides the function and the types.
    """
    op_type = call_op_type(graph)
    outer: Any = context.get_default_graph()
    outer._add_function(graph)
    waits = graph.control_captures(graph._ops)
    types = [t.dtype.base_dtype for t in graph.outputs]
    with outer.control_dependencies(waits):
        called = getattr(F, op_type)
        made = called(list(inputs), Tout=types, f=graph, name=name, **attrs)
    return operation_of(made, outer)


def _call_gradient(n: Operation, *dys: Gradient, wanted: Sequence[bool]) -> list[Any]:
    """A call of the function's derivative."""
    graph = CallBackward(n)
    first = graph._first
    xs = [i - first for i, w in enumerate(wanted) if w and i >= first]
    graph.build(dys, xs)
    result: list[Any] = [None] * len(wanted)
    if not graph.outputs:
        return result
    op = call_function(graph, graph.external_captures)
    terms = like_terms(graph.terms, op._outputs)
    for i, term in zip(xs, terms, strict=True):
        result[first + i] = term
    return result


gradient(
    "PartitionedCall",
    "StatefulPartitionedCall",
    "RemoteCall",
    takes_none=True,
    args="x̄ᵢ = Σⱼ ȳⱼ ∂yⱼ/∂xᵢ",
)(_call_gradient)


# ---------------------------------------------------------------------- by name


def derivative_of(function: FuncGraph) -> FuncGraph:
    """The function that differentiates another.

    It takes the inputs of the other one and the derivatives of its outputs, computes
    the other one again, and returns the derivative of each input; zeros where there is
    none.
    """
    known = function.derivative
    if known is None:
        known = function.derivative = FuncGraph(f"{function.name}_grad_{uid()}")
        with known.as_default():
            xs = [_parameter(known, t, "x") for t in function.inputs]
            dys = [_parameter(known, t, "dy") for t in function.outputs]
            op = call_function(function, xs)
            terms = _call_gradient(op, *dys, wanted=[True] * len(op.inputs))
            known.outputs = [
                zeros_for(x) if term is None else dense(term)
                for x, term in zip(xs, terms, strict=True)
            ]
    return known


def _parameter(graph: FuncGraph, like: Tensor, name: str) -> Tensor:
    return graph.add_input(like.dtype.base_dtype, like._shape_raw, name, like._held)


hooks.provide(derivative_of=derivative_of)


@gradient("SymbolicGradient", takes_none=True, input="x̄ᵢ = Σⱼ z̄ⱼ ∂zⱼ/∂xᵢ")
def _named_call_gradient(n: Operation, *dys: Gradient) -> list[Any]:
    """The derivative of a function that is called by its name."""
    function = n.attrs[CALLEE]
    seeds = [
        zeros_for(y) if dy is None else dense(dy)
        for y, dy in zip(n.outputs, dys, strict=True)
    ]
    types = [t.dtype.base_dtype for t in derivative_of(function).outputs]
    found = F.SymbolicGradient([*n.inputs, *seeds], Tout=types, f=function)
    return [
        term if is_continuous(x) else None
        for x, term in zip(n.inputs, found, strict=True)
    ]
