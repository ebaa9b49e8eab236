"""Fourier transforms of the last axes, none of them empty, on NumPy."""

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def fourier(x: Array, axes: int, inverse: bool = False) -> Array:
    """Return the transform of the last `axes` axes; the inverse is divided by sizes."""
    transform = np.fft.ifftn if inverse else np.fft.fftn
    return transform(x, axes=range(-axes, 0))


def real_fourier(x: Array, sizes: Sequence[int]) -> Array:
    """Return the transform of the real x, of the last axis the half that tells all.

    What lies beyond `sizes` is left out.
    """
    return np.fft.rfftn(x, sizes, range(-len(sizes), 0))


def real_fourier_inverse(x: Array, sizes: Sequence[int]) -> Array:
    """Return the real array of `sizes` whose `real_fourier` is x."""
    return np.fft.irfftn(x, sizes, range(-len(sizes), 0))
