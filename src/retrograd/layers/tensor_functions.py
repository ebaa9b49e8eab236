"""What several layers do to tensors: the functions of Keras' backend that they call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.name_scopes import name_scope
from retrograd.layers.sizes import rank_of
from retrograd.ops.array.constant import constant
from retrograd.ops.array.join import concat, split
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.shape import expand_dims, reshape, shape, squeeze, transpose
from retrograd.ops.declare import F
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.reduce import reduce_sum

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor


def concatenate(tensors: Sequence[Tensor], axis: int = -1) -> Tensor:
    """Tensors one after another along an axis."""
    if axis < 0:
        rank = tensors[0].shape.ndims
        axis = axis % rank if rank else 0
    return concat(list(tensors), axis)


def repeat_elements(x: Tensor, rep: int, axis: int) -> Tensor:
    """Each element along an axis `rep` times; `axis` is not negative."""
    sizes = x.shape.as_list()
    count = sizes[axis]
    if count is not None:
        parts = split(x, count, axis)
        return concatenate([part for part in parts for _ in range(rep)], axis)
    dynamic = shape(x)
    times = [1] * (len(sizes) + 1)
    times[axis + 1] = rep
    repeated = tile(expand_dims(x, axis + 1), times)
    factors = [rep if i == axis else 1 for i in range(len(sizes))]
    found = reshape(repeated, dynamic * constant(factors, dtypes.int32))
    found.set_shape(sizes)
    return found


def resize_images(
    x: Tensor, factors: Sequence[int], data_format: str, interpolation: str
) -> Tensor:
    """Images [batch, rows, columns, channels] larger by whole factors.

    Args:
      x: the images; channels second if `data_format` says so.
      factors: for rows and columns.
      data_format: `channels_last` or `channels_first`.
      interpolation: `nearest` or `bilinear`.
    """
    first = data_format == "channels_first"
    start = 2 if first else 1
    known = x.shape.as_list()[start : start + 2]
    sizes = shape(x)[start : start + 2] * constant(np.array(factors, np.int32))
    if first:
        x = transpose(x, [0, 2, 3, 1])
    resized = (
        F.ResizeNearestNeighbor if interpolation == "nearest" else F.ResizeBilinear
    )
    with name_scope("resize"):
        x = resized(x, sizes, half_pixel_centers=True)
    if first:
        x = transpose(x, [0, 3, 1, 2])
    new = [
        None if d is None else d * factor
        for d, factor in zip(known, factors, strict=True)
    ]
    x.set_shape([None, None, *new] if first else [None, *new, None])
    return x


def batch_dot(x: Tensor, y: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """The products of the samples of x and y, over one axis of each.

    Args:
      x, y: [batch, …] of at least two axes.
      axes: which axis of each; by default the last of x and the last but one of y.

    Returns:
      The axes of x without the one, then those of y without it and the batch; at least
      [batch, 1].
    """
    ranks = [rank_of(x), rank_of(y)]
    if axes is None:
        axes = [ranks[0] - 1, ranks[1] - 2]
    more = abs(ranks[0] - ranks[1])
    if ranks[0] > ranks[1]:
        y = reshape(y, concat([shape(y), [1] * more], axis=0))
    elif ranks[1] > ranks[0]:
        x = reshape(x, concat([shape(x), [1] * more], axis=0))
    if rank_of(x) == 2 and rank_of(y) == 2:
        if axes[0] == axes[1]:
            out = reduce_sum(F.Mul(x, y), axes[0])
        else:
            out = reduce_sum(F.Mul(transpose(x, [1, 0]), y), axes[1])
    else:
        out = matmul(
            x,
            y,
            adjoint_a=axes[0] != rank_of(x) - 1,
            adjoint_b=axes[1] == rank_of(y) - 1,
        )
    if more:
        start = sum(ranks) - 3 if ranks[0] > ranks[1] else ranks[0] - 1
        out = squeeze(out, list(range(start, start + more)))
    return expand_dims(out, 1) if rank_of(out) == 1 else out


def add_bias(x: Tensor, bias: Any, data_format: str) -> Tensor:
    """x plus a bias of its own for each place: [*space, channels]."""
    sizes = bias.shape.as_list()
    if data_format == "channels_first":
        return x + reshape(bias, (1, sizes[-1], *sizes[:-1]))
    return x + reshape(bias, (1, *sizes))
