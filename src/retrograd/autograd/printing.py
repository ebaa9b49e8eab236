"""Tensors as text, the way PyTorch writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrograd.autograd.tensor import Tensor

#: what the text need not say
_USUAL = ("float32", "int64", "bool", "complex64")
_DIGITS = 4
_SUMMARIZED = 1000
_WIDTH = 80


def text_of(x: Tensor) -> str:
    """`tensor([1., 2.], requires_grad=True)`."""
    array = np.asarray(x._engine._value)
    if array.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    parts = [_array(array, len("tensor("))]
    if not array.size and array.ndim != 1:
        parts.append(f"size={tuple(array.shape)}")
    if x.dtype.name not in _USUAL:
        parts.append(f"dtype=torch.{x.dtype.name}")
    if x.grad_fn is not None:
        parts.append(f"grad_fn=<{x.grad_fn.name()}>")
    elif x.requires_grad:
        parts.append("requires_grad=True")
    return f"tensor({', '.join(parts)})"


def _array(array: Any, indent: int) -> str:
    if not array.size:
        return "[]"
    formatter = _formatter(array)
    if not array.ndim:
        return formatter(array[()]).strip()
    text = np.array2string(
        array,
        separator=", ",
        formatter={"all": formatter},
        threshold=_SUMMARIZED,
        max_line_width=_WIDTH - indent,
    )
    return text.replace("\n", "\n" + " " * indent).replace(", ...,", ",  ...,")


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
    width = max(len(style(v)) for v in _sample(array))
    return lambda value: style(value).rjust(width)


def _sample(array: Any) -> Any:
    """The elements that are written: the outer ones of a large array."""
    flat = array.reshape(-1)
    if flat.size <= _SUMMARIZED:
        return flat
    edges = [np.r_[0 : min(3, n), max(3, n - 3) : n] for n in array.shape]
    return array[np.ix_(*edges)].reshape(-1)


def _style(array: Any) -> Callable[[Any], str]:
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
