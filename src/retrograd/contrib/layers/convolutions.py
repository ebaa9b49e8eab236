"""Convolutions of `tf.contrib.layers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import add_arg_scope
from retrograd.contrib.layers.dense import normalized
from retrograd.contrib.layers.scoping import (
    RENAMED,
    XAVIER,
    ZEROS,
    Collections,
    Function,
    Keys,
    activated,
    as_tensor,
    channels_of,
    check_data_format,
    collect_variables,
    layer_scope,
    made,
)
from retrograd.layers import faces
from retrograd.ops.nn.activations import relu

if TYPE_CHECKING:
    from retrograd.layers.base import Layer
    from retrograd.typing import (
        InitializerLike,
        Regularizer,
        Reuse,
        ScopeLike,
        TensorLike,
    )

_LAYERS = {3: faces.Conv1D, 4: faces.Conv2D, 5: faces.Conv3D}
_FORMATS = (None, "NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW")
_PAIRS = (("kernel", "weights"), ("bias", "biases"))


@add_arg_scope
def convolution(
    inputs: TensorLike,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: int | Sequence[int] = 1,
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
    conv_dims: int | None = None,
) -> Any:
    """Convolve inputs with `weights`, and add `biases` unless there is a normalizer.

    Args:
      inputs: a batch with one, two or three axes of space, and one of channels.
      num_outputs: how many channels there are then.
      kernel_size, stride, rate: the window's sizes, its steps, and how far its elements
        are apart: a number, or one for each axis. One of the last two must be 1.
      padding: "SAME" or "VALID".
      data_format: such as "NHWC" or "NCHW"; channels are last by default.
      activation_fn: applied last; None for none.
      normalizer_fn: in place of biases, such as `batch_norm`.
      normalizer_params: its arguments.
      weights_initializer, weights_regularizer: of `weights`.
      biases_initializer, biases_regularizer: of `biases`; no initializer, no biases.
      reuse: whether variables that are there are used; needs a scope.
      variables_collections: names of collections for the variables, or a dictionary
        of them by the variables' names.
      outputs_collections: names of collections for the outputs.
      trainable: whether the variables are trained.
      scope: the variable scope.
      conv_dims: how many axes of space there must be.

    Raises:
      ValueError: an unknown data format, or inputs of another rank.
    """
    if data_format not in _FORMATS:
        raise ValueError(f"Invalid data_format: {data_format!r}")
    with layer_scope(scope, "Conv", inputs, reuse, RENAMED) as sc:
        inputs = as_tensor(inputs)
        layer = made(
            _convolution_layer(inputs.get_shape().ndims, conv_dims),
            sc,
            inputs,
            reuse,
            filters=num_outputs,
            kernel_size=kernel_size,
            strides=stride,
            padding=padding,
            data_format=channels_of(data_format),
            dilation_rate=rate,
            activation=None,
            use_bias=not normalizer_fn and biases_initializer,
            kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer,
            activity_regularizer=None,
            trainable=trainable,
        )
        outputs = layer.apply(inputs)
        collect_variables(layer, variables_collections, *_PAIRS)
        outputs = normalized(outputs, normalizer_fn, normalizer_params)
        return activated(outputs, sc, activation_fn, outputs_collections)


def _convolution_layer(rank: int | None, conv_dims: int | None) -> Any:
    """The layer for inputs of a rank."""
    if conv_dims is not None and conv_dims + 2 != rank:
        raise ValueError(
            f"Convolution expects input with rank {conv_dims + 2}, got {rank}"
        )
    if rank not in _LAYERS:
        raise ValueError("Convolution not supported for input with rank", rank)
    return _LAYERS[rank]


@add_arg_scope
def convolution1d(
    inputs: TensorLike,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: int | Sequence[int] = 1,
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
    """As `convolution`, of inputs with one axis of space."""
    return convolution(
        inputs,
        num_outputs,
        kernel_size,
        stride,
        padding,
        data_format,
        rate,
        activation_fn,
        normalizer_fn,
        normalizer_params,
        weights_initializer,
        weights_regularizer,
        biases_initializer,
        biases_regularizer,
        reuse,
        variables_collections,
        outputs_collections,
        trainable,
        scope,
        conv_dims=1,
    )


@add_arg_scope
def convolution2d(
    inputs: TensorLike,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: int | Sequence[int] = 1,
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
    """As `convolution`, of inputs with two axes of space."""
    return convolution(
        inputs,
        num_outputs,
        kernel_size,
        stride,
        padding,
        data_format,
        rate,
        activation_fn,
        normalizer_fn,
        normalizer_params,
        weights_initializer,
        weights_regularizer,
        biases_initializer,
        biases_regularizer,
        reuse,
        variables_collections,
        outputs_collections,
        trainable,
        scope,
        conv_dims=2,
    )


@add_arg_scope
def convolution3d(
    inputs: TensorLike,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str | None = None,
    rate: int | Sequence[int] = 1,
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
    """As `convolution`, of inputs with three axes of space."""
    return convolution(
        inputs,
        num_outputs,
        kernel_size,
        stride,
        padding,
        data_format,
        rate,
        activation_fn,
        normalizer_fn,
        normalizer_params,
        weights_initializer,
        weights_regularizer,
        biases_initializer,
        biases_regularizer,
        reuse,
        variables_collections,
        outputs_collections,
        trainable,
        scope,
        conv_dims=3,
    )


def _transposed(
    kind: type[Layer],
    default_name: str,
    inputs: TensorLike,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int],
    padding: str,
    data_format: str,
    activation_fn: Function,
    normalizer_fn: Function,
    normalizer_params: Mapping[str, Any] | None,
    weights_initializer: InitializerLike | None,
    weights_regularizer: Regularizer | None,
    biases_initializer: InitializerLike | None,
    biases_regularizer: Regularizer | None,
    reuse: Reuse,
    variables_collections: Collections,
    outputs_collections: Keys,
    trainable: bool,
    scope: ScopeLike,
) -> Any:
    """The transpose of a convolution by a layer; see `convolution2d_transpose`."""
    with layer_scope(scope, default_name, inputs, reuse, RENAMED) as sc:
        inputs = as_tensor(inputs)
        layer = made(
            kind,
            sc,
            inputs,
            reuse,
            filters=num_outputs,
            kernel_size=kernel_size,
            strides=stride,
            padding=padding,
            data_format=channels_of(data_format),
            activation=None,
            use_bias=not normalizer_fn and biases_initializer,
            kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer,
            activity_regularizer=None,
            trainable=trainable,
        )
        outputs = layer.apply(inputs)
        collect_variables(layer, variables_collections, *_PAIRS)
        outputs = normalized(outputs, normalizer_fn, normalizer_params)
        return activated(outputs, sc, activation_fn, outputs_collections)


@add_arg_scope
def convolution2d_transpose(
    inputs: TensorLike,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str = "NHWC",
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
    """The transpose of a convolution; the arguments are as for `convolution`.

    Raises:
      ValueError: an unknown data format.
    """
    check_data_format(data_format, "NCHW", "NHWC")
    return _transposed(
        faces.Conv2DTranspose,
        "Conv2d_transpose",
        inputs,
        num_outputs,
        kernel_size,
        stride,
        padding,
        data_format,
        activation_fn,
        normalizer_fn,
        normalizer_params,
        weights_initializer,
        weights_regularizer,
        biases_initializer,
        biases_regularizer,
        reuse,
        variables_collections,
        outputs_collections,
        trainable,
        scope,
    )


@add_arg_scope
def convolution3d_transpose(
    inputs: TensorLike,
    num_outputs: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: str = "SAME",
    data_format: str = "NDHWC",
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
    """The transpose of a convolution; the arguments are as for `convolution`.

    Raises:
      ValueError: an unknown data format.
    """
    check_data_format(data_format, "NCDHW", "NDHWC")
    return _transposed(
        faces.Conv3DTranspose,
        "Conv3d_transpose",
        inputs,
        num_outputs,
        kernel_size,
        stride,
        padding,
        data_format,
        activation_fn,
        normalizer_fn,
        normalizer_params,
        weights_initializer,
        weights_regularizer,
        biases_initializer,
        biases_regularizer,
        reuse,
        variables_collections,
        outputs_collections,
        trainable,
        scope,
    )


conv1d = convolution1d
conv2d = convolution2d
conv3d = convolution3d
conv2d_transpose = convolution2d_transpose
conv3d_transpose = convolution3d_transpose
