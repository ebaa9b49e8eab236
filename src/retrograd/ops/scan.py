"""Running totals along an axis, and counting: cumsum, cumprod, bincount, histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.casts import cast
from retrograd.ops.constant import constant as make_constant
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import same
from retrograd.ops.reduce import reduce_max, reduce_prod
from retrograd.ops.rules import scalar
from retrograd.ops.shape import shape
from retrograd.ops.static import constant

# ---------------------------------------------------------------------- running totals


def _axis(x: Any, axis: Any) -> int:
    """The axis to go along, counted from the front.

    Raises:
      InvalidArgumentError: there is no such axis.
    """
    at, size = int(axis), len(x.shape)
    if not -size <= at < size:
        raise refused(
            f"ScanOp: Expected scan axis in the range [{-size}, {size}), but got {at}"
        )
    return at % size


def _way(n: Operation, back: bool = False) -> dict[str, bool]:
    """The attributes of a scan like `n`, or of one that goes the other way."""
    return {
        "exclusive": n.attrs["exclusive"],
        "reverse": n.attrs["reverse"] != back,
    }


@op(
    "Cumsum",
    infer=same,
    math="yᵢ = Σⱼ≤ᵢ xⱼ",
    static="axis",
    grad=dict(
        x=rule(
            "x̄ᵢ = Σⱼ≥ᵢ ȳⱼ",
            lambda n, dy: F.Cumsum(dy, n.inputs[1], **_way(n, back=True)),
        )
    ),
)
def _cumsum(xp: Any, x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    """Running sums along an axis."""
    return xp.cumsum(x, _axis(x, axis), exclusive, reverse)


def _cumprod_rule(n: Operation, dy: Any) -> Any:
    """Holds where no element is zero, as in TensorFlow."""
    x, axis = n.inputs
    products = F.Cumprod(x, axis, **_way(n))
    sums = F.Cumsum(F.Mul(products, dy), axis, **_way(n, back=True))
    return F.RealDiv(sums, x)


@op(
    "Cumprod",
    infer=same,
    math="yᵢ = Πⱼ≤ᵢ xⱼ",
    static="axis",
    grad=dict(x=rule("x̄ᵢ = Σⱼ≥ᵢ ȳⱼ yⱼ / xᵢ", _cumprod_rule)),
)
def _cumprod(xp: Any, x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    """Running products along an axis."""
    return xp.cumprod(x, _axis(x, axis), exclusive, reverse)


def _cumulative_logsumexp_rule(n: Operation, dy: Any) -> Any:
    """The positive and the negative part of dy apart, as logarithms: no overflow."""
    x, axis = n.inputs
    y, zero = n.outputs[0], scalar(0, dy)
    lowest = make_constant(dy.dtype.min, dy.dtype)

    def part(chosen: Any, size: Any) -> Any:
        log = F.SelectV2(chosen, F.Log(size), lowest)
        total = F.CumulativeLogsumexp(F.Sub(log, y), axis, **_way(n, back=True))
        return F.Exp(F.AddV2(total, x))

    above = part(F.Greater(dy, zero), dy)
    return F.Sub(above, part(F.Less(dy, zero), F.Neg(dy)))


@op(
    "CumulativeLogsumexp",
    infer=same,
    math="yᵢ = log Σⱼ≤ᵢ exp xⱼ",
    static="axis",
    grad=dict(x=rule("x̄ᵢ = Σⱼ≥ᵢ ȳⱼ exp(xᵢ − yⱼ)", _cumulative_logsumexp_rule)),
)
def _cumulative_logsumexp(
    xp: Any, x: Any, axis: Any, *, exclusive: bool, reverse: bool
) -> Any:
    """Running log Σ exp along an axis; the lowest number where nothing is summed."""
    at = _axis(x, axis)
    size, dtype = x.shape[at], x.dtype
    lowest = dtype.type(xp.finfo(dtype).min)
    y = xp.moveaxis(x, at, 0)
    y = xp.flip(y, 0) if reverse else y

    def moved(z: Any, by: int) -> Any:
        """z, `by` places later."""
        first = xp.full((by, *z.shape[1:]), lowest, dtype)
        return xp.concatenate([first, z[: size - by]], 0)

    if exclusive and size:
        y = moved(y, 1)
    step = 1
    while step < size:  # each step doubles how many elements are in a sum
        y = xp.logaddexp(y, moved(y, step))
        step *= 2
    y = xp.flip(y, 0) if reverse else y
    return xp.moveaxis(y, 0, at).astype(dtype)


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


def cumsum(
    x: Any,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Running sums along `axis`.

    Args:
      x: numbers.
      axis: the axis to go along.
      exclusive: whether an element is left out of its own sum.
      reverse: whether to begin at the end.
      name: the name of the operation.
    """
    with name_scope(name, "Cumsum", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return F.Cumsum(x, axis, exclusive=exclusive, reverse=reverse, name=scope)


def cumprod(
    x: Any,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Running products along `axis`; arguments as for `cumsum`."""
    with name_scope(name, "Cumprod", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return F.Cumprod(x, axis, exclusive=exclusive, reverse=reverse, name=scope)


def cumulative_logsumexp(
    x: Any,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """Running log Σ exp along `axis`; arguments as for `cumsum`."""
    with name_scope(name, "CumulativeLogsumexp", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return F.CumulativeLogsumexp(
            x, axis, exclusive=exclusive, reverse=reverse, name=scope
        )


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
