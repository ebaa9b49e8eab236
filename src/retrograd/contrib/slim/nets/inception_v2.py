"""Inception V2, with batch normalization (Ioffe and Szegedy 2015)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import arg_scope
from retrograd.contrib.layers.batch_norm import batch_norm
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.pools import avg_pool2d, max_pool2d
from retrograd.contrib.layers.separable import separable_convolution2d
from retrograd.contrib.layers.shaping import dropout, softmax
from retrograd.contrib.slim.nets.classic import Scope, made_for, trunc_normal
from retrograd.contrib.slim.nets.mixed import (
    apply_table,
    depth_of,
    inception_arg_scope,
    mean_and_logits,
)
from retrograd.graph.names import GraphKeys
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Reuse, ScopeLike

_LAYERS = """
MaxPool_2a_3x3/2
2b_1x1:64~.1
2c_3x3:192
MaxPool_3a_3x3/2
Mixed_3b 0a_1x1:64 | 0a_1x1:64~.09 0b_3x3:64 | 0a_1x1:64~.09 0b_3x3:96 0c_3x3:96 | \
    AvgPool_0a_3x3 0b_1x1:32~.1
Mixed_3c 0a_1x1:64 | 0a_1x1:64~.09 0b_3x3:96 | 0a_1x1:64~.09 0b_3x3:96 0c_3x3:96 | \
    AvgPool_0a_3x3 0b_1x1:64~.1
Mixed_4a 0a_1x1:128~.09 1a_3x3:160/2 | 0a_1x1:64~.09 0b_3x3:96 1a_3x3:96/2 | \
    MaxPool_1a_3x3/2
Mixed_4b 0a_1x1:224 | 0a_1x1:64~.09 0b_3x3:96 | 0a_1x1:96~.09 0b_3x3:128 0c_3x3:128 \
    | AvgPool_0a_3x3 0b_1x1:128~.1
Mixed_4c 0a_1x1:192 | 0a_1x1:96~.09 0b_3x3:128 | 0a_1x1:96~.09 0b_3x3:128 \
    0c_3x3:128 | AvgPool_0a_3x3 0b_1x1:128~.1
Mixed_4d 0a_1x1:160 | 0a_1x1:128~.09 0b_3x3:160 | 0a_1x1:128~.09 0b_3x3:160 \
    0c_3x3:160 | AvgPool_0a_3x3 0b_1x1:96~.1
Mixed_4e 0a_1x1:96 | 0a_1x1:128~.09 0b_3x3:192 | 0a_1x1:160~.09 0b_3x3:192 \
    0c_3x3:192 | AvgPool_0a_3x3 0b_1x1:96~.1
Mixed_5a 0a_1x1:128~.09 1a_3x3:192/2 | 0a_1x1:192~.09 0b_3x3:256 1a_3x3:256/2 | \
    MaxPool_1a_3x3/2
Mixed_5b 0a_1x1:352 | 0a_1x1:192~.09 0b_3x3:320 | 0a_1x1:160~.09 0b_3x3:224 \
    0c_3x3:224 | AvgPool_0a_3x3 0b_1x1:128~.1
Mixed_5c 0a_1x1:352 | 0a_1x1:192~.09 0b_3x3:320 | 0a_1x1:192~.09 0b_3x3:224 \
    0c_3x3:224 | MaxPool_0a_3x3 0b_1x1:128~.1
"""


def inception_v2_base(
    inputs: Tensor,
    final_endpoint: str = "Mixed_5c",
    min_depth: int = 16,
    depth_multiplier: float = 1.0,
    scope: str | None = None,
) -> tuple[Any, dict[str, Any]]:
    """The layers before the logits.

    Args:
      inputs: images, shape [batch, height, width, channels].
      final_endpoint: the last layer to make.
      min_depth: the least number of channels.
      depth_multiplier: by what all numbers of channels are multiplied.
      scope: the variable scope.

    Returns:
      What the last one gives, and what all layers give, by name.

    Raises:
      ValueError: there is no such layer, or the multiplier is not positive.
    """
    depth = depth_of(depth_multiplier, min_depth)
    first = "Conv2d_1a_7x7"
    layers = [conv2d, max_pool2d, avg_pool2d, separable_convolution2d]
    with (
        variable_scope(scope, "InceptionV2", [inputs]),
        arg_scope(layers, stride=1, padding="SAME"),
    ):
        # first each channel for itself
        net: Any = separable_convolution2d(
            inputs,
            depth(64),
            [7, 7],
            depth_multiplier=min(int(depth(64) / 3), 8),
            stride=2,
            weights_initializer=trunc_normal(1.0),
            scope=first,
        )
        end_points = {first: net}
        if final_endpoint == first:
            return net, end_points
        return apply_table(net, _LAYERS, depth, end_points, final_endpoint)


@made_for(224)
def inception_v2(
    inputs: Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.8,
    min_depth: int = 16,
    depth_multiplier: float = 1.0,
    prediction_fn: Callable[..., Any] = softmax,
    spatial_squeeze: bool = True,
    reuse: Reuse = None,
    scope: ScopeLike = "InceptionV2",
) -> tuple[Any, dict[str, Any]]:
    """Inception V2.

    Args:
      inputs: images, shape [batch, height, width, channels], 224 × 224 in training.
      num_classes: how many classes there are.
      is_training: whether elements drop out, and batch normalization is of the batch.
      dropout_keep_prob: the share that stays.
      min_depth: the least number of channels.
      depth_multiplier: by what all numbers of channels are multiplied.
      prediction_fn: makes probabilities of logits.
      spatial_squeeze: whether the logits have shape [batch, num_classes], which needs
        images of one place.
      reuse: whether the variables are there already.
      scope: the variable scope.

    Returns:
      The logits, and what the layers give, by name.

    Raises:
      ValueError: the multiplier is not positive.
    """
    with (
        variable_scope(
            scope, "InceptionV2", [inputs, num_classes], reuse=reuse
        ) as found,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):
        base: Any = found
        net, end_points = inception_v2_base(
            inputs, "Mixed_5c", min_depth, depth_multiplier, base
        )
        _, logits = mean_and_logits(
            net, [7, 7], num_classes, dropout_keep_prob, spatial_squeeze
        )
        end_points["Logits"] = logits
        end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, end_points


def inception_v2_arg_scope(
    weight_decay: float = 0.00004, batch_norm_var_collection: str = "moving_vars"
) -> Scope:
    """The arguments of the layers, for `arg_scope`.

    Args:
      weight_decay: the factor of the squares of weights.
      batch_norm_var_collection: the collection of moving averages.
    """
    normalizer = {
        "decay": 0.9997,
        "epsilon": 0.001,
        "updates_collections": GraphKeys.UPDATE_OPS,
    }
    return inception_arg_scope(weight_decay, normalizer, batch_norm_var_collection)
