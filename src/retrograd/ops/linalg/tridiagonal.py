"""Matrices with three diagonals, however the diagonals are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrograd.graph.tensor import Tensor
from retrograd.ops.array.join import stack
from retrograd.ops.array.pad import pad
from retrograd.ops.array.shape import expand_dims, matrix_transpose, squeeze
from retrograd.ops.declare import F
from retrograd.ops.linalg.diagonals import matrix_diag_part
from retrograd.ops.math.casts import conj

Diagonals = tuple[Tensor, Tensor, Tensor]


def _sizes(x: Tensor) -> Any:
    """The static shape of a tensor or a variable; of a variable no tensor is made."""
    return x._shape_raw if isinstance(x, Tensor) else tuple(x.shape.as_list())


def _sequence(diagonals: Any) -> Diagonals:
    """The diagonals above, on and below the main one, all of its length."""
    if not isinstance(diagonals, (tuple, list)) or len(diagonals) != 3:
        raise ValueError("Expected diagonals to be a sequence of length 3.")
    above, main, below = diagonals
    batch = main.shape[:-1]
    if not (
        below.shape[:-1].is_compatible_with(batch)
        and above.shape[:-1].is_compatible_with(batch)
    ):
        raise ValueError(
            "Tensors representing the three diagonals must have the same shape,"
            f"except for the last dimension, got {below.shape}, {main.shape}, "
            f"{above.shape}"
        )
    size = _sizes(main)[-1]
    return (
        _lengthened(above, size, "superdiagonal", [0, 1]),
        main,
        _lengthened(below, size, "subdiagonal", [1, 0]),
    )


def _lengthened(x: Tensor, size: int, name: str, where: list[int]) -> Tensor:
    raw = _sizes(x) or (None,)
    if not raw[-1] or raw[-1] == size:
        return x
    if raw[-1] != size - 1:
        raise ValueError(
            f"Expected {name} to be have length {size} or {size - 1}, got {raw[-1]}."
        )
    return pad(x, [*([0, 0] for _ in raw[:-1]), where])


def _of_matrix(matrix: Tensor) -> Diagonals:
    """The three diagonals of square matrices, each of full length."""
    raw = _sizes(matrix) or (None, None)
    sizes = {d for d in raw[-2:] if d}
    if len(sizes) > 1:
        raise ValueError(
            "Expected last two dimensions of diagonals to be same, got "
            f"{raw[-1]} and {raw[-2]}"
        )
    if not sizes:
        raise ValueError(
            'The size of the matrix needs to be known for diagonals_format="matrix"'
        )
    above = matrix_diag_part(matrix[..., :-1, 1:])
    below = matrix_diag_part(matrix[..., 1:, :-1])
    rest = [[0, 0]] * (len(raw) - 2)
    return (
        pad(above, [*rest, [0, 1]]),
        matrix_diag_part(matrix),
        pad(below, [*rest, [1, 0]]),
    )


def _compact(diagonals: Any, form: str) -> Tensor:
    """The diagonals as one tensor [..., 3, m]."""
    if form == "compact":
        return diagonals
    if form == "sequence":
        return stack(_sequence(diagonals), axis=-2)
    if form == "matrix":
        return stack(_of_matrix(diagonals), axis=-2)
    raise ValueError(f"Unrecognized diagonals_format: {form}")


def tridiagonal_solve(
    diagonals: Tensor | Sequence[Tensor],
    rhs: Tensor,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
) -> Tensor:
    """The X with A X = `rhs`, where A has three diagonals.

    Args:
      diagonals: "compact": [..., 3, m], those above, on and below the main diagonal;
        "sequence": three tensors; "matrix": [..., m, m].
      rhs: [..., m] or [..., m, k].
      diagonals_format: which of these.
      transpose_rhs: whether `rhs` and the result are [..., k, m].
      conjugate_rhs: whether `rhs` is conjugated first.
      name: the name of the operation.
      partial_pivoting: accepted; rows are always exchanged where that is more exact.

    Raises:
      ValueError: shapes that do not go together.
    """
    packed = _compact(diagonals, diagonals_format)
    count, rank = len(packed.shape), len(rhs.shape)
    if count < 2:
        raise ValueError(f"Expected diagonals to have rank at least 2, got {count}")
    if rank not in (count, count - 1):
        raise ValueError(
            f"Expected the rank of rhs to be {count - 1} or {count}, got {rank}"
        )
    raw = _sizes(packed) or (None,) * count
    if raw[-2] not in (3, None):
        raise ValueError(f"Expected 3 diagonals got {raw[-2]}")
    batches = packed.shape[:-2], rhs.shape[: count - 2]
    if not batches[0].is_compatible_with(batches[1]):
        raise ValueError(f"Batch shapes {batches[0]} and {batches[1]} are incompatible")
    if conjugate_rhs:
        rhs = conj(rhs)
    is_vector = rank == count - 1
    if is_vector:
        rhs = expand_dims(rhs, -1)
    elif transpose_rhs:
        rhs = matrix_transpose(rhs)
    rows = (_sizes(rhs) or (None,) * count)[-2]
    if raw[-1] and rows and raw[-1] != rows:
        raise ValueError(
            "Expected number of left-hand sided and right-hand sides to be equal, got "
            f"{raw[-1]} and {rows}"
        )
    result = F.TridiagonalSolve(
        packed, rhs, partial_pivoting=partial_pivoting, name=name
    )
    if is_vector:
        return squeeze(result, -1)
    return matrix_transpose(result) if transpose_rhs else result


def tridiagonal_matmul(
    diagonals: Tensor | Sequence[Tensor],
    rhs: Tensor,
    diagonals_format: str = "compact",
    name: str | None = None,
) -> Tensor:
    """A `rhs`, where A has three diagonals; arguments as for `tridiagonal_solve`.

    Raises:
      ValueError: shapes that do not go together.
    """
    if diagonals_format == "compact":
        packed: Any = diagonals
        parts = [packed[..., i, :] for i in range(3)]
    elif diagonals_format == "sequence":
        parts = list(diagonals)
    elif diagonals_format == "matrix":
        matrix: Any = diagonals
        parts = list(_of_matrix(matrix))
    else:
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    return F.TridiagonalMatMul(*(expand_dims(p, -2) for p in parts), rhs, name=name)
