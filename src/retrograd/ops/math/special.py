"""Special functions: gamma and its relatives, error functions, Bessel functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.simple import unary, unary_or_sparse

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


lgamma = unary("Lgamma", "lgamma")
digamma = unary("Digamma", "digamma")
erf = unary_or_sparse("Erf", "erf")
erfc = unary("Erfc", "erfc")
bessel_i0e = unary_or_sparse("BesselI0e", "bessel_i0e")
bessel_i1e = unary_or_sparse("BesselI1e", "bessel_i1e")


def polygamma(a: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The a-th derivative of digamma at x; broadcast."""
    return F.Polygamma(a, x, name=name)


def zeta(x: TensorLike, q: TensorLike, name: str | None = None) -> Tensor:
    """The Hurwitz zeta function Σ (k + q)⁻ˣ over k ≥ 0; broadcast."""
    return F.Zeta(x, q, name=name)


def igamma(a: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The lower regularized incomplete gamma function P(a, x); broadcast."""
    return F.Igamma(a, x, name=name)


def igammac(a: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The upper regularized incomplete gamma function 1 − P(a, x); broadcast."""
    return F.Igammac(a, x, name=name)


def betainc(
    a: TensorLike, b: TensorLike, x: TensorLike, name: str | None = None
) -> Tensor:
    """The regularized incomplete beta function I(a, b, x), of equal shapes."""
    return F.Betainc(a, b, x, name=name)


def lbeta(x: TensorLike, name: str | None = None) -> Tensor:
    """log |Beta(x)| along the last axis: Σ log Γ(xᵢ) − log Γ(Σ xᵢ)."""
    with name_scope(name, "lbeta", [x]):
        x = convert_to_tensor(x, name="x")
        parts = reduce_sum(F.Lgamma(x), [-1])
        return parts - F.Lgamma(reduce_sum(x, [-1]))


def bessel_i0(x: TensorLike, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 0."""
    with name_scope(name, "bessel_i0", [x]):
        return F.Exp(F.Abs(x)) * F.BesselI0e(x)


def bessel_i1(x: TensorLike, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 1."""
    with name_scope(name, "bessel_i1", [x]):
        return F.Exp(F.Abs(x)) * F.BesselI1e(x)
