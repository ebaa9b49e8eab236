"""Queues: ops that put tensors in and take them out, and the classes that make them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes as _dtypes
from retrograd import shapes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.function import uid
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import stack
from retrograd.ops.declare import F
from retrograd.ops.random.seeds import get_seed
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.shapes import TensorShape
    from retrograd.typing import DTypeLike, ShapeLike, Structure, TensorLike

    #: types of the components of an element, or of its only one
    Types: TypeAlias = DTypeLike | Sequence[DTypeLike]
    Shapes: TypeAlias = ShapeLike | Sequence[ShapeLike]
    Names: TypeAlias = str | Sequence[str] | None


# ---------------------------------------------------------------------- arguments


def _as_type_list(types: Types) -> list[Any]:
    return list(types) if isinstance(types, (list, tuple)) else [types]


def _as_shape_list(given: Shapes, partial: bool = False) -> list[TensorShape] | None:
    """Shapes as a list; one shape stands for a list of it.

    Raises:
      TypeError: neither a shape nor a list.
      ValueError: not fully known, where that is wanted.
    """
    single = (list, tuple)
    if partial and (
        not isinstance(given, single)
        or not given
        or any(s is None or isinstance(s, int) for s in given)
    ):
        raise ValueError(
            "When providing partial shapes, a list of shapes must be provided."
        )
    if given is None:
        return None
    items: Any = [given] if isinstance(given, shapes.TensorShape) else given
    if not isinstance(items, single):
        raise TypeError(
            "shapes must be a TensorShape or a list or tuple of TensorShapes."
        )
    if all(s is None or isinstance(s, int) for s in items):
        items = [items]
    found = [shapes.as_shape(s) for s in items]
    if not partial and not all(s.is_fully_defined() for s in found):
        raise ValueError(f"All shapes must be fully defined: {found}")
    if any(s.ndims is None for s in found):
        raise ValueError(f"All shapes must have a defined rank: {found}")
    return found


def _as_name_list(names: Names, types: Sequence[DTypeLike]) -> list[str] | None:
    if names is None:
        return None
    items: Any = names if isinstance(names, (list, tuple)) else [names]
    if len(items) != len(types):
        raise ValueError(
            "List of names must have the same length as the list of dtypes"
        )
    return list(items)


def _common(a: TensorShape, b: TensorShape) -> TensorShape:
    """What two shapes have in common."""
    a, b = shapes.TensorShape(a), shapes.TensorShape(b)
    if a.ndims is None or b.ndims is None or a.ndims != b.ndims:
        return shapes.unknown_shape()
    pairs = zip(a.as_list(), b.as_list(), strict=True)
    return shapes.TensorShape([x if x == y else None for x, y in pairs])


def _shared(name: str | None) -> str | None:
    """Queues made at once are not shared."""
    return str(uid()) if context.executing_eagerly() else name


# ---------------------------------------------------------------------- classes


class QueueBase:
    """A queue of tuples of tensors that sessions keep between runs.

    Args:
      dtypes: the types of the components of an element.
      shapes: their shapes, or None to leave them open.
      names: their names, or None; with names, elements are dictionaries.
      queue_ref: the handle of the queue.

    Raises:
      ValueError: as many shapes or names as types are wanted.
    """

    def __init__(
        self,
        dtypes: Sequence[Any],
        shapes: Sequence[ShapeLike] | None,
        names: Sequence[str] | None,
        queue_ref: Tensor,
    ) -> None:
        self._dtypes = dtypes
        self._shapes = _known_shapes(dtypes, shapes)
        if names is not None and len(names) != len(dtypes):
            raise ValueError("Queue names must have the same length as dtypes")
        self._names = names
        self._queue_ref = queue_ref
        if context.executing_eagerly():
            self._name = context.local.name_scope or "Empty"
        else:
            self._name = queue_ref.op.name.split("/")[-1]

    @staticmethod
    def from_list(index: TensorLike, queues: list[QueueBase]) -> QueueBase:
        """The queue `queues[index]`, where `index` is a tensor.

        Raises:
          TypeError: not a list of queues, of one type.
        """
        if (
            not queues
            or not isinstance(queues, list)
            or not all(isinstance(q, QueueBase) for q in queues)
        ):
            raise TypeError("A list of queues expected")
        first = queues[0]
        if not all(q.dtypes == first.dtypes for q in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        if not all(q.names == first.names for q in queues):
            raise TypeError("Queues do not have matching component names.")
        each = zip(*[q.shapes for q in queues], strict=True)
        return QueueBase(
            dtypes=first.dtypes,
            shapes=[functools.reduce(_common, s) for s in each],
            names=first.names,
            queue_ref=gather(stack([q.queue_ref for q in queues]), index),
        )

    @property
    def queue_ref(self) -> Tensor:
        """The handle of the queue."""
        return self._queue_ref

    @property
    def name(self) -> str:
        """The name of the operation that makes the queue."""
        if context.executing_eagerly():
            return self._name
        return self._queue_ref.op.name

    @property
    def dtypes(self) -> Sequence[DType]:
        """The types of the components."""
        return self._dtypes

    @property
    def shapes(self) -> list[TensorShape]:
        """The shapes of the components."""
        return self._shapes

    @property
    def names(self) -> Sequence[str] | None:
        """The names of the components, or None."""
        return self._names

    def _converted(self, vals: Structure) -> list[Tensor]:
        """The components of an element as tensors.

        Raises:
          ValueError: a dictionary is given or wanted, and the other is not.
        """
        if isinstance(vals, dict):
            if not self._names:
                raise ValueError("Queue must have names to enqueue a dictionary")
            if sorted(self._names, key=str) != sorted(vals, key=str):
                raise ValueError(
                    "Keys in dictionary to enqueue do not match names of Queue.  "
                    f"Dictionary: ({sorted(vals)}), Queue: ({sorted(self._names)})"
                )
            vals = [vals[k] for k in self._names]
        elif self._names:
            raise ValueError("You must enqueue a dictionary in a Queue with names")
        elif not isinstance(vals, (list, tuple)):
            vals = [vals]
        return [
            convert_to_tensor(val, dtype, f"component_{i}")
            for i, (val, dtype) in enumerate(zip(vals, self._dtypes, strict=False))
        ]

    def _form(self, name: str) -> Callable[..., Any]:
        """The op for this queue's kind of handle."""
        new = self._queue_ref.dtype == _dtypes.resource
        return getattr(F, f"{name}V2" if new else name)

    def enqueue(self, vals: Structure, name: str | None = None) -> Any:
        """Put one element in, waiting for room.

        Running it fails with CancelledError where the queue is closed before, or, while
        it waits, closed with `cancel_pending_enqueues` or with its session.

        Args:
          vals: a tensor, a list of tensors, or a dictionary.
          name: the name of the operation.

        Raises:
          ValueError: `vals` does not fit the queue.
        """
        values = _values_of(vals)
        with dispatch.name_scope(name, f"{self._name}_enqueue", values) as scope:
            tensors = self._converted(vals)
            for tensor, shape in zip(tensors, self._shapes, strict=False):
                tensor.shape.assert_is_compatible_with(shape)
            return self._form("QueueEnqueue")(self._queue_ref, tensors, name=scope)

    def enqueue_many(self, vals: Structure, name: str | None = None) -> Any:
        """Put in an element for each row of the tensors; otherwise as `enqueue`."""
        values = _values_of(vals)
        with dispatch.name_scope(name, f"{self._name}_EnqueueMany", values) as scope:
            tensors = self._converted(vals)
            rows = shapes.Dimension(None)
            for tensor, shape in zip(tensors, self._shapes, strict=False):
                whole = tensor.shape.with_rank_at_least(1)
                rows = rows.merge_with(whole[0])
                whole[1:].assert_is_compatible_with(shape)
            return F.QueueEnqueueManyV2(self._queue_ref, tensors, name=scope)

    def _taken(self, tensors: list[Tensor], rows: list[int | None]) -> Any:
        """What a dequeue gives: a tensor, a list, or a dictionary."""
        if not context.executing_eagerly():
            for tensor, shape in zip(tensors, self._shapes, strict=False):
                tensor.set_shape(shapes.TensorShape(rows).concatenate(shape))
        if self._names:
            return {n: tensors[i] for i, n in enumerate(self._names)}
        return tensors[0] if len(tensors) == 1 else tensors

    def dequeue(self, name: str | None = None) -> Any:
        """Take one element out, waiting for it.

        Running it fails with OutOfRangeError where the queue is closed and empty.
        """
        tensors = self._form("QueueDequeue")(
            self._queue_ref,
            component_types=self._dtypes,
            name=f"{self._name}_Dequeue" if name is None else name,
        )
        return self._taken(tensors, [])

    def dequeue_many(self, n: TensorLike, name: str | None = None) -> Any:
        """Take `n` elements out, stacked along a new first axis, waiting for all.

        Running it fails with OutOfRangeError where the queue is closed and has fewer.
        """
        tensors = F.QueueDequeueManyV2(
            self._queue_ref,
            n,
            component_types=self._dtypes,
            name=f"{self._name}_DequeueMany" if name is None else name,
        )
        if context.executing_eagerly():
            return self._taken(tensors, [])
        count = constant(tensors[0].op.inputs[1])
        return self._taken(tensors, [None if count is None else int(count)])

    def dequeue_up_to(self, n: TensorLike, name: str | None = None) -> Any:
        """As `dequeue_many`; a closed queue gives what it has, if anything."""
        tensors = F.QueueDequeueUpToV2(
            self._queue_ref,
            n,
            component_types=self._dtypes,
            name=f"{self._name}_DequeueUpTo" if name is None else name,
        )
        return self._taken(tensors, [None])

    def close(
        self, cancel_pending_enqueues: bool = False, name: str | None = None
    ) -> Any:
        """Let nothing more in.

        Args:
          cancel_pending_enqueues: whether enqueues that wait fail.
          name: the name of the operation.
        """
        return self._form("QueueClose")(
            self._queue_ref,
            cancel_pending_enqueues=cancel_pending_enqueues,
            name=f"{self._name}_Close" if name is None else name,
        )

    def is_closed(self, name: str | None = None) -> Tensor:
        """Whether it is closed, a bool scalar."""
        name = f"{self._name}_Is_Closed" if name is None else name
        return self._form("QueueIsClosed")(self._queue_ref, name=name)

    def size(self, name: str | None = None) -> Tensor:
        """How many elements it has, an int32 scalar."""
        name = f"{self._name}_Size" if name is None else name
        return self._form("QueueSize")(self._queue_ref, name=name)


def _known_shapes(
    types: Sequence[DType], given: Sequence[ShapeLike] | None
) -> list[TensorShape]:
    if given is None:
        return [shapes.unknown_shape() for _ in types]
    if len(given) != len(types):
        raise ValueError("Queue shapes must have the same length as dtypes")
    return [shapes.TensorShape(s) for s in given]


def _values_of(vals: Structure) -> Sequence[TensorLike]:
    """The values that decide the graph of a name scope."""
    if isinstance(vals, dict):
        return list(vals.values())
    return vals if isinstance(vals, (list, tuple)) else [vals]


class RandomShuffleQueue(QueueBase):
    """A queue that gives its elements in random order.

    Args:
      capacity: how many elements it holds at most.
      min_after_dequeue: how many stay in it, for mixing, until it is closed.
      dtypes, shapes, names: of the components of an element.
      seed: the seed of the operation (see `set_random_seed`).
      shared_name: queues with one shared name are one in a session.
      name: the name of the operation.
    """

    def __init__(
        self,
        capacity: int,
        min_after_dequeue: int,
        dtypes: Types,
        shapes: Shapes = None,
        names: Names = None,
        seed: int | None = None,
        shared_name: str | None = None,
        name: str = "random_shuffle_queue",
    ) -> None:
        dtypes, shapes = _as_type_list(dtypes), _as_shape_list(shapes)
        names = _as_name_list(names, dtypes)
        seed1, seed2 = get_seed(seed)
        if seed1 is None and seed2 is None:
            seed1, seed2 = 0, 0
        elif seed is None and shared_name is not None:
            # the same in each graph that shares the queue
            text = (str(seed1) + shared_name).encode()
            seed2 = int(hashlib.md5(text).hexdigest()[:8], 16) & 0x7FFFFFFF
        handle = F.RandomShuffleQueueV2(
            component_types=dtypes,
            shapes=shapes,
            capacity=capacity,
            min_after_dequeue=min_after_dequeue,
            seed=seed1,
            seed2=seed2,
            shared_name=_shared(shared_name),
            name=name,
        )
        super().__init__(dtypes, shapes, names, handle)


class FIFOQueue(QueueBase):
    """A queue that gives its elements in the order they came in.

    Args:
      capacity: how many elements it holds at most.
      dtypes, shapes, names: of the components of an element.
      shared_name: queues with one shared name are one in a session.
      name: the name of the operation.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Types,
        shapes: Shapes = None,
        names: Names = None,
        shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:
        dtypes, shapes = _as_type_list(dtypes), _as_shape_list(shapes)
        names = _as_name_list(names, dtypes)
        handle = F.FIFOQueueV2(
            component_types=dtypes,
            shapes=shapes,
            capacity=capacity,
            shared_name=_shared(shared_name),
            name=name,
        )
        super().__init__(dtypes, shapes, names, handle)


class PaddingFIFOQueue(QueueBase):
    """As `FIFOQueue`, for components of different sizes.

    An axis of size None in `shapes` may have any size; elements that are taken out
    together get zeros at its end, up to the largest.
    """

    def __init__(
        self,
        capacity: int,
        dtypes: Types,
        shapes: Shapes,
        names: Names = None,
        shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:
        dtypes = _as_type_list(dtypes)
        found = _as_shape_list(shapes, partial=True) or []
        names = _as_name_list(names, dtypes)
        if len(dtypes) != len(found):
            raise ValueError(
                "Shapes must be provided for all components, but received "
                f"{len(dtypes)} dtypes and {len(found)} shapes."
            )
        handle = F.PaddingFIFOQueueV2(
            component_types=dtypes,
            shapes=found,
            capacity=capacity,
            shared_name=_shared(shared_name),
            name=name,
        )
        super().__init__(dtypes, found, names, handle)


class PriorityQueue(QueueBase):
    """A queue that gives the element with the lowest priority value first.

    An element has one component more, its first: the priority, an int64 scalar.

    Args:
      capacity: how many elements it holds at most.
      types, shapes: of the components but the priority.
      names: of all components.
      shared_name: queues with one shared name are one in a session.
      name: the name of the operation.
    """

    def __init__(
        self,
        capacity: int,
        types: Types,
        shapes: Shapes = None,
        names: Names = None,
        shared_name: str | None = None,
        name: str = "priority_queue",
    ) -> None:
        types, shapes = _as_type_list(types), _as_shape_list(shapes)
        handle = F.PriorityQueueV2(
            component_types=types,
            shapes=shapes or [],
            capacity=capacity,
            shared_name=_shared(shared_name),
            name=name,
        )
        if shapes:
            shapes = [(), *shapes]
        super().__init__([_dtypes.int64, *types], shapes, names, handle)
