"""Ops that put tensors together and take them apart along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.identity import identity
from retrograd.ops.array.shape import expand_dims
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, TensorLike


def stack(values: TensorLike, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape, side by side along a new axis.

    Args:
      values: a list of tensors of one shape and dtype.
      axis: where the new axis is in the result; −1 for the last.
      name: the name of the operation.

    Raises:
      ValueError: `axis` is out of range, or shapes differ.
    """
    if axis == 0:
        try:
            # numbers alone become one constant
            return convert_to_tensor(values, name=name)
        except (TypeError, ValueError):
            pass
    parts: Any = values
    raw = convert_to_tensor(parts[0], name=name)._shape_raw
    if raw is not None:
        count = len(raw) + 1
        if not -count <= axis < count:
            raise ValueError(f"axis = {axis} not in [{-count}, {count})")
    return F.Pack(list(parts), axis=axis, name=name)


def unstack(
    value: TensorLike, num: int | None = None, axis: int = 0, name: str = "unstack"
) -> list[Tensor]:
    """The slices of `value` along an axis, each without that axis.

    Args:
      value: a tensor of rank 1 at least.
      num: how many there are, where the static shape does not say.
      axis: the axis that is taken apart.
      name: the name of the operation.

    Raises:
      ValueError: `axis` is out of range, or `num` is neither given nor known.
    """
    if num is None:
        value = tensor = convert_to_tensor(value)
        raw = tensor._shape_raw
        if raw is not None:
            if not -len(raw) <= axis < len(raw):
                raise ValueError(f"axis = {axis} not in [{-len(raw)}, {len(raw)})")
            num = raw[axis]
        if num is None:
            raise ValueError(f"Cannot infer num from shape {tensor.shape}")
    return F.Unpack(value, num=num, axis=axis, name=name)


def concat(values: TensorLike, axis: TensorLike, name: str = "concat") -> Tensor:
    """Tensors one after another along an existing axis.

    Args:
      values: a list of tensors that agree in all other sizes.
      axis: a scalar; negative counts from the end.
      name: the name of the operation.

    Raises:
      ValueError: (static) ranks or sizes do not agree, or there is no such axis.
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        with dispatch.name_scope(name):
            place = convert_to_tensor(axis, dtypes.int32, "concat_dim")
            place.shape.assert_has_rank(0)
            return identity(values[0], name=name)
    return F.ConcatV2(list(values), axis, name=name)


def split(
    value: TensorLike,
    num_or_size_splits: TensorLike,
    axis: AxisLike = 0,
    num: int | None = None,
    name: str = "split",
) -> list[Tensor]:
    """`value` cut along an axis.

    Args:
      value: the tensor.
      num_or_size_splits: the number of equal parts, or the size of each (a list or 1-D
        tensor; one may be −1).
      axis: a scalar; negative counts from the end.
      num: the number of sizes, where their static shape does not say.
      name: the name of the operation.

    Raises:
      ValueError: (static) the parts do not make up the axis, or `num` is not known.
    """
    sizes = convert_to_tensor(num_or_size_splits)
    if isinstance(num_or_size_splits, (int, np.integer, shapes.Dimension)):
        return F.Split(axis, value, num_split=num_or_size_splits, name=name)
    raw = sizes._shape_raw
    if raw == ():
        raise ValueError(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to "
            f"split. Argument provided: {num_or_size_splits}"
        )
    if num is None:
        num = raw[0] if raw else None
        if num is None:
            raise ValueError(f"Cannot infer num from shape {num_or_size_splits}")
    return F.SplitV(value, sizes, axis, num_split=num, name=name)


def parallel_stack(values: Sequence[Tensor], name: str = "parallel_stack") -> Tensor:
    """As `stack` along axis 0, of tensors whose shapes are known.

    It has no gradient in TensorFlow 1.15, and none here.
    """
    with dispatch.name_scope(name):
        first = convert_to_tensor(values[0])
        whole = shapes.TensorShape([len(values)]).concatenate(first.shape)
        return F.ParallelConcat([expand_dims(v, 0) for v in values], shape=whole)
