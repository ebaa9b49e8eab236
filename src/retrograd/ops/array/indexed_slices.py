"""IndexedSlices as dense tensors."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.graph.composite import IndexedSlices
from retrograd.graph.convert import register_tensor_conversion_function
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.dtypes import DType


#: a dense tensor of more elements than this deserves a warning
_LARGE = 100_000_000


def _dense_slices(
    value: IndexedSlices,
    dtype: DType | None = None,
    name: str | None = None,
    as_ref: bool = False,
) -> Tensor:
    """IndexedSlices as a tensor: rows with the same index add up."""
    del as_ref
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with "
            f"dtype {value.dtype.name}"
        )
    if value.dense_shape is None:
        raise ValueError(
            "Tensor conversion requested for IndexedSlices without dense_shape: "
            f"{value}"
        )
    count = shapes.size(constant_as_shape(value.dense_shape))
    if count is None:
        warnings.warn(
            "Converting sparse IndexedSlices to a dense Tensor of unknown shape. "
            "This may consume a large amount of memory.",
            stacklevel=2,
        )
    elif count >= _LARGE:
        warnings.warn(
            f"Converting sparse IndexedSlices to a dense Tensor with {count} "
            "elements. This may consume a large amount of memory.",
            stacklevel=2,
        )
    return F.UnsortedSegmentSum(
        value.values, value.indices, value.dense_shape[0], name=name
    )


register_tensor_conversion_function(IndexedSlices, _dense_slices)
