"""Pooling layers of `tf.contrib.layers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import add_arg_scope
from retrograd.contrib.layers.scoping import (
    Keys,
    as_tensor,
    channels_of,
    check_data_format,
    collect_named_outputs,
)
from retrograd.graph.dispatch import name_scope
from retrograd.layers import faces
from retrograd.ops.nn import pooling

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def _pooled(
    kind: Callable[..., Any],
    default: str,
    formats: tuple[str, str],
    inputs: TensorLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int],
    padding: str,
    data_format: str,
    outputs_collections: Keys,
    scope: str | None,
) -> Any:
    """The outputs of a pooling layer of `tf.layers`, in a name scope."""
    check_data_format(data_format, *formats)
    with name_scope(scope, default, [inputs]) as sc:
        inputs = as_tensor(inputs)
        layer = kind(
            pool_size=kernel_size,
            strides=stride,
            padding=padding,
            data_format=channels_of(data_format),
            _scope=sc,
        )
        return collect_named_outputs(outputs_collections, sc, layer.apply(inputs))


@add_arg_scope
def max_pool2d(
    inputs: TensorLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Keys = None,
    scope: str | None = None,
) -> Any:
    """The largest element of each window.

    Args:
      inputs: a batch with two axes of space, and one of channels.
      kernel_size: the window's sizes, a number or one for each axis.
      stride: its steps.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
      outputs_collections: names of collections for the outputs.
      scope: the name scope.

    Raises:
      ValueError: an unknown data format.
    """
    return _pooled(
        faces.MaxPooling2D,
        "MaxPool2D",
        ("NCHW", "NHWC"),
        inputs,
        kernel_size,
        stride,
        padding,
        data_format,
        outputs_collections,
        scope,
    )


@add_arg_scope
def max_pool3d(
    inputs: TensorLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Keys = None,
    scope: str | None = None,
) -> Any:
    """The largest element of each window.

    Args:
      inputs: a batch with three axes of space, and one of channels.
      kernel_size: the window's sizes, a number or one for each axis.
      stride: its steps.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      outputs_collections: names of collections for the outputs.
      scope: the name scope.

    Raises:
      ValueError: an unknown data format.
    """
    return _pooled(
        faces.MaxPooling3D,
        "MaxPool3D",
        ("NCDHW", "NDHWC"),
        inputs,
        kernel_size,
        stride,
        padding,
        data_format,
        outputs_collections,
        scope,
    )


@add_arg_scope
def avg_pool2d(
    inputs: TensorLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 2,
    padding: str = "VALID",
    data_format: str = "NHWC",
    outputs_collections: Keys = None,
    scope: str | None = None,
) -> Any:
    """The mean of each window.

    Args:
      inputs: a batch with two axes of space, and one of channels.
      kernel_size: the window's sizes, a number or one for each axis.
      stride: its steps.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
      outputs_collections: names of collections for the outputs.
      scope: the name scope.

    Raises:
      ValueError: an unknown data format.
    """
    return _pooled(
        faces.AveragePooling2D,
        "AvgPool2D",
        ("NCHW", "NHWC"),
        inputs,
        kernel_size,
        stride,
        padding,
        data_format,
        outputs_collections,
        scope,
    )


@add_arg_scope
def avg_pool3d(
    inputs: TensorLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 2,
    padding: str = "VALID",
    data_format: str = "NDHWC",
    outputs_collections: Keys = None,
    scope: str | None = None,
) -> Any:
    """The mean of each window.

    Args:
      inputs: a batch with three axes of space, and one of channels.
      kernel_size: the window's sizes, a number or one for each axis.
      stride: its steps.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      outputs_collections: names of collections for the outputs.
      scope: the name scope.

    Raises:
      ValueError: an unknown data format.
    """
    return _pooled(
        faces.AveragePooling3D,
        "AvgPool3D",
        ("NCDHW", "NDHWC"),
        inputs,
        kernel_size,
        stride,
        padding,
        data_format,
        outputs_collections,
        scope,
    )


@add_arg_scope
def pool(
    inputs: TensorLike,
    kernel_size: int | Sequence[int],
    pooling_type: str,
    padding: str = "VALID",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
    stride: int | Sequence[int] = 1,
    outputs_collections: Keys = None,
    scope: str | None = None,
) -> Any:
    """As `tf.nn.pool`, for windows that are numbers or one for each axis of space.

    Raises:
      ValueError: the inputs' rank is unknown or less than three.
    """
    with name_scope(scope, f"{pooling_type.lower()}_pool", [inputs]) as sc:
        inputs = as_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("Rank of inputs must be known")
        if rank < 3:
            raise ValueError("Rank of inputs must be >= 3")
        count = rank - 2
        outputs = pooling.pool(
            inputs,
            window_shape=_each(kernel_size, count),
            pooling_type=pooling_type,
            padding=padding,
            data_format=data_format,
            dilation_rate=_each(dilation_rate, count),
            strides=_each(stride, count),
            name=sc,
        )
        return collect_named_outputs(outputs_collections, sc, outputs)


def _each(value: int | Sequence[int], count: int) -> list[int]:
    """A number for each axis."""
    return [value] * count if isinstance(value, int) else list(value)
