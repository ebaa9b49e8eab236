"""Ops: functions of one tensor: powers, exponentials, trigonometry, rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.graph.operation import Operation
from retrograd.ops.arguments import cast_refused, refused_by_xla, xla_name
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import same
from retrograd.ops.rules import arg, conj, out, scalar
from retrograd.ops.traits import Blocks, Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def no_term(n: Operation, dy: Tensor) -> list[None]:
    """The rule of ops that are constant almost everywhere: no term at all."""
    del n, dy
    return [None]


def _times(build: Callable[[Operation], Any]) -> Callable[[Operation, Any], Any]:
    """The rule dy · f′, with `build` the derivative out of the operation."""
    return lambda n, dy: F.Mul(dy, build(n))


# ---------------------------------------------------------------------- signs


@op(
    "Neg",
    infer=same,
    math="y = −x",
    grad=dict(x=rule("x̄ = −ȳ", lambda n, dy: F.Neg(dy))),
    traits=Traits(linear=("x",), cheap=True),
)
def _neg(xp: Arrays, x: Array) -> Array:
    """The negative of each element."""
    return xp.negative(x)


@op(
    "Abs",
    infer=same,
    math="y = |x|",
    grad=dict(x=rule("x̄ = ȳ sign x", _times(lambda n: F.Sign(n.inputs[0])))),
)
def _abs(xp: Arrays, x: Array) -> Array:
    """The absolute value of each element."""
    return xp.abs(x)


@op(
    "Sign",
    infer=same,
    math="y = sign x",
    grad=dict(x=rule("x̄ = 0", lambda n, dy: F.ZerosLike(n.inputs[0]))),
    traits=Traits(blocks=Blocks.STEPS),
)
def _sign(xp: Arrays, x: Array) -> Array:
    """−1, 0 or 1; of complex x, x / |x|."""
    if x.dtype.kind == "c":
        size = xp.abs(x)
        zero = size == 0
        return xp.where(zero, 0, x / xp.where(zero, 1, size)).astype(x.dtype)
    if x.dtype.kind in "iu":
        return xp.sign(x)
    # of NaN zero, as TensorFlow has it
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)


# ---------------------------------------------------------------------- powers


@op(
    "Square",
    infer=same,
    math="y = x²",
    grad=dict(
        x=rule("x̄ = ȳ · 2x", _times(lambda n: F.Mul(arg(n), scalar(2.0, n.inputs[0]))))
    ),
    traits=Traits(cheap=True, function=Function.SQUARE),
)
def _square(xp: Arrays, x: Array) -> Array:
    """The square of each element."""
    return xp.multiply(x, x)


@op(
    "Sqrt",
    infer=same,
    math="y = √x",
    grad=dict(x=rule("x̄ = ȳ / 2y", lambda n, dy: F.SqrtGrad(n.outputs[0], dy))),
    traits=Traits(cheap=True, function=Function.ROOT),
)
def _sqrt(xp: Arrays, x: Array) -> Array:
    """The square root of each element; NaN below zero."""
    return xp.sqrt(x)


def _conj(xp: Arrays, x: Array) -> Array:
    return xp.conj(x) if x.dtype.kind == "c" else x


def _sqrt_grad_rule(n: Operation, dz: Tensor) -> list[Tensor]:
    over = F.RealDiv(dz, n.inputs[0])
    half = F.Mul(scalar(0.5, over), over)
    return [F.Mul(F.Neg(conj(over)), n.outputs[0]), half]


def _unless_zero(xp: Arrays, dy: Array, dx: Array) -> Array:
    """dx, but zero where dy is zero: also where the derivative is not finite."""
    return xp.where(dy == 0, dx.dtype.type(0), dx)


@op(
    "SqrtGrad",
    infer=same,
    math="z = g / 2y",
    grad=_sqrt_grad_rule,
    notation=dict(y="ȳ = −z̄ g / 2y²", dy="ḡ = z̄ / 2y"),
)
def _sqrt_grad(xp: Arrays, y: Array, dy: Array) -> Array:
    """The backward pass of Sqrt."""
    return _unless_zero(xp, dy, dy * y.dtype.type(0.5) / _conj(xp, y))


@op(
    "Rsqrt",
    infer=same,
    math="y = 1 / √x",
    grad=dict(x=rule("x̄ = −ȳ y³ / 2", lambda n, dy: F.RsqrtGrad(n.outputs[0], dy))),
    traits=Traits(cheap=True, function=Function.INVERSE_ROOT),
)
def _rsqrt(xp: Arrays, x: Array) -> Array:
    """One over the square root of each element."""
    return xp.rsqrt(x)


def _rsqrt_grad_rule(n: Operation, dz: Tensor) -> list[Tensor]:
    y, dy = arg(n, 0), n.inputs[1]
    by_y = F.Mul(F.Mul(F.Mul(scalar(-1.5, dz), conj(dz)), dy), F.Square(y))
    return [by_y, F.RsqrtGrad(y, dz)]


@op(
    "RsqrtGrad",
    infer=same,
    math="z = −g y³ / 2",
    grad=_rsqrt_grad_rule,
    notation=dict(y="ȳ = −3 z̄ g y² / 2", dy="ḡ = −z̄ y³ / 2"),
)
def _rsqrt_grad(xp: Arrays, y: Array, dy: Array) -> Array:
    """The backward pass of Rsqrt."""
    y = _conj(xp, y)
    return _unless_zero(xp, dy, dy * y.dtype.type(-0.5) * y * y * y)


def _reciprocal_grad_rule(n: Operation, dz: Tensor) -> list[Tensor]:
    y, dy = arg(n, 0), n.inputs[1]
    by_y = F.Mul(F.Mul(F.Mul(conj(dz), scalar(-2.0, dz)), dy), y)
    return [by_y, F.ReciprocalGrad(y, dz)]


_RECIPROCAL_RULE = dict(
    x=rule("x̄ = −ȳ y²", lambda n, dy: F.ReciprocalGrad(n.outputs[0], dy))
)


def _no_integers(x: Any) -> Any:
    """A tensor that TensorFlow takes, though not all that the signature allows.

    Raises:
      InvalidArgumentError: of integers.
    """
    if x.dtype.kind in "iu":
        raise refused_by_xla(cast_refused(x.dtype))
    return x


def _one_over(xp: Arrays, x: Array) -> Array:
    """One over each element.

    Raises:
      InvalidArgumentError: of integers.
    """
    return xp.reciprocal(_no_integers(x))


@op(
    "Inv",
    infer=same,
    math="y = 1 / x",
    grad=_RECIPROCAL_RULE,
    traits=Traits(function=Function.RECIPROCAL),
)
def _inv(xp: Arrays, x: Array) -> Array:
    """One over each element."""
    return _one_over(xp, x)


@op(
    "Reciprocal",
    infer=same,
    math="y = 1 / x",
    grad=_RECIPROCAL_RULE,
    traits=Traits(cheap=True, function=Function.RECIPROCAL),
)
def _reciprocal(xp: Arrays, x: Array) -> Array:
    """One over each element."""
    return _one_over(xp, x)


@op(
    "InvGrad",
    infer=same,
    math="z = −g y²",
    grad=_reciprocal_grad_rule,
    notation=dict(y="ȳ = −2 z̄ g y", dy="ḡ = −z̄ y²"),
)
def _inv_grad(xp: Arrays, y: Array, dy: Array) -> Array:
    """The backward pass of Inv."""
    y = _conj(xp, y)
    return _unless_zero(xp, dy, -dy * y * y)


@op(
    "ReciprocalGrad",
    infer=same,
    math="z = −g y²",
    grad=_reciprocal_grad_rule,
    notation=dict(y="ȳ = −2 z̄ g y", dy="ḡ = −z̄ y²"),
)
def _reciprocal_grad(xp: Arrays, y: Array, dy: Array) -> Array:
    """The backward pass of Reciprocal."""
    y = _conj(xp, y)
    return _unless_zero(xp, dy, -dy * y * y)


# ---------------------------------------------------------------------- exp, log


@op(
    "Exp",
    infer=same,
    math="y = exp x",
    grad=dict(x=rule("x̄ = ȳ · y", _times(out))),
    traits=Traits(cheap=True, function=Function.EXPONENTIAL, saturates=True),
)
def _exp(xp: Arrays, x: Array) -> Array:
    """e to the power of each element."""
    return xp.exp(x)


@op(
    "Expm1",
    infer=same,
    math="y = exp x − 1",
    grad=dict(x=rule("x̄ = ȳ exp x", _times(lambda n: F.Exp(arg(n))))),
    traits=Traits(function=Function.EXPONENTIAL_LESS_ONE),
)
def _expm1(xp: Arrays, x: Array) -> Array:
    """e to the power of each element, less one; exact near zero."""
    return xp.expm1(x)


@op(
    "Log",
    infer=same,
    math="y = log x",
    grad=dict(x=rule("x̄ = ȳ / x", _times(lambda n: F.Reciprocal(arg(n))))),
    traits=Traits(cheap=True, function=Function.LOG),
)
def _log(xp: Arrays, x: Array) -> Array:
    """The natural logarithm of each element."""
    return xp.log(x)


def _plus_one(x: Tensor) -> Tensor:
    return F.AddV2(scalar(1, x), x)


@op(
    "Log1p",
    infer=same,
    math="y = log(1 + x)",
    grad=dict(
        x=rule("x̄ = ȳ / (1 + x)", _times(lambda n: F.Reciprocal(_plus_one(arg(n)))))
    ),
    traits=Traits(function=Function.LOG1P),
)
def _log1p(xp: Arrays, x: Array) -> Array:
    """The natural logarithm of one plus each element; exact near zero."""
    return xp.log1p(x)


def _sigmoid_grad_rule(n: Operation, dz: Tensor) -> list[Tensor]:
    y, dy = arg(n, 0), arg(n, 1)
    both = F.Mul(dz, dy)
    twice = F.Mul(F.Mul(scalar(2.0, both), both), y)
    return [F.Sub(both, twice), F.SigmoidGrad(y, dz)]


@op(
    "Sigmoid",
    infer=same,
    math="y = 1 / (1 + exp(−x))",
    grad=dict(x=rule("x̄ = ȳ y (1 − y)", lambda n, dy: F.SigmoidGrad(out(n), dy))),
    traits=Traits(function=Function.SIGMOID, saturates=True),
)
def _sigmoid(xp: Arrays, x: Array) -> Array:
    """The logistic function of each element, in (0, 1)."""
    if x.dtype.kind == "c":
        return 1 / (1 + xp.exp(-x))
    return xp.sigmoid(x)


@op(
    "SigmoidGrad",
    infer=same,
    math="z = g y (1 − y)",
    grad=_sigmoid_grad_rule,
    notation=dict(y="ȳ = z̄ g (1 − 2y)", dy="ḡ = z̄ y (1 − y)"),
    traits=Traits(linear=("dy",)),
)
def _sigmoid_grad(xp: Arrays, y: Array, dy: Array) -> Array:
    """The backward pass of Sigmoid."""
    return dy * y * (1 - y)


# ---------------------------------------------------------------------- circular


@op(
    "Sin",
    infer=same,
    math="y = sin x",
    grad=dict(x=rule("x̄ = ȳ cos x", _times(lambda n: F.Cos(arg(n))))),
)
def _sin(xp: Arrays, x: Array) -> Array:
    """The sine of each element."""
    return xp.sin(x)


@op(
    "Cos",
    infer=same,
    math="y = cos x",
    grad=dict(x=rule("x̄ = −ȳ sin x", lambda n, dy: F.Mul(F.Neg(dy), F.Sin(arg(n))))),
)
def _cos(xp: Arrays, x: Array) -> Array:
    """The cosine of each element."""
    return xp.cos(x)


@op(
    "Tan",
    infer=same,
    math="y = tan x",
    grad=dict(
        x=rule(
            "x̄ = ȳ / cos² x",
            lambda n, dy: F.Mul(F.Square(F.Reciprocal(F.Cos(arg(n)))), dy),
        )
    ),
)
def _tan(xp: Arrays, x: Array) -> Array:
    """The tangent of each element."""
    if x.dtype.kind in "iu":
        raise refused_by_xla(
            "Expected element type in shape to be floating or complex for cosine "
            f"operation; got {xla_name(x.dtype)}."
        )
    return xp.tan(x)


def _one_less_square(n: Operation) -> Tensor:
    x = arg(n)
    return F.Sub(scalar(1, x), F.Square(x))


@op(
    "Asin",
    infer=same,
    math="y = arcsin x",
    grad=dict(
        x=rule(
            "x̄ = ȳ / √(1 − x²)",
            _times(lambda n: F.Reciprocal(F.Sqrt(_one_less_square(n)))),
        )
    ),
    traits=Traits(function=Function.ARC_SINE),
)
def _asin(xp: Arrays, x: Array) -> Array:
    """The angle in [−π/2, π/2] whose sine is x; NaN outside [−1, 1]."""
    return xp.arcsin(_no_integers(x))


@op(
    "Acos",
    infer=same,
    math="y = arccos x",
    grad=dict(
        x=rule(
            "x̄ = −ȳ / √(1 − x²)",
            lambda n, dy: F.Mul(F.Neg(dy), F.Reciprocal(F.Sqrt(_one_less_square(n)))),
        )
    ),
    traits=Traits(function=Function.ARC_COSINE),
)
def _acos(xp: Arrays, x: Array) -> Array:
    """The angle in [0, π] whose cosine is x; NaN outside [−1, 1]."""
    return xp.arccos(_no_integers(x))


@op(
    "Atan",
    infer=same,
    math="y = arctan x",
    grad=dict(
        x=rule(
            "x̄ = ȳ / (1 + x²)",
            _times(lambda n: F.Reciprocal(_plus_one(F.Square(arg(n))))),
        )
    ),
)
def _atan(xp: Arrays, x: Array) -> Array:
    """The angle in (−π/2, π/2) whose tangent is x."""
    return xp.arctan(_no_integers(x))


# ---------------------------------------------------------------------- hyperbolic


@op(
    "Sinh",
    infer=same,
    math="y = sinh x",
    grad=dict(x=rule("x̄ = ȳ cosh x", _times(lambda n: F.Cosh(arg(n))))),
    traits=Traits(function=Function.SINE_HYPERBOLIC),
)
def _sinh(xp: Arrays, x: Array) -> Array:
    """The hyperbolic sine of each element."""
    return xp.sinh(x)


@op(
    "Cosh",
    infer=same,
    math="y = cosh x",
    grad=dict(x=rule("x̄ = ȳ sinh x", _times(lambda n: F.Sinh(arg(n))))),
    traits=Traits(function=Function.COSINE_HYPERBOLIC),
)
def _cosh(xp: Arrays, x: Array) -> Array:
    """The hyperbolic cosine of each element."""
    return xp.cosh(x)


@op(
    "Tanh",
    infer=same,
    math="y = tanh x",
    grad=dict(x=rule("x̄ = ȳ (1 − y²)", lambda n, dy: F.TanhGrad(out(n), dy))),
    traits=Traits(function=Function.TANH, saturates=True),
)
def _tanh(xp: Arrays, x: Array) -> Array:
    """The hyperbolic tangent of each element, in (−1, 1)."""
    return xp.tanh(x)


def _tanh_grad_rule(n: Operation, dz: Tensor) -> list[Tensor]:
    y, dy = arg(n, 0), arg(n, 1)
    return [
        F.Mul(F.Mul(F.Mul(dz, scalar(-2.0, dz)), dy), y),
        F.TanhGrad(y, dz),
    ]


@op(
    "TanhGrad",
    infer=same,
    math="z = g (1 − y²)",
    grad=_tanh_grad_rule,
    notation=dict(y="ȳ = −2 z̄ g y", dy="ḡ = z̄ (1 − y²)"),
    traits=Traits(linear=("dy",)),
)
def _tanh_grad(xp: Arrays, y: Array, dy: Array) -> Array:
    """The backward pass of Tanh."""
    return dy * (1 - y * y)


@op(
    "Asinh",
    infer=same,
    math="y = arsinh x",
    grad=dict(x=rule("x̄ = ȳ / cosh y", lambda n, dy: F.RealDiv(dy, F.Cosh(out(n))))),
)
def _asinh(xp: Arrays, x: Array) -> Array:
    """The number whose hyperbolic sine is x."""
    return xp.arcsinh(x)


@op(
    "Acosh",
    infer=same,
    math="y = arcosh x",
    grad=dict(x=rule("x̄ = ȳ / sinh y", lambda n, dy: F.RealDiv(dy, F.Sinh(out(n))))),
)
def _acosh(xp: Arrays, x: Array) -> Array:
    """The number ≥ 0 whose hyperbolic cosine is x; NaN below one."""
    return xp.arccosh(x)


@op(
    "Atanh",
    infer=same,
    math="y = artanh x",
    grad=dict(
        x=rule(
            "x̄ = ȳ / (1 − x²)",
            _times(lambda n: F.Reciprocal(_one_less_square(n))),
        )
    ),
    traits=Traits(function=Function.ARC_TANGENT_HYPERBOLIC),
)
def _atanh(xp: Arrays, x: Array) -> Array:
    """The number whose hyperbolic tangent is x; NaN outside [−1, 1]."""
    return xp.arctanh(x)


# ---------------------------------------------------------------------- rounding


@op(
    "Floor",
    infer=same,
    math="y = ⌊x⌋",
    grad=no_term,
    notation=dict(x="x has no derivative: piecewise constant"),
    traits=Traits(blocks=Blocks.STEPS),
)
def _floor(xp: Arrays, x: Array) -> Array:
    """The next whole number below."""
    return xp.floor(x)


@op(
    "Ceil",
    infer=same,
    math="y = ⌈x⌉",
    grad=no_term,
    notation=dict(x="x has no derivative: piecewise constant"),
    traits=Traits(blocks=Blocks.STEPS),
)
def _ceil(xp: Arrays, x: Array) -> Array:
    """The next whole number above."""
    return xp.ceil(x)


@op(
    "Round",
    infer=same,
    math="y = round x",
    grad=no_term,
    notation=dict(x="x has no derivative: piecewise constant"),
    traits=Traits(blocks=Blocks.STEPS),
)
def _round(xp: Arrays, x: Array) -> Array:
    """The nearest whole number, of two the even one."""
    return xp.round(x)


@op(
    "Rint",
    infer=same,
    math="y = round x",
    grad=no_term,
    notation=dict(x="x has no derivative: piecewise constant"),
    traits=Traits(blocks=Blocks.STEPS),
)
def _rint(xp: Arrays, x: Array) -> Array:
    """The nearest whole number, of two the even one."""
    return xp.rint(x)
