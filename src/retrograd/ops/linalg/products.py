"""Products of matrices and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.shape import expand_dims, squeeze
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast, conj

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def cross(a: TensorLike, b: TensorLike, name: str | None = None) -> Tensor:
    """The cross products of the vectors of three along the last axis."""
    return F.Cross(a, b, name=name)


def sparse_matmul(
    a: TensorLike,
    b: TensorLike,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The float32 product of two matrices of float32 or bfloat16."""
    return F.SparseMatMul(
        a,
        b,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        a_is_sparse=a_is_sparse,
        b_is_sparse=b_is_sparse,
        name=name,
    )


def matmul(
    a: TensorLike,
    b: TensorLike,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of two matrices, or of the matrices in two batches.

    Args:
      a: shape [..., m, k].
      b: shape [..., k, n]; the batch dimensions are broadcast.
      transpose_a: whether `a` is transposed first.
      transpose_b: whether `b` is.
      adjoint_a: whether `a` is transposed and conjugated first.
      adjoint_b: whether `b` is.
      a_is_sparse: whether `a` has many zeros: only a hint.
      b_is_sparse: whether `b` has.
      name: the name of the operation.

    Returns:
      A tensor of shape [..., m, n].

    Raises:
      ValueError: the inner sizes differ, or a matrix is to be both transposed and
        conjugated with it.
    """
    if transpose_a and adjoint_a:
        raise ValueError("Only one of transpose_a and adjoint_a can be True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of transpose_b and adjoint_b can be True.")
    with name_scope(name, "MatMul", [a, b]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, name="b")
        sparse = a_is_sparse or b_is_sparse
        if not sparse and any(x._rank() not in (0, 1, 2) for x in (a, b)):
            if transpose_a:
                a, adjoint_a = conj(a), True
            if transpose_b:
                b, adjoint_b = conj(b), True
            return F.BatchMatMulV2(a, b, adj_x=adjoint_a, adj_y=adjoint_b, name=scope)
        if adjoint_a:
            a, transpose_a = conj(a), True
        if adjoint_b:
            b, transpose_b = conj(b), True
        flags = dict(transpose_a=transpose_a, transpose_b=transpose_b, name=scope)
        if not _multiplied_as_sparse(a, b, sparse):
            return F.MatMul(a, b, **flags)
        hints = dict(a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse)
        product = F.SparseMatMul(a, b, **hints, **flags)
        if a.dtype == b.dtype == dtypes.bfloat16:
            return cast(product, dtypes.bfloat16)
        return product


def _multiplied_as_sparse(a: Tensor, b: Tensor, sparse: bool) -> bool:
    kinds = [x.dtype.base_dtype for x in (a, b)]
    if dtypes.bfloat16 in kinds and kinds[0] != kinds[1]:
        return True
    return sparse and all(k in (dtypes.bfloat16, dtypes.float32) for k in kinds)


def matvec(
    a: TensorLike,
    b: TensorLike,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of a matrix [..., m, k] and a vector [..., k]; see `matmul`."""
    with name_scope(name, "MatVec", [a, b]):
        product = matmul(
            a,
            expand_dims(b, axis=-1),
            transpose_a=transpose_a,
            adjoint_a=adjoint_a,
            a_is_sparse=a_is_sparse,
            b_is_sparse=b_is_sparse,
        )
        return squeeze(product, axis=-1)
