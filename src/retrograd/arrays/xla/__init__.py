"""The array namespace a kernel receives in tier 1: XLA, through JAX.

It has the names, signatures and dtypes of `arrays.numpy`, where each is documented;
arguments are JAX arrays, tracers or NumPy arrays. Kernels are traced with 64-bit types
enabled: without them `jax.numpy` turns every float64 and int64 into its half.
"""

from typing import Any

import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import Array, lax

from retrograd.arrays import names
from retrograd.arrays.windows import same_padding as same_padding
from retrograd.arrays.xla import (
    arithmetic,
    flow,
    fourier,
    indexing,
    linalg,
    lists,
    reduce,
    special,
    told,
    windows,
)
from retrograd.arrays.xla.options import compiler_options as compiler_options

for _name in names.SAME_AS_NUMPY:
    globals()[_name] = getattr(jnp, _name)
for _name in names.DTYPES:
    globals()[_name] = getattr(np, _name)
for _module in (
    arithmetic,
    flow,
    fourier,
    indexing,
    linalg,
    lists,
    reduce,
    special,
    told,
    windows,
):
    for _name in {*names.DIFFERENT, *names.ADDED} & set(vars(_module)):
        _found = getattr(_module, _name)
        if _found.__module__ == _module.__name__:  # not one it imported for itself
            globals()[_name] = _found

name = "jax"
bfloat16, finfo, iinfo = ml_dtypes.bfloat16, ml_dtypes.finfo, ml_dtypes.iinfo
e, inf, nan, newaxis, pi = np.e, np.inf, np.nan, None, np.pi


def __getattr__(attribute: str) -> Any:
    """Ask jax.numpy for what is not named here."""
    return getattr(jnp, attribute)


def asarray(x: Any, dtype: Any = None) -> Array:
    """`arrays.numpy.asarray`."""
    return jnp.asarray(x, dtype)


def round(x: Array) -> Array:
    """`arrays.numpy.round`."""
    return x if x.dtype.kind in "iub" else jnp.rint(x)


def cast(x: Array, dtype: Any) -> Array:
    """`arrays.numpy.cast`."""
    dtype = np.dtype(dtype)
    if x.dtype == dtype:
        return jnp.asarray(x)
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = jnp.real(x)
    if x.dtype.kind in "fV" and dtype.kind in "iu":
        return _to_integer(reduce.widen(x), dtype)
    return lax.convert_element_type(x, dtype)


def _to_integer(x: Array, dtype: np.dtype) -> Array:
    """Convert floats as x86 does; XLA alone would give the nearest integer there is."""
    if dtype == np.uint64:
        return _to_uint64(x)
    middle = np.dtype(np.int32 if dtype.itemsize < 4 else np.int64)
    middle = np.dtype(np.int32) if dtype == np.int32 else middle
    low = float(np.iinfo(middle).min)
    y = lax.convert_element_type(x, middle)
    # −low is the first number too large; NaN fails both comparisons.
    fits = (x >= x.dtype.type(low)) & (x < x.dtype.type(-low))
    y = jnp.where(fits, y, middle.type(np.iinfo(middle).min))
    return lax.convert_element_type(y, dtype)


def _to_uint64(x: Array) -> Array:
    half = 2.0**63
    wide = lax.convert_element_type(x, np.float64)
    below = lax.convert_element_type(_to_integer(wide, np.dtype(np.int64)), np.uint64)
    above = lax.convert_element_type(wide, np.uint64)
    above = jnp.where(wide < 2 * half, above, np.uint64(0))
    return jnp.where(wide >= half, above, below)
