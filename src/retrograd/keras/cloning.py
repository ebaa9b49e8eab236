"""Copies of models: equal layers, connected alike, with weights of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd import nest
from retrograd.keras.model import Model
from retrograd.keras.sequential import Sequential
from retrograd.layers.base import Layer
from retrograd.layers.inputs import Input, InputLayer
from retrograd.layers.nodes import int_shape

Clone = Callable[[Layer], Any]


def _same_config(layer: Layer) -> Any:
    return type(layer).from_config(layer.get_config())


def clone_model(
    model: Any, input_tensors: Any = None, clone_function: Clone | None = None
) -> Any:
    """A model of equal layers with new weights.

    Args:
      model: a Sequential or a graph of layers.
      input_tensors: the tensors that it begins with; by default new ones.
      clone_function: makes a layer from another; by default one with its configuration.

    Raises:
      ValueError: the model is of a subclass, or the arguments do not fit it.

    Example:
      >>> copy = clone_model(model)
      >>> copy.set_weights(model.get_weights())
    """
    clone = clone_function or _same_config
    if not callable(clone):
        raise ValueError("Expected `clone_function` argument to be a callable.")
    if isinstance(model, Sequential):
        return _sequential(model, input_tensors, clone)
    if not isinstance(model, Model):
        raise ValueError(
            "Expected `model` argument to be a `Model` instance, got ", model
        )
    if not model._is_graph_network:
        raise ValueError(
            "Expected `model` argument to be a functional `Model` instance, but got a "
            "subclass model instead."
        )
    return _graph(model, input_tensors, clone)


def _sequential(model: Sequential, input_tensors: Any, clone: Clone) -> Sequential:
    layers = [
        clone_model(layer, clone_function=clone)
        if isinstance(layer, Model)
        else clone(layer)
        for layer in model.layers
    ]
    if input_tensors is None:
        return Sequential(layers, name=model.name)
    flat = nest.flatten(input_tensors)
    if len(flat) != 1:
        raise ValueError(
            "To clone a `Sequential` model, we expect  at most one tensor as part of "
            "`input_tensors`."
        )
    start = flat[0]
    if not hasattr(start, "_keras_history"):
        start = Input(tensor=start, name=f"input_wrapper_for_{model.name}")
    return Sequential([start._keras_history.layer, *layers], name=model.name)


def _begin(tensor: Any, layer: Layer) -> Any:
    return Input(
        batch_shape=int_shape(tensor), dtype=tensor.dtype.name, name=layer.name
    )


def _graph(model: Model, input_tensors: Any, clone: Clone) -> Model:
    layers: dict[Layer, Any] = {}
    for layer in model.layers:
        if not isinstance(layer, InputLayer):
            layers[layer] = (
                clone_model(layer, clone_function=clone)
                if isinstance(layer, Model)
                else clone(layer)
            )
    starts = list(zip(model.inputs, model._input_layers, strict=True))
    if input_tensors is None:
        given = [_begin(tensor, layer) for tensor, layer in starts]
    else:
        given = [
            x
            if hasattr(x, "_keras_history")
            else Input(tensor=x, name=f"input_wrapper_for_{layer.name}")
            for x, (_, layer) in zip(nest.flatten(input_tensors), starts, strict=True)
        ]
    values = {id(x): new for (x, _), new in zip(starts, given, strict=True)}

    def new_of(value: Any) -> Any:
        return values.get(id(value), value)

    for node in model._topology.in_order():
        if not node.iterate_inbound():
            continue
        inputs = nest.map_structure(new_of, node.input_tensors)
        if isinstance(inputs, list) and len(inputs) == 1:
            inputs = inputs[0]
        arguments = {
            k: nest.map_structure(new_of, v) for k, v in node.arguments.items()
        }
        outputs = layers[node.outbound_layer](inputs, **arguments)
        pairs = zip(
            nest.flatten(node.output_tensors), nest.flatten(outputs), strict=True
        )
        values.update((id(old), new) for old, new in pairs)
    outputs = nest.map_structure(new_of, model._nested_outputs)
    inputs = nest.pack_sequence_as(model._nested_inputs, given)
    return Model(inputs, outputs, name=model.name)


def clone_and_build_model(
    model: Any,
    input_tensors: Any = None,
    target_tensors: Any = None,
    custom_objects: Any = None,
    compile_clone: bool = True,
) -> Any:
    """A copy of a model that is compiled as it is, with a new optimizer.

    Args:
      model: a compiled model.
      input_tensors: see `clone_model`.
      target_tensors: see `Model.compile`.
      custom_objects: the program's own classes and functions by their names.
      compile_clone: whether the copy is compiled.

    Raises:
      ValueError: the model is not compiled, though the copy shall be.
    """
    from retrograd.layers.serialization import CustomObjectScope

    if compile_clone and not model.optimizer:
        raise ValueError(
            "Error when cloning model: compile_clone was set to True, but the original "
            "model has not been compiled."
        )
    with CustomObjectScope(custom_objects or {}):
        copy = clone_model(model, input_tensors)
    if compile_clone:
        compilation = model._compilation
        copy.compile(
            type(model.optimizer).from_config(model.optimizer.get_config()),
            compilation.loss,
            compilation.given_metrics,
            compilation.loss_weights,
            compilation.sample_weight_mode,
            compilation.given_weighted,
            target_tensors,
        )
    return copy
