"""Norms of vectors and matrices, and the trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

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

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def normalize(
    tensor: TensorLike,
    ord: float | str = "euclidean",
    axis: int | Sequence[int] | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """`(tensor / norm, norm)`, the norm along `axis` (see `norm`), which is kept."""
    with name_scope(name, "normalize", [tensor]):
        tensor = convert_to_tensor(tensor)
        size = cast(norm(tensor, ord, axis, keepdims=True), tensor.dtype)
        return tensor / size, size


def trace(x: TensorLike, name: str | None = None) -> Tensor:
    """The sum of the main diagonal of each matrix in the last two axes."""
    with name_scope(name, "Trace", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return reduce_sum(matrix_diag_part(x), [-1], name=scope)


# ---------------------------------------------------------------------- norms

_MATRIX_NORMS = ["euclidean", "fro", 1, 2, np.inf]


def norm(
    tensor: TensorLike,
    ord: float | str = "euclidean",
    axis: int | Sequence[int] | None = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
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
    pair = axis if isinstance(axis, (tuple, list)) and len(axis) == 2 else None
    of_matrix = pair is not None
    axes: Any = None
    _check_norm(ord, axis, pair)
    if axis is not None:
        axes = (axis,) if pair is None else tuple(pair)
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


def norm_v2(
    tensor: TensorLike,
    ord: float | str = "euclidean",
    axis: int | Sequence[int] | None = None,
    keepdims: bool | None = None,
    name: str | None = None,
) -> Tensor:
    """`norm` of TensorFlow 2."""
    return norm(tensor, ord, axis, keepdims, name)


def _check_norm(
    ord: float | str, axis: int | Sequence[int] | None, pair: Sequence[int] | None
) -> None:
    wrong = "'axis' must be None, an integer, or a tuple of 2 unique integers"
    if pair is not None:
        if not all(isinstance(a, int) for a in pair) or pair[0] == pair[1]:
            raise ValueError(wrong)
        if ord not in _MATRIX_NORMS:
            raise ValueError(
                f"'ord' must be a supported matrix norm in {_MATRIX_NORMS}, got {ord}"
            )
        return
    if axis is not None and not isinstance(axis, int):
        raise ValueError(wrong)
    size: Any = ord
    if ord != "euclidean" and (not np.isreal(size) or size <= 0):
        raise ValueError(f"'ord' must be a supported vector norm, got {ord}")


def _absolute_norm(
    size: Tensor, ord: Any, axis: Sequence[int] | None, of_matrix: bool
) -> Tensor:
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
