"""Lists of tensors, as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd.arrays.list_value import TensorList
from retrograd.graph.tensor import RawShape

if TYPE_CHECKING:
    from retrograd.dtypes import DType
    from retrograd.typing import Array


def new_list(count: int, dtype: DType, shape: RawShape, limit: int = -1) -> TensorList:
    """Return a list of `count` elements that are not set.

    `dtype` is a DType, `shape` what is known of the elements, `limit` how many there
    may be (−1 for any number).
    """
    return TensorList([None] * count, dtype, shape, limit)


def list_of(
    tensors: Array | Sequence[Array], dtype: DType, shape: RawShape
) -> TensorList:
    """Return a list of the rows of an array, or of the arrays in a Python list."""
    return TensorList(list(tensors), dtype, shape)
