"""Gradients that exist and are zero: by construction, or for the values at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain.operations import (
    computes,
    is_a,
    overridden,
    read_from,
    source,
)
from retrograd.explain.remedies import remedy
from retrograd.explain.report import Finding
from retrograd.explain.values import is_numeric, number
from retrograd.explain.wording import called
from retrograd.grad.reach import is_continuous
from retrograd.grad.sweep import Step
from retrograd.grad.terms import dense
from retrograd.graph.composite import IndexedSlices
from retrograd.ops.binding import input_names
from retrograd.ops.declare import registry, traits_of
from retrograd.ops.static import constant
from retrograd.ops.traits import Function, Kind

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array

#: array of a tensor that the sweep made or used, None where it has no value
Value = Callable[[Any], Any]

_CHOOSING = {
    Function.MINIMUM: "the other input is smaller everywhere",
    Function.MAXIMUM: "the other input is larger everywhere",
    Function.CLIPPING: "every element is outside of the bounds",
    Function.SELECTION: "the condition takes the other branch everywhere",
}


def zero_by_construction(tensor: Tensor) -> bool:
    """Whether a tensor of a graph is zero whatever is fed, as far as its ops tell."""
    if isinstance(tensor, IndexedSlices):
        tensor = tensor.values
    known: dict[Any, bool] = {}
    pending = [tensor]
    while pending:
        at = pending[-1]
        wanted = [] if at in known else _deciding(at)
        open_ones = [t for t in wanted if t not in known]
        if open_ones and at not in known:
            known[at] = False  # until its inputs are known
            pending.extend(open_ones)
            continue
        pending.pop()
        known[at] = _is_zero(at, wanted or _deciding(at), known)
    return known[tensor]


def _deciding(tensor: Tensor) -> list[Any]:
    """The inputs that decide whether a tensor is zero."""
    op = tensor.op
    handed = source(tensor, op)
    if handed is not None:
        return [handed] if is_continuous(handed) else []
    traits = traits_of(op.type)
    names = traits.linear or traits.multilinear
    pairs = zip(input_names(op), op.inputs, strict=True)
    return [t for name, t in pairs if name in names and is_continuous(t)]


def _is_zero(tensor: Tensor, inputs: Sequence[Any], known: dict[Any, bool]) -> bool:
    op = tensor.op
    if computes(op, Function.ZERO):
        return True
    if is_a(op, Kind.CONSTANT):
        value = constant(tensor)
        return value is not None and is_numeric(value) and not np.any(value)
    if not inputs:
        return False
    zeros = [known[t] for t in inputs]
    return any(zeros) if traits_of(op.type).multilinear else all(zeros)


# ---------------------------------------------------------------------- by values


@dataclass(slots=True)
class Death:
    """An input of an operation for which a non-zero gradient gives zeros.

    Attributes:
      step: the operation's part of the sweep.
      position: the input.
      always: whether that is so for all values.
    """

    step: Step
    position: int
    always: bool

    @property
    def op(self) -> Any:
        """The operation."""
        return self.step.op


def is_zero(array: Array) -> bool:
    """Whether an array has elements, all of them zero."""
    return array is not None and is_numeric(array) and not np.any(np.asarray(array))


def deaths(
    steps: Sequence[Step], value: Value, always: Callable[..., bool]
) -> list[Death]:
    """Where a gradient that is not zero becomes zero, the place nearest y first.

    Args:
      steps: of the sweep.
      value: the array of a tensor.
      always: of a step, an input's position and the term: whether that is zero by
        construction.
    """
    found = []
    for step in steps:
        upstream = [value(d) for d in step.douts if d is not None]
        if not any(u is not None and is_numeric(u) and np.any(u) for u in upstream):
            continue
        for position, term in enumerate(step.terms):
            if term is not None and is_zero(value(term)):
                found.append(Death(step, position, always(step, position, term)))
    return found


def cancelled(steps: Sequence[Step], value: Value) -> Iterator[tuple[Any, list[Any]]]:
    """Tensors whose terms are not zero and whose sum is, with the operations' terms."""
    terms: dict[Any, list[Any]] = {}
    for step in steps:
        for tensor, term in zip(step.op.inputs, step.terms, strict=False):
            array = None if term is None else value(term)
            if array is not None and is_numeric(array):
                terms.setdefault(tensor, []).append((step.op, array))
    for tensor, found in terms.items():
        living = [(op, array) for op, array in found if np.any(array)]
        if len(living) > 1 and not np.any(sum(array for _, array in living)):
            yield tensor, [op for op, _ in living]


def cancellation(tensor: Tensor, ops: Sequence[Any]) -> Finding:
    """What is said of terms that sum to zero."""
    names = ", ".join(f"{op.name} ({op.type}, {op.where})" for op in ops[:4])
    return Finding(
        f"The contributions to {called(tensor)} cancel: they are not zero, their sum "
        "is.",
        [f"they come from {names}"],
        ops[0],
        "retrograd.paths(y, x) shows each contribution",
    )


def describe(death: Death, value: Value) -> Finding:
    """What is said of a place where a gradient becomes zero."""
    op, position = death.op, death.position
    known = remedy(op.type)
    if death.always:
        why = "its rule gives zeros for all values" if known is None else known.why
        factor = _constant_zero(op, position)
        if factor is not None:
            why = f"the other factor, {_source(factor)}, is zero"
        return Finding(
            f"{op.name} ({op.type}) makes the gradient zero, always: {why}.",
            _rule(op, position),
            op,
            "" if known is None else known.fix,
        )
    reason, fix = _reason(death, value)
    return Finding(
        f"{op.name} ({op.type}) makes the gradient zero for these values: {reason}.",
        _rule(op, position),
        op,
        fix,
    )


def rule(op: Operation, position: int) -> str:
    """How the derivative of an input is declared; "" where something overrides it."""
    declared = registry.get(op.type)
    if declared is None or overridden(op):
        return ""
    text = declared.notation.get(input_names(op)[position], "")
    return text if " = " in text else ""


def _rule(op: Operation, position: int) -> list[str]:
    text = rule(op, position)
    return [f"its rule: {text}"] if text else []


def _reason(death: Death, value: Value) -> tuple[str, str]:
    op, position = death.op, death.position
    x = value(op.inputs[position])
    size = 0 if x is None else np.size(x)
    every = f"all {size} inputs are" if size != 1 else "its input is"
    traits = traits_of(op.type)
    if traits.flat:
        return f"{every} {traits.flat}{_span(x)}", (
            "look at the bias and the learning rate; tf.nn.leaky_relu has a slope there"
        )
    other = _zero_factor(death, value)
    if other is not None:
        return f"the other factor, {_source(other)}, is zero", (
            f"look at what makes {_source(other)} zero"
        )
    if traits.function in _CHOOSING:
        return _CHOOSING[traits.function], "look at the bounds or at the condition"
    if traits.function is Function.SOFTMAX and _is_uniform(death, value):
        return (
            "its gradient is the same for every class, and the classes sum to one",
            "a sum over softmax's classes is always 1: use one class, or a logarithm",
        )
    if traits.saturates:
        return f"saturated{_span(x)}", (
            "smaller inputs: scale or normalise them, or a smaller initial weight"
        )
    return f"its derivative is zero there{_span(x)}", ""


def _span(array: Array | None) -> str:
    if array is None or not np.size(array) or not is_numeric(array):
        return ""
    if np.size(array) == 1:
        return f" ({number(np.reshape(array, -1)[0])})"
    return f" (from {number(np.min(array))} to {number(np.max(array))})"


def _zero_factor(death: Death, value: Value) -> Any:
    """Another input that is zero throughout, where the op multiplies; or None."""
    for tensor in _other_factors(death.op, death.position):
        if is_continuous(tensor) and is_zero(value(tensor)):
            return tensor
    return None


def _constant_zero(op: Operation, position: int) -> Any:
    """Another input of a product that is zero whatever is fed, or None."""
    if getattr(op, "_graph", None) is None:
        return None
    for tensor in _other_factors(op, position):
        if zero_by_construction(tensor):
            return tensor
    return None


def _other_factors(op: Operation, position: int) -> list[Any]:
    """The inputs that an operation multiplies one of its inputs by."""
    names = traits_of(op.type).multilinear
    pairs = enumerate(zip(input_names(op), op.inputs, strict=True))
    return [t for i, (name, t) in pairs if i != position and name in names]


def _source(tensor: Tensor) -> str:
    """What a tensor is called; of what only reads a variable, the variable."""
    if getattr(tensor, "_is_eager", False):
        return called(tensor)
    return called(read_from(tensor))


def _is_uniform(death: Death, value: Value) -> bool:
    upstream = value(death.step.douts[0])
    return upstream is not None and bool(np.all(np.ptp(upstream, axis=-1) == 0))


def arrays(items: Sequence[Any]) -> list[Any]:
    """The tensors to run for terms of a sweep: slices as dense tensors."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of slices that take memory when dense
        return [None if item is None else dense(item) for item in items]
