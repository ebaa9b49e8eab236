"""Special functions through XLA, with the values of their namesakes on NumPy."""

from collections.abc import Callable

import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np
from jax import Array, lax

from retrograd.arrays.xla.reduce import widen


def _call(function: Callable[..., Array], *args: Array) -> Array:
    """Call `function` on equal shapes, in and out of the first argument's dtype."""
    dtype = args[0].dtype
    wide = jnp.broadcast_arrays(*(widen(jnp.asarray(a)) for a in args))
    return function(*wide).astype(dtype)


def _only(valid: Array, y: Array) -> Array:
    return jnp.where(valid, y, y.dtype.type(np.nan))


def erf(x: Array) -> Array:
    """`arrays.numpy.erf`."""
    return lax.erf(x)


def erfc(x: Array) -> Array:
    """`arrays.numpy.erfc`."""
    return lax.erfc(x)


def erfinv(x: Array) -> Array:
    """`arrays.numpy.erfinv`."""
    return lax.erf_inv(x)


def ndtri(x: Array) -> Array:
    """`arrays.numpy.ndtri`."""
    return _call(jsp.ndtri, x)


def lgamma(x: Array) -> Array:
    """`arrays.numpy.lgamma`."""
    return lax.lgamma(x)


def digamma(x: Array) -> Array:
    """`arrays.numpy.digamma`."""
    pole = (x <= 0) & (x == jnp.floor(x))
    return jnp.where(pole, x.dtype.type(np.inf), lax.digamma(x))


def zeta(x: Array, q: Array) -> Array:
    """`arrays.numpy.zeta`."""
    whole = x == jnp.floor(x)
    pole = (x == 1) | ((x > 1) & (q <= 0) & (q == jnp.floor(q)))
    y = _only((x > 1) & ((q > 0) | whole), _call(jsp.zeta, x, q))
    return jnp.where(pole, y.dtype.type(np.inf), y)


def polygamma(n: Array, x: Array) -> Array:
    """`arrays.numpy.polygamma`."""
    valid = (n >= 0) & (n == jnp.floor(n))
    sign = jnp.where(n % 2 == 0, -1, 1).astype(n.dtype)
    higher = sign * jnp.exp(lax.lgamma(n + 1)) * zeta(n + 1, x)
    return _only(valid, jnp.where(n == 0, digamma(x), higher))


def betainc(a: Array, b: Array, x: Array) -> Array:
    """`arrays.numpy.betainc`."""
    valid = (a > 0) & (b > 0) & (x >= 0) & (x <= 1)
    return _only(valid, _call(lax.betainc, a, b, x))


def _gamma(function: Callable[..., Array], a: Array, x: Array) -> Array:
    """Call a function of the incomplete gamma family, in float64.

    XLA's own float32 versions are exact to four digits only where the result is small.
    """
    wide = (lax.convert_element_type(v, np.float64) for v in (a, x))
    return _only((a > 0) & (x >= 0), _call(function, *wide).astype(a.dtype))


def _from_zero(a: Array, x: Array, y: Array) -> Array:
    y = _only((a > 0) & (x > 0), y)
    return jnp.where(x == 0, y.dtype.type(0), y)


def igamma(a: Array, x: Array) -> Array:
    """`arrays.numpy.igamma`."""
    return _from_zero(a, x, _gamma(lax.igamma, a, x))


def igammac(a: Array, x: Array) -> Array:
    """`arrays.numpy.igammac`."""
    return _gamma(lax.igammac, a, x)


def igamma_grad_a(a: Array, x: Array) -> Array:
    """`arrays.numpy.igamma_grad_a`."""
    return _from_zero(a, x, _gamma(lax.igamma_grad_a, a, x))


def random_gamma_grad(a: Array, x: Array) -> Array:
    """`arrays.numpy.random_gamma_grad`."""
    return _from_zero(a, x, _gamma(lax.random_gamma_grad, a, x))


def bessel_i0e(x: Array) -> Array:
    """`arrays.numpy.bessel_i0e`."""
    return lax.bessel_i0e(x)


def bessel_i1e(x: Array) -> Array:
    """`arrays.numpy.bessel_i1e`."""
    return lax.bessel_i1e(x)


def sigmoid(x: Array) -> Array:
    """`arrays.numpy.sigmoid`."""
    return lax.logistic(x)


def rsqrt(x: Array) -> Array:
    """`arrays.numpy.rsqrt`."""
    return lax.rsqrt(x)


def softplus(x: Array) -> Array:
    """`arrays.numpy.softplus`."""
    wide = widen(x)
    limit = wide.dtype.type(-np.log(np.finfo(wide.dtype).eps) - 2)
    e = lax.exp(wide)
    y = jnp.where(wide > limit, wide, jnp.where(wide < -limit, e, lax.log1p(e)))
    return y.astype(x.dtype)
