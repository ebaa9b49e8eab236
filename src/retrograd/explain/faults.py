"""Where values that are not finite come from: recorded as a plan runs, walked back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.arrays.list_value import TensorList
from retrograd.arrays.optional import Optional as OptionalValue
from retrograd.explain.operations import is_a
from retrograd.graph.function import FuncGraph
from retrograd.graph.tensor import Tensor
from retrograd.ops.flow.effects import variable_of, writes_of
from retrograd.ops.traits import Kind
from retrograd.run.witness import OpRun, Witness

if TYPE_CHECKING:
    from retrograd.typing import Array

#: how bad a value is
FINITE, INFINITE, NAN = range(3)
#: runs of which operands and results are kept
_MOST_KEPT = 256


def badness(value: object) -> int:
    """FINITE, INFINITE or NAN: the worst of a value's elements."""
    if isinstance(value, TensorList):
        items = [v for v in value.items if v is not None]
        return max(map(badness, items), default=FINITE)
    if isinstance(value, OptionalValue):
        return max(map(badness, value.values or ()), default=FINITE)
    if not isinstance(value, (np.ndarray, np.generic)) or not _has_nan(value.dtype):
        return FINITE
    if np.isfinite(value).all():
        return FINITE
    return NAN if np.isnan(value).any() else INFINITE


def _is_container(value: Array | None) -> bool:
    return isinstance(value, (TensorList, OptionalValue))


def _has_nan(dtype: np.dtype) -> bool:
    # kind V: bfloat16 and the like
    return dtype.kind in "fc" or (dtype.kind == "V" and dtype.fields is None)


@dataclass(slots=True, eq=False)
class Call:
    """One run of a graph: of the whole plan, or of a function that an operation calls.

    Attributes:
      body: the function; None for the whole.
      turn: how often the calling operation had called this function before.
      arguments: how bad each argument was.
      results: how bad each result was.
      faults: what made each tensor that is not finite.
      writes: what last made each variable not finite.
      caller: the run of the operation that made the call, if that gave a fault.
    """

    body: FuncGraph | None
    turn: int = 0
    arguments: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    faults: dict[Any, Fault] = field(default_factory=dict)
    writes: dict[Any, Fault] = field(default_factory=dict)
    caller: Fault | None = None


@dataclass(slots=True, eq=False)
class Fault:
    """One run of an operation that gave a value that is not finite.

    Attributes:
      op: the operation (or record).
      number: its place among all runs of operations.
      call: what it was part of.
      bad_inputs: how bad each input was.
      bad_outputs: how bad each output was.
      calls: for an operation that calls functions, the calls.
      run: operands and results; None where it was not the first to have such a value.
    """

    op: Any
    number: int
    call: Call
    bad_inputs: list[int]
    bad_outputs: list[int]
    calls: list[Call]
    run: OpRun | None

    @property
    def worst(self) -> int:
        """How bad the worst of its results was."""
        return max(self.bad_outputs, default=FINITE)


class Recorder(Witness):
    """Keeps, of a run, the operations that gave values that are not finite.

    Attributes:
      whole: the run itself.
    """

    def __init__(self) -> None:
        self.whole = Call(None)
        self._stack = [self.whole]
        #: for each call that goes on, the calls that its operation at hand has made
        self._inner: list[list[Call]] = [[]]
        #: whether a list or an optional value may hold what is not finite
        self._stored = False
        #: what depends on constants alone gave, before the run
        self.folded: dict[Any, Fault] = {}
        self._number = self._kept = 0

    def fault_of(self, tensor: Tensor) -> Fault | None:
        """What made a tensor of the run itself not finite; None if it is finite."""
        return self.whole.faults.get(tensor) or self.folded.get(tensor)

    def ran(self, run: OpRun) -> None:
        """See `Witness`."""
        self._number += 1
        calls, self._inner[-1] = self._inner[-1], []
        changed = [v for v in run.written if badness(v)]
        if not self._stored and any(_is_container(v) for v in run.outputs):
            self._stored = any(map(badness, run.inputs))
        bad_outputs = [self._badness(v) for v in run.outputs]
        if not any(bad_outputs) and not changed:
            return
        bad_inputs = [self._badness(v) for v in run.inputs]
        worst = max([*bad_outputs, *map(badness, changed)])
        kept = worst > max(bad_inputs, default=FINITE) and self._kept < _MOST_KEPT
        self._kept += kept
        call = self._stack[-1]
        fault = Fault(
            run.op,
            self._number,
            call,
            bad_inputs,
            bad_outputs or [worst],
            calls,
            run if kept else None,
        )
        for inner in calls:
            inner.caller = fault
        place = self.folded if run.folded else call.faults
        for tensor, bad in zip(run.op._outputs, bad_outputs, strict=True):
            if bad:
                place[tensor] = fault
        if changed:
            self._note_writes(run, fault)

    def _badness(self, value: Array | None) -> int:
        """As `badness`; a loop's lists are not searched as long as all is well."""
        if not self._stored and _is_container(value):
            return FINITE
        return badness(value)

    def _note_writes(self, run: OpRun, fault: Fault) -> None:
        for variable, value in zip(writes_of(run.op), run.written, strict=False):
            if badness(value):
                self.whole.writes[variable] = fault

    def entered(self, body: FuncGraph, arguments: Sequence[Any]) -> None:
        """See `Witness`."""
        before = [c for c in self._inner[-1] if c.body is body]
        call = Call(body, len(before), [self._badness(a) for a in arguments])
        self._inner[-1].append(call)
        self._stack.append(call)
        self._inner.append([])

    def left(self, body: FuncGraph, results: Sequence[Any]) -> None:
        """See `Witness`."""
        del body
        self._stack.pop().results = [self._badness(r) for r in results]
        self._inner.pop()


# ---------------------------------------------------------------------- walking back


@dataclass(slots=True, eq=False)
class Origin:
    """Where values that are not finite come from.

    Attributes:
      fault: the operation that made one out of finite operands; None where it was there
        before the run.
      source: the tensor (a feed, a variable, a constant) that had one before.
      number: what happened before is smaller.
      turned: where an infinity became NaN, on the way to what was asked; or None.
      loops: the operations whose functions it happened in, outermost first, and in
        which turn.
    """

    fault: Fault | None
    source: Any
    number: int
    turned: Fault | None
    loops: list[tuple[Any, int]]


@dataclass(slots=True)
class _Visit:
    """A fault on the way back, and what led to it."""

    fault: Fault
    turned: Fault | None
    loops: list[tuple[Any, int]]


class Walk:
    """Goes back from tensors through what was not finite.

    Args:
      recorder: what ran.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.origins: list[Origin] = []
        #: for each fault, the one that it was reached from: a step towards the target
        self.towards: dict[Fault, Fault | None] = {}

    def run(self, targets: Iterable[Any], variables: Iterable[Any] = ()) -> None:
        """Find all origins of what is not finite in some tensors and variables."""
        whole, found = self.recorder.whole, map(self.recorder.fault_of, targets)
        starts = [fault for fault in found if fault is not None]
        starts += [whole.writes[v] for v in variables if v in whole.writes]
        pending = []
        for fault in dict.fromkeys(starts):
            if fault not in self.towards:
                self.towards[fault] = None
                pending.append(_Visit(fault, None, []))
        while pending:
            visit = pending.pop()
            for found, turned, loops in self._before(visit):
                if found not in self.towards:
                    self.towards[found] = visit.fault
                    pending.append(_Visit(found, turned, loops))

    def first(self) -> Origin | None:
        """The origin that came first.

        An infinity that the program wrote itself, such as a mask of -inf, is none: then
        it is the operation that made NaN of it.
        """
        if not self.origins:
            return None
        return min(self.origins, key=lambda o: o.number)

    def way(self, fault: Fault) -> list[Fault]:
        """From a fault to the target that it was found from."""
        path, current = [], fault
        while current is not None:
            path.append(current)
            current = self.towards.get(current)
        return path

    # ------------------------------------------------------------------ one step

    def _before(
        self, visit: _Visit
    ) -> list[tuple[Fault, Fault | None, list[tuple[Any, int]]]]:
        """The faults that a fault's values come from; notes where there are none."""
        fault, turned, loops = visit.fault, visit.turned, visit.loops
        inside = self._turning_call(fault)
        if inside is not None:
            within = [*loops, (fault.op, inside.turn)]
            found = self._inside(inside)
            if found:
                return [(f, turned, within) for f in found]
        worst = fault.worst
        bad = _inputs(fault, worst)
        if worst == NAN and not bad:
            bad = _inputs(fault, INFINITE)
            turned = fault if bad else turned
        if not bad:
            self.origins.append(Origin(fault, None, fault.number, turned, loops))
            return []
        result = []
        for tensor, user in self._outward(fault, bad):
            earlier = self._maker(tensor, user)
            if earlier is not None and not _is_constant(earlier):
                result.append((earlier, turned, loops[: _depth(earlier)]))
            else:
                self._at_source(tensor, earlier, user, turned, loops)
        return result

    def _outward(self, fault: Fault, tensors: Iterable[Any]) -> list[tuple[Any, Fault]]:
        """Tensors and what used them; parameters of functions are followed outwards."""
        found = []
        pending = [(t, fault) for t in tensors]
        while pending:
            tensor, user = pending.pop()
            call = user.call
            inside = call.body is not None and any(
                tensor is t for t in call.body.inputs
            )
            if inside and call.caller is not None:
                worst = _inputs(call.caller, INFINITE)
                pending += [(t, call.caller) for t in worst]
            else:
                found.append((tensor, user))
        return found

    def _turning_call(self, fault: Fault) -> Call | None:
        """The first call whose results are worse than what it was given."""
        for call in fault.calls:
            if max(call.results, default=0) > max(call.arguments, default=0):
                return call
        return None

    def _inside(self, call: Call) -> list[Fault]:
        assert call.body is not None
        return [
            call.faults[t]
            for t, bad in zip(call.body.outputs, call.results, strict=False)
            if bad and t in call.faults
        ]

    def _maker(self, tensor: Tensor, user: Fault) -> Fault | None:
        """What made a tensor, or the variable that it refers to, not finite."""
        found = user.call.faults.get(tensor) or self.recorder.folded.get(tensor)
        if found is None and isinstance(tensor, Tensor):
            variable = _variable(tensor)
            written = self.recorder.whole.writes.get(variable)
            if written is not None and written.number < user.number:
                return written
        return found

    def _at_source(
        self,
        tensor: Tensor,
        constant: Fault | None,
        user: Fault,
        turned: Fault | None,
        loops: list[tuple[Any, int]],
    ) -> None:
        """Note what had a value that is not finite before the run."""
        if constant is not None and turned is not None and constant.worst == INFINITE:
            self.origins.append(Origin(turned, tensor, turned.number, turned, loops))
            return
        number = 0 if constant is None else user.number
        self.origins.append(Origin(None, tensor, number, turned, loops))


def _inputs(fault: Fault, least: int) -> list[Any]:
    """The inputs of an operation that are at least so bad, each once."""
    pairs = zip(fault.op._inputs, fault.bad_inputs, strict=False)
    return list(dict.fromkeys(t for t, bad in pairs if bad >= least))


def _depth(fault: Fault) -> int:
    """In how many functions an operation ran."""
    depth, call = 0, fault.call
    while call.caller is not None:
        depth, call = depth + 1, call.caller.call
    return depth


def _variable(tensor: Tensor) -> Any:
    if getattr(tensor, "_is_eager", False):
        return None
    return variable_of(tensor)


def _is_constant(fault: Fault) -> bool:
    return is_a(fault.op, Kind.CONSTANT)


# ---------------------------------------------------------------------- eager


def recorded_faults(
    records: Iterable[Any], value: Callable[[Any], Any], recorder: Recorder
) -> None:
    """Tell a recorder of operations that were run at once, oldest first."""
    for record in records:
        inputs = [value(t) for t in record._inputs]
        outputs = [value(t) for t in record._outputs]
        recorder.ran(OpRun(record, inputs, outputs))
