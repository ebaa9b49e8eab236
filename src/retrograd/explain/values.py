"""Numbers as an explanation shows them: exactly where few, by statistics where many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array

#: elements that are all shown
FEW = 12
#: elements that are all kept for a page: of an array in a small program, in a large one
MANY, MANY_IN_LARGE = 4096, 64

Index = tuple[int, ...]


def number(value: object) -> str:
    """One number: at most six significant digits, no trailing zeros."""
    item: Any = np.asarray(value)[()]
    if isinstance(item, (bool, np.bool_)):
        return "true" if item else "false"
    if np.iscomplexobj(item):
        sign = "-" if item.imag < 0 else "+"
        return f"{number(item.real)} {sign} {number(abs(item.imag))}i"
    if isinstance(item, (int, np.integer)):
        return str(int(item))
    if isinstance(item, bytes):
        return repr(item.decode("utf-8", "replace"))
    if isinstance(item, str):
        return repr(item)
    text = f"{float(item):.6g}"
    return "0" if text == "-0" else text


def factor(value: Array | None) -> str:
    """A number within a product: in parentheses if it is negative."""
    text = number(value)
    return f"({text})" if text.startswith("-") or " " in text else text


def index_text(index: Index) -> str:
    """`[1, 0]`; nothing for a scalar."""
    return f"[{', '.join(map(str, index))}]" if index else ""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is said of an array with many elements; of none, zeros.

    Attributes:
      least, most, mean: over the finite elements.
      norm: the Euclidean norm of the finite elements.
      zeros: how many elements are zero.
      not_finite: how many are NaN or infinite.
    """

    least: float
    most: float
    mean: float
    norm: float
    zeros: int
    not_finite: int


def statistics(array: Array) -> Statistics:
    """The statistics of an array of numbers; of complex ones, of their magnitudes."""
    flat = np.asarray(array).reshape(-1)
    flat = np.abs(flat) if np.iscomplexobj(flat) else flat.astype(np.float64)
    finite = flat[np.isfinite(flat)]
    lost = flat.size - finite.size
    zeros = int(np.count_nonzero(flat == 0))
    if not finite.size:
        return Statistics(0.0, 0.0, 0.0, 0.0, zeros, lost)
    return Statistics(
        float(finite.min()),
        float(finite.max()),
        float(finite.mean()),
        float(np.sqrt(np.sum(finite * finite))),
        zeros,
        lost,
    )


def is_numeric(array: Array) -> bool:
    """Whether an array holds numbers (bfloat16 among them) or truth values."""
    return np.asarray(array).dtype.kind in "biufcV"


def shown(array: Array | None) -> str:
    """An array on one line: its elements where they are few, statistics otherwise."""
    if array is None:
        return "no value"
    array = np.asarray(array)
    if array.size <= FEW:
        return _nested(array)
    head = f"{array.dtype.name}{list(array.shape)}"
    if not is_numeric(array):
        return head
    s = statistics(array)
    text = (
        f"{head} from {number(s.least)} to {number(s.most)}, mean {number(s.mean)}, "
        f"norm {number(s.norm)}"
    )
    if s.zeros:
        text += f", {s.zeros} of {array.size} zero"
    if s.not_finite:
        text += f", {s.not_finite} of {array.size} not finite"
    return text


def _nested(array: np.ndarray) -> str:
    if not array.shape:
        return number(array)
    return "[" + ", ".join(_nested(np.asarray(part)) for part in array) + "]"


def as_data(array: Array, most: int = MANY) -> dict[str, Any] | None:
    """An array as JSON: shape, dtype, statistics, and elements where at most `most`.

    Numbers that JSON does not have are the strings "NaN", "Infinity" and "-Infinity".
    """
    if array is None:
        return None
    array = np.asarray(array)
    result: dict[str, Any] = {
        "shape": list(array.shape),
        "dtype": array.dtype.name,
        "text": shown(array),
    }
    if not is_numeric(array):
        return result
    s = statistics(array)
    result["statistics"] = {
        "min": _json(s.least),
        "max": _json(s.most),
        "mean": _json(s.mean),
        "norm": _json(s.norm),
        "zeros": s.zeros,
        "not_finite": s.not_finite,
    }
    if array.size <= most and not np.iscomplexobj(array):
        result["data"] = [_json(v) for v in array.reshape(-1).tolist()]
    return result


def _json(value: Any) -> Any:
    if isinstance(value, bool | int):
        return value
    value = float(value)
    if np.isfinite(value):
        return value
    return "NaN" if np.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def largest(array: Array) -> Index:
    """Where an array's largest magnitude is, the first of several; NaN counts most."""
    array = np.asarray(array)
    if not array.size:
        return ()
    magnitude = np.nan_to_num(
        np.abs(array).astype(np.float64), nan=np.inf, posinf=np.inf
    )
    return tuple(int(i) for i in np.unravel_index(magnitude.argmax(), array.shape))
