"""tf.nn's pooling functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.shape import expand_dims_v2, squeeze
from retrograd.ops.declare import F
from retrograd.ops.nn.conv import channel_index, for_each_axis
from retrograd.ops.nn.dilated import strides_and_rates, with_space_to_batch

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Operand, Sizes, TensorLike


def _windows(
    ksize: Sizes, strides: Sizes, data_format: str | None, n: int
) -> dict[str, Any]:
    """The attributes of a pooling over `n` spatial axes."""
    index = channel_index(data_format, n)
    return dict(
        ksize=for_each_axis(ksize, n, index, "ksize"),
        strides=for_each_axis(strides, n, index, "strides"),
        data_format=data_format,
    )


def _in_two(
    op: Callable[..., Any],
    default_name: str,
    value: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None,
    name: str | None,
) -> Tensor:
    """Pool images."""
    with name_scope(name, default_name, [value]) as scope:
        attrs = _windows(ksize, strides, data_format or "NHWC", 2)
        return op(value, padding=padding, **attrs, name=scope)


def _in_one(
    op: Callable[..., Any],
    default_name: str,
    value: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None,
    name: str | None,
) -> Tensor:
    """Pool along one axis, as images of height 1."""
    with name_scope(name, default_name, [value]) as scope:
        data_format = data_format or "NWC"
        index = channel_index(data_format, 1)
        axis = 1 if data_format == "NWC" else 2
        value = expand_dims_v2(value, axis)
        found = op(
            value,
            ksize=[1, *for_each_axis(ksize, 1, index, "ksize")],
            strides=[1, *for_each_axis(strides, 1, index, "strides")],
            padding=padding,
            data_format="NHWC" if data_format == "NWC" else "NCHW",
            name=scope,
        )
        return squeeze(found, axis)


def _in_three(
    op: Callable[..., Any],
    default_name: str,
    value: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None,
    name: str | None,
) -> Tensor:
    """Pool volumes."""
    with name_scope(name, default_name, [value]) as scope:
        attrs = _windows(ksize, strides, data_format or "NDHWC", 3)
        return op(value, padding=padding, **attrs, name=scope)


def _spatial_rank(value: Operand, data_format: str | None) -> int:
    """How many spatial axes a tensor has.

    Raises:
      ValueError: not one to three.
    """
    raw = shapes.raw(value.shape)
    if raw is None and data_format is None:
        raise ValueError("The input must have a rank or a data format must be given.")
    n = len(data_format or "") - 2 if raw is None else len(raw) - 2
    if not 1 <= n <= 3:
        raise ValueError(f"Input tensor must be of rank 3, 4 or 5 but was {n + 2}.")
    return n


# ---------------------------------------------------------------------- mean


def avg_pool(
    value: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: TensorLike | None = None,
) -> Tensor:
    """The mean of each window of images; padding does not count.

    Args:
      value: [batch, height, width, channels], or in the order NCHW.
      ksize: the size of the window: one, two or four numbers.
      strides: how far it moves: one, two or four numbers.
      padding: SAME or VALID.
      data_format: NHWC or NCHW.
      name: the name of the operation.
      input: a newer name of `value`.

    Raises:
      ValueError: sizes that do not fit.
    """
    value = renamed("input", input, "value", value)
    return _in_two(
        F.AvgPool, "AvgPool", value, ksize, strides, padding, data_format, name
    )


def avg_pool2d(
    input: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Tensor:
    """As `avg_pool`."""
    return _in_two(
        F.AvgPool, "AvgPool2D", input, ksize, strides, padding, data_format, name
    )


def avg_pool1d(
    input: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = "NWC",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of [batch, width, channels] (or NCW)."""
    return _in_one(
        F.AvgPool, "AvgPool1D", input, ksize, strides, padding, data_format, name
    )


def avg_pool3d(
    input: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of [batch, depth, height, width, channels] (or NCDHW)."""
    return _in_three(
        F.AvgPool3D, "AvgPool3D", input, ksize, strides, padding, data_format, name
    )


def avg_pool_v2(
    input: Operand,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The mean of each window, in as many dimensions as `input` has.

    Raises:
      ValueError: its rank is not 3, 4 or 5.
    """
    return _by_rank(
        (avg_pool1d, F.AvgPool, F.AvgPool3D),
        input,
        ksize,
        strides,
        padding,
        data_format,
        name,
    )


def _by_rank(
    ops: Sequence[Callable[..., Any]],
    value: Operand,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None,
    name: str | None,
) -> Tensor:
    n = _spatial_rank(value, data_format)
    attrs = _windows(ksize, strides, data_format, n)
    return ops[n - 1](value, padding=padding, **attrs, name=name)


# ---------------------------------------------------------------------- maximum


def max_pool(
    value: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: TensorLike | None = None,
) -> Tensor:
    """The largest element of each window of images.

    Args:
      value: [batch, height, width, channels], or in the order NCHW.
      ksize: the size of the window: one, two or four numbers.
      strides: how far it moves: one, two or four numbers.
      padding: SAME or VALID.
      data_format: NHWC or NCHW.
      name: the name of the operation.
      input: a newer name of `value`.

    Raises:
      ValueError: sizes that do not fit, or zero.
    """
    value = renamed("input", input, "value", value)
    return _in_two(
        _max_pool, "MaxPool", value, ksize, strides, padding, data_format, name
    )


def _max_pool(value: TensorLike, *, ksize: Sequence[int], **attrs: Any) -> Tensor:
    if any(v == 0 for v in ksize):
        raise ValueError("ksize cannot be zero.")
    return F.MaxPool(value, ksize=ksize, **attrs)


def max_pool2d(
    input: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Tensor:
    """As `max_pool`."""
    return _in_two(
        F.MaxPool, "MaxPool2d", input, ksize, strides, padding, data_format, name
    )


def max_pool1d(
    input: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = "NWC",
    name: str | None = None,
) -> Tensor:
    """The largest element of each window of [batch, width, channels] (or NCW)."""
    return _in_one(
        F.MaxPool, "MaxPool1d", input, ksize, strides, padding, data_format, name
    )


def max_pool3d(
    input: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """The largest of each window of [batch, depth, height, width, channels] (NCDHW)."""
    return _in_three(
        F.MaxPool3D, "MaxPool3D", input, ksize, strides, padding, data_format, name
    )


def max_pool_v2(
    input: Operand,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The largest element of each window, in as many dimensions as `input` has.

    Raises:
      ValueError: its rank is not 3, 4 or 5.
    """
    return _by_rank(
        (max_pool1d, F.MaxPool, F.MaxPool3D),
        input,
        ksize,
        strides,
        padding,
        data_format,
        name,
    )


def max_pool_with_argmax(
    input: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str = "NHWC",
    Targmax: DTypeLike | None = None,
    name: str | None = None,
    output_dtype: DTypeLike | None = None,
    include_batch_in_index: bool = False,
) -> Any:
    """The largest element of each window, and where it is.

    Args:
      input: [batch, height, width, channels].
      ksize, strides: four numbers.
      padding: SAME or VALID.
      data_format: NHWC.
      Targmax: the dtype of the places, int64 (the default) or int32.
      name: the name of the operation.
      output_dtype: a newer name of `Targmax`.
      include_batch_in_index: whether places count through the whole batch; else
        through each image.

    Returns:
      The maxima and their places in the flattened input, both in the pooled shape.

    Raises:
      ValueError: another data format.
    """
    if data_format != "NHWC":
        raise ValueError("Data formats other than 'NHWC' are not yet supported")
    dtype = renamed("output_dtype", output_dtype, "Targmax", Targmax)
    return F.MaxPoolWithArgmax(
        input,
        ksize=ksize,
        strides=strides,
        padding=padding,
        Targmax=dtypes.int64 if dtype is None else dtype,
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


def max_pool_with_argmax_v2(
    input: TensorLike,
    ksize: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str = "NHWC",
    output_dtype: DTypeLike = dtypes.int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> Any:
    """As `max_pool_with_argmax`; sizes may be one, two or four numbers."""
    return max_pool_with_argmax(
        input,
        for_each_axis(ksize, 2, 3, "ksize"),
        for_each_axis(strides, 2, 3, "strides"),
        padding,
        data_format,
        output_dtype,
        name,
        include_batch_in_index=include_batch_in_index,
    )


# ---------------------------------------------------------------------- either

_POOLS = {
    ("MAX", 1): max_pool,
    ("MAX", 2): max_pool,
    ("MAX", 3): max_pool3d,
    ("AVG", 1): avg_pool,
    ("AVG", 2): avg_pool,
    ("AVG", 3): avg_pool3d,
}


def _pool_arguments(
    n: int, window: Sequence[int], strides: Iterable[int], data_format: str | None
) -> tuple[list[int], list[int], str | None]:
    """Windows and strides for all axes, and the data format of the op.

    Raises:
      ValueError: another data format in one dimension.
    """
    first = data_format is not None and data_format.startswith("NC")
    before, after = ([1, 1], []) if first else ([1], [1])
    if n != 1:
        return (
            [*before, *window, *after],
            [*before, *strides, *after],
            data_format,
        )
    if data_format not in (None, "NWC", "NCW"):
        raise ValueError('data_format must be either "NWC" or "NCW".')
    form = "NCHW" if first else "NHWC"
    return [1, *before, *window, *after], [1, *before, *strides, *after], form


def pool(
    input: TensorLike,
    window_shape: Sequence[int],
    pooling_type: str,
    padding: str,
    dilation_rate: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Sequence[int] | None = None,
) -> Tensor:
    """Pooling in one to three dimensions, with dilation.

    Args:
      input: [batch, *spatial, channels], or as `data_format` says.
      window_shape: one number for each spatial axis.
      pooling_type: MAX or AVG.
      padding: SAME or VALID.
      dilation_rate: how far apart the window's elements lie.
      strides: how far the window moves; 1 where rates are larger.
      name: the name of the operations.
      data_format: NWC, NCW, NHWC, NCHW, NDHWC or NCDHW.
      dilations: a newer name of `dilation_rate`.

    Raises:
      ValueError: sizes that do not fit, or a combination that is not supported.
    """
    rate = renamed("dilations", dilations, "dilation_rate", dilation_rate)
    with name_scope(name, f"{pooling_type.lower()}_pool", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        n = len(window_shape)
        if not 1 <= n <= 3:
            raise ValueError("It is required that 1 <= num_spatial_dims <= 3.")
        input.shape.with_rank(n + 2)
        steps, apart = strides_and_rates(n, strides, rate)
        if padding == "SAME" and np.any(apart > 1):
            raise ValueError(
                "pooling with SAME padding is not implemented for dilation_rate > 1"
            )
        if np.any(steps > window_shape):
            raise ValueError(
                "strides > window_shape not supported due to inconsistency between CPU "
                "and GPU implementations"
            )
        function = _POOLS.get((pooling_type, n))
        if function is None:
            raise ValueError(f"{n}-D {pooling_type} pooling is not supported.")
        start = channel_index(data_format, n) == 1
        axes = range(2, n + 2) if start else range(1, n + 1)
        window, step, form = _pool_arguments(n, window_shape, steps, data_format)

        def op(x: Tensor, _: int, padding: str) -> Tensor:
            if n == 1:
                x = expand_dims_v2(x, axes[0])
            found = function(x, window, step, padding, data_format=form, name=scope)
            return squeeze(found, [axes[0]]) if n == 1 else found

        return with_space_to_batch(
            input=input,
            dilation_rate=apart,
            padding=padding,
            op=op,
            spatial_dims=axes,
            filter_shape=window_shape,
        )


def pool_v2(
    input: TensorLike,
    window_shape: Sequence[int],
    pooling_type: str,
    strides: Sequence[int] | None = None,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Sequence[int] | None = None,
    name: str | None = None,
) -> Tensor:
    """As `pool`."""
    return pool(
        input,
        window_shape,
        pooling_type,
        padding,
        dilations,
        strides,
        name,
        data_format,
    )
