"""Dense linear algebra on NumPy, batches of matrices, in TensorFlow's conventions."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from retrograd.arrays.short_floats import in_float32
from retrograd.errors import InvalidArgumentError, message

Array = np.ndarray
#: what is said of a matrix whose eigenvalues are not to be had
NO_EIGENVALUES = (
    "Self-adjoint eigen decomposition was not successful. The input might not be valid."
)


@contextmanager
def _saying(text: str) -> Iterator[None]:
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise InvalidArgumentError(None, None, message(text)) from error


def adjoint_of(x: Array, adjoint: bool) -> Array:
    """Return x, or the conjugate transpose of its last two axes."""
    return np.conj(np.swapaxes(x, -1, -2)) if adjoint else x


@in_float32
def cholesky(x: Array) -> Array:
    """Return the lower L with L Lᴴ = x; only the lower triangle of x is read.

    Raises:
        InvalidArgumentError: x is not positive definite.
    """
    with _saying(
        "Cholesky decomposition was not successful. The input might not be valid."
    ):
        return np.linalg.cholesky(x)


@in_float32
def inv(x: Array, adjoint: bool = False) -> Array:
    """Return x⁻¹, or that of its adjoint.

    Raises:
        InvalidArgumentError: x is singular.
    """
    with _saying("Input is not invertible."):
        return np.linalg.inv(adjoint_of(x, adjoint))


@in_float32
def solve(a: Array, b: Array, adjoint: bool = False) -> Array:
    """Return the y [..., n, k] with a y = b, or aᴴ y = b.

    Raises:
        InvalidArgumentError: a is singular, or nothing but NaN.
    """
    text = "Input matrix is not invertible."
    if a.size and np.isnan(a[..., 0, 0]).any() and np.isnan(a).all((-2, -1)).any():
        raise InvalidArgumentError(None, None, message(text))
    with _saying(text):
        return np.linalg.solve(adjoint_of(a, adjoint), b)


@in_float32
def triangular_solve(
    a: Array, b: Array, lower: bool = True, adjoint: bool = False
) -> Array:
    """`solve` for a triangular a, the other triangle of which is not read.

    Raises:
        InvalidArgumentError: there is a zero on the diagonal.
    """
    return solve(np.tril(a) if lower else np.triu(a), b, adjoint)


@in_float32
def det(x: Array) -> Array:
    """Return the determinant of each matrix."""
    return np.linalg.det(x)


@in_float32
def slogdet(x: Array) -> tuple[Array, Array]:
    """Return (sign, log |determinant|) of each matrix."""
    sign, log = np.linalg.slogdet(x)
    return sign, log.astype(x.dtype, copy=False)


@in_float32
def qr(x: Array, full_matrices: bool = False) -> tuple[Array, Array]:
    """Return (q, r) with q r = x; q has orthonormal columns, r is upper triangular."""
    q, r = np.linalg.qr(x, "complete" if full_matrices else "reduced")
    return q, r


@in_float32
def svd(
    x: Array, compute_uv: bool = True, full_matrices: bool = False
) -> tuple[Array, ...]:
    """Return (s, u, v) with u diag(s) vᴴ = x, s falling; or (s,) alone.

    Mind the order and that v is not transposed: TensorFlow's conventions, not NumPy's.
    A matrix that is not finite gives NaN.
    """
    finite = np.asarray(np.isfinite(x).all((-2, -1)))
    if not finite.all():
        x = np.where(finite[..., None, None], x, x.dtype.type(0))
    if not compute_uv:
        found = (np.linalg.svd(x, compute_uv=False),)
    else:
        u, s, vh = np.linalg.svd(x, full_matrices)
        found = (s, u, adjoint_of(vh, True))
    if not finite.all():
        for part in found:
            part[~finite] = np.nan
    return found


@in_float32
def eigh(x: Array, compute_v: bool = True) -> tuple[Array, ...]:
    """Return (e, v): eigenvalues, rising, and eigenvectors in columns; or (e,) alone.

    Of the self-adjoint x only the lower triangle is read. e has the dtype of x.

    Raises:
        InvalidArgumentError: the eigenvalues of a matrix that is not finite.
    """
    with _saying(NO_EIGENVALUES):
        if not compute_v:
            return (np.linalg.eigvalsh(x, "L").astype(x.dtype, copy=False),)
        e, v = np.linalg.eigh(x, "L")
    return e.astype(x.dtype, copy=False), v
