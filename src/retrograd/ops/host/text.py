"""Values as text, the way TensorFlow's runtime writes them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array


_ESCAPES = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 39: "\\'", 92: "\\\\"}


def escaped(text: bytes) -> str:
    """Bytes as C writes them: what is not printable ASCII in octal."""
    return "".join(
        _ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in text
    )


def _float(value: float, short: int, full: int, narrow: Callable[[str], float]) -> str:
    """The shortest of two precisions that gives the number back."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = f"{value:.{short}g}"
    return text if narrow(text) == value else f"{value:.{full}g}"


def element(value: Array | bytes, quoted: bool = False) -> str:
    """One element of a tensor."""
    if isinstance(value, bytes):
        return f'"{escaped(value)}"' if quoted else escaped(value)
    kind = getattr(value, "dtype", np.dtype(object))
    if kind.kind == "b":
        return str(int(value))
    if kind.kind in "iu":
        return str(int(value))
    if kind == np.float64:
        return _float(float(value), 15, 17, float)
    if kind.kind == "f" or kind.name == "bfloat16":
        return _float(float(value), 6, 9, lambda text: float(np.float32(text)))
    return "?"


def summarized(value: Array, limit: int) -> str:
    """The first `limit` elements of a tensor (all where it is negative).

    Brackets go around all dimensions but the first.
    """
    array = np.asarray(value)
    count = array.size
    most = count if limit < 0 else min(limit, count)
    parts: list[str] = []
    if not array.shape:
        parts = [element(array[()])] if most else []
    else:
        _first_elements(array, array.reshape(-1), 0, most, [0], parts)
    return "".join(parts) + ("..." if count > most else "")


def _first_elements(
    array: Array, flat: Array, dim: int, limit: int, at: list[int], parts: list[str]
) -> None:
    if at[0] >= limit:
        return
    size = array.shape[dim]
    if dim == array.ndim - 1:
        for i in range(size):
            if at[0] >= limit:
                if dim:
                    parts.append("...")
                return
            parts.append((" " if i else "") + element(flat[at[0]]))
            at[0] += 1
        return
    for _ in range(size):
        opened = at[0] < limit
        if opened:
            parts.append("[")
        _first_elements(array, flat, dim + 1, limit, at, parts)
        if at[0] < limit or opened:
            parts.append("]")


def abridged(value: Array, at_ends: int) -> str:
    """A tensor as nested lists, `at_ends` elements at both ends of each dimension.

    A negative number gives all elements.
    """
    array = np.asarray(value)
    return _abridged(array, 0, array.ndim, array.size if at_ends < 0 else at_ends)


def _abridged(array: Array, dim: int, dims: int, at_ends: int) -> str:
    if dim == dims:
        return element(array[()] if isinstance(array, np.ndarray) else array, True)
    size = array.shape[0]
    rows = [
        _abridged(array[i], dim + 1, dims, at_ends)
        for i in range(size)
        if i < at_ends or i >= max(at_ends, size - at_ends)
    ]
    if size > 2 * at_ends:
        rows.insert(at_ends, "...")
    space = " " if dim == dims - 1 else "\n" * (dims - dim - 1) + " " * (dim + 1)
    return f"[{space.join(rows)}]"


def bytes_of(value: Array | bytes) -> bytes:
    """The bytes that a tensor of one string holds."""
    return value.item() if isinstance(value, np.ndarray | np.generic) else value


def text_of(value: Array | bytes) -> str:
    """The text that a tensor of one string holds; what is no UTF-8 is marked."""
    return bytes_of(value).decode("utf-8", "replace")


def shape_of(value: Array | bytes) -> str:
    """The shape of a value, as the runtime writes it: `[2,3]`."""
    return f"[{','.join(map(str, np.shape(value)))}]"
