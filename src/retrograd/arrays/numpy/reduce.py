"""Reductions, running totals and matrix products on NumPy, in TensorFlow's dtypes.

NumPy widens integers when it sums them; TensorFlow keeps the dtype of the input.
Two-byte floats are added up in float32 and rounded once.
"""

from collections.abc import Callable
from math import prod as product
from typing import Any

import numpy as np

from retrograd.arrays.blas import SMALL, threads
from retrograd.arrays.short_floats import furthest, is_short_float

Array = np.ndarray
Ufunc = Any  # numpy's stubs know ufuncs by keyword only, and keywords cost time
Axis = int | tuple[int, ...] | None

_ADD: Ufunc = np.add
_MULTIPLY: Ufunc = np.multiply
_AND: Ufunc = np.logical_and
_OR: Ufunc = np.logical_or

# From here on a sum over leading axes is faster as a product with ones.
_LONG = 4096


def widen(x: Array) -> Array:
    """Return float16 and bfloat16 as float32, to add them up in; others as they are."""
    return x.astype(np.float32) if is_short_float(x.dtype) else x


def _leading(x: Array, axis: Axis, keepdims: bool) -> int:
    """How many leading axes are summed, if a product with ones can do it; else 0."""
    if keepdims or axis is None or x.size < _LONG or x.dtype.char not in "fd":
        return 0
    axes = (axis,) if isinstance(axis, int) else axis
    count = len(axes)
    if sorted(axes) != list(range(count)) or count == x.ndim:
        return 0
    return count if x.flags.c_contiguous else 0


def sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Add up along `axis` (None: all), in the dtype of x."""
    if is_short_float(x.dtype):
        wide = _ADD.reduce(x.astype(np.float32), axis, None, None, keepdims)
        return wide.astype(x.dtype)
    if count := _leading(x, axis, keepdims):
        # BLAS reads memory once and keeps several partial sums: faster, more exact.
        rest = x.shape[count:]
        rows = product(x.shape[:count])
        return (np.ones(rows, x.dtype) @ x.reshape(rows, product(rest))).reshape(rest)
    return _ADD.reduce(x, axis, x.dtype, None, keepdims)


def prod(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Multiply along `axis` (None: all), in the dtype of x."""
    wide = widen(x)
    return _MULTIPLY.reduce(wide, axis, wide.dtype, None, keepdims).astype(
        x.dtype, copy=False
    )


def _count(x: Array, axis: Axis) -> int:
    if axis is None:
        return x.size
    return product(x.shape[a] for a in ((axis,) if isinstance(axis, int) else axis))


def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean along `axis`; of integers the quotient rounded towards zero."""
    count = _count(x, axis)
    if x.dtype.kind in "iu":
        total, count = sum(x, axis, keepdims), x.dtype.type(count or 1)
        quotient, rest = np.divmod(total, count)
        return quotient + ((rest != 0) & (total < 0)).astype(x.dtype)
    wide = widen(x)
    total = sum(wide, axis, keepdims)
    # The quotient in the dtype of the total; 0 / 0 is NaN, as for TensorFlow.
    return np.divide(total, wide.dtype.type(count)).astype(x.dtype, copy=False)


def _extreme(ufunc: Ufunc, x: Array, axis: Axis, keepdims: bool, sign: int) -> Array:
    if x.size:
        return ufunc.reduce(x, axis, None, None, keepdims)
    if x.dtype.kind in "iu":
        info = np.iinfo(x.dtype)
        none = info.min if sign < 0 else info.max
    else:
        none = sign * np.inf
    return ufunc.reduce(x, axis, None, None, keepdims, x.dtype.type(none))


def max(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the largest along `axis`; of none, the dtype's lowest value (−inf)."""
    return _extreme(np.maximum, x, axis, keepdims, -1)


def min(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the smallest along `axis`; of none, the dtype's highest value (+inf)."""
    return _extreme(np.minimum, x, axis, keepdims, 1)


def all(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return whether every element along `axis` is true."""
    return _AND.reduce(x, axis, None, None, keepdims)


def any(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return whether some element along `axis` is true."""
    return _OR.reduce(x, axis, None, None, keepdims)


def _position(
    function: Callable[..., Array], x: Array, axis: int, highest: bool
) -> Array:
    y = function(x, axis)
    if x.dtype.kind in "iub" or not x.size:
        return y
    limit = furthest(x.dtype, not highest)
    found = np.take_along_axis(x, np.expand_dims(y, axis), axis)
    beyond = found > limit if highest else found < limit
    if not beyond.all():
        x = np.where(x > limit if highest else x < limit, x, limit)
        y = function(x, axis)
    return y


def argmax(x: Array, axis: int) -> Array:
    """Return int64 positions of the largest along `axis`, the first among equals.

    What is not above the lowest finite number counts as that number, and so does NaN.
    """
    return _position(np.argmax, x, axis, True)


def argmin(x: Array, axis: int) -> Array:
    """Return int64 positions of the smallest along `axis`; as `argmax` otherwise."""
    return _position(np.argmin, x, axis, False)


def sort(x: Array, axis: int = -1) -> Array:
    """Return x sorted along `axis`, smallest first."""
    return np.sort(x, axis, kind="stable")


def argsort(x: Array, axis: int = -1) -> Array:
    """Return int64 positions that sort x along `axis`; equals keep their order."""
    return np.argsort(x, axis, kind="stable")


def _running(
    ufunc: Ufunc, x: Array, axis: int, exclusive: bool, reverse: bool
) -> Array:
    wide = np.flip(widen(x), axis) if reverse else widen(x)
    if exclusive:
        y = np.empty(wide.shape, wide.dtype)
        before = (slice(None),) * (axis % x.ndim)
        y[(*before, slice(0, 1))] = ufunc.identity
        body = wide[(*before, slice(0, -1))]
        ufunc.accumulate(body, axis, wide.dtype, y[(*before, slice(1, None))])
    else:
        y = ufunc.accumulate(wide, axis, wide.dtype)
    y = np.flip(y, axis) if reverse else y
    return y.astype(x.dtype, copy=False)


def cumsum(
    x: Array, axis: int, exclusive: bool = False, reverse: bool = False
) -> Array:
    """Return running sums along `axis`; `exclusive` leaves the element itself out."""
    return _running(np.add, x, axis, exclusive, reverse)


def cumprod(
    x: Array, axis: int, exclusive: bool = False, reverse: bool = False
) -> Array:
    """Return running products along `axis`; `exclusive` as for `cumsum`."""
    return _running(np.multiply, x, axis, exclusive, reverse)


def matmul(a: Array, b: Array) -> Array:
    """Return the matrix product over the last two axes, the others broadcast."""
    if not threads.limited and a.size * b.shape[-1] < SMALL:
        threads.limit()
    if is_short_float(a.dtype):
        return np.matmul(widen(a), widen(b)).astype(a.dtype)
    return np.matmul(a, b)


def einsum(subscripts: str, *operands: Array) -> Array:
    """Return Einstein's sum, in the dtype of the operands."""
    dtype = operands[0].dtype
    wide = [widen(each) for each in operands]
    y = np.einsum(subscripts, *wide, optimize=len(wide) > 1)
    return np.asarray(y).astype(dtype, copy=False)
