"""Ops: order and identity of elements: permutations, ranking, distinct values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import (
    expand_dims,
    reshape,
    shape,
    size,
)
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import (
    invalid,
    shape_text,
    size_input,
    with_rank,
    with_rank_at_least,
)

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- permutations


@op(
    "InvertPermutation",
    infer=lambda n: with_rank(n, 0, 1),
    math="y[xᵢ] = i",
    grad=NOT_DIFFERENTIABLE,
)
def invert_permutation_kernel(xp: Arrays, x: Array) -> Array:
    """The permutation that undoes x."""
    if np.ndim(x) != 1:
        raise refused("invert_permutation expects a 1D vector.")
    found = xp.argsort(x, 0)
    ordered = xp.take(x, found, 0)
    xp.check(ordered == np.arange(len(x)), lambda: _no_permutation(x.tolist()))
    return found.astype(x.dtype)


def _no_permutation(places: list[int]) -> Exception:
    """The error for the first of some numbers that is not in range, or a repetition."""
    count, at = len(places), 0
    while 0 <= places[at] < count and places[at] not in places[:at]:
        at += 1
    if 0 <= places[at] < count:
        return refused(f"{places[at]} is duplicated in the input.")
    return refused(f"{places[at]} is not between 0 and {count}")


# ---------------------------------------------------------------------- ranking


def _top_shape(n: Operation) -> list[RawShape]:
    raw = with_rank_at_least(n, 0, 1)
    k = n.attrs["k"] if n.type == "TopK" else size_input(n, 1)
    if raw is None:
        return [None, None]
    last = raw[-1]
    if last is not None and k is not None and last < k:
        raise invalid(n, f"input must have last dimension >= k = {k} but is {last}")
    return [(*raw[:-1], k)] * 2


def _top(xp: Arrays, x: Array, k: int) -> tuple[Array, ...]:
    if k < 0:
        raise refused(f"Need k >= 0, got {k}")
    if not np.ndim(x):
        raise refused("input must be >= 1-D, got shape []")
    if np.shape(x)[-1] < k:
        raise refused(
            f"input must have at least k columns. Had {np.shape(x)[-1]}, needed {k}"
        )
    return xp.top_k(x, k)


def _top_gradient(n: Operation, dy: Tensor, _: Tensor | None) -> list[Tensor | None]:
    """ȳ goes back to the places that the greatest were found at."""
    sizes, places = shape(n.inputs[0]), n.outputs[1]
    count = shape(places)
    last = F.GatherV2(sizes, F.Sub(size(sizes), 1), 0)
    chosen = F.GatherV2(count, F.Sub(size(count), 1), 0)
    rows = reshape(places, stack([-1, chosen]))
    starts = F.Range(0, F.Mul(shape(rows)[0], last), last)
    flat = reshape(F.AddV2(rows, expand_dims(starts, -1)), [-1])
    total = reshape(F.Prod(sizes, [0]), [1])
    dx = F.ScatterNd(expand_dims(flat, -1), reshape(dy, [-1]), total)
    return [reshape(dx, sizes)] + [None] * (len(n.inputs) - 1)


@op(
    "TopK",
    infer=_top_shape,
    math="yⱼ = x[iⱼ], the k greatest; i = their places",
    grad=_top_gradient,
    notation=dict(input="x̄ₖ = Σⱼ ȳⱼ [iⱼ = k]"),
)
def top_k_kernel(xp: Arrays, x: Array, *, k: int) -> tuple[Array, ...]:
    """The k greatest along the last axis, in falling order, and their places."""
    return _top(xp, x, k)


@op(
    "TopKV2",
    infer=_top_shape,
    math="yⱼ = x[iⱼ], the k greatest; i = their places",
    grad=_top_gradient,
    static="k",
    notation=dict(input="x̄ₖ = Σⱼ ȳⱼ [iⱼ = k]", k="k"),
)
def top_k_v2_kernel(xp: Arrays, x: Array, k: Array) -> tuple[Array, ...]:
    """The k greatest along the last axis, in falling order, and their places."""
    if np.ndim(k):
        raise refused(f"k must be scalar, got shape {shape_text(np.shape(k))}")
    return _top(xp, x, int(k))


def _nth_shape(n: Operation) -> RawShape:
    raw, at = with_rank_at_least(n, 0, 1), size_input(n, 1)
    if raw is None:
        return None
    if raw[-1] is not None and at is not None and raw[-1] <= at:
        raise invalid(n, f"Input must have last dimension > n = {at} but is {raw[-1]}")
    return raw[:-1]


@op("NthElement", infer=_nth_shape, math="y = the n-th least of x", static="n")
def nth_element_kernel(xp: Arrays, x: Array, n: Array, *, reverse: bool) -> Array:
    """The n-th least (counted from 0) along the last axis, or the n-th greatest."""
    at, count = int(n), np.shape(x)[-1]
    if at < 0:
        raise refused(f"Need n >= 0, got {at}")
    if at >= count:
        raise refused("Input must have at least n+1 columns")
    return xp.sort(x, -1)[..., count - 1 - at if reverse else at]


@gradient("NthElement", input="x̄ᵢ = ȳ [xᵢ = y] / Σⱼ [xⱼ = y]")
def nth_element_gradient(n: Operation, dy: Tensor) -> list[Tensor | None]:
    """ȳ goes to the elements that are equal to it, in equal parts."""
    equal = F.Equal(expand_dims(n.outputs[0], -1), n.inputs[0])
    chosen = F.Cast(equal, DstT=dy.dtype)
    count = expand_dims(F.Sum(chosen, constant(-1, dtypes.int32)), -1)
    return [F.Mul(F.RealDiv(chosen, count), expand_dims(dy, -1)), None]


def _bound_shape(n: Operation) -> RawShape:
    with_rank(n, 0, 2)
    with_rank(n, 1, 2)
    return n._inputs[1]._shape_raw


def _bound(
    xp: Arrays, rows: Array, values: Array, side: str, out_type: np.dtype
) -> Array:
    if np.shape(rows)[0] != np.shape(values)[0]:
        raise refused("Leading dim_size of both tensors must match.")
    found = [
        xp.searchsorted(rows[i], values[i], side=side) for i in range(np.shape(rows)[0])
    ]
    if not found:
        return xp.zeros(np.shape(values), out_type)
    places = xp.stack(found).astype(out_type)
    if side == "left" and values.dtype.kind not in "iubO":
        # no element is less than NaN
        places = xp.where(xp.isnan(values), places.dtype.type(0), places)
    return places


@op("LowerBound", infer=_bound_shape, math="y = number of elements < x")
def lower_bound_kernel(
    xp: Arrays, rows: Array, values: Array, *, out_type: np.dtype
) -> Array:
    """In each sorted row, the first place that a value could be put."""
    return _bound(xp, rows, values, "left", out_type)


@op("UpperBound", infer=_bound_shape, math="y = number of elements ≤ x")
def upper_bound_kernel(
    xp: Arrays, rows: Array, values: Array, *, out_type: np.dtype
) -> Array:
    """In each sorted row, the last place that a value could be put."""
    return _bound(xp, rows, values, "right", out_type)


# ---------------------------------------------------------------------- distinct values


def _distinct(x: Array) -> tuple[Array, Array]:
    """Where each distinct element of a vector first is, and which one each element is.

    They come in the order of their first occurrence.
    """
    seen: dict[Any, int] = {}
    first: list[int] = []
    which = np.empty(len(x), np.int64)
    for i, item in enumerate(x.tolist()):
        # NaN is equal to nothing, not even to itself
        key = (i, None) if item != item else item
        number = seen.get(key)
        if number is None:
            number = seen[key] = len(first)
            first.append(i)
        which[i] = number
    return np.array(first, np.int64), which


def _distinct_sorted(x: Array) -> tuple[Array, Array]:
    """As `_distinct`, for numbers that can be sorted."""
    _, first, which = np.unique(x, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[which.reshape(-1)]


def _uniques(x: Array, out_idx: np.dtype) -> tuple[Array, Array, Array]:
    """The distinct elements, which of them each element is, how often each occurs."""
    has_nan = x.dtype.kind in "fc" and np.isnan(x).any()
    sortable = x.dtype.kind in "iufb" and not has_nan
    first, which = _distinct_sorted(x) if sortable else _distinct(x)
    count = np.bincount(which, minlength=len(first))
    return x[first], which.astype(out_idx), count.astype(out_idx)


def _unique_shape(n: Operation) -> list[RawShape]:
    return [(None,), n._inputs[0]._shape_raw, (None,)][: len(n._outputs)]


def _vector(x: Array) -> Array:
    if np.ndim(x) != 1:
        raise refused("unique expects a 1D vector.")
    return x


@op("Unique", infer=_unique_shape, math="y = distinct elements", host=True)
def unique_kernel(xp: Arrays, x: Array, *, out_idx: np.dtype) -> tuple[Array, ...]:
    """The distinct elements in order of occurrence, and which each element is."""
    del xp
    return _uniques(_vector(x), out_idx)[:2]


@op("UniqueWithCounts", infer=_unique_shape, math="y = distinct elements", host=True)
def unique_with_counts_kernel(
    xp: Arrays, x: Array, *, out_idx: np.dtype
) -> tuple[Array, ...]:
    """As Unique, and how often each distinct element occurs."""
    del xp
    return _uniques(_vector(x), out_idx)


def _unique_v2_shape(n: Operation) -> list[RawShape]:
    raw = n._inputs[0]._shape_raw
    values = None if raw is None else (None,) * len(raw)
    which = raw if raw is not None and len(raw) == 1 else (None,)
    return [values, which, (None,)][: len(n._outputs)]


def _slices(x: Array, axis: Array, out_idx: np.dtype) -> tuple[Array, Array, Array]:
    """The distinct slices of x along an axis."""
    if np.ndim(axis) != 1:
        raise refused("axis expects a 1D vector.")
    if len(axis) > 1:
        raise refused("axis does not support input tensors larger than 1 elements")
    if not len(axis):
        return _uniques(_vector(x), out_idx)
    at = int(axis[0]) + (np.ndim(x) if axis[0] < 0 else 0)
    if not 0 <= at < np.ndim(x):
        raise refused(f"axis has to be between [0, {np.ndim(x)})")
    if np.ndim(x) == 1:
        return _uniques(x, out_idx)
    rows = np.moveaxis(x, at, 0)
    keys = np.empty(len(rows), object)
    keys[:] = [tuple(row.reshape(-1).tolist()) for row in rows]
    first, which = _distinct(keys)
    count = np.bincount(which, minlength=len(first))
    return x.take(first, at), which.astype(out_idx), count.astype(out_idx)


@op("UniqueV2", infer=_unique_v2_shape, math="y = distinct slices", host=True)
def unique_v2_kernel(
    xp: Arrays, x: Array, axis: Array, *, out_idx: np.dtype
) -> tuple[Array, ...]:
    """The distinct slices along an axis, and which each slice is."""
    del xp
    return _slices(x, axis, out_idx)[:2]


@op("UniqueWithCountsV2", infer=_unique_v2_shape, math="y = distinct slices", host=True)
def unique_with_counts_v2_kernel(
    xp: Arrays, x: Array, axis: Array, *, out_idx: np.dtype
) -> tuple[Array, ...]:
    """As UniqueV2, and how often each distinct slice occurs."""
    del xp
    return _slices(x, axis, out_idx)


def _difference_shape(n: Operation) -> list[RawShape]:
    with_rank(n, 0, 1)
    with_rank(n, 1, 1)
    return [(None,), (None,)]


@op("ListDiff", infer=_difference_shape, math="z = elements of x not in y", host=True)
def list_diff_kernel(
    xp: Arrays, x: Array, y: Array, *, out_idx: np.dtype
) -> tuple[Array, ...]:
    """The elements of x that are not in y, in their order, and their places."""
    del xp
    for what, value in (("x", x), ("y", y)):
        if np.ndim(value) != 1:
            raise refused(f"{what} should be a 1D vector.")
    known = set(y.tolist())
    places = [i for i, item in enumerate(x.tolist()) if item not in known]
    return x[np.array(places, np.int64)], np.array(places, out_idx)
