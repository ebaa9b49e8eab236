"""The graph of layers: a node for each call of a layer on what `Input` leads to."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from retrograd import nest
from retrograd.graph.graph import Graph
from retrograd.graph.hooks import hooks

if TYPE_CHECKING:
    from retrograd.layers.base import Layer
    from retrograd.typing import Structure

#: on a tensor: the layer that gave it, at which of its nodes, as which of the outputs
KerasHistory = namedtuple("KerasHistory", ["layer", "node_index", "tensor_index"])


class Node:
    """A call of a layer: from tensors of other layers to tensors.

    Args:
      outbound_layer: the layer that is called.
      inbound_layers: the layers that its inputs come from.
      node_indices: at which of their nodes.
      tensor_indices: as which of their outputs.
      input_tensors: the inputs; all four in one structure.
      output_tensors: what it gives, in any structure.
      arguments: the other arguments of the call, by name.

    Attributes:
      input_shapes, output_shapes: the static shapes, as tuples.
    """

    def __init__(
        self,
        outbound_layer: Layer,
        inbound_layers: Structure,
        node_indices: Structure,
        tensor_indices: Structure,
        input_tensors: Structure,
        output_tensors: Structure,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.outbound_layer = outbound_layer
        self.inbound_layers = inbound_layers
        self.node_indices = node_indices
        self.tensor_indices = tensor_indices
        self.input_tensors = input_tensors
        self.output_tensors = output_tensors
        self.input_shapes = nest.map_structure(int_shape, input_tensors)
        self.output_shapes = nest.map_structure(int_shape, output_tensors)
        self.arguments = arguments or {}
        for layer in nest.flatten(inbound_layers):
            if layer is not None:
                layer._outbound_nodes.append(self)
        outbound_layer._inbound_nodes.append(self)

    def iterate_inbound(self) -> list[tuple[Layer, int, int, Any]]:
        """The layer, its node, the output and the tensor of each input."""
        parts = (
            self.inbound_layers,
            self.node_indices,
            self.tensor_indices,
            self.input_tensors,
        )
        return list(zip(*map(nest.flatten, parts), strict=False))

    def get_config(self) -> dict[str, Any]:
        """Which layers' outputs go in, by the names of the layers."""
        names = nest.map_structure(lambda layer: layer.name, self.inbound_layers)
        return {
            "outbound_layer": self.outbound_layer.name,
            "inbound_layers": names,
            "node_indices": self.node_indices,
            "tensor_indices": self.tensor_indices,
        }


def int_shape(tensor: Any) -> tuple[int | None, ...] | None:
    """The static shape as a tuple, None for unknown rank."""
    shape = tensor.shape
    return None if shape.ndims is None else tuple(shape.as_list())


def has_history(inputs: Structure) -> bool:
    """Whether every tensor comes from layers that lead back to an `Input`."""
    return all(hasattr(x, "_keras_history") for x in nest.flatten(inputs))


#: the graphs in which models begin: only there operations become layers
graphs_of_models: WeakSet[Graph] = WeakSet()


def note_operations(tensors: Sequence[Any]) -> None:
    """Make layers of operations that stand between layers and these tensors."""
    graph = getattr(tensors[0], "graph", None) if tensors else None
    if graph is None or graph not in graphs_of_models or has_history(tensors):
        return
    if hooks.leads_back(tensors):
        hooks.create_keras_history(tensors)


def add_node(
    layer: Layer,
    inputs: Structure,
    outputs: Structure,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Note a call of a layer, and on its outputs where they come from."""

    def of_histories(part: str) -> Any:
        return nest.map_structure(lambda x: getattr(x._keras_history, part), inputs)

    Node(
        layer,
        of_histories("layer"),
        of_histories("node_index"),
        of_histories("tensor_index"),
        inputs,
        outputs,
        arguments,
    )
    at = len(layer._inbound_nodes) - 1
    for i, tensor in enumerate(nest.flatten(outputs)):
        tensor._keras_history = KerasHistory(layer, at, i)
