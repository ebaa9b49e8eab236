"""`retrograd.nan_watch`: train as before, and learn of the first NaN where it is born.

A watched run fetches one thing more, whether all is finite, which is compiled with the
step. When it is not, the steps since the last snapshot are run again, up to the one in
question, and that one is traced.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import message
from retrograd.explain.nan import run_and_trace
from retrograd.explain.operations import is_a
from retrograd.explain.report import Report
from retrograd.graph import context
from retrograd.graph.graph import Graph
from retrograd.graph.names import GraphKeys
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.graph.trial import trial
from retrograd.ops.binding import input_names
from retrograd.ops.declare import F, find, traits_of
from retrograd.ops.flow.effects import writes_of
from retrograd.ops.traits import Kind
from retrograd.run.feeds import Feed
from retrograd.run.observe import Observed
from retrograd.run.plan import Plan, make_plan
from retrograd.run.session import BaseSession, Executable

if TYPE_CHECKING:
    from retrograd.typing import Array, Explainable

#: inputs of operations that change variables: what they are changed by
_CHANGES = frozenset(("grad", "delta", "updates", "value"))


class NotFiniteError(FloatingPointError):
    """A watched step gave a NaN or an infinity.

    Attributes:
      report: what `retrograd.trace_nan` says of the step.
      step: its number among the watched runs, from 1.
    """

    def __init__(self, report: Report, step: int) -> None:
        super().__init__(f"Step {step} of nan_watch is not finite.\n{report.text}")
        self.report = report
        self.step = step


class _Watched(Executable):
    """What to run for some fetches and feeds, and whether all in it is finite.

    Attributes:
      matters: whether running it changes what later runs give, or is to be checked.
      outside: tensors whose values come from queues, Python functions and the like.
      step: the fetches and targets that the program asked for.
    """

    def __init__(
        self,
        watch: nan_watch,
        session: BaseSession,
        elements: Sequence[Any],
        feeds: list[Feed],
    ) -> None:
        self.watch = watch
        self.step = list(elements)
        tensors = [e for e in elements if isinstance(e, Tensor)]
        targets = [e for e in elements if isinstance(e, Operation)]
        fed = [f.tensor for f in feeds]
        plan = make_plan(tensors, targets, fed)
        self.losses = [t for t in watch.losses if _is_made(t, plan)]
        self.changes = _changes(session.graph, plan)
        self.outside = _outside(plan)
        with trial(session.graph), session.graph.as_default():
            checked = [*self.losses, *dict.fromkeys(self.changes.values())]
            extra = [_all_finite(checked)] if checked else []
            self.checks = bool(extra)
            self.count = len(self.step)
            wanted = [*self.step, *extra, *self.outside]
            super().__init__(session, wanted, feeds)
        self.matters = self.checks or any(_has_effect(op) for op in plan.ops)
        self._again: Executable | None = None

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Run with the given feed values; the results, element by element."""
        if not (self.matters and self.watch.active):
            return list(super().run(values))[: self.count]
        self.watch.before()
        given = [self.watch.copied(v) for v in values]
        try:
            results = list(super().run(values))
        except Exception:
            self.watch.interrupted()
            raise
        self.watch.after(self, given, results[self.count :])
        return results[: self.count]

    def traced(self, values: Sequence[Any]) -> Any:
        """As `run`, and what each operation did; nothing is watched."""
        results, steps = super().traced(values)
        return results[: self.count], steps

    def again(self, session: BaseSession, given: Sequence[Any]) -> None:
        """Run once more, with what came from outside as feeds."""
        if not self.outside:
            super().run(given)
            return
        if self._again is None:
            feeds = [*self.feeds, *map(Feed, self.outside)]
            self._again = Executable(session, self.step, feeds)
        self._again.run(given)


class nan_watch:
    """A context around a training loop that tells of the first NaN or infinity.

    Runs of the session go on as before, compiled, and fetch one truth value more:
    whether the loss and all that variables are changed by (gradients, updates) are
    finite. When they are not, the step is run again from a snapshot and traced as
    `retrograd.trace_nan` does. The graph may be finalized; it and the session are
    afterwards as they would be without the watch. A callable of `make_callable` is
    watched if it is made inside. While a step is run again, no other thread may use the
    variables.

    What it costs a step in the compiled tier, in ms of CPU time, medians on two busy
    cores (benchmarks/work/nan_watch.py), batch 64, Adam: for an MLP 784-256-128-10 1.77
    instead of 1.47, for the check, for a copy of the feed, and for waiting; for LeNet
    85.6 instead of 81.6.

        with retrograd.nan_watch(loss, session):
            for batch in data:
                session.run(train, {x: batch})

    Args:
      loss: a tensor, its name, or a list of these, checked where a run computes it; by
        default only what variables are changed by is checked.
      session: the session; by default the default session.
      every: steps between snapshots of the variables and the state of random numbers;
        as many steps' feeds are kept, copied.
      raises: whether to raise; else reports are collected in `reports`, one for each
        time that finite steps end.
      memory: bytes of feeds after which a snapshot is taken before its time.

    Attributes:
      reports: what was found: (number of the step, report).

    Raises:
      NotFiniteError: from `Session.run`, in the step in question, whose updates have
        been made.
      TypeError: there is no session, or not one of this package.
      ValueError: the session is watched already, or a loss is not of its graph.
    """

    def __init__(
        self,
        loss: Explainable | None = None,
        session: BaseSession | None = None,
        every: int = 100,
        *,
        raises: bool = True,
        memory: int = 1 << 28,
    ) -> None:
        if every < 1:
            raise ValueError(f"nan_watch: every is {every}, and must be at least 1.")
        self._given = [] if loss is None else loss
        self._session_given = session
        self.every, self.raises, self.memory = every, raises, memory
        self.reports: list[tuple[int, Report]] = []
        self.losses: list[Tensor] = []
        self.active = False
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._snapshot: dict[Any, Any] | None = None
        self._kept: list[tuple[_Watched, list[Any]]] = []
        self._bytes = 0
        #: arrays to copy feeds into, by shape and dtype
        self._spare: dict[Any, list[np.ndarray]] = {}

    def copied(self, value: Array | None) -> Any:
        """A copy of what is fed, which the program may change after the run."""
        if not isinstance(value, np.ndarray):
            return value
        # memory that was written to before takes half the time
        spare = self._spare.get((value.shape, value.dtype))
        if not spare:
            return value.copy()
        array = spare.pop()
        np.copyto(array, value)
        return array

    def _recycle(self) -> None:
        """Begin anew; what was kept is there to be written over."""
        kept = self._kept
        self._forget()
        for step, values in kept:
            for value in values[: len(step.feeds)]:
                if isinstance(value, np.ndarray):
                    key = (value.shape, value.dtype)
                    self._spare.setdefault(key, []).append(value)

    # ------------------------------------------------------------------ context

    def __enter__(self) -> nan_watch:
        session = self._session_given or context.get_default_session()
        if not isinstance(session, BaseSession):
            raise TypeError(
                message(
                    "nan_watch: there is no session to watch.",
                    got=repr(session),
                    fix="pass session=…, or use it inside `with tf.Session():`",
                )
            )
        if session._make_executable is not Executable:
            raise ValueError("nan_watch: the session is watched already.")
        given = self._given if isinstance(self._given, (list, tuple)) else [self._given]
        self.losses = [_loss(session.graph, item) for item in given]
        self._session = session
        self._forget()
        self._steps, self._broken = 0, False
        with session._lock:
            self._before = session._calls, session._executables
            session._calls, session._executables = {}, {}
            session._make_executable = self._make
        self.active = True
        return self

    def __exit__(self, *unused: object) -> None:
        self.active = False
        session = self._session
        with session._lock:
            session._calls, session._executables = self._before
            session._make_executable = Executable
        self._forget()

    def _make(self, *arguments: Any) -> Executable:
        return _Watched(self, *arguments)

    # ------------------------------------------------------------------ steps

    def before(self) -> None:
        """Called before each run that matters."""
        with self._lock:
            full = len(self._kept) >= self.every or self._bytes > self.memory
            if self._snapshot is None or full:
                self._recycle()
                self._snapshot = self._session._store.snapshot()

    def interrupted(self) -> None:
        """Called when a run fails: what it has changed by then is not known."""
        with self._lock:
            self._forget()

    def after(self, step: _Watched, given: list[Any], extra: list[Any]) -> None:
        """Called after each run that matters.

        Args:
          step: what was run.
          given: the values that were fed.
          extra: whether all was finite, if that was checked; then what came from
            outside.

        Raises:
          NotFiniteError: it was not.
        """
        with self._lock:
            self._steps += 1
            finite = bool(extra[0]) if step.checks else True
            values = [*given, *map(_own, extra[int(step.checks) :])]
            self._kept.append((step, values))
            self._bytes += sum(getattr(v, "nbytes", 0) for v in values)
            was_broken, self._broken = self._broken, not finite
            if finite or was_broken:
                return
            report = self._trace(step, values)
            self.reports.append((self._steps, report))
        if self.raises:
            raise NotFiniteError(report, self._steps)

    def _trace(self, step: _Watched, values: list[Any]) -> Report:
        """Run the kept steps again, and trace the last."""
        store = self._session._store
        now = store.snapshot()
        assert self._snapshot is not None
        try:
            with store.kept():  # of queues; variables may be taken over meanwhile
                store.restore(self._snapshot)
                for earlier, fed in self._kept[:-1]:
                    earlier.again(self._session, fed)
                return self._traced(step, values)
        finally:
            store.restore(now)

    def _traced(self, step: _Watched, values: list[Any]) -> Report:
        graph = self._session.graph
        fed = [*(f.tensor for f in step.feeds), *step.outside]
        observed = Observed(self._session, graph)
        observed.feeds.update(zip(fed, values, strict=True))
        targets = [e for e in step.step if isinstance(e, Operation)]
        title = f"step {self._steps} of nan_watch"
        report = run_and_trace(observed, step.losses, step.changes, targets, title)
        if not report:
            report.verdict = (
                "The step was not finite, but run again, from a snapshot, it is: "
                "something else than feeds, variables, random numbers and queues "
                "decides (another thread, the rounding of the compiled tier)."
            )
        return report


# ---------------------------------------------------------------------- what is checked


def _loss(graph: Graph, item: object) -> Tensor:
    found = graph.as_graph_element(item, allow_operation=False)
    if not found.dtype.base_dtype.is_floating:
        raise ValueError(f"nan_watch: {found.name} has dtype {found.dtype.name}.")
    return found


def _is_made(tensor: Tensor, plan: Plan) -> bool:
    return tensor in plan.fetches or tensor._op in plan.ops


def _changes(graph: Graph, plan: Plan) -> dict[str, Tensor]:
    """By name of variable, what the operations of a plan change it by.

    Of plain assignments, those to trainable variables: others are initial values,
    counters and records, which may be infinite.
    """
    trainable = {v.op for v in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)}
    found: dict[str, Tensor] = {}
    for op in plan.ops:
        written = writes_of(op)
        sets = traits_of(op.type).initializes
        if not written or (sets and written[0] not in trainable):
            continue
        for name, tensor in zip(input_names(op), op._inputs, strict=True):
            if name in _CHANGES and tensor.dtype.base_dtype.is_floating:
                found[written[0].name] = tensor
    return found


def _all_finite(tensors: Iterable[Tensor]) -> Tensor:
    """A bool scalar: whether all elements of some tensors are finite."""
    with context.get_default_graph().control_dependencies(None):
        each = [
            F.All(F.IsFinite(t), F.Range(0, F.Rank(t), 1), keep_dims=False)
            for t in tensors
        ]
        whole = each[0]
        for part in each[1:]:
            whole = F.LogicalAnd(whole, part)
        return whole


def _outside(plan: Plan) -> list[Tensor]:
    """What a plan takes from queues, Python functions and the like."""
    return [
        tensor
        for op in plan.ops
        if _is_outside(op)
        for tensor in op._outputs
        if tensor.dtype.base_dtype.name not in ("resource", "variant")
        and not tensor.dtype._is_ref_dtype
    ]


def _is_outside(op: Operation) -> bool:
    declaration = find(op.type)
    if declaration is None or op._op_def is None or is_a(op, Kind.VARIABLE):
        return False
    known = declaration.state or declaration.updates or declaration.reads
    shared = op._op_def.is_stateful or bool(declaration.cells)
    return shared and not known and not op._op_def.calls


def _has_effect(op: Operation) -> bool:
    declaration = find(op.type)
    hidden = declaration is not None and declaration.state is not None
    return hidden or bool(writes_of(op))


def _own(value: Array | None) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
