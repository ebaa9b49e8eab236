"""Sparse tensors as strings: `tf.serialize_sparse`, `tf.deserialize_many_sparse`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.ops.declare import F
from retrograd.ops.sparse.operands import parts, sparse
from retrograd.shapes import TensorShape

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.ops.sparse.conversion import SparseLike
    from retrograd.typing import DTypeLike, TensorLike


def serialize_sparse(
    sp_input: SparseLike,
    name: str | None = None,
    out_type: DTypeLike = dtypes.string,
) -> Tensor:
    """The three parts of a sparse tensor as strings, [3].

    Args:
      sp_input: a sparse tensor.
      name: the name of the operation.
      out_type: string, or variant.

    Raises:
      TypeError: it is not sparse.
    """
    return F.SerializeSparse(*parts(sparse(sp_input)), out_type=out_type, name=name)


def serialize_sparse_v2(
    sp_input: SparseLike,
    out_type: DTypeLike = dtypes.string,
    name: str | None = None,
) -> Tensor:
    """See `serialize_sparse`."""
    return serialize_sparse(sp_input, name, out_type)


def serialize_many_sparse(
    sp_input: SparseLike,
    name: str | None = None,
    out_type: DTypeLike = dtypes.string,
) -> Tensor:
    """The three parts of each row of a sparse tensor as strings, [rows, 3].

    Args:
      sp_input: a sparse tensor of rank 2 or more.
      name: the name of the operation.
      out_type: string, or variant.

    Raises:
      TypeError: it is not sparse.
    """
    return F.SerializeManySparse(*parts(sparse(sp_input)), out_type=out_type, name=name)


def serialize_many_sparse_v2(
    sp_input: SparseLike,
    out_type: DTypeLike = dtypes.string,
    name: str | None = None,
) -> Tensor:
    """See `serialize_many_sparse`."""
    return serialize_many_sparse(sp_input, name, out_type)


def deserialize_many_sparse(
    serialized_sparse: TensorLike,
    dtype: DTypeLike,
    rank: int | None = None,
    name: str | None = None,
) -> SparseTensor:
    """A sparse tensor, from the parts of its rows.

    Args:
      serialized_sparse: strings, [rows, 3].
      dtype: the type of its elements.
      rank: the rank of a row, if it is known.
      name: the name of the operation.
    """
    indices, values, shape = F.DeserializeManySparse(
        serialized_sparse, dtype=dtype, name=name
    )
    indices.set_shape(TensorShape([None, rank]))
    shape.set_shape(TensorShape([rank]))
    return SparseTensor(indices, values, shape)
