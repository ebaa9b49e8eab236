"""Ops: inverses, determinants, and systems of linear equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import expand_dims, matrix_transpose
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import invalid, merged, same_dim, with_rank_at_least
from retrograd.ops.linalg.products import matmul
from retrograd.ops.linalg.solve import (
    adjoint,
    by_form,
    cholesky_solve,
    gramian_cholesky,
)
from retrograd.ops.math.casts import cast, conj

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- shapes


def square(n: Operation, index: int = 0) -> RawShape:
    """The shape of an input that holds square matrices.

    Raises:
      ValueError: they are not square.
    """
    raw = with_rank_at_least(n, index, 2)
    if raw is None:
        return None
    size = same_dim(n, raw[-2], raw[-1])
    return (*raw[:-2], size, size)


def batch_of(n: Operation) -> RawShape:
    """The shape of the batch of square matrices in input 0."""
    raw = with_rank_at_least(n, 0, 2)
    if raw is None:
        return None
    same_dim(n, raw[-1], raw[-2])
    return raw[:-2]


def _system(n: Operation, is_square: bool) -> RawShape:
    """[..., n, k] from matrices [..., m, n] and right-hand sides [..., m, k]."""
    a = square(n) if is_square else with_rank_at_least(n, 0, 2)
    b = with_rank_at_least(n, 1, 2)
    parts = [(raw and raw[:-2], *(raw or (None, None))[-2:]) for raw in (a, b)]
    (batch_a, rows_a, columns_a), (batch_b, rows_b, columns_b) = parts
    batch = merged(n, batch_a, batch_b)
    rows = same_dim(n, rows_a, rows_b)
    if batch is None:
        return None
    return (*batch, rows if is_square else columns_a, columns_b)


def check_square(x: Array) -> None:
    """Refuse matrices that are not square when they come.

    Raises:
      InvalidArgumentError: they are not.
    """
    if len(x.shape) < 2:
        raise refused(f"Input tensor 0 must have rank >= 2, got {len(x.shape)}")
    if x.shape[-1] != x.shape[-2]:
        raise refused("Input matrix must be square.")


def check_system(a: Array, b: Array, is_square: bool = True) -> None:
    """Refuse matrices and right-hand sides that do not fit when they come.

    Raises:
      InvalidArgumentError: they do not.
    """
    if len(a.shape) < 2:
        raise refused(f"Input tensor 0 must have rank >= 2, got {len(a.shape)}")
    if len(a.shape) != len(b.shape):
        raise refused("All input tensors must have the same rank.")
    if a.shape[:-2] != b.shape[:-2]:
        raise refused("All input tensors must have the same outer dimensions.")
    if is_square and a.shape[-1] != a.shape[-2]:
        raise refused("First input (lhs) must be a square matrix.")
    if a.shape[-2] != b.shape[-2]:
        raise refused("Input matrix and rhs are incompatible.")


# ---------------------------------------------------------------------- inverses


def _inverse_rule(n: Operation, dy: Tensor) -> Tensor:
    y = n.outputs[0]
    if n.attrs["adjoint"]:  # X⁻ᴴ is the adjoint of what the formula is about
        y, dy = adjoint(y), adjoint(dy)
    inner = matmul(dy, y, adjoint_b=True)
    return F.Neg(matmul(y, inner, adjoint_a=True))


@op(
    "MatrixInverse",
    infer=square,
    math="Y = X⁻¹",
    grad=dict(input=rule("X̄ = −Yᴴ Ȳ Yᴴ", _inverse_rule)),
)
def _inverse(xp: Arrays, x: Array, *, adjoint: bool) -> Array:
    """The inverses of matrices, or of their adjoints.

    Raises:
      InvalidArgumentError: a matrix is singular.
    """
    check_square(x)
    return xp.inv(x, adjoint)


def _as_multiplier(y: Tensor) -> Tensor:
    """One number for each matrix, as a matrix of one element."""
    return expand_dims(expand_dims(y, -1), -1)


def _determinant_rule(n: Operation, dy: Tensor) -> Tensor:
    turned = F.MatrixInverse(n.inputs[0], adjoint=True)
    return F.Mul(_as_multiplier(F.Mul(dy, n.outputs[0])), turned)


@op(
    "MatrixDeterminant",
    infer=batch_of,
    math="y = det X",
    grad=dict(input=rule("X̄ = ȳ y X⁻ᴴ", _determinant_rule)),
)
def _determinant(xp: Arrays, x: Array) -> Array:
    """The determinants of matrices."""
    check_square(x)
    return xp.det(x)


def _log_determinant_rule(n: Operation, dsign: Tensor, dlog: Tensor) -> Tensor:
    del dsign
    turned = F.MatrixInverse(n.inputs[0], adjoint=True)
    return F.Mul(_as_multiplier(dlog), turned)


@op(
    "LogMatrixDeterminant",
    infer=lambda n: [batch_of(n), batch_of(n)],
    math="s = sign det X; y = log |det X|",
    grad=_log_determinant_rule,
    notation=dict(input="X̄ = ȳ X⁻ᴴ"),
)
def _log_determinant(xp: Arrays, x: Array) -> tuple[Array, ...]:
    """The signs of determinants, and the logarithms of their absolute values."""
    check_square(x)
    return xp.slogdet(x)


# ---------------------------------------------------------------------- systems


def _of_matrix(n: Operation, db: Tensor) -> Tensor:
    x = n.outputs[0]
    if n.attrs["adjoint"]:
        return F.Neg(matmul(x, db, adjoint_b=True))
    return F.Neg(matmul(db, x, adjoint_b=True))


def _solve_rule(n: Operation, dx: Tensor) -> list[Tensor]:
    db = F.MatrixSolve(n.inputs[0], dx, adjoint=not n.attrs["adjoint"])
    return [_of_matrix(n, db), db]


@op(
    "MatrixSolve",
    infer=lambda n: _system(n, True),
    math="X = A⁻¹ B",
    grad=_solve_rule,
    notation=dict(matrix="Ā = −B̄ Xᴴ, B̄ = A⁻ᴴ X̄", rhs="B̄ = A⁻ᴴ X̄"),
)
def _solve(xp: Arrays, a: Array, b: Array, *, adjoint: bool) -> Array:
    """The solutions of systems of linear equations.

    Raises:
      InvalidArgumentError: a matrix is singular.
    """
    check_system(a, b)
    return xp.solve(a, b, adjoint)


def _triangular_rule(n: Operation, dx: Tensor) -> list[Tensor]:
    lower = n.attrs["lower"]
    db = F.MatrixTriangularSolve(
        n.inputs[0], dx, lower=lower, adjoint=not n.attrs["adjoint"]
    )
    band = (-1, 0) if lower else (0, -1)
    return [F.MatrixBandPart(_of_matrix(n, db), *band), db]


@op(
    "MatrixTriangularSolve",
    infer=lambda n: _system(n, True),
    math="X = A⁻¹ B, A triangular",
    grad=_triangular_rule,
    notation=dict(
        matrix="Ā = −B̄ Xᴴ in the triangle, 0 elsewhere, B̄ = A⁻ᴴ X̄", rhs="B̄ = A⁻ᴴ X̄"
    ),
)
def _triangular_solve(
    xp: Arrays, a: Array, b: Array, *, lower: bool, adjoint: bool
) -> Array:
    """The solutions of systems with triangular matrices.

    Raises:
      InvalidArgumentError: there is a zero on a diagonal.
    """
    check_system(a, b)
    return xp.triangular_solve(a, b, lower, adjoint)


def _least_squares_rule(n: Operation, dx: Tensor) -> list[Tensor | None]:
    if not n.attrs["fast"]:
        raise ValueError("Gradient not defined for fast=False")
    a, b, weight = n.inputs
    weight = cast(weight, a.dtype.base_dtype)

    def tall() -> list[Tensor]:
        z = cholesky_solve(gramian_cholesky(a, weight, True), dx)
        xz = matmul(n.outputs[0], z, adjoint_b=True)
        both = xz + matrix_transpose(xz)
        by_a = matmul(b, z, adjoint_b=True) - matmul(a, both)
        return [by_a, matmul(a, z)]

    def wide() -> list[Tensor]:
        factor = gramian_cholesky(a, weight, False)
        by_b = cholesky_solve(factor, matmul(a, dx))
        inner = cholesky_solve(factor, b)
        first = -matmul(by_b, matmul(inner, a, adjoint_a=True))
        rest = dx - matmul(a, by_b, adjoint_a=True)
        return [first + matmul(inner, rest, adjoint_b=True), by_b]

    return [*by_form(a, tall, wide), None]


@op(
    "MatrixSolveLs",
    infer=lambda n: _system(n, False),
    math="X = (Aᴴ A + λ I)⁻¹ Aᴴ B",
    grad=_least_squares_rule,
    notation=dict(
        matrix="Ā = B Zᴴ − A (X Zᴴ + Z Xᴴ), Z = (Aᴴ A + λ I)⁻¹ X̄",
        rhs="B̄ = A (Aᴴ A + λ I)⁻¹ X̄",
        l2_regularizer="λ has no derivative: none is given",
    ),
)
def _least_squares(
    xp: Arrays, a: Array, b: Array, weight: Array, *, fast: bool
) -> Array:
    """Least-squares solutions; of several, those of least norm.

    Raises:
      InvalidArgumentError: (fast) the normal equations cannot be solved.
    """
    check_system(a, b, is_square=False)
    if not fast:
        s, u, v = xp.svd(a, True, False)
        s = xp.real(s)
        cut = s.max(-1, keepdims=True) * s.dtype.type(np.finfo(s.dtype).eps)
        cut = cut * max(a.shape[-2:])
        over = xp.where(s > cut, 1 / xp.where(s > cut, s, 1), 0).astype(a.dtype)
        turned = xp.matmul(xp.conj(xp.swapaxes(u, -1, -2)), b)
        return xp.matmul(v * over[..., None, :], turned)
    turned = xp.conj(xp.swapaxes(a, -1, -2))
    size = min(a.shape[-2:])
    ridge = xp.eye(size, dtype=a.dtype) * weight.astype(a.dtype)
    if a.shape[-2] >= a.shape[-1]:
        return xp.solve(xp.matmul(turned, a) + ridge, xp.matmul(turned, b))
    return xp.matmul(turned, xp.solve(xp.matmul(a, turned) + ridge, b))


# ---------------------------------------------------------------------- three diagonals


def _tridiagonal_shape(n: Operation) -> RawShape:
    a, b = with_rank_at_least(n, 0, 2), with_rank_at_least(n, 1, 2)
    if a is not None and b is not None:
        merged(n, a[:-2], b[:-2])
        same_dim(n, a[-1], b[-2])
    if a is not None and a[-2] not in (3, None):
        raise invalid(n, f"Dimension must be 3 but is {a[-2]}")
    return b


def _tridiagonal_rule(n: Operation, dx: Tensor) -> list[Tensor]:
    """As for any system, of the matrix only three diagonals."""
    diagonals, x = n.inputs[0], n.outputs[0]
    above, main, below = (diagonals[..., i, :] for i in range(3))
    first = F.ZerosLike(above[..., :1])
    turned = F.Pack(
        [
            F.ConcatV2([conj(below[..., 1:]), first], -1),
            conj(main),
            F.ConcatV2([first, conj(above[..., :-1])], -1),
        ],
        axis=-2,
    )
    db = F.TridiagonalSolve(turned, dx, partial_pivoting=n.attrs["partial_pivoting"])
    x = conj(x)
    zero = F.ZerosLike(x[..., :1, :])
    later = F.ConcatV2([x[..., 1:, :], zero], -2)
    sooner = F.ConcatV2([zero, x[..., :-1, :]], -2)
    products = [F.Sum(F.Mul(db, part), -1) for part in (later, x, sooner)]
    return [F.Neg(F.Pack(products, axis=-2)), db]


@op(
    "TridiagonalSolve",
    infer=_tridiagonal_shape,
    math="X = A⁻¹ B, A of three diagonals",
    grad=_tridiagonal_rule,
    notation=dict(
        diagonals="Ā = −B̄ Xᴴ on the three diagonals, B̄ = A⁻ᴴ X̄", rhs="B̄ = A⁻ᴴ X̄"
    ),
)
def _tridiagonal_solve(
    xp: Arrays, a: Array, b: Array, *, partial_pivoting: bool
) -> Array:
    """The solutions of systems whose matrices have three diagonals.

    Raises:
      InvalidArgumentError: a matrix is singular.
    """
    del partial_pivoting
    size = a.shape[-1]
    whole = xp.where(np.eye(size, dtype=np.bool_), a[..., 1, :, None], 0)
    above = np.eye(size, k=1, dtype=np.bool_)
    below = np.eye(size, k=-1, dtype=np.bool_)
    whole = xp.where(above, a[..., 0, :, None], whole)
    whole = xp.where(below, a[..., 2, :, None], whole).astype(a.dtype)
    return xp.solve(whole, b)


def _tridiagonal_product_rule(n: Operation, dy: Tensor) -> list[Tensor]:
    above, main, below, x = (conj(t) for t in n.inputs)
    zero = F.ZerosLike(x[..., :1, :])

    def later(z: Tensor) -> Tensor:
        return F.ConcatV2([z[..., 1:, :], zero], -2)

    def sooner(z: Tensor) -> Tensor:
        return F.ConcatV2([zero, z[..., :-1, :]], -2)

    def along(z: Tensor) -> Tensor:
        return expand_dims(F.Sum(F.Mul(z, dy), -1), -2)

    above, main, below = (matrix_transpose(d) for d in (above, main, below))
    by_x = sooner(F.Mul(above, dy)) + F.Mul(main, dy) + later(F.Mul(below, dy))
    return [along(later(x)), along(x), along(sooner(x)), by_x]


def _tridiagonal_product(n: Operation) -> RawShape:
    raws = [with_rank_at_least(n, i, 2) for i in range(4)]
    batch: RawShape = None
    for raw in raws:
        batch = merged(n, batch, None if raw is None else raw[:-2])
    length = None if raws[3] is None else raws[3][-2]
    for raw in raws[:3]:
        if raw is not None:
            if raw[-2] not in (None, 1):
                raise invalid(n, f"Dimension must be 1 but is {raw[-2]}")
            length = same_dim(n, length, raw[-1])
    return raws[3]


@op(
    "TridiagonalMatMul",
    infer=_tridiagonal_product,
    math="yᵢ = aᵢ xᵢ₊₁ + bᵢ xᵢ + cᵢ xᵢ₋₁, row by row",
    grad=_tridiagonal_product_rule,
    notation=dict(
        superdiag="āᵢ = Σ ȳᵢ xᵢ₊₁",
        maindiag="b̄ᵢ = Σ ȳᵢ xᵢ",
        subdiag="c̄ᵢ = Σ ȳᵢ xᵢ₋₁",
        rhs="x̄ᵢ = aᵢ₋₁ ȳᵢ₋₁ + bᵢ ȳᵢ + cᵢ₊₁ ȳᵢ₊₁",
    ),
)
def _tridiagonal_matmul(
    xp: Arrays, above: Array, main: Array, below: Array, x: Array
) -> Array:
    """The products with matrices that have three diagonals, given as [..., 1, m]."""
    above, main, below = (xp.swapaxes(d, -1, -2) for d in (above, main, below))
    zero = xp.zeros((*x.shape[:-2], 1, x.shape[-1]), x.dtype)
    later = xp.concatenate([x[..., 1:, :], zero], -2)
    sooner = xp.concatenate([zero, x[..., :-1, :]], -2)
    return above * later + main * x + below * sooner
