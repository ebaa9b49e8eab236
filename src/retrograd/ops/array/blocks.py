"""Blocks and patches of images: moved between space and batch, space and depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import dispatch
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import stack
from retrograd.ops.declare import F
from retrograd.ops.static import constant as static_value

if TYPE_CHECKING:
    from retrograd.typing import Sizes, TensorLike


def space_to_batch_nd(
    input: TensorLike,
    block_shape: TensorLike,
    paddings: TensorLike,
    name: str | None = None,
) -> Tensor:
    """The places within blocks of space, each a batch of its own.

    Args:
      input: [batch, space…, rest…].
      block_shape: [m], the size of a block along each of the first m axes of space.
      paddings: [m, 2], zeros to add before and after.
      name: the name of the operation.
    """
    return F.SpaceToBatchND(input, block_shape, paddings, name=name)


def batch_to_space_nd(
    input: TensorLike,
    block_shape: TensorLike,
    crops: TensorLike,
    name: str | None = None,
) -> Tensor:
    """The inverse of `space_to_batch_nd`; `crops` is what to cut off."""
    return F.BatchToSpaceND(input, block_shape, crops, name=name)


def _square(size: TensorLike) -> np.ndarray:
    return np.array([size, size], np.int64)


def space_to_batch(
    input: TensorLike,
    paddings: TensorLike,
    block_size: TensorLike | None = None,
    name: str | None = None,
    block_shape: TensorLike | None = None,
) -> Tensor:
    """`space_to_batch_nd` with square blocks of an image; `block_shape` is a newer name
    of `block_size`."""
    by = renamed("block_shape", block_shape, "block_size", block_size)
    found = space_to_batch_nd(input, _square(by), paddings, name)
    found.set_shape(found.shape.with_rank(4))
    return found


def space_to_batch_v2(
    input: TensorLike,
    block_shape: TensorLike,
    paddings: TensorLike,
    name: str | None = None,
) -> Tensor:
    """As `space_to_batch_nd`."""
    return space_to_batch_nd(input, block_shape, paddings, name)


def batch_to_space(
    input: TensorLike,
    crops: TensorLike,
    block_size: TensorLike,
    name: str | None = None,
    block_shape: TensorLike | None = None,
) -> Tensor:
    """`batch_to_space_nd` with square blocks of an image; `block_shape` is a newer name
    of `block_size`."""
    by = renamed("block_shape", block_shape, "block_size", block_size)
    found = batch_to_space_nd(input, _square(by), crops, name)
    found.set_shape(found.shape.with_rank(4))
    return found


def batch_to_space_v2(
    input: TensorLike,
    block_shape: TensorLike,
    crops: TensorLike,
    name: str | None = None,
) -> Tensor:
    """As `batch_to_space_nd`; one number stands for a square block."""
    block = _square(block_shape) if isinstance(block_shape, int) else block_shape
    return batch_to_space_nd(input, block, crops, name)


def space_to_depth(
    input: TensorLike,
    block_size: int,
    name: str | None = None,
    data_format: str = "NHWC",
) -> Tensor:
    """The places within square blocks of an image, laid out along its channels."""
    return F.SpaceToDepth(
        input, block_size=block_size, data_format=data_format, name=name
    )


def space_to_depth_v2(
    input: TensorLike,
    block_size: int,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """As `space_to_depth`."""
    return space_to_depth(input, block_size, name, data_format)


def depth_to_space(
    input: TensorLike,
    block_size: int,
    name: str | None = None,
    data_format: str = "NHWC",
) -> Tensor:
    """The channels of an image, laid out in square blocks of space."""
    return F.DepthToSpace(
        input, block_size=block_size, data_format=data_format, name=name
    )


def depth_to_space_v2(
    input: TensorLike,
    block_size: int,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """As `depth_to_space`."""
    return depth_to_space(input, block_size, name, data_format)


def extract_image_patches(
    images: TensorLike,
    ksizes: Sizes | None = None,
    strides: Sizes | None = None,
    rates: Sizes | None = None,
    padding: str | None = None,
    name: str | None = None,
    sizes: Sizes | None = None,
) -> Tensor:
    """The windows of images, each laid out along the channels.

    Args:
      images: [batch, rows, columns, channels].
      ksizes: [1, rows, columns, 1], the size of a window; `sizes` is a newer name.
      strides: [1, rows, columns, 1], how far windows are apart.
      rates: [1, rows, columns, 1], how far the elements of a window are apart.
      padding: SAME or VALID.
      name: the name of the operation.

    Returns:
      [batch, windows down, windows across, elements of a window × channels].
    """
    return F.ExtractImagePatches(
        images,
        ksizes=renamed("sizes", sizes, "ksizes", ksizes),
        strides=strides,
        rates=rates,
        padding=padding,
        name=name,
    )


def extract_image_patches_v2(
    images: TensorLike,
    sizes: Sizes,
    strides: Sizes,
    rates: Sizes,
    padding: str,
    name: str | None = None,
) -> Tensor:
    """As `extract_image_patches`."""
    return extract_image_patches(images, sizes, strides, rates, padding, name)


def extract_volume_patches(
    input: TensorLike,
    ksizes: Sizes,
    strides: Sizes,
    padding: str,
    name: str | None = None,
) -> Tensor:
    """The windows of volumes, [batch, planes, rows, columns, channels], each laid out
    along the channels."""
    return F.ExtractVolumePatches(
        input, ksizes=ksizes, strides=strides, padding=padding, name=name
    )


def required_space_to_batch_paddings(
    input_shape: TensorLike,
    block_shape: TensorLike,
    base_paddings: TensorLike | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """What to pad so that blocks divide a shape, and what to crop afterwards.

    Args:
      input_shape: [n], the sizes.
      block_shape: [n], the blocks; its length must be known.
      base_paddings: [n, 2], the padding there must be at least.
      name: the scope of the operations.

    Returns:
      paddings and crops, both [n, 2].
    """
    with dispatch.name_scope(
        name, "required_space_to_batch_paddings", [input_shape, block_shape]
    ):
        sizes: Any = convert_to_tensor(input_shape, dtypes.int32, "input_shape")
        blocks: Any = convert_to_tensor(block_shape, dtypes.int32, "block_shape")
        blocks.shape.assert_is_fully_defined()
        blocks.shape.assert_has_rank(1)
        count = blocks.shape.as_list()[0]
        if count == 0:
            return zeros([0, 2], dtypes.int32), zeros([0, 2], dtypes.int32)
        sizes.shape.assert_is_compatible_with([count])
        base: Any
        if base_paddings is not None:
            base = convert_to_tensor(base_paddings, dtypes.int32, "base_paddings")
            base.shape.assert_is_compatible_with([count, 2])
        else:
            base = zeros([count, 2], dtypes.int32)
        known = [static_value(t) for t in (blocks, sizes, base)]
        if all(v is not None for v in known):
            blocks, sizes, base = known
        start, end = base[:, 0], base[:, 1]
        whole = sizes + start + end
        extra = (blocks - whole % blocks) % blocks
        end = end + extra
        around = [[start[i], end[i]] for i in range(count)]
        paddings = stack(around, name="paddings")
        crops = [[0, extra[i]] for i in range(count)]
        return paddings, stack(crops, name="crops")
