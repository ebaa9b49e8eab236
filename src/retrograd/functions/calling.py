"""Running a traced function at once, and differentiating such a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.grad.calls import CallBackward, call_function, like_terms
from retrograd.grad.reach import is_continuous
from retrograd.grad.terms import dense, zeros_for
from retrograd.graph import context, opdef
from retrograd.graph.function import FuncGraph
from retrograd.graph.record import Record
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import GradientRule
from retrograd.run.eager import EagerTensor, store
from retrograd.run.plan import make_plan
from retrograd.run.tiers import Runner, pinned_tier

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import Gradient, TensorLike


#: the functions that are run, while somebody wants to know
observed: dict[str, FuncGraph] | None = None


def run_body(graph: FuncGraph, inputs: Sequence[Any]) -> list[Tensor]:
    """The outputs of a function for eager tensors; no tape records it.

    Raises:
      OpError: an operation failed.
    """
    if observed is not None:
        observed[graph.function_name] = graph
    values = _runner(graph).run([t._value for t in inputs])
    return [
        _as_tensor(value, inner)
        for value, inner in zip(values, graph.outputs, strict=True)
    ]


def _runner(graph: FuncGraph) -> Runner:
    """What runs a function: planned once, and again when it is changed."""
    state = (len(graph.outputs), len(graph.inputs), graph.base._rewirings)
    known = graph.__dict__.get("_runner")
    if known is None or known[0] != state:
        plan = make_plan(graph.outputs, graph.control_outputs, graph.inputs)
        known = state, Runner(plan, store, pinned_tier())
        graph.__dict__["_runner"] = known
    return known[1]


def _as_tensor(value: TensorLike, inner: Tensor) -> Tensor:
    if inner.dtype.is_numpy_compatible and not isinstance(
        value, (np.ndarray, np.generic, bytes, str)
    ):
        value = np.asarray(value)
    return EagerTensor(value, inner.dtype.base_dtype)


class Differentiable:
    """A function whose calls tapes can differentiate.

    What the derivative needs of the values inside the body, a call returns too: so its
    derivative is known before the first call.

    Args:
      graph: the function.
      higher: whether what a call returns for its derivative may be differentiated too,
        as a derivative of higher order asks.
    """

    def __init__(self, graph: FuncGraph, higher: bool) -> None:
        self._launch = FuncGraph("launch")
        with self._launch.as_default():
            self._inputs = [
                self._launch.add_input(t.dtype, t._shape_raw, "input")
                for t in graph.inputs
            ]
            for inner, outer in zip(graph.inputs, self._inputs, strict=True):
                outer._held = inner._held
            self._op = call_function(graph, self._inputs)
            self._build(higher)
        self._body: FuncGraph = self._op.attrs["f"]
        self._sources = [self._source(t) for t in self.backward.external_captures]

    def _build(self, higher: bool) -> None:
        """Make the derivative; again as long as it needs more than it is given."""
        op = self._op
        xs = [i for i, t in enumerate(op.inputs) if is_continuous(t)]
        self._xs = xs
        while True:
            known = len(op._outputs)
            self._dys = [
                self._launch.add_input(t.dtype, t._shape_raw, "dy")
                if is_continuous(t) and t.dtype.base_dtype.name != "resource"
                else None
                for t in op._outputs
            ]
            self.backward = CallBackward(op)
            self.backward.build(self._dys, xs)
            if not higher or len(op._outputs) == known:
                return

    def _source(self, tensor: Tensor) -> tuple[str, Any]:
        """Where a call of the derivative finds the value of one of its inputs."""
        for name, places in (
            ("input", self._inputs),
            ("output", self._op._outputs),
            ("dy", self._dys),
        ):
            for i, place in enumerate(places):
                if place is tensor:
                    return name, i
        return "captured", tensor

    def call(self, inputs: Sequence[Any], tapes: Sequence[Any], count: int) -> Any:
        """The first `count` outputs for eager tensors; tapes record the call."""
        outputs = run_body(self._body, inputs)
        op_def = opdef.lookup("PartitionedCall")
        assert op_def is not None
        record = Record(op_def, inputs, {"f": self._body})
        record.name = self._body.function_name
        record._outputs = outputs
        record._gradient_function = GradientRule(self._rule, takes_none=True)
        for tape in tapes:
            tape.record(record)
        return outputs[:count]

    def _rule(self, n: Operation, *dys: Gradient) -> list[Any]:
        result: list[Any] = [None] * len(n.inputs)
        if not self.backward.outputs:
            return result

        def value(source: tuple[str, Any]) -> Any:
            kind, place = source
            if kind == "captured":
                return place
            if kind == "dy":
                dy = dys[place]
                return zeros_for(n.outputs[place]) if dy is None else dense(dy)
            return (n.inputs if kind == "input" else n.outputs)[place]

        given = [value(source) for source in self._sources]
        found = call_flat(self.backward, given)
        terms = like_terms(self.backward.terms, found)
        for i, term in zip(self._xs, terms, strict=True):
            result[i] = term
        return result


def call_flat(graph: FuncGraph, inputs: Sequence[Any]) -> list[Tensor]:
    """The outputs of a function for the tensors of all its inputs.

    Executing eagerly it is run; else it becomes an operation of the default graph.
    """
    if not context.executing_eagerly():
        return call_function(graph, inputs)._outputs
    tapes = [t for t in context.local.tapes if any(t.knows(x) for x in inputs)]
    if not tapes:
        return run_body(graph, inputs)
    higher = len(tapes) > 1 or tapes[0]._persistent
    known = graph.__dict__.setdefault("_differentiable", {})
    if higher not in known:
        known[higher] = Differentiable(graph, higher)
    return known[higher].call(inputs, tapes, len(graph.outputs))
