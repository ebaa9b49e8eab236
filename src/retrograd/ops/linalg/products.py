"""Products of matrices and vectors, norms and traces."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.shape import expand_dims, squeeze
from retrograd.ops.declare import F
from retrograd.ops.linalg.diagonals import matrix_diag_part
from retrograd.ops.math.casts import cast, conj
from retrograd.ops.math.elementwise import pow
from retrograd.ops.math.reduce import reduce_max, reduce_sum
from retrograd.ops.math.unary import abs as absolute

# ---------------------------------------------------------------------- functions


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross products of the vectors of three along the last axis."""
    return F.Cross(a, b, name=name)


def sparse_matmul(
    a: Any,
    b: Any,
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
    a: Any,
    b: Any,
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
    a: Any,
    b: Any,
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


def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """`(tensor / norm, norm)`, the norm along `axis` (see `norm`), which is kept."""
    with name_scope(name, "normalize", [tensor]):
        tensor = convert_to_tensor(tensor)
        size = cast(norm(tensor, ord, axis, keepdims=True), tensor.dtype)
        return tensor / size, size


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the main diagonal of each matrix in the last two axes."""
    with name_scope(name, "Trace", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return reduce_sum(matrix_diag_part(x), [-1], name=scope)


# ---------------------------------------------------------------------- norms

_MATRIX_NORMS = ["euclidean", "fro", 1, 2, np.inf]


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    keep_dims: Any = None,
) -> Tensor:
    """Norms of vectors or matrices.

    Args:
      tensor: real or complex numbers.
      ord: "euclidean", "fro" (of matrices), 1, 2, infinity, or a positive number.
      axis: the axis of the vectors, or a pair: those of the matrices; by default the
        whole tensor is one vector.
      keepdims: whether the axes stay, with size 1.
      name: the name scope.
      keep_dims: the old name of `keepdims`.

    Raises:
      ValueError: there is no such norm.
    """
    keepdims = renamed("keepdims", keepdims, "keep_dims", keep_dims)
    of_matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    axes: Any = None
    _check_norm(ord, axis, of_matrix)
    if axis is not None:
        axes = tuple(axis) if of_matrix else (axis,)
    with name_scope(name, "norm", [tensor]):
        x = convert_to_tensor(tensor)
        if ord in ("fro", "euclidean", 2):
            if of_matrix and ord == 2:
                result = _spectral_norm(x, axes)
            else:
                result = F.Sqrt(reduce_sum(x * conj(x), axes, True))
        else:
            result = _absolute_norm(absolute(x), ord, axes, of_matrix)
        return result if keepdims else squeeze(result, axes)


def _check_norm(ord: Any, axis: Any, of_matrix: bool) -> None:
    wrong = "'axis' must be None, an integer, or a tuple of 2 unique integers"
    if of_matrix:
        if not all(isinstance(a, int) for a in axis) or axis[0] == axis[1]:
            raise ValueError(wrong)
        if ord not in _MATRIX_NORMS:
            raise ValueError(
                f"'ord' must be a supported matrix norm in {_MATRIX_NORMS}, got {ord}"
            )
        return
    if axis is not None and not isinstance(axis, int):
        raise ValueError(wrong)
    if ord != "euclidean" and (not np.isreal(ord) or ord <= 0):
        raise ValueError(f"'ord' must be a supported vector norm, got {ord}")


def _absolute_norm(size: Tensor, ord: Any, axis: Any, of_matrix: bool) -> Tensor:
    """The norms that are made of absolute values."""
    first, last = (None, None) if axis is None else (axis[0], axis[-1])
    if ord == 1:
        result = reduce_sum(size, first, True)
        return reduce_max(result, last, True) if of_matrix else result
    if ord == np.inf:
        if of_matrix:
            size = reduce_sum(size, last, True)
        return reduce_max(size, first, True)
    return pow(reduce_sum(pow(size, ord), axis, True), 1.0 / ord)


def _spectral_norm(x: Tensor, axis: tuple[int, int]) -> Tensor:
    """The largest singular value of each matrix, the axes kept."""
    rank = x._rank()
    if rank is None:
        count = F.Rank(x)
        wanted = F.FloorMod(F.AddV2(np.array(axis, np.int32), count), count)
        rest = F.ListDiff(F.Range(0, count, 1), wanted)[0]
        perm = F.ConcatV2([rest, wanted], 0)
        back = F.InvertPermutation(perm)
    else:
        last = [a % rank for a in axis]
        perm = np.array([i for i in range(rank) if i not in last] + last, np.int32)
        back = np.argsort(perm).astype(np.int32)
    values = F.Svd(F.Transpose(x, perm), compute_uv=False)[0]
    largest = expand_dims(reduce_max(absolute(values), -1, True), axis=-1)
    return F.Transpose(largest, back)
