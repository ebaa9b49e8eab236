"""How images differ: from each other, and from pixel to pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import range_, zeros
from retrograd.ops.array.identity import identity
from retrograd.ops.array.join import concat, stack, unstack
from retrograd.ops.array.pad import mirror_pad
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.shape import reshape, shape_n, size
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import F
from retrograd.ops.host.printing import Assert
from retrograd.ops.image.colors import convert_image_dtype
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_all, reduce_mean, reduce_prod, reduce_sum
from retrograd.ops.math.unary import abs
from retrograd.ops.nn.activations import relu
from retrograd.ops.nn.depthwise import depthwise_conv2d
from retrograd.ops.nn.nn import softmax
from retrograd.ops.nn.pooling import avg_pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def total_variation(images: TensorLike, name: str | None = None) -> Tensor:
    """The sum of the differences of neighbouring pixels.

    Args:
      images: [height, width, channels] or [batch, height, width, channels].
      name: a scope for the operations.

    Returns:
      A number, or one for each image.

    Raises:
      ValueError: another rank.
    """
    with name_scope(name, "total_variation"):
        x: Any = convert_to_tensor(images)
        rank = x.shape.ndims
        if rank == 3:
            down, across = x[1:, :, :] - x[:-1, :, :], x[:, 1:, :] - x[:, :-1, :]
            axes = None
        elif rank == 4:
            down = x[:, 1:, :, :] - x[:, :-1, :, :]
            across = x[:, :, 1:, :] - x[:, :, :-1, :]
            axes = [1, 2, 3]
        else:
            raise ValueError("'images' must be either 3 or 4-dimensional.")
        total: Any = reduce_sum(abs(down), axis=axes)
        return total + reduce_sum(abs(across), axis=axes)


def image_gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    """The differences of each pixel to the next below and to the right.

    Args:
      image: [batch, height, width, channels].

    Returns:
      Two tensors of that shape; the last row, or column, is zero.

    Raises:
      ValueError: another rank.
    """
    if image.shape.ndims != 4:
        raise ValueError(
            "image_gradients expects a 4D tensor [batch_size, h, w, d], not %s.",
            image.shape,
        )
    x: Any = image
    whole = shape_of(x)
    batch, height, width, depth = unstack(whole)
    down = x[:, 1:, :, :] - x[:, :-1, :, :]
    across = x[:, :, 1:, :] - x[:, :, :-1, :]
    sizes = stack([batch, 1, width, depth])
    below = concat([down, zeros(sizes, x.dtype)], 1)
    below = reshape(below, whole)
    sizes = stack([batch, height, 1, depth])
    beside = concat([across, zeros(sizes, x.dtype)], 2)
    return below, reshape(beside, whole)


def sobel_edges(image: Tensor) -> Tensor:
    """How much pixels change downwards and to the right, by Sobel's filters.

    Args:
      image: [batch, height, width, channels].

    Returns:
      [batch, height, width, channels, 2].
    """
    static = image.shape
    sizes: Any = shape_of(image)
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32)
    filters = np.stack([down, down.T], axis=-1)[:, :, None, :]
    kernel = constant(filters, image.dtype)
    kernel = tile(kernel, [1, 1, sizes[-1], 1], name="sobel_filters")
    around = mirror_pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    found = depthwise_conv2d(around, kernel, [1, 1, 1, 1], "VALID")
    found = reshape(found, concat([sizes, [2]], 0))
    found.set_shape(static.concatenate([2]))
    return found


# ---------------------------------------------------------------------- two images


def _verify(a: Tensor, b: Tensor) -> tuple[Any, Any, list[Any]]:
    """The shapes of two batches of images, and assertions that they fit.

    Raises:
      ValueError: they do not.
    """
    one, other = a.shape.with_rank_at_least(3), b.shape.with_rank_at_least(3)
    one[-3:].assert_is_compatible_with(other[-3:])
    if one.ndims is not None and other.ndims is not None:
        pairs = zip(
            reversed(one.as_list()[:-3]), reversed(other.as_list()[:-3]), strict=False
        )
        for x, y in pairs:
            if 1 not in (x, y) and None not in (x, y) and x != y:
                raise ValueError(f"Two images are not compatible: {one} and {other}")
    shapes: Any = shape_n([a, b])
    first, second = shapes
    checks = [
        Assert(F.GreaterEqual(size(first), 3), [first, second], summarize=10),
        Assert(
            reduce_all(F.Equal(first[-3:], second[-3:])), [first, second], summarize=10
        ),
    ]
    return first, second, checks


def psnr(
    a: TensorLike, b: TensorLike, max_val: TensorLike, name: str | None = None
) -> Tensor:
    """The peak signal-to-noise ratio of images, in decibels.

    Args:
      a, b: [..., height, width, channels].
      max_val: the largest number that there is less the smallest.
      name: a scope for the operations.
    """
    with name_scope(name, "PSNR", [a, b]):
        peak = cast(max_val, convert_to_tensor(a).dtype)
        peak: Any = convert_image_dtype(peak, dtypes.float32)
        x, y = (convert_image_dtype(v, dtypes.float32) for v in (a, b))
        error = reduce_mean(F.SquaredDifference(x, y), [-3, -2, -1])
        ten = F.Log(np.float32(10.0))
        found = F.Sub(
            20 * F.Log(peak) / ten, np.float32(10) / ten * F.Log(error), name="psnr"
        )
        _, _, checks = _verify(x, y)
        return _after(checks, found)


def _after(checks: list[Any], x: Tensor) -> Any:
    """`x`, once the assertions have been made."""
    if context.executing_eagerly():
        return x
    with context.get_default_graph().control_dependencies(checks):
        return identity(x)


def _gaussian(width: Tensor, sigma: Tensor) -> Tensor:
    """The weights [width, width, 1, 1] of a bell, which sum to one."""
    count = convert_to_tensor(width, dtypes.int32)
    wide = convert_to_tensor(sigma)
    place: Any = cast(range_(count), wide.dtype)
    place -= cast(count - 1, wide.dtype) / 2.0
    bell: Any = F.Square(place)
    bell *= -0.5 / F.Square(wide)
    both: Any = reshape(bell, shape=[1, -1]) + reshape(bell, shape=[-1, 1])
    both = softmax(reshape(both, shape=[1, -1]))
    return reshape(both, shape=[count, count, 1, 1])


def _likeness(
    x: Tensor,
    y: Tensor,
    peak: Tensor,
    filter_size: int,
    sigma: float,
    k1: float,
    k2: float,
) -> tuple[Tensor, Tensor]:
    """The means over each channel of SSIM, and of its contrast and structure."""
    width = constant(filter_size, dtypes.int32)
    wide = constant(sigma, x.dtype)
    first, second, checks = _verify(x, y)
    checks += [
        Assert(
            reduce_all(F.GreaterEqual(sizes[-3:-1], width)),
            [sizes, width],
            summarize=8,
        )
        for sizes in (first, second)
    ]
    x = _after(checks, x)
    kernel: Any = _gaussian(width, wide)
    sizes: Any = shape_of(x)
    kernel = tile(kernel, [1, 1, sizes[-1], 1])

    def smooth(z: TensorLike) -> Any:
        have: Any = shape_of(z)
        flat = reshape(z, concat([[-1], have[-3:]], 0))
        made = depthwise_conv2d(flat, kernel, [1, 1, 1, 1], "VALID")
        new: Any = shape_of(made)
        return reshape(made, concat([have[:-3], new[1:]], 0))

    most: Any = peak
    c1, c2 = (k1 * most) ** 2, (k2 * most) ** 2
    mean_x, mean_y = smooth(x), smooth(y)
    both = mean_x * mean_y * 2.0
    squares = F.Square(mean_x) + F.Square(mean_y)
    brightness = (both + c1) / (squares + c1)
    product = smooth(F.Mul(x, y)) * 2.0
    power = smooth(F.AddV2(F.Square(x), F.Square(y)))
    structure = (product - both + c2) / (power - squares + c2)
    axes = constant([-3, -2], dtypes.int32)
    return (
        reduce_mean(brightness * structure, axes),
        reduce_mean(structure, axes),
    )


def ssim(
    img1: TensorLike,
    img2: TensorLike,
    max_val: TensorLike,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """The structural similarity of images (Wang et al. 2004), a mean over channels.

    Args:
      img1, img2: [..., height, width, channels].
      max_val: the largest number that there is less the smallest.
      filter_size, filter_sigma: the size of the window, and how wide the bell in it is.
      k1, k2: what keeps divisions from zero, as shares of `max_val`.
    """
    _, _, checks = _verify(convert_to_tensor(img1), convert_to_tensor(img2))
    first = _after(checks, convert_to_tensor(img1))
    peak = cast(max_val, first.dtype)
    peak = convert_image_dtype(peak, dtypes.float32)
    x = convert_image_dtype(first, dtypes.float32)
    y = convert_image_dtype(img2, dtypes.float32)
    found, _ = _likeness(x, y, peak, filter_size, filter_sigma, k1, k2)
    return reduce_mean(found, [-1])


_POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim_multiscale(
    img1: TensorLike,
    img2: TensorLike,
    max_val: TensorLike,
    power_factors: Sequence[float] = _POWERS,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """The structural similarity of images at several sizes (Wang et al. 2003).

    Args:
      img1, img2, max_val, filter_size, filter_sigma, k1, k2: as for `ssim`.
      power_factors: the exponent of each size, each half as large as the one before.
    """
    with name_scope(None, "MS-SSIM", [img1, img2]):
        x, y = convert_to_tensor(img1), convert_to_tensor(img2)
        first, second, checks = _verify(x, y)
        x = _after(checks, x)
        peak = convert_image_dtype(cast(max_val, x.dtype), dtypes.float32)
        images: list[Any] = [convert_image_dtype(v, dtypes.float32) for v in (x, y)]
        shapes = [first, second]
        parts: list[Any] = []
        found: Any = None
        for scale in range(len(power_factors)):
            with name_scope(None, f"Scale{scale}", images):
                if scale:
                    images, shapes = _halved(images, shapes)
                one, other = images
                found, structure = _likeness(
                    one, other, peak, filter_size, filter_sigma, k1, k2
                )
                parts.append(relu(structure))
        parts.pop()  # of the smallest, the brightness counts too
        every = stack([*parts, relu(found)], axis=-1)
        means = reduce_prod(F.Pow(every, list(power_factors)), [-1])
        return reduce_mean(means, [-1])


def _halved(images: list[Any], shapes: list[Any]) -> tuple[list[Any], list[Any]]:
    """Images of half the size; what an odd one lacks is a reflection."""
    flat, tails = [], []
    for x, sizes in zip(images, shapes, strict=True):
        flat.append(reshape(x, concat([[-1], sizes[-3:]], 0)))
        tails.append(sizes[-3:])
    rest: Any = F.FloorMod(tails[0], constant([2, 2, 1], dtypes.int32))
    more = concat([[0], rest], 0)
    pairs = stack([F.ZerosLike(more), more], axis=1)
    padded = [F.MirrorPad(x, pairs, mode="SYMMETRIC") for x in flat]
    small = [avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID") for x in padded]
    new: list[Any] = [shape_of(x) for x in small]
    made = [
        reshape(x, concat([sizes[:-3], have[1:]], 0))
        for x, sizes, have in zip(small, shapes, new, strict=True)
    ]
    return made, [shape_of(x) for x in made]
