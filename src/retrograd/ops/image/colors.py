"""Brightness, contrast, hue and saturation of images; what their numbers stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.fill import ones
from retrograd.ops.array.identity import identity
from retrograd.ops.array.join import concat
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.shape import expand_dims, rank
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import F
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.host.checks import assert_equal
from retrograd.ops.host.printing import Assert
from retrograd.ops.image.checks import assert_rank_at_least_3
from retrograd.ops.linalg.einsum import tensordot
from retrograd.ops.math.casts import cast, saturate_cast
from retrograd.ops.math.reduce import reduce_mean, reduce_prod, reduce_std
from retrograd.ops.random.random import random_uniform

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, TensorLike

_GRAY = (0.2989, 0.587, 0.114)
_YIQ = np.array(
    [
        [0.299, 0.59590059, 0.2115],
        [0.587, -0.27455667, -0.52273617],
        [0.114, -0.32134392, 0.31119955],
    ]
)
_YUV = np.array(
    [
        [0.299, -0.14714119, 0.61497538],
        [0.587, -0.28886916, -0.51496512],
        [0.114, 0.43601035, -0.10001026],
    ]
)
_FROM_YIQ = np.array(
    [
        [1, 1, 1],
        [0.95598634, -0.27201283, -1.10674021],
        [0.6208248, -0.64720424, 1.70423049],
    ]
)
_FROM_YUV = np.array(
    [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]]
)


def convert_image_dtype(
    image: TensorLike,
    dtype: DTypeLike,
    saturate: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images whose numbers have another type: floats in [0, 1], or all integers.

    Args:
      image: numbers in [0, 1], or integers of any size.
      dtype: the type to make.
      saturate: whether numbers that are out of its range become the nearest in it.
      name: the name of the operation.

    Raises:
      AttributeError: from a type that is neither of integers nor of floats.
    """
    x: Any = convert_to_tensor(image, name="image")
    wanted = dtypes.as_dtype(dtype)
    if wanted == x.dtype:
        return identity(x, name=name)
    with name_scope(name, "convert_image", [x]) as scope:
        if x.dtype.is_integer and wanted.is_integer:
            have, most = x.dtype.max, wanted.max
            if have > most:
                scale = (have + 1) // (most + 1)
                x = F.FloorDiv(x, scale, name="div")
                if saturate:
                    return saturate_cast(x, wanted, name=scope)
                return cast(x, wanted, name=scope)
            scale = (most + 1) // (have + 1)
            if saturate:
                x = saturate_cast(x, wanted)
            else:
                have = x.dtype.max
            x = cast(x, wanted)
            return F.Mul(x, scale, name=scope)
        if x.dtype.is_floating and wanted.is_floating:
            return cast(x, wanted, name=scope)
        if x.dtype.is_integer:
            have = x.dtype.max
            x = cast(x, wanted)
            return F.Mul(x, 1.0 / have, name=scope)
        # a little more than the largest, so that 1 is rounded down to it
        x = F.Mul(x, wanted.max + 0.5)
        if saturate:
            return saturate_cast(x, wanted, name=scope)
        return cast(x, wanted, name=scope)


# ---------------------------------------------------------------------- adjusted


def _in_floats(image: TensorLike) -> tuple[Any, dtypes.DType]:
    """Images as floats, and the dtype that they had."""
    x = convert_to_tensor(image, name="image")
    kind = x.dtype
    if kind in (dtypes.float16, dtypes.float32):
        return x, kind
    return convert_image_dtype(x, dtypes.float32), kind


def adjust_brightness(image: TensorLike, delta: TensorLike) -> Tensor:
    """Images brighter by a number between −1 and 1, of what is white."""
    with name_scope(None, "adjust_brightness", [image, delta]) as scope:
        x, kind = _in_floats(image)
        found = F.Add(x, cast(delta, x.dtype), name=scope)
        return convert_image_dtype(found, kind, saturate=True)


def adjust_contrast(images: TensorLike, contrast_factor: TensorLike) -> Tensor:
    """Images whose distance to the mean of each channel is multiplied."""
    with name_scope(None, "adjust_contrast", [images, contrast_factor]) as scope:
        x, kind = _in_floats(images)
        found = F.AdjustContrastv2(x, contrast_factor, name=scope)
        return convert_image_dtype(found, kind, saturate=True)


def adjust_gamma(
    image: TensorLike, gamma: TensorLike = 1, gain: TensorLike = 1
) -> Tensor:
    """gain · xᵞ.

    Args:
      image: images.
      gamma: the exponent: not negative.
      gain: the factor.

    Raises:
      ValueError: γ is negative.
    """
    with name_scope(None, "adjust_gamma", [image, gamma, gain]):
        x, kind = _in_floats(image)
        text = "Gamma should be a non-negative real number."
        exponent: Any = gamma
        if hasattr(gamma, "dtype"):
            holds = Assert(exponent >= 0, [text])
            exponent = with_dependencies([holds], exponent)
        elif exponent < 0:
            raise ValueError(text)
        return convert_image_dtype(gain * x**exponent, kind, saturate=True)


def adjust_hue(image: TensorLike, delta: TensorLike, name: str | None = None) -> Tensor:
    """Images whose hue is turned by a share of the circle, between −1 and 1."""
    with name_scope(name, "adjust_hue", [image]):
        x, kind = _in_floats(image)
        return convert_image_dtype(F.AdjustHue(x, delta), kind)


def adjust_saturation(
    image: TensorLike, saturation_factor: TensorLike, name: str | None = None
) -> Tensor:
    """Images whose saturation is multiplied."""
    with name_scope(name, "adjust_saturation", [image]):
        x, kind = _in_floats(image)
        return convert_image_dtype(F.AdjustSaturation(x, saturation_factor), kind)


def _check_range(lower: float, upper: float) -> None:
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")


def random_brightness(
    image: TensorLike, max_delta: float, seed: int | None = None
) -> Tensor:
    """Images brighter or darker by a random number of at most `max_delta`.

    Raises:
      ValueError: that is negative.
    """
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    delta = random_uniform([], -max_delta, max_delta, seed=seed)
    return adjust_brightness(image, delta)


def random_contrast(
    image: TensorLike, lower: float, upper: float, seed: int | None = None
) -> Tensor:
    """Images with a contrast multiplied by a random number between two.

    Raises:
      ValueError: not 0 ≤ lower < upper.
    """
    _check_range(lower, upper)
    return adjust_contrast(image, random_uniform([], lower, upper, seed=seed))


def random_hue(image: TensorLike, max_delta: float, seed: int | None = None) -> Tensor:
    """Images with a hue turned by a random number of at most `max_delta`.

    Raises:
      ValueError: not in [0, 0.5].
    """
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, random_uniform([], -max_delta, max_delta, seed=seed))


def random_saturation(
    image: TensorLike, lower: float, upper: float, seed: int | None = None
) -> Tensor:
    """Images with a saturation multiplied by a random number between two.

    Raises:
      ValueError: not 0 ≤ lower < upper.
    """
    _check_range(lower, upper)
    return adjust_saturation(image, random_uniform([], lower, upper, seed=seed))


def per_image_standardization(image: TensorLike) -> Tensor:
    """Images with mean 0 and deviation 1.

    A deviation below 1 / √n counts as that, for images of n numbers.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].

    Raises:
      ValueError: fewer than three axes.
    """
    with name_scope(None, "per_image_standardization", [image]) as scope:
        x: Any = convert_to_tensor(image, name="image")
        x = with_dependencies(assert_rank_at_least_3(x), x)
        x, kind = _in_floats(x)
        sizes: Any = shape_of(x)
        count = reduce_prod(sizes[-3:])
        mean = reduce_mean(x, axis=[-1, -2, -3], keepdims=True)
        deviation = reduce_std(x, axis=[-1, -2, -3], keepdims=True)
        least = F.Rsqrt(cast(count, x.dtype))
        deviation = F.Maximum(deviation, least)
        found = F.RealDiv(x - mean, deviation, name=scope)
        return convert_image_dtype(found, kind, saturate=True)


# ---------------------------------------------------------------------- other colors


def rgb_to_grayscale(images: TensorLike, name: str | None = None) -> Tensor:
    """The brightness of red, green and blue, with one channel."""
    with name_scope(name, "rgb_to_grayscale", [images]) as scope:
        x = convert_to_tensor(images, name="images")
        kind = x.dtype
        floats = convert_image_dtype(x, dtypes.float32)
        gray = expand_dims(tensordot(floats, _GRAY, [-1, -1]), -1)
        return convert_image_dtype(gray, kind, name=scope)


def grayscale_to_rgb(images: TensorLike, name: str | None = None) -> Tensor:
    """One channel as three equal ones.

    Raises:
      ValueError: the last axis has another size than 1.
    """
    with name_scope(name, "grayscale_to_rgb", [images]) as scope:
        x = convert_to_tensor(images, name="images")
        x = with_dependencies(_assert_gray(x), x)
        before = expand_dims(rank(x) - 1, 0)
        times = concat([ones(before, dtypes.int32), expand_dims(3, 0)], 0)
        found = tile(x, times, name=scope)
        sizes = x.shape
        if sizes.ndims is not None:
            found.set_shape([*sizes.as_list()[:-1], 3])
        return found


def _assert_gray(x: Tensor) -> list[Any]:
    text = "Last dimension of a grayscale image should be size 1."
    last = None if x.shape.ndims is None else x.shape.as_list()[-1]
    if last is not None:
        if last != 1:
            raise ValueError(text)
        return []
    sizes: Any = shape_of(x)
    more = "A grayscale image must be at least two-dimensional."
    return [
        assert_equal(sizes[-1], 1, message=text),
        Assert(F.GreaterEqual(rank(x), 3), [more]),
    ]


def _by_matrix(images: TensorLike, matrix: np.ndarray) -> Tensor:
    x = convert_to_tensor(images, name="images")
    kernel = convert_to_tensor(matrix, x.dtype, "kernel")
    return tensordot(x, kernel, axes=[[x.shape.ndims - 1], [0]])  # pyright: ignore[reportOptionalOperand]


def rgb_to_yiq(images: TensorLike) -> Tensor:
    """Brightness and two differences of colors (NTSC) of red, green and blue."""
    return _by_matrix(images, _YIQ)


def yiq_to_rgb(images: TensorLike) -> Tensor:
    """The opposite of `rgb_to_yiq`."""
    return _by_matrix(images, _FROM_YIQ)


def rgb_to_yuv(images: TensorLike) -> Tensor:
    """Brightness and two differences of colors (PAL) of red, green and blue."""
    return _by_matrix(images, _YUV)


def yuv_to_rgb(images: TensorLike) -> Tensor:
    """The opposite of `rgb_to_yuv`."""
    return _by_matrix(images, _FROM_YUV)


def rgb_to_hsv(images: TensorLike, name: str | None = None) -> Tensor:
    """Hue, saturation and value, each in [0, 1], of red, green and blue."""
    return F.RGBToHSV(images, name=name)


def hsv_to_rgb(images: TensorLike, name: str | None = None) -> Tensor:
    """Red, green and blue of hue, saturation and value, each in [0, 1]."""
    return F.HSVToRGB(images, name=name)
