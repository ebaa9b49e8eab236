"""`retrograd.memory`: the activations that the backward pass keeps alive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrograd.explain.drawing import bars
from retrograd.explain.liveness import Timeline, nbytes
from retrograd.explain.operations import is_a
from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.sources import Sources
from retrograd.explain.trace import where
from retrograd.explain.values import number
from retrograd.grad.api import observed_gradients
from retrograd.grad.terms import dense
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.graph.trial import trial
from retrograd.ops.declare import find
from retrograd.ops.flow.effects import bodies_of
from retrograd.ops.traits import Kind
from retrograd.run.observe import Observed
from retrograd.run.plan import make_plan
from retrograd.run.witness import OpRun, Witness

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Explainable, FeedDict, Structure

#: recomputing is worth a word from here on: of the peak, in bytes, in time of the step
_WORTH, _LEAST, _DEAR = 0.2, 1 << 20, 0.35
_MOST_ROWS, _MOST_SCOPES = 30, 64


@dataclass(slots=True)
class Kept:
    """An array of the forward pass that the backward pass reads.

    Attributes:
      tensor: it.
      bytes: its size.
      readers: the forward operations whose derivatives read it.
    """

    tensor: Tensor
    bytes: int
    readers: list[Operation]


@dataclass(slots=True)
class Recomputing:
    """What computing parts of the forward pass again would change.

    Attributes:
      name: the name scope; or "each scope of depth 1" and the like.
      bytes: what of the activations that are kept now is made there.
      saved: by how much the peak falls.
      seconds: how long the operations take that run again.
      cost: the same as a share of the whole step.
      unsafe: why it would change the numbers; "" if it would not.
    """

    name: str
    bytes: int
    saved: int
    seconds: float
    cost: float
    unsafe: str


@dataclass(slots=True)
class Memory:
    """What `memory` found, for programs: the `data` of its report.

    Attributes:
      kept: the largest first.
      for_shapes: tensors of which the backward pass only wants the shape: (tensor,
        bytes); they need not be kept, and the compiled tier does not.
      scopes: bytes that are kept, by name scope.
      total: bytes of all that is kept.
      peak: the most bytes alive at once, over the order of the plan.
      peak_op: the operation at which.
      variables: bytes of the variables.
      feeds: bytes of what is fed.
      recomputing: what it would change, what saves most first.
    """

    kept: list[Kept] = field(default_factory=list)
    for_shapes: list[tuple[Tensor, int]] = field(default_factory=list)
    scopes: dict[str, int] = field(default_factory=dict)
    total: int = 0
    peak: int = 0
    peak_op: Operation | None = None
    variables: int = 0
    feeds: int = 0
    recomputing: list[Recomputing] = field(default_factory=list)


def memory(
    loss: Explainable,
    variables: Structure = None,
    feed_dict: FeedDict | None = None,
    session: BaseSession | None = None,
) -> Report:
    """What the backward pass keeps alive, the peak, and what recomputing would save.

    An activation is kept if the derivative of some operation reads its value; one that
    only asks for its shape keeps nothing. Sizes are those of one run, in tier 0; the
    peak is an estimate over the order of its plan, without what kernels need while they
    run. The graph and the session are afterwards as they were before.

    Args:
      loss: a tensor of a graph, or its name.
      variables: variables, tensors or names; by default all trainable variables that
        the loss depends on.
      feed_dict: as for `Session.run`.
      session: whose variables to use; by default the default session.

    Returns:
      A report, true where computing a name scope again (`tf.recompute_grad`) would save
      at least a fifth of a peak of at least 1 MiB for at most 35 % more time. Its
      `data` is a `Memory`.

    Raises:
      KeyError: there is no tensor of a name.
      LookupError: an operation on the way has no gradient.
      OpError: an operation failed.
      ValueError: nothing to differentiate.
    """
    sources = Sources(loss, variables, None, session, asked="memory")
    graph = sources.ys[0].graph
    observed = Observed(sources.session, graph, feed_dict)
    with trial(graph), graph.as_default():
        first = len(graph._ops)
        back = observed_gradients(list(sources.ys), list(sources.xs))
        made = frozenset(graph._ops[first:])
        gradients = [dense(g) for g in back.found if g is not None]
        fetches = list(dict.fromkeys([*sources.ys, *gradients]))
        scales = _Scales()
        for _ in range(2):  # the first run also waits for memory
            observed(fetches, witness=scales)
            scales.rest()
        plan = make_plan(fetches, [], list(observed.feeds))
        timeline = Timeline(plan, scales.bytes, made.__contains__, scales.constants)
        found = _measured(timeline, scales)
        found.feeds = sum(nbytes(v) for v in observed.feeds.values())
        found.variables = sum(
            nbytes(observed.store.cell(op).peek())
            for op in {x._op for x in sources.xs}
            if is_a(op, Kind.VARIABLE)
        )
        return _report(f"memory({sources.ys[0].name})", found)


class _Scales(Witness):
    """Bytes of tensors and seconds of operations, as a plan runs.

    Attributes:
      constants: tensors that are computed before the run.
      seconds: by operation.
    """

    def __init__(self) -> None:
        self.constants: set[Tensor] = set()
        self.seconds: dict[Operation, float] = {}
        self._bytes: dict[Tensor, int] = {}
        self._depth = 0
        self._last: float | None = None

    def bytes(self, tensor: Tensor) -> int:
        """Bytes of a tensor; 0 for what did not run."""
        return self._bytes.get(tensor, 0)

    def ran(self, run: OpRun) -> None:
        """See `Witness`."""
        if self._depth:
            return
        if run.folded:
            self.constants.update(run.op._outputs)
            return
        now = time.perf_counter()
        if self._last is not None:
            taken = now - self._last
            self.seconds[run.op] = min(taken, self.seconds.get(run.op, taken))
        for tensor, value in zip(run.op._outputs, run.outputs, strict=False):
            self._bytes[tensor] = nbytes(value)
        self._last = time.perf_counter()

    def rest(self) -> None:
        """The run has ended."""
        self._last = None

    def entered(self, body: FuncGraph, arguments: Sequence[Any]) -> None:
        """See `Witness`."""
        self._depth += 1

    def left(self, body: FuncGraph, results: Sequence[Any]) -> None:
        """See `Witness`."""
        self._depth -= 1


# ---------------------------------------------------------------------- measuring


def _measured(timeline: Timeline, scales: _Scales) -> Memory:
    found = Memory()
    for tensor, readers in timeline.kept().items():
        forward = [o._forward_op or o for o in readers]
        size = scales.bytes(tensor)
        found.kept.append(Kept(tensor, size, list(dict.fromkeys(forward))))
    found.kept.sort(key=lambda k: -k.bytes)
    found.total = sum(k.bytes for k in found.kept)
    found.for_shapes = sorted(
        ((t, scales.bytes(t)) for t in timeline.for_shapes()), key=lambda p: -p[1]
    )
    for kept in found.kept:
        scope = _scope(kept.tensor._op, 2)
        found.scopes[scope] = found.scopes.get(scope, 0) + kept.bytes
    found.peak, found.peak_op, _ = timeline.peak()
    found.recomputing = _recomputing(timeline, scales, found)
    return found


def _scope(op: Operation, depth: int) -> str:
    """The name scope of an operation, to a depth; "" for none."""
    return "/".join(op.name.split("/")[:-1][:depth])


def _recomputing(
    timeline: Timeline, scales: _Scales, found: Memory
) -> list[Recomputing]:
    """What recomputing each scope would change, and all scopes of one depth."""
    forward = [e.op for e in timeline.events if not e.backward]
    scopes: dict[str, list[Operation]] = {}
    depths: dict[int, list[str]] = {}
    for op in forward:
        parts = op.name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth])
            if name not in scopes:
                depths.setdefault(depth, []).append(name)
            scopes.setdefault(name, []).append(op)
    kept = {k.tensor._op: 0 for k in found.kept}
    for k in found.kept:
        kept[k.tensor._op] += k.bytes
    sizes = {n: sum(kept.get(o, 0) for o in ops) for n, ops in scopes.items()}
    largest = sorted((n for n in scopes if sizes[n]), key=lambda n: -sizes[n])
    total = sum(scales.seconds.values()) or 1.0

    def tried(name: str, groups: list[list[Operation]]) -> Recomputing:
        peak, _, again = timeline.peak([frozenset(g) for g in groups])
        seconds = sum(scales.seconds.get(o, 0.0) for o in again)
        size = sum(kept.get(o, 0) for g in groups for o in g)
        unsafe = _unsafe(again)
        saved = found.peak - peak
        return Recomputing(name, size, saved, seconds, seconds / total, unsafe)

    made = [tried(n, [scopes[n]]) for n in largest[:_MOST_SCOPES]]
    for depth, names in depths.items():
        alike = [scopes[n] for n in names if sizes[n]]
        if 1 < len(alike) <= _MOST_SCOPES:
            made.append(tried(f"each of {len(alike)} scopes of depth {depth}", alike))
    made = [m for m in made if m.seconds or m.saved]
    return sorted(made, key=lambda m: -m.saved)


def _unsafe(ops: Iterable[Operation]) -> str:
    """Why operations cannot run twice and give the same."""
    for op in ops:
        declaration = find(op.type)
        if declaration is None:
            continue
        if declaration.state is not None or _has_state(op):
            return f"{op.name} draws random numbers anew"
        if declaration.updates:
            return f"{op.name} changes a variable again"
    return ""


def _has_state(op: Operation) -> bool:
    return any(
        getattr(find(o.type), "state", None) is not None or _has_state(o)
        for body in bodies_of(op)
        for o in body._ops
    )


# ---------------------------------------------------------------------- telling


def _size(count: float) -> str:
    """`3.2 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 or unit == "GiB":
            return f"{count:.3g} {unit}"
        count /= 1024
    raise AssertionError


def _report(title: str, found: Memory) -> Report:
    most = "" if found.peak_op is None else f", at {found.peak_op.name}"
    verdict = (
        f"The backward pass keeps {_size(found.total)} in {len(found.kept)} "
        f"activations; the peak is {_size(found.peak)}{most}, beside "
        f"{_size(found.variables)} of variables and {_size(found.feeds)} of feeds."
    )
    tables = [_kept_table(found), _scopes_table(found)]
    if found.for_shapes:
        tables.append(_shapes_table(found))
    if found.recomputing:
        tables.append(_recomputing_table(found))
    rows = [
        (name or "(no scope)", float(size), False)
        for name, size in sorted(found.scopes.items(), key=lambda p: -p[1])[:_MOST_ROWS]
    ]
    figure = bars("bytes that the backward pass keeps, by name scope", rows)
    return Report(title, verdict, _findings(found), tables, found, [figure])


def _findings(found: Memory) -> list[Finding]:
    """The way of recomputing that saves most, where it is worth it."""
    if found.peak < _LEAST:
        return []
    for way in found.recomputing:
        worth = way.saved >= _WORTH * found.peak and way.cost <= _DEAR
        if worth and not way.unsafe:
            percent = f"{100 * way.saved / found.peak:.2g} %"
            what = (
                f"computing {way.name} again would save {_size(way.saved)} of the peak "
                f"({percent}) for {100 * way.cost:.2g} % more time"
            )
            fix = (
                "wrap what builds it: layer = tf.recompute_grad(layer); y = layer(x); "
                "in a tf.variable_scope with use_resource=True"
            )
            return [Finding(what, [], _first_of(way.name, found), fix)]
    return []


def _first_of(name: str, found: Memory) -> Operation:
    inside = [k.tensor._op for k in found.kept if k.tensor.name.startswith(f"{name}/")]
    return inside[0] if inside else found.kept[0].tensor._op


def _line(op: Operation) -> str:
    at = where(op)
    return "" if at is None else f"{Path(at['file']).name}:{at['line']}"


def _table(
    headings: Sequence[str], items: Sequence[Any], row: Callable[[Any], Sequence[str]]
) -> Table:
    rows = [row(item) for item in items[:_MOST_ROWS]]
    left = len(items) - len(rows)
    if left:
        rows.append([f"… {left} more", *[""] * (len(headings) - 1)])
    return Table(headings, rows)


def _kept_table(found: Memory) -> Table:
    def row(kept: Kept) -> Sequence[str]:
        op = kept.tensor._op
        readers = ", ".join(o.name for o in kept.readers[:3])
        return [kept.tensor.name, op.type, _size(kept.bytes), readers, _line(op)]

    headings = ["kept for the backward pass", "type", "size", "for", "line"]
    return _table(headings, found.kept, row)


def _scopes_table(found: Memory) -> Table:
    items = sorted(found.scopes.items(), key=lambda p: -p[1])

    def row(item: tuple[str, int]) -> Sequence[str]:
        share = 100 * item[1] / found.total if found.total else 0.0
        return [item[0] or "(no scope)", _size(item[1]), f"{share:.3g} %"]

    return _table(["name scope", "kept", "share"], items, row)


def _shapes_table(found: Memory) -> Table:
    def row(item: tuple[Tensor, int]) -> Sequence[str]:
        tensor, size = item
        return [tensor.name, tensor._op.type, _size(size), _line(tensor._op)]

    headings = ["only its shape is read: not kept", "type", "size", "line"]
    return _table(headings, found.for_shapes, row)


def _recomputing_table(found: Memory) -> Table:
    def row(way: Recomputing) -> Sequence[str]:
        return [
            way.name,
            _size(way.bytes),
            _size(way.saved),
            f"{number(way.seconds * 1e3)} ms",
            f"{100 * way.cost:.3g} %",
            way.unsafe,
        ]

    headings = ["computed again", "holds", "peak falls by", "costs", "of the step", ""]
    return _table(headings, found.recomputing, row)
