"""Layers from configurations: the table of their classes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from retrograd.graph.hooks import hooks
from retrograd.layers import (
    advanced_activations,
    attention,
    bidirectional,
    conv,
    conv_recurrent,
    core,
    cudnn_recurrent,
    embeddings,
    gated_cells,
    inputs,
    lambdas,
    layer_normalization,
    locally_connected,
    merge,
    noise,
    normalization,
    pooling,
    recurrent,
    recurrent_cells,
    recurrent_layers,
    reshaping,
    serialization,
    stacked_cells,
    wrappers,
)
from retrograd.layers.base import Layer

_MODULES = (
    advanced_activations,
    attention,
    bidirectional,
    conv,
    conv_recurrent,
    core,
    cudnn_recurrent,
    embeddings,
    inputs,
    lambdas,
    layer_normalization,
    locally_connected,
    merge,
    noise,
    normalization,
    pooling,
    recurrent_cells,
    gated_cells,
    stacked_cells,
    recurrent,
    recurrent_layers,
    reshaping,
    wrappers,
)

#: the classes of layers by their names
LAYERS: dict[str, type[Layer]] = {
    name: value
    for module in _MODULES
    for name, value in vars(module).items()
    if inspect.isclass(value) and issubclass(value, Layer)
}


def serialize(layer: Layer) -> dict[str, Any]:
    """The name of a layer's class with its configuration."""
    return serialization.serialize(layer)


def deserialize(
    config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The layer that `serialize` has written.

    Args:
      config: the name of its class and its configuration.
      custom_objects: the program's own classes and functions by their names.

    Raises:
      ValueError: there is no class of that name.
    """
    known: Mapping[str, Any] = LAYERS
    if isinstance(config, Mapping) and config.get("class_name") not in LAYERS:
        known = {**LAYERS, **hooks.model_classes()}
    return serialization.deserialize(
        config,
        module_objects=known,
        custom=custom_objects,
        printable_module_name="layer",
    )


hooks.provide(layer_from_config=deserialize)
