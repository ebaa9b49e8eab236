"""What `gradient_flow` says of the sizes it measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain.drawing import bars
from retrograd.explain.operations import computes
from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.trace import where
from retrograd.explain.values import number
from retrograd.ops.traits import Function

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation

#: gradients above so many times their weight explode
EXPLODED = 1e3
#: the share of dead units, or of saturated elements, from which on it is told
MANY = 0.5
_MOST_ROWS = 40


@dataclass(slots=True)
class Size:
    """How large an array is.

    Attributes:
      norm: the Euclidean norm.
      rms: the root mean square.
      zeros: the share of elements that are zero, 0 to 1.
      count: how many elements there are.
    """

    norm: float
    rms: float
    zeros: float
    count: int


def size_of(array: object) -> Size:
    """The size of an array of numbers; of none, zeros."""
    array = np.asarray(array)
    flat = array.reshape(-1)
    flat = np.abs(flat) if np.iscomplexobj(flat) else flat.astype(np.float64)
    if not flat.size:
        return Size(0.0, 0.0, 0.0, 0)
    with np.errstate(all="ignore"):
        norm = float(np.sqrt(np.dot(flat, flat)))
    zeros = float(np.count_nonzero(flat == 0)) / flat.size
    return Size(norm, norm / math.sqrt(flat.size), zeros, flat.size)


@dataclass(slots=True)
class VariableFlow:
    """The gradient of one variable.

    Attributes:
      name: the variable's name.
      op: the operation that made it.
      shape: its shape.
      gradient: the size of its gradient; None where there is none.
      weight: the size of its value.
      state: "", or what is wrong: "none", "zero", "vanishing", "exploding",
        "not finite"; or "cancels", where it is zero but for rounding because the
        variable has no influence, such as a bias before a batch norm.
    """

    name: str
    op: Any
    shape: tuple[int, ...]
    gradient: Size | None
    weight: Size
    state: str = ""

    @property
    def ratio(self) -> float:
        """The norm of the gradient to that of the weight; 0 for no gradient."""
        if self.gradient is None:
            return 0.0
        return self.gradient.norm / self.weight.norm if self.weight.norm else math.inf


@dataclass(slots=True)
class Edge:
    """One operation that the sweep passes.

    Attributes:
      op: the operation.
      before: the norm of ∂loss/∂output, over all outputs.
      after: the norm of ∂loss/∂input, for the input on the way.
      whole: the same before it is summed over what the input was repeated along.
    """

    op: Any
    before: float
    after: float
    whole: float = 0.0

    @property
    def gain(self) -> float:
        """What the norm is multiplied by."""
        return self.after / self.before if self.before else 0.0


@dataclass(slots=True)
class Activation:
    """What an activation function does to a batch.

    Attributes:
      op: the operation.
      share: the share of its units that are dead, or of its elements that are
        saturated, 0 to 1.
      what: "dead" or "saturated".
      count: how many units or elements it has.
    """

    op: Any
    share: float
    what: str
    count: int


@dataclass(slots=True)
class Flow:
    """What `gradient_flow` found, for programs: the `data` of its report.

    Attributes:
      variables: in the order of the sweep, the last layer's first.
      way: the operations from the loss to the variable with the least gradient.
      activations: the activation functions.
    """

    variables: list[VariableFlow] = field(default_factory=list)
    way: list[Edge] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)


def report(title: str, flow: Flow) -> Report:
    """The report of a flow."""
    findings = [*_of_variables(flow), *_of_activations(flow.activations)]
    verdict = _verdict(flow)
    rows = [
        (v.name, v.gradient.norm if v.gradient else 0.0, v.state not in ("", "cancels"))
        for v in flow.variables
    ]
    figure = bars("norm of the gradient, the last layer first", rows)
    tables = [_variables_table(flow.variables), _way_table(flow.way)]
    if flow.activations:
        tables.append(_activations_table(flow.activations))
    return Report(title, verdict, findings, tables, flow, [figure])


def _verdict(flow: Flow) -> str:
    states = {v.state for v in flow.variables}
    counted = [v for v in flow.variables if v.state != "cancels"]
    norms = [v.gradient.norm for v in counted if v.gradient is not None]
    span = f"norms from {number(min(norms))} to {number(max(norms))}" if norms else ""
    for state, text in (
        ("not finite", "Gradients are not finite: retrograd.trace_nan says why."),
        ("exploding", f"Gradients explode on their way back ({span})."),
        ("vanishing", f"Gradients vanish on their way back ({span})."),
        ("zero", "No gradient reaches some of the variables: it is zero."),
        ("none", "The loss does not depend on some of the variables."),
    ):
        if state in states:
            return text
    if any(a.share >= MANY for a in flow.activations):
        return f"Gradients arrive ({span}), but activations are stuck."
    return f"Gradients arrive at all {len(flow.variables)} variables ({span})."


def _of_variables(flow: Flow) -> list[Finding]:
    findings = []
    for state, tell in _STATES.items():
        found = [v for v in flow.variables if v.state == state]
        if found:
            findings.append(tell(found, flow))
    return findings


def _named(found: Sequence[VariableFlow]) -> str:
    names = [v.name for v in found[:6]]
    return ", ".join(names) + (f" and {len(found) - 6} more" if len(found) > 6 else "")


def _none(found: Sequence[VariableFlow], flow: Flow) -> Finding:
    del flow
    return Finding(
        f"the gradient of {_named(found)} is None",
        [],
        found[0].op,
        "retrograd.why_none(loss, variable) says where the way breaks",
    )


def _zero(found: Sequence[VariableFlow], flow: Flow) -> Finding:
    stuck = [a for a in flow.activations if a.share == 1]
    details = [f"{a.op.name} is {a.what} throughout ({_line(a.op)})" for a in stuck]
    return Finding(
        f"the gradient of {_named(found)} is zero in all elements",
        details,
        stuck[0].op if stuck else found[0].op,
        _STUCK_FIX[stuck[0].what] if stuck else "see what multiplies it by 0",
    )


def _not_finite(found: Sequence[VariableFlow], flow: Flow) -> Finding:
    del flow
    return Finding(
        f"the gradient of {_named(found)} is not finite",
        [],
        found[0].op,
        "retrograd.trace_nan(loss, feed_dict) says which operation made it so",
    )


def _vanishing(found: Sequence[VariableFlow], flow: Flow) -> Finding:
    culprit, details = _culprit(flow.way, smallest=True)
    fix = "relu instead of sigmoid or tanh, batch norm, residual connections"
    if culprit is not None and computes(culprit, Function.MATRIX_PRODUCT):
        fix = "larger initial weights (tf.glorot_uniform_initializer, he_normal)"
    return Finding(
        f"the gradient of {_named(found)} has all but vanished",
        details,
        culprit,
        fix,
    )


def _exploding(found: Sequence[VariableFlow], flow: Flow) -> Finding:
    culprit, details = _culprit(flow.way, smallest=False)
    return Finding(
        f"the gradient of {_named(found)} is more than {number(EXPLODED)} times its "
        "weight",
        details,
        culprit,
        "smaller initial weights, tf.clip_by_global_norm(gradients, 1.0), and a look "
        "at the scale of what is fed",
    )


_STATES = {
    "none": _none,
    "zero": _zero,
    "not finite": _not_finite,
    "vanishing": _vanishing,
    "exploding": _exploding,
}


def _culprit(way: Sequence[Edge], smallest: bool) -> tuple[Any, list[str]]:
    """The operation that changes the norm most, and what it and its like do together.

    Operations of a type count together: twenty sigmoids that take a quarter each are
    worse than one mean that takes a hundredth.
    """
    usable = [e for e in way if e.gain > 0 and math.isfinite(e.gain)]
    by_type: dict[str, float] = {}
    for edge in usable:
        by_type[edge.op.type] = by_type.get(edge.op.type, 0.0) + math.log10(edge.gain)
    sign = 1 if smallest else -1
    worst: list[Edge] = []
    details = []
    for op_type in sorted(by_type, key=lambda t: sign * by_type[t])[:2]:
        if sign * by_type[op_type] >= 0:
            break
        alike = [e for e in usable if e.op.type == op_type]
        edge = min(alike, key=lambda e: sign * e.gain)
        worst.append(edge)
        text = f"{edge.op.name} multiplies its norm by {number(edge.gain)}"
        if len(alike) > 1:
            product = number(10.0 ** by_type[op_type])
            text += f", the {len(alike)} {op_type} on the way by {product} together"
        details.append(f"{text} ({_line(edge.op)})")
    return (worst[0].op if worst else None), details


_STUCK_FIX = {
    "dead": "a smaller learning rate, a bias of 0.1, tf.nn.leaky_relu or tf.nn.elu",
    "saturated": "smaller weights, batch norm before it, or inputs of variance 1",
}


def _of_activations(activations: Sequence[Activation]) -> list[Finding]:
    findings = []
    for a in activations:
        if a.share < MANY:
            continue
        count = round(a.share * a.count)
        if a.what == "dead":
            what = (
                f"{count} of {a.count} units of {a.op.name} are 0 for the whole batch"
            )
        else:
            what = (
                f"{count} of {a.count} elements of {a.op.name} are saturated: their "
                "derivative is below 1 %"
            )
        findings.append(Finding(what, [], a.op, _STUCK_FIX[a.what]))
    return findings


def _line(op: Operation) -> str:
    found = where(op)
    return "unknown" if found is None else f"{Path(found['file']).name}:{found['line']}"


def _variables_table(variables: Sequence[VariableFlow]) -> Table:
    ranked = sorted(variables, key=lambda v: v.gradient.rms if v.gradient else -1.0)
    rows: list[Sequence[str]] = []
    for v in ranked[:_MOST_ROWS]:
        g = v.gradient
        rows.append(
            [
                v.name,
                "×".join(map(str, v.shape)) or "1",
                "none" if g is None else number(g.norm),
                number(v.weight.norm),
                "" if g is None or not v.weight.norm else number(v.ratio),
                "" if g is None else f"{100 * g.zeros:.3g} %",
                v.state,
            ]
        )
    headings = ["variable", "shape", "‖gradient‖", "‖weight‖", "ratio", "zeros", ""]
    return Table(headings, rows)


def _way_table(way: Sequence[Edge]) -> Table:
    shown = [e for e in way if not 0.999 < e.gain < 1.001]
    rows: list[Sequence[str]] = [
        [e.op.name, e.op.type, _line(e.op), number(e.before), number(e.gain)]
        for e in shown[:_MOST_ROWS]
    ]
    headings = ["the sweep passes", "type", "line", "‖∂loss/∂output‖", "gain"]
    return Table(headings, rows)


def _activations_table(activations: Sequence[Activation]) -> Table:
    rows: list[Sequence[str]] = [
        [a.op.name, a.what, f"{100 * a.share:.3g} %", _line(a.op)]
        for a in activations[:_MOST_ROWS]
    ]
    return Table(["activation", "", "share", "line"], rows)
