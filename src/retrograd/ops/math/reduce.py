"""Reductions: sums, means, extremes and the like along some axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import apply, name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.constant import constant as make_constant
from retrograd.ops.array.fill import range_, zeros, zeros_like
from retrograd.ops.array.shape import rank, reshape, shape
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, DTypeLike, TensorLike


def reduction_dims(x: TensorLike, axis: AxisLike) -> TensorLike:
    """The axes to reduce; all of them, as a tensor, where none are given."""
    if axis is not None:
        return axis
    size = x._rank() if isinstance(x, Tensor) else None
    if size is not None:
        return make_constant(np.arange(size), dtypes.int32)
    return range_(0, rank(x))


def _reduced(
    op_type: str,
    x: TensorLike,
    axis: AxisLike,
    keepdims: bool | None,
    name: str | None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Apply a reduction, its arguments under their newer and older names."""
    axis = renamed("axis", axis, "reduction_indices", reduction_indices)
    keepdims = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    dims = reduction_dims(x, axis)
    result = apply(op_type, x, dims, keep_dims=keepdims, name=name)
    return _scalar_if_all(result, axis, keepdims)


def _scalar_if_all(result: Tensor, axis: AxisLike, keepdims: bool) -> Tensor:
    """Note that a reduction over all axes leaves no dimension."""
    if axis is None and not keepdims and result._rank() is None:
        result.set_shape(())
    return result


def reduce_sum(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The sum along `axis`, by default along all axes.

    Args:
      input_tensor: numbers.
      axis: an axis, a list or a tensor of axes; negative ones count from the end.
      keepdims: whether the reduced dimensions stay, with size 1.
      name: the name of the operation.
      reduction_indices: the old name of `axis`.
      keep_dims: the old name of `keepdims`.

    Raises:
      ValueError: there is no such axis, or an argument is given under both names.
    """
    return _reduced(
        "Sum", input_tensor, axis, keepdims, name, reduction_indices, keep_dims
    )


def reduce_mean(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The mean along `axis`, by default along all axes."""
    return _reduced(
        "Mean", input_tensor, axis, keepdims, name, reduction_indices, keep_dims
    )


def reduce_prod(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The product along `axis`, by default along all axes."""
    return _reduced(
        "Prod", input_tensor, axis, keepdims, name, reduction_indices, keep_dims
    )


def reduce_min(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The smallest element along `axis`, by default along all axes."""
    return _reduced(
        "Min", input_tensor, axis, keepdims, name, reduction_indices, keep_dims
    )


def reduce_max(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The largest element along `axis`, by default along all axes."""
    return _reduced(
        "Max", input_tensor, axis, keepdims, name, reduction_indices, keep_dims
    )


def reduce_all(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Whether all elements are true, along `axis`, by default along all axes."""
    return _reduced(
        "All", input_tensor, axis, keepdims, name, reduction_indices, keep_dims
    )


def reduce_any(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Whether some element is true, along `axis`, by default along all axes."""
    return _reduced(
        "Any", input_tensor, axis, keepdims, name, reduction_indices, keep_dims
    )


def reduce_euclidean_norm(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """The Euclidean norm along `axis`, by default along all axes."""
    return _reduced("EuclideanNorm", input_tensor, axis, keepdims, name)


def reduce_logsumexp(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """log Σ exp x along `axis`, without overflow; by default along all axes."""
    axis = renamed("axis", axis, "reduction_indices", reduction_indices)
    keepdims = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    x = convert_to_tensor(input_tensor)
    with name_scope(name, "ReduceLogSumExp", [x]):
        peak = reduce_max(x, axis, True)
        finite = F.Select(F.IsFinite(peak), peak, zeros_like(peak))
        offset = F.StopGradient(finite)
        result = F.Log(reduce_sum(F.Exp(F.Sub(x, offset)), axis, keepdims))
        if not keepdims:
            offset = reshape(offset, shape(result))
        return _scalar_if_all(F.Add(result, offset), axis, keepdims)


def reduce_variance(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """The mean squared distance from the mean along `axis`."""
    with name_scope(name or "reduce_variance"):
        means = reduce_mean(input_tensor, axis, True)
        squares = F.Square(input_tensor - means)
        return reduce_mean(squares, axis, keepdims)


def reduce_std(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """The standard deviation along `axis`."""
    with name_scope(name or "reduce_std"):
        return F.Sqrt(reduce_variance(input_tensor, axis, keepdims))


def count_nonzero(
    input_tensor: TensorLike | None = None,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    dtype: DTypeLike = dtypes.int64,
    name: str | None = None,
    reduction_indices: AxisLike = None,
    keep_dims: bool | None = None,
    input: TensorLike | None = None,
) -> Tensor:
    """How many elements along `axis` are not zero (or not empty, of strings)."""
    keepdims = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    input_tensor = renamed("input", input, "input_tensor", input_tensor)
    axis = renamed("axis", axis, "reduction_indices", reduction_indices)
    with name_scope(name, "count_nonzero", [input_tensor]):
        x = convert_to_tensor(input_tensor, name="input")
        other = F.NotEqual(x, zeros([], x.dtype.base_dtype))
        return cast(reduce_sum(cast(other, dtypes.int64), axis, keepdims), dtype)


def argmax(
    input: TensorLike,
    axis: AxisLike = None,
    name: str | None = None,
    dimension: AxisLike = None,
    output_type: DTypeLike = dtypes.int64,
) -> Tensor:
    """The position of the largest element along `axis`, by default the first axis."""
    axis = renamed("axis", axis, "dimension", dimension)
    axis = 0 if axis is None else axis
    return F.ArgMax(input, axis, output_type=output_type, name=name)


def argmin(
    input: TensorLike,
    axis: AxisLike = None,
    name: str | None = None,
    dimension: AxisLike = None,
    output_type: DTypeLike = dtypes.int64,
) -> Tensor:
    """The position of the smallest element along `axis`, by default the first axis."""
    axis = renamed("axis", axis, "dimension", dimension)
    axis = 0 if axis is None else axis
    return F.ArgMin(input, axis, output_type=output_type, name=name)


def arg_max(
    input: TensorLike,
    dimension: AxisLike,
    output_type: DTypeLike = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """The position of the largest element along `dimension`."""
    return F.ArgMax(input, dimension, output_type=output_type, name=name)


def arg_min(
    input: TensorLike,
    dimension: AxisLike,
    output_type: DTypeLike = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """The position of the smallest element along `dimension`."""
    return F.ArgMin(input, dimension, output_type=output_type, name=name)


# The same with the signatures of TensorFlow 2, which has dropped the older keywords.


def reduce_sum_v2(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """`reduce_sum` of TensorFlow 2."""
    return _reduced("Sum", input_tensor, axis, keepdims, name)


def reduce_mean_v2(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """`reduce_mean` of TensorFlow 2."""
    return _reduced("Mean", input_tensor, axis, keepdims, name)


def reduce_prod_v2(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """`reduce_prod` of TensorFlow 2."""
    return _reduced("Prod", input_tensor, axis, keepdims, name)


def reduce_min_v2(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """`reduce_min` of TensorFlow 2."""
    return _reduced("Min", input_tensor, axis, keepdims, name)


def reduce_max_v2(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """`reduce_max` of TensorFlow 2."""
    return _reduced("Max", input_tensor, axis, keepdims, name)


def reduce_all_v2(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """`reduce_all` of TensorFlow 2."""
    return _reduced("All", input_tensor, axis, keepdims, name)


def reduce_any_v2(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """`reduce_any` of TensorFlow 2."""
    return _reduced("Any", input_tensor, axis, keepdims, name)


def reduce_logsumexp_v2(
    input_tensor: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = False,
    name: str | None = None,
) -> Tensor:
    """`reduce_logsumexp` of TensorFlow 2."""
    return reduce_logsumexp(input_tensor, axis, keepdims, name)


def count_nonzero_v2(
    input: TensorLike,
    axis: AxisLike = None,
    keepdims: bool | None = None,
    dtype: DTypeLike = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """`count_nonzero` of TensorFlow 2."""
    return count_nonzero(input, axis, keepdims, dtype, name)


def argmax_v2(
    input: TensorLike,
    axis: AxisLike = None,
    output_type: DTypeLike = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """`argmax` of TensorFlow 2."""
    return argmax(input, axis, name, output_type=output_type)


def argmin_v2(
    input: TensorLike,
    axis: AxisLike = None,
    output_type: DTypeLike = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """`argmin` of TensorFlow 2."""
    return argmin(input, axis, name, output_type=output_type)
