"""Ops: gamma and its relatives, error functions, Bessel functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import broadcast, merged, same
from retrograd.ops.rules import scalar
from retrograd.ops.traits import Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- gamma


@op(
    "Lgamma",
    infer=same,
    math="y = log |Γ(x)|",
    grad=dict(x=rule("x̄ = ȳ ψ(x)", lambda n, dy: F.Mul(dy, F.Digamma(n.inputs[0])))),
)
def _lgamma(xp: Arrays, x: Array) -> Array:
    """The logarithm of the absolute value of the gamma function."""
    return xp.lgamma(x)


def _trigamma(n: Operation, dy: Tensor) -> Tensor:
    x = n.inputs[0]
    return F.Mul(dy, F.Polygamma(scalar(1, x), x))


@op(
    "Digamma",
    infer=same,
    math="y = ψ(x)",
    grad=dict(x=rule("x̄ = ȳ ψ′(x)", _trigamma)),
)
def _digamma(xp: Arrays, x: Array) -> Array:
    """The derivative of the logarithm of the gamma function."""
    return xp.digamma(x)


def _above(x: Tensor) -> Tensor:
    return F.AddV2(x, scalar(1, x))


@op(
    "Polygamma",
    infer=broadcast,
    math="z = ψ(a, x), derivative a of ψ",
    grad=dict(
        x=rule(
            "x̄ = z̄ ψ(a + 1, x)",
            lambda n, dz: F.Mul(dz, F.Polygamma(_above(n.inputs[0]), n.inputs[1])),
        )
    ),
    notation=dict(a="a has no derivative: none is known in closed form"),
)
def _polygamma(xp: Arrays, a: Array, x: Array) -> Array:
    """The a-th derivative of digamma at x."""
    return xp.polygamma(a, x)


def _zeta_rule(n: Operation, dz: Tensor) -> Tensor:
    x, q = n.inputs
    return F.Mul(dz, F.Mul(F.Neg(x), F.Zeta(_above(x), q)))


@op(
    "Zeta",
    infer=broadcast,
    math="z = ζ(x, q), Σₖ (k + q)^(−x)",
    grad=dict(q=rule("q̄ = −z̄ x ζ(x + 1, q)", _zeta_rule)),
    notation=dict(x="x has no derivative: none is known in closed form"),
)
def _zeta(xp: Arrays, x: Array, q: Array) -> Array:
    """The Hurwitz zeta function."""
    return xp.zeta(x, q)


def _density(n: Operation) -> Tensor:
    """∂P(a, x) / ∂x = exp(−x) x^(a − 1) / Γ(a), by way of its logarithm."""
    a, x = n.inputs
    powers = F.Mul(F.Sub(a, scalar(1, a)), F.Log(x))
    return F.Exp(F.Sub(F.AddV2(F.Neg(x), powers), F.Lgamma(a)))


@op(
    "Igamma",
    infer=broadcast,
    math="z = P(a, x)",
    grad=dict(
        a=rule("ā = z̄ ∂P/∂a", lambda n, dz: F.Mul(F.IgammaGradA(*n.inputs), dz)),
        x=rule("x̄ = z̄ exp(−x) x^(a − 1) / Γ(a)", lambda n, dz: F.Mul(_density(n), dz)),
    ),
)
def _igamma(xp: Arrays, a: Array, x: Array) -> Array:
    """The lower regularized incomplete gamma function."""
    return xp.igamma(a, x)


@op(
    "Igammac",
    infer=broadcast,
    math="z = 1 − P(a, x)",
    grad=dict(
        a=rule(
            "ā = −z̄ ∂P/∂a", lambda n, dz: F.Neg(F.Mul(F.IgammaGradA(*n.inputs), dz))
        ),
        x=rule(
            "x̄ = −z̄ exp(−x) x^(a − 1) / Γ(a)",
            lambda n, dz: F.Neg(F.Mul(_density(n), dz)),
        ),
    ),
)
def _igammac(xp: Arrays, a: Array, x: Array) -> Array:
    """The upper regularized incomplete gamma function."""
    return xp.igammac(a, x)


@op("IgammaGradA", infer=broadcast, math="z = ∂P(a, x) / ∂a")
def _igamma_grad_a(xp: Arrays, a: Array, x: Array) -> Array:
    """The derivative of Igamma by its first argument."""
    return xp.igamma_grad_a(a, x)


# ---------------------------------------------------------------------- beta


def _betainc_shape(n: Operation) -> RawShape:
    """The shape that all inputs share; those that are scalars are broadcast."""
    others = [t._shape_raw for t in n._inputs if t._shape_raw != ()]
    if len(others) < 2:  # what is not known may be a scalar too
        return others[0] if others else ()
    found: RawShape = None
    for raw in others:
        found = merged(n, found, raw)
    return found


def _betainc_rule(n: Operation, dz: Tensor) -> list[Tensor | None]:
    """By x alone, through logarithms: the factors may be very large."""
    a, b, x = n.inputs
    one = scalar(1, x)
    log_beta = F.Sub(F.AddV2(F.Lgamma(a), F.Lgamma(b)), F.Lgamma(F.AddV2(a, b)))
    upper = F.Mul(F.Sub(b, one), F.Log(F.Sub(one, x)))
    lower = F.Mul(F.Sub(a, one), F.Log(x))
    density = F.Exp(F.Sub(F.AddV2(upper, lower), log_beta))
    term = F.Mul(density, dz)
    if term._shape_raw is None or term._shape_raw != x._shape_raw:
        shape = F.Shape(x)
        axes = F.BroadcastGradientArgs(shape, F.Shape(term))[0]
        term = F.Reshape(F.Sum(term, axes), shape)
    return [None, None, term]


@op(
    "Betainc",
    infer=_betainc_shape,
    math="z = I(a, b, x)",
    grad=_betainc_rule,
    notation=dict(
        a="a has no derivative: none is known in closed form",
        b="b has no derivative: none is known in closed form",
        x="x̄ = z̄ x^(a − 1) (1 − x)^(b − 1) / B(a, b)",
    ),
)
def _betainc(xp: Arrays, a: Array, b: Array, x: Array) -> Array:
    """The regularized incomplete beta function."""
    return xp.betainc(a, b, x)


# ---------------------------------------------------------------------- error


def _bell(n: Operation, dy: Tensor, factor: float) -> Tensor:
    """dy · factor · exp(−x²)."""
    x = n.inputs[0]
    return F.Mul(F.Mul(dy, scalar(factor, dy)), F.Exp(F.Neg(F.Square(x))))


_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


@op(
    "Erf",
    infer=same,
    math="y = erf x",
    grad=dict(
        x=rule("x̄ = ȳ · 2/√π exp(−x²)", lambda n, dy: _bell(n, dy, _TWO_OVER_ROOT_PI))
    ),
    traits=Traits(saturates=True),
)
def _erf(xp: Arrays, x: Array) -> Array:
    """The error function."""
    return xp.erf(x)


@op(
    "Erfc",
    infer=same,
    math="y = 1 − erf x",
    grad=dict(
        x=rule("x̄ = −ȳ · 2/√π exp(−x²)", lambda n, dy: _bell(n, dy, -_TWO_OVER_ROOT_PI))
    ),
    traits=Traits(saturates=True),
)
def _erfc(xp: Arrays, x: Array) -> Array:
    """One less the error function, exact where that is small."""
    return xp.erfc(x)


# ---------------------------------------------------------------------- Bessel


def _bessel_i0e_rule(n: Operation, dy: Tensor) -> Tensor:
    x, y = n.inputs[0], n.outputs[0]
    return F.Mul(dy, F.Sub(F.BesselI1e(x), F.Mul(F.Sign(x), y)))


@op(
    "BesselI0e",
    infer=same,
    math="y = exp(−|x|) I₀(x)",
    grad=dict(x=rule("x̄ = ȳ (exp(−|x|) I₁(x) − y sign x)", _bessel_i0e_rule)),
)
def _bessel_i0e(xp: Arrays, x: Array) -> Array:
    """The scaled modified Bessel function of order 0."""
    return xp.bessel_i0e(x)


def _bessel_i1e_rule(n: Operation, dy: Tensor) -> Tensor:
    """At zero the formula divides by x; the derivative there is one half."""
    x, y = n.inputs[0], n.outputs[0]
    tiny = scalar(float(np.finfo(x.dtype.as_numpy_dtype).eps), x)
    far, zeros = F.Greater(F.Abs(x), tiny), F.ZerosLike(x)
    safe = F.Select(far, x, F.AddV2(tiny, zeros))
    slope = F.AddV2(F.Sign(safe), F.Reciprocal(safe))
    value = F.Sub(F.BesselI0e(safe), F.Mul(y, slope))
    half = F.AddV2(scalar(0.5, x), zeros)
    return F.Mul(dy, F.Select(far, value, half))


@op(
    "BesselI1e",
    infer=same,
    math="y = exp(−|x|) I₁(x)",
    grad=dict(x=rule("x̄ = ȳ (exp(−|x|) I₀(x) − y (sign x + 1/x))", _bessel_i1e_rule)),
)
def _bessel_i1e(xp: Arrays, x: Array) -> Array:
    """The scaled modified Bessel function of order 1."""
    return xp.bessel_i1e(x)
