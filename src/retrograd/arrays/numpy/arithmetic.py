"""Arithmetic on NumPy that the array namespaces do in ways of their own."""

import numpy as np

Array = np.ndarray


def power(x: Array, y: Array) -> Array:
    """Return x to the power of y; of integers what fits of it, the lowest bits."""
    return np.power(x, y)
