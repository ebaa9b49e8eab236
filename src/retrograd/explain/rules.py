"""Gradient rules as functions of arrays: of operations of a graph, of records."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.arrays.list_value import TensorList
from retrograd.grad.sweep import Step, terms_of
from retrograd.grad.terms import dense, fit
from retrograd.graph.graph import Graph
from retrograd.ops.declare import F
from retrograd.run.eager import eager_tensor
from retrograd.run.observe import Observed

if TYPE_CHECKING:
    from retrograd.typing import Array, Gradient

#: dtypes whose tensors cannot be fed
_WITHOUT_VALUE = ("resource", "variant")


def norm(value: object) -> float:
    """The Euclidean norm of an array, or of all arrays in a list; 0 for None."""
    if value is None:
        return 0.0
    if isinstance(value, TensorList):
        return float(np.sqrt(sum(norm(item) ** 2 for item in value.items)))
    size = float(np.linalg.norm(np.asarray(value, np.complex128).reshape(-1)))
    return size if np.isfinite(size) else np.inf


def added(a: Any, b: Any) -> Any:
    """The sum of two derivatives: arrays, or lists of arrays, element by element."""
    if not isinstance(a, TensorList):
        return a + b
    pairs = zip(a.items, b.items, strict=True)
    items = [y if x is None else x if y is None else x + y for x, y in pairs]
    return TensorList(items, a.dtype, a.shape, a.limit)


class Rules:
    """What the rule of a step gives, as arrays; see the classes below.

    Args:
      inputs_of: the inputs of an operation.
    """

    def __init__(self, inputs_of: Callable[[Any], Any]) -> None:
        self.inputs_of = inputs_of
        self.calls = 0

    def __call__(self, step: Step, output: int, upstream: Array) -> list[Any]:
        """The term for each input, in its shape; None where the sweep had none.

        Args:
          step: an operation's part of the sweep.
          output: one of its outputs.
          upstream: ∂f/∂ that output; f is taken not to depend on other outputs.
        """
        self.calls += 1
        return self._terms(step, output, upstream)

    def _terms(self, step: Step, output: int, upstream: Array) -> list[Any]:
        raise NotImplementedError

    def _built(self, step: Step, output: int, dy: Gradient) -> list[Any]:
        """The terms as tensors."""
        op = step.op
        # a loop gets further inputs and outputs when it is differentiated
        more = len(op.inputs) - len(step.terms)
        live = [term is not None for term in step.terms] + [False] * more
        dys: list[Any] = [None] * len(op.outputs)
        dys[output] = dy
        found = terms_of(op, dys, live)[: len(step.terms)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of slices that take memory when dense
            return [
                dense(fit(dx, x, op)) if dx is not None and wants else None
                for x, dx, wants in zip(self.inputs_of(op), found, live, strict=False)
            ]


class RecordRules(Rules):
    """The rules of records, whose tensors have their values."""

    def _terms(self, step: Step, output: int, upstream: Array) -> list[Any]:
        y = step.op.outputs[output]
        dy = eager_tensor(np.asarray(upstream), y.dtype.base_dtype)
        built = self._built(step, output, dy)
        return [None if t is None else np.asarray(t._value) for t in built]


class GraphRules(Rules):
    """The rules of a graph's operations, each built once, run for as often as asked.

    To be made and used while operations may be added to the graph.

    Args:
      observed: runs the graph.
      steps: of a sweep; the values that their rules need are found in one run.
    """

    def __init__(
        self,
        inputs_of: Callable[[Any], Any],
        graph: Graph,
        observed: Observed,
        steps: Iterable[Step],
    ) -> None:
        super().__init__(inputs_of)
        self._graph, self._observed = graph, observed
        self._made: dict[tuple[Any, int], tuple[Any, list[Any], list[Any]]] = {}
        self._run: dict[tuple[Any, int], Any] = {}
        for step in steps:
            for output, dout in enumerate(step.douts):
                if dout is not None:
                    self._made[step.op, output] = self._build(step, output)
        needed = [t for _, _, around in self._made.values() for t in around]
        self._values = observed(list(dict.fromkeys(needed)))

    def _build(self, step: Step, output: int) -> tuple[Any, list[Any], list[Any]]:
        """A place for the upstream derivative, the terms, and the values they need."""
        y = step.op.outputs[output]
        first = len(self._graph._ops)
        dy = F.Placeholder(dtype=y.dtype.base_dtype, shape=y._shape_raw)
        terms = self._built(step, output, dy)
        made = set(self._graph._ops[first:])
        around = [
            t
            for op in made
            for t in op.inputs
            if t.op not in made
            and not t.dtype._is_ref_dtype
            and t.dtype.base_dtype.name not in _WITHOUT_VALUE
        ]
        around += [t for t in terms if t is not None and t.op not in made]
        return dy, terms, list(dict.fromkeys(around))

    def _terms(self, step: Step, output: int, upstream: Array) -> list[Any]:
        key = step.op, output
        dy, terms, around = self._made[key]
        run = self._run.get(key)
        if run is None:
            run = self._run[key] = self._prepared(dy, terms, around)
        found = iter(run(upstream))
        return [None if t is None else next(found) for t in terms]

    def _prepared(self, dy: Any, terms: Sequence[Any], around: Sequence[Any]) -> Any:
        known = [t for t in around if t in self._values]
        wanted = [t for t in terms if t is not None]
        run = self._observed.prepared([dy, *known], wanted)
        values = [self._values[t] for t in known]
        return lambda upstream: run([upstream, *values])
