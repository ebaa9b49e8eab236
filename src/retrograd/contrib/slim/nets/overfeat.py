"""OverFeat (Sermanet et al. 2014)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import arg_scope
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.pools import max_pool2d
from retrograd.contrib.slim.nets.classic import (
    Scope,
    classic_scope,
    relu_arg_scope,
    small_dense_layers,
    squeezed,
)
from retrograd.variables.initializers import Zeros

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor


def overfeat_arg_scope(weight_decay: float = 0.0005) -> Scope:
    """The arguments of the layers, for `arg_scope`.

    Args:
      weight_decay: the factor of the squares of weights.
    """
    with relu_arg_scope(weight_decay, Zeros()):
        with arg_scope([conv2d], padding="SAME"):
            with arg_scope([max_pool2d], padding="VALID") as scope:
                return scope


def overfeat(
    inputs: Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.5,
    spatial_squeeze: bool = True,
    scope: str | None = "overfeat",
) -> tuple[Any, dict[str, Any]]:
    """OverFeat, the fast one.

    Args:
      inputs: images, shape [batch, height, width, channels], 231 × 231 in training.
      num_classes: how many classes there are.
      is_training: whether elements drop out.
      dropout_keep_prob: the share that stays.
      spatial_squeeze: whether the logits have shape [batch, num_classes], which needs
        images of one place.
      scope: the variable scope.

    Returns:
      The logits, and what the layers give, by name.
    """
    with classic_scope(inputs, scope, "overfeat", "_end_points") as (name, outputs):
        net: Any = conv2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
        net = max_pool2d(net, [2, 2], scope="pool1")
        net = conv2d(net, 256, [5, 5], padding="VALID", scope="conv2")
        net = max_pool2d(net, [2, 2], scope="pool2")
        net = conv2d(net, 512, [3, 3], scope="conv3")
        net = conv2d(net, 1024, [3, 3], scope="conv4")
        net = conv2d(net, 1024, [3, 3], scope="conv5")
        net = max_pool2d(net, [2, 2], scope="pool5")
        net = small_dense_layers(
            net, (3072, 6), num_classes, is_training, dropout_keep_prob
        )
        return squeezed(net, spatial_squeeze, name, outputs())
