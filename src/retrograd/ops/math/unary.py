"""Elementwise functions of one tensor: powers, exponentials, trigonometry, rounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.declare import F
from retrograd.ops.simple import unary, unary_or_sparse

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, TensorLike


negative = unary_or_sparse("Neg", "negative")
sign = unary_or_sparse("Sign", "sign")
square = unary_or_sparse("Square", "square")
sqrt = unary_or_sparse("Sqrt", "sqrt")
rsqrt = unary("Rsqrt", "rsqrt")
reciprocal = unary("Reciprocal", "reciprocal")
exp = unary("Exp", "exp")
expm1 = unary("Expm1", "expm1")
log = unary("Log", "log")
log1p = unary("Log1p", "log1p")
sin = unary("Sin", "sin")
cos = unary("Cos", "cos")
tan = unary("Tan", "tan")
asin = unary("Asin", "asin")
acos = unary("Acos", "acos")
atan = unary("Atan", "atan")
sinh = unary("Sinh", "sinh")
cosh = unary("Cosh", "cosh")
tanh = unary_or_sparse("Tanh", "tanh")
asinh = unary("Asinh", "asinh")
acosh = unary("Acosh", "acosh")
atanh = unary("Atanh", "atanh")
floor = unary("Floor", "floor")
ceil = unary("Ceil", "ceil")
rint = unary("Rint", "rint")


def abs(x: CompositeLike, name: str | None = None) -> Any:
    """The absolute value of each element; of complex numbers a real one."""
    if isinstance(x, SparseTensor):
        return SparseTensor(x.indices, abs(x.values, name), x.dense_shape)
    with name_scope(name, "Abs", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex:
            return F.ComplexAbs(x, Tout=x.dtype.real_dtype, name=scope)
        return F.Abs(x, name=scope)


def round(x: TensorLike, name: str | None = None) -> Tensor:
    """The nearest whole number, of two the even one; integers as they are."""
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else F.Round(x, name=name)


def sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """The logistic function 1 / (1 + exp(−x)) of each element."""
    with name_scope(name, "Sigmoid", [x]) as scope:
        return F.Sigmoid(convert_to_tensor(x, name="x"), name=scope)


def log_sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """log(1 / (1 + exp(−x))) of each element, as −softplus(−x)."""
    with name_scope(name, "LogSigmoid", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return F.Neg(F.Softplus(-x), name=scope)


def polyval(
    coeffs: Sequence[TensorLike], x: TensorLike, name: str | None = None
) -> Tensor:
    """The polynomial with the given coefficients, highest power first, at x.

    Raises:
      TypeError: `coeffs` is not a list.
    """
    if not isinstance(coeffs, list):
        raise TypeError(f"Argument coeffs must be list type found {type(coeffs)}.")
    with name_scope(name, "polyval", [*coeffs, x]) as scope:
        x = convert_to_tensor(x, name="x")
        if not coeffs:
            return zeros_like(x, name=scope)
        parts = [convert_to_tensor(c, name=f"coeff_{i}") for i, c in enumerate(coeffs)]
        value = parts[0]
        for part in parts[1:]:
            value = part + value * x
        return value
