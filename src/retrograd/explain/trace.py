"""What a sweep did, with numbers: nodes, steps and terms, of graphs and of tapes."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import message
from retrograd.explain.operations import is_a, original, place_of
from retrograd.grad.api import Backward, observed_gradients
from retrograd.grad.reach import is_continuous
from retrograd.grad.sweep import Step, sweep
from retrograd.grad.terms import dense
from retrograd.graph import context
from retrograd.graph.operation import Operation, line_of
from retrograd.graph.tensor import Tensor
from retrograd.graph.trial import trial
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F, asks_for_shapes
from retrograd.ops.traits import Kind
from retrograd.run.observe import Observed
from retrograd.run.store import Cell

if TYPE_CHECKING:
    from retrograd.explain.sources import Sources
    from retrograd.typing import FeedDict, Structure

#: elements of y whose shares of a derivative are worked out one by one
MOST_SEEDS = 16


@dataclass(slots=True, eq=False)
class Node:
    """A tensor in an explanation.

    Attributes:
      tensor: the tensor; of a variable, its reference or handle.
      label: `n4`.
      name: what the program calls it: the name of its operation, or of the variable.
      role: "input" (one of the wrt), "given" (not explained further), "constant" or
        "op".
      inputs: for each input of its operation, the node, or None where it is a setting
        (an axis, a shape).
      value: its array; None where it has none.
      op: the operation (or record) that made it; None for a leaf of a tape.
    """

    tensor: Any
    name: str
    role: str
    inputs: list[Node | None]
    op: Any
    label: str = ""
    value: Any = None

    @property
    def type(self) -> str:
        """The op type; "" for a leaf of a tape."""
        return "" if self.op is None else self.op.type

    @property
    def index(self) -> int:
        """Which of its operation's outputs it is."""
        return 0 if self.op is None else place_of(self.tensor, self.op._outputs)


@dataclass(slots=True)
class Term:
    """The contribution of one input of one step to a derivative.

    Attributes:
      target: the node of the input.
      position: which input of the operation it is.
      value: the contribution, in the shape of the input.
      whole: the same before it was summed over what the input was repeated along.
    """

    target: Node
    position: int
    value: Any
    whole: Any


@dataclass(slots=True)
class BackStep:
    """One operation of the sweep.

    Attributes:
      op: the operation (or record).
      inputs, outputs: the node of each; None for one that the explanation leaves out.
      results: the value of each output; None where it has none.
      upstream: ∂f/∂output for each output; None where f does not depend on it.
      terms: the contributions to its inputs.
    """

    op: Any
    inputs: list[Node | None]
    outputs: list[Node | None]
    results: list[Any]
    upstream: list[Any]
    terms: list[Term]


@dataclass(slots=True)
class Trace:
    """All that an explanation says, as numbers.

    Attributes:
      ys, xs: the nodes explained, and with respect to which.
      seeds: ∂f/∂y for each y.
      nodes: all nodes: inputs, other leaves, then the rest in the order they were made.
      steps: the sweep, in its own order.
      gradients: ∂f/∂x for each x as the engine returned it; None where there is none.
      shares: where y is one tensor of a few elements, for each of them ∂f/∂x for each x
        with a seed of zeros but for this element.
      setting: the value of an input that is no node, by operation and position.
      stopped: the nodes that count as constant because the caller said so.
      producer: the operation (or record) that made a tensor, or None.
    """

    ys: list[Node]
    xs: list[Node]
    seeds: list[Any]
    nodes: list[Node] = field(default_factory=list)
    steps: list[BackStep] = field(default_factory=list)
    gradients: list[Any] = field(default_factory=list)
    shares: list[tuple[tuple[int, ...], list[Any]]] = field(default_factory=list)
    setting: dict[tuple[Any, int], Any] = field(default_factory=dict)
    stopped: list[Node] = field(default_factory=list)
    producer: Callable[[Any], Any] = attrgetter("_op")
    _terms: dict[int, list[tuple[BackStep, Term]]] | None = None

    def terms_of(self, node: Node) -> list[tuple[BackStep, Term]]:
        """The contributions to a node's derivative, the oldest consumer's first."""
        if self._terms is None:
            self._terms = {}
            for step in sorted(self.steps, key=lambda step: step.op._id):
                for term in step.terms:
                    self._terms.setdefault(id(term.target), []).append((step, term))
        return self._terms.get(id(node), [])

    def derivatives(self) -> dict[int, Any]:
        """∂f/∂node by the node's id: what the sweep handed on, and what it returned."""
        found: dict[int, Any] = {}
        for step in self.steps:
            for node, upstream in zip(step.outputs, step.upstream, strict=True):
                if node is not None and upstream is not None:
                    found[id(node)] = upstream
        pairs = zip(self.xs, self.gradients, strict=True)
        found.update((id(node), value) for node, value in pairs if value is not None)
        return found


# ---------------------------------------------------------------------- selecting nodes


class _Nodes:
    """The nodes that an explanation shows, found from y backwards.

    Args:
      xs: with respect to what y is differentiated.
      producer: the operation that made a tensor, or None.
      names: what the program calls tensors.
    """

    def __init__(
        self,
        xs: Sequence[Any],
        producer: Callable[[Any], Any],
        names: Mapping[Any, str],
    ) -> None:
        self.producer, self.names = producer, names
        self.by_tensor: dict[Any, Node] = {}
        self.settings: list[tuple[Any, int, Any]] = []
        for x in xs:
            self._add(self.canonical(x), "input")

    def canonical(self, tensor: Tensor) -> Any:
        """The variable that a tensor only reads, or the tensor itself."""
        at, op = tensor, self.producer(tensor)
        while op is not None and (at := original(at, op)) is not None:
            if self._is_variable(at):
                return at
            if is_a(op, Kind.READ):
                break
            op = self.producer(at)
        return tensor

    def _is_variable(self, tensor: Tensor) -> bool:
        if tensor.dtype.base_dtype.name == "resource" or tensor.dtype._is_ref_dtype:
            op = self.producer(tensor)
            return op is None or is_a(op, Kind.VARIABLE)
        return False

    def _add(self, tensor: Tensor, role: str) -> Node:
        node = self.by_tensor.get(tensor)
        if node is None:
            op = self.producer(tensor)
            name = self.names.get(tensor) or ("" if op is None else op.name)
            node = Node(tensor, name, role, [], op)
            self.by_tensor[tensor] = node
        return node

    def find(self, ys: Sequence[Any]) -> list[Node]:
        """All nodes that ys are made of; ys themselves first in the result's order."""
        pending = [self.canonical(y) for y in ys]
        xs = list(self.by_tensor.values())
        for node in [x for x in xs if self._leads_on(x)]:
            node.role = "op"  # how it is made matters to another x
        expanded = {id(x) for x in xs if x.role == "input"}
        while pending:
            node = self._add(pending.pop(), "op")
            if id(node) in expanded:
                continue
            expanded.add(id(node))
            node.role = self._role(node)
            if node.role != "op":
                continue
            for position, tensor in enumerate(node.op._inputs):
                source = self._source(node.op, position, tensor)
                node.inputs.append(source)
                if source is not None and source.role == "op":
                    pending.append(source.tensor)
        return [self.by_tensor[self.canonical(y)] for y in ys]

    def _leads_on(self, x: Node) -> bool:
        """Whether another x is among what x is made of, while there are only xs."""
        seen, pending = {x.tensor}, [x.tensor]
        while pending:
            op = self.producer(pending.pop())
            if op is None or is_a(op, Kind.VARIABLE):
                continue
            sources = {self.canonical(t) for t in op._inputs} - seen
            if sources & self.by_tensor.keys():
                return True
            seen |= sources
            pending += sources
        return False

    def _role(self, node: Node) -> str:
        op = node.op
        if op is None or is_a(op, Kind.VARIABLE) or not op._inputs:
            is_constant = op is not None and is_a(op, Kind.CONSTANT)
            return "constant" if is_constant else "given"
        return "op"

    def _source(self, op: Operation, position: int, tensor: Tensor) -> Node | None:
        """The node of an input; None where it is a setting."""
        tensor = self.canonical(tensor)
        known = self.by_tensor.get(tensor)
        if known is not None:
            return known
        if is_continuous(tensor):
            return self._add(tensor, "op")
        maker = self.producer(tensor)
        if maker is None or self._is_shape(maker):
            self.settings.append((op, position, tensor))
            return None
        return self._add(tensor, "given")

    def _is_shape(self, op: Operation) -> bool:
        """Whether an operation's output follows from shapes and constants alone."""
        if is_a(op, Kind.CONSTANT) or asks_for_shapes(op.type):
            return True
        if not op._inputs or any(is_continuous(t) for t in op._outputs):
            return False
        makers = [self.producer(t) for t in op._inputs]
        return all(m is None or self._is_shape(m) for m in makers)


def _numbered(nodes: Iterable[Node], xs: Sequence[Node]) -> list[Node]:
    """Nodes in the order of their labels: inputs, other leaves, then by creation."""
    first = [x for x in dict.fromkeys(xs) if x.role == "input"]
    rest = [n for n in nodes if n not in first]
    leaves = [n for n in rest if n.role != "op"]
    ops = [n for n in rest if n.role == "op"]

    def age(node: Node) -> tuple[int, int]:
        return (0, 0) if node.op is None else (node.op._id, node.index)

    ordered = [*first, *sorted(leaves, key=age), *sorted(ops, key=age)]
    for number, node in enumerate(ordered, 1):
        node.label = f"n{number}"
    return ordered


# ---------------------------------------------------------------------- from a sweep


def _assemble(
    back: Backward,
    found: _Nodes,
    ys: list[Node],
    values: Callable[[Sequence[Any]], Callable[[Any], Any]],
) -> Trace:
    """Nodes and steps of a sweep.

    Args:
      back: what was differentiated, with its steps.
      found: the nodes, as they were before the sweep: it gives loops further inputs.
      ys: those of y.
      values: for tensors, IndexedSlices and handles, a function from each to its array.
    """
    xs = [found.by_tensor[found.canonical(x)] for x in back.xs]
    nodes = _numbered(found.by_tensor.values(), xs)
    made = [t for s in back.steps for t in (*_results(s), *s.douts, *s.dins, *s.terms)]
    wanted = [n.tensor for n in nodes] + [t for *_, t in found.settings]
    wanted += [t for t in (*made, *back.found, *back.seeds) if t is not None]
    value = values(wanted)
    for node in nodes:
        node.value = value(node.tensor)
    seeds = [value(s) for s in back.seeds]
    trace = Trace(ys, xs, seeds, nodes, producer=found.producer)
    trace.gradients = [None if g is None else value(g) for g in back.found]
    trace.setting = {(op, position): value(t) for op, position, t in found.settings}
    for step in back.steps:
        shown = _back_step(step, found, value)
        if shown is not None:
            trace.steps.append(shown)
    return trace


def _back_step(
    step: Step, found: _Nodes, value: Callable[[Any], Any]
) -> BackStep | None:
    """A step with its numbers; None for one that only reads a variable."""
    made = _results(step)
    outputs = [found.by_tensor.get(t) for t in made]
    if all(node is None for node in outputs):
        return None
    # a loop gets further inputs when it is differentiated
    tensors = step.op._inputs[: len(step.dins)]
    inputs = [found.by_tensor.get(found.canonical(t)) for t in tensors]
    terms = []
    triples = zip(inputs, step.dins, step.terms, strict=True)
    for position, (target, whole, term) in enumerate(triples):
        if term is not None and target is not None:
            terms.append(Term(target, position, value(term), value(whole)))
    upstream = [None if d is None else value(d) for d in step.douts]
    return BackStep(step.op, inputs, outputs, list(map(value, made)), upstream, terms)


def _results(step: Step) -> list[Any]:
    """The outputs of a step's operation, less those its gradient gave it."""
    return step.op._outputs[: len(step.douts)]


# ---------------------------------------------------------------------- graphs


def trace_graph(
    sources: Sources,
    seeds: Structure,
    feed_dict: FeedDict | None,
    stop_gradients: Structure,
) -> Trace:
    """The sweep of `tf.gradients` on a graph, run once; the graph is left as it was.

    Raises:
      OpError: an operation failed, such as a variable without a value.
    """
    graph = sources.ys[0].graph
    observed = Observed(sources.session, graph, feed_dict)
    nodes = _Nodes(sources.xs, lambda t: t._op, sources.names)
    ys = nodes.find(sources.ys)
    with trial(graph), graph.as_default():
        dys = sources.listed(seeds)
        back = observed_gradients(sources.ys, sources.xs, dys, stop_gradients)
        shown = _Shown()

        def values(tensors: Sequence[Any]) -> Callable[[Any], Any]:
            plain = {id(t): shown(t) for t in tensors}
            arrays = observed([t for t in plain.values() if t is not None])

            def value(item: Tensor | None) -> Any:
                tensor = plain[id(item)]
                return None if tensor is None else arrays.get(tensor)

            return value

        trace = _assemble(back, nodes, ys, values)
        trace.stopped = _named(trace.nodes, stop_gradients)
        if seeds is None and len(ys) == 1:
            trace.shares = _shares(trace, back, shown, observed)
    return trace


def _named(nodes: Sequence[Node], given: object) -> list[Node]:
    """The nodes of the tensors that were passed as one tensor, a list, or None."""
    items = given if isinstance(given, (list, tuple)) else [given]
    return [n for n in nodes if any(n.tensor is item for item in items)]


class _Shown:
    """The tensor that is run for the value of a tensor, of slices, or of a handle."""

    def __call__(self, item: Tensor | None) -> Tensor | None:
        if not isinstance(item, Tensor):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of slices that take memory when dense
                return dense(item)
        name = item.dtype.base_dtype.name
        if name == "resource":
            known = item._held
            if known is None or not is_a(item._op, Kind.VARIABLE, Kind.PARAMETER):
                return None
            return F.ReadVariableOp(item, dtype=known.dtype)
        return None if name == "variant" else item


def _shares(
    trace: Trace, back: Backward, shown: _Shown, observed: Observed
) -> list[tuple[tuple[int, ...], list[Any]]]:
    """What each element of y adds to each derivative, if y has a few."""
    (seed,) = trace.seeds
    if seed is None or not 1 < seed.size <= MOST_SEEDS:
        return []
    wanted = [None if g is None else shown(g) for g in back.found]
    shares = []
    for index in np.ndindex(*seed.shape):
        one = np.zeros_like(seed)
        one[index] = 1
        run = observed([t for t in wanted if t is not None], {back.seeds[0]: one})
        shares.append((index, [None if t is None else run.get(t) for t in wanted]))
    return shares


# ---------------------------------------------------------------------- tapes


def trace_recorded(sources: Sources, seeds: list[Any]) -> Trace:
    """The sweep over what a tape recorded, or what results remember of themselves."""
    xs, producer = sources.xs, sources.producer
    assert producer is not None
    nodes = _Nodes(xs, producer, sources.names)
    ys = nodes.find(sources.ys)
    steps: list[Step] = []
    wanted = list(dict.fromkeys(xs))
    with context.eager_mode():
        found = sweep(
            sources.ys,
            wanted,
            seeds,
            producer=producer,
            observe=steps.append,
            newest_first=True,
        )
        by_source = dict(zip(wanted, found, strict=True))
        back = Backward(sources.ys, xs, seeds, [by_source[x] for x in xs], steps)
        trace = _assemble(back, nodes, ys, lambda _: _eager_value)
        (seed, *more) = trace.seeds
        if not more and seed is not None and 1 < seed.size <= MOST_SEEDS:
            trace.shares = _eager_shares(sources.ys[0], seed, wanted, xs, producer)
    return trace


def _eager_shares(
    y: Tensor,
    seed: Structure,
    wanted: Sequence[Any],
    xs: Sequence[Any],
    producer: Callable[[Any], Any],
) -> list[tuple[tuple[int, ...], list[Any]]]:
    shares = []
    for index in np.ndindex(*seed.shape):
        one = np.zeros_like(seed)
        one[index] = 1
        found = sweep([y], wanted, [constant(one, y.dtype)], producer=producer)
        by_source = dict(zip(wanted, found, strict=True))
        row = [by_source[x] for x in xs]
        shares.append((index, [None if g is None else _eager_value(g) for g in row]))
    return shares


def _eager_value(item: Any) -> Any:
    """The array of an eager tensor, of slices, or of the variable of a handle."""
    item = dense(item)
    value = item._value
    if isinstance(value, Cell):
        value = value.peek()
    return None if value is None else np.array(value)


def where(op: Operation) -> dict[str, Any] | None:
    """The user's line that made an operation: file, line, source; None if unknown."""
    for code, instruction in getattr(op, "_stack", ()):
        if not code.co_filename.startswith("<frozen"):
            return place_at(code.co_filename, line_of(code, instruction))
    return None


def place_at(file: str | None, line: int | None) -> dict[str, Any] | None:
    """A line of a program, in the form of `where`; None where there is none."""
    if not file or not line:
        return None
    source = linecache.getline(file, line).strip()
    return {"file": file, "line": line, "source": source or None}


def only_floats(tensors: Sequence[Any], what: str) -> None:
    """Refuse tensors that have no derivative.

    Raises:
      TypeError: one has an integer, boolean or string dtype.
    """
    for tensor in tensors:
        if not is_continuous(tensor):
            op = getattr(tensor, "_op", None)
            raise TypeError(
                message(
                    f"explain: {what} has dtype {tensor.dtype.name}, which has no "
                    "derivative.",
                    at=f"{op.name}, made in {op.where}"
                    if isinstance(op, Operation)
                    else None,
                    fix="tf.cast it to a float before the operations to explain",
                )
            )
