"""Ops: floats as integers of some bits and back, as floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.ops.arguments import refused
from retrograd.ops.declare import op, rule
from retrograd.ops.infer import same, same_with_scalars
from retrograd.ops.quantized.fake_ops import scalar_of
from retrograd.ops.strings.texts import plain

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def _integers(num_bits: int, signed: bool, narrow: bool) -> tuple[float, float]:
    """The least and the greatest integer.

    Raises:
      InvalidArgumentError: no such number of bits.
    """
    if not 0 < num_bits < (62 if signed else 63):
        raise refused(
            f"num_bits is out of range: {num_bits} with signed_input_ {int(signed)}"
        )
    if not signed:
        return 0.0, float(2**num_bits - 1)
    highest = 2 ** (num_bits - 1) - 1
    return float(-highest if narrow else -highest - 1), float(highest)


def _rounded(
    xp: Arrays,
    x: Array,
    limits: tuple[Array, Array] | None,
    integers: tuple[float, float],
    half_up: bool = False,
) -> Array:
    """The multiples nearest to x of a step with which all between limits is reached.

    Args:
      xp, x: the namespace, and floats.
      limits: None for the least and the greatest of x.
      integers: those that a multiple may be of.
      half_up: whether a number between two is rounded up, not to the even one.
    """
    kind = x.dtype.type
    if limits is None:
        if not x.size:
            return x
        low, high = xp.min(x), xp.max(x)
    else:
        low, high = limits
        if xp.name == "numpy" and low > high:
            raise refused(f"Invalid range: input_min {low:g} > input_max {high:g}")
    least, greatest = map(kind, integers)
    most = kind(xp.finfo(x.dtype).max)
    by_low = xp.where(low * least > 0, least / low, most)
    by_high = xp.where(high * greatest > 0, greatest / high, most)
    first = by_low < by_high
    scale = xp.where(first, by_low, by_high)
    step = xp.where(first, low / least, high / greatest)
    if limits is not None:
        high = xp.where(first, greatest * step, high)
        low = xp.where(first, low, least * step)
        x = xp.where(x > high, high, x)
        x = xp.where(x < low, low, x)
    scaled = x * scale
    # negative numbers that are rounded to 0 do not keep their sign
    whole = xp.floor(scaled + kind(0.5)) if half_up else xp.rint(scaled) + kind(0)
    return whole * step


_GRADIENT = rule("x̄ = ȳ", lambda n, dy: dy)


@op(
    "QuantizeAndDequantize",
    infer=same,
    math="y = x rounded to levels",
    grad=dict(input=_GRADIENT),
)
def _quantize_and_dequantize(
    xp: Arrays,
    x: Array,
    *,
    signed_input: bool,
    num_bits: int,
    range_given: bool,
    input_min: float,
    input_max: float,
) -> Array:
    """As QuantizeAndDequantizeV2, with limits that are attributes."""
    limits = (x.dtype.type(input_min), x.dtype.type(input_max))
    integers = _integers(num_bits, signed_input, False)
    return _rounded(xp, x, limits if range_given else None, integers)


@op(
    "QuantizeAndDequantizeV2",
    infer=same_with_scalars,
    math="y = x rounded between a and b",
    grad=dict(input=_GRADIENT),
    notation=dict(input_min="a", input_max="b"),
)
def _quantize_and_dequantize_v2(
    xp: Arrays,
    x: Array,
    low: Array,
    high: Array,
    *,
    signed_input: bool,
    num_bits: int,
    range_given: bool,
    round_mode: str | bytes,
    narrow_range: bool,
) -> Array:
    """Floats that went through integers of `num_bits`.

    Raises:
      InvalidArgumentError: limits in the wrong order, or no such number of bits.
    """
    integers = _integers(num_bits, signed_input, narrow_range)
    limits = (scalar_of(low), scalar_of(high)) if range_given else None
    half_up = plain(round_mode) == "HALF_UP"
    return _rounded(xp, x, limits, integers, half_up)


@op(
    "QuantizeAndDequantizeV3",
    infer=same_with_scalars,
    math="y = x rounded between a and b",
    grad=dict(input=_GRADIENT),
    notation=dict(input_min="a", input_max="b"),
    static="num_bits",
)
def _quantize_and_dequantize_v3(
    xp: Arrays,
    x: Array,
    low: Array,
    high: Array,
    num_bits: Array,
    *,
    signed_input: bool,
    range_given: bool,
    narrow_range: bool,
) -> Array:
    """As QuantizeAndDequantizeV2, with a number of bits that is an input."""
    integers = _integers(int(num_bits), signed_input, narrow_range)
    limits = (scalar_of(low), scalar_of(high)) if range_given else None
    return _rounded(xp, x, limits, integers)
