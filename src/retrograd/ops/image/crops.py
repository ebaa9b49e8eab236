"""Parts of images, and images with more around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.join import stack
from retrograd.ops.array.pad import pad
from retrograd.ops.array.shape import reshape, squeeze
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.array.slicing import slice_
from retrograd.ops.declare import F
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.image.checks import (
    assert_rank_at_least_3,
    batched,
    require,
    sizes_of,
)
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

#: a number, or a scalar int32 tensor
Size = Any
_RANKS = "'image' must have either 3 or 4 dimensions."


def _known(*sizes: Size) -> list[int | None]:
    """Sizes as far as they are known."""
    return [None if hasattr(size, "dtype") else size for size in sizes]


def crop_to_bounding_box(
    image: TensorLike,
    offset_height: Size,
    offset_width: Size,
    target_height: Size,
    target_width: Size,
) -> Tensor:
    """A part of images.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].
      offset_height, offset_width: where it begins.
      target_height, target_width: how large it is.

    Raises:
      ValueError: another rank, or a part that is not in the images.
    """
    with name_scope(None, "crop_to_bounding_box", [image]):
        tensor, added = batched(image, _RANKS)
        assertions = assert_rank_at_least_3(tensor)
        batch, height, width, depth = sizes_of(tensor, 4)
        for holds, text in (
            (offset_width >= 0, "offset_width must be >= 0."),
            (offset_height >= 0, "offset_height must be >= 0."),
            (target_width > 0, "target_width must be > 0."),
            (target_height > 0, "target_height must be > 0."),
            (
                width >= (target_width + offset_width),
                "width must be >= target + offset.",
            ),
            (
                height >= (target_height + offset_height),
                "height must be >= target + offset.",
            ),
        ):
            assertions += require(holds, text)
        tensor = with_dependencies(assertions, tensor)
        start = stack([0, offset_height, offset_width, 0])
        found = slice_(tensor, start, stack([-1, target_height, target_width, -1]))
        found.set_shape(_known(batch, target_height, target_width, depth))
        return squeeze(found, axis=[0]) if added else found


def pad_to_bounding_box(
    image: TensorLike,
    offset_height: Size,
    offset_width: Size,
    target_height: Size,
    target_width: Size,
) -> Tensor:
    """Images with zeros around them.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].
      offset_height, offset_width: how many rows and columns come before.
      target_height, target_width: how large it becomes.

    Raises:
      ValueError: another rank, or no room for the images.
    """
    with name_scope(None, "pad_to_bounding_box", [image]):
        tensor, added = batched(image, _RANKS)
        assertions = assert_rank_at_least_3(tensor)
        batch, height, width, depth = sizes_of(tensor, 4)
        right = target_width - offset_width - width
        below = target_height - offset_height - height
        for holds, text in (
            (offset_height >= 0, "offset_height must be >= 0"),
            (offset_width >= 0, "offset_width must be >= 0"),
            (right >= 0, "width must be <= target - offset"),
            (below >= 0, "height must be <= target - offset"),
        ):
            assertions += require(holds, text)
        tensor = with_dependencies(assertions, tensor)
        pairs = stack([0, 0, offset_height, below, offset_width, right, 0, 0])
        found = pad(tensor, reshape(pairs, [4, 2]))
        found.set_shape(_known(batch, target_height, target_width, depth))
        return squeeze(found, axis=[0]) if added else found


def _larger(x: Size, y: Size) -> Size:
    if hasattr(x, "dtype") or hasattr(y, "dtype"):
        return F.Maximum(x, y)
    return max(x, y)


def _smaller(x: Size, y: Size) -> Size:
    if hasattr(x, "dtype") or hasattr(y, "dtype"):
        return F.Minimum(x, y)
    return min(x, y)


def resize_image_with_crop_or_pad(
    image: TensorLike, target_height: Size, target_width: Size
) -> Tensor:
    """The middle of images, or images with zeros around them, of another size.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].
      target_height, target_width: how large it becomes.

    Raises:
      ValueError: another rank, or sizes that are not positive.
    """
    with name_scope(None, "resize_image_with_crop_or_pad", [image]):
        tensor, added = batched(image, _RANKS)
        assertions = assert_rank_at_least_3(tensor)
        assertions += require(target_width > 0, "target_width must be > 0.")
        assertions += require(target_height > 0, "target_height must be > 0.")
        tensor = with_dependencies(assertions, tensor)
        if hasattr(target_height, "dtype"):
            target_height = with_dependencies(assertions, target_height)
        if hasattr(target_width, "dtype"):
            target_width = with_dependencies(assertions, target_width)
        _, height, width, _ = sizes_of(tensor, 4)
        more = target_width - width
        left, before = _larger(-more // 2, 0), _larger(more // 2, 0)
        more = target_height - height
        top, above = _larger(-more // 2, 0), _larger(more // 2, 0)
        cropped = crop_to_bounding_box(
            tensor,
            top,
            left,
            _smaller(target_height, height),
            _smaller(target_width, width),
        )
        found = pad_to_bounding_box(cropped, above, before, target_height, target_width)
        if found.shape.ndims is None:
            raise ValueError("resized contains no shape.")
        _, height, width, _ = sizes_of(found, 4)
        assertions = require(
            _equal(height, target_height), "resized height is not correct."
        )
        assertions += require(
            _equal(width, target_width), "resized width is not correct."
        )
        found = with_dependencies(assertions, found)
        return squeeze(found, axis=[0]) if added else found


def _equal(x: Size, y: Size) -> Any:
    if hasattr(x, "dtype") or hasattr(y, "dtype"):
        return F.Equal(x, y)
    return x == y


def central_crop(image: TensorLike, central_fraction: float) -> Tensor:
    """The middle of images, a fraction of each side.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].
      central_fraction: in (0, 1].

    Raises:
      ValueError: another fraction or rank.
    """
    with name_scope(None, "central_crop", [image]):
        tensor = convert_to_tensor(image, name="image")
        if central_fraction <= 0.0 or central_fraction > 1.0:
            raise ValueError("central_fraction must be within (0, 1]")
        if central_fraction == 1.0:
            return tensor
        rank = tensor.shape.ndims
        assertions = assert_rank_at_least_3(tensor)
        if rank not in (3, 4):
            raise ValueError(
                "`image` should either be a Tensor with rank = 3 or rank = 4. Had rank "
                f"= {rank}."
            )
        tensor = with_dependencies(assertions, tensor)
        first = 1 if rank == 4 else 0
        known = tensor.shape.as_list()
        parts = []
        for axis in (first, first + 1):
            size = known[axis]
            if size is None:
                read: Any = shape_of(tensor)
                size = cast(read[axis], np.float64)
                start = cast((size - size * central_fraction) / 2, np.int32)
                parts.append((start, cast(size, np.int32) - start * 2))
            else:
                start = int((size - size * central_fraction) / 2)
                parts.append((start, size - start * 2))
        batch = [0] * first, [-1] * first
        begin = stack([*batch[0], parts[0][0], parts[1][0], 0])
        found = slice_(tensor, begin, stack([*batch[1], parts[0][1], parts[1][1], -1]))
        lengths = [length for _, length in parts]
        found.set_shape([*known[:first], *_known(*lengths), known[-1]])
        return found
