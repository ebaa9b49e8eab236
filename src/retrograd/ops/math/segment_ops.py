"""Ops: reductions over groups of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones_like, zeros_like
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, rank, shape
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import (
    invalid,
    same_dim,
    shape_text,
    size_input,
    with_rank,
    with_rank_at_least,
)

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- unsorted ids


def _unsorted_shape(n: Operation) -> RawShape:
    data, ids = n._inputs[0]._shape_raw, n._inputs[1]._shape_raw
    with_rank(n, 2, 0)
    if ids is None:
        return None
    if data is None:
        size_input(n, 2)
        return None
    if len(data) < len(ids):
        raise invalid(
            n, f"Shape must be at least rank {len(ids)} but is rank {len(data)}"
        )
    for a, b in zip(data, ids, strict=False):
        same_dim(n, a, b)
    return (size_input(n, 2), *data[len(ids) :])


def _sum_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    return [_gather_drop_negatives(dy, n.inputs[1])[0], None, None]


@op(
    "UnsortedSegmentSum",
    infer=_unsorted_shape,
    math="yₖ = Σᵢ xᵢ [sᵢ = k]",
    grad=_sum_gradient,
    static="num_segments",
    notation=dict(data="x̄ᵢ = ȳ[sᵢ]", segment_ids="s"),
)
def unsorted_segment_sum_kernel(
    xp: Arrays, data: Array, ids: Array, num: Array
) -> Array:
    """For each id the sum of its rows; 0 where there is none."""
    _check_unsorted(data, ids, num)
    return xp.segment_sum(data, ids, int(num))


def _gather_drop_negatives(
    params: Tensor,
    ids: Tensor,
    kept: Tensor | None = None,
    positive: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of `params` by id, zeros for negative ids.

    Also returns the ids with zero for negative ones, and where in the rows they are not
    negative; both can be handed in again.
    """
    places = F.Maximum(ids, zeros_like(ids)) if kept is None else kept
    found = F.GatherV2(params, places, 0)
    where = _positive_rows(ids, found) if positive is None else positive
    return F.Select(where, found, zeros_like(found)), places, where


def _positive_rows(ids: Tensor, found: Tensor) -> Tensor:
    """Where in the rows that were found for ids the ids are not negative.

    Raises:
      TypeError: one of the ranks is not known.
    """
    positive = F.GreaterEqual(ids, constant(0, ids.dtype.base_dtype))
    for _ in range(found.shape.ndims - positive.shape.ndims):
        positive = expand_dims(positive, -1)
    return F.LogicalAnd(positive, ones_like(found, dtype=dtypes.bool))


@op(
    "UnsortedSegmentProd",
    infer=_unsorted_shape,
    math="yₖ = Π xᵢ over i with sᵢ = k",
    static="num_segments",
    notation=dict(segment_ids="s"),
)
def unsorted_segment_prod_kernel(
    xp: Arrays, data: Array, ids: Array, num: Array
) -> Array:
    """For each id the product of its rows; 1 where there is none."""
    _check_unsorted(data, ids, num)
    return xp.segment_prod(data, ids, int(num))


@gradient("UnsortedSegmentProd", data="x̄ᵢ = ȳₖ yₖ / xᵢ, k = sᵢ")
def unsorted_segment_prod_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """The product of the others: yₖ / xᵢ, or of those that are not 0 beside one 0."""
    data, ids, num = n.inputs
    is_zero = F.Equal(data, constant(0, data.dtype.base_dtype))
    zeros_in = F.UnsortedSegmentSum(F.Cast(is_zero, DstT=dtypes.int32), ids, num)
    dy = F.Select(F.Greater(zeros_in, 1), zeros_like(dy), dy)
    others = F.UnsortedSegmentProd(F.Select(is_zero, ones_like(data), data), ids, num)
    kept = F.Maximum(ids, zeros_like(ids))
    partial = F.Select(
        is_zero,
        F.GatherV2(others, kept, 0),
        F.RealDiv(F.GatherV2(n.outputs[0], kept, 0), data),
    )
    rows = _gather_drop_negatives(dy, ids, kept)[0]
    return [F.Mul(rows, partial), None, None]


_CHOSEN = dict(
    data="x̄ᵢ = ȳₖ [xᵢ = yₖ] / Σⱼ [sⱼ = k] [xⱼ = yₖ], k = sᵢ", segment_ids="s"
)


def _chosen_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """ȳ goes to the elements that are the least or greatest, in equal parts."""
    data, ids, num = n.inputs
    rows, kept, positive = _gather_drop_negatives(n.outputs[0], ids)
    chosen = F.LogicalAnd(F.Equal(data, rows), positive)
    count = F.UnsortedSegmentSum(F.Cast(chosen, DstT=dy.dtype), ids, num)
    shares = F.DivNoNan(dy, count)  # an id without rows passes nothing on
    shares = _gather_drop_negatives(shares, ids, kept, positive)[0]
    return [F.Select(chosen, shares, zeros_like(shares)), None, None]


def _unsorted_extreme(
    xp: Arrays, extreme: Callable[..., Array], data: Array, ids: Array, num: int
) -> Array:
    """For each id the greatest or least of its rows, taken in order.

    A row that is NaN takes the place of what came before it, and the next one its own.
    """
    if data.dtype.kind in "iu" or not data.size:
        return extreme(data, ids, num)
    nan = xp.isnan(data)
    behind = (1,) * (data.ndim - ids.ndim)
    order = np.arange(ids.size).reshape(*ids.shape, *behind)

    def in_order(data: Array, ids: Array) -> Array:
        order_ = xp.broadcast_to(order, data.shape)
        last = xp.segment_max(xp.where(nan, order_, -1), ids, num)
        end = xp.segment_max(order_, ids, num)
        before = xp.take(last, xp.maximum(ids, ids.dtype.type(0)), 0)
        none = extreme(data[:0], ids[:0], 1)[0]  # what changes no extreme
        kept = xp.where(order_ > before, data, none)
        found = extreme(kept, ids, num)
        return xp.where((last >= 0) & (last == end), data.dtype.type(np.nan), found)

    return xp.cond(
        xp.any(nan), in_order, lambda data, ids: extreme(data, ids, num), data, ids
    )


@op(
    "UnsortedSegmentMax",
    infer=_unsorted_shape,
    math="yₖ = max xᵢ over i with sᵢ = k",
    grad=_chosen_gradient,
    static="num_segments",
    notation=_CHOSEN,
)
def unsorted_segment_max_kernel(
    xp: Arrays, data: Array, ids: Array, num: Array
) -> Array:
    """For each id the greatest of its rows; the lowest number where there is none."""
    _check_unsorted(data, ids, num)
    return _unsorted_extreme(xp, xp.segment_max, data, ids, int(num))


@op(
    "UnsortedSegmentMin",
    infer=_unsorted_shape,
    math="yₖ = min xᵢ over i with sᵢ = k",
    grad=_chosen_gradient,
    static="num_segments",
    notation=_CHOSEN,
)
def unsorted_segment_min_kernel(
    xp: Arrays, data: Array, ids: Array, num: Array
) -> Array:
    """For each id the least of its rows; the highest number where there is none."""
    _check_unsorted(data, ids, num)
    return _unsorted_extreme(xp, xp.segment_min, data, ids, int(num))


def _check_unsorted(data: Array, ids: Array, num: Array) -> None:
    if np.ndim(num):
        raise refused(
            f"num_segments should be a scalar, not shape {shape_text(np.shape(num))}"
        )
    have, wanted = np.shape(data), np.shape(ids)
    if have[: len(wanted)] != wanted:
        raise refused(
            f"data.shape = {shape_text(have)} does not start with segment_ids.shape = "
            f"{shape_text(wanted)}"
        )


# ---------------------------------------------------------------------- sorted ids


def _sorted_shape(n: Operation) -> RawShape:
    data = with_rank_at_least(n, 0, 1)
    with_rank(n, 1, 1)
    return None if data is None else (None, *data[1:])


def _rows_of(ids: Array, count: int) -> int:
    """How many segments sorted ids stand for.

    Raises:
      InvalidArgumentError: there are not `count` of them, or they are not sorted.
    """
    if np.ndim(ids) != 1:
        raise refused("segment_ids should be a vector.")
    if len(ids) != count:
        raise refused("segment_ids should be the same size as dimension 0 of input.")
    if not len(ids):
        return 0
    if ids[-1] < 0:
        raise refused("segment ids must be >= 0")
    check_sorted(ids, int(ids[-1]) + 1)
    return int(ids[-1]) + 1


def check_sorted(ids: Array, rows: int) -> None:
    """Refuse ids that fall, or that are not in [0, rows): the first that is wrong.

    Raises:
      InvalidArgumentError: there is one.
    """
    falls = np.append(ids[1:] < ids[:-1], False)
    outside = (ids < 0) | (ids >= rows)
    wrong = np.flatnonzero(falls | outside)
    if not len(wrong):
        return
    at = int(wrong[0])
    # an id is looked at when its last row is, after the step to the next
    if falls[np.flatnonzero(ids == ids[at])].any():
        raise refused("segment ids are not increasing")
    raise refused(
        f"Segment id {ids[at]} out of range [0, {rows}), possibly because "
        "'segment_ids' input is not sorted."
    )


def _segments(
    xp: Arrays, data: Array, ids: Array, kind: str, empty: int | None = None
) -> Array:
    sizes = np.shape(data)
    rows = _rows_of(np.asarray(ids), sizes[0] if sizes else -1)
    function = getattr(xp, f"segment_{kind}")
    if empty is None:
        return function(data, ids, rows)
    return function(data, ids, rows, empty)


@op(
    "SegmentSum",
    infer=_sorted_shape,
    math="yₖ = Σᵢ xᵢ [sᵢ = k]",
    grad=lambda n, dy: [F.GatherV2(dy, n.inputs[1], 0), None],
    static="segment_ids",
    notation=dict(data="x̄ᵢ = ȳ[sᵢ]", segment_ids="s"),
)
def segment_sum_kernel(xp: Arrays, data: Array, ids: Array) -> Array:
    """The sum of the rows of each segment."""
    return _segments(xp, data, ids, "sum")


def _counts(xp: Arrays, data: Array, ids: Array, rows: int) -> Array:
    """How many rows each segment has, one at least, in the type and rank of `data`."""
    found = np.maximum(np.bincount(np.asarray(ids), minlength=rows), 1)
    shape_ = (rows,) + (1,) * (np.ndim(data) - 1)
    return xp.asarray(found.reshape(shape_).astype(data.dtype))


@op(
    "SegmentMean",
    infer=_sorted_shape,
    math="yₖ = Σᵢ xᵢ [sᵢ = k] / nₖ, nₖ = Σᵢ [sᵢ = k]",
    static="segment_ids",
    notation=dict(segment_ids="s"),
)
def segment_mean_kernel(xp: Arrays, data: Array, ids: Array) -> Array:
    """The mean of the rows of each segment; of integers, towards zero."""
    total = _segments(xp, data, ids, "sum")
    count = _counts(xp, total, ids, np.shape(total)[0])
    if total.dtype.kind in "iu":
        quotient = total // count
        uneven = (total < 0) & (quotient * count != total)
        return quotient + uneven.astype(total.dtype)
    return total / count


@gradient("SegmentMean", data="x̄ᵢ = ȳₖ / nₖ, k = sᵢ")
def segment_mean_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """Each row of a segment gets the same share."""
    data, ids = n.inputs
    flat = F.Fill(expand_dims(F.Sub(rank(data), 1), 0), 1)
    column = F.Fill(concat([shape(ids), flat], 0), constant(1, dy.dtype))
    shares = F.RealDiv(dy, F.SegmentSum(column, ids))
    return [F.GatherV2(shares, ids, 0), None]


@op(
    "SegmentProd",
    infer=_sorted_shape,
    math="yₖ = Π xᵢ over i with sᵢ = k",
    static="segment_ids",
)
def segment_prod_kernel(xp: Arrays, data: Array, ids: Array) -> Array:
    """The product of the rows of each segment; 1 where there is none."""
    return _segments(xp, data, ids, "prod")


def _sorted_chosen_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """ȳ goes to the elements that are the least or greatest, in equal parts."""
    data, ids = n.inputs
    chosen = F.Equal(data, F.GatherV2(n.outputs[0], ids, 0))
    count = F.SegmentSum(F.Cast(chosen, DstT=dy.dtype), ids)
    shares = F.GatherV2(F.DivNoNan(dy, count), ids, 0)
    return [F.Select(chosen, shares, zeros_like(data)), None]


@op(
    "SegmentMax",
    infer=_sorted_shape,
    math="yₖ = max xᵢ over i with sᵢ = k",
    grad=_sorted_chosen_gradient,
    static="segment_ids",
    notation=_CHOSEN,
)
def segment_max_kernel(xp: Arrays, data: Array, ids: Array) -> Array:
    """The greatest of the rows of each segment; 0 where there is none."""
    return _segments(xp, _without_nan(xp, data, ids, -np.inf), ids, "max", 0)


def _without_nan(xp: Arrays, data: Array, ids: Array, least: float) -> Array:
    """The rows with what changes no extreme for NaN, but where a row is alone."""
    if data.dtype.kind in "iub" or len(np.shape(ids)) != 1 or not np.shape(ids)[0]:
        return data
    nan = xp.isnan(data)
    if xp.name == "numpy" and not nan.any():
        return data
    ids = np.asarray(ids)
    alone = np.array([(ids == i).sum() == 1 for i in ids])
    alone = alone.reshape((-1,) + (1,) * (len(np.shape(data)) - 1))
    return xp.where(nan & ~alone, data.dtype.type(least), data)


@op(
    "SegmentMin",
    infer=_sorted_shape,
    math="yₖ = min xᵢ over i with sᵢ = k",
    grad=_sorted_chosen_gradient,
    static="segment_ids",
    notation=_CHOSEN,
)
def segment_min_kernel(xp: Arrays, data: Array, ids: Array) -> Array:
    """The least of the rows of each segment; 0 where there is none."""
    return _segments(xp, _without_nan(xp, data, ids, np.inf), ids, "min", 0)
