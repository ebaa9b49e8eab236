"""Dense linear algebra through XLA, in TensorFlow's conventions.

Compiled code cannot raise: a matrix that `arrays.numpy` refuses gives NaN or
infinities, and the run tells of it.
"""

import jax.numpy as jnp
from jax import Array, lax

from retrograd.arrays.short_floats import in_float32
from retrograd.arrays.xla import told


def _adjoint_of(x: Array, adjoint: bool) -> Array:
    return jnp.conj(jnp.swapaxes(x, -1, -2)) if adjoint else x


def _told(*found: Array) -> None:
    """Have the run tell whether there is a number that is not finite in a result.

    What comes of matrices that are not finite themselves is told too: whether they are
    refused depends on how far an algorithm gets with them.
    """
    for x in found:
        told.tell(told.FAILED, jnp.logical_not(jnp.isfinite(x)))


@in_float32
def cholesky(x: Array) -> Array:
    """`arrays.numpy.cholesky`."""
    found = lax.linalg.cholesky(x, symmetrize_input=False)
    _told(found)
    return found


@in_float32
def inv(x: Array, adjoint: bool = False) -> Array:
    """`arrays.numpy.inv`."""
    found = jnp.linalg.inv(_adjoint_of(x, adjoint))
    _told(found)
    return found


def _batched(a: Array, b: Array) -> tuple[Array, Array]:
    """Broadcast the batch axes of a and b to each other."""
    batch = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return (
        jnp.broadcast_to(a, (*batch, *a.shape[-2:])),
        jnp.broadcast_to(b, (*batch, *b.shape[-2:])),
    )


@in_float32
def solve(a: Array, b: Array, adjoint: bool = False) -> Array:
    """`arrays.numpy.solve`."""
    found = jnp.linalg.solve(*_batched(_adjoint_of(a, adjoint), b))
    _told(found)
    return found


@in_float32
def triangular_solve(
    a: Array, b: Array, lower: bool = True, adjoint: bool = False
) -> Array:
    """`arrays.numpy.triangular_solve`."""
    told.tell(told.FAILED, jnp.diagonal(a, axis1=-2, axis2=-1) == 0)
    a, b = _batched(a, b)
    return lax.linalg.triangular_solve(
        a, b, left_side=True, lower=lower, transpose_a=adjoint, conjugate_a=adjoint
    )


@in_float32
def det(x: Array) -> Array:
    """`arrays.numpy.det`."""
    return jnp.linalg.det(x)


@in_float32
def slogdet(x: Array) -> tuple[Array, Array]:
    """`arrays.numpy.slogdet`."""
    sign, log = jnp.linalg.slogdet(x)
    return sign, log.astype(x.dtype)


@in_float32
def qr(x: Array, full_matrices: bool = False) -> tuple[Array, Array]:
    """`arrays.numpy.qr`."""
    q, r = lax.linalg.qr(x, full_matrices=full_matrices)
    return q, r


@in_float32
def svd(
    x: Array, compute_uv: bool = True, full_matrices: bool = False
) -> tuple[Array, ...]:
    """`arrays.numpy.svd`."""
    finite = jnp.isfinite(x).all((-2, -1))[..., None]
    x = jnp.where(finite[..., None], x, 0)  # LAPACK's iteration might not end
    if not compute_uv:
        return (jnp.where(finite, jnp.linalg.svd(x, compute_uv=False), jnp.nan),)
    u, s, vh = jnp.linalg.svd(x, full_matrices=full_matrices)
    vectors = (u, _adjoint_of(vh, True))
    u, v = (jnp.where(finite[..., None], part, jnp.nan) for part in vectors)
    return jnp.where(finite, s, jnp.nan), u, v


@in_float32
def eigh(x: Array, compute_v: bool = True) -> tuple[Array, ...]:
    """`arrays.numpy.eigh`."""
    v, e = lax.linalg.eigh(x, lower=True, symmetrize_input=False)
    return (e.astype(x.dtype), v) if compute_v else (e.astype(x.dtype),)
