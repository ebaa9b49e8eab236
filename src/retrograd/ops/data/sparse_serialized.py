"""Functions for sparse tensors as one value: `tf.io.serialize_sparse` and its like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import CompositeLike, DTypeLike, TensorLike


def _sparse(value: CompositeLike) -> SparseTensor:
    if isinstance(value, SparseTensor):
        return value
    if isinstance(value, tuple) and hasattr(value, "dense_shape"):
        return SparseTensor.from_value(value)  # pyright: ignore[reportArgumentType]
    raise TypeError("Input must be a SparseTensor.")


def serialize_sparse_v2(
    sp_input: CompositeLike,
    out_type: DTypeLike = dtypes.string,
    name: str | None = None,
) -> Tensor:
    """A sparse tensor as three values.

    Args:
      sp_input: the sparse tensor.
      out_type: `tf.string` or `tf.variant`.
      name: the name of the operation.

    Raises:
      TypeError: it is no sparse tensor.
    """
    given = _sparse(sp_input)
    parts = given.indices, given.values, given.dense_shape
    return F.SerializeSparse(*parts, name=name, out_type=dtypes.as_dtype(out_type))


def serialize_sparse(
    sp_input: CompositeLike,
    name: str | None = None,
    out_type: DTypeLike = dtypes.string,
) -> Tensor:
    """See `serialize_sparse_v2`."""
    return serialize_sparse_v2(sp_input, out_type, name)


def serialize_many_sparse_v2(
    sp_input: CompositeLike,
    out_type: DTypeLike = dtypes.string,
    name: str | None = None,
) -> Tensor:
    """The rows of a sparse tensor, each as three values.

    Args:
      sp_input: a sparse tensor of at least two dimensions.
      out_type: `tf.string` or `tf.variant`.
      name: the name of the operation.

    Raises:
      TypeError: it is no sparse tensor.
    """
    given = _sparse(sp_input)
    parts = given.indices, given.values, given.dense_shape
    return F.SerializeManySparse(*parts, name=name, out_type=dtypes.as_dtype(out_type))


def serialize_many_sparse(
    sp_input: CompositeLike,
    name: str | None = None,
    out_type: DTypeLike = dtypes.string,
) -> Tensor:
    """See `serialize_many_sparse_v2`."""
    return serialize_many_sparse_v2(sp_input, out_type, name)


def deserialize_many_sparse(
    serialized_sparse: TensorLike,
    dtype: DTypeLike,
    rank: int | None = None,
    name: str | None = None,
) -> Any:
    """The sparse tensor whose rows are values of `serialize_many_sparse`.

    Args:
      serialized_sparse: strings, a row of three for each.
      dtype: the type of the elements.
      rank: that of a row.
      name: the name of the operation.
    """
    parts = F.DeserializeManySparse(
        serialized_sparse, name=name, dtype=dtypes.as_dtype(dtype)
    )
    if not hasattr(parts[0], "_value"):
        whole = None if rank is None else rank + 1
        parts[0].set_shape([None, whole])
        parts[2].set_shape([whole])
    return SparseTensor(*parts)
