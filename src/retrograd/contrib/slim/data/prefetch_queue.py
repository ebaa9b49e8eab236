"""A queue of what tensors are in the runs to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.dispatch import name_scope
from retrograd.ops.math.casts import cast
from retrograd.ops.queues.queue import FIFOQueue, PaddingFIFOQueue
from retrograd.summary.summary import scalar
from retrograd.train.queue_runner import QueueRunner, add_queue_runner

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor


def prefetch_queue(
    tensors: Sequence[Tensor] | Mapping[str, Tensor],
    capacity: int = 8,
    num_threads: int = 1,
    dynamic_pad: bool = False,
    shared_name: str | None = None,
    name: str | None = None,
) -> Any:
    """A queue that threads fill with tensors.

    Args:
      tensors: a list or a dictionary of them.
      capacity: how many elements there is room for.
      num_threads: how many threads there are.
      dynamic_pad: whether the shapes may differ.
      shared_name: what other sessions find the queue by.
      name: the name scope.

    Returns:
      The queue; what it gives is as the tensors were given.
    """
    named = isinstance(tensors, Mapping)
    names = sorted(tensors) if named else None
    values: Any = [tensors[key] for key in sorted(tensors)] if named else tensors
    with name_scope(name, "prefetch_queue", values):
        kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        queue = kind(
            capacity=capacity,
            dtypes=[t.dtype for t in values],
            shapes=[t.get_shape() for t in values],
            names=names,
            shared_name=shared_name,
        )
        enqueue = queue.enqueue(tensors)
        add_queue_runner(QueueRunner(queue, [enqueue] * num_threads))
        part = cast(queue.size(), dtypes.float32) * (1.0 / capacity)
        scalar(f"fraction_of_{capacity}_full", part)
        return queue
