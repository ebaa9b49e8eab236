"""Reductions over groups of rows."""

from __future__ import annotations

import warnings
from typing import Any

from retrograd import dtypes, shapes
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import register_tensor_conversion_function
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.constant import constant
from retrograd.ops.declare import F, op
from retrograd.ops.fill import ones_like, zeros_like
from retrograd.ops.infer import invalid, same_dim, with_rank
from retrograd.ops.shape import expand_dims
from retrograd.ops.static import constant as static_value
from retrograd.ops.static import constant_as_shape

# ---------------------------------------------------------------------- unsorted ids


def size_input(n: Any, index: int) -> int | None:
    """The size that a scalar input gives, if it is known.

    Raises:
      ValueError: it is negative.
    """
    with_rank(n, index, 0)
    value = static_value(n._inputs[index])
    if value is not None and value < 0:
        raise invalid(
            n,
            f"Dimension size, given by scalar input {index}, must be non-negative but "
            f"is {value}",
        )
    return None if value is None else int(value)


def _unsorted_shape(n: Any) -> RawShape:
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


def _sum_gradient(n: Any, dy: Any) -> list[Any]:
    return [_gather_drop_negatives(dy, n.inputs[1])[0], None, None]


@op(
    "UnsortedSegmentSum",
    infer=_unsorted_shape,
    math="yₖ = Σ xᵢ over i with idᵢ = k",
    grad=_sum_gradient,
    static="num_segments",
)
def unsorted_segment_sum_kernel(xp: Any, data: Any, ids: Any, num: Any) -> Any:
    """For each id the sum of its rows."""
    return xp.segment_sum(data, ids, int(num))


def _gather_drop_negatives(
    params: Any, ids: Any, kept: Any = None, positive: Any = None
) -> tuple[Any, Any, Any]:
    """Rows of `params` by id, zeros for negative ids.

    Also returns the ids with zero for negative ones, and where in the rows they are not
    negative; both can be handed in again.
    """
    if kept is None:
        kept = F.Maximum(ids, zeros_like(ids))
    found = F.GatherV2(params, kept, 0)
    if positive is None:
        positive = F.GreaterEqual(ids, constant(0, ids.dtype.base_dtype))
        for _ in range(len(found._shape_raw or ()) - len(positive._shape_raw or ())):
            positive = expand_dims(positive, -1)
        positive = F.LogicalAnd(positive, ones_like(found, dtype=dtypes.bool))
    return F.Select(positive, found, zeros_like(found)), kept, positive


# ---------------------------------------------------------------------- IndexedSlices

#: a dense tensor of more elements than this deserves a warning
_LARGE = 100_000_000


def _dense_slices(
    value: IndexedSlices,
    dtype: Any = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    """IndexedSlices as a tensor: rows with the same index add up."""
    del as_ref
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with "
            f"dtype {value.dtype.name}"
        )
    if value.dense_shape is None:
        raise ValueError(
            "Tensor conversion requested for IndexedSlices without dense_shape: "
            f"{value}"
        )
    count = shapes.size(constant_as_shape(value.dense_shape))
    if count is None:
        warnings.warn(
            "Converting sparse IndexedSlices to a dense Tensor of unknown shape. "
            "This may consume a large amount of memory.",
            stacklevel=2,
        )
    elif count >= _LARGE:
        warnings.warn(
            f"Converting sparse IndexedSlices to a dense Tensor with {count} "
            "elements. This may consume a large amount of memory.",
            stacklevel=2,
        )
    return F.UnsortedSegmentSum(
        value.values, value.indices, value.dense_shape[0], name=name
    )


register_tensor_conversion_function(IndexedSlices, _dense_slices)
