"""Ops: convolutions of images that are made larger first, fused for phones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd.graph.operation import Operation
from retrograd.ops.array.pad_ops import mirror_pad_kernel
from retrograd.ops.declare import op
from retrograd.ops.image.resize_ops import resize_bilinear_kernel
from retrograd.ops.infer import invalid, same_dim, with_rank
from retrograd.ops.nn.conv_ops import conv2d_kernel
from retrograd.ops.nn.window import windows
from retrograd.ops.static import constant

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, Arrays

_DILATIONS = (1, 1, 1, 1)


def _convolved(n: Operation, resized: bool) -> RawShape:
    """The shape of the images made, which are resized first or not."""
    batch, *inner, depth = with_rank(n, 0, 4)
    *window, taken, made = with_rank(n, -1, 4)
    paddings = constant(n._inputs[-2])
    if paddings is not None and paddings.shape != (4, 2):
        raise invalid(n, f"Dimension must be 4 but is {len(paddings)}")
    if resized:
        size = constant(n._inputs[1])
        inner = [None, None] if size is None else [int(s) for s in size]
    same_dim(n, depth, taken)
    strides, padding = n.attrs["strides"], n.attrs["padding"]
    found: list[int | None] = []
    for axis, size in enumerate(inner, 1):
        full = None
        if size is not None and paddings is not None:
            full = size + int(paddings[axis].sum())
        found.append(windows(n, full, window[axis - 1], strides[axis], padding))
    return (batch, *found, made)


@op(
    "FusedPadConv2D",
    infer=lambda n: _convolved(n, False),
    math="y = x ⋆ f, x with its mirror images around it",
    static="paddings",
)
def _pad_and_convolve(
    xp: Arrays,
    x: Array,
    paddings: Array,
    f: Array,
    *,
    mode: str,
    strides: Sequence[int],
    padding: str,
) -> Array:
    """The convolution of images that are continued by their mirror images."""
    return conv2d_kernel(
        xp,
        mirror_pad_kernel(xp, x, paddings, mode=mode),
        f,
        strides=strides,
        padding=padding,
        explicit_paddings=(),
        data_format="NHWC",
        dilations=_DILATIONS,
    )


@op(
    "FusedResizeAndPadConv2D",
    infer=lambda n: _convolved(n, True),
    math="y = x ⋆ f, x resized, with its mirror images around it",
    static=("size", "paddings"),
)
def _resize_and_convolve(
    xp: Arrays,
    x: Array,
    size: Array,
    paddings: Array,
    f: Array,
    *,
    resize_align_corners: bool,
    mode: str,
    strides: Sequence[int],
    padding: str,
) -> Array:
    """The same of images that are resized, as ResizeBilinear does, first."""
    larger = resize_bilinear_kernel(
        xp, x, size, align_corners=resize_align_corners, half_pixel_centers=False
    )
    larger = xp.cast(larger, x.dtype)
    return _pad_and_convolve(
        xp, larger, paddings, f, mode=mode, strides=strides, padding=padding
    )
