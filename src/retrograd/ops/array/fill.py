"""Ops that make tensors out of numbers: fills, zeros, ones, ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.shape import reshape, shape_internal
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, DTypeLike, TensorLike


def fill(dims: TensorLike, value: TensorLike, name: str | None = None) -> Tensor:
    """A tensor of shape `dims`, all of whose elements are `value`.

    Args:
      dims: 1-D int32 or int64.
      value: a scalar.
      name: the name of the operation.
    """
    return F.Fill(dims, value, name=name)


#: tensors of fewer elements are constants, larger ones are filled when run
_SMALL = 1000


def _filled_with(
    value: int | bool | str, shape: TensorLike, dtype: dtypes.DType, name: str
) -> Tensor:
    """A constant of few elements, or a Fill op; the names lie in the current scope."""
    if not isinstance(shape, Tensor):
        try:
            if _is_small(shape):
                return constant(value, shape=shape, dtype=dtype, name=name)
        except (TypeError, ValueError):
            pass
        sizes: Any = shape
        try:
            shape = convert_to_tensor(
                shapes.TensorShape(sizes), dtypes.int32, "shape_as_tensor"
            )
        except (TypeError, ValueError):
            shape = convert_to_tensor(shape, dtype=dtypes.int32)
    if not shape._shape_raw:
        shape = reshape(shape, [-1])
    return fill(shape, constant(value, dtype=dtype), name=name)


def _is_small(shape: TensorLike) -> TypeGuard[Sequence[int]]:
    """Whether the sizes are numbers with a small product.

    Tensors among them are multiplied and compared like numbers, which adds operations
    to the graph that nothing uses: TensorFlow 1.15 has them too, and names count on.
    """
    if isinstance(shape, (list, tuple)) and shape:
        if any(isinstance(d, Tensor) for d in shape):
            product: Any = shape[0]
            for d in shape[1:]:
                product = product * d
            return bool(product < _SMALL)
    elif isinstance(shape, shapes.TensorShape):
        count = shape.num_elements()
        return count is not None and count < _SMALL
    if not np.iterable(shape):
        raise TypeError("A single size is not a shape.")
    sizes: Any = shape
    return bool(np.prod(sizes) < _SMALL)


def zeros(
    shape: TensorLike, dtype: DTypeLike = dtypes.float32, name: str | None = None
) -> Tensor:
    """A tensor of zeros (False, or empty strings).

    Args:
      shape: a list of integers, a TensorShape or a 1-D int32 tensor.
      dtype: the type of the elements.
      name: the name of the operation.
    """
    dtype = dtypes.as_dtype(dtype).base_dtype
    zero: Any = 0
    if dtype is dtypes.bool:
        zero = False
    elif dtype is dtypes.string:
        zero = ""
    with dispatch.name_scope(name, "zeros", [shape]) as scope:
        return _filled_with(zero, shape, dtype, scope)


def ones(
    shape: TensorLike, dtype: DTypeLike = dtypes.float32, name: str | None = None
) -> Tensor:
    """A tensor of ones; the arguments are those of `zeros`."""
    dtype = dtypes.as_dtype(dtype).base_dtype
    with dispatch.name_scope(name, "ones", [shape]) as scope:
        return _filled_with(True if dtype is dtypes.bool else 1, shape, dtype, scope)


def zeros_like(
    tensor: CompositeLike,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    optimize: bool = True,
) -> Tensor:
    """Zeros in the shape of `tensor`.

    Args:
      tensor: any tensor.
      dtype: the type of the elements, by default that of `tensor`.
      name: the name of the operation.
      optimize: whether a constant may be made where the shape is known.
    """
    with dispatch.name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        wanted = tensor.dtype if dtype is None else dtypes.as_dtype(dtype)
        other = wanted != tensor.dtype
        variant = tensor.dtype.base_dtype is dtypes.variant
        if context.executing_eagerly():
            if other:
                return zeros(shape_internal(tensor, optimize=optimize), wanted, scope)
            return F.ZerosLike(tensor, name=scope)
        if optimize and tensor.shape.is_fully_defined() and not variant:
            return zeros(tensor.shape, dtype or tensor.dtype, scope)
        if other and wanted is not dtypes.variant:
            return zeros(shape_internal(tensor, optimize=optimize), wanted, scope)
        return F.ZerosLike(tensor, name=scope)


def zeros_like_v2(
    input: TensorLike, dtype: DTypeLike | None = None, name: str | None = None
) -> Tensor:
    """As `zeros_like`."""
    return zeros_like(input, dtype, name)


def ones_like(
    tensor: TensorLike,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    optimize: bool = True,
) -> Tensor:
    """Ones in the shape of `tensor`; the arguments are those of `zeros_like`."""
    with dispatch.name_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        sizes = shape_internal(tensor, optimize=optimize)
        found = ones(sizes, tensor.dtype if dtype is None else dtype, scope)
        if not context.executing_eagerly():
            found.set_shape(tensor.shape)
        return found


def ones_like_v2(
    input: TensorLike, dtype: DTypeLike | None = None, name: str | None = None
) -> Tensor:
    """As `ones_like`."""
    return ones_like(input, dtype, name)


_RANGE_DTYPES = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


def range_(
    start: TensorLike,
    limit: TensorLike | None = None,
    delta: TensorLike = 1,
    dtype: DTypeLike | None = None,
    name: str = "range",
) -> Tensor:
    """The numbers from `start` on, `delta` apart, before `limit`.

    With one number, that is the limit, and 0 the start.

    Args:
      start: a scalar.
      limit: a scalar, which is not reached.
      delta: a scalar, not zero.
      dtype: the type of the elements; by default the widest of the arguments'.
      name: the name of the operation.

    Raises:
      ValueError: (static) the limit lies in the other direction.
    """
    if limit is None:
        start, limit = 0, start
    with dispatch.name_scope(name, "Range", [start, limit, delta]) as scope:
        given = {"start": start, "limit": limit, "delta": delta}
        values = [convert_to_tensor(v, dtype, k) for k, v in given.items()]
        if dtype is None:
            widest = max((v.dtype.base_dtype for v in values), key=_RANGE_DTYPES.index)
            values = [_cast(v, widest) for v in values]
        return F.Range(*values, name=scope)


def bounds_of_range(tensor: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
    """Start, limit and distance of a tensor that `range` makes; None for others."""
    if getattr(tensor, "_is_eager", False) or tensor.op.type != "Range":
        return None
    start, limit, delta = tensor.op.inputs
    return start, limit, delta


def _cast(tensor: Tensor, dtype: dtypes.DType) -> Tensor:
    if tensor.dtype.base_dtype is dtype:
        return tensor
    return F.Cast(tensor, DstT=dtype)


def linspace(
    start: TensorLike, stop: TensorLike, num: TensorLike, name: str | None = None
) -> Tensor:
    """`num` numbers from `start` to `stop`, both included, at equal distances."""
    return F.LinSpace(start, stop, num, name=name)
