"""Decompositions of matrices: Cholesky, QR, singular values, eigenvalues, LU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.math.casts import real

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


def cholesky(input: TensorLike, name: str | None = None) -> Tensor:
    """The lower triangular Y with Y Yᴴ = `input`, of positive definite matrices."""
    return F.Cholesky(input, name=name)


def qr(input: TensorLike, full_matrices: bool = False, name: str | None = None) -> Any:
    """`(q, r)` with q r = `input`.

    Args:
      input: matrices [..., m, n].
      full_matrices: whether q is square, rather than of min(m, n) columns.
      name: the name of the operation.
    """
    return F.Qr(input, full_matrices=full_matrices, name=name)


def svd(
    tensor: TensorLike,
    full_matrices: bool = False,
    compute_uv: bool = True,
    name: str | None = None,
) -> Any:
    """`(s, u, v)` with u diag(s) vᴴ = `tensor`, s falling; or s alone.

    Args:
      tensor: matrices [..., m, n].
      full_matrices: whether u and v are square, rather than of min(m, n) columns.
      compute_uv: whether u and v are wanted.
      name: the name of the operation.
    """
    s, u, v = F.Svd(
        tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name
    )
    return (real(s), u, v) if compute_uv else real(s)


def self_adjoint_eig(
    tensor: TensorLike, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """`(e, v)`: eigenvalues [..., n], rising, and eigenvectors in columns."""
    e, v = F.SelfAdjointEigV2(tensor, compute_v=True, name=name)
    return e, v


def self_adjoint_eigvals(tensor: TensorLike, name: str | None = None) -> Tensor:
    """The eigenvalues [..., n] of self-adjoint matrices, rising."""
    return F.SelfAdjointEigV2(tensor, compute_v=False, name=name)[0]


def lu(
    input: TensorLike,
    output_idx_type: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> Any:
    """`(lu, p)`: triangular factors of the matrices with rows in the order p."""
    return F.Lu(input, output_idx_type=output_idx_type, name=name)
