"""Ops: arithmetic on two tensors, broadcast against each other, and sums of many."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.errors import InternalError
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops import rules
from retrograd.ops.arguments import cast_refused, refused, refused_by_xla
from retrograd.ops.declare import F, Rule, op, rule
from retrograd.ops.infer import broadcast, merged, shape_text
from retrograd.ops.rules import arg
from retrograd.ops.static import constant
from retrograd.ops.traits import Blocks, Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


_FLAT = {name: f"{name} has no derivative: piecewise constant" for name in "xy"}


def _no_terms(n: Operation, dz: Tensor) -> list[None]:
    del dz
    return [None] * len(n.inputs)


# ---------------------------------------------------------------------- sums, products


_SUM_RULES = dict(
    x=rule("x̄ = z̄", lambda n, dz: dz),
    y=rule("ȳ = z̄", lambda n, dz: dz),
)


@op(
    "Add",
    infer=broadcast,
    math="z = x + y",
    grad=_SUM_RULES,
    traits=Traits(linear=("x", "y"), cheap=True, function=Function.SUM),
)
def _add(xp: Arrays, x: Array, y: Array) -> Array:
    """The sum of two tensors, or the concatenation of two strings."""
    return xp.add(x, y)


@op(
    "AddV2",
    infer=broadcast,
    math="z = x + y",
    grad=_SUM_RULES,
    traits=Traits(linear=("x", "y"), cheap=True, function=Function.SUM),
)
def _add_v2(xp: Arrays, x: Array, y: Array) -> Array:
    """The sum of two tensors."""
    return xp.add(x, y)


@op(
    "Sub",
    infer=broadcast,
    math="z = x − y",
    grad=dict(
        x=rule("x̄ = z̄", lambda n, dz: dz),
        y=rule("ȳ = −z̄", lambda n, dz: F.Neg(dz)),
    ),
    traits=Traits(linear=("x", "y"), cheap=True, function=Function.DIFFERENCE),
)
def _sub(xp: Arrays, x: Array, y: Array) -> Array:
    """The difference of two tensors."""
    return xp.subtract(x, y)


@op(
    "Mul",
    infer=broadcast,
    math="z = x · y",
    grad=dict(
        x=rule("x̄ = z̄ · y", lambda n, dz: F.Mul(dz, arg(n, 1))),
        y=rule("ȳ = x · z̄", lambda n, dz: F.Mul(arg(n, 0), dz)),
    ),
    traits=Traits(multilinear=("x", "y"), cheap=True, function=Function.PRODUCT),
)
def _mul(xp: Arrays, x: Array, y: Array) -> Array:
    """The product of two tensors."""
    return xp.multiply(x, y)


@op(
    "MulNoNan",
    infer=broadcast,
    math="z = x · y, 0 where y = 0",
    grad=dict(
        x=rule("x̄ = z̄ · y", lambda n, dz: F.MulNoNan(dz, n.inputs[1])),
        y=rule("ȳ = x · z̄", lambda n, dz: F.MulNoNan(n.inputs[0], dz)),
    ),
)
def _mul_no_nan(xp: Arrays, x: Array, y: Array) -> Array:
    """The product of two tensors; zero where `y` is, even beside infinity or NaN."""
    return _unless(xp, y == 0, xp.multiply(x, y))


def _unless(xp: Arrays, zero: Array, value: Array) -> Array:
    """`value`, but zero where `zero` holds."""
    return xp.where(zero, value.dtype.type(0), value)


def _as_summands(n: Operation) -> RawShape:
    """The shape that all inputs share."""
    shape = n._inputs[-1]._shape_raw
    for i in range(len(n._inputs) - 2, -1, -1):
        try:
            shape = merged(n, n._inputs[i]._shape_raw, shape)
        except ValueError as error:
            text, _, rest = str(error).partition(" for '")
            raise ValueError(
                f"{text}\n\tFrom merging shape {i} with other shapes. for '{rest}"
            ) from None
    return shape


@op(
    "AddN",
    infer=_as_summands,
    math="y = Σᵢ xᵢ",
    grad=lambda n, dy: [dy] * len(n.inputs),
    notation=dict(inputs="x̄ᵢ = ȳ"),
    traits=Traits(linear=("inputs",), function=Function.SUM, of_two="AddV2"),
)
def _add_n(xp: Arrays, *inputs: Any) -> Any:
    """The sum of tensors of one shape.

    Raises:
      InvalidArgumentError: they have different shapes.
    """
    if len(inputs) == 1:
        return inputs[0]
    if hasattr(inputs[0], "zeros_like"):  # lists
        return functools.reduce(operator.add, inputs)
    shape = inputs[0].shape
    for i, term in enumerate(inputs):
        if term.shape != shape:
            raise refused(
                "Inputs to operation AddN of type AddN must have the same size and "
                f"shape.  Input 0: {shape_text(shape)} != input {i}: "
                f"{shape_text(term.shape)}"
            )
    total = xp.add(inputs[0], inputs[1])
    own = isinstance(total, np.ndarray)  # made here: it may be added to in place
    for term in inputs[2:]:
        total = xp.add(total, term, out=total) if own else xp.add(total, term)
    return total


@op(
    "AccumulateNV2",
    infer=lambda n: n.attrs["shape"],
    math="y = Σᵢ xᵢ",
    grad=lambda n, dy: [dy] * len(n.inputs),
    notation=dict(inputs="x̄ᵢ = ȳ"),
    traits=Traits(linear=("inputs",), function=Function.SUM, of_two="AddV2"),
)
def _accumulate_n(xp: Arrays, *inputs: Array) -> Array:
    """The sum of tensors of one shape.

    Raises:
      InvalidArgumentError: they have different shapes.
    """
    if any(term.shape != inputs[0].shape for term in inputs):
        raise refused("Parameters and update must be the same size")
    return _add_n(xp, *inputs)


@op(
    "SquaredDifference",
    infer=broadcast,
    math="z = (x − y)²",
    grad=dict(
        x=rule("x̄ = 2 z̄ (x − y)", lambda n, dz: _twice_gap(n, dz)),
        y=rule("ȳ = −2 z̄ (x − y)", lambda n, dz: F.Neg(_twice_gap(n, dz))),
    ),
    traits=Traits(function=Function.SQUARED_DIFFERENCE),
)
def _squared_difference(xp: Arrays, x: Array, y: Array) -> Array:
    """|x − y|² of each pair of elements."""
    gap = xp.subtract(x, y)
    return xp.multiply(xp.conj(gap), gap) if gap.dtype.kind == "c" else gap * gap


def _twice_gap(n: Operation, dz: Tensor) -> Tensor:
    x, y = n.inputs
    return F.Mul(F.Mul(rules.scalar(2.0, dz), dz), F.Sub(x, y))


# ---------------------------------------------------------------------- quotients


def _quotient_rules(divide: str) -> dict[str, Rule]:
    """The rules of z = x / y, with `divide` the op type to divide by."""

    def over(x: Tensor, y: Tensor) -> Tensor:
        return getattr(F, divide)(x, y)

    return dict(
        x=rule("x̄ = z̄ / y", lambda n, dz: over(dz, arg(n, 1))),
        y=rule(
            "ȳ = z̄ · (−x / y / y)",
            lambda n, dz: F.Mul(dz, over(over(F.Neg(arg(n, 0)), arg(n, 1)), arg(n, 1))),
        ),
    )


#: graphs with fewer operations TensorFlow leaves as they are
_LEAST_PREPARED = 4


def _no_reciprocal(n: Operation) -> Exception | None:
    """The error that TensorFlow makes of an integer quotient by a constant.

    It multiplies by the reciprocal instead, which integers have none of.
    """
    dtype = n._inputs[0]._dtype.base_dtype
    if not dtype.is_integer or len(n.graph._ops) < _LEAST_PREPARED:
        return None
    if constant(n._inputs[1]) is None:
        return None
    if dtype.name in ("int32", "int64"):
        return refused_by_xla(cast_refused(dtype.array_dtype))
    return refused(
        f"Value for attr 'T' of {dtype.name} is not in the list of allowed values: "
        "bfloat16, half, float, double, int32, int64, complex64, complex128"
    )


@op(
    "RealDiv",
    infer=broadcast,
    math="z = x / y",
    grad=_quotient_rules("RealDiv"),
    traits=Traits(cheap=True, function=Function.QUOTIENT, unprepared=_no_reciprocal),
)
def _real_div(xp: Arrays, x: Array, y: Array) -> Array:
    """The quotient of two tensors; of integers, cut off towards zero."""
    return _whole_quotient(xp, x, y) if _is_integer(x) else xp.divide(x, y)


def _whole_quotient(xp: Arrays, x: Array, y: Array) -> Array:
    """As XLA divides integers: a quotient by zero has all bits set."""
    zero = y == 0
    quotient = truncated(xp, x, xp.where(zero, y.dtype.type(1), y))
    return xp.where(zero, xp.invert(x.dtype.type(0)), quotient).astype(x.dtype)


def _by_zero() -> Exception:
    return refused("Integer division by zero")


def _whole(
    xp: Arrays, x: Array, y: Array, error: Callable[..., Any] = _by_zero
) -> tuple[Array, Array]:
    """Two tensors of integers to divide; by nothing that is zero.

    Raises:
      InvalidArgumentError: a divisor is zero, and something is divided by it.
    """
    if 0 not in np.shape(x):
        xp.check(y != 0, error)
    return x, y


def truncated(
    xp: Arrays, x: Array, y: Array, error: Callable[..., Any] = _by_zero
) -> Array:
    """The integer quotient, cut off towards zero."""
    x, y = _whole(xp, x, y, error)
    quotient = xp.floor_divide(x, y)
    if x.dtype.kind == "u":
        return quotient
    uneven = quotient * y != x
    return xp.where(uneven & ((x < 0) != (y < 0)), quotient + 1, quotient).astype(
        x.dtype
    )


def _truncated_rest(xp: Arrays, x: Array, y: Array) -> Array:
    """What the truncated quotient leaves; it has the sign of x."""
    if x.dtype.kind in "iu":
        x, y = _whole(xp, x, y)
        return (x - truncated(xp, x, y) * y).astype(x.dtype)
    return xp.fmod(x, y)


def _is_integer(x: Array) -> bool:
    return x.dtype.kind in "iu"


@op(
    "Div",
    infer=broadcast,
    math="z = x / y",
    grad=_quotient_rules("RealDiv"),
    traits=Traits(function=Function.QUOTIENT),
)
def _div(xp: Arrays, x: Array, y: Array) -> Array:
    """The quotient of two tensors; of integers, cut off towards zero."""
    return truncated(xp, x, y) if x.dtype.kind in "iu" else xp.divide(x, y)


@op(
    "DivNoNan",
    infer=broadcast,
    math="z = x / y, 0 where y = 0",
    grad=_quotient_rules("DivNoNan"),
    traits=Traits(function=Function.QUOTIENT),
)
def _div_no_nan(xp: Arrays, x: Array, y: Array) -> Array:
    """The quotient of two tensors; zero where `y` is."""
    return _unless(xp, y == 0, xp.divide(x, y))


@op(
    "FloorDiv",
    infer=broadcast,
    math="z = ⌊x / y⌋",
    grad=_no_terms,
    notation=_FLAT,
    traits=Traits(blocks=Blocks.WHOLE),
)
def _floor_div(xp: Arrays, x: Array, y: Array) -> Array:
    """The quotient of two tensors, rounded down.

    Raises:
      InvalidArgumentError: integers, and a divisor is zero.
    """
    if _is_integer(x):
        x, y = _whole(xp, x, y)
        if x.dtype.kind == "i" and x.dtype.itemsize < 4:
            return _narrow_floor_div(xp, x, y)
        return xp.floor_divide(x, y)
    return xp.floor(xp.divide(x, y))


def _narrow_floor_div(xp: Arrays, x: Array, y: Array) -> Array:
    """int8 and int16 as TensorFlow: where signs differ, by absolute values.

    That of the lowest number is that number itself.
    """
    size, by = (xp.abs(v).astype(xp.int32) for v in (x, y))
    down = truncated(xp, -(size + by - 1), by)
    return xp.where((x < 0) != (y < 0), down.astype(x.dtype), xp.floor_divide(x, y))


def _unexpected() -> Exception:
    text = (
        "Unexpected error in binary operator (only integer div and mod should have "
        "errors)"
    )
    return InternalError(None, None, text)


@op(
    "TruncateDiv",
    infer=broadcast,
    math="z = x / y",
    grad=_no_terms,
    notation={
        name: f"{name} has no derivative: TensorFlow has no rule" for name in "xy"
    },
)
def _truncate_div(xp: Arrays, x: Array, y: Array) -> Array:
    """The quotient of two tensors; of integers, cut off towards zero.

    TensorFlow leaves numbers of other dtypes to XLA, which does not cut them off.

    Raises:
      InternalError: integers, and a divisor is zero.
    """
    if _is_integer(x):
        return truncated(xp, x, y, _unexpected)
    return xp.divide(x, y)


@op(
    "FloorMod",
    infer=broadcast,
    math="z = x − y ⌊x / y⌋",
    grad=dict(
        x=rule("x̄ = z̄", lambda n, dz: dz),
        y=rule(
            "ȳ = −z̄ ⌊x / y⌋",
            lambda n, dz: F.Mul(dz, F.Neg(F.FloorDiv(arg(n, 0), arg(n, 1)))),
        ),
    ),
    traits=Traits(function=Function.REMAINDER),
)
def _floor_mod(xp: Arrays, x: Array, y: Array) -> Array:
    """What the quotient rounded down leaves; it has the sign of `y`.

    Raises:
      InvalidArgumentError: integers, and a divisor is zero.
    """
    if _is_integer(x):
        return xp.mod(*_whole(xp, x, y))
    rest = xp.fmod(x, y)
    return xp.where((rest != 0) & ((y < 0) != (rest < 0)), rest + y, rest)


@op("TruncateMod", infer=broadcast, math="z = x − y trunc(x / y)")
def _truncate_mod(xp: Arrays, x: Array, y: Array) -> Array:
    """What the quotient cut off towards zero leaves; it has the sign of `x`.

    Raises:
      InvalidArgumentError: integers, and a divisor is zero.
    """
    return _truncated_rest(xp, x, y)


@op("Mod", infer=broadcast, math="z = x − y trunc(x / y)")
def _mod(xp: Arrays, x: Array, y: Array) -> Array:
    """What the quotient cut off towards zero leaves; it has the sign of `x`.

    Raises:
      InvalidArgumentError: integers, and a divisor is zero.
    """
    return _truncated_rest(xp, x, y)


# ---------------------------------------------------------------------- powers, logs


def _power_rule(n: Operation, dz: Tensor) -> Tensor:
    x, y = arg(n, 0), arg(n, 1)
    return F.Mul(F.Mul(dz, y), F.Pow(x, F.Sub(y, rules.scalar(1, y))))


def _exponent_rule(n: Operation, dz: Tensor) -> Tensor:
    """dz · z log x, and zero where x has no logarithm."""
    x, zero = arg(n, 0), rules.scalar(0, n.inputs[0])
    known = F.NotEqual(x, zero) if x.dtype.is_complex else F.Greater(x, zero)
    safe = F.Select(known, x, F.OnesLike(x))
    log = F.Select(known, F.Log(safe), F.ZerosLike(x))
    return F.Mul(F.Mul(dz, rules.out(n)), log)


@op(
    "Pow",
    infer=broadcast,
    math="z = x^y",
    grad=dict(
        x=rule("x̄ = z̄ · y x^(y − 1)", _power_rule),
        y=rule("ȳ = z̄ · z log x", _exponent_rule),
    ),
    traits=Traits(function=Function.POWER),
)
def _pow(xp: Arrays, x: Array, y: Array) -> Array:
    """x to the power of y.

    Raises:
      InvalidArgumentError: an integer to a negative power.
    """
    if _is_integer(x):
        xp.check(y >= 0, _to_negative)
    return xp.power(x, y)


def _to_negative() -> Exception:
    return refused("Integers to negative integer powers are not allowed")


def _where_nonzero(x: Tensor) -> Tensor:
    """1 where x is not zero, else 0, in the type of x."""
    return F.Cast(F.NotEqual(x, rules.scalar(0, x)), DstT=x.dtype.base_dtype)


@op(
    "Xlogy",
    infer=broadcast,
    math="z = x log y, 0 where x = 0",
    grad=dict(
        x=rule(
            "x̄ = z̄ log y",
            lambda n, dz: F.Mul(F.Xlogy(_where_nonzero(n.inputs[0]), n.inputs[1]), dz),
        ),
        y=rule("ȳ = z̄ x / y", lambda n, dz: F.Mul(F.Xdivy(*n.inputs), dz)),
    ),
)
def _xlogy(xp: Arrays, x: Array, y: Array) -> Array:
    """x log y; zero where `x` is, even where `y` has no logarithm."""
    return _unless(xp, x == 0, xp.multiply(x, xp.log(y)))


@op(
    "Xdivy",
    infer=broadcast,
    math="z = x / y, 0 where x = 0",
    grad=dict(
        x=rule(
            "x̄ = z̄ / y",
            lambda n, dz: F.Mul(F.Xdivy(_where_nonzero(n.inputs[0]), n.inputs[1]), dz),
        ),
        y=rule(
            "ȳ = −z̄ x / y²",
            lambda n, dz: F.Mul(F.Xdivy(F.Neg(n.inputs[0]), F.Square(n.inputs[1])), dz),
        ),
    ),
    traits=Traits(function=Function.QUOTIENT),
)
def _xdivy(xp: Arrays, x: Array, y: Array) -> Array:
    """x / y; zero where `x` is, even where `y` is zero too."""
    return _unless(xp, x == 0, xp.divide(x, y))


def _over_squares(n: Operation, dz: Tensor) -> Tensor:
    y, x = n.inputs
    return F.RealDiv(dz, F.AddV2(F.Square(x), F.Square(y)))


@op(
    "Atan2",
    infer=broadcast,
    math="z = arg(x + i y)",
    grad=dict(
        y=rule(
            "ȳ = z̄ x / (x² + y²)",
            lambda n, dz: F.Mul(n.inputs[1], _over_squares(n, dz)),
        ),
        x=rule(
            "x̄ = −z̄ y / (x² + y²)",
            lambda n, dz: F.Mul(F.Neg(n.inputs[0]), _over_squares(n, dz)),
        ),
    ),
)
def _atan2(xp: Arrays, y: Array, x: Array) -> Array:
    """The angle of the point (x, y), in [−π, π]."""
    return xp.arctan2(y, x)


# ---------------------------------------------------------------------- extremes


def _chosen(compare: str, first: bool) -> Callable[..., Any]:
    """dz where `compare` chooses this input, else zero."""

    def build(n: Operation, dz: Tensor) -> Tensor:
        chosen = getattr(F, compare)(*n.inputs)
        zeros = F.ZerosLike(dz)
        return F.Select(chosen, dz, zeros) if first else F.Select(chosen, zeros, dz)

    return build


def _may_be_nan(xp: Arrays, y: Array) -> bool:
    """Whether a tensor may hold NaN; on NumPy, whether it does."""
    if y.dtype.kind in "iub":
        return False
    return xp.name != "numpy" or bool(np.isnan(y).any())


@op(
    "Maximum",
    infer=broadcast,
    math="z = max(x, y)",
    grad=dict(
        x=rule("x̄ = z̄ [x ≥ y]", _chosen("GreaterEqual", True)),
        y=rule("ȳ = z̄ [x < y]", _chosen("GreaterEqual", False)),
    ),
    traits=Traits(function=Function.MAXIMUM),
)
def _maximum(xp: Arrays, x: Array, y: Array) -> Array:
    """The larger of each pair of elements; `x` where `y` is NaN."""
    if _may_be_nan(xp, y):
        return xp.where(x < y, y, x)
    return xp.maximum(x, y)


@op(
    "Minimum",
    infer=broadcast,
    math="z = min(x, y)",
    grad=dict(
        x=rule("x̄ = z̄ [x ≤ y]", _chosen("LessEqual", True)),
        y=rule("ȳ = z̄ [x > y]", _chosen("LessEqual", False)),
    ),
    traits=Traits(function=Function.MINIMUM),
)
def _minimum(xp: Arrays, x: Array, y: Array) -> Array:
    """The smaller of each pair of elements; `x` where `y` is NaN."""
    if _may_be_nan(xp, y):
        return xp.where(y < x, y, x)
    return xp.minimum(x, y)


@op(
    "NextAfter",
    infer=broadcast,
    math="z = the number next to x₁ towards x₂",
    grad=dict(
        x1=rule("x̄₁ = z̄", lambda n, dz: dz),
        x2=rule("x̄₂ = 0", lambda n, dz: F.ZerosLike(n.inputs[1])),
    ),
)
def _next_after(xp: Arrays, x1: Array, x2: Array) -> Array:
    """The floating-point number next to `x1` on the way to `x2`."""
    return xp.nextafter(x1, x2)
