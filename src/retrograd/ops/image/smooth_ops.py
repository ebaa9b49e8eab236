"""Ops: images of another size by area, by cubics, by kernels of any width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, op, rule
from retrograd.ops.image import weights
from retrograd.ops.image.resize_ops import check_sizes, resized_shape
from retrograd.ops.image.weights import Taps
from retrograd.ops.infer import like

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, Gradient


@op(
    "ResizeArea",
    infer=resized_shape,
    math="y = means of x over areas",
    static="size",
)
def resize_area_kernel(
    xp: Arrays, x: Array, size: Array, *, align_corners: bool
) -> Array:
    """Images of another size as float32; each pixel is the mean of what it covers."""
    sizes = check_sizes(x, size, False, align_corners)
    whole = np.float32(1)
    x = xp.cast(x, np.float32)
    for axis in (2, 1):
        count = sizes[axis - 1]
        have: Any = x.shape[axis]
        taps = weights.area(have, count, align_corners)
        x = taps.gathered(xp, x, axis, skip=True)
        whole = whole * weights.scale_of(have, count, align_corners)
    return x * (np.float32(1) / whole)


# ---------------------------------------------------------------------- bicubic


def _cubics(
    x: Array, sizes: list[int], align_corners: bool, half_pixel_centers: bool
) -> list[Taps]:
    return [
        weights.bicubic(x.shape[axis], count, align_corners, half_pixel_centers)
        for axis, count in enumerate(sizes, 1)
    ]


def _bicubic_gradient(n: Operation, dy: Tensor) -> Gradient:
    x = n.inputs[0]
    if x.dtype not in (dtypes.float32, dtypes.float64):
        return None
    how = ("align_corners", "half_pixel_centers")
    return F.ResizeBicubicGrad(dy, x, **{name: n.attrs[name] for name in how})


@op(
    "ResizeBicubic",
    infer=resized_shape,
    math="y = x interpolated between sixteen pixels",
    grad=dict(images=rule("x̄ = Σ of ȳ times the share of x", _bicubic_gradient)),
    static="size",
)
def resize_bicubic_kernel(
    xp: Arrays, x: Array, size: Array, *, align_corners: bool, half_pixel_centers: bool
) -> Array:
    """Images of another size as float32; each pixel is a cubic of the 16 around it."""
    sizes = check_sizes(x, size, half_pixel_centers, align_corners)
    rows, columns = _cubics(x, sizes, align_corners, half_pixel_centers)
    x = rows.gathered(xp, xp.cast(x, np.float32), 1)
    return columns.gathered(xp, x, 2)


@op(
    "ResizeBicubicGrad",
    infer=like(1),
    math="z = Σ of g times the share of x",
)
def resize_bicubic_grad_kernel(
    xp: Arrays, dy: Array, x: Array, *, align_corners: bool, half_pixel_centers: bool
) -> Array:
    """The backward pass of ResizeBicubic."""
    check_sizes(dy, np.array(x.shape[1:3]), half_pixel_centers, align_corners)
    sizes = list(dy.shape[1:3])
    rows, columns = _cubics(x, sizes, align_corners, half_pixel_centers)
    height, width = x.shape[1:3]
    return rows.spread(
        xp, columns.spread(xp, xp.cast(dy, x.dtype), 2, width), 1, height
    )


# ---------------------------------------------------------------------- any kernel


def _sampled(
    x: Array,
    sizes: list[int],
    scale: Array,
    translation: Array,
    kernel_type: str,
    antialias: bool,
) -> list[Taps]:
    """The taps of height and width.

    Raises:
      InvalidArgumentError: a scale is not positive, or there is no such kernel.
    """
    if kernel_type not in weights.KERNELS:
        raise refused(f"Unrecognized kernel type: {kernel_type}")
    if not (np.asarray(scale) > 0).all():
        raise refused("scale must be greater than zero.")
    return [
        weights.sampled(
            x.shape[axis],
            count,
            float(scale[axis - 1]),
            float(translation[axis - 1]),
            kernel_type,
            antialias,
        )
        for axis, count in enumerate(sizes, 1)
    ]


@op(
    "ScaleAndTranslate",
    infer=resized_shape,
    math="y = x at places scaled by s and shifted by t",
    grad=dict(
        images=rule(
            "x̄ = Σ of ȳ times the share of x",
            lambda n, dy: F.ScaleAndTranslateGrad(
                dy,
                n.inputs[0],
                n.inputs[2],
                n.inputs[3],
                kernel_type=n.attrs["kernel_type"],
                antialias=n.attrs["antialias"],
            ),
        )
    ),
    notation=dict(scale="s", translation="t"),
    static=("size", "scale", "translation"),
)
def scale_and_translate_kernel(
    xp: Arrays,
    x: Array,
    size: Array,
    scale: Array,
    translation: Array,
    *,
    kernel_type: str,
    antialias: bool,
) -> Array:
    """Images scaled and shifted into another size, as float32.

    A new pixel is a mean around its place; one whose place is outside is zero.
    """
    sizes = check_sizes(x, size, False, False)
    rows, columns = _sampled(x, sizes, scale, translation, kernel_type, antialias)
    x = rows.gathered(xp, xp.cast(x, np.float32), 1)
    return columns.gathered(xp, x, 2)


@op(
    "ScaleAndTranslateGrad",
    infer=like(1),
    math="z = Σ of g times the share of x",
    static=("scale", "translation"),
)
def scale_and_translate_grad_kernel(
    xp: Arrays,
    dy: Array,
    x: Array,
    scale: Array,
    translation: Array,
    *,
    kernel_type: str,
    antialias: bool,
) -> Array:
    """The backward pass of ScaleAndTranslate."""
    sizes = list(dy.shape[1:3])
    rows, columns = _sampled(x, sizes, scale, translation, kernel_type, antialias)
    height, width = x.shape[1:3]
    return rows.spread(xp, columns.spread(xp, dy, 2, width), 1, height)
