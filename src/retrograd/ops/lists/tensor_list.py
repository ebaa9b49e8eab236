"""Functions that make and change lists of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.lists.tensor_list_ops import element_shape_input

if TYPE_CHECKING:
    from retrograd.ops.lists.tensor_list_ops import ElementShape
    from retrograd.typing import DTypeLike, TensorLike


def empty_tensor_list(
    element_shape: ElementShape,
    element_dtype: DTypeLike,
    max_num_elements: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """A list without elements (see `EmptyTensorList`)."""
    limit = -1 if max_num_elements is None else max_num_elements
    shape = element_shape_input(element_shape)
    return F.EmptyTensorList(shape, limit, element_dtype=element_dtype, name=name)


def tensor_list_reserve(
    element_shape: ElementShape,
    num_elements: TensorLike,
    element_dtype: DTypeLike,
    name: str | None = None,
) -> Tensor:
    """A list of elements that are not set."""
    shape = element_shape_input(element_shape)
    return F.TensorListReserve(
        shape, num_elements, element_dtype=element_dtype, name=name
    )


def tensor_list_from_tensor(
    tensor: TensorLike, element_shape: ElementShape, name: str | None = None
) -> Tensor:
    """A list of what a tensor holds along its first axis."""
    return F.TensorListFromTensor(tensor, element_shape_input(element_shape), name=name)


def tensor_list_get_item(
    input_handle: TensorLike,
    index: TensorLike,
    element_dtype: DTypeLike,
    element_shape: ElementShape = None,
    name: str | None = None,
) -> Tensor:
    """One element of a list."""
    shape = element_shape_input(element_shape)
    return F.TensorListGetItem(
        input_handle, index, shape, element_dtype=element_dtype, name=name
    )


def tensor_list_set_item(
    input_handle: TensorLike,
    index: TensorLike,
    item: TensorLike,
    resize_if_index_out_of_bounds: bool = False,
    name: str | None = None,
) -> Tensor:
    """A list with another element in one place, lengthened first if asked for."""
    if resize_if_index_out_of_bounds:
        handle, size = input_handle, F.TensorListLength(input_handle)
        index = convert_to_tensor(index, dtypes.int32)
        input_handle = cond(
            F.GreaterEqual(index, size),
            lambda: F.TensorListResize(handle, F.AddV2(index, np.int32(1))),
            lambda: handle,
        )
    return F.TensorListSetItem(input_handle, index, item, name=name)


def tensor_list_push_back(
    input_handle: TensorLike, tensor: TensorLike, name: str | None = None
) -> Tensor:
    """A list with one more element."""
    return F.TensorListPushBack(input_handle, tensor, name=name)


def tensor_list_pop_back(
    input_handle: TensorLike, element_dtype: DTypeLike, name: str | None = None
) -> Any:
    """A list less its last element, and that element."""
    return F.TensorListPopBack(input_handle, -1, element_dtype=element_dtype, name=name)


def tensor_list_gather(
    input_handle: TensorLike,
    indices: TensorLike,
    element_dtype: DTypeLike,
    element_shape: ElementShape = None,
    name: str | None = None,
) -> Tensor:
    """The elements with the given indices along a new first axis."""
    shape = element_shape_input(element_shape)
    return F.TensorListGather(
        input_handle, indices, shape, element_dtype=element_dtype, name=name
    )


def tensor_list_scatter(
    tensor: TensorLike,
    indices: TensorLike,
    element_shape: ElementShape = None,
    input_handle: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """A list with the rows of a tensor in the given places."""
    if input_handle is not None:
        return F.TensorListScatterIntoExistingList(
            input_handle, tensor, indices, name=name
        )
    shape = element_shape_input(element_shape)
    return F.TensorListScatterV2(tensor, indices, shape, -1, name=name)


def tensor_list_stack(
    input_handle: TensorLike,
    element_dtype: DTypeLike,
    num_elements: int = -1,
    element_shape: ElementShape = None,
    name: str | None = None,
) -> Tensor:
    """The elements of a list along a new first axis."""
    shape = element_shape_input(element_shape)
    return F.TensorListStack(
        input_handle,
        shape,
        element_dtype=element_dtype,
        num_elements=num_elements,
        name=name,
    )


def tensor_list_concat(
    input_handle: TensorLike,
    element_dtype: DTypeLike,
    element_shape: ElementShape = None,
    name: str | None = None,
) -> Tensor:
    """The elements of a list along their first axis."""
    shape = element_shape_input(element_shape)
    none = np.zeros(0, np.int64)
    return F.TensorListConcatV2(
        input_handle, shape, none, element_dtype=element_dtype, name=name
    )[0]


def tensor_list_split(
    tensor: TensorLike,
    element_shape: ElementShape,
    lengths: TensorLike,
    name: str | None = None,
) -> Tensor:
    """A list of consecutive parts of a tensor."""
    shape = element_shape_input(element_shape)
    return F.TensorListSplit(tensor, shape, lengths, name=name)
