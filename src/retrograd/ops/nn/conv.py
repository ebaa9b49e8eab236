"""tf.nn's convolutions in one, two and three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.shape import expand_dims, squeeze
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import Array, Padding, Sizes, TensorLike


# what TensorFlow's signatures show as the default of `dilations`
_ONES = [1, 1, 1, 1]
_FIVE_ONES = [1, 1, 1, 1, 1]

# ---------------------------------------------------------------------- arguments


def for_each_axis(
    value: float | Sequence[float] | Array | None, n: int, channel_index: int, name: str
) -> Sequence[Any]:
    """Numbers for `n` spatial axes as numbers for all axes.

    Args:
      value: one number, one for each spatial axis, or one for each axis.
      n: how many spatial axes.
      channel_index: the axis of the channels.
      name: what to call the numbers in an error.

    Raises:
      ValueError: there are more or fewer.
    """
    if value is None:
        values: Any = [1]
    else:
        values = value if hasattr(value, "__len__") else [value]
    count = len(values)
    if count == n + 2:
        return values
    if count not in (1, n):
        raise ValueError(
            f"{name} should be of length 1, {n} or {n + 2} but was {count}"
        )
    inner = list(values) * n if count == 1 else list(values)
    return [1, 1, *inner] if channel_index == 1 else [1, *inner, 1]


def channel_index(data_format: str | None, n: int) -> int:
    """The axis of the channels among `n` spatial ones."""
    return 1 if data_format is not None and data_format.startswith("NC") else n + 1


def _padding(padding: Padding | None) -> tuple[Any, list[int]]:
    """The padding attribute and the explicit paddings of a `padding` argument.

    Raises:
      ValueError: a list of another form than [[before, after], …] for four axes.
    """
    if padding == "EXPLICIT":
        raise ValueError(
            '"EXPLICIT" is not a valid value for the padding parameter. To use '
            "explicit padding, the padding parameter must be a list."
        )
    if not isinstance(padding, (list, tuple)):
        return padding, []
    flat: list[int] = []
    start = "When padding is a list, each element of padding must be a list/tuple of"
    for i, pair in enumerate(padding):
        if not isinstance(pair, (list, tuple)):
            raise ValueError(
                f"{start} size 2. Element with index {i} of padding is not a list/tuple"
            )
        if len(pair) != 2:
            raise ValueError(
                f"{start} size 2. Element with index {i} of padding has size "
                f"{len(pair)}"
            )
        flat.extend(pair)
    if len(padding) != 4:
        raise ValueError(
            "When padding is a list, it must be of size 4. Got padding of size: "
            f"{len(padding)}"
        )
    return "EXPLICIT", flat


# ---------------------------------------------------------------------- functions


def one_dimensional(data_format: str | None, *more: str) -> tuple[str, int]:
    """The two-dimensional data format, and the axis to insert.

    Raises:
      ValueError: another data format.
    """
    if data_format in (None, "NWC", *more[:1]):
        return "NHWC", 1
    if data_format in ("NCW", *more[1:]):
        return "NCHW", 2
    raise ValueError('data_format must be "NWC" or "NCW".')


def conv1d(
    value: TensorLike | None = None,
    filters: TensorLike | None = None,
    stride: Sizes | None = None,
    padding: Padding | None = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: TensorLike | None = None,
    dilations: Sizes | None = None,
) -> Tensor:
    """A convolution along one axis.

    Args:
      value: [batch, width, in], or [batch, in, width] for NCW.
      filters: [window, in, out].
      stride: how far the window moves.
      padding: SAME or VALID.
      use_cudnn_on_gpu: kept in the graph.
      data_format: NWC or NCW.
      name: the name of the operations.
      input: a newer name of `value`.
      dilations: how far apart the window's elements lie.

    Raises:
      ValueError: another data format, or sizes that do not fit.
    """
    value = renamed("input", input, "value", value)
    window: Any = filters
    with name_scope(name, "conv1d", [value, window]) as scope:
        data_format, axis = one_dimensional(data_format, "NHWC", "NCHW")
        index = 2 if axis == 1 else 1
        strides = [1, *for_each_axis(stride, 1, index, "stride")]
        rates = [1, *for_each_axis(dilations, 1, index, "dilations")]
        found = F.Conv2D(
            expand_dims(value, axis),
            expand_dims(window, 0),
            strides=strides,
            padding=padding,
            use_cudnn_on_gpu=use_cudnn_on_gpu,
            data_format=data_format,
            dilations=rates,
            name=scope,
        )
        return squeeze(found, [axis])


def conv1d_v2(
    input: TensorLike,
    filters: TensorLike,
    stride: Sizes,
    padding: Padding,
    data_format: str = "NWC",
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """As `conv1d`."""
    return conv1d(
        input,
        filters,
        stride,
        padding,
        use_cudnn_on_gpu=True,
        data_format=data_format,
        name=name,
        dilations=dilations,
    )


def conv2d(
    input: TensorLike,
    filter: TensorLike | None = None,
    strides: Sizes | None = None,
    padding: Padding | None = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str | None = "NHWC",
    dilations: Sizes | None = _ONES,
    name: str | None = None,
    filters: TensorLike | None = None,
) -> Tensor:
    """A convolution of images.

    Args:
      input: [batch, height, width, in], or [batch, in, height, width] for NCHW.
      filter: [height, width, in, out].
      strides: how far the window moves: one, two or four numbers.
      padding: SAME, VALID, or [before, after] for each of the four axes.
      use_cudnn_on_gpu: kept in the graph.
      data_format: NHWC or NCHW.
      dilations: how far apart the window's elements lie.
      name: the name of the operation.
      filters: a newer name of `filter`.

    Raises:
      ValueError: the shapes do not fit.
    """
    filter = renamed("filters", filters, "filter", filter)
    padding, explicit = _padding(padding)
    data_format = data_format or "NHWC"
    index = channel_index(data_format, 2)
    return F.Conv2D(
        input,
        filter,
        strides=for_each_axis(strides, 2, index, "strides"),
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=for_each_axis(dilations, 2, index, "dilations"),
        name=name,
    )


def conv2d_v2(
    input: TensorLike,
    filters: TensorLike,
    strides: Sizes,
    padding: Padding,
    data_format: str = "NHWC",
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """As `conv2d`."""
    return conv2d(
        input,
        filters,
        strides,
        padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


def conv2d_backprop_filter(
    input: TensorLike,
    filter_sizes: TensorLike,
    out_backprop: TensorLike,
    strides: Sizes,
    padding: Padding,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Sizes | None = _ONES,
    name: str | None = None,
) -> Tensor:
    """The derivative of ⟨conv2d(input, filter), out_backprop⟩ for the filter.

    Args:
      input: the images.
      filter_sizes: int32 [4], the shape of the filter.
      out_backprop: in the shape that `conv2d` gives.
      strides, padding, use_cudnn_on_gpu, data_format, dilations: as for `conv2d`, the
        numbers for all four axes.
      name: the name of the operation.
    """
    padding, explicit = _padding(padding)
    return F.Conv2DBackpropFilter(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


def conv2d_backprop_input(
    input_sizes: TensorLike,
    filter: TensorLike | None = None,
    out_backprop: TensorLike | None = None,
    strides: Sizes | None = None,
    padding: Padding | None = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Sizes | None = _ONES,
    name: str | None = None,
    filters: TensorLike | None = None,
) -> Tensor:
    """The derivative of ⟨conv2d(input, filter), out_backprop⟩ for the input.

    Args:
      input_sizes: int32 [4], the shape of the input.
      filter: [height, width, in, out].
      out_backprop: in the shape that `conv2d` gives.
      strides, padding, use_cudnn_on_gpu, data_format, dilations: as for `conv2d`, the
        numbers for all four axes.
      name: the name of the operation.
      filters: a newer name of `filter`.
    """
    filter = renamed("filters", filters, "filter", filter)
    padding, explicit = _padding(padding)
    return F.Conv2DBackpropInput(
        input_sizes,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        explicit_paddings=explicit,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


def conv3d(
    input: TensorLike,
    filter: TensorLike | None = None,
    strides: Sizes | None = None,
    padding: Padding | None = None,
    data_format: str | None = "NDHWC",
    dilations: Sizes = _FIVE_ONES,
    name: str | None = None,
    filters: TensorLike | None = None,
) -> Tensor:
    """A convolution of volumes.

    Args:
      input: [batch, depth, height, width, in], or in the order NCDHW.
      filter: [depth, height, width, in, out].
      strides: five numbers, the first and that of the channels 1.
      padding: SAME or VALID.
      data_format: NDHWC or NCDHW.
      dilations: five numbers, how far apart the window's elements lie.
      name: the name of the operation.
      filters: a newer name of `filter`.

    Raises:
      ValueError: the shapes do not fit.
    """
    filter = renamed("filters", filters, "filter", filter)
    return F.Conv3D(
        input,
        filter,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )


def conv3d_v2(
    input: TensorLike,
    filters: TensorLike,
    strides: Sizes,
    padding: Padding,
    data_format: str = "NDHWC",
    dilations: Sizes | None = None,
    name: str | None = None,
) -> Tensor:
    """As `conv3d`."""
    return conv3d(
        input,
        filters,
        strides,
        padding,
        data_format,
        _FIVE_ONES if dilations is None else dilations,
        name,
    )


def conv3d_backprop_filter_v2(
    input: TensorLike,
    filter_sizes: TensorLike,
    out_backprop: TensorLike,
    strides: Sizes,
    padding: Padding,
    data_format: str = "NDHWC",
    dilations: Sizes = _FIVE_ONES,
    name: str | None = None,
) -> Tensor:
    """The derivative of ⟨conv3d(input, filter), out_backprop⟩ for the filter."""
    return F.Conv3DBackpropFilterV2(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
        name=name,
    )
