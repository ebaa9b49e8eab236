"""`retrograd.paths`: the ways a gradient takes from y to x, and what comes by each."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import message
from retrograd.explain.elements import at_once
from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.rules import GraphRules, RecordRules, Rules, added, norm
from retrograd.explain.sources import Sources, tensor_of
from retrograd.explain.trace import only_floats
from retrograd.explain.values import number, shown
from retrograd.explain.wording import called
from retrograd.explain.zeros import arrays
from retrograd.grad.api import observed_gradients
from retrograd.grad.reach import Inputs
from retrograd.grad.sweep import Step, sweep
from retrograd.graph import context
from retrograd.graph.trial import trial
from retrograd.ops.binding import input_names
from retrograd.ops.declare import F
from retrograd.run.observe import Observed

if TYPE_CHECKING:
    from retrograd.grad.tape import GradientTape
    from retrograd.graph.tensor import Tensor
    from retrograd.run.session import BaseSession
    from retrograd.typing import Array, Explainable, FeedDict, Gradient

#: what the program calls a tensor; None where it has no name
Named = Callable[[Any], str | None]
#: as many paths are all followed; of more, the largest are looked for
_FEW = 256
#: rules that are asked while looking for them
_MOST_CALLS = 20_000
#: of a long path, the tensors that are shown at either end
_ENDS = 5


def paths(
    y: Explainable,
    x: Explainable,
    feed_dict: FeedDict | None = None,
    session: BaseSession | None = None,
    limit: int = 10,
    *,
    tape: GradientTape | None = None,
    names: Mapping[str, Any] | None = None,
) -> Report:
    """The paths that carry ∂f/∂x from y to x, where f is y, or the sum of its elements.

    A path goes from tensor to tensor, through one input of each operation. Its
    contribution is what the operations' own gradient rules make of the seed along it
    alone; over all paths they sum to the gradient.

        x, y = tf.constant(3.0), tf.constant(4.0)
        print(retrograd.paths(x * x * y + y + 2, x))  # two paths, 12 each: 24

    There may be more paths than can be followed; they are counted all the same. Of more
    than a few hundred the largest are searched for: exactly where all is scalar, else
    by how much each operation let through of the whole gradient. What the others sum to
    is what a sweep over all paths gives beside them.

    Args:
      y: a tensor of a graph or its name; an eager tensor that `tape` recorded; or the
        result of `retrograd.autograd`.
      x: a tensor, a variable or a name.
      feed_dict, session: as for `tf.Session.run`; by default the default session.
      limit: how many paths to show.
      tape: a `tf.GradientTape` that is persistent, or not used yet.
      names: what the program calls eager tensors, such as `locals()`.

    Returns:
      A report. `data` has "paths", a list of dictionaries: "tensors" (names from y to
      x, None for one without), "operations", "value" (an array in the shape of x),
      "sum" and "norm"; "count", the number of all paths; "rest", the sum of the
      contributions that are not listed; and "gradient". It has a finding where nothing
      carries a gradient, and where the contributions do not sum to it, since a rule is
      not linear.

    Raises:
      OpError: an operation failed, such as a variable without a value.
      TypeError: y or x has no float or complex dtype.
    """
    if tape is not None or hasattr(y, "backward"):
        return _of_records(y, x, tape, names, limit)
    graph = getattr(y, "graph", None) or getattr(x, "graph", None)
    if graph is None:
        graph = context.get_default_graph() if session is None else session.graph
    if session is None:
        session = context.get_default_session()
    top, leaf = tensor_of(graph, y), tensor_of(graph, x)
    _check(top, leaf)
    with trial(graph), graph.as_default(), graph.control_dependencies(None):
        back = observed_gradients(top, leaf)
        (gradient,), (seed,) = back.found, back.seeds
        if gradient is None:
            return _nothing(called(top), called(leaf))
        observed = Observed(session, graph, feed_dict)
        made = [t for s in back.steps for t in (*s.douts, *s.terms) if t is not None]
        items = [gradient, seed, *made]
        plain, seeded, *_ = tensors = arrays(items)
        values = observed([t for t in tensors if t is not None])
        array_of = {
            id(item): values.get(tensor)
            for item, tensor in zip(items, tensors, strict=True)
            if tensor is not None
        }
        inputs_of = Inputs([leaf], True)
        rules = GraphRules(inputs_of, graph, observed, back.steps)
        ways = _Ways(
            back.steps,
            leaf,
            rules,
            lambda t: t.op,
            lambda d: norm(array_of[id(d)]),
        )
        return _report(ways, top, values[seeded], values[plain], limit, called)


def _of_records(
    y: Explainable,
    x: Explainable,
    tape: GradientTape | None,
    names: Mapping[str, Any] | None,
    limit: int,
) -> Report:
    sources = Sources(y, x, tape, None, names, asked="paths")
    (top,), (leaf,), producer = sources.ys, sources.xs, sources.producer
    assert producer is not None
    _check(top, leaf)
    steps: list[Step] = []
    with at_once():
        seed = F.OnesLike(top)
        (found,) = sweep([top], [leaf], [seed], producer=producer, observe=steps.append)
        known = {top: "y", leaf: "x"} | {t: n for t, n in sources.names.items() if n}
        if found is None:
            return _nothing(known[top], known[leaf])
        (gradient,) = arrays([found])
        rules = RecordRules(Inputs([leaf], True))
        ways = _Ways(
            steps, leaf, rules, producer, lambda d: norm(arrays([d])[0]._value)
        )
        named = known.get
        return _report(ways, top, seed.numpy(), gradient.numpy(), limit, named)


def _check(y: Tensor, x: Tensor) -> None:
    only_floats([y], "y")
    only_floats([x], "x")


# ---------------------------------------------------------------------- searching


@dataclass(slots=True, eq=False)
class _Prefix:
    """The beginning of paths: from y to a tensor on the way.

    Attributes:
      tensor: where it has come to.
      value: what the rules make of the seed along it, in the shape of the tensor.
      by: the operation and the input that it came through last; None for y.
      before: the prefix without that; None for y.
    """

    tensor: Any
    value: Any
    by: tuple[Any, int] | None = None
    before: _Prefix | None = None

    def edges(self) -> list[tuple[Any, int]]:
        """The operations and inputs, from y on."""
        found = []
        at: _Prefix | None = self
        while at is not None and at.by is not None:
            found.append(at.by)
            at = at.before
        return found[::-1]


class _Ways:
    """The paths to x, counted and followed.

    Args:
      steps: of the sweep from y, the operations nearest y first.
      x: where the paths end.
      rules: what an operation makes of an upstream derivative.
      producer: the operation that made a tensor.
      size_of: the norm of a derivative of the sweep.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        x: Tensor,
        rules: Rules,
        producer: Callable[[Any], Any],
        size_of: Callable[[Any], float],
    ) -> None:
        self.x, self.rules = x, rules
        self._steps = list(steps)
        self._step_of = {step.op: step for step in steps}
        self._producer = producer
        self._counts = self._counted()
        self._best = self._let_through(size_of)

    def _counted(self) -> dict[Any, int]:
        """For each tensor, the number of paths from it to x."""
        counts = {self.x: 1}
        for step in reversed(self._steps):
            below = sum(counts.get(t, 0) for _, t in self._edges(step))
            for tensor, dout in zip(step.op.outputs, step.douts, strict=False):
                if dout is not None:
                    counts[tensor] = counts.get(tensor, 0) + below
        return counts

    def _edges(self, step: Step) -> Iterator[tuple[int, Any]]:
        """The inputs that carry something on: positions and tensors."""
        inputs = self.rules.inputs_of(step.op)
        for position, term in enumerate(step.terms):
            if term is not None:
                yield position, inputs[position]

    def count(self, tensor: Tensor) -> int:
        """The number of paths from a tensor to x."""
        return self._counts.get(tensor, 0)

    def _expanded(self, prefix: _Prefix) -> list[_Prefix]:
        """The prefixes that are longer by one operation."""
        step = self._step_of.get(self._producer(prefix.tensor))
        if step is None:
            return []
        outputs = step.op.outputs
        output = next(i for i, t in enumerate(outputs) if t is prefix.tensor)
        terms = self.rules(step, output, prefix.value)
        return [
            _Prefix(tensor, terms[position], (step.op, position), prefix)
            for position, tensor in self._edges(step)
            if self.count(tensor) and terms[position] is not None
        ]

    def all_from(self, y: _Prefix) -> Iterator[_Prefix]:
        """All paths, one after the other."""
        pending = [y]
        while pending:
            prefix = pending.pop()
            if prefix.tensor is self.x:
                yield prefix
            pending.extend(reversed(self._expanded(prefix)))

    def largest_from(self, y: _Prefix, wanted: int) -> list[_Prefix]:
        """The largest paths, by what the rest of a path is expected to let through.

        Of graphs of scalars these are the largest; of others the expectation rests on
        what each operation let through of the whole gradient.
        """
        numbers = itertools.count()
        heap = [(-self._expected(y), next(numbers), y)]
        found: list[_Prefix] = []
        while heap and len(found) < wanted:
            _, _, best = heapq.heappop(heap)
            if best.tensor is self.x:
                found.append(best)
                continue
            hurried = self.rules.calls > _MOST_CALLS  # then straight on with the best
            longer = sorted(self._expanded(best), key=lambda p: -self._expected(p))
            for place, one in enumerate(longer):
                rank = -np.inf if hurried and place == 0 else -self._expected(one)
                heapq.heappush(heap, (rank, next(numbers), one))
        return sorted(found, key=lambda p: -norm(p.value))

    def _expected(self, prefix: _Prefix) -> float:
        """The logarithm of what the largest path with a prefix may contribute."""
        return _log(norm(prefix.value)) + self._best.get(prefix.tensor, -np.inf)

    def _let_through(self, size_of: Callable[[Any], float]) -> dict[Any, float]:
        """For each tensor, the logarithm of the most that a path lets through to x."""
        best = {self.x: 0.0}
        for step in reversed(self._steps):
            above = np.sqrt(sum(size_of(d) ** 2 for d in step.douts if d is not None))
            ways = [
                _log(size_of(step.terms[i]) / above if above else 1.0) + best[t]
                for i, t in self._edges(step)
                if t in best
            ]
            for tensor in step.op.outputs:
                if ways and tensor is not self.x:
                    best[tensor] = max(ways)
        return best

    def pulled(self, y: _Prefix) -> Any:
        """What all paths contribute: a sweep with the same rules."""
        values = {y.tensor: y.value}
        for step in self._steps:
            for output, tensor in enumerate(step.op.outputs):
                value = None if tensor is self.x else values.pop(tensor, None)
                if value is None:
                    continue
                terms = self.rules(step, output, value)
                for position, source in self._edges(step):
                    term = terms[position]
                    if self.count(source) and term is not None:
                        known = values.get(source)
                        values[source] = term if known is None else added(known, term)
        return values[self.x]


def _log(size: float) -> float:
    return float(np.log(size)) if size > 0 else -np.inf


# ---------------------------------------------------------------------- reporting


def _nothing(y: str, x: str) -> Report:
    title = f"paths: ∂{y}/∂{x}"
    fix = "retrograd.why_none(y, x) says where the way breaks"
    finding = Finding("No path carries a gradient.", [], None, fix)
    data = {"paths": [], "count": 0, "rest": None, "gradient": None}
    return Report(title, "No path carries a gradient: it is None.", [finding], (), data)


def _report(
    ways: _Ways, y: Any, seed: Gradient, gradient: Array, limit: int, named: Named
) -> Report:
    start, count = _Prefix(y, seed), ways.count(y)
    if limit < 1:
        raise ValueError(message("paths: limit must be at least 1.", got=limit))
    if count <= _FEW:
        everything = sorted(ways.all_from(start), key=lambda p: -norm(p.value))
        found, others = everything[:limit], [p.value for p in everything[limit:]]
        rest = sum(others[1:], others[0]) if others else None
    else:
        found = ways.largest_from(start, limit)
        rest = ways.pulled(start) - sum(p.value for p in found)
    parts = [p.value for p in found] + ([] if rest is None else [rest])
    total = sum(parts[1:], parts[0])
    names = named(y), named(ways.x)
    texts = [" → ".join([*_steps(p), str(names[1])]) for p in found]
    title = f"paths: ∂{names[0]}/∂{names[1]}"
    verdict = f"∂{names[0]}/∂{names[1]} = {shown(gradient)}: "
    verdict += f"{count} path{'s' * (count != 1)}"
    if count > len(found):
        verdict += f", the largest {len(found)} of which are shown"
    size = sum(norm(p) for p in parts)
    findings = []
    if norm(total - gradient) > 1e-3 * size:
        findings = [_not_linear(total, gradient)]
    elif count == 0:
        verdict += "; y is x itself"
    table = _table(found, texts, count, rest, gradient)
    data = {
        "paths": [_data(p, y, named) for p in found],
        "count": count,
        "rest": rest,
        "gradient": gradient,
    }
    return Report(title, verdict + ".", findings, [table], data)


def _not_linear(total: Any, gradient: Any) -> Finding:
    return Finding(
        "The contributions do not sum to the gradient: a rule on the way is not linear "
        "in the upstream derivative.",
        [f"they sum to {shown(total)}", f"the gradient is {shown(gradient)}"],
        None,
        "retrograd.check_custom(name) tells which rule clips or rounds",
    )


def _table(
    found: Sequence[_Prefix],
    texts: Sequence[str],
    count: int,
    rest: object,
    gradient: Array,
) -> Table:
    rows = [(text, *_figures(p.value)) for text, p in zip(texts, found, strict=True)]
    others = count - len(found)
    if others and rest is not None:
        paths = "path" if others == 1 else "paths"
        rows.append((f"the other {others} {paths}", *_figures(rest)))
    rows.append(("all: the gradient", *_figures(gradient)))
    if np.ndim(gradient) == 0:
        return Table(("from y to x", "contribution"), [row[:2] for row in rows])
    return Table(("from y to x", "sum", "norm"), [*rows])


def _figures(value: Any) -> tuple[str, str]:
    return number(np.sum(value)), number(norm(value))


def _data(path: _Prefix, y: Explainable, named: Named) -> dict[str, Any]:
    edges = path.edges()
    return {
        "tensors": [named(t) for t in (y, *(op.inputs[i] for op, i in edges))],
        "operations": [op.name for op, _ in edges],
        "value": path.value,
        "sum": np.sum(path.value),
        "norm": norm(path.value),
    }


def _steps(path: _Prefix) -> list[str]:
    """`add_1`, `mul.x`: operations, with the input where it is not clear."""
    parts = []
    for op, position in path.edges():
        tensor = op.inputs[position]
        is_eager = getattr(tensor, "_is_eager", False)
        part = f"{op.name} ({op.where})" if is_eager else op.name
        if sum(t is tensor for t in op.inputs) > 1:
            part += f".{input_names(op)[position] or position}"
        parts.append(part)
    if len(parts) > 2 * _ENDS:
        left_out = len(parts) - 2 * _ENDS
        parts = [*parts[:_ENDS], f"({left_out} more)", *parts[-_ENDS:]]
    return parts
