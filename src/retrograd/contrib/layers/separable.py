"""Convolutions of each channel by itself, of `tf.contrib.layers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import add_arg_scope
from retrograd.contrib.layers.dense import normalized
from retrograd.contrib.layers.scoping import (
    XAVIER,
    ZEROS,
    Collections,
    Function,
    Keys,
    activated,
    as_tensor,
    channel_dimension,
    channels_of,
    check_data_format,
    collect_variables,
    layer_scope,
    made,
    parameter,
    two_element_tuple,
)
from retrograd.layers import faces
from retrograd.ops.array.reorder import tile
from retrograd.ops.nn.activations import relu
from retrograd.ops.nn.depthwise import depthwise_conv2d
from retrograd.ops.nn.nn import bias_add

if TYPE_CHECKING:
    from retrograd.typing import (
        InitializerLike,
        Regularizer,
        Reuse,
        ScopeLike,
        TensorLike,
    )


@add_arg_scope
def separable_convolution2d(
    inputs: TensorLike,
    num_outputs: int | None,
    kernel_size: int | Sequence[int],
    depth_multiplier: int = 1,
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
    rate: int | Sequence[int] = 1,
    activation_fn: Function = relu,
    normalizer_fn: Function = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: InitializerLike | None = XAVIER,
    pointwise_initializer: InitializerLike | None = None,
    weights_regularizer: Regularizer | None = None,
    biases_initializer: InitializerLike | None = ZEROS,
    biases_regularizer: Regularizer | None = None,
    reuse: Reuse = None,
    variables_collections: Collections = None,
    outputs_collections: Keys = None,
    trainable: bool = True,
    scope: ScopeLike = None,
) -> Any:
    """Convolve each channel by itself, then mix channels at each point.

    The variables are `depthwise_weights`, `pointwise_weights` and `biases`.

    Args:
      inputs: a batch of images.
      num_outputs: how many channels there are then; if None, channels are not mixed.
      depth_multiplier: how many outputs each channel has by itself.
      pointwise_initializer: of `pointwise_weights`; by default `weights_initializer`.
      kernel_size, stride, padding, data_format, rate, activation_fn, normalizer_fn,
      normalizer_params, weights_initializer, weights_regularizer, biases_initializer,
      biases_regularizer, reuse, variables_collections, outputs_collections, trainable,
      scope: as for `convolution`.

    Raises:
      ValueError: an unknown data format.
    """
    check_data_format(data_format)
    renamed = {
        "bias": "biases",
        "depthwise_kernel": "depthwise_weights",
        "pointwise_kernel": "pointwise_weights",
    }
    with layer_scope(scope, "SeparableConv2d", inputs, reuse, renamed) as sc:
        inputs = as_tensor(inputs)
        if num_outputs is not None:
            layer = made(
                faces.SeparableConv2D,
                sc,
                inputs,
                reuse,
                filters=num_outputs,
                kernel_size=kernel_size,
                strides=stride,
                padding=padding,
                data_format=channels_of(data_format),
                dilation_rate=two_element_tuple(rate),
                activation=None,
                depth_multiplier=depth_multiplier,
                use_bias=not normalizer_fn and biases_initializer,
                depthwise_initializer=weights_initializer,
                pointwise_initializer=pointwise_initializer or weights_initializer,
                bias_initializer=biases_initializer,
                depthwise_regularizer=weights_regularizer,
                pointwise_regularizer=weights_regularizer,
                bias_regularizer=biases_regularizer,
                activity_regularizer=None,
                trainable=trainable,
            )
            outputs = layer.apply(inputs)
            collect_variables(
                layer,
                variables_collections,
                ("depthwise_kernel", "weights"),
                ("pointwise_kernel", "weights"),
                ("bias", "biases"),
            )
            outputs = normalized(outputs, normalizer_fn, normalizer_params)
            return activated(outputs, sc, activation_fn, outputs_collections)
        channels = channel_dimension(inputs.get_shape(), data_format, min_rank=4)
        high, wide = two_element_tuple(kernel_size)
        steps = _steps(stride, data_format)
        weights = parameter(
            "depthwise_weights",
            [high, wide, channels, depth_multiplier],
            inputs.dtype.base_dtype,
            weights_initializer,
            weights_regularizer,
            _weights_only(variables_collections, "depthwise_weights"),
            trainable,
        )
        outputs = depthwise_conv2d(
            inputs,
            weights,
            steps,
            padding,
            rate=two_element_tuple(rate),
            data_format=data_format,
        )
        if normalizer_fn is not None:
            outputs = normalized(outputs, normalizer_fn, normalizer_params)
        elif biases_initializer is not None:
            biases = parameter(
                "biases",
                [depth_multiplier * channels],
                inputs.dtype.base_dtype,
                biases_initializer,
                biases_regularizer,
                variables_collections,
                trainable,
            )
            outputs = bias_add(outputs, biases, data_format=data_format)
        return activated(outputs, sc, activation_fn, outputs_collections)


def _weights_only(collections: Collections, name: str) -> Collections:
    """The collections for weights, under another name."""
    if isinstance(collections, Mapping):
        return {name: collections.get("weights")}
    return collections


def _steps(stride: int | Sequence[int], data_format: str) -> list[int]:
    """The steps of a window in all four axes."""
    down, right = two_element_tuple(stride)
    if data_format.startswith("NC"):
        return [1, 1, down, right]
    return [1, down, right, 1]


@add_arg_scope
def convolution2d_in_plane(
    inputs: TensorLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    activation_fn: Function = relu,
    normalizer_fn: Function = None,
    normalizer_params: Mapping[str, Any] | None = None,
    weights_initializer: InitializerLike | None = XAVIER,
    weights_regularizer: Regularizer | None = None,
    biases_initializer: InitializerLike | None = ZEROS,
    biases_regularizer: Regularizer | None = None,
    reuse: Reuse = None,
    variables_collections: Collections = None,
    outputs_collections: Keys = None,
    trainable: bool = True,
    scope: ScopeLike = None,
) -> Any:
    """Convolve each channel with the same window, `weights`.

    The arguments are as for `convolution`; channels are last.
    """
    with layer_scope(scope, "ConvInPlane", inputs, reuse) as sc:
        inputs = as_tensor(inputs)
        dtype = inputs.dtype.base_dtype
        channels = channel_dimension(inputs.get_shape(), "NHWC", min_rank=4)
        weights = parameter(
            "weights",
            [*two_element_tuple(kernel_size), 1, 1],
            dtype,
            weights_initializer,
            weights_regularizer,
            variables_collections,
            trainable,
        )
        repeated = tile(weights, [1, 1, channels, 1])
        steps = _steps(stride, "NHWC")
        outputs = depthwise_conv2d(inputs, repeated, steps, padding)
        if normalizer_fn is not None:
            outputs = normalized(outputs, normalizer_fn, normalizer_params)
        elif biases_initializer is not None:
            biases = parameter(
                "biases",
                [channels],
                dtype,
                biases_initializer,
                biases_regularizer,
                variables_collections,
                trainable,
            )
            outputs = bias_add(outputs, biases)
        return activated(outputs, sc, activation_fn, outputs_collections)


separable_conv2d = separable_convolution2d
conv2d_in_plane = convolution2d_in_plane
