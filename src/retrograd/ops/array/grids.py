"""Elements repeated: grids, masks by length, repetitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes
from retrograd.graph import dispatch
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import expand_dims, rank, reshape, size
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


def meshgrid(*args: TensorLike, **kwargs: str | None) -> list[Tensor]:
    """For vectors, one tensor each with its elements repeated along the others' axes.

    Args:
      *args: tensors of rank 0 or 1.
      **kwargs: `indexing`: "xy", the default, exchanges the first two axes; "ij" does
        not. `name`: the scope of the operations.

    Raises:
      TypeError: another keyword.
      ValueError: another indexing.
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        word = next(iter(kwargs))
        raise TypeError(f"'{word}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with dispatch.name_scope(name, "meshgrid", args):
        count = len(args)
        found = []
        for i, x in enumerate(args):
            around = [1] * count
            around[i] = -1
            found.append(reshape(stack(x), around))
        sizes = [size(x) for x in args]
        dtype = convert_to_tensor(args[0]).dtype.base_dtype
        if indexing == "xy" and count > 1:
            rest = (1,) * (count - 2)
            found[0] = reshape(found[0], (1, -1, *rest))
            found[1] = reshape(found[1], (-1, 1, *rest))
            sizes[0], sizes[1] = sizes[1], sizes[0]
        whole = ones(sizes, dtype)
        return [x * whole for x in found]


def all_axes(x: TensorLike) -> Tensor:
    """The axes of a tensor, as a vector."""
    if isinstance(x, Tensor) and x._shape_raw is not None:
        return constant(np.arange(len(x._shape_raw)), dtype=dtypes.int32)
    if isinstance(x, SparseTensor) and x.dense_shape.shape.is_fully_defined():
        axes = np.arange(x.dense_shape.shape.num_elements() or 0)
        return constant(axes, dtype=dtypes.int32)
    return F.Range(0, rank(x), 1)


def sequence_mask(
    lengths: TensorLike,
    maxlen: TensorLike | None = None,
    dtype: DTypeLike = dtypes.bool,
    name: str | None = None,
) -> Tensor:
    """A new last axis whose first `lengths[...]` elements are true.

    Args:
      lengths: integers, of any shape.
      maxlen: the size of the axis, a scalar; by default the greatest of `lengths`.
      dtype: what true and false are cast to.
      name: the scope of the operations.

    Raises:
      ValueError: `maxlen` is no scalar.
    """
    with dispatch.name_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = convert_to_tensor(lengths)
        if maxlen is None:
            most = F.Max(lengths, all_axes(lengths))
            most = F.Maximum(constant(0, most.dtype), most)
        else:
            most = convert_to_tensor(maxlen)
        if most._shape_raw:
            raise ValueError("maxlen must be scalar for sequence_mask")
        kind = most.dtype
        steps = F.Range(constant(0, kind), most, constant(1, kind))
        found = steps < F.Cast(expand_dims(lengths, -1), DstT=kind)
        if dtype is None or dtypes.as_dtype(dtype).base_dtype == found.dtype.base_dtype:
            return found
        return F.Cast(found, DstT=dtype)
