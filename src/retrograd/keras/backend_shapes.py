"""Tensors in other shapes and orders: joined, repeated, padded, resized."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.composite import SparseTensor
from retrograd.keras.backend_tensors import to_dense
from retrograd.layers import tensor_functions
from retrograd.layers.backend_config import image_data_format
from retrograd.layers.sizes import rank_of
from retrograd.ops.array import gather as gathering
from retrograd.ops.array import join, reorder
from retrograd.ops.array import shape as shaping
from retrograd.ops.array.fill import range_
from retrograd.ops.array.pad import pad
from retrograd.ops.array.selection import one_hot as one_hot_op
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_prod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike

#: what is put before and after an axis
Pair = tuple[int, int]


def check_data_format(data_format: str | None) -> str:
    """`channels_last` or `channels_first`; for None what is set.

    Raises:
      ValueError: neither.
    """
    found = image_data_format() if data_format is None else data_format
    if found not in ("channels_first", "channels_last"):
        raise ValueError(f"Unknown data_format: {found}")
    return found


# ---------------------------------------------------------------------- joined


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Tensors one after another along an axis."""
    if all(isinstance(t, SparseTensor) for t in tensors):
        tensors = [to_dense(t) for t in tensors]
    return tensor_functions.concatenate([to_dense(t) for t in tensors], axis)


def stack(x: TensorLike, axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis."""
    return join.stack(x, axis=axis)


def gather(reference: TensorLike, indices: TensorLike) -> Tensor:
    """The slices of `reference` along its first axis that `indices` name."""
    return gathering.gather(reference, indices)


def one_hot(indices: TensorLike, num_classes: int) -> Tensor:
    """A one at the place of each index, among zeros, along a new last axis."""
    return one_hot_op(indices, depth=num_classes, axis=-1)


# ---------------------------------------------------------------------- other shapes


def reshape(x: TensorLike, shape: TensorLike) -> Tensor:
    """The same elements in another shape."""
    return shaping.reshape(x, shape)


def permute_dimensions(x: TensorLike, pattern: Sequence[int]) -> Tensor:
    """The axes in another order."""
    return shaping.transpose(x, perm=pattern)


def transpose(x: TensorLike) -> Tensor:
    """The axes in the opposite order."""
    return shaping.transpose(x)


def flatten(x: TensorLike) -> Tensor:
    """The elements in one row."""
    return shaping.reshape(x, [-1])


def batch_flatten(x: Any) -> Tensor:
    """The elements of each sample in one row."""
    count = reduce_prod(shaping.shape(x)[1:])
    return shaping.reshape(x, join.stack([-1, count]))


def expand_dims(x: TensorLike, axis: int = -1) -> Tensor:
    """A new axis of size 1."""
    return shaping.expand_dims(x, axis)


def squeeze(x: TensorLike, axis: int) -> Tensor:
    """Without an axis of size 1."""
    return shaping.squeeze(x, [axis])


def reverse(x: TensorLike, axes: int | Sequence[int]) -> Tensor:
    """The elements along axes in the opposite order."""
    return reorder.reverse(x, [axes] if isinstance(axes, int) else axes)


# ---------------------------------------------------------------------- repeated


def repeat_elements(x: Tensor, rep: int, axis: int) -> Tensor:
    """Each element along an axis `rep` times."""
    return tensor_functions.repeat_elements(x, rep, axis)


def repeat(x: Tensor, n: int) -> Tensor:
    """[samples, features] as [samples, n, features]."""
    assert rank_of(x) == 2
    return reorder.tile(shaping.expand_dims(x, 1), join.stack([1, n, 1]))


def tile(x: TensorLike, n: int | Sequence[int]) -> Tensor:
    """`x` repeated n times along each axis."""
    return reorder.tile(x, [n] if isinstance(n, int) else n)


def arange(
    start: int, stop: int | None = None, step: int = 1, dtype: DTypeLike = "int32"
) -> Tensor:
    """Numbers from `start` on, or from 0, below `stop`."""
    if stop is None and start < 0:
        start = 0
    found = (
        range_(start, delta=step, name="arange")
        if stop is None
        else range_(start, limit=stop, delta=step, name="arange")
    )
    return found if dtype == "int32" else cast(found, dtype)


# ---------------------------------------------------------------------- images


def resize_images(
    x: Tensor,
    height_factor: int,
    width_factor: int,
    data_format: str,
    interpolation: str = "nearest",
) -> Tensor:
    """Images larger by whole factors.

    Args:
      x: [batch, height, width, channels], or channels second.
      height_factor, width_factor: how many times as large.
      data_format: `channels_last` or `channels_first`.
      interpolation: `nearest` or `bilinear`.

    Raises:
      ValueError: another format or interpolation.
    """
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"Invalid `data_format` argument: {data_format}")
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError('interpolation should be one of "nearest" or "bilinear".')
    factors = (height_factor, width_factor)
    return tensor_functions.resize_images(x, factors, data_format, interpolation)


def resize_volumes(
    x: Tensor,
    depth_factor: int,
    height_factor: int,
    width_factor: int,
    data_format: str,
) -> Tensor:
    """Volumes larger by whole factors: each element several times.

    Raises:
      ValueError: neither `channels_last` nor `channels_first`.
    """
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"Invalid data_format: {data_format}")
    first = 2 if data_format == "channels_first" else 1
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), first):
        x = repeat_elements(x, factor, axis)
    return x


# ---------------------------------------------------------------------- padded


def temporal_padding(x: TensorLike, padding: Pair = (1, 1)) -> Tensor:
    """[batch, steps, features] with zeros before and after the steps."""
    assert len(padding) == 2
    return pad(x, [[0, 0], [padding[0], padding[1]], [0, 0]])


def spatial_2d_padding(
    x: TensorLike,
    padding: tuple[Pair, Pair] = ((1, 1), (1, 1)),
    data_format: str | None = None,
) -> Tensor:
    """Images with zeros around them.

    Raises:
      ValueError: a data format that there is not.
    """
    return _padded(x, padding, 2, data_format)


def spatial_3d_padding(
    x: TensorLike,
    padding: tuple[Pair, Pair, Pair] = ((1, 1), (1, 1), (1, 1)),
    data_format: str | None = None,
) -> Tensor:
    """Volumes with zeros around them.

    Raises:
      ValueError: a data format that there is not.
    """
    return _padded(x, padding, 3, data_format)


def _padded(
    x: TensorLike, padding: Sequence[Pair], n: int, data_format: str | None
) -> Tensor:
    assert len(padding) == n
    for pair in padding:
        assert len(pair) == 2
    found = check_data_format(data_format)
    pairs = [[0, 0], *(list(pair) for pair in padding)]
    pairs.insert(1 if found == "channels_first" else len(pairs), [0, 0])
    return pad(x, pairs)
