"""Graphs of layers as configurations, and back."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, nest, shapes
from retrograd.graph.tensor import Tensor
from retrograd.keras.topology import node_key
from retrograd.layers import deserialization
from retrograd.layers.inputs import InputLayer
from retrograd.layers.values import batch_get_value

if TYPE_CHECKING:
    from retrograd.keras.network import Network
    from retrograd.layers.base import Layer
    from retrograd.layers.nodes import Node

#: the version of Keras that a tf.keras of 1.15 writes into files
KERAS_VERSION = "2.2.4-tf"


def json_type(value: Any) -> Any:
    """What JSON holds for a value that it does not know.

    Raises:
      TypeError: there is nothing.
    """
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, shapes.Dimension):
        return value.value
    if isinstance(value, shapes.TensorShape):
        return value.as_list()
    if isinstance(value, dtypes.DType):
        return value.name
    if isinstance(value, Mapping):
        return dict(value)
    if callable(value):
        return value.__name__
    if isinstance(value, type):
        return value.__name__
    raise TypeError("Not JSON Serializable:", value)


def with_class(network: Network) -> dict[str, Any]:
    """The configuration of a network with its class and the version of Keras."""
    return {
        "class_name": type(network).__name__,
        "config": network.get_config(),
        "keras_version": KERAS_VERSION,
        "backend": "tensorflow",
    }


def to_json(network: Network, **kwargs: Any) -> str:
    """See `Network.to_json`."""
    return json.dumps(with_class(network), default=json_type, **kwargs)


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise ImportError(
            "Requires yaml module installed (`pip install pyyaml`)."
        ) from None
    return yaml


def to_yaml(network: Network, **kwargs: Any) -> str:
    """See `Network.to_yaml`."""
    plain = json.loads(to_json(network))
    return _yaml().dump(plain, **kwargs)


def model_from_config(
    config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The model, or layer, of a class's name and a configuration.

    Raises:
      TypeError: a list, which is what a Sequential gives.
    """
    if isinstance(config, list):
        raise TypeError(
            "`model_from_config` expects a dictionary, not a list. Maybe you meant to "
            "use `Sequential.from_config(config)`?"
        )
    return deserialization.deserialize(config, custom_objects=custom_objects)


def model_from_json(
    json_string: str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The model that `to_json` has described."""
    return model_from_config(json.loads(json_string), custom_objects)


def model_from_yaml(
    yaml_string: str, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The model that `to_yaml` has described; nothing in the text is executed."""
    return model_from_config(_yaml().safe_load(yaml_string), custom_objects)


# ------------------------------------------------------------------------------ write


def write(network: Network) -> dict[str, Any]:
    """The configuration of a graph of layers."""
    keys = network._network_nodes
    numbers = {}  # of a node among those of its layer that belong to the network
    for layer in network.layers:
        kept = _first_call(layer)
        for i, _ in enumerate(layer._inbound_nodes):
            if node_key(layer, i) in keys:
                numbers[node_key(layer, i)] = kept
                kept += 1
    layers = []
    for layer in network.layers:
        inbound = [
            _write_node(node, numbers)
            for i, node in enumerate(layer._inbound_nodes)
            if node_key(layer, i) in keys and node.iterate_inbound()
        ]
        written = deserialization.serialize(layer)
        layers.append({"name": layer.name, **written, "inbound_nodes": inbound})
    return {
        "name": network.name,
        "layers": copy.deepcopy(layers),
        "input_layers": _write_tensors(network._nested_inputs, numbers),
        "output_layers": _write_tensors(network._nested_outputs, numbers),
    }


def _first_call(layer: Layer) -> int:
    """The number of a layer's first call: models have a node from the beginning."""
    return int(hasattr(layer, "_is_graph_network"))


def _write_node(node: Node, numbers: dict[str, int]) -> Any:
    """From where a call has its inputs, and its other arguments."""
    arguments = _write_arguments(node, numbers)

    def written(layer: Layer, index: int, tensor: int) -> list[Any]:
        number = numbers.get(node_key(layer, index), 0)
        return [layer.name, number, tensor, arguments]

    found = nest.map_structure(
        written, node.inbound_layers, node.node_indices, node.tensor_indices
    )
    return found if nest.is_nested(node.inbound_layers) else [found]


def _write_arguments(node: Node, numbers: dict[str, int]) -> dict[str, Any]:
    def written(value: Any) -> Any:
        if isinstance(value, Tensor) and hasattr(value, "_keras_history"):
            return _coordinates(value, numbers)
        if isinstance(value, Tensor):
            return batch_get_value([value])[0].tolist()
        return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

    arguments = {
        key: nest.map_structure(written, value) for key, value in node.arguments.items()
    }
    try:
        json.dumps(arguments, default=json_type)
    except TypeError:
        logging.getLogger("tensorflow").warning(
            "Layer %s was passed non-serializable keyword arguments: %s. They will not "
            "be included in the serialized model (and thus will be missing at "
            "deserialization time).",
            node.outbound_layer.name,
            node.arguments,
        )
        return {}
    return arguments


def _coordinates(tensor: Any, numbers: dict[str, int]) -> list[Any]:
    layer, index, place = tensor._keras_history
    return [layer.name, numbers.get(node_key(layer, index), 0), place]


def _write_tensors(tensors: Any, numbers: dict[str, int]) -> Any:
    found = nest.map_structure(lambda x: _coordinates(x, numbers), tensors)
    return found if nest.is_nested(tensors) else [found]


# ------------------------------------------------------------------------------- read


class _Reader:
    """Layers and the tensors that they give, made from a configuration."""

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = custom_objects
        self.layers: dict[str, Layer] = {}
        #: of each layer, the calls that the configuration lists
        self.calls: list[tuple[Layer, Any]] = []
        #: the node of a layer that a listed call has become
        self.made: dict[tuple[str, int], int] = {}

    def layer(self, data: dict[str, Any]) -> None:
        name = data["name"]
        layer = deserialization.deserialize(data, custom_objects=self.custom_objects)
        self.layers[name] = layer
        if isinstance(layer, InputLayer):
            self.made[name, 0] = 0
        calls = enumerate(_as_deserialized(data["inbound_nodes"]), _first_call(layer))
        self.calls += [(layer, (name, i, inputs)) for i, inputs in calls]

    def tensor(self, name: str, number: int, place: int) -> Any:
        """A tensor that a layer gives.

        Raises:
          LookupError: the call has not been made yet.
        """
        node = self.layers[name]._inbound_nodes[self.made[name, number]]
        return nest.flatten(node.output_tensors)[place]

    def call(self, layer: Layer, listed: tuple[str, int, Any]) -> None:
        """Make a call that is listed.

        Raises:
          LookupError: what it needs has not been made yet.
        """
        name, number, inputs = listed
        arguments: dict[str, Any] = {}

        def read(item: list[Any]) -> Any:
            if len(item) > 3:
                arguments.update(item[3])
            return self.tensor(*item[:3])

        tensors = _each_item(inputs, read)
        tensors = tensors[0] if _is_single(tensors) else tensors
        known = {key: self._argument(value) for key, value in arguments.items()}
        layer(tensors, **known)
        self.made[name, number] = len(layer._inbound_nodes) - 1

    def _argument(self, value: Any) -> Any:
        """An argument; where it stands for a tensor of a layer, that tensor."""
        if _is_item(value) and value[0] in self.layers and len(value) == 3:
            return self.tensor(*value)
        if isinstance(value, list):
            return [self._argument(item) for item in value]
        return value


def _is_single(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1


def _is_item(value: Any) -> bool:
    """Whether this says which tensor of which call of a layer is meant."""
    return (
        isinstance(value, (list, tuple))
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
        and isinstance(value[2], int)
    )


def _each_item(value: Any, function: Any) -> Any:
    if _is_item(value):
        return function(value)
    if isinstance(value, Mapping):
        return {key: _each_item(item, function) for key, item in value.items()}
    return [_each_item(item, function) for item in value]


def _as_deserialized(calls: Any) -> list[Any]:
    """The listed calls; one of a single call may stand without its list."""
    return list(calls) if isinstance(calls, (list, tuple)) else [calls]


def read(
    config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> tuple[Any, Any]:
    """The input and the output tensors of the layers that a configuration describes.

    Raises:
      ValueError: the calls need each other.
    """
    reader = _Reader(custom_objects)
    for data in config["layers"]:
        reader.layer(data)
    waiting = reader.calls
    while waiting:
        later = []
        for layer, listed in waiting:
            try:
                reader.call(layer, listed)
            except LookupError:
                later.append((layer, listed))
        if len(later) == len(waiting):
            names = sorted({layer.name for layer, _ in later})
            raise ValueError(
                f"The configuration of model {config.get('name')} connects layers that "
                f"need each other, or that are not there: {', '.join(names)}."
            )
        waiting = later
    ends = []
    for part in ("input_layers", "output_layers"):
        tensors = _each_item(config[part], lambda item: reader.tensor(*item[:3]))
        ends.append(tensors[0] if _is_single(tensors) else tensors)
    return ends[0], ends[1]
