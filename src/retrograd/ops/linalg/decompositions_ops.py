"""Ops: decompositions of matrices: Cholesky, QR, singular values, eigenvalues, LU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrograd.arrays.numpy.linalg import NO_EIGENVALUES
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import expand_dims, matrix_transpose, shape
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import with_rank_at_least
from retrograd.ops.linalg.diagonals import eye
from retrograd.ops.linalg.products import matmul
from retrograd.ops.linalg.solve import adjoint
from retrograd.ops.linalg.solve_ops import check_square, square
from retrograd.ops.rules import scalar
from retrograd.ops.traits import Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- Cholesky


def _halved_diagonal(x: Tensor) -> Tensor:
    """`x` with its diagonal halved: halved(x) in notations."""
    half = F.Mul(scalar(0.5, x), F.MatrixDiagPart(x))
    return F.MatrixSetDiag(x, half)


def _cholesky_rule(n: Operation, dy: Tensor) -> Tensor:
    """Iain Murray, Differentiation of the Cholesky decomposition, eq. (10)."""
    y = n.outputs[0]
    sizes = shape(y)
    identity = eye(sizes[-1], batch_shape=sizes[:-2], dtype=y.dtype)
    inverse = F.MatrixTriangularSolve(y, identity)
    middle = _halved_diagonal(matmul(y, dy, adjoint_a=True))
    middle = F.MatrixBandPart(middle, -1, 0)
    term = matmul(matmul(inverse, middle, adjoint_a=True), inverse)
    return F.Mul(F.AddV2(term, adjoint(term)), scalar(0.5, term))


@op(
    "Cholesky",
    infer=square,
    math="Y = cholesky(X), Y Yᴴ = X, Y lower triangular",
    grad=dict(
        input=rule(
            "X̄ = (Z + Zᴴ) / 2, Z = Y⁻ᴴ halved(tril(Yᴴ Ȳ)) Y⁻¹",
            _cholesky_rule,
        )
    ),
    traits=Traits(whole=True),
)
def _cholesky(xp: Arrays, x: Array) -> Array:
    """The Cholesky factors of positive definite matrices.

    Raises:
      InvalidArgumentError: a matrix is not positive definite.
    """
    check_square(x)
    return xp.cholesky(x)


# ---------------------------------------------------------------------- QR


def _least(m: int | None, n: int | None) -> int | None:
    return None if m is None or n is None else min(m, n)


def _qr_shapes(n: Operation) -> list[RawShape]:
    raw = with_rank_at_least(n, 0, 2)
    if raw is None:
        return [None, None]
    batch, (rows, columns) = raw[:-2], raw[-2:]
    inner = rows if n.attrs["full_matrices"] else _least(rows, columns)
    return [(*batch, rows, inner), (*batch, inner, columns)]


def _qr_rule(n: Operation, dq: Tensor, dr: Tensor) -> Tensor:
    q, r = n.outputs
    if q.dtype.is_complex:
        raise NotImplementedError(f"QrGrad not implemented for dtype: {q.dtype}")
    raw = r._shape_raw
    if raw is None or raw[-2] is None or raw[-1] is None:
        raise NotImplementedError("QrGrad not implemented with dynamic shapes.")
    if raw[-2] != raw[-1]:
        raise NotImplementedError(
            "QrGrad not implemented when ncols > nrows or full_matrices is true and "
            "ncols != nrows."
        )
    qdq = matmul(q, dq, adjoint_a=True)
    rdr = matmul(r, dr, adjoint_b=True)
    skew = F.AddV2(F.Sub(qdq, adjoint(qdq)), F.Sub(rdr, adjoint(rdr)))
    lower = F.MatrixBandPart(skew, -1, 0)

    def over_r(x: Tensor) -> Tensor:
        """x R⁻ᴴ."""
        return adjoint(F.MatrixTriangularSolve(r, adjoint(x), lower=False))

    first = matmul(q, F.AddV2(dr, over_r(lower)))
    return F.AddV2(first, over_r(F.Sub(dq, matmul(q, qdq))))


@op(
    "Qr",
    infer=_qr_shapes,
    math="Q, R = qr(X), X = Q R",
    grad=_qr_rule,
    notation=dict(
        input="X̄ = Q (R̄ + tril(Z) R⁻ᴴ) + (Q̄ − Q Qᴴ Q̄) R⁻ᴴ, "
        "Z = Qᴴ Q̄ − Q̄ᴴ Q + R R̄ᴴ − R̄ Rᴴ"
    ),
    traits=Traits(whole=True),
)
def _qr(xp: Arrays, x: Array, *, full_matrices: bool) -> tuple[Array, ...]:
    """Matrices with orthonormal columns, and upper triangular ones."""
    return xp.qr(x, full_matrices)


# ---------------------------------------------------------------------- eigenvalues


def _eigh_shapes(n: Operation) -> list[RawShape]:
    raw = square(n)
    values = None if raw is None else raw[:-1]
    return [values, raw if n.attrs["compute_v"] else (0,)]


def _eigh_rule(n: Operation, de: Tensor, dv: Tensor) -> Tensor:
    """The lower triangle alone is read: the term of the upper one is folded into it."""
    if n.attrs["compute_v"]:
        e, v = n.outputs
        gaps = F.Sub(expand_dims(e, -2), expand_dims(e, -1))
        over = F.MatrixSetDiag(F.Reciprocal(gaps), F.ZerosLike(e))
        inner = F.Mul(over, matmul(v, dv, adjoint_a=True))
        inner = F.AddV2(F.MatrixDiag(de), inner)
    else:
        v = F.SelfAdjointEigV2(n.inputs[0], compute_v=True)[1]
        inner = F.MatrixDiag(de)
    term = matmul(v, matmul(inner, v, adjoint_b=True))
    folded = F.MatrixBandPart(F.AddV2(term, adjoint(term)), -1, 0)
    return _halved_diagonal(folded)


@op(
    "SelfAdjointEigV2",
    infer=_eigh_shapes,
    math="e, V = eigh(X), X = V diag(e) Vᴴ",
    grad=_eigh_rule,
    notation=dict(
        input="X̄ = halved(tril(Z + Zᴴ)), Z = V (diag(ē) + F ⊙ (Vᴴ V̄)) Vᴴ, "
        "Fᵢⱼ = 1 / (eⱼ − eᵢ) where i ≠ j, else 0"
    ),
)
def _eigh(xp: Arrays, x: Array, *, compute_v: bool) -> tuple[Array, ...]:
    """The eigenvalues of self-adjoint matrices, rising, and their eigenvectors.

    Raises:
      InvalidArgumentError: a matrix is not finite.
    """
    check_square(x)
    rows = np.arange(x.shape[-1])
    read = xp.where(rows[:, None] >= rows, x, x.dtype.type(0))
    xp.check(xp.isfinite(read), _no_eigenvalues)
    found = xp.eigh(x, compute_v)
    xp.check(xp.isfinite(found[0]), _no_eigenvalues)
    return found if compute_v else (*found, xp.zeros((0,), x.dtype))


def _no_eigenvalues() -> Exception:
    return refused(NO_EIGENVALUES)


# ---------------------------------------------------------------------- singular values


def _svd_shapes(n: Operation) -> list[RawShape]:
    raw = with_rank_at_least(n, 0, 2)
    if raw is None:
        return [None] * 3 if n.attrs["compute_uv"] else [None, (0,), (0,)]
    batch, (rows, columns) = raw[:-2], raw[-2:]
    least = _least(rows, columns)
    if not n.attrs["compute_uv"]:
        return [(*batch, least), (0,), (0,)]
    full = n.attrs["full_matrices"]
    left = (*batch, rows, rows if full else least)
    right = (*batch, columns, columns if full else least)
    return [(*batch, least), left, right]


def _svd_rule(n: Operation, ds: Tensor, du: Tensor, dv: Tensor) -> Tensor:
    a = n.inputs[0]
    if not n.attrs["compute_uv"]:
        _, u, v = F.Svd(a, compute_uv=True)
        return matmul(u, matmul(F.MatrixDiag(ds), v, adjoint_b=True))
    if a.dtype.is_complex:
        raise NotImplementedError(
            "SVD gradient is not implemented for complex types and compute_uv=True."
        )
    raw = with_rank_at_least(n, 0, 2)
    rows, columns = (None, None) if raw is None else raw[-2:]
    if rows is None or columns is None:
        raise NotImplementedError(
            "SVD gradient has not been implemented for input with unknown inner matrix "
            "shape."
        )
    full = n.attrs["full_matrices"]
    if full and abs(rows - columns) > 1:
        raise NotImplementedError(
            "svd gradient is not implemented for abs(m - n) > 1 when full_matrices is "
            "True"
        )
    s, u, v = n.outputs
    if rows > columns:  # the decomposition of the transpose has u and v swapped
        term = _wide_svd_term(s, v, u, ds, dv, du, (columns, rows), full)
        return matrix_transpose(term)
    return _wide_svd_term(s, u, v, ds, du, dv, (rows, columns), full)


def _wide_svd_term(
    s: Tensor,
    u: Tensor,
    v: Tensor,
    ds: Tensor,
    du: Tensor,
    dv: Tensor,
    size: tuple[int, int],
    full: bool,
) -> Tensor:
    """The term for matrices with no more rows than columns.

    Mike Giles, An extended collection of matrix derivative results, 2008, section 3.2;
    James Townsend, Differentiating the singular value decomposition, 2016.
    """
    rows, columns = size
    squares = F.Square(s)
    sizes = shape(s)
    identity = eye(sizes[-1], batch_shape=sizes[:-1], dtype=s.dtype)
    gaps = F.Sub(expand_dims(squares, -2), expand_dims(squares, -1))
    over = F.Reciprocal(F.AddV2(gaps, identity))
    over = F.MatrixSetDiag(over, F.ZerosLike(s))
    v1, dv1 = v[..., :, :rows], dv[..., :, :rows]
    of_u = F.Mul(over, matmul(u, du, adjoint_a=True))
    of_v = F.Mul(over, matmul(v1, dv1, adjoint_a=True))
    diagonal = F.MatrixDiag(s)
    inner = (
        F.MatrixDiag(ds)
        + matmul(of_u + adjoint(of_u), diagonal)
        + matmul(diagonal, of_v + adjoint(of_v))
    )
    term = matmul(u, matmul(inner, v1, adjoint_b=True))
    if rows == columns:
        return term
    turned = matrix_transpose(dv1)
    rest = turned - matmul(matmul(turned, v1), v1, adjoint_b=True)
    if full:
        v2, dv2 = v[..., :, rows:columns], dv[..., :, rows:columns]
        rest = rest - matmul(matmul(v1, dv2, adjoint_a=True), v2, adjoint_b=True)
    return term + matmul(matmul(u, F.MatrixDiag(F.Reciprocal(s))), rest)


@op(
    "Svd",
    infer=_svd_shapes,
    math="s, U, V = svd(X), X = U diag(s) Vᴴ",
    grad=_svd_rule,
    notation=dict(
        input="X̄ = U (diag(s̄) + (A + Aᴴ) S + S (B + Bᴴ)) Vᴴ "
        "+ U S⁻¹ (V̄ᴴ − V̄ᴴ V Vᴴ) + (Ū − U Uᴴ Ū) S⁻¹ Vᴴ, "
        "S = diag(s), A = F ⊙ (Uᴴ Ū), B = F ⊙ (Vᴴ V̄), "
        "Fᵢⱼ = 1 / (sⱼ² − sᵢ²) where i ≠ j, else 0"
    ),
    traits=Traits(whole=True),
)
def _svd(
    xp: Arrays, x: Array, *, compute_uv: bool, full_matrices: bool
) -> tuple[Array, ...]:
    """Singular values, falling, and the vectors that go with them."""
    if compute_uv:
        s, u, v = xp.svd(x, True, full_matrices)
        return s.astype(x.dtype), u, v
    none = xp.zeros((0,), x.dtype)
    return xp.svd(x, False, full_matrices)[0].astype(x.dtype), none, none


# ---------------------------------------------------------------------- LU


def _lu_shapes(n: Operation) -> list[RawShape]:
    raw = square(n)
    return [raw, None if raw is None else raw[:-1]]


@op("Lu", infer=_lu_shapes, math="L U = P X", host=True)
def _lu(xp: Arrays, x: Array, *, output_idx_type: np.dtype) -> tuple[Array, ...]:
    """Both triangular factors in one matrix, and the order of the rows.

    Raises:
      InvalidArgumentError: a matrix is singular.
    """
    import scipy.linalg

    del xp
    check_square(x)
    size = x.shape[-1]
    flat = x.reshape(math.prod(x.shape[:-2]), size, size)
    factors = np.empty(flat.shape, x.dtype)
    order = np.tile(np.arange(size, dtype=output_idx_type), (len(flat), 1))
    for i, matrix in enumerate(flat):
        factors[i], pivots = scipy.linalg.lu_factor(matrix, check_finite=False)
        if not np.all(np.diagonal(factors[i])):
            raise refused("Input is not invertible.")
        for row, other in enumerate(pivots):
            order[i, [row, other]] = order[i, [other, row]]
    return factors.reshape(x.shape), order.reshape(x.shape[:-1])
