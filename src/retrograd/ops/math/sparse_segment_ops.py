"""Ops: reductions over groups of rows that are first picked by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F, op
from retrograd.ops.infer import invalid, merged, with_rank, with_rank_at_least
from retrograd.ops.math.segment_ops import check_sorted
from retrograd.ops.static import constant as static_value

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def _reduced_shape(n: Operation) -> RawShape:
    data = with_rank_at_least(n, 0, 1)
    merged(n, with_rank(n, 1, 1), with_rank(n, 2, 1))
    rows = None
    if len(n._inputs) == 4:
        with_rank(n, 3, 0)
        value = static_value(n._inputs[3])
        assert n._op_def is not None
        name = n._op_def.inputs[3].name
        if value is not None and value < 0:
            raise invalid(n, f"Cannot specify a negative value for {name}")
        rows = None if value is None else int(value)
    return None if data is None else (rows, *data[1:])


def _check(xp: Arrays, indices: Array, ids: Array, rows: int, num: Array | None) -> int:
    """The number of segments.

    Raises:
      InvalidArgumentError: ids that are not sorted or not in range, or too few.
    """
    if np.ndim(ids) != 1:
        raise refused("segment_ids should be a vector.")
    if np.ndim(indices) != 1:
        raise refused("indices should be a vector.")
    if len(ids) != len(indices):
        raise refused("segment_ids and indices should have same size.")
    last = int(ids[-1]) + 1 if len(ids) else 0
    count = last if num is None else int(num)
    if count < 0 or (len(ids) and last < 1):
        raise refused("segment ids must be >= 0")
    if last > count:
        raise refused("segment ids must be < num_segments")
    check_sorted(ids, count)

    def bad() -> Exception:
        at = np.flatnonzero((indices < 0) | (indices >= rows))[0]
        return refused(f"Bad: indices[{at}] == {indices[at]} out of range [0, {rows})")

    xp.check((indices >= 0) & (indices < rows), bad)
    return count


def _weights(ids: Array, count: int, power: float, data: Array) -> Array:
    """What the sum of each segment is divided by: its number of rows, to a power."""
    found = np.maximum(np.bincount(ids, minlength=count), 1) ** power
    return found.reshape((-1,) + (1,) * (np.ndim(data) - 1)).astype(data.dtype)


def _reduce(
    xp: Arrays, data: Array, indices: Array, ids: Array, num: Array | None, power: float
) -> Array:
    ids = np.asarray(ids)
    count = _check(xp, indices, ids, np.shape(data)[0], num)
    total = xp.segment_sum(xp.gather(data, indices, 0), ids, count)
    return total / _weights(ids, count, power, total) if power else total


def _sum_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    data, indices, ids = n.inputs[:3]
    rows = shape(data)[0]
    dx = F.UnsortedSegmentSum(F.GatherV2(dy, ids, 0), indices, rows)
    return [dx] + [None] * (len(n.inputs) - 1)


def _gradient_by(function: Callable[..., Any]) -> Callable[..., Any]:
    def rule(n: Operation, dy: Tensor) -> list[Tensor | None]:
        data, indices, ids = n.inputs[:3]
        dx = function(dy, indices, ids, shape(data)[0])
        return [dx] + [None] * (len(n.inputs) - 1)

    return rule


_mean_gradient = _gradient_by(lambda *a: F.SparseSegmentMeanGrad(*a))
_sqrt_n_gradient = _gradient_by(lambda *a: F.SparseSegmentSqrtNGrad(*a))
_COUNTED = ("segment_ids", "num_segments")


_BY_SUM = dict(data="x̄ₗ = Σᵢ ȳ[sᵢ] [jᵢ = l]", indices="j", segment_ids="s")
_BY_MEAN = {**_BY_SUM, "data": "x̄ₗ = Σᵢ ȳ[sᵢ] [jᵢ = l] / n[sᵢ]"}
_BY_SQRTN = {**_BY_SUM, "data": "x̄ₗ = Σᵢ ȳ[sᵢ] [jᵢ = l] / √n[sᵢ]"}


@op(
    "SparseSegmentSum",
    infer=_reduced_shape,
    math="yₖ = Σᵢ x[jᵢ] [sᵢ = k]",
    grad=_sum_gradient,
    static="segment_ids",
    notation=_BY_SUM,
)
def sparse_segment_sum_kernel(
    xp: Arrays, data: Array, indices: Array, ids: Array
) -> Array:
    """The sum of the rows picked for each segment."""
    return _reduce(xp, data, indices, ids, None, 0)


@op(
    "SparseSegmentSumWithNumSegments",
    infer=_reduced_shape,
    math="yₖ = Σᵢ x[jᵢ] [sᵢ = k]",
    grad=_sum_gradient,
    static=_COUNTED,
    notation=_BY_SUM,
)
def sparse_segment_sum_counted_kernel(
    xp: Arrays, data: Array, indices: Array, ids: Array, num: Array
) -> Array:
    """The sum of the rows picked for each of `num` segments."""
    return _reduce(xp, data, indices, ids, num, 0)


@op(
    "SparseSegmentMean",
    infer=_reduced_shape,
    math="yₖ = Σᵢ x[jᵢ] [sᵢ = k] / nₖ, nₖ = Σᵢ [sᵢ = k]",
    grad=_mean_gradient,
    static="segment_ids",
    notation=_BY_MEAN,
)
def sparse_segment_mean_kernel(
    xp: Arrays, data: Array, indices: Array, ids: Array
) -> Array:
    """The mean of the rows picked for each segment."""
    return _reduce(xp, data, indices, ids, None, 1)


@op(
    "SparseSegmentMeanWithNumSegments",
    infer=_reduced_shape,
    math="yₖ = Σᵢ x[jᵢ] [sᵢ = k] / nₖ, nₖ = Σᵢ [sᵢ = k]",
    grad=_mean_gradient,
    static=_COUNTED,
    notation=_BY_MEAN,
)
def sparse_segment_mean_counted_kernel(
    xp: Arrays, data: Array, indices: Array, ids: Array, num: Array
) -> Array:
    """The mean of the rows picked for each of `num` segments."""
    return _reduce(xp, data, indices, ids, num, 1)


@op(
    "SparseSegmentSqrtN",
    infer=_reduced_shape,
    math="yₖ = Σᵢ x[jᵢ] [sᵢ = k] / √nₖ, nₖ = Σᵢ [sᵢ = k]",
    grad=_sqrt_n_gradient,
    static="segment_ids",
    notation=_BY_SQRTN,
)
def sparse_segment_sqrt_n_kernel(
    xp: Arrays, data: Array, indices: Array, ids: Array
) -> Array:
    """The sum of the rows picked for each segment over the root of their number."""
    return _reduce(xp, data, indices, ids, None, 0.5)


@op(
    "SparseSegmentSqrtNWithNumSegments",
    infer=_reduced_shape,
    math="yₖ = Σᵢ x[jᵢ] [sᵢ = k] / √nₖ, nₖ = Σᵢ [sᵢ = k]",
    grad=_sqrt_n_gradient,
    static=_COUNTED,
    notation=_BY_SQRTN,
)
def sparse_segment_sqrt_n_counted_kernel(
    xp: Arrays, data: Array, indices: Array, ids: Array, num: Array
) -> Array:
    """As SparseSegmentSqrtN, for `num` segments."""
    return _reduce(xp, data, indices, ids, num, 0.5)


def _check_range(xp: Arrays, values: Array, size: int, what: str) -> None:
    def bad() -> Exception:
        wrong = values[(values < 0) | (values >= size)][0]
        return refused(f"{what} {wrong} out of range [0, {size}).")

    xp.check((values >= 0) & (values < size), bad)


def _spread(
    xp: Arrays, dy: Array, indices: Array, ids: Array, rows: Array, power: float
) -> Array:
    """Each picked row gets its share of the derivative of its segment."""
    ids = np.asarray(ids)
    count = np.shape(dy)[0]
    if len(ids) != np.shape(indices)[0]:
        raise refused("segment_ids and indices should have same size.")
    if len(ids) and ids[-1] >= count:
        raise refused("Invalid number of segments")
    _check_range(xp, ids, count, "Segment id")
    _check_range(xp, indices, int(rows), "Index")
    shares = dy / _weights(ids, count, power, dy)
    return xp.segment_sum(xp.gather(shares, ids, 0), indices, int(rows))


@op(
    "SparseSegmentMeanGrad",
    infer=_reduced_shape,
    math="zₗ = Σᵢ g[sᵢ] [jᵢ = l] / n[sᵢ]",
    static=("segment_ids", "output_dim0"),
)
def sparse_segment_mean_grad_kernel(
    xp: Arrays, dy: Array, indices: Array, ids: Array, rows: Array
) -> Array:
    """The backward pass of SparseSegmentMean."""
    return _spread(xp, dy, indices, ids, rows, 1)


@op(
    "SparseSegmentSqrtNGrad",
    infer=_reduced_shape,
    math="zₗ = Σᵢ g[sᵢ] [jᵢ = l] / √n[sᵢ]",
    static=("segment_ids", "output_dim0"),
)
def sparse_segment_sqrt_n_grad_kernel(
    xp: Arrays, dy: Array, indices: Array, ids: Array, rows: Array
) -> Array:
    """The backward pass of SparseSegmentSqrtN."""
    return _spread(xp, dy, indices, ids, rows, 0.5)
