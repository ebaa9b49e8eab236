"""What lies between x and y, and where on the way from y a gradient ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from retrograd.grad.reach import Inputs, NewestFirst, is_continuous
from retrograd.grad.sweep import Step, sweep
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor

Producer = Callable[[Any], Any]


@dataclass(slots=True, eq=False)
class Break:
    """A place that the gradient of y comes to and does not pass.

    Attributes:
      op: the operation, which has the gradient with respect to an output.
      position: the input that gets none and leads to x; -1 where y itself is meant.
      tensor: that input, or y.
      cause: the operation to blame: `op`, or the one that made whole numbers, truth
        values or text of the floats that x leads to; None where x itself is such.
      error: what the rule of `op` raised, or None.
    """

    op: Any
    position: int
    tensor: Any
    cause: Any
    error: Exception | None = None


class Connection:
    """The operations between x and y, whether or not they pass gradients.

    Args:
      ys: what is differentiated.
      x: with respect to what.
      producer: the operation (or record) that made a tensor, or None.
      stop: tensors that count as constant.
      names: what the program calls tensors, where it says so.

    Attributes:
      ops: the operations on ways from x to ys, newest first.
      tensors: the tensors on them, and x.
      above: all operations that ys depend on.
    """

    def __init__(
        self,
        ys: Sequence[Any],
        x: Tensor,
        producer: Producer,
        stop: Iterable[Any] = (),
        names: Mapping[Any, str] = MappingProxyType({}),
    ) -> None:
        self.names = names
        self.ys, self.x, self.producer = list(ys), x, producer
        self.stop = set(stop)
        self.inputs_of = Inputs([x], True)
        self.above = list(ancestors(ys, producer, self.inputs_of))
        self.tensors: dict[Any, None] = {x: None}
        between = []
        for op in reversed(self.above):
            if any(t in self.tensors for t in self.inputs_of(op)):
                between.append(op)
                self.tensors.update(dict.fromkeys(op.outputs))
        self.ops = between[::-1]

    @property
    def exists(self) -> bool:
        """Whether x has any influence on ys."""
        return any(y in self.tensors for y in self.ys)

    def breaks(self) -> list[Break]:
        """Where the gradient of ys ends, each place such that x lies right behind it.

        Places that would still be cut off from x by another one are left out. To be
        called where operations may be made: in a trial, or at once.
        """
        ys = [y for y in self.ys if y in self.tensors and is_continuous(y)]
        found = [
            Break(self.producer(y), -1, y, self._cause(y))
            for y in self.ys
            if y in self.tensors and not is_continuous(y)
        ]
        if ys:
            reached, passed, failures = self._reach(ys)
            for op in self.ops:
                if any(t in reached for t in op.outputs):
                    found += self._blocked(op, reached, passed, failures)
        open_to = self._open_to_x({(b.op, b.position) for b in found})
        return [b for b in found if b.tensor in open_to or b.position < 0]

    def _open_to_x(self, cut: set[tuple[Any, int]]) -> set[Any]:
        """The tensors that x leads to by other ways than some inputs of operations."""
        found = {self.x}
        for op in reversed(self.ops):
            for position, tensor in enumerate(self.inputs_of(op)):
                if tensor in found and (op, position) not in cut:
                    found.update(op.outputs)
        return found

    def _reach(self, ys: Sequence[Any]) -> tuple[set[Any], dict[Any, Step], Any]:
        """The tensors that the gradient comes to, the steps, and rules that failed."""
        sources = [t for t in self.tensors if is_continuous(t) and t not in self.stop]
        failures: dict[Any, Exception] = {}
        while True:
            steps: list[Step] = []
            entered: list[Any] = []
            try:
                found = sweep(
                    ys,
                    sources,
                    [F.OnesLike(y) for y in ys],
                    stop=self.stop,
                    provenance=lambda op, e=entered: _noting(e, op),
                    observe=steps.append,
                    producer=lambda t: self._unless_failing(t, failures),
                )
            except Exception as error:  # of the program's own rule, or for want of one
                if not entered or entered[-1] in failures:
                    raise
                failures[entered[-1]] = error
                continue
            pairs = zip(sources, found, strict=True)
            reached = {t for t, gradient in pairs if gradient is not None}
            return reached | set(ys), {s.op: s for s in steps}, failures

    def _unless_failing(self, tensor: Tensor, failures: dict[Any, Exception]) -> Any:
        op = self.producer(tensor)
        return None if op in failures else op

    def _blocked(
        self,
        op: Operation,
        reached: set[Any],
        passed: dict[Any, Step],
        failures: dict[Any, Exception],
    ) -> Iterator[Break]:
        step = passed.get(op)
        for position, tensor in enumerate(self.inputs_of(op)):
            if tensor not in self.tensors or tensor in reached:
                continue
            terms = [] if step is None else step.terms
            if position < len(terms) and terms[position] is not None:
                continue
            cause = op if is_continuous(tensor) else self._cause(tensor)
            yield Break(op, position, tensor, cause, failures.get(op))

    def _cause(self, tensor: Tensor) -> Any:
        """The operation that made whole numbers, text … of floats x leads to, or None.

        Args:
          tensor: one without a derivative.
        """
        queue = NewestFirst([self.producer(tensor)])
        for op in queue:
            inputs = [t for t in self.inputs_of(op) if t in self.tensors]
            if any(is_continuous(t) for t in inputs):
                return op
            queue.add(self.producer(t) for t in inputs if t is not self.x)
        return None


@contextlib.contextmanager
def _noting(entered: list[Any], op: Operation) -> Iterator[None]:
    entered.append(op)
    yield


def ancestors(
    ys: Iterable[Any],
    producer: Producer,
    inputs_of: Callable[[Any], Sequence[Any]] | None = None,
) -> Iterator[Any]:
    """The operations that tensors depend on by data, newest first."""
    inputs_of = inputs_of or Inputs([], True)
    queue = NewestFirst(producer(y) for y in ys)
    for op in queue:
        yield op
        queue.add(producer(t) for t in inputs_of(op))
