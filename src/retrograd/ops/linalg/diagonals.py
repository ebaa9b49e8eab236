"""Diagonals and bands of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import ones, zeros
from retrograd.ops.declare import F
from retrograd.ops.flow.horizon import forward_compatible

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


def matrix_band_part(
    input: TensorLike,
    num_lower: TensorLike,
    num_upper: TensorLike,
    name: str | None = None,
) -> Tensor:
    """Matrices with zeros outside a band around the main diagonal.

    Args:
      input: shape [..., m, n].
      num_lower: how many diagonals to keep below the main one; all if negative.
      num_upper: how many above.
      name: the name of the operation.
    """
    return F.MatrixBandPart(input, num_lower, num_upper, name=name)


def matrix_diag(
    diagonal: TensorLike,
    name: str = "diag",
    k: TensorLike = 0,
    num_rows: TensorLike = -1,
    num_cols: TensorLike = -1,
    padding_value: TensorLike = 0,
) -> Tensor:
    """Square matrices with the given main diagonals [..., n], zeros elsewhere.

    As in TensorFlow 1.15, the arguments after the name have no effect (before the date
    of `forward_compatible` below).
    """
    if not forward_compatible(*_ANY_DIAGONALS):
        return F.MatrixDiag(diagonal, name=name)
    padding = _as_element(padding_value, diagonal)
    return F.MatrixDiagV2(diagonal, k, num_rows, num_cols, padding, name=name)


#: when TensorFlow began to make the ops for any diagonals
_ANY_DIAGONALS = (2019, 8, 31)


def _as_element(value: TensorLike, like: TensorLike) -> Any:
    """A number as a truth value where those of `like` are such."""
    return bool(value) if getattr(like, "dtype", None) == dtypes.bool else value


def matrix_diag_part(
    input: TensorLike,
    name: str = "diag_part",
    k: TensorLike = 0,
    padding_value: TensorLike = 0,
) -> Tensor:
    """The main diagonals of matrices [..., m, n]; see `matrix_diag`."""
    if not forward_compatible(*_ANY_DIAGONALS):
        return F.MatrixDiagPart(input, name=name)
    return F.MatrixDiagPartV2(input, k, _as_element(padding_value, input), name=name)


def matrix_set_diag(
    input: TensorLike, diagonal: TensorLike, name: str = "set_diag", k: TensorLike = 0
) -> Tensor:
    """Matrices [..., m, n] with other main diagonals; see `matrix_diag`."""
    if not forward_compatible(*_ANY_DIAGONALS):
        return F.MatrixSetDiag(input, diagonal, name=name)
    return F.MatrixSetDiagV2(input, diagonal, k, name=name)


def diag(diagonal: TensorLike, name: str | None = None) -> Tensor:
    """A tensor of twice the rank, zero but where both halves of the index are equal."""
    return F.Diag(diagonal, name=name)


def diag_part(input: TensorLike, name: str | None = None) -> Tensor:
    """The elements where both halves of the index are equal."""
    return F.DiagPart(input, name=name)


def eye(
    num_rows: TensorLike,
    num_columns: TensorLike | None = None,
    batch_shape: TensorLike | None = None,
    dtype: DTypeLike = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Identity matrices.

    Args:
      num_rows: how many rows, a number or a tensor.
      num_columns: how many columns, by default as many.
      batch_shape: the shape of the batch, by default none.
      dtype: the element type.
      name: the name scope.

    Raises:
      TypeError: sizes that are neither integers nor tensors.
    """
    with name_scope(name, "eye", [num_rows, num_columns, batch_shape]):
        columns = num_rows if num_columns is None else num_columns
        batch = [] if batch_shape is None else batch_shape
        square = num_columns is None
        if isinstance(num_rows, Tensor) or isinstance(columns, Tensor):
            size = F.Minimum(num_rows, columns)
        else:
            if not (_is_integer(num_rows) and _is_integer(columns)):
                raise TypeError(
                    "num_rows and num_columns must be positive integer values."
                )
            square = num_rows == columns
            size = min(num_rows, columns)
        if isinstance(batch, Tensor) or isinstance(size, Tensor):
            batch = convert_to_tensor(batch, dtypes.int32, "shape")
        diagonal = ones(_joined(batch, [size]), dtype=dtype)
        if square:
            return matrix_diag(diagonal)
        empty = zeros(_joined(batch, [num_rows, columns]), dtype=dtype)
        return matrix_set_diag(empty, diagonal)


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, (int, np.integer))


def _joined(batch: Any, sizes: Sequence[TensorLike]) -> TensorLike:
    """A batch shape and further sizes, as one list or one tensor."""
    if isinstance(batch, Tensor):
        return F.ConcatV2([batch, sizes], 0, name="concat")
    return [*batch, *sizes]
