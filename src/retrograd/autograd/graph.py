"""What was computed, as nodes: the engine's records, and what made their inputs.

A tensor holds the node that made it, the node a record, the record the values:
references lead from results to what they were made of and never back, so a graph goes
when its last result does.

`recording` is the door for others: it gives what `grad.sweep.sweep` takes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.errors import message
from retrograd.grad.reach import is_continuous
from retrograd.graph import opdef
from retrograd.graph.record import Record
from retrograd.graph.tensor import Tensor as EngineTensor
from retrograd.ops.declare import F, gradient_function, traits_of
from retrograd.ops.traits import Blocks
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.autograd.tensors import Tensor
    from retrograd.graph.operation import Operation
    from retrograd.typing import Gradient

USED_TWICE = (
    "Trying to backward through the graph a second time (or directly access saved "
    "tensors after they have already been freed). Saved intermediate values of the "
    "graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if "
    "you need to access saved tensors after calling backward."
)

#: what an input comes from: a node, a leaf that requires grad, or nothing of interest
Source = Any


class Node:
    """The operation that made a tensor: a tensor's `grad_fn`.

    Attributes:
      id: later nodes have higher numbers.
      record: the operation as the sweep reads it; None when it was freed.
      sources: what made each input: a Node, a leaf tensor that requires grad, or None.
      title: the operation's name in PyTorch.
      saves: whether a sweep has found that the rule reads values, which are freed.
      hooks: for an output, functions that may replace its derivative.
      retained: for an output, the tensors that asked to keep its derivative.
    """

    __slots__ = (
        "__weakref__",
        "hooks",
        "id",
        "record",
        "retained",
        "saves",
        "sources",
        "title",
    )

    def __init__(self, record: Record, sources: Sequence[Source]) -> None:
        self.id: int = record._id
        self.record: Record | None = record
        self.sources = tuple(sources)
        self.title = record.type
        self.saves = False
        self.hooks: dict[EngineTensor, dict[int, Callable[..., Any]]] = {}
        self.retained: dict[EngineTensor, weakref.ref[Tensor]] = {}

    def kept(self) -> Record:
        """The record.

        Raises:
          RuntimeError: it was freed.
        """
        if self.record is None:
            raise RuntimeError(USED_TWICE)
        return self.record

    def free(self) -> None:
        """Let the values go, if the rule reads any: the node cannot be used again."""
        if self.saves:
            self.record = None
            self.hooks.clear()
            self.retained.clear()

    def name(self) -> str:
        """What PyTorch calls it: mostly the operation and `Backward0`."""
        special = self.title.endswith(("Backward", "CopySlices"))
        return self.title if special else f"{self.title}Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """(what made the input, which output of it) for each input."""
        return tuple(
            (_function_of(source), 0) for source in self.sources if source is not None
        )

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class AccumulateGrad:
    """Stands for a leaf in `next_functions`.

    Attributes:
      variable: the leaf.
    """

    __slots__ = ("variable",)

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable

    def name(self) -> str:
        """`torch::autograd::AccumulateGrad`, as in PyTorch."""
        return "torch::autograd::AccumulateGrad"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """Nothing comes before a leaf."""
        return ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self) -> int:
        return id(self.variable)

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"


def _function_of(source: Source) -> Any:
    return source if isinstance(source, Node) else AccumulateGrad(source)


def _zeros(n: Operation, dy: Gradient) -> Any:
    return F.ZerosLike(dy)


class Recorder:
    """A tape that makes nodes of the operations that depend on known tensors.

    Attributes:
      sources: what made each tensor that is known.
    """

    is_accumulator = False

    def __init__(self) -> None:
        self.sources: dict[EngineTensor, Source] = {}

    def knows(self, tensor: EngineTensor) -> bool:
        """Whether a tensor depends on a leaf that requires grad."""
        return tensor in self.sources

    def record(self, op: Record) -> None:
        """Keep an operation, if an input is known and a derivative passes through."""
        known = self.sources
        sources = [known.get(t) for t in op._inputs]
        if not any(s is not None for s in sources) or _is_constant(op):
            return
        if traits_of(op.type).blocks is Blocks.STEPS:
            # PyTorch gives these a derivative of zero, TensorFlow mostly none
            op._gradient_function = _zeros
        node = Node(op, sources)
        for tensor in op._outputs:
            if is_continuous(tensor):
                known[tensor] = node

    def record_capture(self, outer: EngineTensor, inner: EngineTensor) -> None:
        """Nothing: no function bodies are built here."""

    def watch_variable(self, variable: object) -> None:
        """Nothing: the leaves are tensors."""


def _is_constant(op: Any) -> bool:
    """Whether an operation passes no derivative on; one without a rule does not count.

    That there is none is an error of the sweep that needs it.
    """
    try:
        return gradient_function(op) is None
    except LookupError:
        return False


def same_value(tensor: EagerTensor) -> EagerTensor:
    """Another tensor with the same value, which nothing is known to depend on."""
    return EagerTensor(tensor._value, tensor._dtype)


def identity(value: EagerTensor, of: EngineTensor, source: Source) -> Node:
    """The node of an operation that hands on `of`, which `source` made, as `value`."""
    op_def = opdef.lookup("Identity")
    assert op_def is not None
    record = Record(op_def, [of], {"T": value.dtype})
    record._outputs = [value]
    return Node(record, [source])


def alias(value: EagerTensor, of: EngineTensor, source: Source) -> Source:
    """Let derivatives that reach `value` go on to `of`, which `source` made.

    Returns:
      What made `value` now.
    """
    if not isinstance(source, Node):
        return source
    node = identity(value, of, source)
    node.title = source.title
    return node


def nodes_behind(roots: Iterable[Source]) -> list[Node]:
    """All nodes that some were made of, themselves included, the oldest first."""
    pending = [r for r in roots if isinstance(r, Node)]
    seen: set[Node] = set(pending)
    for node in pending:  # grows while it is walked
        for source in node.sources:
            if isinstance(source, Node) and source not in seen:
                seen.add(source)
                pending.append(source)
    return sorted(pending, key=lambda node: node.id)


def producers(nodes: Iterable[Node]) -> Callable[[EngineTensor], Any]:
    """A function that gives the record that made a tensor, or None."""
    made_by = {
        tensor: node.record
        for node in nodes
        if node.record is not None
        for tensor in node.record._outputs
    }
    return made_by.get


def engine_tensor(x: Tensor) -> EagerTensor:
    """The engine's tensor behind `x`, as it is now: same value, shape and dtype.

    An in-place change gives `x` another one; what was computed before refers to the
    earlier one.
    """
    return x._engine


def recording(y: Tensor) -> tuple[EagerTensor, Callable[[EngineTensor], Any]]:
    """What `retrograd.grad.sweep.sweep` needs to differentiate `y`.

        y_engine, producer = recording(y)
        sweep([y_engine], [engine_tensor(x)], [seed], producer=producer, observe=...)

    The sweep has to run eagerly (`retrograd.graph.context.eager_mode()`). Nothing is
    accumulated or freed by it. It may be done before `backward`, or after one that
    retained the graph.

    Args:
      y: a result that requires grad. For a leaf, `producer` knows no tensor.

    Returns:
      The engine's tensor behind `y`, and a function that gives, for any tensor of the
      engine that `y` was computed through, the record of the operation that made it;
      None for others.

    Raises:
      RuntimeError: part of the graph was freed by a `backward` that did not retain it,
        or `y` does not require grad.
    """
    if not y.requires_grad:
        raise RuntimeError(no_graph(0))
    value = y._engine
    nodes = nodes_behind([y._node])
    for node in nodes:
        node.kept()
    return value, producers(nodes)


def leaves(y: Tensor) -> list[Tensor]:
    """The leaves that require grad and `y` was computed from, the oldest use first.

    A leaf is its own.
    """
    source = y._source
    if not isinstance(source, Node):
        return [] if source is None else [source]
    return leaves_of(nodes_behind([source]))


def leaves_of(nodes: Iterable[Node]) -> list[Tensor]:
    """The leaves among what some nodes were made of, each once."""
    sources = (s for node in nodes for s in node.sources)
    return list(
        dict.fromkeys(s for s in sources if s is not None and not isinstance(s, Node))
    )


def no_graph(index: int) -> str:
    """The message for a tensor that nothing was recorded for."""
    return message(
        f"element {index} of tensors does not require grad and does not have a grad_fn",
        fix="requires_grad=True on a tensor it is computed from, outside of no_grad()",
    )
