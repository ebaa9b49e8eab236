"""Counting values: occurrences, histograms, intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.array.constant import constant as make_constant
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.declare import F, op
from retrograd.ops.infer import same
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_value
from retrograd.ops.math.overloads import true_divide
from retrograd.ops.math.reduce import reduce_max, reduce_prod
from retrograd.ops.static import constant

# ---------------------------------------------------------------------- counting


def _bins(index: int) -> Any:
    """One dimension, its size the value of an input."""

    def shape_rule(n: Operation) -> RawShape:
        size = constant(n._inputs[index])
        return (None,) if size is None or size < 0 else (int(size),)

    return shape_rule


@op("Bincount", infer=_bins(1), math="yₖ = Σᵢ wᵢ [xᵢ = k]", static="size")
def _bincount(xp: Any, arr: Any, size: Any, weights: Any) -> Any:
    """How often each number below `size` occurs, or the sum of its weights.

    Raises:
      InvalidArgumentError: a number, or `size`, is below zero.
    """
    count = int(size)
    if count < 0:
        raise refused(f"size ({count}) must be non-negative")
    if xp.name == "numpy" and arr.size and arr.min() < 0:
        raise refused("Input arr must be non-negative!")
    if weights.size == 0:
        return xp.cast(xp.bincount(arr, count), weights.dtype)
    return xp.bincount(arr, count, weights)


@op(
    "HistogramFixedWidth",
    infer=_bins(2),
    math="yₖ = #{i: xᵢ in bin k}",
    static="nbins",
)
def _histogram_fixed_width(
    xp: Any, values: Any, value_range: Any, nbins: Any, *, dtype: Any
) -> Any:
    """How many values lie in each of `nbins` bins of equal width.

    Raises:
      InvalidArgumentError: there is no bin, or the range is empty.
    """
    count = int(nbins)
    if count <= 0:
        raise refused(f"nbins should be a positive number, but got '{count}'")
    low, high = value_range[0], value_range[1]
    if xp.name == "numpy" and not low < high:
        raise refused(
            f"value_range should satisfy value_range[0] < value_range[1], but got "
            f"'[{low}, {high}]'"
        )
    wide = np.float64
    step = (high.astype(wide) - low.astype(wide)) / count
    place = xp.floor((values.astype(wide) - low.astype(wide)) / step)
    place = xp.clip(place, 0, count - 1).astype(np.int32)
    return xp.cast(xp.bincount(place.reshape(-1), count), dtype)


@op("Bucketize", infer=same, math="y = #{k: bₖ ≤ x}")
def _bucketize(xp: Any, x: Any, *, boundaries: list[float]) -> Any:
    """Between which of the rising `boundaries` each element lies."""
    edges = np.array(boundaries, np.float32)
    if (edges[1:] < edges[:-1]).any():
        raise refused("Expected sorted boundaries")
    return xp.searchsorted(edges, x, side="right").astype(np.int32)


# ---------------------------------------------------------------------- functions


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
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
    values: Any,
    value_range: Any,
    nbins: Any = 100,
    dtype: Any = dtypes.int32,
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
    values: Any,
    value_range: Any,
    nbins: Any = 100,
    dtype: Any = dtypes.int32,
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


def bucketize(input: Any, boundaries: Any, name: str | None = None) -> Tensor:
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
