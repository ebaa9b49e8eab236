"""What lies between xs and ys, and the order in which a sweep comes to it."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from retrograd.graph import context
from retrograd.graph.function import BodyGraph, FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor

Producer = Callable[[Tensor], Operation | None]


class Inputs:
    """The inputs of operations, in the graph that they come from.

    A parameter of a function body that stands for a tensor outside is taken for that
    tensor, unless it is an x itself.
    """

    def __init__(self, xs: Sequence[Tensor], outwards: bool) -> None:
        self._sources = set(xs)
        self._outwards = outwards

    def __call__(self, op: Operation) -> Sequence[Tensor]:
        if not self._outwards or not _depth(op):
            return op.inputs
        return [self._origin(t) for t in op.inputs]

    def _origin(self, tensor: Tensor) -> Tensor:
        while tensor not in self._sources and not getattr(tensor, "_is_eager", False):
            graph = tensor.graph
            outer = graph.outside(tensor) if isinstance(graph, FuncGraph) else None
            if outer is None or getattr(outer, "_is_eager", False):
                break
            tensor = outer
        return tensor


def _depth(op: Operation) -> int:
    """How many functions an operation lies in."""
    graph = getattr(op, "_graph", None)
    return 0 if graph is None else graph.depth


def by_age(op: Operation) -> tuple[int, int]:
    """Orders operations: those of inner functions first, then the newest."""
    return -_depth(op), -op._id


class NewestFirst:
    """A queue of operations, each given once: inner graphs first, then the newest."""

    def __init__(self, ops: Iterable[Operation | None]) -> None:
        self._heap: list[tuple[int, int, Operation]] = []
        self._seen: set[Operation] = set()
        self.add(ops)

    def add(self, ops: Iterable[Operation | None]) -> None:
        for op in ops:
            if op is not None and op not in self._seen:
                self._seen.add(op)
                heapq.heappush(self._heap, (*by_age(op), op))

    def __iter__(self) -> NewestFirst:
        return self

    def __next__(self) -> Operation:
        if not self._heap:
            raise StopIteration
        return heapq.heappop(self._heap)[2]


class Between:
    """The operations on the ways from xs to ys.

    Attributes:
      ops: the operations; there is a way from an x to each, of tensors that have
        derivatives, and one from each to a y.
      carrying: the tensors on these ways that have derivatives and depend on an x.
    """

    def __init__(
        self,
        xs: Sequence[Tensor],
        ys: Sequence[Tensor],
        inputs_of: Callable[[Operation], Sequence[Tensor]],
        producer: Producer = attrgetter("_op"),
        whole: bool = False,
    ) -> None:
        """Look for them.

        Args:
          whole: whether all outputs of an operation count as x where one is x.
        """
        self._inputs_of, self._producer = inputs_of, producer
        self._ys = ys
        self.carrying: set[Tensor] = set()
        reached = self._reached(set(xs), whole)
        self.ops: set[Operation] = set()
        queue = [producer(y) for y in ys]
        while queue:
            op = queue.pop()
            if op in reached and op not in self.ops:
                self.ops.add(op)
                queue.extend(producer(t) for t in inputs_of(op))

    def _reached(self, sources: set[Tensor], whole: bool) -> set[Operation]:
        """The operations that depend on an x; what they carry is noted."""
        above: list[Operation] = []
        queue = NewestFirst(self._producer(y) for y in self._ys)
        for op in queue:
            above.append(op)
            queue.add(self._producer(t) for t in self._inputs_of(op))
        carrying = self.carrying
        # a source that nothing in reach has made: watched, or an input of a function
        carrying |= {x for x in sources if is_continuous(x)}
        reached: set[Operation] = set()
        for op in reversed(above):
            own = [t for t in op.outputs if t in sources]
            below = any(t in carrying for t in self._inputs_of(op))
            if below or own:
                reached.add(op)
                outputs = op.outputs if below or whole else own
                carrying.update(t for t in outputs if is_continuous(t))
        return reached

    def newest_first(self) -> Iterable[Operation]:
        """The operations by age, those of inner functions first."""
        return NewestFirst(self.ops)

    def when_ready(self) -> Iterable[Operation]:
        """The operations, each when all that use its outputs have been visited.

        Those that become ready first come first: the order in which TensorFlow builds
        gradients. The order of sums, of concatenated slices and of names follows it.
        """
        used = Counter(
            maker
            for op in self.ops
            for t in self._inputs_of(op)
            if (maker := self._producer(t)) in self.ops
        )
        makers = dict.fromkeys(self._producer(y) for y in self._ys)
        ready = deque(op for op in makers if op in self.ops and not used[op])
        visited: set[Operation] = set()
        while ready:
            op = ready.popleft()
            visited.add(op)
            yield op
            for tensor in self._inputs_of(op):
                maker = self._producer(tensor)
                if maker in self.ops:
                    used[maker] -= 1
                    if not used[maker]:
                        ready.append(maker)
        yield from NewestFirst(self.ops - visited)  # cycles of version 1's loops


def is_continuous(tensor: Tensor) -> bool:
    """Whether derivatives pass through: numbers that are not whole, handles."""
    dtype = tensor.dtype.base_dtype
    return (
        dtype.is_floating or dtype.is_complex or dtype.name in ("resource", "variant")
    )


def refuse_starts(xs: Sequence[Tensor], ys: Sequence[Tensor]) -> None:
    """Refuse to differentiate, inside a loop's body, for what the loop started with.

    Such a derivative would go through all turns so far, of which a body knows nothing.

    Raises:
      ValueError: an x leads to the start of a loop variable, and the variable to a y.
    """
    graph = context.get_default_graph()
    starts = graph.starts if isinstance(graph, BodyGraph) else {}
    for inner, start in starts.items():
        used = Between([inner], ys, Inputs([inner], True))
        if not used.ops:
            continue
        inputs_of = Inputs(xs, True)
        if Between(xs, [start], inputs_of, whole=True).ops:
            makers = {x._op for x in xs}
            queue = deque([start._op])
            while (op := queue.popleft()) not in makers:
                queue.extend(t._op for t in inputs_of(op))
            raise ValueError(
                "Cannot compute gradient inside while loop with respect to op "
                f"'{op.name}'. We do not support taking the gradient wrt or through "
                "the initial value of a loop variable. Gradients can be computed "
                "through loop invariants or wrt the input parameters to the loop body."
            )
