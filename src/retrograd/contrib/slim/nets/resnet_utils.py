"""What residual networks are stacked of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd.contrib.framework.arg_scopes import add_arg_scope, arg_scope
from retrograd.contrib.layers.batch_norm import batch_norm
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.initializers import variance_scaling_initializer
from retrograd.contrib.layers.pools import max_pool2d
from retrograd.contrib.layers.regularizers import l2_regularizer
from retrograd.contrib.layers.scoping import (
    collect_named_outputs,
    convert_collection_to_dict,
)
from retrograd.contrib.layers.shaping import softmax
from retrograd.contrib.slim.nets.classic import Scope, logits_layer
from retrograd.graph.names import GraphKeys
from retrograd.ops.array.pad import pad
from retrograd.ops.math.reduce import reduce_mean
from retrograd.ops.nn.activations import relu
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Reuse

#: of each network: units of its four groups
UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}


class Block(NamedTuple):
    """A group of units.

    Args:
      scope: its name.
      unit_fn: makes a unit of a tensor.
      args: the arguments of each unit.
    """

    scope: str
    unit_fn: Callable[..., Any]
    args: Sequence[dict[str, Any]]


def subsample(inputs: Tensor, factor: int, scope: str | None = None) -> Any:
    """Every so many places of images."""
    if factor == 1:
        return inputs
    return max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


def conv2d_same(
    inputs: Tensor,
    num_outputs: int,
    kernel_size: int,
    stride: int,
    rate: int = 1,
    scope: str | None = None,
) -> Any:
    """A convolution, padded alike for all strides; SAME would depend on the size.

    Args:
      inputs: images.
      num_outputs: how many channels come out.
      kernel_size: the side of the kernel.
      stride: from place to place.
      rate: how far apart the kernel's elements are.
      scope: the variable scope.
    """
    if stride == 1:
        return conv2d(
            inputs,
            num_outputs,
            kernel_size,
            stride=1,
            rate=rate,
            padding="SAME",
            scope=scope,
        )
    total = (kernel_size - 1) * rate
    around = [total // 2, total - total // 2]
    return conv2d(
        pad(inputs, [[0, 0], around, around, [0, 0]]),
        num_outputs,
        kernel_size,
        stride=stride,
        rate=rate,
        padding="VALID",
        scope=scope,
    )


@add_arg_scope
def stack_blocks_dense(
    net: Tensor,
    blocks: Sequence[Block],
    output_stride: int | float | None = None,
    outputs_collections: str | None = None,
) -> Any:
    """Groups of units, one on another.

    Where the image would become smaller than `output_stride` says, the kernels are
    spread instead.

    Args:
      net: images.
      blocks: the groups.
      output_stride: by how much the image gets smaller; by default as the units say.
      outputs_collections: the collection of what the groups give.

    Raises:
      ValueError: the strides of the units do not multiply to that.
    """
    unreachable = "The target output_stride cannot be reached."
    found: Any = net
    stride = rate = 1
    for block in blocks:
        with variable_scope(block.scope, "block", [found]) as scope:
            for i, unit in enumerate(block.args, 1):
                if output_stride is not None and stride > output_stride:
                    raise ValueError(unreachable)
                with variable_scope(f"unit_{i}", values=[found]):
                    step = unit.get("stride", 1)
                    if output_stride is not None and stride == output_stride:
                        unit = {**unit, "stride": 1}
                        found = block.unit_fn(found, rate=rate, **unit)
                        rate *= step
                    else:
                        found = block.unit_fn(found, rate=1, **unit)
                        stride *= step
            found = collect_named_outputs(outputs_collections, scope.name, found)
    if output_stride is not None and stride != output_stride:
        raise ValueError(unreachable)
    return found


def resnet_arg_scope(
    weight_decay: float = 0.0001,
    batch_norm_decay: float = 0.997,
    batch_norm_epsilon: float = 1e-5,
    batch_norm_scale: bool = True,
) -> Scope:
    """The arguments of the layers, for `arg_scope`.

    Args:
      weight_decay: the factor of the squares of weights.
      batch_norm_decay: of the moving averages of batch normalization.
      batch_norm_epsilon: what is added to variances.
      batch_norm_scale: whether normalized elements are multiplied by a variable.
    """
    with arg_scope(
        [conv2d],
        weights_regularizer=l2_regularizer(weight_decay),
        weights_initializer=variance_scaling_initializer(),
        activation_fn=relu,
        normalizer_fn=batch_norm,
    ):
        with arg_scope(
            [batch_norm],
            decay=batch_norm_decay,
            epsilon=batch_norm_epsilon,
            scale=batch_norm_scale,
            updates_collections=GraphKeys.UPDATE_OPS,
        ):
            with arg_scope([max_pool2d], padding="SAME") as scope:
                return scope


def bottleneck_block(
    unit: Callable[..., Any], scope: str, base_depth: int, num_units: int, stride: int
) -> Block:
    """A group of units of which the last one has the stride."""
    plain = {"depth": base_depth * 4, "depth_bottleneck": base_depth}
    rest = [{**plain, "stride": 1}] * (num_units - 1)
    return Block(scope, unit, [*rest, {**plain, "stride": stride}])


def with_layers(
    network: Callable[..., Any], block: Callable[..., Block], layers: int
) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """The residual network of so many layers, named after them.

    Args:
      network: makes one of groups of units.
      block: makes a group.
      layers: 50, 101, 152 or 200.
    """
    name = f"{network.__name__}_{layers}"
    each = zip((64, 128, 256, 512), UNITS[layers], (2, 2, 2, 1), strict=True)
    sizes = list(enumerate(each, 1))

    def made(
        inputs: Tensor,
        num_classes: int | None = None,
        is_training: bool = True,
        global_pool: bool = True,
        output_stride: int | None = None,
        reuse: Reuse = None,
        scope: str | None = name,
    ) -> tuple[Any, dict[str, Any]]:
        blocks = [
            block(f"block{i}", base_depth=depth, num_units=count, stride=stride)
            for i, (depth, count, stride) in sizes
        ]
        given = num_classes, is_training, global_pool, output_stride, True, reuse
        return network(inputs, blocks, *given, scope=scope)

    made.__name__ = made.__qualname__ = name
    made.__module__ = network.__module__
    made.__doc__ = f"The residual network of {layers} layers; see `{network.__name__}`."
    return made


def resnet(
    inputs: Tensor,
    root: Callable[[Any], Any],
    top: Callable[[Any], Any],
    unit: Callable[..., Any],
    blocks: Sequence[Block],
    num_classes: int | None,
    is_training: bool,
    global_pool: bool,
    output_stride: int | None,
    include_root_block: bool,
    reuse: Reuse,
    scope: str | None,
    default: str,
) -> tuple[Any, dict[str, Any]]:
    """A residual network.

    Args:
      inputs: images.
      root: the first convolution.
      top: what comes after the groups.
      unit: of what the groups are made.
      blocks: the groups.
      num_classes: how many classes there are; None for no logits.
      is_training: whether batch normalization is of the batch.
      global_pool: whether the mean over places is taken.
      output_stride: see `stack_blocks_dense`.
      include_root_block: whether there is the first convolution, with a pool.
      reuse: whether variables are there already.
      scope: the variable scope; by default `default`.
      default: see `scope`.
    """
    with variable_scope(scope, default, [inputs], reuse=reuse) as found:
        key = found.original_name_scope + "_end_points"
        with (
            arg_scope([conv2d, unit, stack_blocks_dense], outputs_collections=key),
            arg_scope([batch_norm], is_training=is_training),
        ):
            net: Any = inputs
            target: float | None = output_stride
            if include_root_block:
                if target is not None:
                    if target % 4 != 0:
                        raise ValueError(
                            "The output_stride needs to be a multiple of 4."
                        )
                    target /= 4
                net = max_pool2d(root(net), [3, 3], stride=2, scope="pool1")
            net = top(stack_blocks_dense(net, blocks, target))
            if global_pool:
                net = reduce_mean(net, [1, 2], name="pool5", keepdims=True)
            if num_classes is not None:
                net = logits_layer(net, num_classes, "logits")
            end_points = convert_collection_to_dict(key)
            if num_classes is not None:
                end_points["predictions"] = softmax(net, scope="predictions")
            return net, end_points
