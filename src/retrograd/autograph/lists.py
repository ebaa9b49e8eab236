"""Lists, items and stacks of converted code with `Feature.LISTS`.

A list that begins empty is one of the graph (a variant tensor), so that loops of the
graph can append to it; others stay Python's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes
from retrograd.autograph.state import is_dense
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.lists import tensor_list
from retrograd.ops.lists.tensor_array import TensorArray

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ShapeLike, TensorLike

    #: a list of Python, a TensorArray, or a tensor that is a list of the graph
    Listed: TypeAlias = list[Any] | TensorArray | Tensor


def _is_list(value: object) -> bool:
    """Whether a value is a list of the graph."""
    return isinstance(value, Tensor) and value.dtype.base_dtype is dtypes.variant


def new_list(items: list[Any]) -> Listed:
    """A list: one of the graph where there is nothing in it yet."""
    return items or tensor_list.empty_tensor_list(-1, dtypes.variant)


def list_append(list_: Listed, item: TensorLike) -> Listed:
    """A list with one more item; a list of Python is changed."""
    if isinstance(list_, TensorArray):
        return list_.write(list_.size(), item)
    if not _is_list(list_):
        list_.append(item)  # pyright: ignore[reportAttributeAccessIssue]
        return list_
    item = convert_to_tensor(item)
    begun = F.Greater(F.TensorListLength(list_), 0)

    def fresh() -> Tensor:
        # only now it is known what the elements are
        return tensor_list.empty_tensor_list(item.shape, item.dtype)

    ready = cond(begun, lambda: list_, fresh)
    return tensor_list.tensor_list_push_back(ready, item)


def list_pop(
    list_: Listed, place: int | None, dtype: DTypeLike | None, shape: ShapeLike
) -> tuple[Listed, object]:
    """A list less one item, and the item.

    Args:
      list_: the list.
      place: which one; None for the last.
      dtype, shape: what `set_element_type` says.

    Raises:
      NotImplementedError: another than the last, from a list of the graph.
      ValueError: it is not known what the elements of such a list are.
    """
    if not _is_list(list_):
        pop: Callable[..., Any] = list_.pop  # pyright: ignore[reportAttributeAccessIssue]
        return list_, pop() if place is None else pop(place)
    if place is not None:
        raise NotImplementedError("tensor lists only support removing from the end")
    for given, what in ((dtype, "type"), (shape, "shape")):
        if given is None:
            raise ValueError(
                f"cannot pop from a list without knowing its element {what}; use "
                "set_element_type to annotate it"
            )
    rest, item = F.TensorListPopBack(list_, -1, element_dtype=dtype)
    item.set_shape(shape)
    return rest, item


def list_stack(
    list_: Listed, dtype: DTypeLike | None, original: Callable[[Any], Any]
) -> object:
    """The items of a list as one tensor.

    Args:
      list_: the list.
      dtype: what `set_element_type` says.
      original: what is called for lists of Python.

    Raises:
      ValueError: it is not known what the elements of a list of the graph are.
    """
    if isinstance(list_, TensorArray):
        return list_.stack()
    if not _is_list(list_):
        return original(list_)
    if dtype is None:
        raise ValueError(
            "cannot stack a list without knowing its element type; use "
            "set_element_type to annotate it"
        )
    return tensor_list.tensor_list_stack(list_, dtype)


def get_item(target: Any, index: Any, dtype: DTypeLike | None) -> object:
    """`target[index]`; of a string tensor a character."""
    if isinstance(target, TensorArray):
        return target.read(index)
    if _is_list(target):
        if dtype is None:
            raise ValueError(
                "cannot retrieve from a list without knowing its element type; use "
                "set_element_type to annotate it"
            )
        return tensor_list.tensor_list_get_item(target, index, dtype)
    if isinstance(target, Tensor) and target.dtype.base_dtype is dtypes.string:
        if target.shape.ndims == 0:
            return F.Substr(target, index, 1)
    return target[index]


def set_item(target: Any, index: Any, value: TensorLike) -> object:
    """What is left of `target[index] = value`: a list of Python is changed."""
    if isinstance(target, TensorArray):
        return target.write(index, value)
    if _is_list(target):
        return tensor_list.tensor_list_set_item(target, index, value)
    if isinstance(target, Tensor):
        return F.TensorScatterUpdate(target, [[index]], [value])
    target[index] = value
    return target


def stack(
    list_or_tensor: Listed, element_dtype: DTypeLike | None = None, strict: bool = True
) -> object:
    """The items of a list as one tensor.

    Args:
      list_or_tensor: a list of the graph, as converted code has with `Feature.LISTS`,
        or anything.
      element_dtype: the dtype of the items.
      strict: whether anything but lists of the graph is refused; else it is returned.

    Raises:
      ValueError: it is refused.
    """

    def other(value: Listed) -> Listed:
        if strict:
            raise ValueError(f"{value} must be stackable when strict=True")
        return value

    if is_dense(list_or_tensor) and not _is_list(list_or_tensor):
        return list_or_tensor
    return list_stack(list_or_tensor, element_dtype, other)
