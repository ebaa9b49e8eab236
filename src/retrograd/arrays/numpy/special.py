"""Special functions on NumPy, with TensorFlow's values at the edges of their domains.

SciPy has nearly all of them; it is imported by the first one that is called. What comes
back has the dtype of the input; float16 and bfloat16 are computed in float32.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograd.arrays.numpy.reduce import widen

Array = np.ndarray


def _scipy() -> Any:
    import scipy.special

    return scipy.special


def _call(name: str, *args: Array) -> Array:
    """Call SciPy's function `name`, in and out of the dtype of the first argument."""
    y = getattr(_scipy(), name)(*(widen(a) for a in args))
    return y.astype(args[0].dtype, copy=False)


def erf(x: Array) -> Array:
    """Return the error function, 2/√π ∫₀ˣ exp(−t²) dt."""
    return _call("erf", x)


def erfc(x: Array) -> Array:
    """Return 1 − erf x, exact where that is small."""
    return _call("erfc", x)


def erfinv(x: Array) -> Array:
    """Return the y with erf y = x, on [−1, 1]; NaN outside."""
    return _call("erfinv", x)


def ndtri(x: Array) -> Array:
    """Return the normal distribution's quantile of x, on [0, 1]; NaN outside."""
    return _call("ndtri", x)


def lgamma(x: Array) -> Array:
    """Return log |Γ(x)|; +inf at 0, −1, −2, …"""
    return _call("gammaln", x)


def digamma(x: Array) -> Array:
    """Return Γ′(x) / Γ(x); +inf at 0, −1, −2, …, as TensorFlow has it."""
    pole = (x <= 0) & (x == np.floor(x))
    return np.where(pole, x.dtype.type(np.inf), _call("digamma", x))


def zeta(x: Array, q: Array) -> Array:
    """Return Hurwitz's ζ(x, q) = Σ (q + n)⁻ˣ over n ≥ 0.

    +inf at its poles, x = 1 and q = 0, −1, −2, …; NaN for x < 1, and for q < 0 unless x
    is a whole number.
    """
    whole = x == np.floor(x)
    pole = (x == 1) | (~(x < 1) & (q <= 0) & (q == np.floor(q)))
    valid = (x > 1) & ((q > 0) | whole)
    valid &= ~vanishes(x, q, np.power(q, -x))
    y = np.where(valid, _call("zeta", x, q), x.dtype.type(np.nan))
    return np.where(pole, x.dtype.type(np.inf), y)


def vanishes(x: Any, q: Any, first: Any) -> Any:
    """Where ζ(x, q) begins with 0 and TensorFlow's series multiplies that by infinity.

    The series takes products of up to 24 numbers from x on.
    """
    product = x
    for k in range(1, 24):
        product = product * (x + x.dtype.type(k))
    return (first == 0) & (q > 0) & ((q == np.inf) | (product == np.inf))


def polygamma(n: Array, x: Array) -> Array:
    """Return the nth derivative of digamma at x; NaN unless n is a whole number ≥ 0."""
    dtype, n, x = n.dtype, widen(n), widen(x)
    sign = np.where((n + 1) % 2 == 1, -1, 1).astype(n.dtype)
    higher = sign * _call("gamma", n + 1) * zeta(n + 1, x)
    y = np.where(n == 0, digamma(x), higher)
    valid = (n >= 0) & (n == np.floor(n))
    return np.where(valid, y, y.dtype.type(np.nan)).astype(dtype, copy=False)


def betainc(a: Array, b: Array, x: Array) -> Array:
    """Return the regularised incomplete beta function I_x(a, b); NaN off its domain."""
    y = _call("betainc", a, b, x)
    valid = (a > 0) & (b > 0) & (x >= 0) & (x <= 1) & (a < np.inf) & (b < np.inf)
    return np.where(valid, y, y.dtype.type(np.nan))


def igamma(a: Array, x: Array) -> Array:
    """Return the regularised lower incomplete gamma P(a, x).

    0 at x = 0, whatever a is; NaN for x < 0 and for a ≤ 0; for infinite a it is 0 where
    x < 1, else NaN.
    """
    return _from_zero(a, x, _call("gammainc", a, x))


def _from_zero(a: Array, x: Array, y: Array) -> Array:
    valid = (a > 0) & (x > 0) & ((a < np.inf) | (x < 1))
    y = np.where(valid, y, y.dtype.type(np.nan))
    return np.where(x == 0, y.dtype.type(0), y)


def igammac(a: Array, x: Array) -> Array:
    """Return the regularised upper incomplete gamma Q(a, x).

    NaN for x < 0 and for a ≤ 0; for infinite a 1 where x < 1, 0 where x is infinite,
    else NaN.
    """
    y = _call("gammaincc", a, x)
    valid = (a > 0) & (x >= 0) & ((a < np.inf) | (x < 1))
    y = np.where(valid, y, y.dtype.type(np.nan))
    return np.where((a > 0) & (x == np.inf), y.dtype.type(0), y)


def igamma_grad_a(a: Array, x: Array) -> Array:
    """Return ∂P(a, x) / ∂a of `igamma`."""
    return _by_range(a, x, lambda scale, slope, _: scale * slope)


def random_gamma_grad(a: Array, x: Array) -> Array:
    """Return ∂x/∂a of a sample x of the gamma distribution with shape a.

    By implicit differentiation of P(a, x) = u: −(∂P/∂a) / (∂P/∂x).
    """
    return _by_range(a, x, lambda _, slope, unit: -slope * unit)


def _by_range(a: Array, x: Array, finish: Callable[..., Array]) -> Array:
    """Differentiate P(a, x) by the series where x is small, else by the fraction.

    `finish` gets P's factor x^a e^(−x)/Γ, the derivative divided by it, and the ratio
    of that factor to the density: where both underflow their quotient is still right.
    """
    sp, dtype = _scipy(), a.dtype
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    y = np.full(a.shape, np.nan)
    valid = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    low = valid & ((x <= 1) | (x <= a))
    for part, slope, shift in ((low, _series_slope, 1), (valid & ~low, _tail_slope, 0)):
        if part.any():
            ap, xp = a[part], x[part]
            log = np.log(xp)
            scale = np.exp(ap * log - xp - sp.gammaln(ap + shift))
            of_scale = log - sp.digamma(ap + shift)
            unit = xp / ap if shift else xp
            y[part] = finish(scale, slope(ap, xp, of_scale), unit)
    return _from_zero(a, x, y).astype(dtype)


def _series_slope(a: Array, x: Array, of_scale: Array) -> Array:
    """Differentiate Σ xⁿ / ((a+1)…(a+n)), times x^a e^(−x) / Γ(a+1), by a."""
    term, log_slope = np.ones_like(a), np.zeros_like(a)
    total, slope = np.ones_like(a), np.zeros_like(a)
    for n in range(1, 100_000):
        term *= x / (a + n)
        log_slope -= 1 / (a + n)
        change = term * log_slope
        total += term
        slope += change
        if (np.abs(change) <= 1e-16 * np.abs(slope)).all():
            break
    return slope + total * of_scale


def _tail_slope(a: Array, x: Array, of_scale: Array) -> Array:
    """Differentiate Q's continued fraction, times x^a e^(−x) / Γ(a), by a; negated.

    The fraction's convergents p/q obey pₙ = zₙ pₙ₋₁ − n yₙ pₙ₋₂, with y = n + 1 − a and
    z = x + 2n + 1 − a + …; each is carried along with its derivative, in pairs.
    """
    zero = np.zeros_like(a)
    older = np.stack([zero + 1, x, zero, zero])  # p, q, dp, dq
    newer = np.stack([x + 1, (x + 2 - a) * x, zero, -x])
    ratio = newer[0] / newer[1]
    slope = (newer[2] - ratio * newer[3]) / newer[1]
    for n in range(1, 100_000):
        y, z = n + 1 - a, x + 2 * n + 2 - a
        new = newer * z - older * (y * n)
        new[2:] += older[:2] * n - newer[:2]  # ∂y/∂a = ∂z/∂a = −1
        older, newer = newer, new
        ratio = newer[0] / newer[1]
        last, slope = slope, (newer[2] - ratio * newer[3]) / newer[1]
        if (np.abs(slope - last) <= 1e-15 * np.abs(slope)).all():
            break
        # Only ratios count: keep the numbers far from overflow.
        size = np.abs(newer[1])
        older, newer = older / size, newer / size
    return -(slope + ratio * of_scale)


def bessel_i0e(x: Array) -> Array:
    """Return exp(−|x|) I₀(x), the scaled modified Bessel function."""
    return _call("i0e", x)


def bessel_i1e(x: Array) -> Array:
    """Return exp(−|x|) I₁(x), the scaled modified Bessel function."""
    return _call("i1e", x)


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(−x)); the overflow of exp gives the right limit, 0."""
    return np.reciprocal(np.exp(-widen(x)) + 1).astype(x.dtype, copy=False)


def rsqrt(x: Array) -> Array:
    """Return 1 / √x."""
    return np.reciprocal(np.sqrt(x))


def softplus(x: Array) -> Array:
    """Return log(1 + exp x): x itself and exp x where they equal it to the last bit."""
    wide = widen(x)
    limit = -np.log(np.finfo(wide.dtype).eps) - 2
    e = np.exp(wide)
    y = np.where(wide > limit, wide, np.where(wide < -limit, e, np.log1p(e)))
    return y.astype(x.dtype, copy=False)
