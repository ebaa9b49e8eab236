"""Transposed convolutions: derivatives of convolutions for their input, as layers."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import shapes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import expand_dims, squeeze
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.declare import F
from retrograd.ops.nn.conv import channel_index, for_each_axis, one_dimensional

if TYPE_CHECKING:
    from retrograd.typing import Sizes, TensorLike


def conv1d_transpose(
    input: TensorLike,
    filters: TensorLike,
    output_shape: TensorLike,
    strides: Sizes,
    padding: str = "SAME",
    data_format: str | None = "NWC",
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of `conv1d`.

    Args:
      input: [batch, width, in], or [batch, in, width] for NCW.
      filters: [window, out, in].
      output_shape: the shape of the result.
      strides, padding, data_format, dilations: those of the convolution whose transpose
        it is.
      name: the name of the operations.

    Raises:
      ValueError: another data format, or sizes that do not fit.
    """
    with name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        data_format, axis = one_dimensional(data_format)
        index = 2 if axis == 1 else 1
        steps = [1, *for_each_axis(strides, 1, index, "stride")]
        rates = [1, *for_each_axis(dilations, 1, index, "dilations")]
        input = expand_dims(input, axis)
        filters = expand_dims(filters, 0)
        whole: Any = output_shape
        if not isinstance(output_shape, Tensor):
            whole = list(whole)
        sizes = concat([whole[:axis], [1], whole[axis:]], 0)
        found = F.Conv2DBackpropInput(
            sizes,
            filters,
            input,
            strides=steps,
            padding=padding,
            data_format=data_format,
            dilations=rates,
            name=scope,
        )
        return squeeze(found, axis)


def conv2d_transpose(
    value: TensorLike | None = None,
    filter: TensorLike | None = None,
    output_shape: TensorLike | None = None,
    strides: Sizes | None = None,
    padding: str = "SAME",
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: TensorLike | None = None,
    filters: TensorLike | None = None,
    dilations: Sizes | None = None,
) -> Tensor:
    """The transpose of `conv2d`, sometimes called a deconvolution.

    Args:
      value: [batch, height, width, in], or [batch, in, height, width] for NCHW.
      filter: [height, width, out, in].
      output_shape: the shape of the result.
      strides, padding, data_format, dilations: those of the convolution whose transpose
        it is.
      name: the name of the operation.
      input, filters: newer names of `value` and `filter`.

    Raises:
      ValueError: sizes that do not fit.
    """
    value = renamed("input", input, "value", value)
    filter = renamed("filters", filters, "filter", filter)
    with name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as scope:
        index = channel_index(data_format, 2)
        return F.Conv2DBackpropInput(
            output_shape,
            filter,
            value,
            strides=for_each_axis(strides, 2, index, "strides"),
            padding=padding,
            data_format=data_format,
            dilations=for_each_axis(dilations, 2, index, "dilations"),
            name=scope,
        )


def conv2d_transpose_v2(
    input: TensorLike,
    filters: TensorLike,
    output_shape: TensorLike,
    strides: Sizes,
    padding: str = "SAME",
    data_format: str = "NHWC",
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """As `conv2d_transpose`."""
    return conv2d_transpose(
        input,
        filters,
        output_shape,
        strides,
        padding,
        data_format,
        name,
        dilations=dilations,
    )


def conv3d_transpose(
    value: TensorLike,
    filter: TensorLike | None = None,
    output_shape: TensorLike | None = None,
    strides: Sizes | None = None,
    padding: str = "SAME",
    data_format: str | None = "NDHWC",
    name: str | None = None,
    input: TensorLike | None = None,
    filters: TensorLike | None = None,
    dilations: Sizes | None = None,
) -> Tensor:
    """The transpose of `conv3d`.

    Args:
      value: [batch, depth, height, width, in], or in the order NCDHW.
      filter: [depth, height, width, out, in].
      output_shape: the shape of the result.
      strides, padding, data_format, dilations: those of the convolution whose transpose
        it is.
      name: the name of the operation.
      input, filters: newer names of `value` and `filter`.

    Raises:
      ValueError: sizes that do not fit.
    """
    filter = renamed("filters", filters, "filter", filter)
    value = renamed("input", input, "value", value)
    with name_scope(name, "conv3d_transpose", [value, filter, output_shape]) as scope:
        index = channel_index(data_format, 3)
        return F.Conv3DBackpropInputV2(
            output_shape,
            filter,
            value,
            strides=for_each_axis(strides, 3, index, "strides"),
            padding=padding,
            data_format=data_format,
            dilations=for_each_axis(dilations, 3, index, "dilations"),
            name=scope,
        )


def conv3d_transpose_v2(
    input: TensorLike,
    filters: TensorLike,
    output_shape: TensorLike,
    strides: Sizes,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """As `conv3d_transpose`."""
    return conv3d_transpose(
        input,
        filters,
        output_shape,
        strides,
        padding,
        data_format,
        name,
        dilations=dilations,
    )


def conv_transpose(
    input: TensorLike,
    filters: TensorLike,
    output_shape: TensorLike,
    strides: Sizes,
    padding: str = "SAME",
    data_format: str | None = None,
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """The transpose of a convolution in one, two or three dimensions.

    How many is read off the length of `output_shape`.

    Raises:
      ValueError: that is not known, or not 3, 4 or 5.
    """
    with name_scope(name, "conv_transpose", [input, filters, output_shape]) as scope:
        if isinstance(output_shape, Tensor):
            length: Any = output_shape.shape.as_list()[0]
            n = length - 2
        elif isinstance(output_shape, Sized):
            n = len(output_shape) - 2
        else:
            raise ValueError("output_shape must be a tensor or sized collection.")
        if not 1 <= n <= 3:
            raise ValueError(
                f"output_shape must be of length 3, 4 or 5 but was {n + 2}."
            )
        kinds = (conv1d_transpose, conv2d_transpose_v2, conv3d_transpose_v2)
        return kinds[n - 1](
            input,
            filters,
            output_shape,
            strides,
            padding=padding,
            data_format=data_format,  # pyright: ignore[reportArgumentType]
            dilations=dilations,
            name=scope,
        )


def _check_dilated(
    value: Tensor, filters: Tensor, output_shape: TensorLike, rate: int
) -> None:
    """Refuse channels, rates and shapes that do not fit.

    Raises:
      ValueError: one does not.
    """
    have: Any = value.shape
    window: Any = filters.shape
    if not have.dims[3].is_compatible_with(window[3]):
        raise ValueError(
            "value's input channels does not match filters' input channels, "
            f"{have[3]} != {window[3]}"
        )
    if rate < 1:
        raise ValueError(f"rate {rate} cannot be less than one")
    if rate == 1:
        return
    sizes = convert_to_tensor(output_shape, name="output_shape").shape
    if not sizes.is_compatible_with(shapes.TensorShape([4])):
        raise ValueError(f"output_shape must have shape (4,), got {sizes}")
    if isinstance(output_shape, (list, tuple, np.ndarray)):
        if not window.dims[2].is_compatible_with(output_shape[3]):
            raise ValueError(
                "output_shape does not match filter's output channels, "
                f"{output_shape[3]} != {window[2]}"
            )


def _around(filters: Tensor, rate: int, padding: str) -> list[tuple[Any, Any]]:
    """(before, after) of height and width that a dilated convolution pads.

    Raises:
      ValueError: neither SAME nor VALID.
    """
    if padding == "VALID":
        return [(0, 0), (0, 0)]
    if padding != "SAME":
        raise ValueError(f"padding must be either VALID or SAME: {padding}")
    raw = filters._shape_raw
    known = raw is not None and None not in raw
    window: Any = raw if known else sizes_of(filters)
    found = []
    for size in (window[0], window[1]):
        extra = size + (size - 1) * (rate - 1) - 1
        found.append((extra // 2, extra - extra // 2))
    return found


def atrous_conv2d_transpose(
    value: TensorLike,
    filters: TensorLike,
    output_shape: TensorLike,
    rate: int,
    padding: str,
    name: str | None = None,
) -> Tensor:
    """The transpose of `atrous_conv2d`.

    Args:
      value: [batch, height, width, in].
      filters: [height, width, out, in].
      output_shape: the shape of the result.
      rate: how far apart the window's elements lie.
      padding: SAME or VALID.
      name: the scope of the operations.

    Raises:
      ValueError: the channels, the rate, the shape or the padding do not fit.
    """
    with name_scope(name, "atrous_conv2d_transpose", [value, filters, output_shape]):
        value = convert_to_tensor(value, name="value")
        filters = convert_to_tensor(filters, name="filters")
        _check_dilated(value, filters, output_shape, rate)
        if rate == 1:
            return conv2d_transpose(
                value, filters, output_shape, [1, 1, 1, 1], padding=padding
            )
        (top, bottom), (left, right) = _around(filters, rate, padding)
        whole: Any = output_shape
        height = whole[1] + top + bottom
        width = whole[2] + left + right
        below = (rate - height % rate) % rate
        beside = (rate - width % rate) % rate
        block = np.array([rate, rate], np.int64)
        value = F.SpaceToBatchND(value, block, [[0, below], [0, beside]])
        sizes = [
            rate * rate * whole[0],
            (height + below) // rate,
            (width + beside) // rate,
            whole[3],
        ]
        value = F.Conv2DBackpropInput(
            sizes, filters, value, strides=[1, 1, 1, 1], padding="VALID"
        )
        crops = [[top, bottom + below], [left, right + beside]]
        return F.BatchToSpaceND(value, block, crops)
