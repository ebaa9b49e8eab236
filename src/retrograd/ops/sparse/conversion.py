"""Sparse tensors from and to dense ones: `tf.sparse.to_dense`, `from_dense`, …"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor, SparseTensorValue, is_sparse
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import fill, ones, range_, zeros
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import expand_dims, shape_internal
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.array.sparse_order import sparse_reorder
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.sparse.operands import sparse

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike

    #: a sparse tensor, or the value of one
    SparseLike = SparseTensor | SparseTensorValue


# ---------------------------------------------------------------------- to dense


def sparse_to_dense(
    sparse_indices: TensorLike,
    output_shape: TensorLike,
    sparse_values: TensorLike,
    default_value: TensorLike = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """A tensor with values at some places and a default elsewhere.

    Args:
      sparse_indices: int32 or int64, [n, rank]; [n] or a scalar of a vector.
      output_shape: the shape, 1-D.
      sparse_values: a value for each place, or one for all.
      default_value: what stands elsewhere.
      validate_indices: whether the places must be in order, each once.
      name: the name of the operation.
    """
    return F.SparseToDense(
        sparse_indices,
        output_shape,
        sparse_values,
        default_value,
        validate_indices=validate_indices,
        name=name,
    )


def sparse_tensor_to_dense(
    sp_input: SparseLike,
    default_value: TensorLike | None = None,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """A sparse tensor written out in full.

    Args:
      sp_input: a sparse tensor.
      default_value: what stands where it has no element; zero, or an empty string.
      validate_indices: whether its elements must be in order, each once.
      name: the name of the operation.

    Raises:
      TypeError: it is another kind of value.
    """
    given = sparse(sp_input)
    if default_value is None:
        default_value = zeros([], given.dtype)
    return sparse_to_dense(
        given.indices,
        given.dense_shape,
        given.values,
        default_value,
        validate_indices,
        name,
    )


def sparse_to_indicator(
    sp_input: SparseLike, vocab_size: int | Tensor, name: str | None = None
) -> Tensor:
    """Which ids each row of a sparse tensor holds, as truth values.

    Args:
      sp_input: int32 or int64 ids, [..., n].
      vocab_size: the number of ids, the size of the last axis of the result.
      name: the name of the operations.

    Raises:
      TypeError: it is another kind of value.
    """
    given = sparse(sp_input)
    with name_scope(name, "SparseToIndicator", [given]) as scope:
        count = sizes_of(given.indices)[0]
        true = fill(expand_dims(count, 0), True)
        ones_ = SparseTensor(given.indices, true, given.dense_shape)
        ids = _merged([given], ones_, [vocab_size])
        return sparse_tensor_to_dense(ids, False, validate_indices=False, name=scope)


# ---------------------------------------------------------------------- ids and values


def _merged(
    ids: Sequence[SparseTensor],
    values: SparseTensor,
    sizes: Sequence[int | Tensor],
    already_sorted: bool = False,
) -> SparseTensor:
    """The values, with ids in the place of the last index."""
    columns = []
    for one in ids:
        numbers = one.values
        if numbers.dtype != dtypes.int64:
            numbers = cast(numbers, dtypes.int64)
        columns.append(expand_dims(numbers, axis=1))
    counts = [cast(size, dtypes.int64) for size in sizes]
    indices = concat([ids[0].indices[:, :-1], *columns], axis=1)
    shape = concat([ids[0].dense_shape[:-1], counts], axis=0)
    result = SparseTensor(indices, values.values, shape)
    if already_sorted:
        return result
    ordered = sparse_reorder(result)
    return SparseTensor(ordered.indices, ordered.values, shape)


def sparse_merge(
    sp_ids: SparseLike | Sequence[SparseLike],
    sp_values: SparseLike,
    vocab_size: int | Tensor | Sequence[int | Tensor],
    name: str | None = None,
    already_sorted: bool = False,
) -> SparseTensor:
    """A sparse tensor of values at ids: ids take the place of the last index.

    Args:
      sp_ids: ids, a sparse tensor or a list of some; each adds an axis.
      sp_values: values at the same places.
      vocab_size: the number of ids; a list where `sp_ids` is one.
      name: the name of the operations.
      already_sorted: whether elements are in order as they are.

    Raises:
      TypeError: ids or values are not sparse, or a list stands beside no list.
      ValueError: the lists are not equally long.
    """
    if is_sparse(sp_ids):
        given: Sequence[Any] = [sp_ids]
        if not isinstance(vocab_size, int | Tensor | np.integer):
            raise TypeError(
                f"vocab_size has to be a Tensor or Python int. Found {type(vocab_size)}"
            )
        sizes: Any = [vocab_size]
    else:
        if not isinstance(sp_ids, list | tuple):
            raise TypeError(
                f"sp_ids has to be a SparseTensor or list thereof. Found {type(sp_ids)}"
            )
        if not isinstance(vocab_size, list | tuple):
            raise TypeError(
                "vocab_size has to be a list of Tensors or Python ints. Found "
                f"{type(vocab_size)}"
            )
        given, sizes = sp_ids, vocab_size
    if len(given) != len(sizes):
        raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    with name_scope(name, "SparseMerge", [*given, sp_values]):
        ids = [sparse(one) for one in given]
        return _merged(ids, sparse(sp_values), sizes, already_sorted)


# ---------------------------------------------------------------------- made


def from_dense(tensor: TensorLike, name: str | None = None) -> SparseTensor:
    """The elements of a dense tensor that are not zero, as a sparse one.

    Args:
      tensor: numbers or truth values.
      name: the name of the operations.
    """
    with name_scope(name, "dense_to_sparse"):
        given = convert_to_tensor(tensor)
        nothing = convert_to_tensor(0, given.dtype)
        indices = F.Where(F.NotEqual(given, nothing))
        values = gather_nd(given, indices)
        shape = shape_internal(given, out_type=dtypes.int64)
        return SparseTensor(indices, values, shape)


def sparse_eye(
    num_rows: int | Tensor,
    num_columns: int | Tensor | None = None,
    dtype: DTypeLike = dtypes.float32,
    name: str | None = None,
) -> SparseTensor:
    """A sparse matrix with ones on its diagonal.

    Args:
      num_rows: its height.
      num_columns: its width; by default as its height.
      dtype: the type of its elements.
      name: the name of the operations.
    """
    with name_scope(name, "eye", [num_rows, num_columns]):
        rows = _size(num_rows, "num_rows")
        columns = rows if num_columns is None else _size(num_columns, "num_columns")
        count = F.Minimum(rows, columns)
        diagonal = range_(count, dtype=dtypes.int64)
        return SparseTensor(
            stack([diagonal, diagonal], axis=1),
            ones(count, dtype),
            [rows, columns],
        )


def _size(size: int | Tensor, name: str) -> Tensor:
    if isinstance(size, Tensor):
        return cast(size, dtypes.int64, name)
    return convert_to_tensor(size, dtypes.int64, name)
