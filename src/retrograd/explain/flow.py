"""`retrograd.gradient_flow`: sizes of gradients, and where they vanish or explode."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain.faults import badness
from retrograd.explain.flow_report import (
    EXPLODED,
    Activation,
    Edge,
    Flow,
    Size,
    VariableFlow,
    report,
    size_of,
)
from retrograd.explain.operations import is_a, only_reads
from retrograd.explain.report import Report
from retrograd.explain.sources import Sources
from retrograd.grad.api import Backward, observed_gradients
from retrograd.grad.terms import dense
from retrograd.graph.tensor import Tensor
from retrograd.graph.trial import trial
from retrograd.ops.declare import traits_of
from retrograd.ops.flow.effects import variable_of
from retrograd.ops.traits import Function, Kind
from retrograd.run.observe import Observed
from retrograd.run.witness import OpRun, Witness

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.run.session import BaseSession
    from retrograd.typing import Explainable, FeedDict, Gradient, Structure

Measure = Callable[[Any, np.ndarray], Activation | None]

#: root mean squares of gradients below this part of the largest have vanished
_VANISHED = 1e-5
#: a sum over a batch below this part of what it is of is rounding: it cancels
_CANCELLED = 1e-4
#: fewer rows say nothing about whether a unit is dead
_LEAST_ROWS = 8

#: derivatives below 1 %: |y| for tanh, |y - 1/2| for the sigmoid
_SATURATED = {Function.TANH: 0.995, Function.SIGMOID: 0.4899}


def gradient_flow(
    loss: Explainable,
    variables: Structure = None,
    feed_dict: FeedDict | None = None,
    session: BaseSession | None = None,
) -> Report:
    """How large the gradient of each variable is, and where it vanishes or explodes.

    One run in tier 0; the graph and the session are afterwards as they were before.

    Args:
      loss: a tensor of a graph, or its name.
      variables: variables, tensors or names; by default all trainable variables that
        the loss depends on.
      feed_dict: as for `Session.run`.
      session: whose variables to use; by default the default session.

    Returns:
      A report, true where something is wrong: gradients that are missing, zero, not
      finite, less than 1e-5 of the largest (root mean squares) or more than 1,000 times
      their weights; ReLUs of which half of the units are 0 for the whole batch;
      sigmoids and tanhs of which half is saturated. Its `data` is a `Flow`.

    Raises:
      KeyError: there is no tensor of a name.
      LookupError: an operation on the way has no gradient.
      OpError: an operation failed.
      ValueError: nothing to differentiate.
    """
    sources = Sources(loss, variables, None, session, asked="gradient_flow")
    graph = sources.ys[0].graph
    observed = Observed(sources.session, graph, feed_dict)
    with trial(graph), graph.as_default():
        flow = Measured(sources)(observed)
    title = f"gradient_flow({sources.ys[0].name})"
    return report(title, flow)


class Measured:
    """The gradients of a loss, differentiated once, to be measured many times.

    Args:
      sources: the loss and the variables.
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.back: Backward = observed_gradients(list(sources.ys), list(sources.xs))
        self.found = [None if g is None else dense(g) for g in self.back.found]
        self._wanted = self._tensors()

    def _tensors(self) -> list[Tensor]:
        """What is to be measured as it is computed."""
        made: list[Any] = [g for g in self.found if g is not None]
        for step in self.back.steps:
            found = (*step.douts, *step.dins, *step.terms)
            made += [t for t in found if t is not None]
            made += step.op.outputs if _measure_of(step.op) is not None else []
        made = [t if isinstance(t, Tensor) else t.values for t in made]
        return [t for t in dict.fromkeys(made) if t.dtype.base_dtype.is_floating]

    def __call__(
        self, observed: Observed, histograms: dict[str, Any] | None = None
    ) -> Flow:
        """Run once.

        Args:
          observed: runs it.
          histograms: gets the gradients by name of variable, if given.
        """
        meter = _Meter(self._wanted)
        kept = [g for g in self.found if g is not None]
        values = observed(kept, witness=meter, targets=[t.op for t in self._wanted])
        flow = Flow(activations=_activations(meter))
        for given, x, gradient in zip(
            self.sources.given, self.sources.xs, self.found, strict=True
        ):
            array = None if gradient is None else values.get(gradient)
            flow.variables.append(_variable(given, x, array, observed))
            if histograms is not None and array is not None:
                histograms[flow.variables[-1].name] = array
        _judge(flow.variables)
        self._excuse(flow.variables, meter)
        order = {id(s.op): i for i, s in enumerate(self.back.steps)}
        flow.variables.sort(key=lambda v: _place(v, self.back, order))
        flow.way = self._way(flow.variables, meter)
        return flow

    # ------------------------------------------------------------------ the way

    def _way(self, variables: Sequence[VariableFlow], meter: _Meter) -> list[Edge]:
        """The way of the sweep to the variable that is worst off."""
        known = [v for v in variables if v.gradient is not None and v.gradient.count]
        if not known:
            return []
        exploding = [v for v in known if v.state == "exploding"]
        if exploding:
            target = max(exploding, key=lambda v: v.gradient.norm if v.gradient else 0)
        else:
            target = min(known, key=lambda v: v.gradient.rms if v.gradient else 0.0)
        return self._back_from(self._tensor(target), meter)

    def _tensor(self, variable: VariableFlow) -> Any:
        return next(x for x in self.sources.xs if _made_by(x) is variable.op)

    def _excuse(self, variables: Sequence[VariableFlow], meter: _Meter) -> None:
        """Find the gradients that are sums of what cancels, not what has vanished.

        A bias that a softmax or a batch norm takes out again has no influence.
        """
        for variable in variables:
            if variable.state not in ("vanishing", "zero"):
                continue
            way = self._back_from(self._tensor(variable), meter)
            edges = [e for e in way if not only_reads(e.op)]
            if edges and edges[-1].after < _CANCELLED * edges[-1].whole:
                variable.state = "cancels"

    def _back_from(self, tensor: Tensor, meter: _Meter) -> list[Edge]:
        users: dict[Any, list[tuple[Any, int]]] = {}
        for step in self.back.steps:
            for position, (source, term) in enumerate(
                zip(step.op.inputs, step.terms, strict=False)
            ):
                if term is not None:
                    users.setdefault(source, []).append((step, position))
        way: list[Edge] = []
        seen: set[Any] = set()
        while tensor in users and tensor not in seen:
            seen.add(tensor)
            step, position = max(
                users[tensor], key=lambda u: meter.norm(u[0].terms[u[1]])
            )
            before = math.hypot(*[meter.norm(d) for d in step.douts])
            after, whole = (meter.norm(d[position]) for d in (step.terms, step.dins))
            way.append(Edge(step.op, before, after, whole))
            pairs = zip(step.op.outputs, step.douts, strict=True)
            known = [(t, meter.norm(d)) for t, d in pairs if d is not None]
            if not known:
                break
            tensor = max(known, key=lambda pair: pair[1])[0]
        return way[::-1]


class _Meter(Witness):
    """Measures tensors as they are computed, so that none need be kept.

    Attributes:
      sizes: the size of each.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self.wanted = set(tensors)
        self.sizes: dict[Any, Size] = {}
        self.activations: dict[Any, Activation] = {}

    def ran(self, run: OpRun) -> None:
        """See `Witness`."""
        for tensor, value in zip(run.op._outputs, run.outputs, strict=False):
            if tensor in self.wanted and isinstance(value, (np.ndarray, np.generic)):
                self.sizes[tensor] = size_of(value)
        measure = _measure_of(run.op)
        if measure is not None and run.op._outputs[0] in self.wanted:
            found = measure(run.op, np.asarray(run.outputs[0]))
            if found is not None:
                self.activations[run.op] = found

    def norm(self, item: Tensor | None) -> float:
        """The norm of a tensor, or of slices; 0 where it was not computed."""
        if item is None:
            return 0.0
        tensor = item if isinstance(item, Tensor) else item.values
        found = self.sizes.get(tensor)
        return 0.0 if found is None else found.norm


def _activations(meter: _Meter) -> list[Activation]:
    return sorted(meter.activations.values(), key=lambda a: a.op._id)


def _dead(op: Operation, array: np.ndarray) -> Activation | None:
    """The share of the units, along the last axis, that are 0 for all rows."""
    if array.ndim < 2 or not array.size:
        return None
    rows = array.reshape(-1, array.shape[-1])
    if len(rows) < _LEAST_ROWS:
        return None
    dead = np.count_nonzero(~np.any(rows > 0, axis=0))
    return Activation(op, float(dead) / rows.shape[1], "dead", rows.shape[1])


def _saturated(op: Operation, array: np.ndarray) -> Activation | None:
    if not array.size:
        return None
    function = traits_of(op.type).function
    assert function is not None
    centre = 0.5 if function is Function.SIGMOID else 0.0
    far = np.abs(array.astype(np.float64) - centre) > _SATURATED[function]
    return Activation(op, float(np.mean(far)), "saturated", array.size)


_ACTIVATIONS: dict[Function | None, Measure] = {
    Function.RECTIFIER: _dead,
    **dict.fromkeys(_SATURATED, _saturated),
}


def _measure_of(op: Operation) -> Measure | None:
    return _ACTIVATIONS.get(traits_of(op.type).function)


# ---------------------------------------------------------------------- judging


def _variable(
    given: object, x: Tensor, gradient: Gradient, observed: Observed
) -> VariableFlow:
    op = _made_by(x)
    value = observed.store.cell(op).peek() if is_a(op, Kind.VARIABLE) else None
    if value is None:
        value = observed.feeds.get(x, np.zeros(0))
    name = given if isinstance(given, str) else getattr(given, "name", op.name)
    return VariableFlow(
        str(name).partition(":")[0],
        op,
        tuple(np.shape(value)),
        None if gradient is None else size_of(gradient),
        size_of(value),
        "none" if gradient is None else ("not finite" if badness(gradient) else ""),
    )


def _made_by(x: Tensor) -> Any:
    """The operation of a variable, or of another tensor."""
    return variable_of(x) or x.op


def _judge(variables: Sequence[VariableFlow]) -> None:
    """Say of each variable what is wrong with its gradient."""
    fine = [v for v in variables if v.gradient is not None and not v.state]
    largest = max((v.gradient.rms for v in fine if v.gradient), default=0.0)
    for v in fine:
        assert v.gradient is not None
        if not v.gradient.count:
            continue
        # a weight of zeros, such as a new bias, is no measure
        measure = max(v.weight.norm, 1e-2 * math.sqrt(v.gradient.count))
        if v.gradient.norm == 0:
            v.state = "zero"
        elif v.gradient.norm > EXPLODED * measure:
            v.state = "exploding"
        elif v.gradient.rms < _VANISHED * largest:
            v.state = "vanishing"


def _place(variable: VariableFlow, back: Backward, order: dict[int, int]) -> int:
    """When the sweep comes to a variable."""
    for tensor in variable.op.outputs:
        for user in tensor._consumers:
            if id(user) in order:
                return order[id(user)]
    return len(back.steps)
