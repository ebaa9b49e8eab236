"""The order of the elements of sparse tensors: `tf.sparse.reorder`."""

from __future__ import annotations

from typing import Any

from retrograd.graph.composite import SparseTensor, SparseTensorValue
from retrograd.ops.array.identity import identity
from retrograd.ops.declare import F


def sparse_reorder(
    sp_input: SparseTensor | SparseTensorValue, name: str | None = None
) -> SparseTensor:
    """A sparse tensor with its elements in order: of two, the one further up first.

    Args:
      sp_input: a sparse tensor.
      name: the name of the operation.

    Raises:
      TypeError: it is another kind of value.
    """
    if not isinstance(sp_input, SparseTensor | SparseTensorValue):
        raise TypeError("Input must be a SparseTensor.")
    given = SparseTensor.from_value(sp_input)
    indices, values = F.SparseReorder(
        given.indices, given.values, given.dense_shape, name=name
    )
    shape: Any = given.shape
    known = shape.is_fully_defined()
    shape = shape.as_list() if known else identity(given.dense_shape)
    return SparseTensor(indices, values, shape)
