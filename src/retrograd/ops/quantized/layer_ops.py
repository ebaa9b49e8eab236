"""Ops: what keeps the limits that integers stand for: rectifiers, pooling, joining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.ops.array.join_ops import concat_kernel, joined_shape
from retrograd.ops.array.shape_ops import reshape_kernel, reshaped_shape
from retrograd.ops.declare import op
from retrograd.ops.infer import scalars_from
from retrograd.ops.nn.pooling_ops import avg_pool_kernel, by_attributes, max_pool_kernel
from retrograd.ops.quantized import levels
from retrograd.ops.quantized.fake_ops import scalar_of
from retrograd.ops.quantized.quantize_ops import with_limits

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- rectifiers


def _between(x: Array, low: Array, high: Array, most: float | None) -> levels.Limited:
    """x from 0 on, up to `most` if that is given, and the limits."""
    first, last = scalar_of(low), scalar_of(high)
    found = np.maximum(x, x.dtype.type(_place(0.0, first, last, x.dtype)))
    if most is not None:
        found = np.minimum(found, x.dtype.type(_place(most, first, last, x.dtype)))
    return found, first, last


def _place(
    value: float, low: levels.Number, high: levels.Number, dtype: np.dtype
) -> int:
    """The integer that stands for a float, or the nearest that there is."""
    least, greatest = levels.bounds(dtype)
    return min(max(levels.unclamped(value, low, high, dtype), least), greatest)


@op("QuantizedRelu", infer=with_limits, host=True)
def _relu(xp: Arrays, x: Array, low: Array, high: Array) -> levels.Limited:
    """max(x, 0), and the limits as they are."""
    del xp
    return _between(x, low, high, None)


@op("QuantizedRelu6", infer=with_limits, host=True)
def _relu6(xp: Arrays, x: Array, low: Array, high: Array) -> levels.Limited:
    """min(max(x, 0), 6), and the limits as they are."""
    del xp
    return _between(x, low, high, 6.0)


# ---------------------------------------------------------------------- pooling


def _max_shapes(n: Operation) -> list[RawShape]:
    scalars_from(n, 1)
    return [by_attributes("MaxPool")(n), (), ()]


def _mean_shapes(n: Operation) -> list[RawShape]:
    scalars_from(n, 1)
    return [by_attributes("AvgPool")(n), (), ()]


@op("QuantizedMaxPool", infer=_max_shapes, host=True)
def _max_pool(
    xp: Arrays,
    x: Array,
    low: Array,
    high: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
) -> levels.Limited:
    """The largest element of each window, and the limits as they are."""
    found = max_pool_kernel(
        xp, x, ksize=ksize, strides=strides, padding=padding, data_format="NHWC"
    )
    return found, scalar_of(low), scalar_of(high)


@op("QuantizedAvgPool", infer=_mean_shapes, host=True)
def _avg_pool(
    xp: Arrays,
    x: Array,
    low: Array,
    high: Array,
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
) -> levels.Limited:
    """The mean of each window, rounded down, and the limits as they are."""
    mean = avg_pool_kernel(
        xp,
        x.astype(np.float64),
        ksize=ksize,
        strides=strides,
        padding=padding,
        data_format="NHWC",
    )
    return np.floor(mean).astype(x.dtype), scalar_of(low), scalar_of(high)


# ---------------------------------------------------------------------- joining


def _joined_shapes(n: Operation) -> list[RawShape]:
    count = n.attrs["N"]
    scalars_from(n, 1 + count)
    return [joined_shape(n, n._inputs[1 : 1 + count], 0), (), ()]


@op("QuantizedConcat", infer=_joined_shapes, host=True)
def _concat(xp: Arrays, axis: Array, *rest: Array) -> levels.Limited:
    """Tensors in a row along an axis, between limits that all are within."""
    count = len(rest) // 3
    lows = [np.float32(scalar_of(x)) for x in rest[count : 2 * count]]
    highs = [np.float32(scalar_of(x)) for x in rest[2 * count :]]
    after = (min(np.float32(0), *lows), max(highs))
    parts = [
        x if before == after else levels.requantized(x, before, after, x.dtype)
        for x, before in zip(rest[:count], zip(lows, highs, strict=True), strict=True)
    ]
    return concat_kernel(xp, axis, *parts), *after


def _reshaped_shapes(n: Operation) -> list[RawShape]:
    scalars_from(n, 2)
    return [reshaped_shape(n), (), ()]


@op("QuantizedReshape", infer=_reshaped_shapes, host=True)
def _reshape(
    xp: Arrays, x: Array, shape: Array, low: Array, high: Array
) -> levels.Limited:
    """The elements in another shape, and the limits as they are."""
    return reshape_kernel(xp, x, shape), scalar_of(low), scalar_of(high)
