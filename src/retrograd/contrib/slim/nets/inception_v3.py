"""Inception V3 (Szegedy et al. 2015)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import arg_scope
from retrograd.contrib.layers.batch_norm import batch_norm
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.pools import avg_pool2d, max_pool2d
from retrograd.contrib.layers.shaping import dropout, softmax
from retrograd.contrib.slim.nets.classic import Scope, made_for, trunc_normal
from retrograd.contrib.slim.nets.mixed import (
    Depth,
    apply_table,
    depth_of,
    inception_arg_scope,
    logits_of,
    mean_and_logits,
    reduced_kernel_size,
)
from retrograd.graph.names import GraphKeys
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Reuse, ScopeLike

_LAYERS = """
1a_3x3:32/2v
2a_3x3:32v
2b_3x3:64
MaxPool_3a_3x3/2v
3b_1x1:80v
4a_3x3:192v
MaxPool_5a_3x3/2v
Mixed_5b 0a_1x1:64 | 0a_1x1:48 0b_5x5:64 | 0a_1x1:64 0b_3x3:96 0c_3x3:96 | \
    AvgPool_0a_3x3 0b_1x1:32
Mixed_5c 0a_1x1:64 | 0b_1x1:48 Conv_1_0c_5x5:64 | 0a_1x1:64 0b_3x3:96 0c_3x3:96 | \
    AvgPool_0a_3x3 0b_1x1:64
Mixed_5d 0a_1x1:64 | 0a_1x1:48 0b_5x5:64 | 0a_1x1:64 0b_3x3:96 0c_3x3:96 | \
    AvgPool_0a_3x3 0b_1x1:64
Mixed_6a 1a_1x1:384@3x3/2v | 0a_1x1:64 0b_3x3:96 1a_1x1:96@3x3/2v | MaxPool_1a_3x3/2v
Mixed_6b 0a_1x1:192 | 0a_1x1:128 0b_1x7:128 0c_7x1:192 | 0a_1x1:128 0b_7x1:128 \
    0c_1x7:128 0d_7x1:128 0e_1x7:192 | AvgPool_0a_3x3 0b_1x1:192
Mixed_6c 0a_1x1:192 | 0a_1x1:160 0b_1x7:160 0c_7x1:192 | 0a_1x1:160 0b_7x1:160 \
    0c_1x7:160 0d_7x1:160 0e_1x7:192 | AvgPool_0a_3x3 0b_1x1:192
Mixed_6d 0a_1x1:192 | 0a_1x1:160 0b_1x7:160 0c_7x1:192 | 0a_1x1:160 0b_7x1:160 \
    0c_1x7:160 0d_7x1:160 0e_1x7:192 | AvgPool_0a_3x3 0b_1x1:192
Mixed_6e 0a_1x1:192 | 0a_1x1:192 0b_1x7:192 0c_7x1:192 | 0a_1x1:192 0b_7x1:192 \
    0c_1x7:192 0d_7x1:192 0e_1x7:192 | AvgPool_0a_3x3 0b_1x1:192
Mixed_7a 0a_1x1:192 1a_3x3:320/2v | 0a_1x1:192 0b_1x7:192 0c_7x1:192 1a_3x3:192/2v \
    | MaxPool_1a_3x3/2v
Mixed_7b 0a_1x1:320 | 0a_1x1:384 (0b_1x3:384 0b_3x1:384) | 0a_1x1:448 0b_3x3:384 \
    (0c_1x3:384 0d_3x1:384) | AvgPool_0a_3x3 0b_1x1:192
Mixed_7c 0a_1x1:320 | 0a_1x1:384 (0b_1x3:384 0c_3x1:384) | 0a_1x1:448 0b_3x3:384 \
    (0c_1x3:384 0d_3x1:384) | AvgPool_0a_3x3 0b_1x1:192
"""


def inception_v3_base(
    inputs: Tensor,
    final_endpoint: str = "Mixed_7c",
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
    with (
        variable_scope(scope, "InceptionV3", [inputs]),
        arg_scope([conv2d, max_pool2d, avg_pool2d], stride=1, padding="SAME"),
    ):
        return apply_table(inputs, _LAYERS, depth, {}, final_endpoint)


def _auxiliary(
    net: Tensor, num_classes: int, depth: Depth, spatial_squeeze: bool
) -> Any:
    """Logits of an early layer, that gradients reach it."""
    net = avg_pool2d(net, [5, 5], stride=3, padding="VALID", scope="AvgPool_1a_5x5")
    net = conv2d(net, depth(128), [1, 1], scope="Conv2d_1b_1x1")
    kernel = reduced_kernel_size(net, [5, 5])
    net = conv2d(
        net,
        depth(768),
        kernel,
        weights_initializer=trunc_normal(0.01),
        padding="VALID",
        scope=f"Conv2d_2a_{kernel[0]}x{kernel[1]}",
    )
    return logits_of(
        net,
        num_classes,
        "Conv2d_2b_1x1",
        spatial_squeeze,
        weights_initializer=trunc_normal(0.001),
    )


@made_for(299)
def inception_v3(
    inputs: Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.8,
    min_depth: int = 16,
    depth_multiplier: float = 1.0,
    prediction_fn: Callable[..., Any] = softmax,
    spatial_squeeze: bool = True,
    reuse: Reuse = None,
    scope: ScopeLike = "InceptionV3",
) -> tuple[Any, dict[str, Any]]:
    """Inception V3.

    Args:
      inputs: images, shape [batch, height, width, channels], 299 × 299 in training.
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
    depth = depth_of(depth_multiplier, min_depth)
    with (
        variable_scope(
            scope, "InceptionV3", [inputs, num_classes], reuse=reuse
        ) as found,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):
        base: Any = found
        net, end_points = inception_v3_base(
            inputs, "Mixed_7c", min_depth, depth_multiplier, base
        )
        with arg_scope([conv2d, max_pool2d, avg_pool2d], stride=1, padding="SAME"):
            early = end_points["Mixed_6e"]
            with variable_scope("AuxLogits"):
                early = _auxiliary(early, num_classes, depth, spatial_squeeze)
                end_points["AuxLogits"] = early
        end_points["PreLogits"], logits = mean_and_logits(
            net, [8, 8], num_classes, dropout_keep_prob, spatial_squeeze
        )
        end_points["Logits"] = logits
        end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, end_points


def inception_v3_arg_scope(
    weight_decay: float = 0.00004,
    batch_norm_var_collection: str = "moving_vars",
    batch_norm_decay: float = 0.9997,
    batch_norm_epsilon: float = 0.001,
    updates_collections: str | None = GraphKeys.UPDATE_OPS,
    use_fused_batchnorm: bool = True,
) -> Scope:
    """The arguments of the layers, for `arg_scope`.

    Args:
      weight_decay: the factor of the squares of weights.
      batch_norm_var_collection: the collection of moving averages.
      batch_norm_decay: of moving averages.
      batch_norm_epsilon: what is added to variances.
      updates_collections: the collection of updates; None for updates at once.
      use_fused_batchnorm: whether normalizing is one operation.
    """
    normalizer = {
        "decay": batch_norm_decay,
        "epsilon": batch_norm_epsilon,
        "updates_collections": updates_collections,
        "fused": use_fused_batchnorm,
    }
    return inception_arg_scope(weight_decay, normalizer, batch_norm_var_collection)
