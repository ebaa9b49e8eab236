"""Convolutions and pooling, in any data format and on any device.

Where a device has no kernel for channels that come first, inputs and outputs are
turned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.keras.backend_shapes import check_data_format, temporal_padding
from retrograd.keras.backend_tensors import int_shape, ndim
from retrograd.layers.locally_connected import local_products
from retrograd.layers.sizes import normalize_tuple, op_data_format
from retrograd.layers.tensor_functions import add_bias
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import expand_dims, reshape, shape, squeeze, transpose
from retrograd.ops.nn import depthwise, pooling, transposed
from retrograd.ops.nn.dilated import convolution
from retrograd.ops.nn.nn import bias_add as bias_add_op

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Operand, Sizes

#: a number for each axis of space
Pair = tuple[int, int]
Triple = tuple[int, int, int]


def _size(kernel: Any) -> int:
    """How large a kernel is along its first axis."""
    return kernel.shape.as_list()[0]


def _op_padding(padding: str) -> str:
    """SAME or VALID.

    Raises:
      ValueError: neither.
    """
    if padding not in ("same", "valid"):
        raise ValueError(f"Invalid padding: {padding}")
    return padding.upper()


def _channels_last(x: Any, data_format: str, n: int) -> Tensor:
    """Inputs of n axes of space with their channels last."""
    if data_format == "channels_last":
        return x
    return transpose(x, (0, *range(2, n + 2), 1))


def _as_given(x: Tensor, data_format: str, n: int) -> Tensor:
    """Outputs with their channels where those of the inputs were."""
    if data_format == "channels_last":
        return x
    return transpose(x, (0, n + 1, *range(1, n + 1)))


def _convolved(
    x: Operand,
    kernel: Operand,
    strides: Sizes,
    padding: str,
    data_format: str,
    dilation_rate: Sizes,
    n: int,
) -> Tensor:
    padding = _op_padding(padding)
    found = convolution(
        input=_channels_last(x, data_format, n),
        filter=kernel,
        dilation_rate=normalize_tuple(dilation_rate, n, "dilation_rate"),
        strides=normalize_tuple(strides, n, "strides"),
        padding=padding,
        data_format=op_data_format("channels_last", n + 2),
    )
    return _as_given(found, data_format, n)


def conv1d(
    x: Operand,
    kernel: Operand,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int = 1,
) -> Tensor:
    """A convolution along one axis.

    Args:
      x: [batch, steps, in], or channels second.
      kernel: [window, in, out].
      strides: how far the window moves.
      padding: `valid`, `same` or `causal`.
      data_format: `channels_last` or `channels_first`.
      dilation_rate: how far its elements are apart.

    Raises:
      ValueError: another padding or format.
    """
    found = check_data_format(data_format)
    if padding == "causal":
        left = dilation_rate * (_size(kernel) - 1)
        x, padding = temporal_padding(x, (left, 0)), "valid"
    return _convolved(x, kernel, strides, padding, found, dilation_rate, 1)


def conv2d(
    x: Operand,
    kernel: Operand,
    strides: Pair = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Pair = (1, 1),
) -> Tensor:
    """A convolution of images with a kernel [height, width, in, out].

    Raises:
      ValueError: another padding or format than there is.
    """
    found = check_data_format(data_format)
    return _convolved(x, kernel, strides, padding, found, dilation_rate, 2)


def conv3d(
    x: Operand,
    kernel: Operand,
    strides: Triple = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Triple = (1, 1, 1),
) -> Tensor:
    """A convolution of volumes with a kernel [depth, height, width, in, out].

    Raises:
      ValueError: another padding or format than there is.
    """
    found = check_data_format(data_format)
    return _convolved(x, kernel, strides, padding, found, dilation_rate, 3)


# ---------------------------------------------------------------------- transposed


def _output_shape(x: Tensor, given: Any, data_format: str, n: int) -> Any:
    """The shape to make, channels last; the batch is that of x where it is None."""
    if data_format == "channels_first":
        given = (given[0], *(given[i] for i in range(2, n + 2)), given[1])
    if given[0] is None:
        given = (shape(x)[0], *given[1:])
    return stack(list(given)) if isinstance(given, (tuple, list)) else given


def conv2d_transpose(
    x: Operand,
    kernel: Operand,
    output_shape: Sequence[int | None] | Tensor,
    strides: Pair = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Pair = (1, 1),
) -> Tensor:
    """The transpose of `conv2d`, with a kernel [height, width, out, in].

    Args:
      x: images.
      kernel: the weights.
      output_shape: of the result; a batch of None is that of x.
      strides: how far the window moves.
      padding: `valid` or `same`.
      data_format: `channels_last` or `channels_first`.
      dilation_rate: how far its elements are apart, the same along both axes.

    Raises:
      ValueError: another padding or format.
    """
    found = check_data_format(data_format)
    x = _channels_last(x, found, 2)
    wanted = _output_shape(x, output_shape, found, 2)
    padding = _op_padding(padding)
    if dilation_rate == (1, 1):
        moves = (1, *strides, 1)
        made = transposed.conv2d_transpose(x, kernel, wanted, moves, padding)
    else:
        assert dilation_rate[0] == dilation_rate[1]
        made = transposed.atrous_conv2d_transpose(
            x, kernel, wanted, dilation_rate[0], padding
        )
    return _as_given(made, found, 2)


def conv3d_transpose(
    x: Operand,
    kernel: Operand,
    output_shape: Sequence[int | None] | Tensor,
    strides: Triple = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The transpose of `conv3d`, with a kernel [depth, height, width, out, in].

    Raises:
      ValueError: another padding or format than there is.
    """
    found = check_data_format(data_format)
    x = _channels_last(x, found, 3)
    wanted = _output_shape(x, output_shape, found, 3)
    moves = (1, *strides, 1)
    made = transposed.conv3d_transpose(x, kernel, wanted, moves, _op_padding(padding))
    return _as_given(made, found, 3)


# ---------------------------------------------------------------------- by channel


def separable_conv1d(
    x: Operand,
    depthwise_kernel: Operand,
    pointwise_kernel: Operand,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Each channel is convolved along one axis, then they are mixed.

    Raises:
      ValueError: another padding or format than there is.
    """
    found = check_data_format(data_format)
    stride = (strides,) if isinstance(strides, int) else tuple(strides)
    rate = (dilation_rate,) if isinstance(dilation_rate, int) else tuple(dilation_rate)
    x = _channels_last(x, found, 1)
    padding = _op_padding(padding)
    made = depthwise.separable_conv2d(
        expand_dims(x, 1),
        expand_dims(depthwise_kernel, 0),
        expand_dims(pointwise_kernel, 0),
        strides=(1, *stride * 2, 1),
        padding=padding,
        rate=(1, *rate),
        data_format="NHWC",
    )
    return _as_given(squeeze(made, [1]), found, 1)


def separable_conv2d(
    x: Operand,
    depthwise_kernel: Operand,
    pointwise_kernel: Operand,
    strides: Pair = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Pair = (1, 1),
) -> Tensor:
    """Each channel of images is convolved, then they are mixed.

    Args:
      x: images.
      depthwise_kernel: [height, width, in, multiplier].
      pointwise_kernel: [1, 1, in · multiplier, out].
      strides: how far the window moves.
      padding: `valid` or `same`.
      data_format: `channels_last` or `channels_first`.
      dilation_rate: how far its elements are apart.

    Raises:
      ValueError: another padding or format, or not two strides.
    """
    found = check_data_format(data_format)
    if len(strides) != 2:
        raise ValueError("`strides` must be a tuple of 2 integers.")
    x = _channels_last(x, found, 2)
    made = depthwise.separable_conv2d(
        x,
        depthwise_kernel,
        pointwise_kernel,
        strides=(1, *strides, 1),
        padding=_op_padding(padding),
        rate=dilation_rate,
        data_format="NHWC",
    )
    return _as_given(made, found, 2)


def depthwise_conv2d(
    x: Operand,
    depthwise_kernel: Operand,
    strides: Pair = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Pair = (1, 1),
) -> Tensor:
    """Each channel of images is convolved with windows of its own.

    Raises:
      ValueError: another padding or format than there is.
    """
    found = check_data_format(data_format)
    x = _channels_last(x, found, 2)
    made = depthwise.depthwise_conv2d(
        x,
        depthwise_kernel,
        strides=(1, *strides, 1),
        padding=_op_padding(padding),
        rate=dilation_rate,
        data_format="NHWC",
    )
    return _as_given(made, found, 2)


# ---------------------------------------------------------------------- local


def local_conv(
    inputs: Operand,
    kernel: Operand,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    output_shape: Sequence[int],
    data_format: str | None = None,
) -> Tensor:
    """A convolution whose kernel is another one at each place.

    Args:
      inputs: [batch, *space, in], or channels second.
      kernel: [places, window · in, out].
      kernel_size: the size of the window.
      strides: how far it moves.
      output_shape: how many places there are along each axis.
      data_format: `channels_last` or `channels_first`.

    Raises:
      ValueError: another data format.
    """
    found = check_data_format(data_format)
    return local_products(inputs, kernel, kernel_size, strides, output_shape, found)


def local_conv1d(
    inputs: Operand,
    kernel: Operand,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    data_format: str | None = None,
) -> Tensor:
    """`local_conv` along one axis."""
    places = (_size(kernel),)
    return local_conv(inputs, kernel, kernel_size, strides, places, data_format)


def local_conv2d(
    inputs: Operand,
    kernel: Operand,
    kernel_size: Pair,
    strides: Pair,
    output_shape: Pair,
    data_format: str | None = None,
) -> Tensor:
    """`local_conv` of images."""
    return local_conv(inputs, kernel, kernel_size, strides, output_shape, data_format)


# ---------------------------------------------------------------------- pooling


def pool2d(
    x: Operand,
    pool_size: Pair,
    strides: Pair = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """The largest element, or the mean, of each window of images.

    Args:
      x: images.
      pool_size: the size of the window.
      strides: how far it moves.
      padding: `valid` or `same`.
      data_format: `channels_last` or `channels_first`.
      pool_mode: `max` or `avg`.

    Raises:
      ValueError: another padding, format or mode, or other numbers of sizes.
    """
    found = check_data_format(data_format)
    for name, given in (("pool_size", pool_size), ("strides", strides)):
        if len(given) != 2:
            raise ValueError(f"`{name}` must be a tuple of 2 integers.")
    modes = {"max": pooling.max_pool, "avg": pooling.avg_pool}
    return _pooled(x, pool_size, strides, padding, found, pool_mode, modes)


def pool3d(
    x: Operand,
    pool_size: Triple,
    strides: Triple = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """`pool2d` of volumes.

    Raises:
      ValueError: another padding, format or mode than there is.
    """
    found = check_data_format(data_format)
    modes = {"max": pooling.max_pool3d, "avg": pooling.avg_pool3d}
    return _pooled(x, pool_size, strides, padding, found, pool_mode, modes)


def _pooled(
    x: Operand,
    pool_size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
    mode: str,
    modes: dict[str, Callable[..., Tensor]],
) -> Tensor:
    n = len(pool_size)
    x = _channels_last(x, data_format, n)
    padding = _op_padding(padding)
    if mode not in modes:
        raise ValueError(f"Invalid pooling mode: {mode}")
    windows = (1, *pool_size, 1), (1, *strides, 1)
    return _as_given(modes[mode](x, *windows, padding), data_format, n)


# ---------------------------------------------------------------------- bias


def bias_add(x: Any, bias: Operand, data_format: str | None = None) -> Tensor:
    """x plus a bias of each channel, or of each channel at each place.

    Args:
      x: a tensor.
      bias: [channels] or [*space, channels].
      data_format: `channels_last` or `channels_first`.

    Raises:
      ValueError: a bias of another rank, or another format.
    """
    found = check_data_format(data_format)
    sizes: Any = int_shape(bias)
    rank = ndim(x) or 0
    if len(sizes) not in (1, rank - 1):
        raise ValueError(
            f"Unexpected bias dimensions {len(sizes)}, expect to be 1 or {rank} "
            "dimensions"
        )
    last = found == "channels_last"
    if rank not in (3, 4, 5) or (rank == 4 and last and len(sizes) == 1):
        return bias_add_op(x, bias)
    if len(sizes) > 1:
        return add_bias(x, bias, found)
    ones = (1,) * (rank - 2)
    placed = (1, *ones, sizes[0]) if last else (1, sizes[0], *ones)
    return x + reshape(bias, placed)
