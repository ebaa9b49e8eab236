"""Counting values: occurrences, histograms, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant as make_constant
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_value
from retrograd.ops.math.overloads import true_divide
from retrograd.ops.math.reduce import reduce_max, reduce_prod

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


def bincount(
    arr: TensorLike,
    weights: TensorLike | None = None,
    minlength: TensorLike | None = None,
    maxlength: TensorLike | None = None,
    dtype: DTypeLike = dtypes.int32,
) -> Tensor:
    """`bincount_v2`, in a name scope of its own name."""
    return bincount_v2(arr, weights, minlength, maxlength, dtype)


def bincount_v2(
    arr: TensorLike,
    weights: TensorLike | None = None,
    minlength: TensorLike | None = None,
    maxlength: TensorLike | None = None,
    dtype: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """How often each number from 0 to the largest occurs.

    Args:
      arr: int32, not negative.
      weights: of the shape of `arr`: what to add up instead of ones.
      minlength: the least number of elements of the result.
      maxlength: the greatest; larger numbers are not counted.
      dtype: the element type of the result, where there are no weights.
      name: the name scope.
    """
    with name_scope("bincount" if name is None else name):
        arr = convert_to_tensor(arr, dtypes.int32, "arr")
        some = reduce_prod(shape(arr)) > 0
        size = cast(some, dtypes.int32) * (reduce_max(arr) + 1)
        if minlength is not None:
            minlength = convert_to_tensor(minlength, dtypes.int32, "minlength")
            size = F.Maximum(minlength, size)
        if maxlength is not None:
            maxlength = convert_to_tensor(maxlength, dtypes.int32, "maxlength")
            size = F.Minimum(maxlength, size)
        if weights is not None:
            weights = convert_to_tensor(weights, name="weights")
            return F.UnsortedSegmentSum(weights, arr, size)
        return F.Bincount(arr, size, make_constant([], dtype))


def histogram_fixed_width(
    values: TensorLike,
    value_range: TensorLike,
    nbins: TensorLike = 100,
    dtype: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """How many values lie in each of `nbins` bins of equal width.

    Args:
      values: numbers; those beyond the range count for the first or the last bin.
      value_range: two numbers: where the first bin begins, and where the last ends.
      nbins: how many bins.
      dtype: int32 or int64, the element type of the result.
      name: the name of the operation.
    """
    given = [values, value_range, nbins]
    with name_scope(name, "histogram_fixed_width", given) as scope:
        return F.HistogramFixedWidth(*given, dtype=dtype, name=scope)


def histogram_fixed_width_bins(
    values: TensorLike,
    value_range: TensorLike,
    nbins: TensorLike = 100,
    dtype: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """In which bin each value lies; arguments as for `histogram_fixed_width`."""
    del dtype
    given = [values, value_range, nbins]
    with name_scope(name, "histogram_fixed_width_bins", given):
        values = convert_to_tensor(values, name="values")
        sizes = shape(values)
        values = reshape(values, [-1])
        value_range = convert_to_tensor(value_range, name="value_range")
        nbins = convert_to_tensor(nbins, dtypes.int32, "nbins")
        count = cast(nbins, values.dtype)
        offset = values - value_range[0]
        width = value_range[1] - value_range[0]
        scaled = true_divide(offset, width, name="scaled_values")
        places = F.Floor(count * scaled, name="indices")
        places = cast(clip_by_value(places, 0, count - 1), dtypes.int32)
        return reshape(places, sizes)


def bucketize(
    input: TensorLike, boundaries: TensorLike, name: str | None = None
) -> Tensor:
    """Between which of some rising numbers each element lies.

    Args:
      input: numbers.
      boundaries: a list of numbers; n of them make n + 1 intervals.
      name: the name of the operation.

    Returns:
      For each element how many boundaries are not above it, int32.
    """
    return F.Bucketize(input, boundaries=boundaries, name=name)


_bucketize = bucketize
