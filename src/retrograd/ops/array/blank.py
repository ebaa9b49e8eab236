"""Arrays of nothing yet, which kernels fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrograd.typing import Array, Arrays


def blank(xp: Arrays, sizes: tuple[int, ...], dtype: np.dtype) -> Array:
    """Zeros, or empty strings, of the caller's own."""
    if dtype == np.dtype(object):
        return np.full(sizes, b"", object)
    return xp.zeros(sizes, dtype)
