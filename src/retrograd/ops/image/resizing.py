"""Images of another size."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.shape import expand_dims, squeeze
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import F
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.image.checks import (
    assert_rank_at_least_3,
    batched,
    require,
    sizes_of,
)
from retrograd.ops.image.crops import pad_to_bounding_box
from retrograd.ops.math.casts import cast
from retrograd.ops.math.unary import round
from retrograd.ops.static import constant as value_of

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


class ResizeMethodV1:
    """How images are resized, by version 1."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


class ResizeMethod:
    """How images are resized, by version 2."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


def resize_bilinear(
    images: TensorLike,
    size: TensorLike,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images of another size, interpolated between four pixels.

    Args:
      images: [batch, height, width, channels].
      size: the height and the width.
      align_corners: whether the corners stay where they are.
      name: the name of the operation.
      half_pixel_centers: whether pixels are where their centers are.
    """
    return F.ResizeBilinear(
        images,
        size,
        align_corners=align_corners,
        half_pixel_centers=half_pixel_centers,
        name=name,
    )


def resize_nearest_neighbor(
    images: TensorLike,
    size: TensorLike,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images of another size, each pixel the nearest one; as `resize_bilinear`."""
    return F.ResizeNearestNeighbor(
        images,
        size,
        align_corners=align_corners,
        half_pixel_centers=half_pixel_centers,
        name=name,
    )


def resize_bicubic(
    images: TensorLike,
    size: TensorLike,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images of another size, interpolated by cubics; as `resize_bilinear`."""
    return F.ResizeBicubic(
        images,
        size,
        align_corners=align_corners,
        half_pixel_centers=half_pixel_centers,
        name=name,
    )


def resize_area(
    images: TensorLike,
    size: TensorLike,
    align_corners: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images of another size, each pixel the mean of what it covers."""
    return F.ResizeArea(images, size, align_corners=align_corners, name=name)


# ---------------------------------------------------------------------- any method


def _as_size(size: TensorLike) -> Tensor:
    """A size of two int32 numbers.

    Raises:
      ValueError: something else.
    """
    try:
        found = convert_to_tensor(size, dtypes.int32, "size")
    except (TypeError, ValueError):
        raise ValueError("'size' must be a 1-D int32 Tensor") from None
    if not found.shape.is_compatible_with([2]):
        raise ValueError(
            "'size' must be a 1-D Tensor of 2 elements: new_height, new_width"
        )
    return found


def _with_ratio(images: Tensor, size: Tensor) -> Tensor:
    """The largest size within `size` with the images' ratio of height to width."""
    known = images.shape.as_list()
    height, width = known[1:3]
    if height is None or width is None:
        read: Any = shape_of(images)
        height = read[1] if height is None else height
        width = read[2] if width is None else width
    wanted: Any = size
    value = value_of(size)
    pair = (wanted[0], wanted[1]) if value is None else (value[0], value[1])
    scales = [
        cast(new, dtypes.float32) / cast(old, dtypes.float32)
        for new, old in zip(pair, (height, width), strict=True)
    ]
    scale = F.Minimum(*scales)
    sizes = [
        cast(round(scale * cast(old, dtypes.float32)), dtypes.int32)
        for old in (height, width)
    ]
    return convert_to_tensor(sizes, dtypes.int32, "size")


def _resized(
    images: TensorLike,
    resizer: Callable[[Tensor, Tensor], Tensor],
    size: TensorLike,
    preserve_aspect_ratio: bool,
    name: str | None,
    skip: bool,
) -> Tensor:
    with name_scope(name, "resize", [images, size]):
        x = convert_to_tensor(images, name="images")
        rank = x.shape.ndims
        if rank is None:
            raise ValueError("'images' contains no shape.")
        if rank == 3:
            x = expand_dims(x, 0)
        elif rank != 4:
            raise ValueError("'images' must have either 3 or 4 dimensions.")
        _, height, width, _ = x.shape.as_list()
        wanted = _as_size(size)
        known = value_of(wanted)
        if preserve_aspect_ratio:
            wanted, known = _with_ratio(x, wanted), None
        new = [None, None] if known is None else [int(d) for d in known]
        # what has that size already is handed on
        if skip and None not in (height, width) and [height, width] == new:
            return squeeze(x, axis=[0]) if rank == 3 else x
        found = resizer(x, wanted)
        found.set_shape([None, *new, None])
        return squeeze(found, axis=[0]) if rank == 3 else found


def resize_images(
    images: TensorLike,
    size: TensorLike,
    method: int | str = ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images of another size.

    Args:
      images: [height, width, channels] or [batch, height, width, channels].
      size: the height and the width.
      method: one of `ResizeMethodV1`.
      align_corners: whether the corners stay where they are.
      preserve_aspect_ratio: whether `size` is an upper bound, within which the images
        keep their ratio.
      name: a scope for the operations.

    Returns:
      float32 images; of the images' dtype for NEAREST_NEIGHBOR, and for images that
      have that size already.

    Raises:
      ValueError: another rank or method, or a size that is not two numbers.
    """

    def resizer(x: Tensor, wanted: Tensor) -> Tensor:
        for number, text, function in (
            (ResizeMethodV1.BILINEAR, ResizeMethod.BILINEAR, resize_bilinear),
            (
                ResizeMethodV1.NEAREST_NEIGHBOR,
                ResizeMethod.NEAREST_NEIGHBOR,
                resize_nearest_neighbor,
            ),
            (ResizeMethodV1.BICUBIC, ResizeMethod.BICUBIC, resize_bicubic),
            (ResizeMethodV1.AREA, ResizeMethod.AREA, resize_area),
        ):
            if method in (number, text):
                return function(x, wanted, align_corners=align_corners)
        raise ValueError("Resize method is not implemented.")

    return _resized(images, resizer, size, preserve_aspect_ratio, name, skip=True)


def resize_images_v2(
    images: TensorLike,
    size: TensorLike,
    method: str = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images of another size; pixels are where their centers are.

    Args:
      images: [height, width, channels] or [batch, height, width, channels].
      size: the height and the width.
      method: one of `ResizeMethod`.
      preserve_aspect_ratio: whether `size` is an upper bound, within which the images
        keep their ratio.
      antialias: whether pixels that become smaller are means of what they cover.
      name: a scope for the operations.

    Raises:
      ValueError: another rank or method, or a size that is not two numbers.
    """

    def sampled(x: Tensor, wanted: Tensor, kernel: str) -> Tensor:
        new = cast(wanted, dtypes.float32)
        sizes: Any = shape_of(x)
        scale = new / cast(sizes[1:3], dtypes.float32)
        return F.ScaleAndTranslate(
            x,
            wanted,
            scale,
            zeros([2]),
            kernel_type=kernel,
            antialias=antialias,
        )

    def resizer(x: Tensor, wanted: Tensor) -> Tensor:
        if method == ResizeMethod.BILINEAR:
            if antialias:
                return sampled(x, wanted, "triangle")
            return resize_bilinear(x, wanted, half_pixel_centers=True)
        if method == ResizeMethod.NEAREST_NEIGHBOR:
            return resize_nearest_neighbor(x, wanted, half_pixel_centers=True)
        if method == ResizeMethod.BICUBIC:
            if antialias:
                return sampled(x, wanted, "keyscubic")
            return resize_bicubic(x, wanted, half_pixel_centers=True)
        if method == ResizeMethod.AREA:
            return resize_area(x, wanted)
        if method in ("lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
            return sampled(x, wanted, method)
        raise ValueError("Resize method is not implemented.")

    return _resized(images, resizer, size, preserve_aspect_ratio, name, skip=False)


# ---------------------------------------------------------------------- with zeros


def resize_image_with_pad(
    image: TensorLike,
    target_height: int | Tensor,
    target_width: int | Tensor,
    method: int | str = ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
) -> Tensor:
    """Images of another size with the ratio that they have, and zeros around them.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].
      target_height, target_width: the size.
      method, align_corners: as for `resize_images`.

    Raises:
      ValueError: another rank or method, or sizes that are not positive.
    """

    def resizer(x: Tensor, size: TensorLike) -> Tensor:
        return resize_images(x, size, method, align_corners)

    return _with_pad(image, target_height, target_width, resizer)


def resize_image_with_pad_v2(
    image: TensorLike,
    target_height: int | Tensor,
    target_width: int | Tensor,
    method: str = ResizeMethod.BILINEAR,
    antialias: bool = False,
) -> Tensor:
    """As `resize_image_with_pad`, by `resize_images_v2`."""

    def resizer(x: Tensor, size: TensorLike) -> Tensor:
        return resize_images_v2(x, size, method, antialias=antialias)

    return _with_pad(image, target_height, target_width, resizer)


def _with_pad(
    image: TensorLike,
    target_height: int | Tensor,
    target_width: int | Tensor,
    resizer: Callable[[Tensor, TensorLike], Tensor],
) -> Tensor:
    wanted: Any = (target_height, target_width)
    with name_scope(None, "resize_image_with_pad", [image]):
        x, added = batched(image, "'image' must have either 3 or 4 dimensions.")
        assertions = assert_rank_at_least_3(x)
        assertions += require(wanted[1] > 0, "target_width must be > 0.")
        assertions += require(wanted[0] > 0, "target_height must be > 0.")
        x = with_dependencies(assertions, x)
        _, height, width, _ = sizes_of(x, 4)
        old = [cast(d, dtypes.float32) for d in (height, width)]
        new = [cast(d, dtypes.float32) for d in (target_height, target_width)]
        ratio = F.Maximum(old[0] / new[0], old[1] / new[1])
        within = [d / ratio for d in old]
        sizes = [cast(F.Floor(d), dtypes.int32) for d in within]
        zero = constant(0, dtypes.int32)
        before = [
            F.Maximum(zero, cast(F.Floor((a - b) / 2), dtypes.int32))
            for a, b in zip(new, within, strict=True)
        ]
        found = resizer(x, convert_to_tensor(sizes, dtypes.int32, "size"))
        found = pad_to_bounding_box(
            found, before[0], before[1], target_height, target_width
        )
        if found.shape.ndims is None:
            raise ValueError("padded contains no shape.")
        return squeeze(found, axis=[0]) if added else found
