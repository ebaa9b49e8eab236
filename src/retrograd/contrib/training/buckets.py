"""Batches of elements that are alike, as sequences of about one length."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, errors
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.constant import constant
from retrograd.ops.array.selection import where
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.flow.control import group, no_op
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_min
from retrograd.ops.queues.queue import FIFOQueue, PaddingFIFOQueue
from retrograd.shapes import TensorShape
from retrograd.summary.summary import scalar
from retrograd.train.batching import (
    _as_original_type,
    _as_tensor_list,
    _shapes,
    _types,
    converted,
)
from retrograd.train.queue_runner import QueueRunner, add_queue_runner
from retrograd.train.sparse_batching import restored, stored

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.ops.queues.queue import QueueBase
    from retrograd.train.batching import Element
    from retrograd.typing import ShapeLike, TensorLike


def bucket(
    tensors: Element,
    which_bucket: TensorLike,
    batch_size: int | Sequence[int],
    num_buckets: int,
    num_threads: int = 1,
    capacity: int = 32,
    bucket_capacities: Sequence[int] | None = None,
    shapes: Sequence[ShapeLike] | None = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    keep_input: TensorLike = True,
    shared_name: str | None = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Batches whose elements are of one bucket.

    Args:
      tensors: a list or dictionary of tensors.
      which_bucket: the bucket of the element that they are, from 0.
      batch_size: how many elements make a batch, of each bucket or of all.
      num_buckets: how many buckets there are.
      num_threads: how many threads run the tensors.
      capacity: how many elements a bucket has room for, and how many batches wait.
      bucket_capacities: the same for each bucket.
      shapes: the shapes of an element's tensors, if they are not known.
      dynamic_pad: whether tensors of a batch are padded to the largest.
      allow_smaller_final_batch: whether the last batch of a bucket may be smaller.
      keep_input: whether the element counts.
      shared_name: what other sessions find the queues by.
      name: the name scope.

    Returns:
      The bucket of the batch, and the tensors, each with a first axis for elements.

    Raises:
      ValueError: there are no tensors; or a list has not an item for each bucket.
    """
    _check_each(batch_size, bucket_capacities, num_buckets)
    sizes = _each(batch_size, num_buckets)
    given = _as_tensor_list(tensors)
    with name_scope(name, "bucket", given):
        parts = converted(given, "bucket")
        bucket_number: Any = convert_to_tensor(
            which_bucket, dtype=dtypes.int32, name="which_bucket"
        )
        kept = convert_to_tensor(keep_input)
        values, facts = stored(parts, False, kept)
        types = _types([values])
        known = _shapes([values], shapes, False)
        queues = _bucket_queues(
            types,
            known,
            bucket_capacities or [capacity] * num_buckets,
            dynamic_pad,
            shared_name,
        )
        smaller = allow_smaller_final_batch
        same = None if smaller or len(set(sizes)) > 1 else sizes[0]
        top = PaddingFIFOQueue(
            capacity=capacity,
            dtypes=[dtypes.int32, *types],
            shapes=[[], *([same, *TensorShape(shape).as_list()] for shape in known)],
            shared_name=shared_name,
            name="top_queue",
        )

        def put() -> Any:
            puts = [
                _put_where(F.Equal(bucket_number, i), queue, values)
                for i, queue in enumerate(queues)
            ]
            return group(*puts, name="group_enqueues")

        enqueue: Any = smart_cond(kept, put, no_op)
        moves = [
            _move(i, queue, top, size, smaller)
            for i, (queue, size) in enumerate(zip(queues, sizes, strict=True))
        ]
        _add_runners(queues, top, moves, enqueue, num_threads)
        for queue in queues:
            filled = cast(top.size(), dtypes.float32)
            scalar(f"bucket/{queue.name}/size", filled)
        part = cast(top.size(), dtypes.float32) * (1.0 / capacity)
        scalar(f"bucket/{top.name}/fraction_of_{capacity}_full", part)
        number, *found = top.dequeue(name="dequeue_top")
        return number, _as_original_type(tensors, restored(found, facts))


def _check_each(
    batch_size: int | Sequence[int],
    bucket_capacities: Sequence[int] | None,
    num_buckets: int,
) -> None:
    if isinstance(batch_size, list | tuple) and len(batch_size) != num_buckets:
        raise ValueError("If batch_size is a list it must have num_buckets elements")
    if bucket_capacities is not None and len(bucket_capacities) != num_buckets:
        raise ValueError(
            f"The list bucket_capacities ({bucket_capacities}) must have exactly "
            f"num_buckets ({num_buckets}) elements."
        )


def _each(value: int | Sequence[int], count: int) -> list[int]:
    return [value] * count if isinstance(value, int) else list(value)


def _bucket_queues(
    types: list[Any],
    known: list[Any],
    capacities: Sequence[int],
    dynamic_pad: bool,
    shared_name: str | None,
) -> list[Any]:
    kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
    return [
        kind(
            capacity=capacity,
            dtypes=types,
            shapes=known,
            shared_name=None if shared_name is None else f"{shared_name}_{i}",
            name=f"bucket_queue_{i}",
        )
        for i, capacity in enumerate(capacities)
    ]


def _put_where(here: Tensor, queue: QueueBase, values: list[Any]) -> Any:
    return cond(here, lambda: queue.enqueue(values), no_op)


def _move(
    i: int, queue: QueueBase, top: QueueBase, size: int, allow_smaller: bool
) -> Any:
    """A batch of a bucket to the queue of batches."""
    number = constant(i, dtypes.int32)
    take = queue.dequeue_up_to if allow_smaller else queue.dequeue_many
    batch = take(size, name=f"read_bucket_{i}")
    batch = batch if isinstance(batch, list) else [batch]
    return top.enqueue([number, *batch], name=f"enqueue_from_bucket_{i}")


def _add_runners(
    queues: list[Any], top: QueueBase, moves: list[Any], enqueue: Tensor, threads: int
) -> None:
    """Threads that fill the buckets, and threads that make batches of them."""
    ends = (errors.OutOfRangeError, errors.CancelledError)
    add_queue_runner(
        QueueRunner(
            queues[0],
            moves,
            close_op=top.close(),
            cancel_op=top.close(cancel_pending_enqueues=True),
            queue_closed_exception_types=ends,
        )
    )
    add_queue_runner(
        QueueRunner(
            top,
            [enqueue] * threads,
            close_op=group(*(queue.close() for queue in queues)),
            cancel_op=group(
                *(queue.close(cancel_pending_enqueues=True) for queue in queues)
            ),
            queue_closed_exception_types=ends,
        )
    )


def bucket_by_sequence_length(
    input_length: Tensor,
    tensors: Element,
    batch_size: int | Sequence[int],
    bucket_boundaries: Sequence[int],
    num_threads: int = 1,
    capacity: int = 32,
    bucket_capacities: Sequence[int] | None = None,
    shapes: Sequence[ShapeLike] | None = None,
    dynamic_pad: bool = False,
    allow_smaller_final_batch: bool = False,
    keep_input: TensorLike = True,
    shared_name: str | None = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Batches of sequences of about one length.

    Args:
      input_length: the length of the sequence.
      bucket_boundaries: ascending lengths; a bucket ends before each, one after all.
      tensors, batch_size, num_threads, capacity, bucket_capacities, shapes,
      dynamic_pad, allow_smaller_final_batch, keep_input, shared_name, name: as of
        `bucket`.

    Returns:
      The lengths of the batch's sequences, and the tensors.

    Raises:
      TypeError: boundaries that are no list of integers.
      ValueError: there are none, or they do not ascend.
    """
    given = _as_tensor_list(tensors)
    if not isinstance(bucket_boundaries, list | tuple):
        raise TypeError(
            "bucket_boundaries must be a list or tuple, but received: "
            f"{bucket_boundaries}"
        )
    if not bucket_boundaries:
        raise ValueError("bucket_boundaries must not be empty")
    for low, high in itertools.pairwise(bucket_boundaries):
        if not isinstance(low, int) and not isinstance(high, int):
            raise TypeError(
                "bucket boundaries must be integers, but saw: "
                f"{low} of type {type(low)}"
            )
        if low >= high:
            raise ValueError(
                "Buckets must contain sequential increasing lengths, but saw: "
                f"{low} before {high}"
            )
    least, most = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    with name_scope(name, "bucket_by_sequence_length", [input_length, *given]):
        length: Any = convert_to_tensor(
            input_length, dtype=dtypes.int32, name="input_length"
        )
        lows = np.array([least, *bucket_boundaries], np.int32)
        highs = np.array([*bucket_boundaries, most], np.int32)
        here = F.LogicalAnd(F.LessEqual(lows, length), F.Less(length, highs))
        number = cast(reduce_min(where(here)), dtypes.int32)
        _, found = bucket(
            [length, *given],
            number,
            batch_size,
            len(bucket_boundaries) + 1,
            num_threads,
            capacity,
            bucket_capacities,
            None if shapes is None else [[], *shapes],
            dynamic_pad,
            allow_smaller_final_batch,
            keep_input,
            shared_name,
        )
        return found[0], _as_original_type(tensors, found[1:])
