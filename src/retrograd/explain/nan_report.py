"""What `trace_nan` says of the origin of what is not finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.explain import recipes
from retrograd.explain.faults import Fault, Origin, Recorder, Walk, badness
from retrograd.explain.operations import computes, is_a
from retrograd.explain.recipes import Case, Recipe
from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.trace import where
from retrograd.explain.values import Index, index_text, number
from retrograd.ops.declare import traits_of
from retrograd.ops.flow.effects import variable_of
from retrograd.ops.traits import Function, Kind
from retrograd.run.store import Store
from retrograd.run.witness import OpRun

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array

#: operations on a way, and names of gradients, that are written out
_MOST_STEPS, _MOST_NAMES = 12, 8
_SIGNS: dict[Function | None, str] = {
    Function.PRODUCT: "·",
    Function.QUOTIENT: "/",
    Function.DIFFERENCE: "-",
    Function.SUM: "+",
}
#: how far from a forward operation a tf.where is looked for
_MASK_DISTANCE = 6


@dataclass(slots=True)
class NotFinite:
    """What `trace_nan` found, for programs: the `data` of its report.

    Attributes:
      kind: a word: "log of zero", "double where", "feed", "variable", …; "" where all
        is finite.
      op: the operation that made the first value that is not finite; None where a feed
        or a variable had it.
      forward: the operation whose derivative it is part of, or itself.
      index: the first element.
      value: that element: NaN or an infinity.
      count: how many elements are not finite.
      operands: name and value of each operand there.
      turned: the operation that made NaN of an infinity later on, or None.
      way: operations from there to y, or to the first gradient that is not finite.
      gradients: for each variable, how many elements of its gradient are not finite.
      loops: the loops and branches that it happened in, and in which turn.
    """

    kind: str = ""
    op: Any = None
    forward: Any = None
    index: Index = ()
    value: Any = None
    count: int = 0
    operands: list[tuple[str, Any]] = field(default_factory=list)
    turned: Any = None
    way: list[Any] = field(default_factory=list)
    gradients: dict[str, int] = field(default_factory=dict)
    loops: list[tuple[Any, int]] = field(default_factory=list)


def name_of(tensor: Tensor, names: Mapping[Any, str] | None = None) -> str:
    """What a tensor is called: by the program, or by its operation; "" for neither."""
    known = (names or {}).get(tensor)
    if known or getattr(tensor, "_is_eager", False):
        return known or ""
    return tensor.name


class Diagnosis:
    """Makes the report of a walk.

    Args:
      walk: the walk.
      recorder: what ran.
      feeds: the arrays that were fed.
      producer: what made a tensor.
      store: where variables are.
      names: what the program calls tensors.
    """

    def __init__(
        self,
        walk: Walk,
        recorder: Recorder,
        feeds: dict[Any, Any],
        producer: Callable[[Any], Any],
        store: Store | None = None,
        names: Mapping[Any, str] | None = None,
    ) -> None:
        self.walk, self.recorder = walk, recorder
        self.producer, self.store, self.names = producer, store, names or {}
        self.leaves: dict[Any, Any] = dict(feeds)

    def report(
        self,
        title: str,
        ys: Sequence[Any],
        gradients: dict[str, Any],
        value: Callable[[Any], Any],
    ) -> Report:
        """The report.

        Args:
          title: its title.
          ys: what was asked about.
          gradients: the gradients by name.
          value: the value of one of these, or None.
        """
        counts = {
            name: _count(value(g)) for name, g in gradients.items() if g is not None
        }
        origin = self.walk.first()
        direct = [t for t in ys if badness(self.leaves.get(t)) and t in self.leaves]
        if origin is None and not direct:
            verdict = "y is finite" + (", and so are all gradients." if counts else ".")
            return Report(title, verdict, data=NotFinite(gradients=counts))
        if origin is None:
            origin = Origin(None, direct[0], 0, None, [])
        if origin.fault is None:
            finding, data = self._of_source(origin)
        else:
            finding, data = self._of_fault(origin.fault, origin)
        data.gradients = counts
        data.loops = origin.loops
        self._add_spread(finding, data, origin, ys, counts, value)
        tables = [_table(gradients, value)] if counts else []
        verdict = f"{data.kind or 'not finite'}{_place(finding.op)}."
        return Report(title, verdict, [finding], tables, data)

    # ------------------------------------------------------------------ sources

    def _of_source(self, origin: Origin) -> tuple[Finding, NotFinite]:
        """A value that was not finite before anything ran."""
        tensor = origin.source
        array = self._source_value(tensor)
        index = None if array is None else recipes.first_bad(array)
        kind, fix = _source_kind(tensor, tensor in self.leaves)
        op = getattr(tensor, "_op", None)
        if kind == "variable":
            op = variable_of(tensor)
        name = name_of(tensor, self.names) if op is None else op.name
        label = f"the {kind} {name}".strip()
        if index is None or array is None:
            data = NotFinite(kind, forward=op)
            return Finding(f"{label} is not finite", [], op, fix), data
        value = np.asarray(array)[index]
        data = NotFinite(kind, None, op, index, value, _count(array))
        what = f"{label} is {_word(value)}{_at(index)} before anything is computed"
        details = [f"{data.count} of {np.size(array)} elements are not finite"]
        return Finding(what, details, op, fix), data

    def _source_value(self, tensor: Tensor) -> Any:
        if tensor in self.leaves:
            return self.leaves[tensor]
        for fault in self.walk.towards:
            if tensor in fault.op._inputs and fault.run is not None:
                return fault.run.inputs[list(fault.op._inputs).index(tensor)]
        constant = self.recorder.fault_of(tensor)
        if constant is not None and constant.run is not None:
            return constant.run.outputs[0]
        variable = None if getattr(tensor, "_is_eager", False) else variable_of(tensor)
        if variable is not None and self.store is not None:
            return self.store.cell(variable).peek()
        return None

    # ------------------------------------------------------------------ operations

    def _of_fault(self, fault: Fault, origin: Origin) -> tuple[Finding, NotFinite]:
        op, forward = fault.op, recipes.forward_of(fault.op)
        data = NotFinite(op=op, forward=forward)
        finding = Finding(f"{op.type} gave a value that is not finite", [], forward)
        case = None if fault.run is None else self._case(fault, origin, forward)
        if case is not None and fault.run is not None:
            array = _bad_output(fault.run)
            advice = recipes.recipe(case)
            data.kind, data.index, data.value = advice.kind, case.index, case.value
            data.operands, data.count = case.operands, _count(array)
            finding.what = _sentence(case, advice)
            finding.fix = advice.fix
            finding.details += recipes.described(case)
            finding.details.append(
                f"{data.count} of {array.size} elements are not finite"
            )
        if forward is not op:
            finding.details.append(f"in the derivative: {op.name} ({op.type})")
        if origin.source is not None:
            source = getattr(origin.source, "_op", None)
            if source is not None:
                finding.details.append(
                    f"the infinity is a constant of the program: {source.name}, "
                    f"made in {source.where}"
                )
        turned = origin.turned
        if turned is not None and turned is not fault:
            data.turned = turned.op
            finding.details.append(f"NaN is made of it by {_told(turned)}")
        return finding, data

    def _case(
        self, fault: Fault, origin: Origin, forward: Operation | None
    ) -> Case | None:
        run = fault.run
        assert run is not None
        array = _bad_output(run)
        index = recipes.first_bad(array)
        if index is None:
            return None
        masked = False
        turned = origin.turned
        if turned is not None and turned is not fault and turned.run is not None:
            later = _bad_output(turned.run)
            found = recipes.first_bad(later)
            if found is not None and later.shape == array.shape:
                if not np.isfinite(array[found]):
                    index = found
                    masked = _has_zero(turned, found)
        elif forward is not fault.op:
            masked = _has_zero(fault, index)
        shape = array.shape
        return Case(
            fault.op,
            forward,
            index,
            array[index],
            recipes.operands_at(run, index, shape),
            run,
            self.producer,
            masked and self._leads_to_where(forward),
        )

    def _leads_to_where(self, op: Any) -> bool:
        """Whether a tf.where takes what an operation gives, soon after it."""
        reached = [op]
        for _ in range(_MASK_DISTANCE):
            later = [c for o in reached for t in o._outputs for c in self._users(t)]
            later = [c for c in later if recipes.forward_of(c) is c]
            if any(computes(c, Function.SELECTION) for c in later):
                return True
            reached = later[:64]
        return False

    def _users(self, tensor: Tensor) -> list[Any]:
        known = getattr(tensor, "_consumers", None)
        if known is not None:
            return list(known)
        return [f for f in self._records() if any(t is tensor for t in f._inputs)]

    def _records(self) -> list[Any]:
        made = getattr(self.producer, "__self__", None)
        return list(dict.fromkeys(made.values())) if isinstance(made, dict) else []

    # ------------------------------------------------------------------ spread

    def _add_spread(
        self,
        finding: Finding,
        data: NotFinite,
        origin: Origin,
        ys: Sequence[Any],
        counts: dict[str, int],
        value: Callable[[Any], Any],
    ) -> None:
        for op, turn in origin.loops:
            what = "turn" if is_a(op, Kind.LOOP) else "call"
            finding.details.append(f"inside {op.name} ({op.type}), {what} {turn + 1}")
        start = origin.fault
        if start is None:
            users = [f for f in self.walk.towards if origin.source in f.op._inputs]
            start = min(users, key=lambda f: f.number, default=None)
        if start is not None:
            way = self.walk.way(start)
            data.way = [f.op for f in way]
            finding.details.append("spreads: " + _way_text(way))
        if ys:
            broken = any(badness(value(t)) for t in ys)
            word = "is not" if broken else "itself is"
            finding.details.append(f"y {word} finite")
        bad = [name for name, count in counts.items() if count]
        if counts:
            finding.details.append(_gradients_text(bad, len(counts)))


def _place(op: Operation) -> str:
    """` in Log (train.py:12)`."""
    if op is None:
        return ", before the tape"
    found = where(op)
    line = "" if found is None else f" ({Path(found['file']).name}:{found['line']})"
    return f" in {op.name or op.type}{line}"


def _word(value: Array) -> str:
    return "NaN" if np.isnan(value) else number(value)


def _gradients_text(bad: list[str], among: int) -> str:
    if not bad:
        return "all gradients are finite"
    shown = ", ".join(bad[:_MOST_NAMES])
    more = f" and {len(bad) - _MOST_NAMES} more" if len(bad) > _MOST_NAMES else ""
    return f"gradients that are not finite: {shown}{more} ({len(bad)} of {among})"


def _sentence(case: Case, advice: Recipe) -> str:
    op = case.forward
    part = "the derivative of " if case.is_backward else ""
    return f"{part}{op.type} made {_word(case.value)}{_at(case.index)}: {advice.why}"


def _at(index: Index) -> str:
    return f" at {index_text(index)}" if index else ""


def _has_zero(fault: Fault, index: Index) -> bool:
    """Whether an operand is zero at an element."""
    if fault.run is None:
        return False
    array = _bad_output(fault.run)
    found = recipes.operands_at(fault.run, index, array.shape)
    return any(np.size(v) == 1 and np.all(np.asarray(v) == 0) for _, v in found)


def _bad_output(run: OpRun) -> np.ndarray:
    """The result that is not finite; an empty array where it is none of numbers."""
    for value in [*run.outputs, *run.written]:
        if isinstance(value, (np.ndarray, np.generic)) and badness(value):
            return np.asarray(value)
    return np.empty(0)


def _told(fault: Fault) -> str:
    text = f"{fault.op.name} ({fault.op.type})"
    if fault.run is None:
        return text
    array = _bad_output(fault.run)
    index = recipes.first_bad(array)
    if index is None:
        return text
    found = recipes.operands_at(fault.run, index, array.shape)
    if len(found) == 2 and all(np.size(v) == 1 for _, v in found):
        mark = _SIGNS.get(traits_of(fault.op.type).function, ",")
        left, right = (number(np.asarray(v).reshape(-1)[0]) for _, v in found)
        return f"{text}: {left} {mark} {right}{_at(index)}"
    return text


def _way_text(way: Sequence[Fault]) -> str:
    names = [f.op.name if f.op.name else f.op.type for f in way]
    names = [n for i, n in enumerate(names) if not i or n != names[i - 1]]
    if len(names) > _MOST_STEPS:
        half = _MOST_STEPS // 2
        left = len(names) - 2 * half
        names = [*names[:half], f"… {left} more …", *names[-half:]]
    return " → ".join(names)


def _source_kind(tensor: Tensor, fed: bool) -> tuple[str, str]:
    op = getattr(tensor, "_op", None)
    if op is not None:
        if not fed and variable_of(tensor) is not None:
            return (
                "variable",
                "an earlier step wrote it: `with retrograd.nan_watch(loss):` around "
                "the training loop finds which",
            )
        if is_a(op, Kind.CONSTANT):
            return "constant", "see the line that makes it"
        if fed:
            return "feed", "clean the data: np.isfinite(x).all() before feeding it"
        return "tensor", "see what makes it"
    if getattr(tensor, "_is_eager", False):
        return "input", "see what made it, before the tape"
    return "tensor", "see what makes it"


def _count(array: Array) -> int:
    if array is None or not badness(array):
        return 0
    return int(np.count_nonzero(~np.isfinite(np.asarray(array))))


def _table(gradients: dict[str, Any], value: Callable[[Any], Any]) -> Table:
    rows = []
    for name, tensor in gradients.items():
        array = None if tensor is None else value(tensor)
        if tensor is None:
            rows.append([name, "none", ""])
        elif array is None:
            rows.append([name, "not computed", ""])
        else:
            word = ("finite", "infinite", "NaN")[badness(array)]
            rows.append([name, word, f"{_count(array)} of {np.size(array)}"])
    return Table(["gradient", "worst", "not finite"], rows)
