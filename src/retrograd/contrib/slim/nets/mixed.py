"""Inception networks, written as tables.

A line is a layer, or a module of branches with a bar between them. A step of a branch
is its name, after which stand what it has of these, in this order:

    :64     how many channels come out
    @3x3    the kernel, where it is not the one that the name ends with
    /2      the stride
    v       that the padding is VALID
    ~.09    the deviation of first weights

`Conv2d_` is left out of names. Steps in brackets all take what came before them; what
they give is put together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import arg_scope
from retrograd.contrib.layers.batch_norm import batch_norm
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.dense import fully_connected
from retrograd.contrib.layers.initializers import variance_scaling_initializer
from retrograd.contrib.layers.pools import avg_pool2d, max_pool2d
from retrograd.contrib.layers.regularizers import l2_regularizer
from retrograd.contrib.layers.shaping import dropout
from retrograd.contrib.slim.nets.classic import Scope, logits_layer, trunc_normal
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import squeeze
from retrograd.ops.nn.activations import relu
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor

_STEP = re.compile(
    r"(?P<name>\w+?_?(?P<rows>\d)x(?P<columns>\d))(:(?P<depth>\d+))?"
    r"(@(?P<kernel>\dx\d))?(/(?P<stride>\d))?(?P<valid>v)?(~(?P<deviation>[.\d]+))?"
)
#: of the number of channels in a table, how many there are
Depth = Callable[[int], int]


def depth_of(depth_multiplier: float, min_depth: int) -> Depth:
    """How many channels there are: a multiple, but not less than a few.

    Raises:
      ValueError: the multiple is not of something positive.
    """
    if depth_multiplier <= 0:
        raise ValueError("depth_multiplier is not greater than zero.")
    return lambda channels: max(int(channels * depth_multiplier), min_depth)


def apply_step(net: Tensor, text: str, depth: Depth) -> tuple[Any, str]:
    """A convolution or a pool, as a step of a table says, and its name."""
    found = _STEP.fullmatch(text)
    assert found is not None, text
    given: dict[str, Any] = {}
    if found["stride"]:
        given["stride"] = int(found["stride"])
    if found["valid"]:
        given["padding"] = "VALID"
    if found["deviation"]:
        given["weights_initializer"] = trunc_normal(float(found["deviation"]))
    sides = found["kernel"] or f"{found['rows']}x{found['columns']}"
    kernel = [int(side) for side in sides.split("x")]
    name = found["name"]
    if not found["depth"]:
        pool = avg_pool2d if name.startswith("Avg") else max_pool2d
        return pool(net, kernel, scope=name, **given), name
    if name[0].isdigit():
        name = "Conv2d_" + name
    channels = depth(int(found["depth"]))
    return conv2d(net, channels, kernel, scope=name, **given), name


def _branch(net: Tensor, text: str, depth: Depth) -> Any:
    steps, _, last = text.partition("(")
    for step in steps.split():
        net, _ = apply_step(net, step, depth)
    if last:
        parts = last.strip().rstrip(")").split()
        net = concat([apply_step(net, step, depth)[0] for step in parts], 3)
    return net


def apply_table(
    net: Tensor, table: str, depth: Depth, end_points: dict[str, Any], final: str
) -> tuple[Any, dict[str, Any]]:
    """The layers of a table, each put into `end_points`.

    Args:
      net: what comes before.
      table: see the head of this file.
      depth: how many channels there are.
      end_points: what the layers give, by name.
      final: the last layer to make.

    Returns:
      What the last one gives, and `end_points`.

    Raises:
      ValueError: there is no such layer as `final`.
    """
    for line in table.strip().splitlines():
        words = line.split()
        if words[0].startswith("Mixed"):
            name = words[0]
            branches = " ".join(words[1:]).split("|")
            with variable_scope(name):
                outputs = []
                for i, branch in enumerate(branches):
                    with variable_scope(f"Branch_{i}"):
                        outputs.append(_branch(net, branch, depth))
                net = concat(outputs, 3)
        else:
            net, name = apply_step(net, words[0], depth)
        end_points[name] = net
        if name == final:
            return net, end_points
    raise ValueError(f"Unknown final endpoint {final}")


def reduced_kernel_size(net: Tensor, kernel_size: list[int]) -> list[int]:
    """A kernel no larger than the images, as far as their size is known."""
    sizes = net.get_shape().as_list()
    if sizes[1] is None or sizes[2] is None:
        return kernel_size
    return [min(sizes[1], kernel_size[0]), min(sizes[2], kernel_size[1])]


def logits_of(
    net: Tensor, num_classes: int, name: str, spatial_squeeze: bool, **last: Any
) -> Any:
    """The last layer, where wanted without the axes of places."""
    found = logits_layer(net, num_classes, name, **last)
    return squeeze(found, [1, 2], name="SpatialSqueeze") if spatial_squeeze else found


def mean_and_logits(
    net: Tensor,
    kernel_size: list[int],
    num_classes: int,
    dropout_keep_prob: float,
    spatial_squeeze: bool,
) -> tuple[Any, Any]:
    """The end of the networks from V2 on.

    Args:
      net: what the modules gave.
      kernel_size: over how many places the mean is taken, if there are as many.
      num_classes: how many classes there are.
      dropout_keep_prob: the share of the mean that stays.
      spatial_squeeze: whether the logits are without the axes of places.

    Returns:
      What is left of the mean, and the logits.
    """
    with variable_scope("Logits"):
        kernel = reduced_kernel_size(net, kernel_size)
        name = f"AvgPool_1a_{kernel[0]}x{kernel[1]}"
        net = avg_pool2d(net, kernel, padding="VALID", scope=name)
        net = dropout(net, dropout_keep_prob, scope="Dropout_1b")
        return net, logits_of(net, num_classes, "Conv2d_1c_1x1", spatial_squeeze)


def inception_arg_scope(
    weight_decay: float,
    normalizer: dict[str, Any] | None,
    batch_norm_var_collection: str,
) -> Scope:
    """The arguments of the layers, for `arg_scope`.

    Args:
      weight_decay: the factor of the squares of weights.
      normalizer: arguments of batch normalization; None for none.
      batch_norm_var_collection: the collection of its moving averages.
    """
    given: dict[str, Any] = {"normalizer_fn": None, "normalizer_params": {}}
    if normalizer is not None:
        moving = [batch_norm_var_collection]
        collections = {
            "beta": None,
            "gamma": None,
            "moving_mean": moving,
            "moving_variance": moving,
        }
        params = {**normalizer, "variables_collections": collections}
        given = {"normalizer_fn": batch_norm, "normalizer_params": params}
    with arg_scope(
        [conv2d, fully_connected], weights_regularizer=l2_regularizer(weight_decay)
    ):
        with arg_scope(
            [conv2d],
            weights_initializer=variance_scaling_initializer(),
            activation_fn=relu,
            **given,
        ) as scope:
            return scope
