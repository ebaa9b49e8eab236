"""Ops: ops that make tensors out of numbers: fills, zeros, ones, ranges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.blank import blank
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, op, rule
from retrograd.ops.infer import invalid, same, shape_text, with_rank
from retrograd.ops.static import constant as static_value
from retrograd.ops.static import constant_as_shape
from retrograd.ops.traits import Blocks, Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- fills


def _filled(n: Operation) -> RawShape:
    with_rank(n, 0, 1)
    with_rank(n, 1, 0)
    sizes = static_value(n._inputs[0])
    if sizes is not None and (sizes < 0).any():
        wanted = shape_text(tuple(d if d >= 0 else None for d in sizes.tolist()))
        inputs = ", ".join(shape_text(t._shape_raw) for t in n._inputs)
        raise ValueError(
            f"Fill dimensions must be >= 0 for '{n.name}' (op: '{n.type}') with input "
            f"shapes: {inputs} and with input tensors computed as partial shapes: "
            f"input[0] = {wanted}."
        )
    return constant_as_shape(n._inputs[0])


@op(
    "Fill",
    infer=_filled,
    math="yᵢ = v",
    grad=dict(
        value=rule("v̄ = Σᵢ ȳᵢ", lambda n, dy: F.Sum(dy, F.Range(0, F.Rank(dy), 1)))
    ),
    static="dims",
    traits=Traits(linear=("value",)),
)
def fill_kernel(xp: Arrays, dims: Array, value: Array) -> Array:
    """A tensor of the given shape, all of whose elements are `value`."""
    if np.ndim(dims) != 1:
        raise refused(f"dims must be a vector, got shape {_text(dims)}")
    if np.ndim(value):
        raise refused(f"value must be a scalar, got shape {_text(value)}")
    for size in dims.tolist():
        if size < 0:
            raise refused(f"Dimension {size} must be >= 0")
    return xp.full(tuple(dims.tolist()), value, value.dtype)


def _text(value: Array) -> str:
    return shape_text(tuple(np.shape(value)))


@op(
    "ZerosLike",
    infer=same,
    math="y = 0",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(shape_only=("x",), function=Function.ZERO, blocks=Blocks.FORM),
)
def zeros_like_kernel(xp: Arrays, x: Any) -> Any:
    """Zeros in the shape and dtype of x."""
    if hasattr(x, "zeros_like"):  # a list of tensors, or an optional
        return x.zeros_like()
    return blank(xp, np.shape(x), x.dtype)


@op(
    "OnesLike",
    infer=same,
    math="y = 1",
    grad=NOT_DIFFERENTIABLE,
    traits=Traits(shape_only=("x",), blocks=Blocks.FORM),
)
def ones_like_kernel(xp: Arrays, x: Array) -> Array:
    """Ones in the shape and dtype of x."""
    return xp.ones(np.shape(x), x.dtype)


@op("Empty", infer=lambda n: constant_as_shape(n._inputs[0]), static="shape", pure=True)
def empty_kernel(xp: Arrays, shape: Array, *, dtype: np.dtype) -> Array:
    """A tensor of the given shape; what is in it is not specified (zeros here)."""
    return blank(xp, tuple(shape.tolist()), dtype)


# ---------------------------------------------------------------------- ranges


def _range_problem(start: Array, limit: Array, delta: Array) -> str:
    """What is wrong with the arguments of a range; empty if nothing is."""
    if delta > 0 and start > limit:
        return f"Requires start <= limit when delta > 0: {start}/{limit}"
    if delta < 0 and start < limit:
        return f"Requires start >= limit when delta < 0: {start}/{limit}"
    return "Requires delta != 0" if delta == 0 else ""


def _range_length(start: Array, limit: Array, delta: Array) -> int:
    if start.dtype.kind in "iu":
        whole, step = abs(int(limit) - int(start)), abs(int(delta))
        return (whole + step - 1) // step
    return math.ceil(abs((limit - start) / delta))


def _range_shape(n: Operation) -> RawShape:
    for i, name in enumerate(("start", "limit", "delta")):
        raw = n._inputs[i]._shape_raw
        if raw:
            what = f"Shape must be rank 0 but is rank {len(raw)}"
            raise invalid(n, f"{what}\n\t for '{name}'")
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
def range_kernel(xp: Arrays, start: Array, limit: Array, delta: Array) -> Array:
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


def _linspace_shape(n: Operation) -> RawShape:
    for i, name in enumerate(("start", "limit", "delta")):
        raw = n._inputs[i]._shape_raw
        if raw:
            what = f"Shape must be rank 0 but is rank {len(raw)}"
            raise invalid(n, f"{what}\n\t for '{name}'")
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
def linspace_kernel(xp: Arrays, start: Array, stop: Array, num: Array) -> Array:
    """`num` numbers from `start` to `stop`, both included."""
    count = int(num)
    if count <= 0:
        raise refused(f"Requires num > 0: {count}")
    if count == 1:
        return xp.reshape(start, (1,))
    step = (stop - start) / start.dtype.type(count - 1)
    found = start + step * np.arange(count - 1).astype(start.dtype)
    return xp.concatenate([found, xp.reshape(stop, (1,))])
