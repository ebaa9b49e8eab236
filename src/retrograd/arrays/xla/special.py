"""Special functions through XLA, with the values of their namesakes on NumPy."""

from collections.abc import Callable

import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np
from jax import Array, lax

from retrograd.arrays.numpy.special import vanishes
from retrograd.arrays.xla.reduce import widen

#: exponents from which on ζ(x, q) is q⁻ˣ to the last bit, and XLA's series is NaN
_FIRST_TERM = 1e4


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
    zero = (x == 1) | (x == 2)  # where XLA's series leaves a rounding error
    return jnp.where(zero, x.dtype.type(0), lax.lgamma(x))


def digamma(x: Array) -> Array:
    """`arrays.numpy.digamma`."""
    pole = (x <= 0) & (x == jnp.floor(x))
    return jnp.where(pole, x.dtype.type(np.inf), lax.digamma(x))


def zeta(x: Array, q: Array) -> Array:
    """`arrays.numpy.zeta`."""
    whole = x == jnp.floor(x)
    pole = (x == 1) | (~(x < 1) & (q <= 0) & (q == jnp.floor(q)))
    first = jnp.power(q, -x)
    y = jnp.where(x > _FIRST_TERM, first, _call(jsp.zeta, x, q))
    y = _only((x > 1) & ((q > 0) | whole) & ~vanishes(x, q, first), y)
    return jnp.where(pole, y.dtype.type(np.inf), y)


def polygamma(n: Array, x: Array) -> Array:
    """`arrays.numpy.polygamma`."""
    valid = (n >= 0) & (n == jnp.floor(n))
    sign = jnp.where((n + 1) % 2 == 1, -1, 1).astype(n.dtype)
    higher = sign * jnp.exp(lax.lgamma(n + 1)) * zeta(n + 1, x)
    return _only(valid, jnp.where(n == 0, digamma(x), higher))


def betainc(a: Array, b: Array, x: Array) -> Array:
    """`arrays.numpy.betainc`."""
    valid = (a > 0) & (b > 0) & (x >= 0) & (x <= 1)
    valid &= (a < np.inf) & (b < np.inf)
    return _only(valid, _call(lax.betainc, a, b, x))


#: from here on the incomplete gamma functions are taken from an expansion at large a:
#: XLA adds a series up until it converges, and from a = 2⁵³ on it never does
_LARGE = 1e8
#: below, P(a, x) is 1 to the last bit, for x > 0
_SMALL = 1e-20


class _Expansion:
    """The incomplete gamma functions for a so large that two terms are exact.

    With μ = x / a − 1 and ½ η² = μ − log(1 + μ), P(a, x) is ½ erfc(−η √(a/2)) less
    R = exp(−½ a η²) / √(2π a) · (−1/3 + η / 12 − …).
    """

    def __init__(self, a: Array, x: Array) -> None:
        gap = (x - a) / a
        near = jnp.clip(gap, -0.05, 0.05)  # beyond, nothing is left of either tail
        series = sum(2 * (-near) ** k / (k + 2) for k in range(1, 13))
        eta = near * jnp.sqrt(1 + series)
        density = jnp.exp(-a * eta * eta / 2) / jnp.sqrt(2 * np.pi * a)
        half = eta * jnp.sqrt(a / 2)
        rest = density * (-1 / 3 + eta / 12 - 2 * eta**2 / 135)
        self.lower = lax.erfc(-half) / 2 - rest
        self.upper = lax.erfc(half) / 2 + rest
        self.slope = -density
        self.sample = jnp.ones_like(a)


def _gamma(
    function: Callable[..., Array], large: str, small: float, a: Array, x: Array
) -> Array:
    """Call a function of the incomplete gamma family, in float64.

    Where a is large its expansion is taken, where it is next to nothing `small`.
    XLA's own float32 versions are exact to four digits only where the result is small.
    """
    wide, at = (
        lax.convert_element_type(v, np.float64) for v in jnp.broadcast_arrays(a, x)
    )
    many, few = wide > _LARGE, wide < _SMALL
    usual = function(jnp.where(many | few, 1.0, wide), jnp.where(many, 1.0, at))
    large_a = jnp.where(many, jnp.minimum(wide, 1e300), _LARGE)
    expansion = _Expansion(large_a, jnp.where(many, at, 1.0))
    found = jnp.where(many, getattr(expansion, large), usual)
    found = jnp.where(few & (at > 0), small, found).astype(a.dtype)
    return _only((a > 0) & (x >= 0) & ((a < np.inf) | (x < 1)), found)


def _from_zero(a: Array, x: Array, y: Array) -> Array:
    y = _only((a > 0) & (x > 0), y)
    return jnp.where(x == 0, y.dtype.type(0), y)


def igamma(a: Array, x: Array) -> Array:
    """`arrays.numpy.igamma`."""
    return _from_zero(a, x, _gamma(lax.igamma, "lower", 1.0, a, x))


def igammac(a: Array, x: Array) -> Array:
    """`arrays.numpy.igammac`."""
    y = _gamma(lax.igammac, "upper", 0.0, a, x)
    return jnp.where((a > 0) & (x == np.inf), y.dtype.type(0), y)


def igamma_grad_a(a: Array, x: Array) -> Array:
    """`arrays.numpy.igamma_grad_a`."""
    return _from_zero(a, x, _gamma(lax.igamma_grad_a, "slope", jnp.nan, a, x))


def random_gamma_grad(a: Array, x: Array) -> Array:
    """`arrays.numpy.random_gamma_grad`."""
    return _from_zero(a, x, _gamma(lax.random_gamma_grad, "sample", 0.0, a, x))


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
