"""Batches of what runs give one by one: `tf.train.batch` and the like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes, shapes
from retrograd.graph import context
from retrograd.graph.composite import SparseTensor, convert_to_tensor_or_sparse_tensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.gather import gather
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import reshape
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.flow.control import no_op
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import maximum
from retrograd.ops.queues.queue import FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue
from retrograd.summary.summary import scalar
from retrograd.train.input import NOT_EAGER
from retrograd.train.queue_runner import QueueRunner, add_queue_runner
from retrograd.train.sparse_batching import restored, stored

if TYPE_CHECKING:
    from retrograd.ops.queues.queue import QueueBase
    from retrograd.typing import ShapeLike, TensorLike

    #: tensors in a list, or by name
    Element = Sequence[TensorLike] | Mapping[str, TensorLike]


class _Options(NamedTuple):
    """What all the functions here are told."""

    batch_size: TensorLike
    keep_input: TensorLike
    enqueue_many: bool
    shapes: Sequence[ShapeLike] | None
    allow_smaller_final_batch: bool
    name: str | None


# ---------------------------------------------------------------------- arguments


def _as_tensor_list(element: Element) -> list[Any]:
    if isinstance(element, Mapping):
        return [element[key] for key in sorted(element)]
    return list(element)


def _as_tensor_list_list(elements: Sequence[Element]) -> list[list[Any]]:
    if not elements:
        raise ValueError("Expected at least one set of tensors")
    first = elements[0]
    if isinstance(first, Mapping):
        if any(set(e) != set(first) for e in elements[1:]):
            raise ValueError("All dictionaries in tensors_list must have the same keys")
    return [_as_tensor_list(element) for element in elements]


def converted(
    values: Sequence[TensorLike | SparseTensor], function: str = "batch"
) -> list[Any]:
    """The tensors of an element.

    Args:
      values: what is converted.
      function: whose argument they are.

    Raises:
      ValueError: there are none.
    """
    if not values:
        raise ValueError(f"Expected at least one tensor in {function}().")
    return [convert_to_tensor_or_sparse_tensor(value) for value in values]


def _kept(keep_input: TensorLike, enqueue_many: bool) -> Tensor:
    kept = convert_to_tensor(keep_input)
    rank = kept.shape.ndims
    if rank is None:
        raise ValueError("`keep_input` dimensions must be known at graph construction.")
    if not enqueue_many and rank == 1:
        raise ValueError("`keep_input` cannot be a vector when `enqueue_many=False`.")
    if rank > 1:
        raise ValueError("`keep_input` must be 0 or 1 dimensions.")
    return kept


def _types(lists: Sequence[Sequence[Tensor]]) -> list[Any]:
    """The types of the parts of an element; those of all lists are the same."""
    found = [tensor.dtype for tensor in lists[0]]
    for others in lists[1:]:
        types = [tensor.dtype for tensor in others]
        both = min(len(types), len(found))
        if types[:both] != found[:both]:
            raise TypeError(
                "Expected types to be consistent: "
                f"{', '.join(t.name for t in found)} vs. "
                f"{', '.join(t.name for t in types)}."
            )
    return found


def _shapes(
    lists: Sequence[Sequence[Tensor]], given: Any, enqueue_many: bool
) -> list[Any]:
    """The shapes of the parts of an element: as given, or as known of all lists."""
    if given is not None:
        return given
    found = []
    for column in zip(*lists, strict=False):
        merged = shapes.TensorShape(None)
        for tensor in column:
            if tensor.shape.ndims is None:
                raise ValueError(f"Cannot infer Tensor's rank: {tensor}")
            shape = tensor.shape
            if enqueue_many:
                shape = shape.with_rank_at_least(1)[1:]
            merged = merged.merge_with(shape)
        found.append(merged.as_list())
    return found


# ---------------------------------------------------------------------- queues


def _selected(tensors: list[Tensor], kept: Tensor) -> list[Any]:
    """The rows of tensors that are to be kept."""
    rows = reshape(where(kept), [-1])
    return [gather(tensor, rows) for tensor in tensors]


def _enqueue(
    queue: QueueBase, tensors: list[Tensor], kept: Tensor, enqueue_many: bool
) -> Any:
    put = queue.enqueue_many if enqueue_many else queue.enqueue
    if kept.shape.ndims == 1:
        return queue.enqueue_many(_selected(tensors, kept))
    return smart_cond(kept, lambda: put(tensors), no_op)


def _batched(
    lists: list[list[Any]],
    make: Callable[[list[Any], list[Any]], Any],
    threads: int | None,
    fullness: Callable[[Any], tuple[str, Tensor]],
    options: _Options,
    default_name: str,
) -> Any:
    """Batches out of a queue.

    Args:
      lists: the tensors of an element, of each thread that fills the queue.
      make: makes the queue out of types and shapes.
      threads: how many run the first list; None where there is one for each.
      fullness: the name and value of the summary of how full a queue is.
      options: what else is asked for.
      default_name: the name scope if none is asked for.
    """
    if context.executing_eagerly():
        raise ValueError(NOT_EAGER)
    values = [tensor for tensors in lists for tensor in tensors]
    scoped = [*values, options.keep_input]
    with name_scope(options.name, default_name, scoped) as name:
        elements = [converted(given) for given in lists]
        kept = _kept(options.keep_input, options.enqueue_many)
        first, facts = stored(elements[0], options.enqueue_many, kept)
        others = [
            stored(given, options.enqueue_many, kept, facts)[0]
            for given in elements[1:]
        ]
        tensors = [first, *others]
        types = _types(tensors)
        queue = make(types, _shapes(tensors, options.shapes, options.enqueue_many))
        enqueues = [_enqueue(queue, t, kept, options.enqueue_many) for t in tensors]
        if threads is not None:
            enqueues = enqueues * threads
        add_queue_runner(QueueRunner(queue, enqueues))
        scalar(*fullness(queue))
        smaller = options.allow_smaller_final_batch
        take = queue.dequeue_up_to if smaller else queue.dequeue_many
        return restored(take(options.batch_size, name=name), facts)


def _as_original_type(element: Element, batch: Any) -> Any:
    """A batch by name, where the element's tensors have names."""
    if not isinstance(element, Mapping):
        return batch
    parts = [batch] if isinstance(batch, Tensor | SparseTensor) else batch
    return dict(zip(sorted(element), parts, strict=True))


def _in_order(
    lists: list[list[Any]],
    threads: int | None,
    capacity: int,
    dynamic_pad: bool,
    shared_name: str | None,
    options: _Options,
    default_name: str,
) -> Any:
    def make(types: list[Any], shapes: list[Any]) -> QueueBase:
        kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        return kind(
            capacity=capacity, dtypes=types, shapes=shapes, shared_name=shared_name
        )

    def fullness(queue: QueueBase) -> tuple[str, Any]:
        part = cast(queue.size(), dtypes.float32) * (1.0 / capacity)
        return f"fraction_of_{capacity}_full", part

    return _batched(lists, make, threads, fullness, options, default_name)


def _in_any_order(
    lists: list[list[Any]],
    threads: int | None,
    capacity: int,
    least: int,
    seed: int | None,
    shared_name: str | None,
    options: _Options,
    default_name: str,
) -> Any:
    def make(types: list[Any], shapes: list[Any]) -> QueueBase:
        return RandomShuffleQueue(
            capacity=capacity,
            min_after_dequeue=least,
            seed=seed,
            dtypes=types,
            shapes=shapes,
            shared_name=shared_name,
        )

    def fullness(queue: QueueBase) -> tuple[str, Any]:
        if capacity <= least:
            raise ValueError(
                f"capacity {capacity} must be bigger than min_after_dequeue {least}."
            )
        above = maximum(0, queue.size() - least)
        room = capacity - least
        part = cast(above, dtypes.float32) * (1.0 / room)
        return f"fraction_over_{least}_of_{room}_full", part

    return _batched(lists, make, threads, fullness, options, default_name)


# ---------------------------------------------------------------------- functions


def batch(
    tensors: Element,
    batch_size: TensorLike,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Sequence[ShapeLike] | None = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """Batches of what tensors are in several runs, collected by queue runners.

    Args:
      tensors: a list or dictionary of tensors.
      batch_size: how many elements make a batch.
      num_threads: how many threads run the tensors.
      capacity: how many elements there is room for.
      enqueue_many: whether the tensors' rows are the elements.
      shapes: the shapes of an element's tensors, if they are not known.
      dynamic_pad: whether tensors of a batch are padded to the largest.
      allow_smaller_final_batch: whether the last batch may be smaller.
      shared_name: what other sessions find the queue by.
      name: the name scope.

    Returns:
      Tensors as given, each with a first axis for the elements.

    Raises:
      ValueError: there are no tensors, or their shapes are not known; the program
        executes eagerly.
      OutOfRangeError: (when run) the tensors came to an end.
    """
    return maybe_batch(
        tensors,
        True,
        batch_size,
        num_threads,
        capacity,
        enqueue_many,
        shapes,
        dynamic_pad,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


def maybe_batch(
    tensors: Element,
    keep_input: TensorLike,
    batch_size: TensorLike,
    num_threads: int = 1,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Sequence[ShapeLike] | None = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch`, of the elements for which `keep_input` holds.

    Args:
      tensors: a list or dictionary of tensors.
      keep_input: a scalar bool; with `enqueue_many` it may be one for each row.
      batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad,
        allow_smaller_final_batch, shared_name, name: see `batch`.
    """
    options = _Options(
        batch_size, keep_input, enqueue_many, shapes, allow_smaller_final_batch, name
    )
    made = _in_order(
        [_as_tensor_list(tensors)],
        num_threads,
        capacity,
        dynamic_pad,
        shared_name,
        options,
        "batch",
    )
    return _as_original_type(tensors, made)


def batch_join(
    tensors_list: Sequence[Element],
    batch_size: TensorLike,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Sequence[ShapeLike] | None = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch`, of several lists of tensors, each run by a thread of its own.

    Args:
      tensors_list: the lists or dictionaries.
      batch_size, capacity, enqueue_many, shapes, dynamic_pad,
        allow_smaller_final_batch, shared_name, name: see `batch`.
    """
    return maybe_batch_join(
        tensors_list,
        True,
        batch_size,
        capacity,
        enqueue_many,
        shapes,
        dynamic_pad,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


def maybe_batch_join(
    tensors_list: Sequence[Element],
    keep_input: TensorLike,
    batch_size: TensorLike,
    capacity: int = 32,
    enqueue_many: bool = False,
    shapes: Sequence[ShapeLike] | None = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch_join`, of the elements for which `keep_input` holds."""
    options = _Options(
        batch_size, keep_input, enqueue_many, shapes, allow_smaller_final_batch, name
    )
    lists = _as_tensor_list_list(tensors_list)
    made = _in_order(
        lists, None, capacity, dynamic_pad, shared_name, options, "batch_join"
    )
    return _as_original_type(tensors_list[0], made)


def shuffle_batch(
    tensors: Element,
    batch_size: TensorLike,
    capacity: int,
    min_after_dequeue: int,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Sequence[ShapeLike] | None = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `batch`, of elements in random order.

    Args:
      tensors: a list or dictionary of tensors.
      batch_size: how many elements make a batch.
      capacity: how many elements there is room for.
      min_after_dequeue: how many are left after taking some: out of which is drawn.
      num_threads: how many threads run the tensors.
      seed: for the order.
      enqueue_many, shapes, allow_smaller_final_batch, shared_name, name: see `batch`.

    Raises:
      ValueError: as `batch`; or there is no room for that many.
    """
    return maybe_shuffle_batch(
        tensors,
        batch_size,
        capacity,
        min_after_dequeue,
        True,
        num_threads,
        seed,
        enqueue_many,
        shapes,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


def maybe_shuffle_batch(
    tensors: Element,
    batch_size: TensorLike,
    capacity: int,
    min_after_dequeue: int,
    keep_input: TensorLike,
    num_threads: int = 1,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Sequence[ShapeLike] | None = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `shuffle_batch`, of the elements for which `keep_input` holds."""
    options = _Options(
        batch_size, keep_input, enqueue_many, shapes, allow_smaller_final_batch, name
    )
    made = _in_any_order(
        [_as_tensor_list(tensors)],
        num_threads,
        capacity,
        min_after_dequeue,
        seed,
        shared_name,
        options,
        "shuffle_batch",
    )
    return _as_original_type(tensors, made)


def shuffle_batch_join(
    tensors_list: Sequence[Element],
    batch_size: TensorLike,
    capacity: int,
    min_after_dequeue: int,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Sequence[ShapeLike] | None = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `shuffle_batch`, of several lists, each run by a thread of its own."""
    return maybe_shuffle_batch_join(
        tensors_list,
        batch_size,
        capacity,
        min_after_dequeue,
        True,
        seed,
        enqueue_many,
        shapes,
        allow_smaller_final_batch,
        shared_name,
        name,
    )


def maybe_shuffle_batch_join(
    tensors_list: Sequence[Element],
    batch_size: TensorLike,
    capacity: int,
    min_after_dequeue: int,
    keep_input: TensorLike,
    seed: int | None = None,
    enqueue_many: bool = False,
    shapes: Sequence[ShapeLike] | None = None,
    allow_smaller_final_batch: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """As `shuffle_batch_join`, of the elements for which `keep_input` holds."""
    options = _Options(
        batch_size, keep_input, enqueue_many, shapes, allow_smaller_final_batch, name
    )
    lists = _as_tensor_list_list(tensors_list)
    made = _in_any_order(
        lists,
        None,
        capacity,
        min_after_dequeue,
        seed,
        shared_name,
        options,
        "shuffle_batch_join",
    )
    return _as_original_type(tensors_list[0], made)
