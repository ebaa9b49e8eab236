"""What gradient rules have in common: conjugates, constants, shapes of reductions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph.operation import Operation
from retrograd.ops.array.constant import constant as make_constant
from retrograd.ops.declare import F
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, TensorLike


# The sweep sums a term over the dimensions its input was broadcast along, so rules of
# ops whose shape rule is `broadcast` are written as for equal shapes.


def conj(x: Tensor) -> Tensor:
    """x* of complex x: derivatives of holomorphic functions are conjugated."""
    return F.Conj(x) if x.dtype.is_complex else x


def out(n: Operation) -> Tensor:
    """The (first) output, conjugated where it is complex."""
    return conj(n.outputs[0])


def arg(n: Operation, index: int = 0) -> Tensor:
    """An input, conjugated where it is complex."""
    return conj(n.inputs[index])


def scalar(value: float, like: Tensor) -> Tensor:
    """A constant scalar of the element type of `like`."""
    return make_constant(value, like.dtype.base_dtype)


def static_shape(x: Tensor) -> tuple[int, ...] | None:
    """The shape of a tensor where all of it is known."""
    raw = x._shape_raw
    return raw if shapes.is_full(raw) else None


def shape_of(x: Tensor) -> TensorLike:
    """The shape of a tensor: numbers where they are known, else a tensor of them."""
    raw = static_shape(x)
    return F.Shape(x) if raw is None else np.array(raw, np.int32)


def static_axes(n: Operation, index: int = 1) -> tuple[int, ...] | None:
    """The axes that an input holds, counted from the front, where they are known."""
    raw, axes = n.inputs[0]._shape_raw, constant(n.inputs[index])
    if raw is None or axes is None:
        return None
    return tuple(int(a) % max(len(raw), 1) for a in axes.reshape(-1))


def kept_shape(n: Operation) -> TensorLike:
    """The shape of a reduction's output with size 1 for each dimension reduced.

    `n` takes a tensor and the axes to reduce.
    """
    raw, axes = n.inputs[0]._shape_raw, static_axes(n)
    if raw is not None and axes is not None:
        kept = tuple(1 if i in axes else d for i, d in enumerate(raw))
        if None not in kept:
            return np.array(kept, np.int32)
    return reduced_shape(F.Shape(n.inputs[0]), n.inputs[1])


def reduced_shape(shape: Tensor, axes: Tensor) -> Tensor:
    """As `kept_shape`, out of tensors."""
    axes = F.Cast(axes, DstT=dtypes.int32)
    rank = F.Size(shape)
    axes = F.FloorMod(F.AddV2(axes, rank), rank)
    whole = F.Range(0, rank, 1)
    return F.DynamicStitch([whole, axes], [shape, F.Fill(F.Shape(axes), 1)])


def spread(n: Operation, dy: Tensor) -> Tensor:
    """dy of a reduction, repeated along the dimensions that were reduced."""
    kept, shape = kept_shape(n), shape_of(n.inputs[0])
    return F.Tile(F.Reshape(dy, kept), quotient(shape, kept))


def quotient(sizes: TensorLike, by: TensorLike) -> TensorLike:
    """sizes / by, elementwise, with 0 / 0 = 0; of numbers, numbers."""
    if isinstance(sizes, np.ndarray) and isinstance(by, np.ndarray):
        return sizes // np.maximum(by, 1)
    return F.FloorDiv(sizes, F.Maximum(by, 1))


def reduced_count(n: Operation, dtype: dtypes.DType) -> Array:
    """How many elements a reduction made one of, as a scalar of `dtype`."""
    whole, kept = static_shape(n.inputs[0]), static_shape(n.outputs[0])
    if whole is not None and kept is not None:
        count = math.prod(whole) // max(math.prod(kept), 1)
        return np.array(count, dtype.as_numpy_dtype)
    whole, kept = F.Prod(F.Shape(n.inputs[0]), [0]), F.Prod(F.Shape(n.outputs[0]), [0])
    return F.Cast(quotient(whole, kept), DstT=dtype)
