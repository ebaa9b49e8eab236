"""Ops: floats as integers between two limits, and integers between others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import same_with_scalars, scalars_from
from retrograd.ops.quantized import levels
from retrograd.ops.quantized.fake_ops import scalar_of
from retrograd.ops.strings.texts import plain

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, Arrays


def with_limits(n: Operation) -> list[RawShape]:
    """The shape of the first input, which limits follow; and those of limits."""
    return [same_with_scalars(n), (), ()]


# ---------------------------------------------------------------------- from floats


def _scaled_limits(
    low: np.float32, high: np.float32, dtype: np.dtype
) -> tuple[np.float32, np.float32, np.float32]:
    """Integers to 1, and limits that are as far apart as the integers are."""
    least, greatest = map(np.float32, levels.bounds(dtype))
    most = np.finfo(np.float32).max
    by_low = least / low if least * low > 0 else most
    by_high = greatest / high if greatest * high > 0 else most
    scale = min(by_low, by_high)
    return scale, least / scale, greatest / scale


@op("QuantizeV2", infer=with_limits, host=True)
def _quantize(
    xp: Arrays,
    x: Array,
    min_range: Array,
    max_range: Array,
    *,
    T: np.dtype,
    mode: str | bytes,
    round_mode: str | bytes,
) -> levels.Limited:
    """Integers that stand for floats, and the limits that they stand for.

    Raises:
      InvalidArgumentError: limits in the wrong order, or a way of rounding that the
        mode does not have.
    """
    del xp
    how, to_even = plain(mode), plain(round_mode) == "HALF_TO_EVEN"
    if to_even and how != "SCALED":
        raise refused(
            "Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED', but mode is "
            f"'{how}'."
        )
    first, last = np.float32(scalar_of(min_range)), np.float32(scalar_of(max_range))
    if first > last:
        raise refused("input_max_range must be larger than input_min_range.")
    low = min(np.float32(0), first)
    apart = max(np.float32(1), abs(first), abs(last)) / np.float32(100)
    high = max(np.float32(0), last, low + apart)
    least, greatest = levels.bounds(T)
    if how == "MIN_FIRST":
        return levels.quantized(x, low, high, T), low, high
    if how == "SCALED":
        scale, low, high = _scaled_limits(low, high, T)
        place = np.minimum(np.maximum(x, low), high) * scale
        whole = np.rint(place) if to_even else levels.half_away(place)
        return levels.to_integers(whole, T), low, high
    scale = np.float32(float(greatest - least) / float(high - low))
    place = (np.maximum(np.minimum(x, high), low) - low) * scale
    if least:
        place = place - np.float32((greatest - least + 1) / 2)
    return levels.to_integers(levels.half_away(place), T), low, high


# ---------------------------------------------------------------------- to floats


@op("Dequantize", infer=same_with_scalars, host=True)
def _dequantize(
    xp: Arrays, x: Array, min_range: Array, max_range: Array, *, mode: str | bytes
) -> Array:
    """The floats that integers stand for."""
    del xp
    low, high = np.float32(scalar_of(min_range)), np.float32(scalar_of(max_range))
    least, greatest = levels.bounds(x.dtype)
    how = plain(mode)
    if how == "MIN_FIRST":
        return levels.floats(x, low, high)
    numbers = x.astype(np.float32)
    if how == "SCALED":
        size = high / np.float32(greatest)
        if least:
            size = max(low / np.float32(least), size)
        return numbers * np.float32(size)
    size = (high - low) / (np.float32(greatest) - np.float32(least))
    half = np.float32((greatest - least + 1) / 2 if least else 0)
    return (numbers + half) * size + low


# ---------------------------------------------------------------------- other limits


def _used(
    x: Array, low: levels.Number, high: levels.Number
) -> tuple[np.float32, np.float32]:
    """The least float that integers stand for, or 0, and the greatest."""
    if not x.size:
        x = np.zeros(1, x.dtype)
    first = levels.exact(int(x.min()), low, high, x.dtype)
    last = levels.exact(int(x.max()), low, high, x.dtype)
    return min(np.float32(0), first), last


def _limits_only(n: Operation) -> list[RawShape]:
    scalars_from(n, 1)
    return [(), ()]


@op("RequantizationRange", infer=_limits_only, host=True)
def _requantization_range(
    xp: Arrays, x: Array, low: Array, high: Array
) -> levels.Limited:
    """The limits of the floats that integers do stand for."""
    del xp
    return _used(x, scalar_of(low), scalar_of(high))


@op("Requantize", infer=with_limits, host=True)
def _requantize(
    xp: Arrays,
    x: Array,
    low: Array,
    high: Array,
    wanted_low: Array,
    wanted_high: Array,
    *,
    out_type: np.dtype,
) -> levels.Limited:
    """Integers of another type that stand for the same floats between other limits.

    Raises:
      InvalidArgumentError: limits in the wrong order, or without 0.
    """
    del xp
    first, last = scalar_of(wanted_low), scalar_of(wanted_high)
    if first > 0:
        raise refused(f"requested_output_min must be <= 0, but got {first:g}")
    if last < first:
        raise refused(
            "requested_output_max must be >= requested_output_min, but got "
            f"{last:g} and {first:g}"
        )
    before = (scalar_of(low), scalar_of(high))
    return levels.requantized(x, before, (first, last), out_type), first, last


@op("QuantizeDownAndShrinkRange", infer=with_limits, host=True)
def _shrink(
    xp: Arrays, x: Array, low: Array, high: Array, *, out_type: np.dtype
) -> levels.Limited:
    """Integers of fewer bits, between the limits of the floats that there are."""
    del xp
    before = (scalar_of(low), scalar_of(high))
    after = _used(x, *before)
    return levels.requantized(x, before, after, out_type), *after
