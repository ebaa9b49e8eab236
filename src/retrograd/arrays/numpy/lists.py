"""Lists of tensors, as values."""

from typing import Any

from retrograd.arrays.list_value import TensorList
from retrograd.graph.tensor import RawShape


def new_list(count: int, dtype: Any, shape: RawShape, limit: int = -1) -> TensorList:
    """Return a list of `count` elements that are not set.

    `dtype` is a DType, `shape` what is known of the elements, `limit` how many there
    may be (−1 for any number).
    """
    return TensorList([None] * count, dtype, shape, limit)


def list_of(tensors: Any, dtype: Any, shape: RawShape) -> TensorList:
    """Return a list of the rows of an array, or of the arrays in a Python list."""
    return TensorList(list(tensors), dtype, shape)
