"""The program that computes an explanation anew from other leaves.

The operations of a trace are put into a graph of their own, whose leaves are fed, and
differentiated there; `run.portable` lists what computes every number of the
explanation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.explain.trace import BackStep, Node, Trace
from retrograd.explain.values import as_data
from retrograd.grad.api import Backward, observed_gradients
from retrograd.grad.sweep import Step, is_continuous, terms_of
from retrograd.grad.terms import dense
from retrograd.graph.graph import Graph
from retrograd.ops.constant import constant
from retrograd.ops.declare import F, find

if TYPE_CHECKING:
    from retrograd.explain.explanation import Explanation

#: operations of a program that a page computes anew
MOST_OPS = 300
#: elements of each of its values
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
    copy = _Copy(explanation)
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
    count = sum(node.role == "op" for node in found.nodes)
    if count > MOST_OPS:
        raise Refused(f"the program has {count} operations, more than {MOST_OPS}.")
    shown = {id(n) for n in found.nodes if n.role == "op"}
    for step in found.steps:
        for node in step.outputs:
            if node is not None and id(node) not in shown:
                raise Refused(f"{node.label} is computed, and taken for an input too.")
    for node in found.nodes:
        if node.value is None:
            raise Refused(f"{node.label} ({node.type}) has no array for a value.")
        if node.value.size > MOST_ELEMENTS:
            raise Refused(
                f"{node.label} has {node.value.size} elements, more than "
                f"{MOST_ELEMENTS}."
            )
        if node.role == "op" and node.op._gradient_function is not None:
            raise Refused(f"the gradient of {node.op.name} is a function of its own.")


class _Copy:
    """The operations of a trace in a graph of their own, differentiated.

    Attributes:
      inputs: the placeholders; values: what they stood for.
      input_names: the label of the leaf of each, or the position of its seed.
      outputs: all tensors whose numbers an explanation shows.
      places: which of them is what (see `program`).
    """

    def __init__(self, explanation: Explanation) -> None:
        self._trace = explanation.trace
        self._explanation = explanation
        self.inputs: list[Any] = []
        self.values: list[Any] = []
        self.input_names: list[str | int] = []
        self.outputs: list[Any] = []
        self._made: dict[int, Any] = {}
        self._ops: dict[Any, Any] = {}
        self._graph = Graph()
        with self._graph.as_default():
            try:
                self._forward()
                self.places = self._backward()
            except Refused:
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
        for node in self._trace.nodes:
            if node.role != "op":
                self._made[id(node)] = self._leaf(node)
        by_op: dict[Any, list[Node]] = {}
        for node in self._trace.nodes:
            if node.role == "op":
                by_op.setdefault(node.op, []).append(node)
        for op in sorted(by_op, key=lambda op: op._id):
            self._copy(op, by_op[op])

    def _leaf(self, node: Node) -> Any:
        if node.value.dtype.kind == "f":
            return self._fed(node.label, node.value)
        return constant(node.value)

    def _copy(self, op: Any, nodes: list[Node]) -> None:
        if self._is_fixed(op, nodes[0]):
            for node in nodes:
                self._made[id(node)] = constant(node.value)
            return
        inputs = [
            self._input(op, position, source)
            for position, source in enumerate(nodes[0].inputs)
        ]
        attrs = {k: v for k, v in op.attrs.items() if k != "_class"}
        made = self._graph.add(op.type, inputs, attrs, op.name)
        self._ops[made] = op
        for node in nodes:
            self._made[id(node)] = made._outputs[node.index]

    def _is_fixed(self, op: Any, node: Node) -> bool:
        """Whether an operation gave what it gave regardless of the leaves.

        Random numbers are those of the explanation.

        Raises:
          Refused: it depends on leaves, and cannot be computed again.
        """
        declaration = find(op.type)
        if declaration is not None and declaration.pure and not declaration.host:
            return False
        if all(source is None for source in node.inputs):
            return True
        raise Refused(f"{op.name} ({op.type}) is not a function of arrays alone.")

    def _input(self, op: Any, position: int, source: Node | None) -> Any:
        if source is not None:
            made = self._made[id(source)]
            wanted = op._inputs[position].dtype.base_dtype
            if wanted != made.dtype:
                raise Refused(f"{op.name} ({op.type}) works on a variable itself.")
            return made
        value = self._trace.setting.get((op, position))
        if value is None:
            raise Refused(f"an input of {op.name} ({op.type}) has no value.")
        return constant(value)

    # ------------------------------------------------------------------ backward

    def _backward(self) -> dict[str, Any]:
        found = self._trace
        ys = [self._made[id(y)] for y in found.ys]
        xs = [self._made[id(x)] for x in found.xs]
        seeds = [self._fed(i, s) for i, s in enumerate(found.seeds)]
        stop = [self._made[id(n)] for n in found.stopped]
        back = observed_gradients(ys, xs, seeds, stop)
        steps = {self._ops[s.op]: s for s in back.steps if s.op in self._ops}
        nodes = {
            n.label: self._output(self._made[id(n)])
            for n in found.nodes
            if n.role == "op"
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

    def _output(self, item: Any) -> int | None:
        """The position of a tensor among the outputs."""
        if item is None:
            return None
        self.outputs.append(dense(item))
        return len(self.outputs) - 1
