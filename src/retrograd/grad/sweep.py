"""The reverse sweep: from ∂L/∂y back to ∂L/∂x, one operation at a time."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.errors import message
from retrograd.grad.gates import gated
from retrograd.grad.reach import Between, Inputs, Producer, is_continuous
from retrograd.grad.terms import add_n, fit, zeros_for
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import GradientRule, gradient_function

if TYPE_CHECKING:
    from retrograd.typing import Gradients


@dataclass(slots=True)
class Step:
    """One operation's part of a sweep, for an observer.

    Attributes:
      op: the operation that was differentiated.
      douts: ∂L/∂output for each output, summed; None where L does not depend on it.
      dins: what the rule gives for each input.
      terms: the same in the shape of the input, before it is summed with terms of other
        consumers; None where no x depends on it.
    """

    op: Operation
    douts: list[Any]
    dins: list[Any]
    terms: list[Any]


Observer = Callable[[Step], None]
Provenance = Callable[[Operation], contextlib.AbstractContextManager[Any]]


def sweep(
    ys: Sequence[Tensor],
    xs: Sequence[Tensor],
    dys: Sequence[Any],
    *,
    stop: Iterable[Tensor] = (),
    provenance: Provenance = contextlib.nullcontext,
    observe: Observer | None = None,
    producer: Producer = attrgetter("_op"),
    aggregate: Callable[[list[Any]], Any] = add_n,
    outwards: bool = True,
    arrive: Callable[[Tensor, Any], Any] | None = None,
    gates: bool = False,
    as_graph: bool = False,
    newest_first: bool = False,
    strict: bool = True,
    reached: dict[Operation, bool] | None = None,
) -> list[Any]:
    """x̄ = ∂L/∂x for each x, with L = Σᵢ ⟨dysᵢ, ysᵢ⟩; None where L does not depend on x.

    An operation is visited when all that use its outputs have been: no recursion, each
    operation and edge between xs and ys is visited once.

    Args:
      ys: what is differentiated.
      xs: with respect to what.
      dys: the seeds, one for each y.
      stop: tensors that count as constant: a derivative that comes to one, as to an x
        or a y, goes no further.
      provenance: entered around the rule of each operation.
      observe: is told of each step.
      producer: the operation that made a tensor; None where that is of no interest.
      aggregate: sums the terms that reach one tensor.
      outwards: whether to go on, from what a function body takes from outside, in the
        graph around it.
      arrive: is given each output and its whole derivative, and returns what goes on in
        its place.
      gates: whether no term of an operation is used before all are there.
      as_graph: whether, with an x or a tensor of `stop`, all outputs of its operation
        count as one, as in TensorFlow's graphs.
      newest_first: whether to go by age, not in TensorFlow's order.
      strict: see `fit`.
      reached: gets the operations of which an output has a derivative, and whether it
        went on to their inputs.
    """
    stopped, wanted = set(stop), set(xs)
    inputs_of = Inputs(xs, outwards)
    between = Between(xs, ys, inputs_of, producer, whole=as_graph)
    constant = {producer(t) for t in stopped} if as_graph else set()
    terms: dict[Tensor, list[Any]] = defaultdict(list)
    for y, dy in zip(ys, dys, strict=True):
        terms[y].append(dy)

    def total(tensor: Tensor) -> Any:
        """The sum of the terms so far; made once, kept."""
        found = terms.get(tensor)
        if not found:
            return None
        if len(found) > 1:
            terms[tensor] = found = [aggregate(found)]
        return found[0]

    final: dict[Tensor, Any] = {}
    for op in between.newest_first() if newest_first else between.when_ready():
        douts = [total(t) for t in op.outputs]
        if arrive is not None:
            douts = [
                d if d is None else arrive(t, d)
                for t, d in zip(op.outputs, douts, strict=True)
            ]
        pairs = list(zip(op.outputs, douts, strict=True))
        final.update((tensor, dout) for tensor, dout in pairs if tensor in wanted)
        if stopped:
            douts = [None if t in stopped else d for t, d in pairs]
        if op in constant or all(d is None for d in douts):
            continue
        inputs = inputs_of(op)
        if not any(producer(t) in between.ops or t in wanted for t in inputs):
            continue
        live = [
            t in between.carrying and (t in wanted or t not in stopped) for t in inputs
        ]
        with provenance(op):
            dins = terms_of(op, douts, live)
            fitted = [
                fit(dx, x, op, strict) if dx is not None and wants else None
                for x, dx, wants in zip(inputs, dins, live, strict=True)
            ]
            if gates:
                fitted = gated(op, dins, fitted)
        if reached is not None:
            reached[op] = True
        for x, term in zip(inputs, fitted, strict=True):
            if term is not None:
                terms[x].append(term)
        if observe is not None:
            observe(Step(op, douts, dins, fitted))
    if reached is not None:
        for tensor in terms:
            reached.setdefault(tensor._op, False)
    return [final[x] if x in final else total(x) for x in xs]


def terms_of(op: Operation, douts: list[Any], live: list[bool]) -> list[Any]:
    """What the gradient function of `op` gives for each input, checked."""
    rule = _function_of(op)
    if rule is None or not any(live):
        return [None] * len(op.inputs)
    declared = isinstance(rule, GradientRule)
    if not (declared and rule.takes_none):
        douts = [
            zeros_for(t) if d is None and _has_zeros(t) else d
            for d, t in zip(douts, op.outputs, strict=True)
        ]
    found = rule(op, *douts, wanted=live) if declared else rule(op, *douts)
    return _checked(op, found, len(live))


def _has_zeros(tensor: Tensor) -> bool:
    """Whether an output that L does not depend on has zeros for its derivative."""
    return is_continuous(tensor) and tensor.dtype.base_dtype is not dtypes.resource


def _function_of(op: Operation) -> Any:
    try:
        return gradient_function(op)
    except LookupError:
        what = f"No gradient defined for operation '{op.name}' (op type: {op.type})"
        if not isinstance(op, Operation):  # of a tape
            what = f"gradient registry has no entry for: {op.type}"
        raise LookupError(
            message(
                what,
                at=f"{op.name}, made in {op.where}",
                fix=f'tf.RegisterGradient("{op.type}"), or tf.stop_gradient around it',
            )
        ) from None


def _checked(op: Operation, found: Gradients, wanted: int) -> list[Any]:
    """The terms as a list, one for each input that the operation had.

    Raises:
      ValueError: there are more or fewer.
    """
    terms = list(found) if isinstance(found, (list, tuple)) else [found]
    if len(terms) != wanted:
        raise ValueError(
            message(
                f"Num gradients {len(terms)} generated for op {op.node_def} do not "
                f"match num inputs {wanted}",
                at=f"{op.name}, made in {op.where}",
                fix="return one gradient, or None, for each input",
            )
        )
    return terms
