"""Ops: images of another size, by the nearest pixel or by interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F, op, rule
from retrograd.ops.image.weights import scale_of
from retrograd.ops.infer import like, shape_text, with_rank
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def resized_shape(n: Operation) -> RawShape:
    """[batch, height, width, channels]."""
    batch, _, _, channels = with_rank(n, 0, 4)
    sizes = constant(n._inputs[1])
    known = (None, None) if sizes is None else map(int, sizes)
    return (batch, *known, channels)


def check_sizes(
    x: Array, sizes: Array, half_pixel_centers: bool, align: bool
) -> list[int]:
    """The height and the width to make.

    Raises:
      InvalidArgumentError: shapes or sizes that make no sense, or both conventions.
    """
    if half_pixel_centers and align:
        raise refused("If half_pixel_centers is True, align_corners must be False.")
    if x.ndim != 4:
        raise refused(f"input must be 4-dimensional{shape_text(x.shape)}")
    if np.ndim(sizes) != 1:
        raise refused(f"shape_t must be 1-dimensional{shape_text(sizes.shape)}")
    if len(sizes) != 2:
        raise refused(f"shape_t must have two elements{shape_text(sizes.shape)}")
    found = [int(size) for size in sizes]
    if min(found) <= 0:
        raise refused("output dimensions must be positive")
    if x.shape[3] <= 0:
        raise refused("image must have at least one channel")
    if min(x.shape[1:3]) <= 0:
        raise refused("input image must be of non-zero size")
    return found


# ---------------------------------------------------------------------- where from


def _scaled(size: int, count: int, align_corners: bool, offset: float) -> np.ndarray:
    """Where `count` pixels lie on an axis of `size`, as float32: TensorFlow's type.

    With `align_corners` the first and last lie on the first and last.
    """
    scale = scale_of(size, count, align_corners)
    return (np.arange(count, dtype=np.float32) + np.float32(offset)) * scale


def _nearest(
    size: int, count: int, align_corners: bool, half_pixel_centers: bool
) -> np.ndarray:
    """The index on an axis of `size` of each of `count` pixels."""
    at = _scaled(size, count, align_corners, 0.5 if half_pixel_centers else 0.0)
    # halves away from zero, which np.round does not do
    found = np.floor(at + np.float32(0.5)) if align_corners else np.floor(at)
    return np.clip(found.astype(np.int64), 0, size - 1)


def _between(
    size: int, count: int, align_corners: bool, half_pixel_centers: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of `count` pixels the indices before and after it, and how far it is."""
    if half_pixel_centers:
        at = _scaled(size, count, align_corners, 0.5) - np.float32(0.5)
    else:
        at = _scaled(size, count, align_corners, 0.0)
    floor = np.floor(at)
    before = np.maximum(floor.astype(np.int64), 0)
    after = np.minimum(np.ceil(at).astype(np.int64), size - 1)
    return before, after, at - floor


# ---------------------------------------------------------------------- nearest


def _attrs(n: Operation) -> dict[str, bool]:
    return {name: n.attrs[name] for name in ("align_corners", "half_pixel_centers")}


def _nearest_gradient(n: Operation, dy: Tensor) -> Tensor:
    image = n.inputs[0]
    sizes = image.shape[1:3]
    if not sizes.is_fully_defined():
        sizes = shape(image)[1:3]
    return F.ResizeNearestNeighborGrad(dy, sizes, **_attrs(n))


@op(
    "ResizeNearestNeighbor",
    infer=resized_shape,
    math="y = x at the nearest pixels",
    grad=dict(images=rule("x̄ = Σ of ȳ where x is the nearest", _nearest_gradient)),
    static="size",
)
def resize_nearest_neighbor_kernel(
    xp: Arrays, x: Array, size: Array, *, align_corners: bool, half_pixel_centers: bool
) -> Array:
    """Images of another size; each pixel is the nearest of the image."""
    sizes = check_sizes(x, size, half_pixel_centers, align_corners)
    for axis, count in enumerate(sizes, 1):
        at = _nearest(x.shape[axis], count, align_corners, half_pixel_centers)
        x = xp.take(x, at, axis)
    return x


@op(
    "ResizeNearestNeighborGrad",
    infer=resized_shape,
    math="z = Σ of g where x is the nearest",
    static="size",
)
def resize_nearest_neighbor_grad_kernel(
    xp: Arrays, dy: Array, size: Array, *, align_corners: bool, half_pixel_centers: bool
) -> Array:
    """The backward pass of ResizeNearestNeighbor; `size` is that of its images."""
    sizes = check_sizes(dy, size, half_pixel_centers, align_corners)
    for axis, count in enumerate(sizes, 1):
        at = _nearest(count, dy.shape[axis], align_corners, half_pixel_centers)
        order = [axis, *(i for i in range(4) if i != axis)]
        total = xp.segment_sum(xp.transpose(dy, order), at, count)
        dy = xp.transpose(total, np.argsort(order).tolist())
    return dy


# ---------------------------------------------------------------------- bilinear


@op(
    "ResizeBilinear",
    infer=resized_shape,
    math="y = x interpolated between four pixels",
    grad=dict(
        images=rule(
            "x̄ = Σ of ȳ times the share of x",
            lambda n, dy: F.ResizeBilinearGrad(dy, n.inputs[0], **_attrs(n)),
        )
    ),
    static="size",
)
def resize_bilinear_kernel(
    xp: Arrays, x: Array, size: Array, *, align_corners: bool, half_pixel_centers: bool
) -> Array:
    """Images of another size as float32; each pixel is a mean of the four around it."""
    sizes = check_sizes(x, size, half_pixel_centers, align_corners)
    x = xp.cast(x, np.float32)
    for axis in (2, 1):
        how = (sizes[axis - 1], align_corners, half_pixel_centers)
        before, after, share = _between(x.shape[axis], *how)
        low, high = xp.take(x, before, axis), xp.take(x, after, axis)
        share = share.reshape((-1,) + (1,) * (3 - axis))
        x = low + (high - low) * share
    return x


@op(
    "ResizeBilinearGrad",
    infer=like(1),
    math="z = Σ of g times the share of x",
)
def resize_bilinear_grad_kernel(
    xp: Arrays, dy: Array, x: Array, *, align_corners: bool, half_pixel_centers: bool
) -> Array:
    """The backward pass of ResizeBilinear."""
    check_sizes(dy, np.array(x.shape[1:3]), half_pixel_centers, align_corners)
    images, height, width, channels = x.shape
    rows, columns = (
        _shares(x.shape[axis], dy.shape[axis], align_corners, half_pixel_centers)
        for axis in (1, 2)
    )
    # products are float32, sums of the type of the images
    places, terms = [], []
    for row, down in rows:
        for column, right in columns:
            places.append((row[:, None] * width + column).ravel())
            terms.append(dy * down[:, None, None] * right[:, None])
    term = xp.cast(xp.stack(terms), x.dtype)  # [4, images, rows, columns, channels]
    flat = xp.transpose(term, (0, 2, 3, 1, 4)).reshape(-1, images, channels)
    total = xp.segment_sum(flat, np.concatenate(places), height * width)
    sized = total.reshape(height, width, images, channels)
    return xp.transpose(sized, (2, 0, 1, 3))


def _shares(
    size: int, count: int, align_corners: bool, half_pixel_centers: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The indices before and after each pixel, and the share of each."""
    before, after, share = _between(size, count, align_corners, half_pixel_centers)
    return [(before, np.float32(1) - share), (after, share)]
