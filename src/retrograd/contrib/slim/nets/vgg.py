"""VGG: networks of 3 × 3 convolutions (Simonyan and Zisserman 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import arg_scope
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.pools import max_pool2d
from retrograd.contrib.layers.shaping import repeat
from retrograd.contrib.slim.nets.classic import (
    Scope,
    classic_scope,
    dense_layers,
    made_for,
    relu_arg_scope,
    squeezed,
)
from retrograd.variables.initializers import Zeros

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor

#: the channels of the five groups of convolutions
_CHANNELS = (64, 128, 256, 512, 512)


def vgg_arg_scope(weight_decay: float = 0.0005) -> Scope:
    """The arguments of the layers, for `arg_scope`.

    Args:
      weight_decay: the factor of the squares of weights.
    """
    with relu_arg_scope(weight_decay, Zeros()):
        with arg_scope([conv2d], padding="SAME") as scope:
            return scope


def _vgg(
    repeats: Sequence[int],
    default: str,
    inputs: Tensor,
    num_classes: int,
    is_training: bool,
    dropout_keep_prob: float,
    spatial_squeeze: bool,
    scope: str | None,
) -> tuple[Any, dict[str, Any]]:
    with classic_scope(inputs, scope, default) as (name, outputs):
        net: Any = inputs
        groups = zip(repeats, _CHANNELS, strict=True)
        for i, (times, channels) in enumerate(groups, 1):
            net = repeat(net, times, conv2d, channels, [3, 3], scope=f"conv{i}")
            net = max_pool2d(net, [2, 2], scope=f"pool{i}")
        net = dense_layers(net, (4096, 7), num_classes, is_training, dropout_keep_prob)
        return squeezed(net, spatial_squeeze, name, outputs())


@made_for(224)
def vgg_a(
    inputs: Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.5,
    spatial_squeeze: bool = True,
    scope: str | None = "vgg_a",
) -> tuple[Any, dict[str, Any]]:
    """VGG of 11 layers.

    Args:
      inputs: images, shape [batch, height, width, channels], 224 × 224 in training.
      num_classes: how many classes there are.
      is_training: whether elements drop out.
      dropout_keep_prob: the share that stays.
      spatial_squeeze: whether the logits have shape [batch, num_classes], which needs
        images of one place.
      scope: the variable scope.

    Returns:
      The logits, and what the layers give, by name.
    """
    given = inputs, num_classes, is_training, dropout_keep_prob, spatial_squeeze
    return _vgg((1, 1, 2, 2, 2), "vgg_a", *given, scope)


@made_for(224)
def vgg_16(
    inputs: Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.5,
    spatial_squeeze: bool = True,
    scope: str | None = "vgg_16",
) -> tuple[Any, dict[str, Any]]:
    """VGG of 16 layers; see `vgg_a`."""
    given = inputs, num_classes, is_training, dropout_keep_prob, spatial_squeeze
    return _vgg((2, 2, 3, 3, 3), "vgg_16", *given, scope)


@made_for(224)
def vgg_19(
    inputs: Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.5,
    spatial_squeeze: bool = True,
    scope: str | None = "vgg_19",
) -> tuple[Any, dict[str, Any]]:
    """VGG of 19 layers; see `vgg_a`."""
    given = inputs, num_classes, is_training, dropout_keep_prob, spatial_squeeze
    return _vgg((2, 2, 4, 4, 4), "vgg_19", *given, scope)


vgg_d = vgg_16
vgg_e = vgg_19
