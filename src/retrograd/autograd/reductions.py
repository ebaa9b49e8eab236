"""Operations along dimensions: sums, extremes, moments, softmax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrograd import dtypes
from retrograd.autograd import elementwise, types
from retrograd.autograd.table import operation
from retrograd.errors import message
from retrograd.ops.declare import F
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.typing import Array, DTypeLike

Dims = int | Sequence[int] | None
Op = Callable[..., Any]


class Extremes(NamedTuple):
    """The result of `max` and `min` along a dimension, and of `sort`."""

    values: Any
    indices: Any


def dimension(dim: int, rank: int) -> int:
    """A dimension counted from the first.

    Raises:
      IndexError: there is no such dimension.
    """
    bound = max(rank, 1)
    if not -bound <= dim < bound:
        raise IndexError(
            "Dimension out of range (expected to be in range of "
            f"[{-bound}, {bound - 1}], but got {dim})"
        )
    return dim % bound


def axes_of(x: EagerTensor, dim: Dims) -> list[int]:
    """The dimensions to go along; all of them for None."""
    rank = len(x._shape_raw)
    if dim is None or (isinstance(dim, (list, tuple)) and not dim):
        return list(range(rank))
    dims = [dim] if isinstance(dim, int) else list(dim)
    return [dimension(d, rank) for d in dims] if rank else []


def _numbers(x: EagerTensor, dtype: DTypeLike | None) -> EagerTensor:
    """What is added up: whole numbers and truth values as int64."""
    if dtype is not None:
        return types.cast(x, types.as_dtype(dtype))
    return x if types.category(x._dtype) > 1 else types.cast(x, dtypes.int64)


@operation("sum")
def total(
    input: EagerTensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike | None = None,
) -> EagerTensor:
    """The sum over dimensions, by default over all."""
    axes = axes_of(input, dim)
    return F.Sum(_numbers(input, dtype), axes, keep_dims=keepdim)


@operation()
def mean(
    input: EagerTensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike | None = None,
) -> EagerTensor:
    """The mean over dimensions, by default over all.

    Raises:
      RuntimeError: the numbers are whole, and no type is given.
    """
    x = input if dtype is None else types.cast(input, types.as_dtype(dtype))
    if not types.is_differentiable(x._dtype):
        raise RuntimeError(
            message(
                "mean(): could not infer output dtype. Input dtype must be either a "
                "floating point or complex dtype. Got: " + types.title(x._dtype),
                fix="x.float().mean(), or dtype=",
            )
        )
    return F.Mean(x, axes_of(x, dim), keep_dims=keepdim)


@operation()
def prod(
    input: EagerTensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike | None = None,
) -> EagerTensor:
    """The product over a dimension, by default over all."""
    axes = axes_of(input, dim)
    return F.Prod(_numbers(input, dtype), axes, keep_dims=keepdim)


@operation()
def cumsum(
    input: EagerTensor, dim: int, *, dtype: DTypeLike | None = None
) -> EagerTensor:
    """At each place, the sum of what lies up to it along a dimension."""
    return F.Cumsum(_numbers(input, dtype), axes_of(input, dim)[0])


@operation()
def cumprod(
    input: EagerTensor, dim: int, *, dtype: DTypeLike | None = None
) -> EagerTensor:
    """At each place, the product of what lies up to it along a dimension."""
    return F.Cumprod(_numbers(input, dtype), axes_of(input, dim)[0])


# ---------------------------------------------------------------------- extremes


def _extreme(name: str, of_all: Op, where: Op, of_two: Op) -> Op:
    """`max` or `min`: of all elements, along a dimension, or of two tensors."""

    def function(
        input: EagerTensor, dim: int | None = None, keepdim: bool = False
    ) -> Any:
        if isinstance(dim, EagerTensor):
            return of_two(input, dim)
        if dim is None:
            _check_some(input, name)
            return of_all(input, axes_of(input, None))
        return _along(input, axes_of(input, dim), keepdim, where)

    return function


def _check_some(x: EagerTensor, name: str) -> None:
    if 0 in x._shape_raw:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for "
            "input.numel() == 0. Specify the reduction dim with the 'dim' argument."
        )


def _along(x: EagerTensor, axes: list[int], keepdim: bool, find: Op) -> Extremes:
    """The first extreme element along a dimension, and where it is."""
    if not axes:
        return Extremes(F.Identity(x), types.constant(0, dtypes.int64))
    (axis,) = axes
    where = find(x, axis, output_type=dtypes.int64)
    kept = F.ExpandDims(where, axis)
    values = take_along(x, axis, np.asarray(kept._value))
    if keepdim:
        return Extremes(values, kept)
    return Extremes(F.Squeeze(values, squeeze_dims=[axis]), where)


def take_along(x: EagerTensor, axis: int, index: Array) -> EagerTensor:
    """Elements of `x` at other places of one dimension.

    Args:
      x: any tensor.
      axis: the dimension.
      index: an integer array, of no larger sizes than x in the other dimensions.
    """
    return take(x, positions_along(x, axis, index))


def positions_along(x: EagerTensor, axis: int, index: Array) -> Any:
    """Flat positions of elements at other places of a dimension (see `take_along`)."""
    index = np.asarray(index)
    places = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    places[axis] = index
    return np.ravel_multi_index(np.broadcast_arrays(*places), x._shape_raw)


def take(x: EagerTensor, positions: Array) -> EagerTensor:
    """The elements of `x` at flat positions, in the shape of these."""
    where = types.constant(positions, dtypes.int64)
    return F.GatherV2(F.Reshape(x, [-1]), where, 0)


operation("max")(_extreme("max", F.Max, F.ArgMax, elementwise.maximum))
operation("min")(_extreme("min", F.Min, F.ArgMin, elementwise.minimum))


@operation()
def amax(input: EagerTensor, dim: Dims = None, keepdim: bool = False) -> EagerTensor:
    """The largest element; equal ones share the derivative."""
    return F.Max(input, axes_of(input, dim), keep_dims=keepdim)


@operation()
def amin(input: EagerTensor, dim: Dims = None, keepdim: bool = False) -> EagerTensor:
    """The smallest element; equal ones share the derivative."""
    return F.Min(input, axes_of(input, dim), keep_dims=keepdim)


def _argument(find: Op) -> Op:
    def function(
        input: EagerTensor, dim: int | None = None, keepdim: bool = False
    ) -> EagerTensor:
        x = F.Reshape(input, [-1]) if dim is None or not input._shape_raw else input
        axis = 0 if dim is None else axes_of(x, dim)[0]
        where = find(x, axis, output_type=dtypes.int64)
        if dim is None:
            return where
        return F.ExpandDims(where, axis) if keepdim else where

    return function


operation("argmax")(_argument(F.ArgMax))
operation("argmin")(_argument(F.ArgMin))


@operation()
def sort(input: EagerTensor, dim: int = -1, descending: bool = False) -> Extremes:
    """The elements in order along a dimension, and where each was."""
    if not input._shape_raw:
        return Extremes(F.Identity(input), types.constant(0, dtypes.int64))
    (axis,) = axes_of(input, dim)
    value = np.asarray(input._value)
    keys = np.flip(value, axis) if descending else value
    order = np.argsort(keys, axis=axis, kind="stable")
    if descending:  # flipped twice, so that equal elements keep their order
        order = value.shape[axis] - 1 - np.flip(order, axis)
    return Extremes(take_along(input, axis, order), types.constant(order, dtypes.int64))


@operation()
def argsort(input: EagerTensor, dim: int = -1, descending: bool = False) -> Any:
    """Where the elements in order along a dimension were."""
    return sort(input, dim, descending).indices


@operation()
def topk(input: EagerTensor, k: int, dim: int = -1) -> Extremes:
    """The k largest elements along a dimension, the largest first."""
    (axis,) = axes_of(input, dim)
    value = np.asarray(input._value)
    order = np.argsort(-value, axis=axis, kind="stable").take(range(k), axis)
    return Extremes(take_along(input, axis, order), types.constant(order, dtypes.int64))


# ---------------------------------------------------------------------- truth


def _truth(reduce: Op) -> Op:
    def function(
        input: EagerTensor, dim: Dims = None, keepdim: bool = False
    ) -> EagerTensor:
        x = types.cast(input, dtypes.bool)
        return reduce(x, axes_of(x, dim), keep_dims=keepdim)

    return function


operation("all")(_truth(F.All))
operation("any")(_truth(F.Any))


@operation()
def count_nonzero(input: EagerTensor, dim: Dims = None) -> EagerTensor:
    """How many elements are not zero."""
    return total(types.cast(input, dtypes.bool), dim)


# ---------------------------------------------------------------------- moments


@operation()
def var(
    input: EagerTensor,
    dim: Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> EagerTensor:
    """The variance: squared distances from the mean, over count − correction."""
    axes = axes_of(input, dim)
    middle = F.Mean(input, axes, keep_dims=True)
    squares = F.Sum(F.Square(F.Sub(input, middle)), axes, keep_dims=keepdim)
    less = float(unbiased) if correction is None else correction
    count = np.prod([input._shape_raw[a] for a in axes]) - less
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.float64(1) / max(count, 0.0)
    return F.Mul(squares, types.constant(weight, input._dtype))


@operation()
def std(
    input: EagerTensor,
    dim: Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> EagerTensor:
    """The standard deviation: the root of `var`."""
    return F.Sqrt(var(input, dim, unbiased, keepdim, correction=correction))


@operation()
def norm(
    input: EagerTensor, p: Any = 2, dim: Dims = None, keepdim: bool = False
) -> EagerTensor:
    """(Σ |x|ᵖ)^(1/p) over dimensions; the largest |x| for infinite p.

    At zero the derivative is zero.
    """
    axes = axes_of(input, dim)
    size = elementwise.absolute(input)
    if p in (float("inf"), float("-inf")):
        extreme = F.Max if p > 0 else F.Min
        return extreme(size, axes, keep_dims=keepdim)
    if p == 1:
        return F.Sum(size, axes, keep_dims=keepdim)
    power = 2 if p in (2, "fro", None) else p
    powers = F.Square(size) if power == 2 else elementwise.power(size, power)
    added = F.Sum(powers, axes, keep_dims=keepdim)
    nothing = F.Equal(added, types.constant(0, added._dtype))
    safe = F.SelectV2(nothing, F.OnesLike(added), added)
    root = F.Sqrt(safe) if power == 2 else elementwise.power(safe, 1 / power)
    return F.SelectV2(nothing, F.ZerosLike(added), root)


# ---------------------------------------------------------------------- softmax


def _last(apply: Op, x: EagerTensor, dim: int, dtype: DTypeLike | None) -> EagerTensor:
    """An op of the last dimension, along any dimension."""
    x = x if dtype is None else types.cast(x, types.as_dtype(dtype))
    rank = len(x._shape_raw)
    axis = dimension(dim, rank)
    if not rank:
        return F.Reshape(apply(F.Reshape(x, [1])), [])
    if axis == rank - 1:
        return apply(x)
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    return F.Transpose(apply(F.Transpose(x, order)), order)


@operation()
def softmax(
    input: EagerTensor, dim: int = -1, dtype: DTypeLike | None = None
) -> EagerTensor:
    """exp x over its sum along a dimension."""
    return _last(F.Softmax, input, dim, dtype)


@operation()
def log_softmax(
    input: EagerTensor, dim: int = -1, dtype: DTypeLike | None = None
) -> EagerTensor:
    """The logarithm of `softmax`."""
    return _last(F.LogSoftmax, input, dim, dtype)


@operation()
def logsumexp(input: EagerTensor, dim: Dims, keepdim: bool = False) -> EagerTensor:
    """log Σ exp x over dimensions, of any x."""
    x = types.to_floating(input)
    axes = axes_of(x, dim)
    top = F.StopGradient(F.Max(x, axes, keep_dims=True))
    top = F.SelectV2(F.IsFinite(top), top, F.ZerosLike(top))
    added = F.Sum(F.Exp(F.Sub(x, top)), axes, keep_dims=True)
    result = F.AddV2(F.Log(added), top)
    return result if keepdim or not axes else F.Squeeze(result, squeeze_dims=axes)
