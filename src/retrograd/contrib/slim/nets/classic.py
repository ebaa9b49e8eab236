"""What the networks before Inception share: convolutions, then three dense layers.

The dense ones are convolutions too, so that the networks can slide over large images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import arg_scope
from retrograd.contrib.layers.convolutions import convolution2d as conv2d
from retrograd.contrib.layers.dense import fully_connected
from retrograd.contrib.layers.pools import max_pool2d
from retrograd.contrib.layers.regularizers import l2_regularizer
from retrograd.contrib.layers.scoping import convert_collection_to_dict
from retrograd.contrib.layers.shaping import dropout
from retrograd.ops.array.shape import squeeze
from retrograd.ops.nn.activations import relu
from retrograd.variables.initializers import Constant, TruncatedNormal, Zeros
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import InitializerLike

#: arguments of layers, as `arg_scope` gives and takes them
Scope = dict[Any, Any]


def trunc_normal(stddev: float) -> Any:
    """Initial values from a normal distribution around zero, without its tails."""
    return TruncatedNormal(0.0, stddev)


def relu_arg_scope(weight_decay: float, biases: InitializerLike) -> Any:
    """A context: layers end in a ReLU, and weights are held small.

    Args:
      weight_decay: the factor of their squares.
      biases: first values of biases.
    """
    return arg_scope(
        [conv2d, fully_connected],
        activation_fn=relu,
        weights_regularizer=l2_regularizer(weight_decay),
        biases_initializer=biases,
    )


@contextmanager
def classic_scope(
    inputs: Tensor, scope: str | None, default: str, end: str = "/_end_points"
) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """A context that keeps what layers return.

    Args:
      inputs: the images.
      scope: the variable scope; by default `default`.
      default: see `scope`.
      end: what the name of their collection ends in, after that of the scope.

    Returns:
      The scope's name, and a function that gives the layers' outputs by their names.
    """
    with variable_scope(scope, default, [inputs]) as found:
        key = found.original_name_scope.rstrip("/") + end
        with arg_scope([conv2d, fully_connected, max_pool2d], outputs_collections=key):
            yield found.name, lambda: convert_collection_to_dict(key)


def logits_layer(net: Tensor, num_classes: int, scope: str, **given: Any) -> Any:
    """A convolution of single places, neither normalized nor cut at zero.

    Args:
      net: what comes before.
      num_classes: how many channels come out.
      scope: its name.
      **given: more arguments.
    """
    return conv2d(
        net,
        num_classes,
        [1, 1],
        activation_fn=None,
        normalizer_fn=None,
        scope=scope,
        **given,
    )


def dense_layers(
    net: Tensor,
    first: tuple[int, int],
    num_classes: int,
    is_training: bool,
    dropout_keep_prob: float,
    **last: Any,
) -> Any:
    """The layers fc6, fc7 and fc8.

    Args:
      net: what the convolutions gave.
      first: how many outputs fc6 has, and the side of its square kernel.
      num_classes: how many fc8 has.
      is_training: whether elements drop out between them.
      dropout_keep_prob: the share that stays.
      **last: more arguments of fc8.
    """
    count, side = first
    net = conv2d(net, count, [side, side], padding="VALID", scope="fc6")
    net = dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
    net = conv2d(net, 4096, [1, 1], scope="fc7")
    net = dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7")
    return logits_layer(net, num_classes, "fc8", **last)


def small_dense_layers(
    net: Tensor,
    first: tuple[int, int],
    num_classes: int,
    is_training: bool,
    dropout_keep_prob: float,
) -> Any:
    """`dense_layers` with small first weights, and ReLUs that start above zero."""
    with arg_scope(
        [conv2d],
        weights_initializer=trunc_normal(0.005),
        biases_initializer=Constant(0.1),
    ):
        return dense_layers(
            net,
            first,
            num_classes,
            is_training,
            dropout_keep_prob,
            biases_initializer=Zeros(),
        )


def squeezed(
    net: Tensor, wanted: bool, name: str, end_points: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The logits, where `wanted` without the axes of places; and all outputs."""
    if wanted:
        net = squeeze(net, [1, 2], name="fc8/squeezed")
        end_points[name + "/fc8"] = net
    return net, end_points


def made_for(size: int) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that says the side of the images that a network is made for."""

    def decorate(network: Callable[..., Any]) -> Any:
        network.__dict__["default_image_size"] = size
        return network

    return decorate
