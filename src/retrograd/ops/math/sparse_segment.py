"""Reductions over groups of rows that are first picked by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def sparse_segment_sum(
    data: TensorLike,
    indices: TensorLike,
    segment_ids: TensorLike,
    name: str | None = None,
    num_segments: TensorLike | None = None,
) -> Tensor:
    """The sum of the rows of `data` that are picked for each segment.

    Args:
      data: a tensor of rank 1 at least.
      indices: int32 or int64 [n], which rows.
      segment_ids: int32 [n], sorted: the segment of each.
      name: the name of the operation.
      num_segments: the size of the result's first axis, by default the last id plus 1.
    """
    if num_segments is None:
        return F.SparseSegmentSum(data, indices, segment_ids, name=name)
    return F.SparseSegmentSumWithNumSegments(
        data, indices, segment_ids, num_segments, name=name
    )


def sparse_segment_mean(
    data: TensorLike,
    indices: TensorLike,
    segment_ids: TensorLike,
    name: str | None = None,
    num_segments: TensorLike | None = None,
) -> Tensor:
    """The mean of the rows picked for each segment (see `sparse_segment_sum`)."""
    if num_segments is None:
        return F.SparseSegmentMean(data, indices, segment_ids, name=name)
    return F.SparseSegmentMeanWithNumSegments(
        data, indices, segment_ids, num_segments, name=name
    )


def sparse_segment_sqrt_n(
    data: TensorLike,
    indices: TensorLike,
    segment_ids: TensorLike,
    name: str | None = None,
    num_segments: TensorLike | None = None,
) -> Tensor:
    """The sum of the rows picked for each segment over the root of their number (see
    `sparse_segment_sum`)."""
    if num_segments is None:
        return F.SparseSegmentSqrtN(data, indices, segment_ids, name=name)
    return F.SparseSegmentSqrtNWithNumSegments(
        data, indices, segment_ids, num_segments, name=name
    )


def _newer(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function with the arguments in their later order."""

    def newer(
        data: TensorLike,
        indices: TensorLike,
        segment_ids: TensorLike,
        num_segments: TensorLike | None = None,
        name: str | None = None,
    ) -> Tensor:
        return function(data, indices, segment_ids, name, num_segments)

    newer.__name__ = newer.__qualname__ = f"{function.__name__}_v2"
    newer.__doc__ = f"As `{function.__name__}`."
    return newer


sparse_segment_sum_v2 = _newer(sparse_segment_sum)
sparse_segment_mean_v2 = _newer(sparse_segment_mean)
sparse_segment_sqrt_n_v2 = _newer(sparse_segment_sqrt_n)
