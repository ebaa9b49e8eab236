"""Tensors as text, the way PyTorch writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrograd.autograd.tensors import Tensor
    from retrograd.typing import Array

#: what the text need not say
_USUAL = ("float32", "int64", "bool", "complex64")
_DIGITS = 4
_SUMMARIZED = 1000
_EDGE = 3
_WIDTH = 80


def text_of(x: Tensor) -> str:
    """`tensor([1., 2.], requires_grad=True)`."""
    array = np.asarray(x._engine._value)
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    start = "tensor("
    parts = [_array(array, len(start))]
    if not array.size and array.ndim != 1:
        parts.append(f"size={tuple(array.shape)}")
    if x.dtype.name not in _USUAL:
        parts.append(f"dtype=torch.{x.dtype.name}")
    if x.grad_fn is not None:
        parts.append(f"grad_fn=<{x.grad_fn.name().rpartition('::')[2]}>")
    elif x.requires_grad:
        parts.append("requires_grad=True")
    text = f"{start}{parts[0]}"
    for part in parts[1:]:
        # what would pass the edge goes on a line of its own
        used = len(text) - text.rfind("\n") + 1
        apart = used + len(part) + 2 > _WIDTH
        text += (",\n" + " " * len(start) if apart else ", ") + part
    return f"{text})"


def _array(array: Array, indent: int) -> str:
    if not array.size:
        return "[]"
    formatter = _formatter(array)
    if not array.ndim:
        return formatter(array[()]).strip()
    return _nested(array, indent, formatter, array.size > _SUMMARIZED)


def _nested(
    array: Array, indent: int, formatter: Callable[[Any], str], shortened: bool
) -> str:
    """Brackets around elements, or around such texts of the parts."""
    deeper = array.ndim > 1

    def text(part: Any) -> str:
        if not deeper:
            return formatter(part)
        return _nested(part, indent + 1, formatter, shortened)

    if shortened and len(array) > 2 * _EDGE:
        first, last = ([text(p) for p in e] for e in (array[:_EDGE], array[-_EDGE:]))
        parts = [*first, "..." if deeper else " ...", *last]
    else:
        parts = [text(p) for p in array]
    start = " " * (indent + 1)
    if deeper:
        return "[" + ("," + "\n" * (array.ndim - 1) + start).join(parts) + "]"
    row = max(1, (_WIDTH - indent) // (len(parts[0]) + 2))
    rows = [", ".join(parts[i : i + row]) for i in range(0, len(parts), row)]
    return "[" + (",\n" + start).join(rows) + "]"


def _formatter(array: Any) -> Callable[[Any], str]:
    """Writes one element, all in the same width."""
    if array.dtype.kind == "c":
        real, imaginary = _formatter(array.real), _formatter(array.imag)

        def complex_text(value: Any) -> str:
            part = imaginary(value.imag).strip()
            sign = "" if part.startswith("-") else "+"
            return f"{real(value.real).strip()}{sign}{part}j"

        return complex_text
    style = _style(array)
    sample = _sample(array)
    if array.dtype.kind == "f":  # others stand out of line, as in PyTorch
        sample = sample[np.isfinite(sample) & (sample != 0)]
    width = max((len(style(v)) for v in sample), default=0)
    return lambda value: style(value).rjust(width)


def _sample(array: Array) -> Any:
    """The elements that are written: the outer ones of a large array."""
    flat = array.reshape(-1)
    if flat.size <= _SUMMARIZED:
        return flat
    edges = [np.r_[0 : min(_EDGE, n), max(_EDGE, n - _EDGE) : n] for n in array.shape]
    return array[np.ix_(*edges)].reshape(-1)


def _style(array: Array) -> Callable[[Any], str]:
    if array.dtype.kind != "f":
        return str
    sample = _sample(array)
    finite = np.abs(sample[np.isfinite(sample) & (sample != 0)].astype(np.float64))
    if not finite.size:
        return lambda v: f"{v:.0f}." if np.isfinite(v) else str(v)
    low, high = finite.min(), finite.max()
    if np.all(finite == np.ceil(finite)):
        if high / low > 1000 or high > 1e8:
            return lambda v: f"{v:.{_DIGITS}e}"
        return lambda v: f"{v:.0f}." if np.isfinite(v) else str(v)
    if high / low > 1000 or high > 1e8 or low < 1e-4:
        return lambda v: f"{v:.{_DIGITS}e}"
    return lambda v: f"{v:.{_DIGITS}f}"
