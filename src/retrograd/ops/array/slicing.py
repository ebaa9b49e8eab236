"""Slices: Slice, and StridedSlice, which is Python's `x[...]` with all its forms."""

from __future__ import annotations

import sys
from types import EllipsisType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import stack
from retrograd.ops.array.slicing_ops import _MASKS
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

    #: an item of a subscript, or several; a mask of booleans
    Subscript: TypeAlias = TensorLike | slice | EllipsisType | tuple[Any, ...] | None


#: in a subscript: a new axis of size 1
newaxis = None


def slice_(
    input_: TensorLike, begin: TensorLike, size: TensorLike, name: str | None = None
) -> Tensor:
    """The block of `input_` that starts at `begin` and has the shape `size`.

    Args:
      input_: a tensor.
      begin: 1-D int32 or int64, one number for each axis.
      size: likewise; −1 means: to the end of the axis.
      name: the name of the operation.
    """
    return F.Slice(input_, begin, size, name=name)


def strided_slice(
    input_: TensorLike,
    begin: TensorLike,
    end: TensorLike,
    strides: TensorLike | None = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """Every `strides`-th element from `begin` to before `end`, along each axis.

    Bit i of a mask changes what element i of `begin`, `end` and `strides` means:

    Args:
      input_: a tensor.
      begin: 1-D int32 or int64; negative numbers count from the end.
      end: likewise.
      strides: likewise, not 0; by default ones.
      begin_mask: begin at the very first element.
      end_mask: end after the very last.
      ellipsis_mask: take all axes that the others leave.
      new_axis_mask: insert an axis of size 1.
      shrink_axis_mask: take the one element at `begin`, and drop the axis.
      var: the variable that `input_` is the value of, to assign to.
      name: the name of the operation.

    Returns:
      A tensor whose method `assign(value)` changes the slice of the variable.

    Raises:
      ValueError: (static) the slice does not fit; (assign) there is no variable.
    """
    if strides is None:
        from retrograd.ops.array.fill import ones_like

        strides = ones_like(begin)
    masks: dict[str, Any] = dict(
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
    )
    found = F.StridedSlice(input_, begin, end, strides, name=name, **masks)
    if var is None and context.executing_eagerly():
        return found
    parent = name

    def assign(val: TensorLike, name: str | None = None) -> Any:
        if var is None:
            raise ValueError("Sliced assignment is only supported for variables")
        return var._strided_slice_assign(
            begin=begin,
            end=end,
            strides=strides,
            value=val,
            name=f"{parent}_assign" if name is None else name,
            **masks,
        )

    found.assign = assign
    return found


_INDEX_ERROR = (
    "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
    "tf.int32/tf.int64 tensors are valid indices"
)


def _check_index(index: object) -> None:
    """Refuse what is neither an integer nor a scalar tensor of integers.

    Raises:
      TypeError: for the others.
    """
    if isinstance(index, (int, shapes.Dimension)):
        return
    dtype, sizes = getattr(index, "dtype", None), getattr(index, "shape", ())
    if dtype is not None:
        base = dtypes.as_dtype(dtype).base_dtype
        vector = bool(sizes) and len(sizes) == 1
        if base in (dtypes.int32, dtypes.int64) and not vector:
            return
    raise TypeError(f"{_INDEX_ERROR}, got {index!r}")


class _Subscript:
    """The bounds and masks of a subscript, collected item by item."""

    def __init__(self) -> None:
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self.strides: list[Any] = []
        self.masks: dict[str, Any] = dict.fromkeys(_MASKS, 0)

    def add(self, item: Any) -> None:
        bit = 1 << len(self.begin)
        if isinstance(item, slice):
            begin = self._bound(item.start, "begin_mask", bit)
            end = self._bound(item.stop, "end_mask", bit)
            if item.step is not None:
                _check_index(item.step)
            self._append(begin, end, 1 if item.step is None else item.step)
        elif item is Ellipsis:
            self.masks["ellipsis_mask"] |= bit
            self._append(0, 0, 1)
        elif item is None:
            self.masks["new_axis_mask"] |= bit
            self._append(0, 0, 1)
        else:
            _check_index(item)
            self.masks["shrink_axis_mask"] |= bit
            self._append(item, item + 1, 1)

    def _append(self, begin: TensorLike, end: TensorLike, stride: TensorLike) -> None:
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)

    def _bound(self, value: TensorLike | None, mask: str, bit: int) -> TensorLike:
        if value is None or (not isinstance(value, Tensor) and value == sys.maxsize):
            self.masks[mask] |= bit
            return 0
        _check_index(value)
        return value


def _is_mask(spec: object) -> TypeGuard[TensorLike]:
    if isinstance(spec, bool):
        return True
    return isinstance(spec, (Tensor, np.ndarray)) and spec.dtype == bool


def getitem(tensor: TensorLike, slice_spec: Subscript, var: Any = None) -> Tensor:
    """`tensor[slice_spec]`: integers, slices, `...`, None, scalar tensors, masks.

    Args:
      tensor: the tensor.
      slice_spec: an item, or a tuple or list of items; or a mask of booleans.
      var: the variable that `tensor` is the value of.

    Raises:
      TypeError: an item of another kind.
      ValueError: (static) the slice does not fit the shape.
    """
    if _is_mask(slice_spec):
        from retrograd.ops.array.selection import boolean_mask

        return boolean_mask(tensor, slice_spec)
    items = slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    spec = _Subscript()
    for item in items:
        spec.add(item)
    values = [tensor, *spec.begin, *spec.end, *spec.strides]
    with dispatch.name_scope(None, "strided_slice", values) as scope:
        if spec.begin:
            bounds = _same_type(
                [stack(spec.begin), stack(spec.end), stack(spec.strides)]
            )
        else:
            bounds = [constant([], dtype=dtypes.int32)] * 3
        begin, end, strides = bounds
        return strided_slice(
            tensor, begin, end, strides, var=var, name=scope, **spec.masks
        )


def _same_type(bounds: list[Tensor]) -> list[Tensor]:
    """All three in int64 if one is."""
    if all(b.dtype is not dtypes.int64 for b in bounds):
        return bounds
    return [
        b if b.dtype is dtypes.int64 else F.Cast(b, DstT=dtypes.int64) for b in bounds
    ]


def getitem_of_variable(var: Any, slice_spec: Subscript) -> Tensor:
    """`var[slice_spec]`, which can be assigned to."""
    return getitem(var.value(), slice_spec, var)


Tensor._override_operator("__getitem__", getitem)
