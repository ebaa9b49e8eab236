"""Order and identity of elements: permutations, ranking, distinct values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import range_
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import (
    rank,
    reshape,
    shape,
    shape_internal,
    transpose,
)
from retrograd.ops.declare import F
from retrograd.ops.static import constant as static_value

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


def invert_permutation(x: TensorLike, name: str | None = None) -> Tensor:
    """The permutation that undoes `x`, 1-D int32 or int64."""
    return F.InvertPermutation(x, name=name)


def top_k(
    input: TensorLike, k: TensorLike = 1, sorted: bool = True, name: str | None = None
) -> Any:
    """The k greatest along the last axis, greatest first, and their int32 places.

    Args:
      input: numbers, of rank 1 at least; of equal ones the first comes first.
      k: a scalar, at most the size of the last axis.
      sorted: whether the order matters.
      name: the name of the operation.

    Returns:
      (values, indices), of shape input.shape[:-1] + [k].
    """
    return F.TopKV2(input, k, sorted=sorted, name=name)


def nth_element(
    input: TensorLike, n: TensorLike, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The n-th least along the last axis, counted from 0; the n-th greatest if
    `reverse`."""
    return F.NthElement(input, n, reverse=reverse, name=name)


_DIRECTIONS = ("ASCENDING", "DESCENDING")


def sort(
    values: TensorLike,
    axis: TensorLike = -1,
    direction: str = "ASCENDING",
    name: str | None = None,
) -> Tensor:
    """`values` sorted along one axis.

    Args:
      values: numbers, of rank 1 at least.
      axis: a constant scalar.
      direction: ASCENDING or DESCENDING.
      name: the scope of the operations.

    Raises:
      ValueError: another direction, or an axis that is not constant.
    """
    with dispatch.name_scope(name, "sort"):
        return _sorted(values, axis, direction, False)


def argsort(
    values: TensorLike,
    axis: TensorLike = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: str | None = None,
) -> Tensor:
    """The places of the elements of `values` in sorted order (see `sort`).

    `stable` is not used: the order is stable in any case.
    """
    del stable
    with dispatch.name_scope(name, "argsort"):
        return _sorted(values, axis, direction, True)


def _sorted(
    values: TensorLike, axis: TensorLike, direction: str, places: bool
) -> Tensor:
    if direction not in _DIRECTIONS:
        raise ValueError(f"{direction} should be one of {', '.join(_DIRECTIONS)}")
    axis = convert_to_tensor(axis, name="axis")
    known = static_value(axis)
    if axis._shape_raw != () or known is None:
        raise ValueError("axis must be a constant scalar")
    tensor: Any = convert_to_tensor(values, name="values")
    if direction == "DESCENDING":
        return _descending(tensor, int(known), places)
    found = _descending(-tensor, int(known), places)
    return found if places else -found


def _descending(values: Tensor, axis: int, places: bool) -> Tensor:
    raw, k = values._shape_raw, shape(values)[axis]
    count: Any = rank(values)
    if axis == -1 or (raw is not None and axis + 1 == len(raw)):
        return top_k(values, k)[int(places)]
    order: Any
    if raw is not None:
        at = axis % len(raw)
        steps = list(range(len(raw)))
        steps[at], steps[-1] = steps[-1], steps[at]
        order = constant(np.array(steps), name="transposition")
    else:
        at = axis + count if axis < 0 else axis
        before, last = range_(at), [count - 1]
        order = concat([before, last, range_(at + 1, count - 1), [at]], axis=0)
    found = top_k(transpose(values, order), k)[int(places)]
    return transpose(found, order)


def unique(
    x: TensorLike, out_idx: DTypeLike = dtypes.int32, name: str | None = None
) -> Any:
    """The distinct elements of a vector in order of occurrence.

    Returns:
      (y, idx): the elements, and for each of `x` which of `y` it is.
    """
    return F.Unique(x, out_idx=out_idx, name=name)


def unique_with_counts(
    x: TensorLike, out_idx: DTypeLike = dtypes.int32, name: str | None = None
) -> Any:
    """As `unique`, and how often each distinct element occurs: (y, idx, count)."""
    return F.UniqueWithCounts(x, out_idx=out_idx, name=name)


def setdiff1d(
    x: TensorLike,
    y: TensorLike,
    index_dtype: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> Any:
    """The elements of the vector `x` that are not in `y`.

    Returns:
      (out, idx): the elements in their order, and their places in `x`.
    """
    return F.ListDiff(x, y, out_idx=index_dtype, name=name)


def listdiff(
    x: TensorLike,
    y: TensorLike,
    out_idx: DTypeLike | None = None,
    name: str | None = None,
) -> Any:
    """The older name of `setdiff1d`."""
    return F.ListDiff(x, y, out_idx=out_idx, name=name)


def searchsorted(
    sorted_sequence: TensorLike,
    values: TensorLike,
    side: str = "left",
    out_type: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """Where values would go in sorted rows.

    Args:
      sorted_sequence: [..., n], sorted along the last axis.
      values: [..., m], the same axes before the last.
      side: left for the first such place, right for the last.
      out_type: int32 or int64.
      name: the name of the operation.

    Raises:
      ValueError: another side.
    """
    last = shape_internal(sorted_sequence)[-1]
    count = shape_internal(values)[-1]
    rows = reshape(sorted_sequence, [-1, last])
    wanted = reshape(values, [-1, count])
    if side == "right":
        found = F.UpperBound(rows, wanted, out_type=out_type, name=name)
    elif side == "left":
        found = F.LowerBound(rows, wanted, out_type=out_type, name=name)
    else:
        raise ValueError(f"side must be either 'right' or 'left'.  Saw: {side}.")
    return reshape(found, shape_internal(values))
