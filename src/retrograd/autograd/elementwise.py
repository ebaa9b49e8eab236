"""Operations on each element: of one tensor, and of two that are broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.autograd import types
from retrograd.autograd.table import offer, operation, operator
from retrograd.errors import message
from retrograd.ops.declare import F
from retrograd.run.eager import EagerTensor

if TYPE_CHECKING:
    from retrograd.autograd.types import TensorOrNumber

Op = Callable[..., Any]

#: name: the op; whole numbers are computed in the default type
_REAL = {
    "exp": F.Exp,
    "expm1": F.Expm1,
    "log": F.Log,
    "log1p": F.Log1p,
    "sqrt": F.Sqrt,
    "rsqrt": F.Rsqrt,
    "reciprocal": F.Reciprocal,
    "sigmoid": F.Sigmoid,
    "tanh": F.Tanh,
    "sin": F.Sin,
    "cos": F.Cos,
    "tan": F.Tan,
    "asin": F.Asin,
    "acos": F.Acos,
    "atan": F.Atan,
    "sinh": F.Sinh,
    "cosh": F.Cosh,
    "asinh": F.Asinh,
    "acosh": F.Acosh,
    "atanh": F.Atanh,
    "erf": F.Erf,
    "erfc": F.Erfc,
    "lgamma": F.Lgamma,
    "digamma": F.Digamma,
}
#: name: the op; the result has the type of the operand
_SAME = {
    "neg": F.Neg,
    "sign": F.Sign,
    "square": F.Square,
    "floor": F.Floor,
    "ceil": F.Ceil,
    "round": F.Rint,
    "relu": F.Relu,
    "conj": F.Conj,
}
_COMPARISONS = {
    "eq": F.Equal,
    "ne": F.NotEqual,
    "lt": F.Less,
    "le": F.LessEqual,
    "gt": F.Greater,
    "ge": F.GreaterEqual,
}
_LOGICAL = {"logical_and": F.LogicalAnd, "logical_or": F.LogicalOr}
_TESTS = {"isnan": F.IsNan, "isinf": F.IsInf, "isfinite": F.IsFinite}


def _real(apply: Op) -> Op:
    return lambda x: apply(types.to_floating(x))


def _whole_kept(apply: Op) -> Op:
    """Rounding: whole numbers stay as they are."""
    return lambda x: apply(x) if types.is_differentiable(x._dtype) else F.Identity(x)


def check_broadcast(a: EagerTensor, b: EagerTensor) -> None:
    """Refuse shapes that cannot be repeated to one shape.

    Raises:
      RuntimeError: with the sizes and the dimension.
    """
    rows, columns = a._shape_raw, b._shape_raw
    if rows == columns or not rows or not columns:
        return
    rank = max(len(rows), len(columns))
    for dim in range(rank - 1, -1, -1):
        mine = rows[dim - rank] if rank - dim <= len(rows) else 1
        other = columns[dim - rank] if rank - dim <= len(columns) else 1
        if mine != other and 1 not in (mine, other):
            raise RuntimeError(
                message(
                    f"The size of tensor a ({mine}) must match the size of tensor b "
                    f"({other}) at non-singleton dimension {dim}",
                    got=f"a {list(rows)}, b {list(columns)}",
                )
            )


def _binary(
    apply: Op, a: TensorOrNumber, b: TensorOrNumber, logical: Op | None = None
) -> EagerTensor:
    """An op of two operands, in the type they have together.

    Args:
      apply: the op.
      a, b: tensors or numbers.
      logical: the op for truth values, where it is another.
    """
    x, y = types.same_type(a, b)
    check_broadcast(x, y)
    if logical is not None and x._dtype is dtypes.bool:
        return logical(x, y)
    return apply(x, y)


def _scaled(value: TensorOrNumber, alpha: TensorOrNumber) -> Any:
    return value if alpha == 1 else mul(value, alpha)


@operation(changes=True)
def add(
    input: TensorOrNumber, other: TensorOrNumber, *, alpha: TensorOrNumber = 1
) -> EagerTensor:
    """input + alpha · other."""
    return _binary(F.AddV2, input, _scaled(other, alpha), F.LogicalOr)


@operation(changes=True)
def sub(
    input: TensorOrNumber, other: TensorOrNumber, *, alpha: TensorOrNumber = 1
) -> EagerTensor:
    """input − alpha · other.

    Raises:
      RuntimeError: both are truth values.
    """
    if types.result_type(input, other) is dtypes.bool:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. "
            "Use the `^` or `logical_xor()` operator instead."
        )
    return _binary(F.Sub, input, _scaled(other, alpha))


@operation(changes=True)
def mul(input: TensorOrNumber, other: TensorOrNumber) -> EagerTensor:
    """input · other."""
    return _binary(F.Mul, input, other, F.LogicalAnd)


@operation(changes=True)
def div(
    input: TensorOrNumber, other: TensorOrNumber, *, rounding_mode: str | None = None
) -> EagerTensor:
    """input / other, of whole numbers as well; `rounding_mode` "floor" or "trunc"."""
    if rounding_mode == "floor":
        return floor_divide(input, other)
    dtype = types.result_type(input, other)
    if rounding_mode == "trunc":
        quotient = div(input, other)
        size = F.Floor(F.Abs(quotient))
        return types.cast(F.Mul(F.Sign(quotient), size), dtype)
    if not types.is_differentiable(dtype):
        dtype = types.default
    x, y = types.cast(input, dtype), types.cast(other, dtype)
    check_broadcast(x, y)
    return F.RealDiv(x, y)


@operation(changes=True)
def floor_divide(input: TensorOrNumber, other: TensorOrNumber) -> EagerTensor:
    """The quotient, rounded down."""
    return _binary(F.FloorDiv, input, other)


@operation(changes=True)
def remainder(input: TensorOrNumber, other: TensorOrNumber) -> EagerTensor:
    """What is left by division, with the sign of `other`."""
    return _binary(F.FloorMod, input, other)


@operation("pow", changes=True)
def power(input: TensorOrNumber, exponent: TensorOrNumber) -> EagerTensor:
    """input to the power of `exponent`, element by element.

    The derivative of x⁰ is zero, at x = 0 as well, where the rule for powers has 0 · ∞.
    """
    x, y = types.same_type(input, exponent)
    check_broadcast(x, y)
    if not y._shape_raw and y._value in (1, 2):
        return F.Identity(x) if y._value == 1 else F.Square(x)
    nought = np.logical_and(np.equal(x._value, 0), np.equal(y._value, 0))
    if np.any(nought):
        one = types.constant(1, x._dtype)
        x = F.SelectV2(types.constant(nought, dtypes.bool), one, x)
    return F.Pow(x, y)


@operation()
def atan2(input: TensorOrNumber, other: TensorOrNumber) -> EagerTensor:
    """The angle of the point (other, input)."""
    x, y = map(types.to_floating, types.same_type(input, other))
    check_broadcast(x, y)
    return F.Atan2(x, y)


def _larger(
    a: TensorOrNumber, b: TensorOrNumber, compare: Op, choose: Op
) -> EagerTensor:
    """The elements of `a` where `compare` holds; where they tie, both alike.

    `choose` does the same, but for ties.
    """
    x, y = types.same_type(a, b)
    check_broadcast(x, y)
    if not types.is_differentiable(x._dtype):
        return choose(x, y)
    half = types.constant(0.5, x._dtype)
    # a tie gives each half of the derivative; a sum of halves cannot overflow
    tie = F.AddV2(F.Mul(x, half), F.Mul(y, half))
    return F.SelectV2(compare(x, y), x, F.SelectV2(compare(y, x), y, tie))


@operation()
def maximum(input: TensorOrNumber, other: TensorOrNumber) -> EagerTensor:
    """The larger of each pair of elements."""
    return _larger(input, other, F.Greater, F.Maximum)


@operation()
def minimum(input: TensorOrNumber, other: TensorOrNumber) -> EagerTensor:
    """The smaller of each pair of elements."""
    return _larger(input, other, F.Less, F.Minimum)


@operation("abs", changes=True)
def absolute(input: EagerTensor) -> EagerTensor:
    """The size of each element, without sign."""
    return F.ComplexAbs(input) if input._dtype.is_complex else F.Abs(input)


@operation(changes=True)
def log2(input: EagerTensor) -> EagerTensor:
    """The logarithm to base 2."""
    return _logarithm(input, 2.0)


@operation(changes=True)
def log10(input: EagerTensor) -> EagerTensor:
    """The logarithm to base 10."""
    return _logarithm(input, 10.0)


def _logarithm(input: EagerTensor, base: float) -> EagerTensor:
    x = types.to_floating(input)
    return F.Mul(F.Log(x), types.constant(1 / np.log(base), x._dtype))


@operation(changes=True)
def clamp(
    input: EagerTensor,
    min: TensorOrNumber | None = None,
    max: TensorOrNumber | None = None,
) -> EagerTensor:
    """Each element, or the bound that it passes.

    Raises:
      RuntimeError: no bound is given.
    """
    if min is None and max is None:
        raise RuntimeError(
            "torch.clamp: At least one of 'min' or 'max' must not be None"
        )
    bounds = [b for b in (min, max) if b is not None]
    dtype = types.result_type(input, *bounds)
    x = types.cast(input, dtype)
    for bound, passes in ((min, F.Less), (max, F.Greater)):
        if bound is not None:
            limit = types.cast(bound, dtype)
            check_broadcast(x, limit)
            # where they are equal, the derivative goes to x
            x = F.SelectV2(passes(x, limit), limit, x)
    return x


@operation()
def where(
    condition: EagerTensor, input: TensorOrNumber, other: TensorOrNumber
) -> EagerTensor:
    """Elements of `input` where `condition` holds, else of `other`."""
    x, y = types.same_type(input, other)
    return F.SelectV2(types.cast(condition, dtypes.bool), x, y)


@operation(changes=True)
def masked_fill(
    input: EagerTensor, mask: EagerTensor, value: TensorOrNumber
) -> EagerTensor:
    """`value` where `mask` holds, else the elements of `input`."""
    return F.SelectV2(mask, types.cast(value, input._dtype), input)


@operation()
def lerp(input: EagerTensor, end: EagerTensor, weight: TensorOrNumber) -> EagerTensor:
    """The point between two: input + weight · (end − input)."""
    return add(input, mul(weight, sub(end, input)))


# ---------------------------------------------------------------------- logic


def _compared(apply: Op) -> Op:
    return lambda input, other: _binary(apply, input, other)


def _logical(apply: Op) -> Op:
    def function(input: TensorOrNumber, other: TensorOrNumber) -> EagerTensor:
        x, y = (types.cast(v, dtypes.bool) for v in (input, other))
        check_broadcast(x, y)
        return apply(x, y)

    return function


@operation()
def logical_not(input: EagerTensor) -> EagerTensor:
    """Whether each element is zero."""
    return F.LogicalNot(types.cast(input, dtypes.bool))


@operation()
def logical_xor(input: TensorOrNumber, other: TensorOrNumber) -> EagerTensor:
    """Whether just one of two elements is not zero."""
    x, y = (types.cast(v, dtypes.bool) for v in (input, other))
    check_broadcast(x, y)
    return F.NotEqual(x, y)


def _bitwise(apply: Op, logical: Op) -> Op:
    """An operator of the bits of whole numbers, or of truth values."""
    return lambda input, other: _binary(apply, input, other, logical)


def _tested(apply: Op) -> Op:
    return lambda input: apply(types.to_floating(input))


@operation()
def isclose(
    input: EagerTensor, other: EagerTensor, rtol: float = 1e-5, atol: float = 1e-8
) -> EagerTensor:
    """Whether |input − other| ≤ atol + rtol · |other|, element by element."""
    near = np.isclose(input._value, other._value, rtol, atol)
    return types.constant(near, dtypes.bool)


@operation()
def allclose(
    input: EagerTensor, other: EagerTensor, rtol: float = 1e-5, atol: float = 1e-8
) -> bool:
    """Whether all elements are close (see `isclose`)."""
    return bool(np.allclose(input._value, other._value, rtol, atol))


@operation()
def equal(input: EagerTensor, other: EagerTensor) -> bool:
    """Whether two tensors have the same shape and elements."""
    return bool(np.array_equal(input._value, other._value))


offer("clip", clamp, title="Clamp", changes=True)
for _name, _op in _REAL.items():
    offer(_name, _real(_op), changes=True)
for _name, _op in _SAME.items():
    steps = _name in ("floor", "ceil", "round")
    offer(_name, _whole_kept(_op) if steps else _op, changes=True)
for _name, _op in _COMPARISONS.items():
    offer(_name, _compared(_op))
    operator(_name, _compared(_op))
for _name, _op in _LOGICAL.items():
    offer(_name, _logical(_op))
for _name, _op in _TESTS.items():
    offer(_name, _tested(_op))
for _name, _op, _of_truth in (
    ("and", F.BitwiseAnd, F.LogicalAnd),
    ("or", F.BitwiseOr, F.LogicalOr),
    ("xor", F.BitwiseXor, F.NotEqual),
):
    operator(_name, _bitwise(_op, _of_truth), reflected=True)
for _name, _function in (
    ("add", add),
    ("sub", sub),
    ("mul", mul),
    ("floordiv", floor_divide),
    ("pow", power),
):
    operator(_name, _function, reflected=True)
operator("truediv", div, title="Div", reflected=True)
operator("mod", remainder, title="Remainder", reflected=True)
