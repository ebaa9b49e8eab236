"""Ops: elementwise comparison, logic, tests of numbers, and arithmetic on bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import NOT_DIFFERENTIABLE, op
from retrograd.ops.infer import (
    broadcast,
    invalid,
    merged,
    same,
    shape_text,
    with_rank,
    with_rank_at_least,
)
from retrograd.ops.traits import Blocks, Traits

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- comparison


@op(
    "Less",
    infer=broadcast,
    math="z = x < y",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _less(xp: Arrays, x: Array, y: Array) -> Array:
    """Whether x < y, elementwise."""
    return xp.less(x, y)


@op(
    "LessEqual",
    infer=broadcast,
    math="z = x ≤ y",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _less_equal(xp: Arrays, x: Array, y: Array) -> Array:
    """Whether x ≤ y, elementwise."""
    return xp.less_equal(x, y)


@op(
    "Greater",
    infer=broadcast,
    math="z = x > y",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _greater(xp: Arrays, x: Array, y: Array) -> Array:
    """Whether x > y, elementwise."""
    return xp.greater(x, y)


@op(
    "GreaterEqual",
    infer=broadcast,
    math="z = x ≥ y",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _greater_equal(xp: Arrays, x: Array, y: Array) -> Array:
    """Whether x ≥ y, elementwise."""
    return xp.greater_equal(x, y)


def _comparable(n: Operation) -> RawShape:
    """The broadcast shape; unknown where unequal shapes only mean "not equal"."""
    if n.attrs["incompatible_shape_error"]:
        return broadcast(n)
    try:
        return broadcast(n)
    except ValueError:
        return ()


def _compared(
    xp: Arrays, compare: Callable[..., Any], x: Array, y: Array, unlike: bool | None
) -> Array:
    """`compare(x, y)`; the scalar `unlike` where the shapes do not go together.

    Raises:
      InvalidArgumentError: they do not, and it is None.
    """
    shapes = np.shape(x), np.shape(y)
    if shapes[0] != shapes[1]:
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            if unlike is None:
                texts = [shape_text(s) for s in shapes]
                raise refused(f"Incompatible shapes: {' vs. '.join(texts)}") from None
            return xp.asarray(unlike)
    value = compare(x, y)
    # a comparison of strings gives objects
    return value.astype(np.bool_) if value.dtype == object else value


@op(
    "Equal",
    infer=_comparable,
    math="z = [x = y]",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _equal(xp: Arrays, x: Array, y: Array, *, incompatible_shape_error: bool) -> Array:
    """Whether x = y, elementwise."""
    unlike = None if incompatible_shape_error else False
    return _compared(xp, xp.equal, x, y, unlike)


@op(
    "NotEqual",
    infer=_comparable,
    math="z = [x ≠ y]",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _not_equal(
    xp: Arrays, x: Array, y: Array, *, incompatible_shape_error: bool
) -> Array:
    """Whether x ≠ y, elementwise."""
    unlike = None if incompatible_shape_error else True
    return _compared(xp, xp.not_equal, x, y, unlike)


@op(
    "ApproximateEqual",
    infer=lambda n: merged(n, n._inputs[0]._shape_raw, n._inputs[1]._shape_raw),
    math="z = [|x − y| < ε]",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _approximate_equal(xp: Arrays, x: Array, y: Array, *, tolerance: float) -> Array:
    """Whether |x − y| < `tolerance`, elementwise; of integers, its whole part."""
    return xp.less(xp.abs(xp.subtract(x, y)), np.abs(x.dtype.type(tolerance)))


# ---------------------------------------------------------------------- logic


@op(
    "LogicalAnd",
    infer=broadcast,
    math="z = x ∧ y",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _logical_and(xp: Arrays, x: Array, y: Array) -> Array:
    """Whether both are true, elementwise."""
    return xp.logical_and(x, y)


@op(
    "LogicalOr",
    infer=broadcast,
    math="z = x ∨ y",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _logical_or(xp: Arrays, x: Array, y: Array) -> Array:
    """Whether at least one is true, elementwise."""
    return xp.logical_or(x, y)


@op(
    "LogicalNot",
    infer=same,
    math="y = ¬x",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(blocks=Blocks.TRUTH),
)
def _logical_not(xp: Arrays, x: Array) -> Array:
    """Whether x is false, elementwise."""
    return xp.logical_not(x)


# ---------------------------------------------------------------------- numbers


@op("IsNan", infer=same, math="y = [x is NaN]", traits=Traits(blocks=Blocks.TRUTH))
def _is_nan(xp: Arrays, x: Array) -> Array:
    """Whether an element is not a number."""
    return xp.isnan(x)


@op("IsInf", infer=same, math="y = [|x| = ∞]", traits=Traits(blocks=Blocks.TRUTH))
def _is_inf(xp: Arrays, x: Array) -> Array:
    """Whether an element is infinite."""
    return xp.isinf(x)


@op("IsFinite", infer=same, math="y = [|x| < ∞]", traits=Traits(blocks=Blocks.TRUTH))
def _is_finite(xp: Arrays, x: Array) -> Array:
    """Whether an element is neither infinite nor NaN."""
    return xp.isfinite(x)


# ---------------------------------------------------------------------- bits


@op(
    "BitwiseAnd",
    infer=broadcast,
    math="z = x and y, bit by bit",
    grad=NOT_DIFFERENTIABLE,
)
def _bitwise_and(xp: Arrays, x: Array, y: Array) -> Array:
    """The bits that are set in both."""
    return xp.bitwise_and(x, y)


@op(
    "BitwiseOr", infer=broadcast, math="z = x or y, bit by bit", grad=NOT_DIFFERENTIABLE
)
def _bitwise_or(xp: Arrays, x: Array, y: Array) -> Array:
    """The bits that are set in at least one."""
    return xp.bitwise_or(x, y)


@op(
    "BitwiseXor",
    infer=broadcast,
    math="z = x xor y, bit by bit",
    grad=NOT_DIFFERENTIABLE,
)
def _bitwise_xor(xp: Arrays, x: Array, y: Array) -> Array:
    """The bits that are set in one but not the other."""
    return xp.bitwise_xor(x, y)


@op("Invert", infer=same, math="y = ~x", grad=NOT_DIFFERENTIABLE)
def _invert(xp: Arrays, x: Array) -> Array:
    """All bits turned over."""
    return xp.invert(x)


def _within(xp: Arrays, x: Array, count: Array) -> Array:
    """The places to shift by: no less than none, no more than there are."""
    bits = x.dtype.itemsize * 8
    return xp.clip(count, 0, bits - 1).astype(x.dtype)


@op("LeftShift", infer=broadcast, math="z = x · 2^y", grad=NOT_DIFFERENTIABLE)
def _left_shift(xp: Arrays, x: Array, y: Array) -> Array:
    """The bits moved up by `y` places."""
    return xp.left_shift(x, _within(xp, x, y))


@op("RightShift", infer=broadcast, math="z = ⌊x / 2^y⌋", grad=NOT_DIFFERENTIABLE)
def _right_shift(xp: Arrays, x: Array, y: Array) -> Array:
    """The bits moved down by `y` places; the sign is kept."""
    return xp.right_shift(x, _within(xp, x, y))


@op("PopulationCount", infer=same, math="y = bits set in x", grad=NOT_DIFFERENTIABLE)
def _population_count(xp: Arrays, x: Array) -> Array:
    """How many bits of each element are set, as uint8."""
    total = xp.zeros(x.shape, np.uint8)
    one = x.dtype.type(1)
    for place in range(x.dtype.itemsize * 8):
        bit = xp.bitwise_and(xp.right_shift(x, x.dtype.type(place)), one)
        total = total + bit.astype(np.uint8)
    return total


def _eighth(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 1)
    with_rank(n, 1, 0)
    if raw is None or raw[-1] is None:
        return raw
    if raw[-1] % 8:
        text = f"Dimension size must be evenly divisible by 8 but is {raw[-1]}"
        raise invalid(n, text)
    return (*raw[:-1], raw[-1] // 8)


@op("CompareAndBitpack", infer=_eighth, math="y = bits of x > t")
def _compare_and_pack(xp: Arrays, x: Array, threshold: Array) -> Array:
    """Whether elements are greater than a threshold, eight of them in one uint8.

    Raises:
      InvalidArgumentError: the last axis is no multiple of 8.
    """
    if not x.ndim or x.shape[-1] % 8:
        raise refused(
            "Inner dimension of input should be divisible by 8, but received "
            f"shape: {shape_text(x.shape)}"
        )
    # of truth values the threshold does not count
    bits = x if x.dtype == np.bool_ else x > threshold
    rows = bits.reshape(*x.shape[:-1], x.shape[-1] // 8, 8)
    places = np.array([128, 64, 32, 16, 8, 4, 2, 1], np.uint8)
    return xp.sum(rows.astype(np.uint8) * places, -1)
