"""`retrograd.trace_nan`: the operation that made the first NaN or infinity, and why."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.errors import FailedPreconditionError, OpError
from retrograd.explain.faults import Recorder, Walk, recorded_faults
from retrograd.explain.nan_report import Diagnosis, NotFinite, name_of
from retrograd.explain.report import Finding, Report
from retrograd.explain.sources import Sources
from retrograd.grad.api import observed_gradients
from retrograd.grad.terms import dense
from retrograd.graph import context
from retrograd.graph.tensor import Tensor
from retrograd.graph.trial import trial
from retrograd.run.observe import Observed
from retrograd.run.store import Cell

if TYPE_CHECKING:
    from retrograd.grad.tape import GradientTape
    from retrograd.graph.operation import Operation
    from retrograd.run.session import BaseSession
    from retrograd.typing import Explainable, FeedDict, Structure
    from retrograd.variables.variable import Variable


def trace_nan(
    y: Explainable,
    feed_dict: FeedDict | None = None,
    session: BaseSession | None = None,
    wrt: Structure = None,
    *,
    tape: GradientTape | None = None,
    names: Mapping[str, Any] | None = None,
) -> Report:
    """Find the first operation that made a NaN or an infinity out of finite operands.

    The forward pass and the sweep for ∂y/∂wrt are run once, in tier 0. The graph, the
    session's variables, random numbers and queues are afterwards as they were before.

    Args:
      y: a tensor of a graph, or its name; the result of `retrograd.autograd`; or an
        eager tensor that `tape` recorded.
      feed_dict: as for `Session.run`.
      session: whose variables to use; by default the default session.
      wrt: tensors, variables or names; by default all trainable variables that y
        depends on.
      tape: a `tf.GradientTape` that is persistent, or not used yet.
      names: what the program calls its tensors, such as `locals()`.

    Returns:
      A report, true where y or a gradient is not finite; its `data` is a `NotFinite`.

    Raises:
      KeyError: there is no tensor of a name.
      OpError: an operation failed for another reason.
      ValueError: y is nothing that can be looked into.
    """
    sources = Sources(y, wrt, tape, session, names, needs_wrt=False, asked="trace_nan")
    asked = [name_of(y, sources.names) or "y" for y in sources.ys]
    title = f"trace_nan({', '.join(asked)})"
    for x, tensor in zip(sources.given, sources.xs, strict=True):
        # what autograd hands out stands for another tensor in each step
        called = (n for n, value in (names or {}).items() if value is x)
        sources.names.setdefault(tensor, next(called, ""))
    if sources.producer is not None:
        return _of_recorded(sources, title)
    graph = sources.ys[0].graph
    with trial(graph), graph.as_default():
        observed = Observed(sources.session, graph, feed_dict)
        gradients, missing = _gradients(sources)
        named = dict(zip(_names(sources), gradients, strict=True))
        report = run_and_trace(observed, sources.ys, named, [], title)
        if missing:
            report.verdict += f" ({missing})"
        return report


def _gradients(sources: Sources) -> tuple[list[Any], str]:
    """The tensors of the gradients; and a word where there is no sweep."""
    if not sources.xs:
        return [], ""
    try:
        found = observed_gradients(list(sources.ys), list(sources.xs)).found
    except (LookupError, TypeError, ValueError) as error:
        return [None] * len(sources.xs), f"forward only: {str(error).splitlines()[0]}"
    return [None if g is None else dense(g) for g in found], ""


def _names(sources: Sources) -> list[str]:
    names = []
    for given, tensor in zip(sources.given, sources.xs, strict=True):
        eager = getattr(given, "_is_eager", False)
        name = None if eager else getattr(given, "name", None)
        name = given if isinstance(given, str) else name
        known = sources.names.get(tensor) or name or name_of(tensor)
        names.append(str(known or f"x{len(names)}").partition(":")[0])
    return names


def run_and_trace(
    observed: Observed,
    ys: Sequence[Tensor],
    gradients: dict[str, Any],
    targets: Sequence[Any],
    title: str,
) -> Report:
    """Run a part of a graph and say where what is not finite in it comes from.

    Args:
      observed: runs it.
      ys: the tensors asked about.
      gradients: gradients by name; None where there is none.
      targets: operations to run as well, whose writes to variables count.
      title: that of the report.
    """
    recorder = Recorder()
    wanted = [*ys, *(g for g in gradients.values() if g is not None)]
    values: dict[Any, Any] = {}
    asked: list[Any] = list(wanted)
    try:
        values = observed(wanted, witness=recorder, targets=targets)
    except FailedPreconditionError as error:
        return _uninitialized(error, title)
    except OpError as error:
        asked = _refused_inputs(error, recorder)
        if not asked:
            raise
    walk = Walk(recorder)
    walk.run([t for t in asked if t in ys])
    # where y is at fault, a derivative that constants decide is no better origin
    others = [t for t in asked if not walk.origins or t in recorder.whole.faults]
    walk.run(others, recorder.whole.writes)
    found = Diagnosis(walk, recorder, observed.feeds, lambda t: t._op, observed.store)
    return found.report(title, ys, gradients, lambda t: values.get(t))


def _refused_inputs(error: OpError, recorder: Recorder) -> list[Any]:
    """What is not finite among the inputs of an operation that would not take it."""
    op = error.op
    if op is None:
        return []
    return [t for t in op._inputs if recorder.fault_of(t) is not None]


def _uninitialized(error: FailedPreconditionError, title: str) -> Report:
    op = error.op
    name = "a variable" if op is None else op.name
    finding = Finding(
        f"{name} has no value",
        [str(error.message).splitlines()[0]],
        op,
        "session.run(tf.global_variables_initializer()) first",
    )
    verdict = f"Nothing can be run: {name} is not initialized."
    return Report(title, verdict, [finding], data=NotFinite("uninitialized", op=op))


# ---------------------------------------------------------------------- eager


def _of_recorded(sources: Sources, title: str) -> Report:
    """What a tape recorded, and the sweep over it."""
    producer = sources.producer
    assert producer is not None
    recorder = Recorder()
    records = _forward_records(sources.ys, producer)
    backward: list[Any] = []
    gradients: list[Any] = []
    if sources.xs:
        with _recording(backward):
            gradients = _swept(sources)
    by_tensor = {t: r for r in [*records, *backward] for t in r._outputs}
    recorded_faults([*records, *backward], _eager_value, recorder)
    walk = Walk(recorder)
    named = dict(zip(_names(sources), gradients, strict=True))
    walk.run(sources.ys)
    walk.run([*(g for g in gradients if g is not None)])
    found = Diagnosis(walk, recorder, {}, by_tensor.get, None, sources.names)
    for tensor in [*sources.ys, *sources.xs]:
        found.leaves.setdefault(tensor, _eager_value(tensor))
    for record in records:
        for tensor in record._inputs:
            found.leaves.setdefault(tensor, _eager_value(tensor))
    return found.report(title, sources.ys, named, _eager_value)


def _swept(sources: Sources) -> list[Any]:
    from retrograd.grad.sweep import sweep

    wanted = list(dict.fromkeys(sources.xs))
    assert sources.producer is not None
    found = sweep(
        sources.ys,
        wanted,
        sources.seeds(None),
        producer=sources.producer,
        provenance=_Forward,
    )
    by_source = dict(zip(wanted, found, strict=True))
    return [None if (g := by_source[x]) is None else dense(g) for x in sources.xs]


class _Forward:
    """Marks what is recorded inside with the operation that is differentiated."""

    def __init__(self, op: Operation) -> None:
        self.op = op

    def __enter__(self) -> None:
        (tape,) = context.local.tapes
        self.first = len(tape.records)
        self.tape = tape

    def __exit__(self, *unused: object) -> None:
        for record in self.tape.records[self.first :]:
            record._forward_op = self.op


class _AllTape:
    """Keeps each record of what is run at once."""

    is_accumulator = False

    def __init__(self, records: list[Any]) -> None:
        self.records = records

    def record(self, record: object) -> None:
        """Keep a record."""
        self.records.append(record)

    def knows(self, tensor: Tensor) -> bool:
        """Everything is recorded."""
        del tensor
        return True

    def watch_variable(self, variable: Variable) -> None:
        """Nothing: see `knows`."""


@contextlib.contextmanager
def _recording(records: list[Any]) -> Iterator[None]:
    before, context.local.tapes = context.local.tapes, [_AllTape(records)]
    try:
        with context.eager_mode():
            yield
    finally:
        context.local.tapes = before


def _forward_records(ys: Sequence[Any], producer: Callable[[Any], Any]) -> list[Any]:
    found: dict[Any, None] = {}
    pending = list(ys)
    while pending:
        record = producer(pending.pop())
        if record is not None and record not in found:
            found[record] = None
            pending.extend(record._inputs)
    return sorted(found, key=lambda r: r._id)


def _eager_value(tensor: Tensor) -> Any:
    value = getattr(tensor, "_value", None)
    return value.peek() if isinstance(value, Cell) else value
