"""Elementwise arithmetic: one or two inputs, broadcast against each other."""

from __future__ import annotations

from typing import Any

from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import broadcast, same

# The sweep sums a term over the dimensions its input was broadcast along, so rules of
# ops whose shape rule is `broadcast` are written as for equal shapes.


def conj(x: Any) -> Any:
    """x* for complex x: derivatives of holomorphic functions are conjugated."""
    return F.Conj(x) if x.dtype.is_complex else x


def _out(n: Any) -> Any:
    return conj(n.out)


def _x(n: Any, index: int = 0) -> Any:
    return conj(n.inputs[index])


# ---------------------------------------------------------------------- two inputs


_SUM_RULES = dict(
    x=rule("x̄ = ȳ", lambda n, dy: dy),
    y=rule("ȳ₂ = ȳ", lambda n, dy: dy),
)


@op("Add", infer=broadcast, math="z = x + y", grad=_SUM_RULES)
def add(xp: Any, x: Any, y: Any) -> Any:
    """The sum of two tensors, or the concatenation of two strings."""
    return xp.add(x, y)


@op("AddV2", infer=broadcast, math="z = x + y", grad=_SUM_RULES)
def add_v2(xp: Any, x: Any, y: Any) -> Any:
    """The sum of two tensors."""
    return xp.add(x, y)


@op(
    "Sub",
    infer=broadcast,
    math="z = x − y",
    grad=dict(
        x=rule("x̄ = z̄", lambda n, dy: dy),
        y=rule("ȳ = −z̄", lambda n, dy: F.Neg(dy)),
    ),
)
def sub(xp: Any, x: Any, y: Any) -> Any:
    """The difference of two tensors."""
    return xp.subtract(x, y)


@op(
    "Mul",
    infer=broadcast,
    math="z = x · y",
    grad=dict(
        x=rule("x̄ = z̄ · y", lambda n, dy: F.Mul(dy, _x(n, 1))),
        y=rule("ȳ = x · z̄", lambda n, dy: F.Mul(_x(n, 0), dy)),
    ),
)
def mul(xp: Any, x: Any, y: Any) -> Any:
    """The product of two tensors."""
    return xp.multiply(x, y)


@op(
    "RealDiv",
    infer=broadcast,
    math="z = x / y",
    grad=dict(
        x=rule("x̄ = z̄ / y", lambda n, dy: F.RealDiv(dy, _x(n, 1))),
        y=rule(
            "ȳ = z̄ · (−x / y / y)",
            lambda n, dy: F.Mul(
                dy, F.RealDiv(F.RealDiv(F.Neg(_x(n, 0)), _x(n, 1)), _x(n, 1))
            ),
        ),
    ),
)
def real_div(xp: Any, x: Any, y: Any) -> Any:
    """The quotient of two tensors of real or complex numbers."""
    return xp.divide(x, y)


# ---------------------------------------------------------------------- one input


@op(
    "Neg",
    infer=same,
    math="y = −x",
    grad=dict(x=rule("x̄ = −ȳ", lambda n, dy: F.Neg(dy))),
)
def neg(xp: Any, x: Any) -> Any:
    """The negative of each element."""
    return xp.negative(x)


@op(
    "Square",
    infer=same,
    math="y = x²",
    grad=dict(
        x=rule(
            "x̄ = ȳ · 2x",
            lambda n, dy: F.Mul(dy, F.Mul(_x(n), _like(n, 2.0))),
        )
    ),
)
def square(xp: Any, x: Any) -> Any:
    """The square of each element."""
    return xp.multiply(x, x)


def _like(n: Any, value: float) -> Any:
    """A scalar constant of the dtype of the first input."""
    from retrograd.ops.constant import constant

    return constant(value, n.inputs[0].dtype.base_dtype)


@op(
    "Sqrt",
    infer=same,
    math="y = √x",
    grad=dict(x=rule("x̄ = ȳ / 2y", lambda n, dy: F.SqrtGrad(n.out, dy))),
)
def sqrt(xp: Any, x: Any) -> Any:
    """The square root of each element; NaN below zero."""
    return xp.sqrt(x)


@op(
    "Exp",
    infer=same,
    math="y = exp x",
    grad=dict(x=rule("x̄ = ȳ · y", lambda n, dy: F.Mul(dy, _out(n)))),
)
def exp(xp: Any, x: Any) -> Any:
    """e to the power of each element."""
    return xp.exp(x)


@op(
    "Tanh",
    infer=same,
    math="y = tanh x",
    grad=dict(x=rule("x̄ = ȳ (1 − y²)", lambda n, dy: F.TanhGrad(_out(n), dy))),
)
def tanh(xp: Any, x: Any) -> Any:
    """The hyperbolic tangent of each element, in (−1, 1)."""
    return xp.tanh(x)


@op(
    "TanhGrad",
    infer=same,
    math="z = ȳ (1 − y²)",
    grad=dict(
        y=rule(
            "ȳ = z̄ · (−2 y · dy)",
            lambda n, dz: F.Mul(dz, F.Mul(F.Mul(_like(n, -2.0), _x(n, 1)), _x(n, 0))),
        ),
        dy=rule("dȳ = z̄ (1 − y²)", lambda n, dz: F.TanhGrad(_x(n, 0), dz)),
    ),
)
def tanh_grad(xp: Any, y: Any, dy: Any) -> Any:
    """The backward pass of Tanh."""
    return dy * (1 - y * y)
