"""The program that computes an explanation anew from other leaves.

The operations of a trace are put into a graph of their own, whose leaves are fed, and
differentiated there; `run.portable` lists what computes every number of the
explanation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.explain.data import SMALL
from retrograd.explain.operations import original
from retrograd.explain.trace import BackStep, Node, Trace
from retrograd.explain.values import as_data
from retrograd.grad.api import Backward, observed_gradients
from retrograd.grad.reach import is_continuous
from retrograd.grad.sweep import Step, terms_of
from retrograd.grad.terms import dense
from retrograd.graph.graph import Graph
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor

#: elements of each value of a program that a page computes anew
MOST_ELEMENTS = 2000


class Refused(Exception):
    """An explanation cannot be computed anew elsewhere; the text says why."""


def program(explanation: Explanation) -> dict[str, Any]:
    """What computes every number of an explanation from its leaves, as JSON.

    Returns:
      {"inputs": what is fed: the label of a leaf, or the position of a seed;
       "listing": {"constants", "equations", "outputs"} (see `run.portable.Listing`);
       "places": which output is which number: {"nodes": by label, "steps": for each
         step {"upstream", "terms": [{"value", "whole", "partial"}]}, "gradients"}};
      or {"refused": why there is none}.
    """
    try:
        return _program(explanation)
    except Refused as refused:
        return {"refused": str(refused)}


def _program(explanation: Explanation) -> dict[str, Any]:
    from retrograd.run.portable import NotPortable, listing

    _check(explanation.trace)
    copy = _copied(explanation)
    try:
        found = listing(copy.inputs, copy.values, copy.outputs)
    except NotPortable as error:
        raise Refused(f"{error}.") from error
    return {
        "inputs": copy.input_names,
        "listing": {
            "constants": [_elements(c) for c in found.constants],
            "equations": found.equations,
            "outputs": found.outputs,
        },
        "places": copy.places,
    }


def _elements(array: np.ndarray) -> dict[str, Any]:
    made = as_data(array)
    assert made is not None
    return {key: made[key] for key in ("shape", "dtype", "data")}


def _check(found: Trace) -> None:
    """Refuse what is too large, or has no array for a value."""
    if len(found.nodes) > SMALL:
        raise Refused(f"there are {len(found.nodes)} nodes, more than {SMALL}.")
    shown = {id(n) for n in found.nodes if n.role == "op"}
    for step in found.steps:
        for node in step.outputs:
            if node is not None and id(node) not in shown:
                raise Refused(f"{node.label} is computed, and taken for an input too.")
    for node in found.nodes:
        if node.value is None:
            raise Refused(f"{node.label} ({node.type}) has no array for a value.")
        if node.value.dtype.kind == "c":
            raise Refused(f"{node.label} is complex.")
        if node.value.size > MOST_ELEMENTS:
            raise Refused(
                f"{node.label} has {node.value.size} elements, more than "
                f"{MOST_ELEMENTS}."
            )
        if node.role == "op" and node.op._gradient_function is not None:
            raise Refused(f"the gradient of {node.op.name} is a function of its own.")


class _Fixed(Exception):
    """What depends on some leaves, such as a choice at random, is known as it was only.

    Attributes:
      leaves: their tensors.
    """

    def __init__(self, leaves: set[Any]) -> None:
        super().__init__()
        self.leaves = leaves


def _copied(explanation: Explanation) -> _Copy:
    """The copy with as many leaves fed as can be."""
    fixed: set[Any] = set()
    while True:
        try:
            return _Copy(explanation, fixed)
        except _Fixed as found:
            fixed |= found.leaves


class _Copy:
    """The operations of a trace in a graph of their own, differentiated.

    Args:
      explanation: whose trace.
      fixed: leaves that are not fed, but constants.

    Attributes:
      inputs: the placeholders; values: what they stood for.
      input_names: the label of the leaf of each, or the position of its seed.
      outputs: all tensors whose numbers an explanation shows.
      places: which of them is what (see `program`).
    """

    def __init__(self, explanation: Explanation, fixed: set[Any]) -> None:
        self._fixed = fixed
        self._trace = explanation.trace
        self._explanation = explanation
        self.inputs: list[Any] = []
        self.values: list[Any] = []
        self.input_names: list[str | int] = []
        self.outputs: list[Any] = []
        self._made: dict[Any, Any] = {}
        self._ops: dict[Any, Any] = {}
        self._leaves: set[Any] = set()
        self._reaching: dict[Any, bool] = {}
        self._graph = Graph()
        with self._graph.as_default():
            try:
                self._forward()
                self.places = self._backward()
            except (Refused, _Fixed):
                raise
            except Exception as error:  # a program's own rule may need its graph
                first = str(error).split("\n")[0]
                raise Refused(f"its gradient cannot be built anew: {first}") from error

    def _fed(self, name: str | int, value: np.ndarray) -> Any:
        dtype = dtypes.as_dtype(value.dtype)
        tensor = F.Placeholder(dtype=dtype, shape=list(value.shape))
        self.inputs.append(tensor)
        self.values.append(value)
        self.input_names.append(name)
        return tensor

    def _forward(self) -> None:
        """Feed the leaves, then copy the operations, the oldest first."""
        nodes = self._trace.nodes
        for node in nodes:
            if node.role == "op" or node.tensor in self._fixed:
                continue
            if node.value.dtype.kind == "f":
                self._leaves.add(node.tensor)
                self._made[node.tensor] = self._fed(node.label, node.value)
        ops: dict[Any, Node] = {}
        for node in nodes:
            if node.tensor in self._made:
                continue
            if node.op is None or not self._reaches(node.op):
                # random numbers, labels: those of the explanation
                self._made[node.tensor] = constant(node.value)
            else:
                ops[node.op] = node
        for op in sorted(ops, key=lambda op: op._id):
            try:
                self._copy(op)
            except Refused as refused:
                if ops[op].role == "op":
                    raise
                raise _Fixed(self._leaves_of(op)) from refused

    def _leaves_of(self, op: Operation) -> set[Any]:
        """The leaves that an operation depends on."""
        found, seen, pending = set(), {op}, [op]
        while pending:
            for tensor in pending.pop()._inputs:
                maker = self._trace.producer(tensor)
                if tensor in self._leaves:
                    found.add(tensor)
                elif maker is not None and maker not in seen:
                    seen.add(maker)
                    pending.append(maker)
        return found

    def _reaches(self, op: Operation) -> bool:
        """Whether what an operation gives depends on a leaf that is fed."""
        pending = [op]
        while pending:
            top = pending[-1]
            makers = [self._trace.producer(t) for t in top._inputs]
            wait = [m for m in makers if m is not None and m not in self._reaching]
            if wait:
                pending.extend(wait)
                continue
            pending.pop()
            self._reaching[top] = any(
                t in self._leaves or (m is not None and self._reaching[m])
                for t, m in zip(top._inputs, makers, strict=True)
            )
        return self._reaching[op]

    def _copy(self, op: Operation) -> None:
        """Add an operation to the graph, after what it needs.

        Raises:
          Refused: it depends on leaves, and cannot be computed again.
        """
        from retrograd.run.portable import NotPortable, check

        try:
            check(op)
        except NotPortable as error:
            raise Refused(f"{error}.") from error
        inputs = [self._input(op, i, t) for i, t in enumerate(op._inputs)]
        attrs = {k: v for k, v in op.attrs.items() if k != "_class"}
        made = self._graph.add(op.type, inputs, attrs, op.name)
        self._ops[made] = op
        for tensor, copied in zip(op._outputs, made._outputs, strict=True):
            self._made.setdefault(tensor, copied)

    def _input(self, op: Operation, position: int, tensor: Tensor) -> Any:
        value = self._trace.setting.get((op, position))
        made = self._find(tensor) if value is None else constant(value)
        if made.dtype != tensor.dtype.base_dtype:
            raise Refused(f"{op.name} ({op.type}) works on a variable itself.")
        return made

    def _find(self, tensor: Any) -> Any:
        """What stands for a tensor; what only reads another is passed over."""
        while tensor not in self._made:
            op = self._trace.producer(tensor)
            if op is None:
                return constant(tensor._value)
            read = original(tensor, op)
            if read is None:
                self._copy(op)
            else:
                tensor = read
        return self._made[tensor]

    # ------------------------------------------------------------------ backward

    def _backward(self) -> dict[str, Any]:
        found = self._trace
        ys = [self._made[y.tensor] for y in found.ys]
        xs = [self._made[x.tensor] for x in found.xs]
        seeds = [self._fed(i, s) for i, s in enumerate(found.seeds)]
        stop = [self._made[n.tensor] for n in found.stopped]
        back = observed_gradients(ys, xs, seeds, stop)
        steps = {self._ops[s.op]: s for s in back.steps if s.op in self._ops}
        given = {id(tensor) for tensor in self.inputs}
        nodes = {
            n.label: self._output(made)
            for n in found.nodes
            if id(made := self._made[n.tensor]) not in given
        }
        return {
            "nodes": nodes,
            "steps": [self._step(s, steps[s.op]) for s in found.steps],
            "gradients": self._gradients(back),
        }

    def _gradients(self, back: Backward) -> list[int | None]:
        return [self._output(g) for g in back.found]

    def _step(self, step: BackStep, made: Step) -> dict[str, Any]:
        partials = self._explanation.partials(step)
        ones = self._partials(made) if any(p is not None for p in partials) else []
        terms = []
        for term in step.terms:
            known = partials[term.position] is not None
            terms.append(
                {
                    "value": self._output(made.terms[term.position]),
                    "whole": self._output(made.dins[term.position]),
                    "partial": self._output(ones[term.position]) if known else None,
                }
            )
        return {"upstream": [self._output(d) for d in made.douts], "terms": terms}

    def _partials(self, made: Step) -> list[Any]:
        """What the rule gives for each input for a seed of ones."""
        ones = [F.OnesLike(t) if is_continuous(t) else None for t in made.op.outputs]
        live = [is_continuous(t) for t in made.op.inputs]
        return terms_of(made.op, ones, live)

    def _output(self, item: object) -> int | None:
        """The position of a tensor among the outputs."""
        if item is None:
            return None
        self.outputs.append(dense(item))
        return len(self.outputs) - 1
