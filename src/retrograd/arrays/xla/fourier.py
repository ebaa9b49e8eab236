"""Fourier transforms of the last axes, none of them empty, through XLA."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array


def fourier(x: Array, axes: int, inverse: bool = False) -> Array:
    """`arrays.numpy.fourier`."""
    transform = jnp.fft.ifftn if inverse else jnp.fft.fftn
    return transform(x, axes=range(-axes, 0))


def real_fourier(x: Array, sizes: Sequence[int]) -> Array:
    """`arrays.numpy.real_fourier`."""
    return jnp.fft.rfftn(x, sizes, range(-len(sizes), 0))


def real_fourier_inverse(x: Array, sizes: Sequence[int]) -> Array:
    """`arrays.numpy.real_fourier_inverse`."""
    return jnp.fft.irfftn(x, sizes, range(-len(sizes), 0))
