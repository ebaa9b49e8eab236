"""Fully connected layers of `tf.contrib.layers`."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.framework.arg_scopes import add_arg_scope
from retrograd.contrib.layers.scoping import (
    RENAMED,
    XAVIER,
    ZEROS,
    Collections,
    Function,
    Keys,
    activated,
    as_tensor,
    collect_variables,
    layer_scope,
    made,
)
from retrograd.graph import context
from retrograd.graph.names import GraphKeys
from retrograd.layers import faces
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.declare import F
from retrograd.ops.linalg.products import matmul
from retrograd.ops.nn import activations
from retrograd.ops.nn.nn import bias_add
from retrograd.variables.scope import get_variable, variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import (
        InitializerLike,
        Regularizer,
        Reuse,
        ScopeLike,
        TensorLike,
    )


def normalized(
    outputs: Tensor,
    normalizer_fn: Function,
    normalizer_params: Mapping[str, Any] | None,
) -> Any:
    """The outputs after a normalizer, if there is one."""
    if normalizer_fn is None:
        return outputs
    return normalizer_fn(outputs, **(normalizer_params or {}))


@add_arg_scope
def fully_connected(
    inputs: TensorLike,
    num_outputs: int,
    activation_fn: Function = activations.relu,
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
    """Multiply inputs by `weights`, and add `biases` unless there is a normalizer.

    Args:
      inputs: of rank two or more; the last axis is multiplied.
      num_outputs: how many outputs there are.
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

    Raises:
      ValueError: `num_outputs` is no integer; or see `tf.layers.dense`.
    """
    if not isinstance(num_outputs, int):
        raise ValueError(
            f"num_outputs type should be one of {[int]}, got {type(num_outputs)}."
        )
    with layer_scope(scope, "fully_connected", inputs, reuse, RENAMED) as sc:
        inputs = as_tensor(inputs)
        layer = made(
            faces.Dense,
            sc,
            inputs,
            reuse,
            units=num_outputs,
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
        collect_variables(
            layer, variables_collections, ("kernel", "weights"), ("bias", "biases")
        )
        outputs = normalized(outputs, normalizer_fn, normalizer_params)
        return activated(outputs, sc, activation_fn, outputs_collections)


linear = functools.partial(fully_connected, activation_fn=None)
elu = functools.partial(fully_connected, activation_fn=activations.elu)
relu = functools.partial(fully_connected, activation_fn=activations.relu)
relu6 = functools.partial(fully_connected, activation_fn=activations.relu6)


def legacy_fully_connected(
    x: TensorLike,
    num_output_units: int,
    activation_fn: Function = None,
    weight_init: InitializerLike | None = XAVIER,
    bias_init: InitializerLike | None = ZEROS,
    name: str | None = None,
    weight_collections: Sequence[str] = (GraphKeys.WEIGHTS,),
    bias_collections: Sequence[str] = (GraphKeys.BIASES,),
    output_collections: Sequence[str] = (GraphKeys.ACTIVATIONS,),
    trainable: bool = True,
    weight_regularizer: Regularizer | None = None,
    bias_regularizer: Regularizer | None = None,
) -> Any:
    """The former `fully_connected`: x times `weights` plus `bias`.

    Args:
      x: of rank two or more.
      num_output_units: how many outputs there are.
      activation_fn: applied last.
      weight_init, weight_regularizer: of `weights`.
      bias_init, bias_regularizer: of `bias`; no initializer, no bias.
      name: the variable scope.
      weight_collections, bias_collections, output_collections: where `weights`,
        `bias` and the outputs are added.
      trainable: whether the variables are trained.

    Raises:
      ValueError: x has no known rank, or less than two; or not its last size.
    """
    with variable_scope(name, "fully_connected", [x]):
        x = as_tensor(x)
        sizes = x.get_shape()
        if sizes.ndims is None:
            raise ValueError("dims of x must be known but is None")
        if sizes.ndims < 2:
            raise ValueError(f"rank of x must be at least 2 not: {sizes.ndims}")
        width = sizes.as_list()[-1]
        if width is None:
            raise ValueError("last dimension of x must be known but is None")

        def new(
            key: str,
            sizes: list[int],
            first: InitializerLike | None,
            places: Sequence[str],
            loss: Regularizer | None,
        ) -> Any:
            return get_variable(
                key,
                shape=sizes,
                dtype=x.dtype.base_dtype,
                initializer=first,
                collections=list({*places, GraphKeys.GLOBAL_VARIABLES}),
                regularizer=loss,
                trainable=trainable,
            )

        both = [width, num_output_units]
        w = new("weights", both, weight_init, weight_collections, weight_regularizer)
        y = matmul(x if sizes.ndims == 2 else reshape(x, [-1, width]), w)
        if bias_init is not None:
            units = [num_output_units]
            b = new("bias", units, bias_init, bias_collections, bias_regularizer)
            y = bias_add(y, b)
        if sizes.ndims > 2:
            kept = F.Unpack(shape(x), num=sizes.ndims, name="unstack")
            y = reshape(y, stack([*kept[:-1], num_output_units]))
            y.set_shape([*sizes.as_list()[:-1], num_output_units])
        if activation_fn is not None:
            y = activation_fn(y)
        for key in output_collections:
            context.get_default_graph().add_to_collection(key, y)
        return y


legacy_linear = functools.partial(legacy_fully_connected, activation_fn=None)
legacy_relu = functools.partial(legacy_fully_connected, activation_fn=activations.relu)
