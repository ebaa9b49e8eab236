"""Ops: sums and maxima of sparse tensors along axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from retrograd import dtypes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.shape import reshape
from retrograd.ops.declare import gradient, op
from retrograd.ops.infer import unknown
from retrograd.ops.math.casts import cast
from retrograd.ops.rules import reduced_shape
from retrograd.ops.sparse.parts import places
from retrograd.ops.static import constant, constant_as_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, Gradients

Size = TypeVar("Size")


def _shape(n: Operation) -> RawShape:
    sizes, axes = constant_as_shape(n._inputs[2]), constant(n._inputs[3])
    if sizes is None or axes is None:
        return None
    rank = len(sizes)
    gone = {int(a) % rank for a in axes.reshape(-1) if -rank <= a < rank}
    if not axes.size:
        gone = set(range(rank))
    return _kept(sizes, gone, bool(n.attrs["keep_dims"]))


def _kept(sizes: Sequence[Size], gone: set[int], keep: bool) -> tuple[Size | int, ...]:
    """The shape of what is left."""
    if keep:
        return tuple(1 if i in gone else size for i, size in enumerate(sizes))
    return tuple(size for i, size in enumerate(sizes) if i not in gone)


def _axes(axes: Array, rank: int) -> set[int]:
    """The axes that go, counted from the front.

    Raises:
      InvalidArgumentError: there is no such axis.
    """
    found: set[int] = set()
    for axis in np.reshape(axes, -1).tolist():
        if not -rank <= axis < rank:
            raise refused(
                f"Invalid reduction dimension {axis}, for input with {rank} dimensions."
            )
        found.add(axis % rank)
    return found or set(range(rank))


def _left(xp: Arrays, indices: Array, gone: set[int], keep: bool) -> Array:
    """The index vectors of what is left."""
    columns = [
        xp.zeros_like(indices[:, axis]) if axis in gone else indices[:, axis]
        for axis in range(np.shape(indices)[1])
        if keep or axis not in gone
    ]
    if not columns:
        return xp.zeros((np.shape(indices)[0], 0), np.int64)
    return xp.stack(columns, 1)


def _groups(
    xp: Arrays, indices: Array, shape: Array, axes: Array, keep: bool
) -> tuple[tuple[int, ...], Array, int]:
    """The shape of a dense result, which element each given one goes to, how many."""
    sizes: list[int] = shape.tolist()
    gone = _axes(axes, len(sizes))
    whole = _kept(sizes, gone, keep)
    at = places(xp, _left(xp, indices, gone, keep), whole)
    return whole, at, math.prod(whole)


@op(
    "SparseReduceSum",
    infer=_shape,
    math="y = sums of elements of x",
    static=("input_shape", "reduction_axes"),
    notation=dict(input_values="x̄ = elements of ȳ at the places of x"),
)
def sparse_reduce_sum_kernel(
    xp: Arrays,
    input_indices: Array,
    input_values: Array,
    input_shape: Array,
    reduction_axes: Array,
    *,
    keep_dims: bool,
) -> Array:
    """Sums along axes, as a dense tensor."""
    whole, at, count = _groups(
        xp, input_indices, input_shape, reduction_axes, keep_dims
    )
    return xp.segment_sum(input_values, at, count).reshape(whole)


@op(
    "SparseReduceMax",
    infer=_shape,
    math="y = greatest elements of x",
    static=("input_shape", "reduction_axes"),
)
def sparse_reduce_max_kernel(
    xp: Arrays,
    input_indices: Array,
    input_values: Array,
    input_shape: Array,
    reduction_axes: Array,
    *,
    keep_dims: bool,
) -> Array:
    """Maxima along axes, as a dense tensor; 0 where no element is given."""
    whole, at, count = _groups(
        xp, input_indices, input_shape, reduction_axes, keep_dims
    )
    return xp.segment_max(input_values, at, count, 0).reshape(whole)


@gradient("SparseReduceSum")
def sparse_reduce_sum_gradient(n: Operation, dy: Tensor) -> Gradients:
    """Each element's derivative is that of the sum it is part of."""
    indices, _, sizes, axes = n.inputs
    kept = reduced_shape(cast(sizes, dtypes.int32), axes)
    scale = sizes // cast(kept, sizes.dtype)
    return [None, gather_nd(reshape(dy, kept), indices // scale), None, None]


def _sparse_result(
    indices: Array, shape: Array, axes: Array, keep: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The index vectors and the shape of a sparse result; where each element goes."""
    gone = _axes(axes, len(shape))
    left = _left(np, indices, gone, keep)
    whole = np.array(_kept(shape.tolist(), gone, keep), np.int64)
    if not left.shape[1]:
        count = min(len(left), 1)
        return np.zeros((count, 0), np.int64), whole, np.zeros(len(left), np.int64)
    found, at = np.unique(left, axis=0, return_inverse=True)
    return found, whole, at.reshape(-1)


@op("SparseReduceSumSparse", infer=unknown, math="y = sums of elements of x", host=True)
def sparse_reduce_sum_sparse_kernel(
    xp: Arrays,
    input_indices: Array,
    input_values: Array,
    input_shape: Array,
    reduction_axes: Array,
    *,
    keep_dims: bool,
) -> tuple[Array, Array, Array]:
    """Sums along axes, of those that have elements."""
    indices, whole, at = _sparse_result(
        input_indices, input_shape, reduction_axes, keep_dims
    )
    return indices, xp.segment_sum(input_values, at, len(indices)), whole


@op(
    "SparseReduceMaxSparse", infer=unknown, math="y = greatest elements of x", host=True
)
def sparse_reduce_max_sparse_kernel(
    xp: Arrays,
    input_indices: Array,
    input_values: Array,
    input_shape: Array,
    reduction_axes: Array,
    *,
    keep_dims: bool,
) -> tuple[Array, Array, Array]:
    """Maxima along axes, of those that have elements."""
    indices, whole, at = _sparse_result(
        input_indices, input_shape, reduction_axes, keep_dims
    )
    return indices, xp.segment_max(input_values, at, len(indices), 0), whole
