"""Ops: floats rounded to what numbers of few bits can stand for, as floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, gradient, op, rule
from retrograd.ops.infer import (
    merged,
    same,
    same_dim,
    same_with_scalars,
    scalars_from,
    with_rank,
    with_rank_at_least,
    with_rank_at_most,
)
from retrograd.ops.quantized.levels import Number

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape, Tensor
    from retrograd.typing import Array, Arrays

_ATTRS = ("num_bits", "narrow_range")


class _Levels:
    """The floats that numbers of few bits stand for.

    The limits are moved a little, so that 0 is one of them.

    Attributes:
      lowest, highest: the limits, float32, a scalar or one for each channel.
      step: how far the floats are apart.
    """

    def __init__(
        self, xp: Arrays, low: Number, high: Number, num_bits: int, narrow_range: bool
    ) -> None:
        if not 2 <= num_bits <= 16:
            raise refused("num_bits must be between 2 and 16, inclusive")
        first = np.float32(1 if narrow_range else 0)
        last = np.float32(2**num_bits - 1)
        above: Any = high
        self.step: Any = (above - low) / (last - first)
        zero = first - low / self.step
        nearest = xp.floor(zero + np.float32(0.5))
        nearest = xp.where(zero < first, first, xp.where(zero > last, last, nearest))
        self.lowest = (first - nearest) * self.step
        self.highest = (last - nearest) * self.step

    def rounded(self, xp: Arrays, x: Array) -> Array:
        """The floats nearest to those in x; NaN stays."""
        limited = xp.where(x > self.highest, self.highest, x)
        limited = xp.where(limited < self.lowest, self.lowest, limited)
        inverse = np.float32(1.0) / self.step
        place = xp.floor((limited - self.lowest) * inverse + np.float32(0.5))
        return place * self.step + self.lowest

    def between(self, x: Array) -> Array:
        """Whether elements are within the limits."""
        return (x >= self.lowest) & (x <= self.highest)


def _attrs(n: Operation, *more: str) -> dict[str, object]:
    return {name: n.attrs[name] for name in (*_ATTRS, *more)}


# ---------------------------------------------------------------------- attributes


def _given(xp: Arrays, low: float, high: float, bits: int, narrow: bool) -> _Levels:
    """The levels between limits that are attributes."""
    if low >= high:
        raise refused(f"min has to be smaller than max, was: {low:g} >= {high:g}")
    return _Levels(xp, np.float32(low), np.float32(high), bits, narrow)


@op(
    "FakeQuantWithMinMaxArgs",
    infer=same,
    math="y = x rounded to levels",
    grad=dict(
        inputs=rule(
            "x̄ = ȳ within the limits, else 0",
            lambda n, dy: F.FakeQuantWithMinMaxArgsGradient(
                dy, n.inputs[0], **_attrs(n, "min", "max")
            ),
        )
    ),
)
def _fake_quant(
    xp: Arrays, x: Array, *, min: float, max: float, num_bits: int, narrow_range: bool
) -> Array:
    """Floats rounded to the levels between two limits.

    Raises:
      InvalidArgumentError: limits in the wrong order, or too many bits or too few.
    """
    return _given(xp, min, max, num_bits, narrow_range).rounded(xp, x)


def _alike(n: Operation) -> RawShape:
    """The shape that the first two inputs have to have both.

    Raises:
      ValueError: they have not.
    """
    return merged(n, n._inputs[0]._shape_raw, n._inputs[1]._shape_raw)


@op("FakeQuantWithMinMaxArgsGradient", infer=_alike, math="z = g within the limits")
def _fake_quant_gradient(
    xp: Arrays,
    dy: Array,
    x: Array,
    *,
    min: float,
    max: float,
    num_bits: int,
    narrow_range: bool,
) -> Array:
    """The backward pass of FakeQuantWithMinMaxArgs."""
    _check_alike(dy, x)
    levels = _given(xp, min, max, num_bits, narrow_range)
    return xp.where(levels.between(x), dy, np.float32(0))


def _check_alike(dy: Array, x: Array) -> None:
    if dy.shape != x.shape:
        raise refused("gradient and input must be the same size")


# ---------------------------------------------------------------------- variables


def _zeroed(
    xp: Arrays, low: Array, high: Array, of_zero: Number, other: Array
) -> Array:
    """`other`, but `of_zero` where both limits are 0."""
    return xp.where((low == 0) & (high == 0), of_zero, other)


def _limited(
    xp: Arrays, x: Array, low: Array, high: Array, bits: int, narrow: bool
) -> Array:
    levels = _Levels(xp, low, high, bits, narrow)
    return _zeroed(xp, low, high, np.float32(0), levels.rounded(xp, x))


def _limit_terms(
    xp: Arrays,
    dy: Array,
    x: Array,
    low: Array,
    high: Array,
    levels: _Levels,
    axes: tuple[int, ...] | None,
) -> tuple[Array, Array, Array]:
    """The terms of the input, and of both limits: sums over `axes`, None for all."""
    nothing = np.float32(0)
    inner = xp.where(levels.between(x), dy, nothing)
    below = xp.sum(xp.where(x < levels.lowest, dy, nothing), axes)
    above = xp.sum(xp.where(x > levels.highest, dy, nothing), axes)
    return (
        _zeroed(xp, low, high, dy, inner),
        _zeroed(xp, low, high, nothing, below),
        _zeroed(xp, low, high, nothing, above),
    )


def scalar_of(limit: Array) -> Array:
    """A limit, which may be the only element of an array."""
    return limit.reshape(-1)[0] if limit.ndim else limit


_LIMITS: dict[str, Any] = dict(
    inputs="x̄ = ȳ within the limits, else 0",
    min="ā = Σ of ȳ below a",
    max="b̄ = Σ of ȳ above b",
)


@op(
    "FakeQuantWithMinMaxVars",
    infer=same_with_scalars,
    math="y = x rounded between a and b",
)
def _fake_quant_vars(
    xp: Arrays, x: Array, low: Array, high: Array, *, num_bits: int, narrow_range: bool
) -> Array:
    """Floats rounded to the levels between two limits.

    Raises:
      InvalidArgumentError: too many bits or too few.
    """
    low, high = scalar_of(low), scalar_of(high)
    return _limited(xp, x, low, high, num_bits, narrow_range)


def _vars_gradient_shapes(n: Operation) -> list[RawShape]:
    raw = _alike(n)
    scalars_from(n, 2)
    return [raw, (), ()]


@op(
    "FakeQuantWithMinMaxVarsGradient",
    infer=_vars_gradient_shapes,
    math="u, v, w = g within, below and above the limits",
)
def _fake_quant_vars_gradient(
    xp: Arrays,
    dy: Array,
    x: Array,
    low: Array,
    high: Array,
    *,
    num_bits: int,
    narrow_range: bool,
) -> tuple[Array, ...]:
    """The backward pass of FakeQuantWithMinMaxVars."""
    _check_alike(dy, x)
    low, high = scalar_of(low), scalar_of(high)
    levels = _Levels(xp, low, high, num_bits, narrow_range)
    return _limit_terms(xp, dy, x, low, high, levels, None)


@gradient("FakeQuantWithMinMaxVars", **_LIMITS)
def _vars_rule(n: Operation, dy: Tensor) -> list[Tensor]:
    return list(F.FakeQuantWithMinMaxVarsGradient(dy, *n.inputs, **_attrs(n)))


# ---------------------------------------------------------------------- channels


def _channels(n: Operation, index: int, size: int | None) -> int | None:
    """The size of the limits of channels, which is that of the last axis."""
    for limit in (index, index + 1):
        size = same_dim(n, size, with_rank(n, limit, 1)[0])
    return size


def _with_channels(n: Operation) -> RawShape:
    raw = with_rank_at_least(n, 0, 1)
    size = _channels(n, 1, None if raw is None else raw[-1])
    return None if raw is None else (*raw[:-1], size)


def _check_channels(x: Array, low: Array, high: Array) -> None:
    size = x.shape[-1] if x.ndim else 0
    for name, limit in (("min", low), ("max", high)):
        if limit.ndim != 1 or limit.shape[0] != size:
            found = limit.shape[0] if limit.ndim else 0
            raise refused(f"{name} has incorrect size, expected {size} was {found}")


@op(
    "FakeQuantWithMinMaxVarsPerChannel",
    infer=_with_channels,
    math="y = x rounded between a and b",
)
def _fake_quant_channels(
    xp: Arrays, x: Array, low: Array, high: Array, *, num_bits: int, narrow_range: bool
) -> Array:
    """As FakeQuantWithMinMaxVars, with limits for each index of the last axis.

    Raises:
      InvalidArgumentError: the limits do not fit, or too many bits or too few.
    """
    _check_channels(x, low, high)
    return _limited(xp, x, low, high, num_bits, narrow_range)


def _channels_gradient_shapes(n: Operation) -> list[RawShape]:
    with_rank_at_least(n, 0, 1)
    with_rank_at_most(n, 0, 4)
    raw = _alike(n)
    size = (None if raw is None else raw[-1],)
    limits = merged(n, with_rank(n, 2, 1), size)
    limits = merged(n, with_rank(n, 3, 1), limits)
    return [raw, limits, limits]


@op(
    "FakeQuantWithMinMaxVarsPerChannelGradient",
    infer=_channels_gradient_shapes,
    math="u, v, w = g within, below and above the limits",
)
def _fake_quant_channels_gradient(
    xp: Arrays,
    dy: Array,
    x: Array,
    low: Array,
    high: Array,
    *,
    num_bits: int,
    narrow_range: bool,
) -> tuple[Array, ...]:
    """The backward pass of FakeQuantWithMinMaxVarsPerChannel."""
    _check_alike(dy, x)
    _check_channels(x, low, high)
    levels = _Levels(xp, low, high, num_bits, narrow_range)
    axes = tuple(range(x.ndim - 1))
    return _limit_terms(xp, dy, x, low, high, levels, axes)


@gradient("FakeQuantWithMinMaxVarsPerChannel", **_LIMITS)
def _channels_rule(n: Operation, dy: Tensor) -> list[Tensor]:
    terms = F.FakeQuantWithMinMaxVarsPerChannelGradient(dy, *n.inputs, **_attrs(n))
    return list(terms)
