"""Inverses, determinants, and systems of linear equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.shape import matrix_transpose, shape
from retrograd.ops.declare import F
from retrograd.ops.linalg.diagonals import eye, matrix_diag_part
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.casts import real
from retrograd.ops.math.reduce import reduce_sum

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

T = TypeVar("T")


def adjoint(matrix: TensorLike, name: str | None = None) -> Tensor:
    """The conjugate transposes of the matrices in the last two axes."""
    with name_scope(name, "adjoint", [matrix]):
        matrix = convert_to_tensor(matrix, name="matrix")
        return matrix_transpose(matrix, conjugate=True)


def gramian_cholesky(a: Tensor, weight: TensorLike, first_kind: bool) -> Tensor:
    """The Cholesky factor of AᴴA + λ (first kind), or of A Aᴴ + λ."""
    gramian = matmul(a, a, adjoint_a=first_kind, adjoint_b=not first_kind)
    if isinstance(weight, Tensor) or weight != 0:
        sizes = shape(a)
        at = -1 if first_kind else -2
        identity = eye(sizes[at], batch_shape=sizes[:-2], dtype=a.dtype)
        raw = a._shape_raw
        if raw is not None:
            identity.set_shape([*raw[:-2], raw[at], raw[at]])
        gramian = gramian + weight * identity
    return F.Cholesky(gramian)


def by_form(matrix: Tensor, tall: Callable[[], T], wide: Callable[[], T]) -> T:
    """`tall()` where matrices have at least as many rows as columns, else `wide()`.

    Where that is not known before the run, it is a branch of the graph.
    """
    raw = matrix._shape_raw
    if raw is not None and raw[-1] is not None and raw[-2] is not None:
        return tall() if raw[-2] >= raw[-1] else wide()
    from retrograd.ops.flow.branches import cond

    rows_and_columns = shape(matrix)[-2:]
    return cond(rows_and_columns[0] >= rows_and_columns[1], tall, wide)


def matrix_inverse(
    input: TensorLike, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """The inverses of matrices [..., n, n], or of their adjoints."""
    return F.MatrixInverse(input, adjoint=adjoint, name=name)


def matrix_determinant(input: TensorLike, name: str | None = None) -> Tensor:
    """The determinants of matrices [..., n, n]."""
    return F.MatrixDeterminant(input, name=name)


def slogdet(input: TensorLike, name: str | None = None) -> Any:
    """`(sign, log |determinant|)` of matrices [..., n, n]."""
    return F.LogMatrixDeterminant(input, name=name)


def logdet(matrix: TensorLike, name: str | None = None) -> Tensor:
    """The logarithms of the determinants of positive definite matrices [..., n, n]."""
    with name_scope(name, "logdet", [matrix]):
        diagonal = real(matrix_diag_part(F.Cholesky(matrix)))
        return 2.0 * reduce_sum(F.Log(diagonal), axis=[-1])


def matrix_solve(
    matrix: TensorLike, rhs: TensorLike, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """The X [..., n, k] with `matrix` X = `rhs`, or matrixᴴ X = rhs."""
    return F.MatrixSolve(matrix, rhs, adjoint=adjoint, name=name)


def matrix_triangular_solve(
    matrix: TensorLike,
    rhs: TensorLike,
    lower: bool = True,
    adjoint: bool = False,
    name: str | None = None,
) -> Tensor:
    """As `matrix_solve` for matrices whose other triangle counts as zero."""
    return F.MatrixTriangularSolve(matrix, rhs, lower=lower, adjoint=adjoint, name=name)


def cholesky_solve(
    chol: TensorLike, rhs: TensorLike, name: str | None = None
) -> Tensor:
    """The X with L Lᴴ X = `rhs`, where L is the Cholesky factor `chol`."""
    with name_scope(name, "cholesky_solve", [chol, rhs]):
        half = F.MatrixTriangularSolve(chol, rhs, adjoint=False, lower=True)
        return F.MatrixTriangularSolve(chol, half, adjoint=True, lower=True)


#: batches of matrices larger than this are left to the op, as TensorFlow does
_LARGE = 256_000


def matrix_solve_ls(
    matrix: TensorLike,
    rhs: TensorLike,
    l2_regularizer: TensorLike = 0.0,
    fast: bool = True,
    name: str | None = None,
) -> Tensor:
    """Least-squares solutions of systems of linear equations.

    Args:
      matrix: shape [..., m, n].
      rhs: shape [..., m, k].
      l2_regularizer: the weight of the squares of the solution.
      fast: whether to solve the normal equations; otherwise by a decomposition, also
        where the matrix lacks full rank.
      name: the name scope.

    Raises:
      NotImplementedError: complex128 with a weight.
    """
    matrix = convert_to_tensor(matrix, name="matrix")
    if matrix.dtype == dtypes.complex128 and l2_regularizer != 0:
        raise NotImplementedError(
            "matrix_solve_ls is currently disabled for complex128 and l2_regularizer "
            "!= 0 due to poor accuracy."
        )
    if not fast or _is_many(matrix):
        return F.MatrixSolveLs(matrix, rhs, l2_regularizer, fast=fast, name=name)
    with name_scope(name, "matrix_solve_ls", [matrix, rhs, l2_regularizer]):

        def tall() -> Tensor:
            factor = gramian_cholesky(matrix, l2_regularizer, True)
            return cholesky_solve(factor, matmul(matrix, rhs, adjoint_a=True))

        def wide() -> Tensor:
            factor = gramian_cholesky(matrix, l2_regularizer, False)
            return matmul(matrix, cholesky_solve(factor, rhs), adjoint_a=True)

        return by_form(matrix, tall, wide)


def _is_many(matrix: Tensor) -> bool:
    """Whether there are many small matrices."""
    raw = matrix._shape_raw
    if raw is None or None in raw:
        return False
    sizes = [int(d) for d in raw if d is not None]
    bytes_of_all = int(np.prod(sizes)) * matrix.dtype.size
    return bytes_of_all > _LARGE and int(np.prod(sizes[:-2])) > min(sizes[-2:])
