"""Residual networks, version 1 (He et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import add_arg_scope
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.scoping import collect_named_outputs, last_dimension
from retrograd.contrib.slim.nets import resnet_utils
from retrograd.contrib.slim.nets.classic import made_for
from retrograd.contrib.slim.nets.resnet_utils import resnet_arg_scope
from retrograd.ops.nn.activations import relu
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Reuse

__all__ = [
    "bottleneck",
    "resnet_arg_scope",
    "resnet_v1",
    "resnet_v1_50",
    "resnet_v1_101",
    "resnet_v1_152",
    "resnet_v1_200",
    "resnet_v1_block",
]


@add_arg_scope
def bottleneck(
    inputs: Tensor,
    depth: int,
    depth_bottleneck: int,
    stride: int,
    rate: int = 1,
    outputs_collections: str | None = None,
    scope: str | None = None,
) -> Any:
    """A unit: 1 × 1, 3 × 3 and 1 × 1 convolutions beside a short cut.

    Args:
      inputs: images.
      depth: how many channels come out.
      depth_bottleneck: how many there are between.
      stride: from place to place.
      rate: how far apart the kernel's elements are.
      outputs_collections: the collection of what units give.
      scope: the variable scope.
    """
    with variable_scope(scope, "bottleneck_v1", [inputs]) as found:
        if depth == last_dimension(inputs.get_shape(), min_rank=4):
            shortcut = resnet_utils.subsample(inputs, stride, "shortcut")
        else:
            shortcut = conv2d(
                inputs,
                depth,
                [1, 1],
                stride=stride,
                activation_fn=None,
                scope="shortcut",
            )
        rest = conv2d(inputs, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        rest = resnet_utils.conv2d_same(
            rest, depth_bottleneck, 3, stride, rate=rate, scope="conv2"
        )
        rest = conv2d(rest, depth, [1, 1], stride=1, activation_fn=None, scope="conv3")
        output = relu(shortcut + rest)
        return collect_named_outputs(outputs_collections, found.name, output)


def _root(net: Tensor) -> Any:
    return resnet_utils.conv2d_same(net, 64, 7, stride=2, scope="conv1")


def _top(net: Tensor) -> Any:
    return net


@made_for(224)
def resnet_v1(
    inputs: Tensor,
    blocks: Sequence[resnet_utils.Block],
    num_classes: int | None = None,
    is_training: bool = True,
    global_pool: bool = True,
    output_stride: int | None = None,
    include_root_block: bool = True,
    reuse: Reuse = None,
    scope: str | None = None,
) -> tuple[Any, dict[str, Any]]:
    """A residual network of given groups of units.

    Args:
      inputs: images, shape [batch, height, width, channels].
      blocks: the groups.
      num_classes: how many classes there are; None for no logits.
      is_training: whether batch normalization is of the batch.
      global_pool: whether the mean over places is taken.
      output_stride: by how much images get smaller, a multiple of 4; by default by 32.
      include_root_block: whether there is the first convolution, with a pool.
      reuse: whether the variables are there already.
      scope: the variable scope.

    Returns:
      The logits, or what the groups give; and what the layers give, by name.

    Raises:
      ValueError: no such `output_stride` is possible.
    """
    return resnet_utils.resnet(
        inputs,
        _root,
        _top,
        bottleneck,
        blocks,
        num_classes,
        is_training,
        global_pool,
        output_stride,
        include_root_block,
        reuse,
        scope,
        "resnet_v1",
    )


def resnet_v1_block(
    scope: str, base_depth: int, num_units: int, stride: int
) -> resnet_utils.Block:
    """A group of units, of which the last one has the stride.

    Args:
      scope: its name.
      base_depth: the channels in the narrow part; there are four times as many else.
      num_units: how many units there are.
      stride: of the last one.
    """
    return resnet_utils.bottleneck_block(
        bottleneck, scope, base_depth, num_units, stride
    )


resnet_v1_50 = resnet_utils.with_layers(resnet_v1, resnet_v1_block, 50)
resnet_v1_101 = resnet_utils.with_layers(resnet_v1, resnet_v1_block, 101)
resnet_v1_152 = resnet_utils.with_layers(resnet_v1, resnet_v1_block, 152)
resnet_v1_200 = resnet_utils.with_layers(resnet_v1, resnet_v1_block, 200)
