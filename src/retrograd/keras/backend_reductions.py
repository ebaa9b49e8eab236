"""Sums, means, extremes along axes, and products of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.name_scopes import name_scope
from retrograd.keras.backend_tensors import int_shape, ndim
from retrograd.layers import tensor_functions
from retrograd.layers.backend_config import floatx
from retrograd.ops.array.join import unstack
from retrograd.ops.array.shape import reshape, transpose
from retrograd.ops.array.shape import shape as shape_op
from retrograd.ops.declare import F
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math import reduce, scan
from retrograd.ops.math.casts import cast
from retrograd.ops.nn.nn import in_top_k as in_top_k_op
from retrograd.ops.nn.nn import l2_normalize as l2_normalize_op
from retrograd.ops.nn.nn import softmax as softmax_op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        AxisLike,
        CompositeLike,
        Convertible,
        Operand,
        TensorLike,
    )


def max(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The largest elements along axes, by default of all."""
    return reduce.reduce_max(x, axis, keepdims)


def min(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The smallest elements along axes, by default of all."""
    return reduce.reduce_min(x, axis, keepdims)


def sum(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The sums along axes, by default of all elements."""
    return reduce.reduce_sum(x, axis, keepdims)


def prod(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The products along axes, by default of all elements."""
    return reduce.reduce_prod(x, axis, keepdims)


def cumsum(x: TensorLike, axis: int = 0) -> Tensor:
    """The sums of the elements up to each along an axis."""
    return scan.cumsum(x, axis=axis)


def cumprod(x: TensorLike, axis: int = 0) -> Tensor:
    """The products of the elements up to each along an axis."""
    return scan.cumprod(x, axis=axis)


def var(x: Convertible, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The variances along axes; of truth values as numbers."""
    return reduce.reduce_variance(_as_floats(x), axis=axis, keepdims=keepdims)


def std(x: Convertible, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The standard deviations along axes; of truth values as numbers."""
    return reduce.reduce_std(_as_floats(x), axis=axis, keepdims=keepdims)


def mean(x: Convertible, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """The means along axes; of truth values as numbers."""
    return reduce.reduce_mean(_as_floats(x), axis, keepdims)


def _as_floats(x: Convertible) -> Any:
    """Numbers for truth values; others as they are."""
    return cast(x, floatx()) if x.dtype.base_dtype == dtypes.bool else x


def any(x: CompositeLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """Whether an element along axes is not zero."""
    return reduce.reduce_any(cast(x, dtypes.bool), axis, keepdims)


def all(x: CompositeLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """Whether no element along axes is zero."""
    return reduce.reduce_all(cast(x, dtypes.bool), axis, keepdims)


def argmax(x: TensorLike, axis: int = -1) -> Tensor:
    """Where the largest element along an axis is."""
    return reduce.argmax(x, axis)


def argmin(x: TensorLike, axis: int = -1) -> Tensor:
    """Where the smallest element along an axis is."""
    return reduce.argmin(x, axis)


def logsumexp(x: TensorLike, axis: AxisLike = None, keepdims: bool = False) -> Tensor:
    """log Σ exp x along axes, which cannot overflow."""
    return reduce.reduce_logsumexp(x, axis, keepdims)


def l2_normalize(x: TensorLike, axis: AxisLike = None) -> Tensor:
    """x over its Euclidean norm along axes."""
    return l2_normalize_op(x, axis=axis)


# ---------------------------------------------------------------------- products


def dot(x: Operand, y: Operand) -> Tensor:
    """Products of the last axis of x with the last but one of y.

    Args:
      x: of at least two axes, or a sparse matrix.
      y: of at least two axes.

    Returns:
      A tensor of the other axes of x, then those of y.
    """
    ranks = ndim(x), ndim(y)
    if ranks[0] is not None and (ranks[0] > 2 or (ranks[1] or 0) > 2):
        # as matrices: the axis of the products last in x, first in y
        rows, columns = _sizes(x), _sizes(y)
        last = columns.pop(-2)
        order = list(range(len(columns) + 1))
        order = [order.pop(-2), *order]
        flat = reshape(x, [-1, rows[-1]])
        turned = reshape(transpose(y, perm=order), [last, -1])
        return reshape(matmul(flat, turned), rows[:-1] + columns)
    if isinstance(x, SparseTensor):
        with name_scope(None, "SparseTensorDenseMatMul", [x.indices, y]) as scope:
            parts = (x.indices, x.values, x.dense_shape)
            return F.SparseTensorDenseMatMul(*parts, y, name=scope)
    return matmul(x, y)


def _sizes(x: Operand) -> list[Any]:
    """The sizes of a tensor: numbers where they are known, else tensors."""
    known = int_shape(x) or ()
    each = zip(known, unstack(shape_op(x)), strict=True)
    return [size if size is not None else read for size, read in each]


def batch_dot(x: Any, y: Any, axes: int | Sequence[int] | None = None) -> Tensor:
    """The products of the samples of x and y, over one axis of each.

    Args:
      x, y: [batch, …] of at least two axes.
      axes: which axis, or which of each; by default the last of x and the last but one
        of y.

    Returns:
      The axes of x without the one, then those of y without it and the batch; at least
      [batch, 1].
    """
    pair = (axes, axes) if isinstance(axes, int) else axes
    return tensor_functions.batch_dot(x, y, pair)


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """exp x / Σ exp x along an axis."""
    return softmax_op(x, axis=axis)


def in_top_k(predictions: TensorLike, targets: TensorLike, k: TensorLike) -> Tensor:
    """Whether each target is among the `k` classes with the highest predictions."""
    return in_top_k_op(predictions, targets, k)
