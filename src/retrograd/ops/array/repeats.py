"""Elements along an axis repeated, each as often as is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.array.broadcasting import broadcast_to
from retrograd.ops.array.fill import ones
from retrograd.ops.array.grids import all_axes, sequence_mask
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.selection import boolean_mask
from retrograd.ops.array.shape import expand_dims, rank, reshape, shape
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def repeat(
    input: TensorLike,
    repeats: TensorLike,
    axis: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Each element along `axis` of `input`, `repeats` times.

    Args:
      input: a tensor.
      repeats: an integer, or one for each element.
      axis: the axis; by default `input` is flattened first.
      name: the scope of the operations.
    """
    if axis is None:
        input = reshape(input, [-1])
        axis = 0
    return repeat_with_axis(input, repeats, axis, name)


def repeat_with_axis(
    data: TensorLike, repeats: TensorLike, axis: int, name: str | None = None
) -> Tensor:
    """`repeat` along a given axis.

    Raises:
      TypeError: `axis` or `repeats` are no integers.
      ValueError: there is no such axis.
    """
    if not isinstance(axis, int):
        raise TypeError(f"axis must be an int; got {type(axis).__name__}")
    with dispatch.name_scope(name, "Repeat", [data, repeats]):
        data = _not_scalar(convert_to_tensor(data, name="data"))
        repeats = _int32(repeats, "repeats")
        repeats.shape.with_rank_at_most(1)
        sizes = shape(data)
        axis = _positive_axis(axis, data._shape_raw)
        if repeats.shape.ndims == 1:
            dims: Any = data.shape.dims
            dims[axis].assert_is_compatible_with(repeats.shape[0])
        if repeats.shape.ndims == 0:
            tiled = _tile_axis(expand_dims(data, axis + 1), axis + 1, repeats)
            return reshape(tiled, _around(sizes, axis))
        if repeats.shape.ndims != axis + 1:
            own, count = shape(repeats), rank(repeats)
            front = sizes[: axis + 1 - count]
            repeats = broadcast_to(repeats, concat([front, own], axis=0))
            repeats.set_shape([None] * (axis + 1))
        most = F.Maximum(0, F.Max(repeats, all_axes(repeats)))
        mask = sequence_mask(repeats, most)
        tiled = _tile_axis(expand_dims(data, axis + 1), axis + 1, most)
        found = boolean_mask(tiled, mask)
        if axis:
            found = reshape(found, _around(sizes, axis))
        if data._shape_raw is not None:
            none = 0 if (repeats._shape_raw or (None,))[0] == 0 else None
            before = data.shape[:axis].concatenate([none])
            found.set_shape(before.concatenate(data.shape[axis + 1 :]))
        return found


def _around(sizes: Tensor, axis: int) -> Tensor:
    """Sizes with what is left for one axis."""
    return concat([sizes[:axis], [-1], sizes[axis + 1 :]], axis=0)


def _int32(value: TensorLike, name: str) -> Tensor:
    tensor = convert_to_tensor(value, name=name, preferred_dtype=dtypes.int32)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{name} must be an integer tensor; dtype={tensor.dtype}")
    return F.Cast(tensor, DstT=dtypes.int32)


def _positive_axis(axis: int, raw: RawShape) -> int:
    if raw is None:
        if axis < 0:
            raise ValueError("axis may only be negative if ndims is statically known.")
        return axis
    if not -len(raw) <= axis < len(raw):
        raise ValueError(
            f"axis={axis} out of bounds: expected {-len(raw)}<=axis<{len(raw)}"
        )
    return axis % len(raw)


def _tile_axis(data: Tensor, axis: int, times: Tensor) -> Tensor:
    """`data` repeated along one axis."""
    raw = data._shape_raw
    if raw is not None:
        multiples: Any = [1] * len(raw)
        multiples[axis] = times
    else:
        each = ones(rank(data), dtypes.int32)
        multiples = concat([each[:axis], [times], each[axis + 1 :]], axis=0)
    return F.Tile(data, multiples)


def _not_scalar(data: Tensor) -> Tensor:
    """`data`, a scalar as a vector."""
    if data._shape_raw is None:
        count = rank(data)
        return reshape(data, concat([[1], shape(data)], axis=0)[-count:])
    return data if data._shape_raw else stack([data])
