"""Ops: blocks and patches of images: moved between space and batch, space and depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.fill import range_
from retrograd.ops.array.shape import reshape, shape, transpose
from retrograd.ops.declare import F, gradient, op
from retrograd.ops.infer import (
    invalid,
    merged,
    shape_text,
    with_rank,
)
from retrograd.ops.nn.window import check_int32, fitting, run_padding
from retrograd.ops.static import constant as static_value
from retrograd.ops.traits import Passes, Traits

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- space and batch


def _divided(n: Operation, size: int | None, by: int) -> int | None:
    if size is None:
        return None
    if size % by:
        raise invalid(
            n, f"Dimension size must be evenly divisible by {by} but is {size}"
        )
    return size // by


def _subtracted(n: Operation, size: int, by: int) -> int:
    if by > size:
        raise invalid(
            n, f"Negative dimension size caused by subtracting {by} from {size}"
        )
    return size - by


def _margins(
    n: Operation, margins: np.ndarray | None, word: str
) -> list[list[int]] | None:
    if margins is None:
        return None
    if (margins < 0).any():
        raise invalid(n, f"{word} cannot be negative")
    return margins.reshape(-1, 2).tolist()


def _moved_shape(
    n: Operation,
    raw: RawShape,
    block: Array | Sequence[int] | None,
    count: int,
    to_batch: bool,
) -> RawShape:
    """The shape after blocks of `count` axes moved to the batch, or from it."""
    if raw is not None and len(raw) < count + 1:
        raise invalid(
            n, f"Shape must be at least rank {count + 1} but is rank {len(raw)}"
        )
    merged(n, n._inputs[-1]._shape_raw, (count, 2))
    word = "paddings" if to_batch else "crops"
    margins = _margins(n, static_value(n._inputs[-1]), word)
    batch = None if raw is None else raw[0]
    sizes: list[int | None] = [None] * count
    if block is None:
        batch = batch if not count else None
    else:
        blocks = np.asarray(block).tolist()
        if min(blocks, default=1) < 1:
            raise invalid(n, "block_shape must be positive")
        for by in blocks:
            if to_batch:
                batch = None if batch is None else batch * by
            else:
                batch = _divided(n, batch, by)
        if margins is not None and raw is not None:
            each = zip(raw[1:], blocks, margins, strict=False)
            sizes = [_moved_size(n, *one, to_batch) for one in each]
    if raw is None:
        return None
    return (batch, *sizes, *raw[count + 1 :])


def _moved_size(
    n: Operation, size: int | None, by: int, margin: list[int], to_batch: bool
) -> int | None:
    if size is None:
        return None
    if to_batch:
        return _divided(n, size + sum(margin), by)
    return _subtracted(n, _subtracted(n, size * by, margin[0]), margin[1])


def _nd_shape(n: Operation, to_batch: bool) -> RawShape:
    blocks = n._inputs[1]._shape_raw
    if blocks is None or len(blocks) != 1:
        raise invalid(n, "block_shape must have rank 1.")
    if blocks[0] is None:
        raise invalid(n, "block_shape must have known size.")
    raw = n._inputs[0]._shape_raw
    return _moved_shape(n, raw, static_value(n._inputs[1]), blocks[0], to_batch)


def _square_shape(n: Operation, to_batch: bool) -> RawShape:
    by = n.attrs["block_size"]
    return _moved_shape(n, with_rank(n, 0, 4), [by, by], 2, to_batch)


def _check_blocks(
    x: Array, block: list[int], margins: Array, word: str
) -> list[tuple[int, ...]]:
    have = np.shape(x)
    if len(have) < 1 + len(block):
        raise refused(
            f"input rank should be >= {1 + len(block)} instead of {len(have)}"
        )
    if np.shape(margins) != (len(block), 2):
        raise refused(
            f"{word} should have shape [{len(block)}, 2] instead of "
            f"{shape_text(np.shape(margins))}"
        )
    for size in block:
        if size < 1:
            raise refused(f"All values in block_shape must be positive, got {size}")
    if np.min(margins, initial=0) < 0:
        raise refused(f"{word} cannot be negative")
    return [tuple(m) for m in np.asarray(margins).tolist()]


def _to_batch(xp: Arrays, x: Array, block: list[int], paddings: Array) -> Array:
    """Pad, cut into blocks, and put the places within a block before the batch."""
    pairs = _check_blocks(x, block, paddings, "paddings")
    count, rest = len(block), np.ndim(x) - 1 - len(block)
    x = xp.pad(x, [(0, 0), *pairs, *[(0, 0)] * rest])
    batch, *sizes = np.shape(x)
    split = []
    for i, (size, by) in enumerate(zip(sizes, block, strict=False)):
        if size % by:
            raise refused(
                f"padded_shape[{i}]={size} is not divisible by block_shape[{i}]={by}"
            )
        split += [size // by, by]
    x = xp.reshape(x, [batch, *split, *sizes[count:]])
    inside = [2 + 2 * i for i in range(count)]
    outside = [1 + 2 * i for i in range(count)]
    last = range(1 + 2 * count, np.ndim(x))
    x = xp.transpose(x, [*inside, 0, *outside, *last])
    whole = np.shape(x)
    return xp.reshape(x, [batch * math.prod(block), *whole[count + 1 :]])


def _from_batch(xp: Arrays, x: Array, block: list[int], crops: Array) -> Array:
    """Put the places within a block back into space, and crop."""
    pairs = _check_blocks(x, block, crops, "crops")
    count, total = len(block), math.prod(block)
    batch, *sizes = np.shape(x)
    if batch % total:
        raise refused(
            f"Input batch dimension ({batch}) is not divisible by product of block "
            f"sizes ({total})"
        )
    x = xp.reshape(x, [*block, batch // total, *sizes])
    order = [count]
    for i in range(count):
        order += [count + 1 + i, i]
    x = xp.transpose(x, [*order, *range(2 * count + 1, np.ndim(x))])
    whole = [size * by for size, by in zip(sizes, block, strict=False)]
    x = xp.reshape(x, [batch // total, *whole, *sizes[count:]])
    kept = [slice(None)]
    for i, (size, (before, after)) in enumerate(zip(whole, pairs, strict=True)):
        if before + after > size:
            raise refused(
                f"cropped_shape[{i}]={size - before - after} must be non-negative"
            )
        kept.append(slice(before, size - after))
    return x[tuple(kept)]


@op(
    "SpaceToBatchND",
    infer=lambda n: _nd_shape(n, True),
    math="y = blocks of x taken apart into batches",
    grad=lambda n, dy: [F.BatchToSpaceND(dy, *n.inputs[1:]), None, None],
    static=("block_shape", "paddings"),
    notation=dict(input="x̄ = batches of ȳ woven into blocks"),
)
def space_to_batch_nd_kernel(
    xp: Arrays, x: Array, block_shape: Array, paddings: Array
) -> Array:
    """The places within blocks of space, each a batch of its own."""
    return _to_batch(xp, x, block_shape.tolist(), paddings)


@op(
    "BatchToSpaceND",
    infer=lambda n: _nd_shape(n, False),
    math="y = batches of x woven into blocks",
    grad=lambda n, dy: [F.SpaceToBatchND(dy, *n.inputs[1:]), None, None],
    static=("block_shape", "crops"),
    notation=dict(input="x̄ = blocks of ȳ taken apart into batches"),
)
def batch_to_space_nd_kernel(
    xp: Arrays, x: Array, block_shape: Array, crops: Array
) -> Array:
    """Batches put into the places within blocks of space."""
    return _from_batch(xp, x, block_shape.tolist(), crops)


def _check_square(x: Array) -> None:
    if np.ndim(x) != 4:
        raise refused(f"Input rank should be: 4instead of: {np.ndim(x)}")


@op(
    "SpaceToBatch",
    infer=lambda n: _square_shape(n, True),
    math="y = blocks of x taken apart into batches",
    grad=lambda n, dy: [
        F.BatchToSpace(dy, n.inputs[1], block_size=n.attrs["block_size"]),
        None,
    ],
    static="paddings",
    notation=dict(input="x̄ = batches of ȳ woven into blocks"),
)
def space_to_batch_kernel(
    xp: Arrays, x: Array, paddings: Array, *, block_size: int
) -> Array:
    """The places within square blocks of an image, each a batch of its own."""
    _check_square(x)
    return _to_batch(xp, x, [block_size] * 2, paddings)


@op(
    "BatchToSpace",
    infer=lambda n: _square_shape(n, False),
    math="y = batches of x woven into blocks",
    grad=lambda n, dy: [
        F.SpaceToBatch(dy, n.inputs[1], block_size=n.attrs["block_size"]),
        None,
    ],
    static="crops",
    notation=dict(input="x̄ = blocks of ȳ taken apart into batches"),
)
def batch_to_space_kernel(
    xp: Arrays, x: Array, crops: Array, *, block_size: int
) -> Array:
    """Batches put into the places within square blocks of an image."""
    _check_square(x)
    return _from_batch(xp, x, [block_size] * 2, crops)


# ---------------------------------------------------------------------- space and depth


def _depth_shape(n: Operation, to_depth: bool) -> RawShape:
    layout, by = n.attrs["data_format"], n.attrs["block_size"]
    packed = layout == "NCHW_VECT_C"  # four channels together, as the last axis
    raw = with_rank(n, 0, 5 if packed else 4)
    first = packed or layout == "NCHW"
    batch, high, wide, deep = (
        raw[i] for i in ((0, 2, 3, 1) if first else (0, 1, 2, 3))
    )
    if to_depth:
        high, wide = _divided(n, high, by), _divided(n, wide, by)
        deep = None if deep is None else deep * by * by
    else:
        high = None if high is None else high * by
        wide = None if wide is None else wide * by
        deep = _divided(n, deep, by * by)
    if packed:
        return (batch, deep, high, wide, 4)
    return (batch, deep, high, wide) if first else (batch, high, wide, deep)


def _depth_gradient(inverse: Callable[..., Any]) -> Callable[..., Any]:
    def rule(n: Operation, dy: Tensor) -> Tensor:
        layout = n.attrs["data_format"]
        if layout == "NCHW_VECT_C":
            raise ValueError(
                f"Cannot compute {n.type} gradient with NCHW_VECT_C. NCHW_VECT_C "
                "requires qint8 data type."
            )
        return inverse(dy, block_size=n.attrs["block_size"], data_format=layout)

    return rule


def _check_depth(x: Array) -> tuple[int, ...]:
    if np.ndim(x) != 4:
        raise refused(f"Input rank should be 4 instead of {np.ndim(x)}")
    return np.shape(x)


@op(
    "SpaceToDepth",
    infer=lambda n: _depth_shape(n, True),
    math="y = blocks of x taken apart into channels",
    grad=_depth_gradient(lambda *a, **k: F.DepthToSpace(*a, **k)),
    notation=dict(input="x̄ = channels of ȳ woven into blocks"),
    traits=Traits(passes=Passes.MOVED),
)
def space_to_depth_kernel(
    xp: Arrays, x: Array, *, block_size: int, data_format: str
) -> Array:
    """The places within square blocks of an image, laid out along its channels."""
    by = block_size
    if data_format == "NCHW":
        x = xp.moveaxis(x, 1, -1)
    batch, high, wide, deep = _check_depth(x)
    if high % by or wide % by:
        raise refused(
            f"Image width {wide} and height {high} should be divisible by block_size: "
            f"{by}"
        )
    x = xp.reshape(x, (batch, high // by, by, wide // by, by, deep))
    x = xp.transpose(x, (0, 1, 3, 2, 4, 5))
    x = xp.reshape(x, (batch, high // by, wide // by, by * by * deep))
    return xp.moveaxis(x, -1, 1) if data_format == "NCHW" else x


@op(
    "DepthToSpace",
    infer=lambda n: _depth_shape(n, False),
    math="y = channels of x woven into blocks",
    grad=_depth_gradient(lambda *a, **k: F.SpaceToDepth(*a, **k)),
    notation=dict(input="x̄ = blocks of ȳ taken apart into channels"),
    traits=Traits(passes=Passes.MOVED),
)
def depth_to_space_kernel(
    xp: Arrays, x: Array, *, block_size: int, data_format: str
) -> Array:
    """The channels of an image, laid out in square blocks of space."""
    by = block_size
    if data_format == "NCHW":
        x = xp.moveaxis(x, 1, -1)
    batch, high, wide, deep = _check_depth(x)
    if deep % (by * by):
        raise refused(f"Input depth dimension {deep} should be divisible by: {by * by}")
    deep //= by * by
    x = xp.reshape(x, (batch, high, wide, by, by, deep))
    x = xp.transpose(x, (0, 1, 3, 2, 4, 5))
    x = xp.reshape(x, (batch, high * by, wide * by, deep))
    return xp.moveaxis(x, -1, 1) if data_format == "NCHW" else x


# ---------------------------------------------------------------------- patches


def _patches_shape(n: Operation) -> RawShape:
    count = 4 if n.type == "ExtractImagePatches" else 5
    raw = with_rank(n, 0, count)
    lists = {"ksizes": "ksizes", "strides": "stride"}
    if count == 4:
        lists["rates"] = "rates"
    check_int32(n, *lists)
    for name, word in lists.items():
        if len(n.attrs[name]) != count:
            raise invalid(
                n,
                f"{n.type} requires the {word} attribute to contain {count} values, "
                f"but got: {len(n.attrs[name])}",
            )
    ksizes, strides = n.attrs["ksizes"][1:-1], n.attrs["strides"][1:-1]
    rates = n.attrs.get("rates", [1] * count)[1:-1]
    deep = None if raw[-1] is None else raw[-1] * math.prod(ksizes)
    inner: list[int | None] = [None] * (count - 2)
    if None not in raw[1:-1]:
        padding = n.attrs["padding"]
        inner = [
            fitting(n, d or 0, (k - 1) * r + 1, s, padding)
            for d, k, s, r in zip(raw[1:-1], ksizes, strides, rates, strict=True)
        ]
    return (raw[0], *inner, deep)


def _patches(
    xp: Arrays,
    x: Array,
    ksizes: list[int],
    strides: list[int],
    rates: Sequence[int],
    padding: str,
) -> Array:
    """Windows of x, each laid out along the channels."""
    sizes = np.shape(x)[1:-1]
    pairs = run_padding(xp, sizes, ksizes, strides, rates, padding)
    if any(map(any, pairs)):
        x = xp.pad(x, [(0, 0), *pairs, (0, 0)])
    counts = [
        max((d + sum(p) - (k - 1) * r - 1) // s + 1, 0)
        for d, p, k, s, r in zip(sizes, pairs, ksizes, strides, rates, strict=True)
    ]
    parts = []
    for place in np.ndindex(*ksizes):
        where = tuple(
            slice(i * r, i * r + (c - 1) * s + 1 if c else 0, s)
            for i, r, c, s in zip(place, rates, counts, strides, strict=True)
        )
        parts.append(x[(slice(None), *where)])
    return xp.concatenate(parts, -1)


@op("ExtractImagePatches", infer=_patches_shape, math="y = windows of x")
def extract_image_patches_kernel(
    xp: Arrays,
    x: Array,
    *,
    ksizes: list[int],
    strides: list[int],
    rates: list[int],
    padding: str,
) -> Array:
    """The windows of an image, each laid out along the channels."""
    return _patches(xp, x, ksizes[1:-1], strides[1:-1], rates[1:-1], padding)


@op("ExtractVolumePatches", infer=_patches_shape, math="y = windows of x")
def extract_volume_patches_kernel(
    xp: Arrays, x: Array, *, ksizes: list[int], strides: list[int], padding: str
) -> Array:
    """The windows of a volume, each laid out along the channels."""
    return _patches(xp, x, ksizes[1:-1], strides[1:-1], [1, 1, 1], padding)


def _patches_gradient(n: Operation, dy: Tensor) -> list[Tensor]:
    """Every element of a window goes back to where it was taken from, and is added.

    Where that is comes from the op itself, applied to the numbers of the elements; the
    padding comes out as −1, which a segment sum leaves out.
    """
    x = n.inputs[0]
    attrs = {k: v for k, v in n.attrs.items() if not k.startswith("_") and k != "T"}
    sizes = shape(x, out_type=dtypes.int64)
    count = len(attrs["ksizes"]) - 2
    inner = [sizes[i + 1] for i in range(count)]
    total = inner[0]
    for d in inner[1:]:
        total = total * d
    one = np.int64(1)
    numbers = reshape(range_(one, total + 1, one), [1, *inner, 1])
    places = getattr(F, n.type)(numbers, **attrs)
    ids = reshape(places, [-1]) - 1
    batch, depth = sizes[0], sizes[count + 1]
    window = math.prod(attrs["ksizes"][1:-1])
    rows = transpose(reshape(dy, [batch, -1, window, depth]), [1, 2, 0, 3])
    rows = reshape(rows, [-1, batch * depth])
    dx = F.UnsortedSegmentSum(rows, ids, total)
    order = [count, *range(count), count + 1]
    return [transpose(reshape(dx, [*inner, batch, depth]), order)]


gradient("ExtractImagePatches", images="x̄ = Σ ȳ over the windows")(_patches_gradient)
gradient("ExtractVolumePatches", input="x̄ = Σ ȳ over the windows")(_patches_gradient)
