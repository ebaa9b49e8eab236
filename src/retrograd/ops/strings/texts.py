"""What kernels of texts have in common: a function of each element."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array


def of_each(
    function: Callable[[Any], Any], x: Array, dtype: np.dtype | type = object
) -> Array:
    """What a function makes of each element, in an array of the same shape."""
    array = np.asarray(x)
    found = np.empty(array.shape, dtype)
    flat, items = found.reshape(-1), array.reshape(-1)
    for i, item in enumerate(items.tolist()):
        flat[i] = function(item)
    return flat.reshape(array.shape)


def packed(texts: list[bytes], shape: tuple[int, ...] | None = None) -> Array:
    """Texts as an array, of the given shape, by default a vector."""
    found = np.empty(len(texts), object)
    found[:] = texts
    return found if shape is None else found.reshape(shape)


def decoded(text: bytes) -> str:
    """The characters of a text in UTF-8; bytes that are none stay as they are."""
    return text.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """The inverse of `decoded`."""
    return text.encode("utf-8", "surrogateescape")


def plain(value: str | bytes) -> str:
    """An attribute as text."""
    return value if isinstance(value, str) else decoded(value)
