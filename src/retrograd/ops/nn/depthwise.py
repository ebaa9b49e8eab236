"""Convolutions that keep channels apart, and those that mix them afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.declare import F
from retrograd.ops.nn.conv import conv2d
from retrograd.ops.nn.dilated import with_space_to_batch

if TYPE_CHECKING:
    from retrograd.typing import Sizes, TensorLike


_ONES = [1, 1, 1, 1]


def _apart(
    input: Tensor,
    filter: Tensor,
    rate: TensorLike | None,
    padding: str,
    strides: Sizes,
    data_format: str | None,
    name: str,
) -> Tensor:
    """Filter each channel by its own windows, dilated by `rate`."""

    def op(x: Tensor, n: int, padding: str) -> Tensor:
        del n
        return F.DepthwiseConv2dNative(
            x,
            filter,
            strides=strides,
            padding=padding,
            data_format=data_format,
            name=name,
        )

    return with_space_to_batch(
        input=input,
        filter_shape=sizes_of(filter),
        dilation_rate=[1, 1] if rate is None else rate,
        padding=padding,
        data_format=data_format,
        op=op,
    )


def depthwise_conv2d(
    input: TensorLike,
    filter: TensorLike,
    strides: Sizes,
    padding: str,
    rate: TensorLike | None = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Sizes | None = None,
) -> Tensor:
    """A convolution of each channel by its own windows.

    Args:
      input: [batch, height, width, in], or [batch, in, height, width] for NCHW.
      filter: [height, width, in, multiplier].
      strides: four numbers.
      padding: SAME or VALID.
      rate: how far apart the window's elements lie, two numbers.
      name: the name of the operations.
      data_format: NHWC or NCHW.
      dilations: a newer name of `rate`.

    Returns:
      in · multiplier channels.
    """
    rate = renamed("dilations", dilations, "rate", rate)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        filter = convert_to_tensor(filter, name="filter_in")
        return _apart(input, filter, rate, padding, strides, data_format, scope)


def depthwise_conv2d_v2(
    input: TensorLike,
    filter: TensorLike,
    strides: Sizes,
    padding: str,
    data_format: str | None = None,
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """As `depthwise_conv2d`."""
    return depthwise_conv2d(
        input, filter, strides, padding, dilations, name, data_format
    )


def separable_conv2d(
    input: TensorLike,
    depthwise_filter: TensorLike,
    pointwise_filter: TensorLike,
    strides: Sizes,
    padding: str,
    rate: TensorLike | None = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Sizes | None = None,
) -> Tensor:
    """A `depthwise_conv2d`, then a 1 × 1 convolution that mixes the channels.

    Args:
      input: [batch, height, width, in], or [batch, in, height, width] for NCHW.
      depthwise_filter: [height, width, in, multiplier].
      pointwise_filter: [1, 1, in · multiplier, out].
      strides, padding, rate, data_format: of the first part.
      name: the name of the operations.
      dilations: a newer name of `rate`.

    Raises:
      ValueError: the shapes do not fit.
    """
    rate = renamed("dilations", dilations, "rate", rate)
    values = [input, depthwise_filter, pointwise_filter]
    with name_scope(name, "separable_conv2d", values) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        first = convert_to_tensor(depthwise_filter, name="depthwise_filter")
        second = convert_to_tensor(pointwise_filter, name="pointwise_filter")
        for size in (second.shape.with_rank(4).dims or [])[:2]:
            size.assert_is_compatible_with(1)
        middle = _apart(input, first, rate, padding, strides, data_format, "depthwise")
        return conv2d(
            middle,
            second,
            [1, 1, 1, 1],
            padding="VALID",
            data_format=data_format,
            name=scope,
        )


def separable_conv2d_v2(
    input: TensorLike,
    depthwise_filter: TensorLike,
    pointwise_filter: TensorLike,
    strides: Sizes,
    padding: str,
    data_format: str | None = None,
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """As `separable_conv2d`."""
    return separable_conv2d(
        input,
        depthwise_filter,
        pointwise_filter,
        strides,
        padding,
        dilations,
        name,
        data_format,
    )


def depthwise_conv2d_native(
    input: TensorLike,
    filter: TensorLike,
    strides: Sizes,
    padding: str,
    data_format: str = "NHWC",
    dilations: Sizes = _ONES,
    name: str | None = None,
) -> Tensor:
    """As `depthwise_conv2d`, without dilation on the CPU under TensorFlow 1.15."""
    return F.DepthwiseConv2dNative(
        input,
        filter,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


def depthwise_conv2d_native_backprop_input(
    input_sizes: TensorLike,
    filter: TensorLike,
    out_backprop: TensorLike,
    strides: Sizes,
    padding: str,
    data_format: str = "NHWC",
    dilations: Sizes = _ONES,
    name: str | None = None,
) -> Tensor:
    """The derivative of ⟨depthwise_conv2d(x, filter), out_backprop⟩ for x."""
    return F.DepthwiseConv2dNativeBackpropInput(
        input_sizes,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


def depthwise_conv2d_native_backprop_filter(
    input: TensorLike,
    filter_sizes: TensorLike,
    out_backprop: TensorLike,
    strides: Sizes,
    padding: str,
    data_format: str = "NHWC",
    dilations: Sizes = _ONES,
    name: str | None = None,
) -> Tensor:
    """The derivative of ⟨depthwise_conv2d(input, f), out_backprop⟩ for f."""
    return F.DepthwiseConv2dNativeBackpropFilter(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )
