"""Rows on hostile values: zeros of both signs, limits, infinities, NaN.

What a row draws at random is replaced: its inputs are filled with the values of a list,
one after the other, each input from another one on, so that the elements of several
inputs meet in different pairs. What it is given stays: axes, sizes, places.

Denormal numbers are not among the values, and results that are such count as zero: the
compiled tier and TensorFlow make them zeros, the interpreted tier does not.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from retrograd import dtypes
from retrograd.ops.kernels import kernels
from tests.ops import cases
from tests.ops.cases import Case
from tests.ops.rows import Drawn, Row, Stored

#: the family of the stored values
FAMILY = "hostile"
#: the dtypes that rows are run in, each where the signature allows it
DTYPES = ("float32", "int32")
#: how far the values of one input are turned against those of the one before
_TURN = 5
#: how far two numbers may be apart, as a part of the larger: 100 times the spacing
_TOLERANCE = 1e-5


def values(name: str) -> np.ndarray:
    """The hostile values of a dtype."""
    dtype = cases.numpy_type(name)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        some = [0, 1, info.max, info.min, 2, 7, info.max - 1, info.min + 1, 3, -1, -2]
        return np.array(some, dtype)
    info = ml_dtypes.finfo(dtype)
    low, high = float(info.smallest_normal), float(info.max)
    some = [0.0, -0.0, 1.0, np.nan, low, high, -np.inf, np.inf, -high, -1.0, 0.5, 2.0]
    return np.array([*some, -2.5, 3.0, np.nan], dtype)


def all_cases() -> list[Case]:
    """Every row on hostile values, in each dtype that it can have."""
    return [
        case
        for rows in cases.numbered().values()
        for row, number in rows
        for dtype in DTYPES
        for case in _in(row, number, dtype)
    ]


def _in(row: Row, number: int, dtype: str) -> list[Case]:
    """The row in one dtype, if it has it and draws anything."""
    if dtype in row.without or not any(map(_is_drawn, cases.flat(list(row.inputs)))):
        return []
    op_def = cases.definition(row.op)
    own = cases.own_types(row)
    types = {name: dtype if now == "float64" else now for name, now in own.items()}
    changed = [name for name, now in own.items() if now == "float64"]
    if not changed or any(dtype not in cases.allowed(op_def.attrs[c]) for c in changed):
        return []
    found = kernels(row.op)
    typed = {k: dtypes.as_dtype(v) for k, v in types.items() if isinstance(v, str)}
    if found is not None and not found.accept(typed):
        return []
    numbers = [
        _filled(item, given, dtype, place)
        for place, (item, given) in enumerate(
            zip(row.inputs, cases.drawn(row), strict=True)
        )
    ]
    inputs = cases._inputs(row, numbers, types)
    return [Case(row, number, ((FAMILY, dtype),), types, inputs)]


def _is_drawn(item: Any) -> bool:
    return isinstance(item.start if isinstance(item, Stored) else item, Drawn)


def _filled(item: Any, given: Any, dtype: str, place: int) -> Any:
    """Hostile values in the shape of what is drawn; what is given as it is."""
    if isinstance(item, list):
        pairs = enumerate(zip(item, given, strict=True), place)
        return [_filled(x, numbers, dtype, i) for i, (x, numbers) in pairs]
    if not _is_drawn(item):
        return given
    turned = np.roll(values(dtype), -_TURN * place)
    return np.resize(turned, given.size).reshape(given.shape)


# ---------------------------------------------------------------------- comparing


def apart(found: Any, want: Any) -> str:
    """How an array differs from the one that is wanted; empty if it does not.

    Each element is compared by itself: what is tiny is not lost beside the largest.
    """
    value, other = np.asarray(found), np.asarray(want)
    if cases.name_of(value) != cases.name_of(other) or value.shape != other.shape:
        return f"is {value.dtype}{value.shape}, not {other.dtype}{other.shape}"
    if value.dtype.kind not in "fcV":
        return _first(value, other, np.asarray(value == other))
    wide = np.complex128 if value.dtype.kind == "c" else np.float64
    a, b = value.astype(wide), other.astype(wide)
    tiny = float(ml_dtypes.finfo(value.dtype).smallest_normal)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(a), np.abs(b))
        near = (np.abs(a - b) <= _TOLERANCE * size) | (size <= tiny) | (a == b)
    return _first(value, other, near | (np.isnan(a) & np.isnan(b)))


def _first(value: np.ndarray, want: np.ndarray, same: np.ndarray) -> str:
    if same.all():
        return ""
    place = tuple(int(i) for i in np.argwhere(~same)[0])
    return f"at {place} is {value[place]!r}, not {want[place]!r}"
