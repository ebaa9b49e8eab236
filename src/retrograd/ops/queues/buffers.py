"""Queues of a session: what threads put in, and take out in the queue's own order.

Calls that must wait stand in two lines (see `waiting`), one of those that put in and
one of those that take out: so elements arrive whole, in the order of the calls. This is
TensorFlow's own scheme, and with it its errors and the order in which a shuffling queue
draws.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import errors
from retrograd.ops.queues.waiting import FINISHED, MOVED, STUCK, Attempt, Lines
from retrograd.ops.random import philox

if TYPE_CHECKING:
    from retrograd.typing import Array


#: one tensor for each component
Element = tuple[Any, ...]
Shape = tuple[int | None, ...]


def shape_text(shape: Sequence[int | None]) -> str:
    """A shape as the runtime prints it: [2,?]."""
    return "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def _fits(shape: Sequence[int], wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(
        b is None or a == b for a, b in zip(shape, wanted, strict=True)
    )


def _invalid(text: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, text)


class Queue(Lines):
    """A queue, first in, first out.

    Args:
      name: what errors call it.
      capacity: how many elements it holds at most; negative for any number.
      dtypes: NumPy's types of the components of an element.
      shapes: their shapes, or none to leave them open.
    """

    kind = "FIFOQueue"
    _contents = ("closed", "_held")

    def __init__(
        self,
        name: str,
        capacity: int,
        dtypes: Sequence[np.dtype],
        shapes: Sequence[Shape],
    ) -> None:
        self.name, self.capacity = name, capacity
        self.dtypes, self.shapes = list(dtypes), list(shapes)
        #: the types as the operation that made the queue has them
        self.components: list[Any] = []
        super().__init__("Enqueue", "Dequeue")
        self.closed = False
        self._held: Any = self._empty()

    # what the order of a queue is: other queues replace these

    def _empty(self) -> Any:
        return deque()

    def _push(self, element: Element) -> None:
        self._held.append(element)

    def _pop(self) -> Element:
        return self._held.popleft()

    def _restore(self, taken: list[Element]) -> None:
        """Put back what a call took that cannot have all it wants."""
        self._held.extendleft(reversed(taken))

    def _undo(self, attempt: Attempt) -> None:
        self._restore(attempt.taken)

    def _spare(self) -> int:
        """How many elements may be taken now."""
        return len(self._held)

    def _batch(self, component: int, parts: list[Array]) -> Array:
        whole = np.empty((len(parts), *np.shape(parts[0])), self.dtypes[component])
        for i, part in enumerate(parts):
            whole[i, ...] = part
        return whole

    # ------------------------------------------------------------------ calls

    def size(self) -> int:
        """How many elements it holds."""
        with self._lock:
            return len(self._held)

    def enqueue(self, element: Element) -> None:
        """Put one element in, as soon as there is room.

        Raises:
          InvalidArgumentError: the components do not have the queue's shapes.
          CancelledError: the queue is closed, or the session while this waits.
        """
        self._check_count(element)
        for i, (part, shape) in enumerate(zip(element, self.shapes, strict=False)):
            self._check_shape(i, np.shape(part), shape)
        self._enqueue([element])

    def enqueue_many(self, parts: Element) -> None:
        """Put in as many elements as the parts have rows; raises as `enqueue`."""
        self._check_count(parts)
        count = len(parts[0])
        for i, part in enumerate(parts):
            if self.shapes:
                self._check_shape(i, part.shape, (count, *self.shapes[i]))
            elif len(part) != count:
                raise _invalid(
                    "All input tensors must have the same size in the 0th dimension. "
                    f"Component {i} has {len(part)}, and should have {count}"
                )
        if count:
            self._enqueue([tuple(part[i] for part in parts) for i in range(count)])

    def dequeue(self) -> Element:
        """Take an element out, as soon as there is one.

        Raises:
          OutOfRangeError: the queue is closed and empty.
          CancelledError: the session is closed.
        """

        def step(attempt: Attempt) -> int:
            if self.closed and not self._held:
                return attempt.fail(self._exhausted(1, 0))
            if self._spare() <= 0:
                return STUCK
            attempt.taken.append(self._pop())
            return FINISHED

        attempt = Attempt(1, step)
        self._wait("Dequeue", attempt)
        return attempt.taken[0]

    def dequeue_many(self, count: int, fewer: bool) -> Element:
        """Take `count` elements out, stacked by component.

        Args:
          count: how many.
          fewer: whether a closed queue may give what it has left.

        Raises:
          InvalidArgumentError: the queue leaves shapes open, or `count` is negative.
          OutOfRangeError: the queue is closed and has not enough.
          CancelledError: the session is closed.
        """
        if count < 0:
            name = "DequeueUpToOp" if fewer else "DequeueManyOp"
            raise _invalid(f"{name} requested {count} < 0 elements")
        if not self.shapes:
            raise self._open_shapes()
        taken: list[Element] = []
        if count:
            attempt = Attempt(count, lambda a: self._take_many(a, fewer))
            self._wait("Dequeue", attempt)
            taken = attempt.taken
        if taken:
            parts = zip(*taken, strict=True)
            return tuple(self._batch(i, list(part)) for i, part in enumerate(parts))
        sizes = [[0, *(d or 0 for d in shape)] for shape in self.shapes]
        return tuple(np.empty(s, t) for s, t in zip(sizes, self.dtypes, strict=True))

    def close(self, cancel: bool) -> None:
        """Take no more in; calls that wait to put in still do, unless cancelled.

        Raises:
          CancelledError: it is closed already, and `cancel` is not set.
        """
        if cancel:
            with self._lock:
                self.closed = True
                self._cancel("Enqueue")
                self._flush()
            return

        def step(attempt: Attempt) -> int:
            if self.closed:
                text = f"Queue '{self.name}' is already closed."
                return attempt.fail(errors.CancelledError(None, None, text))
            self.closed = True
            return FINISHED

        self._wait("Enqueue", Attempt(0, step))

    # ------------------------------------------------------------------ steps

    def _enqueue(self, elements: list[Element]) -> None:
        def step(attempt: Attempt) -> int:
            if self.closed:
                text = f"{self.kind} '{self.name}' is closed."
                return attempt.fail(errors.CancelledError(None, None, text))
            before = attempt.wanted
            while self.capacity < 0 or len(self._held) < self.capacity:
                self._push(elements[len(elements) - attempt.wanted])
                attempt.wanted -= 1
                if not attempt.wanted:
                    return FINISHED
            return STUCK if attempt.wanted == before else MOVED

        self._wait("Enqueue", Attempt(len(elements), step))

    def _take_many(self, attempt: Attempt, fewer: bool) -> int:
        held = len(self._held)
        if self.closed and held < attempt.wanted:
            self._restore(attempt.taken)
            if not fewer or not self._held:
                if fewer and self._lines["Enqueue"]:
                    return MOVED
                return attempt.fail(self._exhausted(attempt.wanted, held))
            attempt.taken = []
            attempt.wanted = len(self._held)
        spare = min(self._spare(), attempt.wanted)
        for _ in range(spare):
            attempt.taken.append(self._pop())
        attempt.wanted -= max(spare, 0)
        if not attempt.wanted:
            return FINISHED
        return MOVED if spare > 0 else STUCK

    # ------------------------------------------------------------------ errors

    def _exhausted(self, wanted: int, held: int) -> errors.OutOfRangeError:
        return errors.OutOfRangeError(
            None,
            None,
            f"{self.kind} '{self.name}' is closed and has insufficient elements "
            f"(requested {wanted}, current size {held})",
        )

    def _open_shapes(self) -> errors.InvalidArgumentError:
        return _invalid(
            f"{self.kind}'s DequeueMany and DequeueUpTo require the components to "
            "have specified shapes."
        )

    def _check_count(self, element: Element) -> None:
        if len(element) != len(self.dtypes):
            raise _invalid(
                f"Wrong number of components in tuple. Expected {len(self.dtypes)}, "
                f"got {len(element)}"
            )

    def _check_shape(self, component: int, shape: Sequence[int], wanted: Shape) -> None:
        if not _fits(shape, wanted):
            raise _invalid(
                f"Shape mismatch in tuple component {component}. Expected "
                f"{shape_text(wanted)}, got {shape_text(shape)}"
            )


class PaddingQueue(Queue):
    """First in, first out; elements taken together are padded to the largest."""

    kind = "PaddingFIFOQueue"

    def _batch(self, component: int, parts: list[Array]) -> Array:
        if None not in self.shapes[component]:
            return super()._batch(component, parts)
        sizes = np.max([np.shape(p) for p in parts], axis=0)
        whole: Any = np.zeros((len(parts), *sizes), self.dtypes[component])
        if whole.dtype == object:
            whole.fill(b"")
        for row, part in zip(whole, parts, strict=True):
            row[tuple(map(slice, np.shape(part)))] = part
        return whole


class ShuffleQueue(Queue):
    """Gives its elements in random order, once it has more than `least`.

    Args:
      seeds: the seed of the operation and of the graph, both 0 for any.
      least: how many elements stay until the queue is closed.
    """

    kind = "RandomShuffleQueue"
    _contents = ("closed", "_held", "_words", "_drawn")

    def __init__(
        self,
        name: str,
        capacity: int,
        dtypes: Sequence[np.dtype],
        shapes: Sequence[Shape],
        *,
        seeds: tuple[int, int],
        least: int,
    ) -> None:
        super().__init__(name, capacity, dtypes, shapes)
        self.seeds, self.least = seeds, least
        self._words = philox.Words(philox.initial_state(*seeds))
        self._drawn: list[int] = []

    def _empty(self) -> list[Any]:
        return []

    def _pop(self) -> Element:
        if not self._drawn:
            self._drawn = self._words.take(256)[::-1].tolist()
        at = self._drawn.pop() % len(self._held)
        found = self._held[at]
        self._held[at] = self._held[-1]
        self._held.pop()
        return found

    def _restore(self, taken: list[Element]) -> None:
        self._held.extend(reversed(taken))

    def _spare(self) -> int:
        return len(self._held) - (0 if self.closed else self.least)


class _Ranked:
    """An element, compared by its priority alone."""

    __slots__ = ("element", "priority")

    def __init__(self, element: Element) -> None:
        self.element = element
        self.priority = int(element[0])

    def __lt__(self, other: _Ranked) -> bool:
        return self.priority < other.priority


class PriorityQueue(Queue):
    """Gives the element with the lowest first component first."""

    kind = "PriorityQueue"

    def _empty(self) -> list[Any]:
        return []

    def _push(self, element: Element) -> None:
        heapq.heappush(self._held, _Ranked(element))

    def _pop(self) -> Element:
        return heapq.heappop(self._held).element

    def enqueue(self, element: Element) -> None:
        """As a queue does; the first component must be a number.

        Raises:
          InvalidArgumentError: it is not.
        """
        self._check_priority(np.shape(element[0]))
        super().enqueue(element)

    def enqueue_many(self, parts: Element) -> None:
        """As a queue does; the first part must be a vector of numbers.

        Raises:
          InvalidArgumentError: it is not.
        """
        self._check_priority(np.shape(parts[0])[1:])
        super().enqueue_many(parts)

    def _check_priority(self, shape: tuple[int, ...]) -> None:
        if shape and not self.shapes:
            raise _invalid(
                "Expected the priority element to be a scalar, but received shape: "
                f"{shape_text(shape)}"
            )

    def _take_many(self, attempt: Attempt, fewer: bool) -> int:
        held = len(self._held)
        if self.closed and (not held or (not fewer and held < attempt.wanted)):
            return attempt.fail(self._exhausted(attempt.wanted, held))
        if held < attempt.wanted:
            # taken bit by bit, they might not come in order
            if not (held and self.closed and fewer):
                return STUCK
            attempt.wanted = held
        attempt.taken = [self._pop() for _ in range(attempt.wanted)]
        return FINISHED

    def _restore(self, taken: list[Element]) -> None:
        for element in taken:
            self._push(element)

    def _open_shapes(self) -> errors.InvalidArgumentError:
        return _invalid(
            "PriorityQueue's DequeueMany requires the components to have specified "
            "shapes."
        )
