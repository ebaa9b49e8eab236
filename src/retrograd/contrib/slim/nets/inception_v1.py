"""Inception V1, or GoogLeNet (Szegedy et al. 2014)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import arg_scope
from retrograd.contrib.layers.batch_norm import batch_norm
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.dense import fully_connected
from retrograd.contrib.layers.pools import avg_pool2d, max_pool2d
from retrograd.contrib.layers.shaping import dropout, softmax
from retrograd.contrib.slim.nets.classic import Scope, made_for, trunc_normal
from retrograd.contrib.slim.nets.mixed import (
    apply_table,
    inception_arg_scope,
    logits_of,
)
from retrograd.graph.names import GraphKeys
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Reuse, ScopeLike

_LAYERS = """
1a_7x7:64/2
MaxPool_2a_3x3/2
2b_1x1:64
2c_3x3:192
MaxPool_3a_3x3/2
Mixed_3b 0a_1x1:64 | 0a_1x1:96 0b_3x3:128 | 0a_1x1:16 0b_3x3:32 | MaxPool_0a_3x3 \
    0b_1x1:32
Mixed_3c 0a_1x1:128 | 0a_1x1:128 0b_3x3:192 | 0a_1x1:32 0b_3x3:96 | MaxPool_0a_3x3 \
    0b_1x1:64
MaxPool_4a_3x3/2
Mixed_4b 0a_1x1:192 | 0a_1x1:96 0b_3x3:208 | 0a_1x1:16 0b_3x3:48 | MaxPool_0a_3x3 \
    0b_1x1:64
Mixed_4c 0a_1x1:160 | 0a_1x1:112 0b_3x3:224 | 0a_1x1:24 0b_3x3:64 | MaxPool_0a_3x3 \
    0b_1x1:64
Mixed_4d 0a_1x1:128 | 0a_1x1:128 0b_3x3:256 | 0a_1x1:24 0b_3x3:64 | MaxPool_0a_3x3 \
    0b_1x1:64
Mixed_4e 0a_1x1:112 | 0a_1x1:144 0b_3x3:288 | 0a_1x1:32 0b_3x3:64 | MaxPool_0a_3x3 \
    0b_1x1:64
Mixed_4f 0a_1x1:256 | 0a_1x1:160 0b_3x3:320 | 0a_1x1:32 0b_3x3:128 | MaxPool_0a_3x3 \
    0b_1x1:128
MaxPool_5a_2x2/2
Mixed_5b 0a_1x1:256 | 0a_1x1:160 0b_3x3:320 | 0a_1x1:32 0a_3x3:128 | MaxPool_0a_3x3 \
    0b_1x1:128
Mixed_5c 0a_1x1:384 | 0a_1x1:192 0b_3x3:384 | 0a_1x1:48 0b_3x3:128 | MaxPool_0a_3x3 \
    0b_1x1:128
"""


def inception_v1_base(
    inputs: Tensor,
    final_endpoint: str = "Mixed_5c",
    scope: str | None = "InceptionV1",
) -> tuple[Any, dict[str, Any]]:
    """The layers before the logits.

    Args:
      inputs: images, shape [batch, height, width, channels].
      final_endpoint: the last layer to make.
      scope: the variable scope.

    Returns:
      What the last one gives, and what all layers give, by name.

    Raises:
      ValueError: there is no such layer.
    """
    with (
        variable_scope(scope, "InceptionV1", [inputs]),
        arg_scope([conv2d, fully_connected], weights_initializer=trunc_normal(0.01)),
        arg_scope([conv2d, max_pool2d], stride=1, padding="SAME"),
    ):
        return apply_table(inputs, _LAYERS, int, {}, final_endpoint)


@made_for(224)
def inception_v1(
    inputs: Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.8,
    prediction_fn: Callable[..., Any] = softmax,
    spatial_squeeze: bool = True,
    reuse: Reuse = None,
    scope: ScopeLike = "InceptionV1",
) -> tuple[Any, dict[str, Any]]:
    """Inception V1.

    Args:
      inputs: images, shape [batch, height, width, channels], 224 × 224 in training.
      num_classes: how many classes there are.
      is_training: whether elements drop out, and batch normalization is of the batch.
      dropout_keep_prob: the share that stays.
      prediction_fn: makes probabilities of logits.
      spatial_squeeze: whether the logits have shape [batch, num_classes], which needs
        images of one place.
      reuse: whether the variables are there already.
      scope: the variable scope.

    Returns:
      The logits, and what the layers give, by name.
    """
    with (
        variable_scope(
            scope, "InceptionV1", [inputs, num_classes], reuse=reuse
        ) as found,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):
        net, end_points = inception_v1_base(inputs, scope=found)  # pyright: ignore[reportArgumentType]
        with variable_scope("Logits"):
            net = avg_pool2d(net, [7, 7], stride=1, scope="MaxPool_0a_7x7")
            net = dropout(net, dropout_keep_prob, scope="Dropout_0b")
            logits = logits_of(net, num_classes, "Conv2d_0c_1x1", spatial_squeeze)
            end_points["Logits"] = logits
            end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
    return logits, end_points


def inception_v1_arg_scope(
    weight_decay: float = 0.00004,
    use_batch_norm: bool = True,
    batch_norm_var_collection: str = "moving_vars",
) -> Scope:
    """The arguments of the layers, for `arg_scope`.

    Args:
      weight_decay: the factor of the squares of weights.
      use_batch_norm: whether layers normalize.
      batch_norm_var_collection: the collection of moving averages.
    """
    normalizer = {
        "decay": 0.9997,
        "epsilon": 0.001,
        "updates_collections": GraphKeys.UPDATE_OPS,
    }
    return inception_arg_scope(
        weight_decay,
        normalizer if use_batch_norm else None,
        batch_norm_var_collection,
    )
