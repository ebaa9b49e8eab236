"""`retrograd.why_none`: why a gradient is None, or zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import OpError, message
from retrograd.explain import breaks, zeros
from retrograd.explain.connection import Connection
from retrograd.explain.elements import at_once
from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.separation import separation
from retrograd.explain.sources import Sources, tensor_of
from retrograd.explain.unrecorded import unrecorded, used
from retrograd.explain.values import shown
from retrograd.explain.wording import called
from retrograd.grad.api import observed_gradients
from retrograd.grad.reach import is_continuous
from retrograd.grad.sweep import Step, sweep
from retrograd.graph import context
from retrograd.graph.function import FuncGraph
from retrograd.graph.names import GraphKeys
from retrograd.graph.trial import trial
from retrograd.ops.declare import F
from retrograd.run.observe import Observed

if TYPE_CHECKING:
    from retrograd.grad.tape import GradientTape
    from retrograd.graph.graph import Graph
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.run.session import BaseSession
    from retrograd.typing import Array, Explainable, FeedDict, Structure

#: findings that are shown for one x
_MOST = 4


def why_none(
    y: Explainable,
    x: Explainable | None = None,
    feed_dict: FeedDict | None = None,
    session: BaseSession | None = None,
    *,
    stop_gradients: Structure = None,
    tape: GradientTape | None = None,
    names: Mapping[str, Any] | None = None,
) -> Report:
    """Why ∂y/∂x is None, or zero: the operation, its line and the way out.

        x = tf.placeholder(tf.float32, [3])
        y = tf.reduce_sum(tf.cast(tf.cast(x, tf.int32), tf.float32))
        print(retrograd.why_none(y, x))  # None because of tf.cast to int32 in a.py:2

        with tf.GradientTape() as tape:
            y = x * x
            tape.watch(x)
        print(retrograd.why_none(y, x, tape=tape))  # x was watched after y was made

    The graph and the session are left as they were.

    Args:
      y: a tensor of a graph, its name, or a list of these; or an eager tensor.
      x: a tensor, a variable, a name, or a list; by default all trainable variables.
      feed_dict, session: as for `tf.Session.run`, to look at numbers where the gradient
        is not None; by default the default session.
      stop_gradients: as for `tf.gradients`.
      tape: the `tf.GradientTape` that should have recorded y.
      names: what the program calls eager tensors, such as `locals()`.

    Returns:
      A report. It has no finding where the gradient is healthy: a tensor, and not zero
      for these feeds. `data` holds for each x "none", "zero", "error" or "healthy".

    Raises:
      KeyError: there is no tensor of a name.
    """
    ys = list(y) if isinstance(y, (list, tuple)) else [y]
    first = ys[0]
    if tape is not None or hasattr(first, "backward"):
        answers = _of_records(ys, x, tape, names)
    elif getattr(first, "_is_eager", False):
        answers = [_without_tape()]
    else:
        answers = _of_graph(ys, x, feed_dict, session, stop_gradients)
    return _report(answers)


@dataclass(slots=True)
class _Answer:
    """What is known of one x.

    Attributes:
      y, x: what they are called.
      state: "none", "zero", "error" or "healthy".
      verdict: one sentence.
    """

    y: str
    x: str
    state: str
    verdict: str
    findings: list[Finding] = field(default_factory=list)


def _report(answers: Sequence[_Answer]) -> Report:
    wrong = [a for a in answers if a.state != "healthy"]
    findings: dict[Any, Finding] = {}
    for answer in wrong:
        for finding in answer.findings[:_MOST]:
            kept = findings.setdefault((finding.op, finding.what), finding)
            if len(answers) > 1:
                kept.details.append(f"concerns {answer.x}")
    tables = []
    if len(answers) == 1:
        verdict = answers[0].verdict
        title = f"why_none: ∂{answers[0].y}/∂{answers[0].x}"
    else:
        verdict = f"{len(wrong)} of {len(answers)} gradients are missing or zero."
        if not wrong:
            verdict = f"All {len(answers)} gradients are healthy."
        title = f"why_none: the derivatives of {answers[0].y}"
        rows: list[Sequence[str]] = [(a.x, a.state, a.verdict) for a in answers]
        tables = [Table(("x", "gradient", "because"), rows)]
    data = {a.x: a.state for a in answers}
    return Report(title, verdict, list(findings.values()), tables, data)


# ---------------------------------------------------------------------- graphs


def _of_graph(
    ys: Sequence[Any],
    x: object,
    feed_dict: FeedDict | None,
    session: BaseSession | None,
    stop: Sequence[Any],
) -> list[_Answer]:
    graph = next((g for y in ys if (g := getattr(y, "graph", None))), None)
    if graph is None:
        graph = context.get_default_graph() if session is None else session.graph
    tensors = [tensor_of(graph, y) for y in ys]
    if session is None:
        session = context.get_default_session()
    if x is None:
        x = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
        if not x:
            raise ValueError(
                message(
                    "why_none: no x is named, and there is no trainable variable.",
                    fix="why_none(y, x)",
                )
            )
    given = x if isinstance(x, (list, tuple)) else [x]
    xs = [part for one in given for part in _parts(one)]
    stops = stop if isinstance(stop, (list, tuple)) else [stop]
    stopped = [tensor_of(graph, s) for s in stops if s is not None]
    return [
        _OneOfGraph(tensors, tensor_of(graph, one), one, stopped).answer(
            feed_dict, session
        )
        for one in xs
    ]


def _parts(x: object) -> Sequence[Any]:
    """The variables that a partitioned one consists of; others alone."""
    whole = getattr(x, "_get_variable_list", None)
    return [x] if whole is None else whole()


class _OneOfGraph:
    """The derivative of ys by one x, tensors of a graph."""

    def __init__(
        self, ys: Structure, x: Any, given: object, stop: Sequence[Any]
    ) -> None:
        self.ys, self.x, self.given, self.stop = ys, x, given, stop
        self.graph = ys[0].graph
        self.names = called(ys[0]), called(x)

    def answer(
        self, feed_dict: FeedDict | None, session: BaseSession | None
    ) -> _Answer:
        """What is to say of it."""
        if self.x.graph is not self.graph and not _encloses(self.x, self.graph):
            return _none(self.names, [_other_graph(self.names, self.x)])
        with trial(self.graph), self.graph.as_default(), _no_control(self.graph):
            connection = Connection(self.ys, self.x, lambda t: t.op, self.stop)
            if not connection.exists:
                return _none(self.names, separation(connection, self.given))
            try:
                back = observed_gradients(
                    self.ys, self.x, stop_gradients=list(self.stop)
                )
            except Exception as error:  # whatever a rule of the program raises
                return self._failed(connection, error)
            (gradient,) = back.found
            if gradient is None:
                return _broken(self.names, connection)
            return self._existing(gradient, back.steps, feed_dict, session)

    def _failed(self, connection: Connection, error: Exception) -> _Answer:
        text = str(error).split("\n")[0]
        verdict = f"{_of(*self.names)} is not None: tf.gradients raises {_kind(error)}."
        found = [b for b in connection.breaks() if b.error is not None]
        op = found[0].op if found else None
        fix = (
            "register a gradient, or put tf.stop_gradient around it"
            if isinstance(error, LookupError)
            else "mend the gradient function; retrograd.check_custom tries it out"
        )
        finding = Finding(text, [], op, fix)
        return _Answer(*self.names, "error", verdict, [finding])

    def _existing(
        self,
        gradient: Any,
        steps: list[Step],
        feed_dict: FeedDict | None,
        session: BaseSession | None,
    ) -> _Answer:
        if zeros.zero_by_construction(gradient):
            value: Any = _always_zero
        else:
            found = self._values(gradient, steps, feed_dict, session)
            if isinstance(found, str):
                return _healthy(self.names, steps, found)
            value = found
        return _valued(self.names, gradient, steps, value, _always)

    def _values(
        self,
        gradient: object,
        steps: Sequence[Step],
        feed_dict: FeedDict | None,
        session: BaseSession | None,
    ) -> Callable[[Any], Any] | str:
        """The array of each tensor of the sweep; or why there are no numbers."""
        made = [t for s in steps for t in (*s.douts, *s.terms)]
        used = [t for s in steps for t in s.op.inputs]
        items = {id(t): t for t in (gradient, *made, *used) if t is not None}
        plain = dict(zip(items, zeros.arrays(list(items.values())), strict=True))
        try:
            observed = Observed(session, self.graph, feed_dict)
            run = observed([t for t in plain.values() if t is not None])
        except (OpError, ValueError, TypeError, LookupError, NotImplementedError) as e:
            return str(getattr(e, "message", e)).split("\n")[0]

        def value(item: Tensor | None) -> Any:
            tensor = plain.get(id(item))
            return None if tensor is None else run.get(tensor)

        return value


def _no_control(graph: Graph) -> Any:
    return graph.control_dependencies(None)


def _encloses(x: Tensor, graph: Graph) -> bool:
    """Whether a graph is a function's body, somewhere inside that of x."""
    while isinstance(graph, FuncGraph):
        graph = graph.outer_graph
        if graph is x.graph:
            return True
    return False


def _other_graph(names: tuple[str, str], x: Tensor) -> Finding:
    y_name, x_name = names
    return Finding(
        f"{x_name} belongs to another graph than {y_name}.",
        [],
        x.op,
        "make both inside one `with tf.Graph().as_default():`",
    )


def _always_zero(item: Any) -> Any:
    """Stands for numbers where a gradient is zero whatever they are."""
    tensor = item.values if hasattr(item, "values") else item
    return np.zeros(1) if zeros.zero_by_construction(tensor) else np.ones(1)


def _always(step: Step, position: int, term: Any) -> bool:
    del step, position
    return zeros.zero_by_construction(term)


# ---------------------------------------------------------------------- records


def _without_tape() -> _Answer:
    finding = Finding(
        "y was computed at once, and an eager tensor does not remember how.",
        [],
        None,
        "compute it inside `with tf.GradientTape() as tape:` and pass tape=tape",
    )
    return _none(("y", "x"), [finding])


def _of_records(
    ys: Sequence[Any],
    x: object,
    tape: GradientTape | None,
    names: Mapping[str, Any] | None,
) -> list[_Answer]:
    if tape is not None and tape._used:
        return [_none(("y", "x"), [used()])]
    sources = Sources(list(ys), x, tape, None, names, asked="why_none")
    assert sources.producer is not None
    with at_once():
        return [
            _of_record(sources, xi, one, tape)
            for xi, one in zip(sources.xs, sources.given, strict=True)
        ]


def _of_record(
    sources: Sources, x: Tensor, given: Any, tape: GradientTape | None
) -> _Answer:
    ys, producer = sources.ys, sources.producer
    assert producer is not None
    names = _record_name(ys[0], sources, "y"), _record_name(x, sources, "x")
    connection = Connection(ys, x, producer, names={x: names[1]})
    if tape is not None and not (
        connection.exists and tape.knows(x) and tape.knows(ys[0])
    ):
        return _none(names, unrecorded(tape, ys[0], x, given, names))
    if not connection.exists:
        what = f"{names[0]} does not depend on {names[1]}."
        return _none(names, [Finding(what, [], None, "")])
    steps: list[Step] = []
    floats = [y for y in ys if is_continuous(y)]
    seeds = [F.OnesLike(y) for y in floats]
    (gradient,) = sweep(floats, [x], seeds, producer=producer, observe=steps.append)
    if gradient is None:
        return _broken(names, connection)
    return _valued(names, gradient, steps, _eager_array, _declared_zero)


def _record_name(tensor: Tensor, sources: Sources, otherwise: str) -> str:
    if not getattr(tensor, "_is_eager", False):
        return called(tensor)
    return sources.names.get(tensor) or otherwise


def _eager_array(item: Tensor | None) -> Any:
    (tensor,) = zeros.arrays([item])
    value = getattr(tensor, "_value", None)
    return value if isinstance(value, (np.ndarray, np.generic)) else None


def _declared_zero(step: Step, position: int, term: Array) -> bool:
    """Whether a record's rule gives zeros for all values, by its notation."""
    del term
    return zeros.rule(step.op, position).endswith("= 0")


# ---------------------------------------------------------------------- answers


def _of(y: str, x: str) -> str:
    return f"∂{y}/∂{x}"


def _kind(error: Exception) -> str:
    return type(error).__name__


def _healthy(names: tuple[str, str], steps: Sequence[Step], without: str) -> _Answer:
    verdict = f"{_of(*names)} is a tensor, carried by {_count(steps)}"
    verdict += f"; no numbers were looked at: {without}"
    return _Answer(*names, "healthy", verdict)


def _count(steps: Sequence[Step]) -> str:
    return f"{len(steps)} operation{'s' * (len(steps) != 1)}"


def _valued(
    names: tuple[str, str],
    gradient: object,
    steps: Sequence[Step],
    value: Callable[[Any], Any],
    always: Callable[..., bool],
) -> _Answer:
    """The answer for a gradient that is a tensor, by its numbers."""
    array = value(gradient)
    if not zeros.is_zero(array):
        verdict = f"{_of(*names)} is healthy: {shown(array)}, by {_count(steps)}."
        return _Answer(*names, "healthy", verdict)
    if not np.size(array):
        verdict = f"{_of(*names)} is healthy: it has no elements."
        return _Answer(*names, "healthy", verdict)
    dead = zeros.deaths(steps, value, always)
    findings = [_deeper(d, value) for d in dead]
    if not dead:
        findings = [
            zeros.cancellation(t, ops) for t, ops in zeros.cancelled(steps, value)
        ]
    verdict = f"{_of(*names)} is not None but zero"
    if findings and findings[0].op is not None:
        verdict += f", because of {_blamed(findings[0].op)}"
    return _Answer(*names, "zero", verdict + ".", findings)


def _deeper(death: zeros.Death, value: Callable[[Any], Any]) -> Finding:
    """What is said of a place where a gradient dies; of a body, what is in it."""
    inner = breaks.inside(death.op, death.position)
    if not inner:
        return zeros.describe(death, value)
    blame, first = inner[0]
    op = death.op
    return Finding(
        f"{op.name} ({op.type}) makes the gradient zero: inside it, {blame} passes "
        "none on.",
        [f"inside: {f.what} {f.at}" for _, f in inner],
        op,
        first.fix,
    )


def _none(names: tuple[str, str], findings: list[Finding], blame: str = "") -> _Answer:
    verdict = f"{_of(*names)} is None"
    if blame:
        verdict += f" because of {blame}."
    elif findings:
        verdict += f": {findings[0].what}"
    return _Answer(*names, "none", verdict, findings)


def _broken(names: tuple[str, str], connection: Connection) -> _Answer:
    """The answer where operations lead from x to y, and gradients do not pass."""

    # that a condition passes nothing is seldom the answer
    found = sorted(connection.breaks(), key=lambda b: b.tensor.dtype.is_bool)
    described = [breaks.describe(b, connection) for b in found]
    unique = {(f.op, f.what): (blame, f) for blame, f in described}
    findings = [f for _, f in unique.values()]
    (blame, _), *more = unique.values()
    if more:
        blame += f" and {len(more)} more like it" if len(more) > 1 else " and one more"
    return _none(names, findings, blame)


def _blamed(op: Operation) -> str:
    return f"{op.name} ({op.type}) in {op.where}"
