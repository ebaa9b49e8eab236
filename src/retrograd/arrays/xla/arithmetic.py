"""Arithmetic through XLA where `jax.numpy` has other values than NumPy."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

# jax.numpy raises integers to what the lowest bits of an exponent say, so many of them.
_BITS = 6


def power(x: Array, y: Array) -> Array:
    """`arrays.numpy.power`."""
    known = isinstance(y, (np.ndarray, np.generic))
    if x.dtype.kind not in "iu" or (known and np.all(y < 2**_BITS)):
        return jnp.power(x, y)
    return _whole_power(*jnp.broadcast_arrays(jnp.asarray(x), jnp.asarray(y)))


def _whole_power(x: Array, y: Array) -> Array:
    """Integers to the power of integers; what does not fit is cut off, as in NumPy.

    Squares are multiplied as the bits of the exponent say: those of `jax.numpy` in one
    fused loop, those above one by one, as long as there are any.
    """
    low = jnp.power(x, y & y.dtype.type(2**_BITS - 1))
    rest = lax.max(lax.shift_right_arithmetic(y, y.dtype.type(_BITS)), y.dtype.type(0))
    if y.dtype.kind == "u":
        rest = lax.shift_right_logical(y, y.dtype.type(_BITS))
    for _ in range(_BITS):
        x = x * x

    def step(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        result, base, left = state
        result = jnp.where(left & left.dtype.type(1) != 0, result * base, result)
        return result, base * base, lax.shift_right_logical(left, left.dtype.type(1))

    return lax.while_loop(lambda s: jnp.any(s[2] != 0), step, (low, x, rest))[0]
