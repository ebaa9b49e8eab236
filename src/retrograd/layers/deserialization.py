"""Layers from configurations: the table of their classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from retrograd.graph.hooks import hooks
from retrograd.layers import (
    advanced_activations,
    attention,
    conv,
    core,
    embeddings,
    inputs,
    lambdas,
    layer_normalization,
    locally_connected,
    merge,
    noise,
    normalization,
    pooling,
    reshaping,
    serialization,
    wrappers,
)
from retrograd.layers.base import Layer

_MODULES = (
    advanced_activations,
    attention,
    conv,
    core,
    embeddings,
    inputs,
    lambdas,
    layer_normalization,
    locally_connected,
    merge,
    noise,
    normalization,
    pooling,
    reshaping,
    wrappers,
)


def _classes(modules: Iterable[ModuleType]) -> dict[str, type[Layer]]:
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, Layer)
    }


#: the classes of layers by their names, without the recurrent ones at first
LAYERS = _classes(_MODULES)


def all_layers() -> dict[str, type[Layer]]:
    """The classes of layers by their names."""
    if "RNN" not in LAYERS:
        # imported for the first name that no other module has
        from retrograd.layers import (
            bidirectional,
            conv_recurrent,
            cudnn_recurrent,
            gated_cells,
            recurrent,
            recurrent_cells,
            recurrent_layers,
            stacked_cells,
        )

        cells = (recurrent_cells, gated_cells, stacked_cells, recurrent)
        others = (recurrent_layers, bidirectional, conv_recurrent, cudnn_recurrent)
        LAYERS.update(_classes((*cells, *others)))
    return LAYERS


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
        known = {**all_layers(), **hooks.model_classes()}
    return serialization.deserialize(
        config,
        module_objects=known,
        custom=custom_objects,
        printable_module_name="layer",
    )


hooks.provide(layer_from_config=deserialize)
