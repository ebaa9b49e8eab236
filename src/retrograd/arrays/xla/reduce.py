"""Reductions, running totals and matrix products through XLA, in TensorFlow dtypes."""

from math import prod as product
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from retrograd.arrays.short_floats import furthest, is_short_float

Axis = int | tuple[int, ...] | None


def widen(x: Array) -> Array:
    """Return float16 and bfloat16 as float32; others as is."""
    return lax.convert_element_type(x, np.float32) if is_short_float(x.dtype) else x


def sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """`arrays.numpy.sum`."""
    wide = widen(x)
    return jnp.sum(wide, axis, wide.dtype, keepdims=keepdims).astype(x.dtype)


def prod(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """`arrays.numpy.prod`."""
    wide = widen(x)
    return jnp.prod(wide, axis, wide.dtype, keepdims=keepdims).astype(x.dtype)


def _count(x: Array, axis: Axis) -> int:
    if axis is None:
        return x.size
    return product(x.shape[a] for a in ((axis,) if isinstance(axis, int) else axis))


def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """`arrays.numpy.mean`."""
    count = _count(x, axis)
    if x.dtype.kind in "iu":
        total = sum(x, axis, keepdims)
        return lax.div(total, jnp.full_like(total, count or 1))
    total = sum(widen(x), axis, keepdims)
    return (total / total.dtype.type(count)).astype(x.dtype)


def _limit(x: Array, highest: bool) -> Any:
    if x.dtype.kind in "iu":
        info = np.iinfo(x.dtype)
        return x.dtype.type(info.max if highest else info.min)
    return x.dtype.type(np.inf if highest else -np.inf)


def max(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """`arrays.numpy.max`."""
    initial = None if x.size else _limit(x, False)
    return jnp.max(x, axis, keepdims=keepdims, initial=initial)


def min(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """`arrays.numpy.min`."""
    initial = None if x.size else _limit(x, True)
    return jnp.min(x, axis, keepdims=keepdims, initial=initial)


def all(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """`arrays.numpy.all`."""
    return jnp.all(x, axis, keepdims=keepdims)


def any(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """`arrays.numpy.any`."""
    return jnp.any(x, axis, keepdims=keepdims)


def argmax(x: Array, axis: int) -> Array:
    """`arrays.numpy.argmax`."""
    if x.dtype.kind not in "iub":
        limit = furthest(x.dtype, False)
        x = jnp.where(x > limit, x, limit)
    return lax.argmax(jnp.asarray(x), axis % x.ndim, np.int64)


def argmin(x: Array, axis: int) -> Array:
    """`arrays.numpy.argmin`."""
    if x.dtype.kind not in "iub":
        limit = furthest(x.dtype, True)
        x = jnp.where(x < limit, x, limit)
    return lax.argmin(jnp.asarray(x), axis % x.ndim, np.int64)


def sort(x: Array, axis: int = -1) -> Array:
    """`arrays.numpy.sort`."""
    return jnp.sort(x, axis, stable=True)


def argsort(x: Array, axis: int = -1) -> Array:
    """`arrays.numpy.argsort`."""
    return jnp.argsort(x, axis, stable=True).astype(np.int64)


def _excluded(x: Array, axis: int, reverse: bool, identity: int) -> Array:
    """Shift x by one along `axis`: running totals then leave their own element out."""
    pads = [(0, 0, 0)] * x.ndim
    pads[axis] = (-1, 1, 0) if reverse else (1, -1, 0)
    return lax.pad(x, x.dtype.type(identity), pads)


def cumsum(
    x: Array, axis: int, exclusive: bool = False, reverse: bool = False
) -> Array:
    """`arrays.numpy.cumsum`."""
    axis, wide = axis % x.ndim, widen(x)
    wide = _excluded(wide, axis, reverse, 0) if exclusive else wide
    return lax.cumsum(wide, axis, reverse).astype(x.dtype)


def cumprod(
    x: Array, axis: int, exclusive: bool = False, reverse: bool = False
) -> Array:
    """`arrays.numpy.cumprod`."""
    axis, wide = axis % x.ndim, widen(x)
    wide = _excluded(wide, axis, reverse, 1) if exclusive else wide
    return lax.cumprod(wide, axis, reverse).astype(x.dtype)


def matmul(a: Array, b: Array) -> Array:
    """`arrays.numpy.matmul`."""
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def einsum(subscripts: str, *operands: Array) -> Array:
    """`arrays.numpy.einsum`."""
    return jnp.einsum(
        subscripts, *operands, optimize="optimal", precision=lax.Precision.HIGHEST
    )
