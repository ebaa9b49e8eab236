"""Integers that stand for floats between two limits: how one becomes the other.

All is computed in float32 where TensorFlow does, so that rounding is the same.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

#: a limit, or another number that is known when it is run
Number: TypeAlias = np.ndarray | np.generic | float
Pair: TypeAlias = tuple[Number, Number]
#: integers, and the limits that they stand for
Limited: TypeAlias = tuple[np.ndarray | np.generic, ...]


def _plain(x: Number) -> float:
    return float(np.asarray(x))


def half_away(x: Number) -> np.ndarray:
    """The nearest whole numbers; of two the one further from 0."""
    wide = np.asarray(x, np.float64)
    return np.trunc(wide + np.copysign(0.5, wide)).astype(np.asarray(x).dtype)


def bounds(dtype: np.dtype) -> tuple[int, int]:
    """The least and the greatest integer of a dtype."""
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def to_integers(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats within the bounds of an integer dtype, cut off; as x86 does it."""
    with np.errstate(invalid="ignore"):
        return x.astype(np.int32).astype(dtype)


def level_size(low: Number, high: Number, dtype: np.dtype) -> np.float32:
    """How far two neighbouring integers are apart."""
    least, greatest = bounds(dtype)
    steps = np.float64(greatest - least)
    return np.float32((_plain(high) - _plain(low)) / steps)


def _scale(low: Number, high: Number, dtype: np.dtype) -> np.float32:
    """How many integers there are to 1."""
    span = np.float32(high) - np.float32(low)
    count = float(2 ** (8 * dtype.itemsize))
    adjusted = np.float32(float(span) * (count / (count - 1.0)))
    return np.float32(0) if adjusted == 0 else np.float32(count / float(adjusted))


def quantized(x: np.ndarray, low: Number, high: Number, dtype: np.dtype) -> np.ndarray:
    """The integers nearest to floats; 0 and `low` are whole numbers of steps apart."""
    least, greatest = bounds(dtype)
    scale = _scale(low, high, dtype)
    first = half_away(np.float32(low) * scale)
    place = half_away(x * scale) - (first - np.float32(least))
    most = np.float32(greatest)
    if float(most) > greatest:
        most = np.nextafter(most, np.float32(0))
    return to_integers(np.minimum(np.maximum(place, np.float32(least)), most), dtype)


def _spread(low: Number, high: Number, dtype: np.dtype) -> tuple[float, float]:
    """How many integers there are, and how far apart as many steps are."""
    count = 2.0 ** (8 * dtype.itemsize)
    return count, (_plain(high) - _plain(low)) * (count / (count - 1.0))


def unclamped(value: float, low: Number, high: Number, dtype: np.dtype) -> int:
    """The integer nearest to a float, whether the dtype has it or not."""
    if low == high:
        return 0
    least = bounds(dtype)[0]
    count, span = _spread(low, high, dtype)
    scale = count / span
    place = half_away(np.float64(value * scale)) - half_away(_plain(low) * scale)
    return int(place) + least


def floats(x: np.ndarray, low: Number, high: Number) -> np.ndarray:
    """The floats that integers stand for, by way of float32."""
    least = bounds(x.dtype)[0]
    steps = float(2 ** (8 * x.dtype.itemsize)) - 1.0
    size = np.float32((np.float32(high) - np.float32(low)) / steps)
    if low == high:
        first = np.float32(low)
    else:
        first = half_away(np.float32(low) / size) * size
    return (first - np.float32(least) * size) + x.astype(np.float32) * size


def exact(value: int, low: Number, high: Number, dtype: np.dtype) -> np.float32:
    """The float that one integer stands for; but for `low`, by way of float64."""
    if low == high:
        return np.float32(low)
    least = bounds(dtype)[0]
    count, span = _spread(low, high, dtype)
    size = span / count
    short = np.float32(size)
    first = half_away(np.float32(low) / short) * short
    return np.float32(float(first) + (value - least) * size)


def requantized(x: np.ndarray, before: Pair, after: Pair, to: np.dtype) -> np.ndarray:
    """Integers that stand for the same floats between other limits."""
    if x.dtype == np.int32 and to == np.uint8:
        return _in_fixed_point(x, before, after)
    return quantized(floats(x, *before), *after, to)


def _in_fixed_point(x: np.ndarray, before: Pair, after: Pair) -> np.ndarray:
    """As `requantized`, from int32 to uint8: with 16 bits behind the point."""
    low, high = map(np.float32, before)
    first, last = map(np.float32, after)
    apart = float(last - first)
    if not apart:
        return np.zeros(x.shape, np.uint8)
    one = 1 << 16
    scale = int(255.0 * one * float(high - low) / apart)
    middle = int((_plain(low) + _plain(high)) / 2.0 * 255.0 / apart * one)
    start = int(float(first) * 255.0 / apart * one)
    place = ((x.astype(np.int64) * scale) >> 32) + (middle - start)
    return np.clip((place + one // 2) >> 16, 0, 255).astype(np.uint8)


def of_product(
    a: tuple[Number, Number, np.dtype], b: tuple[Number, Number, np.dtype]
) -> tuple[np.float32, np.float32]:
    """The limits of int32 sums of products of integers, from limits and dtypes."""
    one = level_size(*a) * level_size(*b)
    least, greatest = bounds(np.dtype(np.int32))
    return one * np.float32(least), one * np.float32(greatest)


def of_sum(*limits: Number, bits: int) -> tuple[np.float32, np.float32]:
    """The limits of int32 sums: some bits wider than those of what is added."""
    high = max(abs(np.float32(limit)) for limit in limits) * np.float32(1 << bits)
    return np.float32(-high), np.float32(high)
