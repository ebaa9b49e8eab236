"""Ops: sums and products of integers that stand for floats between two limits.

Sums of products are computed in float64, which holds them exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.ops.arguments import refused
from retrograd.ops.declare import op
from retrograd.ops.infer import (
    broadcast,
    same_dim,
    scalars_from,
    with_rank,
    with_rank_at_least,
)
from retrograd.ops.linalg.product_ops import multiplied, product_shape
from retrograd.ops.nn.conv_ops import conv2d_kernel, convolved
from retrograd.ops.quantized import levels
from retrograd.ops.quantized.fake_ops import scalar_of

if TYPE_CHECKING:
    from retrograd.graph.tensor import RawShape
    from retrograd.typing import Array, Arrays


def _from_zero(x: Array, low: Array, high: Array) -> Array:
    """Integers less the one that stands for 0, as float64."""
    return x.astype(np.float64) - levels.unclamped(0.0, low, high, x.dtype)


def _as_int32(x: Array) -> Array:
    return x.astype(np.int64).astype(np.int32)


def _product_limits(
    a: Array, b: Array, limits: Sequence[Array]
) -> tuple[np.float32, np.float32]:
    low_a, high_a, low_b, high_b = limits
    return levels.of_product((low_a, high_a, a.dtype), (low_b, high_b, b.dtype))


# ---------------------------------------------------------------------- matrices


def _matrix_shapes(n: Operation) -> list[RawShape]:
    scalars_from(n, 2)
    return [product_shape(n), (), ()]


@op("QuantizedMatMul", infer=_matrix_shapes, host=True)
def _matmul(
    xp: Arrays,
    a: Array,
    b: Array,
    *limits: Array,
    transpose_a: bool,
    transpose_b: bool,
) -> levels.Limited:
    """The product of two matrices, and the limits that it stands for.

    Raises:
      InvalidArgumentError: limits in the wrong order, or matrices that do not fit.
    """
    low_a, high_a, low_b, high_b = values = tuple(map(scalar_of, limits))
    for name, low, high in (("a", low_a, high_a), ("b", low_b, high_b)):
        if low >= high:
            raise refused(f"max_{name} must be larger than min_{name}.")
    wide_a, wide_b = _from_zero(a, low_a, high_a), _from_zero(b, low_b, high_b)
    product = multiplied(xp, wide_a, wide_b, transpose_a, transpose_b)
    return _as_int32(product), *_product_limits(a, b, values)


# ---------------------------------------------------------------------- images


def _convolution_shapes(n: Operation) -> list[RawShape]:
    scalars_from(n, 2)
    return [convolved(4)(n), (), ()]


@op("QuantizedConv2D", infer=_convolution_shapes, host=True)
def _convolution(
    xp: Arrays,
    x: Array,
    f: Array,
    *limits: Array,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
) -> levels.Limited:
    """The convolution of images with a filter, and the limits that it stands for.

    Raises:
      InvalidArgumentError: dilations other than 1.
    """
    if any(rate != 1 for rate in dilations[1:3]):
        raise refused(
            "Current implementation only supports dilated rate as 1 in the row and "
            "column dimensions."
        )
    if any(rate != 1 for rate in (dilations[0], dilations[3])):
        raise refused(
            "Current implementation does not yet support dilations in the batch and "
            "depth dimensions."
        )
    low_x, high_x, low_f, high_f = values = tuple(map(scalar_of, limits))
    product = conv2d_kernel(
        xp,
        _from_zero(x, low_x, high_x),
        _from_zero(f, low_f, high_f),
        strides=strides,
        padding=padding,
        explicit_paddings=(),
        data_format="NHWC",
        dilations=dilations,
    )
    return _as_int32(product), *_product_limits(x, f, values)


# ---------------------------------------------------------------------- elements


def _broadcast_shapes(n: Operation) -> list[RawShape]:
    return [broadcast(n), (), ()]


@op("QuantizedMul", infer=_broadcast_shapes, host=True)
def _mul(xp: Arrays, x: Array, y: Array, *limits: Array) -> levels.Limited:
    """The product, element by element, and the limits that it stands for."""
    del xp
    low_x, high_x, low_y, high_y = values = tuple(map(scalar_of, limits))
    product = _from_zero(x, low_x, high_x) * _from_zero(y, low_y, high_y)
    return _as_int32(product), *_product_limits(x, y, values)


def _line(x: Array, low: Array, high: Array, after: levels.Pair) -> Array:
    """int32 for x: in steps that are the same for all, rounded once."""
    wide = np.dtype(np.int32)
    first, second = (
        levels.unclamped(
            float(levels.exact(i, low, high, x.dtype)), after[0], after[1], wide
        )
        for i in (0, 1)
    )
    return x.astype(np.int32) * np.int32(second - first) + np.int32(first)


@op("QuantizedAdd", infer=_broadcast_shapes, host=True)
def _add(xp: Arrays, x: Array, y: Array, *limits: Array) -> levels.Limited:
    """The sum, element by element, and the limits that it stands for."""
    del xp
    low_x, high_x, low_y, high_y = values = tuple(map(scalar_of, limits))
    after = levels.of_sum(*values, bits=14)
    total = _line(x, low_x, high_x, after) + _line(y, low_y, high_y, after)
    return total, *after


def _bias_shapes(n: Operation) -> list[RawShape]:
    raw, (size,) = with_rank_at_least(n, 0, 2), with_rank(n, 1, 1)
    scalars_from(n, 2)
    if raw is None:
        return [None, (), ()]
    return [(*raw[:-1], same_dim(n, raw[-1], size)), (), ()]


@op("QuantizedBiasAdd", infer=_bias_shapes, host=True)
def _bias_add(xp: Arrays, x: Array, bias: Array, *limits: Array) -> levels.Limited:
    """The sum of x and a bias for each index of its last axis, and its limits.

    Raises:
      InvalidArgumentError: sizes that do not fit.
    """
    del xp
    if bias.ndim != 1:
        raise refused("Biases must be 1D.")
    if x.ndim < 1 or x.shape[-1] != bias.shape[0]:
        raise refused(
            "Must provide as many biases as the last dimension of the input tensor: "
            f"[{','.join(map(str, bias.shape))}] vs. [{','.join(map(str, x.shape))}]"
        )
    low_x, high_x, low_bias, high_bias = values = tuple(map(scalar_of, limits))
    after = levels.of_sum(*values, bits=17)
    wide = np.dtype(np.int32)
    one = levels.requantized(x, (low_x, high_x), after, wide)
    other = levels.requantized(bias, (low_bias, high_bias), after, wide)
    return one + other, *after
