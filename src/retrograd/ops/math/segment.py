"""Reductions over groups of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import ones
from retrograd.ops.array.shape import reshape, shape_internal
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def segment_sum(
    data: TensorLike, segment_ids: TensorLike, name: str | None = None
) -> Tensor:
    """The sum of the rows of each segment.

    Args:
      data: a tensor of rank 1 at least.
      segment_ids: int32 or int64, one for each row, sorted; a segment without rows
        gets 0.
      name: the name of the operation.
    """
    return F.SegmentSum(data, segment_ids, name=name)


def segment_mean(
    data: TensorLike, segment_ids: TensorLike, name: str | None = None
) -> Tensor:
    """The mean of the rows of each segment (see `segment_sum`)."""
    return F.SegmentMean(data, segment_ids, name=name)


def segment_prod(
    data: TensorLike, segment_ids: TensorLike, name: str | None = None
) -> Tensor:
    """The product of the rows of each segment; 1 without rows (see `segment_sum`)."""
    return F.SegmentProd(data, segment_ids, name=name)


def segment_max(
    data: TensorLike, segment_ids: TensorLike, name: str | None = None
) -> Tensor:
    """The greatest of the rows of each segment (see `segment_sum`)."""
    return F.SegmentMax(data, segment_ids, name=name)


def segment_min(
    data: TensorLike, segment_ids: TensorLike, name: str | None = None
) -> Tensor:
    """The least of the rows of each segment (see `segment_sum`)."""
    return F.SegmentMin(data, segment_ids, name=name)


def unsorted_segment_sum(
    data: TensorLike,
    segment_ids: TensorLike,
    num_segments: TensorLike,
    name: str | None = None,
) -> Tensor:
    """For each id the sum of its rows.

    Args:
      data: a tensor whose shape starts with that of `segment_ids`.
      segment_ids: int32 or int64, below `num_segments`; rows with a negative one are
        left out; ids without rows get 0.
      num_segments: a scalar, the size of the result's first axis.
      name: the name of the operation.
    """
    return F.UnsortedSegmentSum(data, segment_ids, num_segments, name=name)


def unsorted_segment_prod(
    data: TensorLike,
    segment_ids: TensorLike,
    num_segments: TensorLike,
    name: str | None = None,
) -> Tensor:
    """For each id the product of its rows; 1 without (see `unsorted_segment_sum`)."""
    return F.UnsortedSegmentProd(data, segment_ids, num_segments, name=name)


def unsorted_segment_max(
    data: TensorLike,
    segment_ids: TensorLike,
    num_segments: TensorLike,
    name: str | None = None,
) -> Tensor:
    """For each id the greatest of its rows; the lowest number of the type without (see
    `unsorted_segment_sum`)."""
    return F.UnsortedSegmentMax(data, segment_ids, num_segments, name=name)


def unsorted_segment_min(
    data: TensorLike,
    segment_ids: TensorLike,
    num_segments: TensorLike,
    name: str | None = None,
) -> Tensor:
    """For each id the least of its rows; the highest number of the type without (see
    `unsorted_segment_sum`)."""
    return F.UnsortedSegmentMin(data, segment_ids, num_segments, name=name)


def _row_counts(data: Tensor, segment_ids: Tensor, num_segments: TensorLike) -> Tensor:
    """How many rows each id has, 1 at least, in a shape to divide by."""
    each = ones(shape_internal(segment_ids), dtype=data.dtype)
    count = F.UnsortedSegmentSum(each, segment_ids, num_segments)
    flat = len(data._shape_raw or ()) - len(segment_ids._shape_raw or ())
    return F.Maximum(reshape(count, [num_segments] + [1] * flat), 1)


def unsorted_segment_mean(
    data: TensorLike,
    segment_ids: TensorLike,
    num_segments: TensorLike,
    name: str | None = None,
) -> Tensor:
    """For each id the mean of its rows; 0 without (see `unsorted_segment_sum`)."""
    with dispatch.name_scope(name, "UnsortedSegmentMean"):
        data, segment_ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        count = _row_counts(data, segment_ids, num_segments)
        total: Any = F.UnsortedSegmentSum(data, segment_ids, num_segments)
        return total / count


def unsorted_segment_sqrt_n(
    data: TensorLike,
    segment_ids: TensorLike,
    num_segments: TensorLike,
    name: str | None = None,
) -> Tensor:
    """For each id the sum of its rows over the root of their number; 0 without (see
    `unsorted_segment_sum`)."""
    with dispatch.name_scope(name, "UnsortedSegmentSqrtN"):
        data, segment_ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        count = _row_counts(data, segment_ids, num_segments)
        total: Any = F.UnsortedSegmentSum(data, segment_ids, num_segments)
        return total / F.Sqrt(count)
