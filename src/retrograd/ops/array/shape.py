"""Ops about shapes: what they are, and the same elements in another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import context, dispatch
from retrograd.graph.composite import is_sparse
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.static import constant_as_shape

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, CompositeLike, DTypeLike, TensorLike


def with_static_shape(tensor: Tensor, shape: TensorLike) -> Tensor:
    """`tensor`, told the shape that a shape tensor is known to hold."""
    if not context.executing_eagerly() and isinstance(shape, Tensor):
        tensor.set_shape(shapes.TensorShape.of(constant_as_shape(shape)))
    return tensor


def reshape(
    tensor: CompositeLike, shape: TensorLike, name: str | None = None
) -> Tensor:
    """The elements of `tensor`, in row-major order, in the shape `shape`.

    Args:
      tensor: any tensor.
      shape: 1-D int32 or int64; one size may be −1 and is worked out.
      name: the name of the operation.

    Raises:
      ValueError: (static) the sizes do not hold the elements.
      InvalidArgumentError: (when run) the same.
    """
    return F.Reshape(tensor, shape, name=name)


def shape(
    input: TensorLike, name: str | None = None, out_type: DTypeLike = dtypes.int32
) -> Tensor:
    """The sizes of `input`; a constant where they are known."""
    return shape_internal(input, name, optimize=True, out_type=out_type)


def shape_v2(
    input: TensorLike, out_type: DTypeLike = dtypes.int32, name: str | None = None
) -> Tensor:
    """As `shape`."""
    return shape(input, name, out_type)


def size_along(x: Tensor, axis: int) -> Any:
    """The size of an axis: a number if it is known, else a tensor."""
    known = shapes.dimension_value(x.shape[axis])
    return shape(x)[axis] if known is None else known


def shape_internal(
    input: TensorLike,
    name: str | None = None,
    optimize: bool = True,
    out_type: DTypeLike = dtypes.int32,
) -> Tensor:
    """The sizes of `input`; `optimize` allows a constant where they are known."""
    with dispatch.name_scope(name, "Shape", [input]) as scope:
        if is_sparse(input):
            return F.Cast(input.dense_shape, DstT=out_type)
        if not context.executing_eagerly():
            input = convert_to_tensor(input)
            raw = input._shape_raw
            if optimize and raw is not None and shapes.is_full(raw):
                return constant([d or 0 for d in raw], out_type, name=scope)
        return F.Shape(input, name=scope, out_type=out_type)


def shape_n(
    input: Sequence[TensorLike],
    out_type: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> list[Tensor]:
    """The sizes of each of several tensors."""
    return F.ShapeN(input, out_type=out_type, name=name)


def size(
    input: TensorLike, name: str | None = None, out_type: DTypeLike = dtypes.int32
) -> Tensor:
    """The number of elements of `input`; a constant where it is known."""
    return size_internal(input, name, optimize=True, out_type=out_type)


def size_v2(
    input: TensorLike, out_type: DTypeLike = dtypes.int32, name: str | None = None
) -> Tensor:
    """As `size`."""
    return size(input, name, out_type)


def size_internal(
    input: TensorLike,
    name: str | None = None,
    optimize: bool = True,
    out_type: DTypeLike = dtypes.int32,
) -> Tensor:
    """The number of elements; `optimize` allows a constant where it is known."""
    with dispatch.name_scope(name, "Size", [input]) as scope:
        if is_sparse(input):
            return F.Prod(F.Cast(input.dense_shape, DstT=out_type), 0, name=scope)
        input = convert_to_tensor(input)
        raw = input._shape_raw
        if optimize and raw is not None:
            count = 0 if 0 in raw else shapes.size(raw)
            if count is not None:
                return constant(count, out_type, name=scope)
        return F.Size(input, name=scope, out_type=out_type)


def rank(input: TensorLike, name: str | None = None) -> Tensor:
    """The number of axes of `input`; a constant where it is known."""
    return rank_internal(input, name, optimize=True)


def rank_internal(
    input: TensorLike, name: str | None = None, optimize: bool = True
) -> Tensor:
    """The number of axes; `optimize` allows a constant where it is known."""
    with dispatch.name_scope(name, "Rank", [input]) as scope:
        if is_sparse(input):
            return F.Size(input.dense_shape, name=scope)
        input = convert_to_tensor(input)
        if optimize and input._shape_raw is not None:
            return constant(len(input._shape_raw), dtypes.int32, name=scope)
        return F.Rank(input, name=scope)


def expand_dims(
    input: TensorLike,
    axis: AxisLike = None,
    name: str | None = None,
    dim: AxisLike = None,
) -> Tensor:
    """`input` with an axis of size 1 inserted before axis `axis`, −1 for the end.

    `dim` is the older name of `axis`.

    Raises:
      ValueError: no axis is given, or there is no such place.
    """
    axis = renamed("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return F.ExpandDims(input, axis, name=name)


def expand_dims_v2(
    input: TensorLike, axis: AxisLike, name: str | None = None
) -> Tensor:
    """As `expand_dims`."""
    return F.ExpandDims(input, axis, name=name)


def squeeze(
    input: TensorLike,
    axis: AxisLike = None,
    name: str | None = None,
    squeeze_dims: AxisLike = None,
) -> Tensor:
    """`input` without the axes `axis` of size 1, or without all of them.

    `squeeze_dims` is the older name of `axis`.

    Raises:
      TypeError: axes that are neither an integer nor a list of some.
      ValueError: (static) an axis that is not of size 1, or does not exist.
    """
    axis = renamed("axis", axis, "squeeze_dims", squeeze_dims)
    axes = [axis] if np.isscalar(axis) else axis
    if axes is not None and not isinstance(axes, (list, tuple)):
        raise TypeError(
            f"Expected list for 'axis' argument to 'squeeze' Op, not {axes!r}."
        )
    return F.Squeeze(input, squeeze_dims=axes, name=name)


def squeeze_v2(
    input: TensorLike, axis: AxisLike = None, name: str | None = None
) -> Tensor:
    """As `squeeze`."""
    return squeeze(input, axis, name)


def transpose(
    a: Any,
    perm: TensorLike | None = None,
    name: str | None = "transpose",
    conjugate: bool = False,
) -> Tensor:
    """`a` with axis perm[i] as its axis i; by default in reverse order.

    `conjugate` also conjugates complex elements.

    Raises:
      ValueError: (static) `perm` is not a permutation of the axes.
    """
    with dispatch.name_scope(name, "transpose", [a]) as scope:
        conjugates = conjugate and a.dtype.is_complex
        function = F.ConjugateTranspose if conjugates else F.Transpose
        if perm is not None:
            return function(a, perm, name=scope)
        a = convert_to_tensor(a, name="a")
        raw = a._shape_raw
        if raw:
            perm = np.arange(len(raw) - 1, -1, -1)
        else:
            count = F.Rank(a)
            last = count - 1
            perm = last - F.Range(0, count, 1)
        return function(a, perm, name=scope)


def transpose_v2(
    a: TensorLike,
    perm: TensorLike | None = None,
    conjugate: bool = False,
    name: str | None = "transpose",
) -> Tensor:
    """As `transpose`."""
    return transpose(a, perm, name, conjugate)


def matrix_transpose(
    a: TensorLike, name: str = "matrix_transpose", conjugate: bool = False
) -> Tensor:
    """`a`, [..., m, n], with its last two axes exchanged.

    Raises:
      ValueError: fewer than two axes.
    """
    with dispatch.name_scope(name, values=[a]):
        a = convert_to_tensor(a, name="a")
        raw = a._shape_raw
        if raw is not None:
            if len(raw) < 2:
                raise ValueError(
                    "Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: "
                    f"{a.shape}"
                )
            ndims = len(raw)
            perm: Any = [*range(ndims - 2), ndims - 1, ndims - 2]
        else:
            a_rank = rank(a)
            ends = (F.Range(0, a_rank - 2, 1), [a_rank - 1, a_rank - 2])
            perm = F.ConcatV2(ends, 0, name="concat")
        return transpose(a, perm=perm, conjugate=conjugate)
