"""Ops that make tensors out of numbers: fills, zeros, ones, ranges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.arguments import refused
from retrograd.ops.array.constant import constant
from retrograd.ops.array.shape import reshape, shape_internal
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op, rule
from retrograd.ops.infer import invalid, same, shape_text, with_rank
from retrograd.ops.static import constant as static_value
from retrograd.ops.static import constant_as_shape

# ---------------------------------------------------------------------- fills


def _filled(n: Any) -> RawShape:
    with_rank(n, 0, 1)
    with_rank(n, 1, 0)
    sizes = static_value(n._inputs[0])
    if sizes is not None and (sizes < 0).any():
        raise invalid(n, "Fill dimensions must be >= 0")
    return constant_as_shape(n._inputs[0])


@op(
    "Fill",
    infer=_filled,
    math="yᵢ = v",
    grad=dict(
        value=rule("v̄ = Σᵢ ȳᵢ", lambda n, dy: F.Sum(dy, F.Range(0, F.Rank(dy), 1)))
    ),
    static="dims",
)
def fill_kernel(xp: Any, dims: Any, value: Any) -> Any:
    """A tensor of the given shape, all of whose elements are `value`."""
    if np.ndim(dims) != 1:
        raise refused(f"dims must be a vector, got shape {_text(dims)}")
    if np.ndim(value):
        raise refused(f"value must be a scalar, got shape {_text(value)}")
    for size in dims.tolist():
        if size < 0:
            raise refused(f"Dimension {size} must be >= 0")
    return xp.full(tuple(dims.tolist()), value, value.dtype)


def _text(value: Any) -> str:
    return shape_text(tuple(np.shape(value)))


@op("ZerosLike", infer=same, math="y = 0", grad=NOT_DIFFERENTIABLE)
def zeros_like_kernel(xp: Any, x: Any) -> Any:
    """Zeros in the shape and dtype of x."""
    if hasattr(x, "zeros_like"):  # a list of tensors, or an optional
        return x.zeros_like()
    if x.dtype == object:
        return np.full(np.shape(x), b"", object)
    return xp.zeros(np.shape(x), x.dtype)


@op("OnesLike", infer=same, math="y = 1", grad=NOT_DIFFERENTIABLE)
def ones_like_kernel(xp: Any, x: Any) -> Any:
    """Ones in the shape and dtype of x."""
    return xp.ones(np.shape(x), x.dtype)


@op("Empty", infer=lambda n: constant_as_shape(n._inputs[0]), static="shape", pure=True)
def empty_kernel(xp: Any, shape: Any, *, dtype: Any) -> Any:
    """A tensor of the given shape; what is in it is not specified (zeros here)."""
    sizes = tuple(shape.tolist())
    if dtype.kind == "O":
        return np.full(sizes, b"", object)
    return xp.zeros(sizes, dtype)


# ---------------------------------------------------------------------- ranges


def _range_problem(start: Any, limit: Any, delta: Any) -> str:
    """What is wrong with the arguments of a range; empty if nothing is."""
    if delta > 0 and start > limit:
        return f"Requires start <= limit when delta > 0: {start}/{limit}"
    if delta < 0 and start < limit:
        return f"Requires start >= limit when delta < 0: {start}/{limit}"
    return "Requires delta != 0" if delta == 0 else ""


def _range_length(start: Any, limit: Any, delta: Any) -> int:
    if start.dtype.kind in "iu":
        whole, step = abs(int(limit) - int(start)), abs(int(delta))
        return (whole + step - 1) // step
    return math.ceil(abs((limit - start) / delta))


def _range_shape(n: Any) -> RawShape:
    for i in range(3):
        with_rank(n, i, 0)
    known = [static_value(t) for t in n._inputs]
    if any(v is None for v in known):
        return (None,)
    start, limit, delta = (v[()] for v in known)  # pyright: ignore[reportOptionalSubscript]
    problem = _range_problem(start, limit, delta)
    if problem:
        raise invalid(n, problem)
    return (_range_length(start, limit, delta),)


@op(
    "Range",
    infer=_range_shape,
    math="yᵢ = start + i · delta",
    grad=NOT_DIFFERENTIABLE,
    static=("start", "limit", "delta"),
)
def range_kernel(xp: Any, start: Any, limit: Any, delta: Any) -> Any:
    """The numbers from `start` on, `delta` apart, before `limit`."""
    del xp
    for name, value in (("start", start), ("limit", limit), ("delta", delta)):
        if np.ndim(value):
            raise refused(f"{name} must be a scalar, not shape {_text(value)}")
    start, limit, delta = (np.asarray(v)[()] for v in (start, limit, delta))
    problem = _range_problem(start, limit, delta)
    if problem:
        raise refused(problem + (": 0" if delta == 0 else ""))
    count = _range_length(start, limit, delta)
    if start.dtype.kind in "iu":
        steps = np.arange(count, dtype=np.int64)
        return (int(start) + steps * int(delta)).astype(start.dtype)
    # each number is the one before plus delta, rounded, as TensorFlow has it
    parts = np.full(count, delta, start.dtype)
    if count:
        parts[0] = start
    return np.cumsum(parts, dtype=start.dtype)


def _linspace_shape(n: Any) -> RawShape:
    for i in range(3):
        with_rank(n, i, 0)
    num = static_value(n._inputs[2])
    if num is None:
        return (None,)
    if num <= 0:
        raise invalid(n, f"Requires num > 0: {num}")
    return (int(num),)


@op(
    "LinSpace",
    infer=_linspace_shape,
    math="yᵢ = start + i (stop − start) / (num − 1)",
    grad=NOT_DIFFERENTIABLE,
    static="num",
)
def linspace_kernel(xp: Any, start: Any, stop: Any, num: Any) -> Any:
    """`num` numbers from `start` to `stop`, both included."""
    count = int(num)
    if count <= 0:
        raise refused(f"Requires num > 0: {count}")
    if count == 1:
        return xp.reshape(start, (1,))
    step = (stop - start) / start.dtype.type(count - 1)
    found = start + step * np.arange(count - 1).astype(start.dtype)
    return xp.concatenate([found, xp.reshape(stop, (1,))])


# ---------------------------------------------------------------------- functions


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims`, all of whose elements are `value`.

    Args:
      dims: 1-D int32 or int64.
      value: a scalar.
      name: the name of the operation.
    """
    return F.Fill(dims, value, name=name)


#: tensors of fewer elements are constants, larger ones are filled when run
_SMALL = 1000


def _filled_with(value: Any, shape: Any, dtype: Any, name: str) -> Tensor:
    """A constant of few elements, or a Fill op; the names lie in the current scope."""
    if not isinstance(shape, Tensor):
        try:
            if _is_small(shape):
                return constant(value, shape=shape, dtype=dtype, name=name)
        except TypeError:
            pass
        try:
            shape = convert_to_tensor(
                shapes.TensorShape(shape), dtypes.int32, "shape_as_tensor"
            )
        except (TypeError, ValueError):
            shape = convert_to_tensor(shape, dtype=dtypes.int32)
    if not shape._shape_raw:
        shape = reshape(shape, [-1])
    return fill(shape, constant(value, dtype=dtype), name=name)


def _is_small(shape: Any) -> Any:
    """Whether the sizes are numbers with a small product.

    Tensors among them are multiplied and compared like numbers, which adds operations
    to the graph that nothing uses: TensorFlow 1.15 has them too, and names count on.
    """
    if isinstance(shape, (list, tuple)) and shape:
        if any(isinstance(d, Tensor) for d in shape):
            product = shape[0]
            for d in shape[1:]:
                product = product * d
            return bool(product < _SMALL)
    elif isinstance(shape, shapes.TensorShape):
        count = shape.num_elements()
        return count is not None and count < _SMALL
    if not np.iterable(shape):
        raise TypeError("A single size is not a shape.")
    sizes: Any = shape
    return np.prod(sizes) < _SMALL


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
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


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of ones; the arguments are those of `zeros`."""
    dtype = dtypes.as_dtype(dtype).base_dtype
    with dispatch.name_scope(name, "ones", [shape]) as scope:
        return _filled_with(True if dtype is dtypes.bool else 1, shape, dtype, scope)


def zeros_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
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
        other = dtype is not None and dtypes.as_dtype(dtype) != tensor.dtype
        variant = tensor.dtype.base_dtype is dtypes.variant
        if context.executing_eagerly():
            if other:
                return zeros(shape_internal(tensor, optimize=optimize), dtype, scope)
            return F.ZerosLike(tensor, name=scope)
        if optimize and tensor.shape.is_fully_defined() and not variant:
            return zeros(tensor.shape, dtype or tensor.dtype, scope)
        if other and dtypes.as_dtype(dtype) is not dtypes.variant:
            return zeros(shape_internal(tensor, optimize=optimize), dtype, scope)
        return F.ZerosLike(tensor, name=scope)


def zeros_like_v2(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """As `zeros_like`."""
    return zeros_like(input, dtype, name)


def ones_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Ones in the shape of `tensor`; the arguments are those of `zeros_like`."""
    with dispatch.name_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        sizes = shape_internal(tensor, optimize=optimize)
        found = ones(sizes, tensor.dtype if dtype is None else dtype, scope)
        if not context.executing_eagerly():
            found.set_shape(tensor.shape)
        return found


def ones_like_v2(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """As `ones_like`."""
    return ones_like(input, dtype, name)


_RANGE_DTYPES = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


def range_(
    start: Any,
    limit: Any = None,
    delta: Any = 1,
    dtype: Any = None,
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


def _cast(tensor: Tensor, dtype: dtypes.DType) -> Tensor:
    if tensor.dtype.base_dtype is dtype:
        return tensor
    return F.Cast(tensor, DstT=dtype)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """`num` numbers from `start` to `stop`, both included, at equal distances."""
    return F.LinSpace(start, stop, num, name=name)
