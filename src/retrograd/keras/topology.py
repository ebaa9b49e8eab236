"""The order of the layers between a model's inputs and its outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import nest

if TYPE_CHECKING:
    from retrograd.layers.base import Layer
    from retrograd.layers.nodes import Node


class Topology(NamedTuple):
    """A graph of layers, ordered.

    Attributes:
      keys: of the nodes, by `node_key`.
      nodes: by depth; those next to the outputs have depth 0.
      layers: all, those furthest from the outputs first.
      layers_by_depth: the same, by depth.
    """

    keys: set[str]
    nodes: dict[int, list[Node]]
    layers: list[Layer]
    layers_by_depth: dict[int, list[Layer]]

    def in_order(self) -> Iterator[Node]:
        """The nodes, each after those that its inputs come from."""
        for depth in sorted(self.nodes, reverse=True):
            yield from self.nodes[depth]


def node_key(layer: Layer, index: int) -> str:
    """What a layer's node of that number is kept under."""
    return f"{layer.name}_ib-{index}"


def topology(inputs: Sequence[Any], outputs: Sequence[Any]) -> Topology:
    """The layers and nodes between tensors.

    Args:
      inputs: tensors of `Input`.
      outputs: tensors that they lead to.

    Raises:
      ValueError: an output depends on another `Input`, the layers go round in a circle,
        or two have the same name.
    """
    ordered, layer_order = _walk(outputs)
    depth_of: dict[int, int] = {}
    layer_depths: dict[Layer, int] = {}
    for node in reversed(ordered):
        layer = node.outbound_layer
        depth = max(depth_of.get(id(node), 0), layer_depths.get(layer, 0))
        layer_depths[layer] = depth_of[id(node)] = depth
        for inner, index, _, _ in node.iterate_inbound():
            before = inner._inbound_nodes[index]
            depth_of[id(before)] = max(depth + 1, depth_of.get(id(before), 0))
    for tensor in inputs:  # an input that no output depends on
        layer = tensor._keras_history.layer
        if layer not in layer_depths:
            layer_depths[layer], layer_order[layer] = 0, -1
            ordered.append(layer._inbound_nodes[0])
            depth_of[id(layer._inbound_nodes[0])] = 0
    nodes: dict[int, list[Node]] = {}
    for node in ordered:
        nodes.setdefault(depth_of[id(node)], []).append(node)
    by_depth: dict[int, list[Layer]] = {}
    for layer in sorted(layer_depths, key=layer_order.__getitem__):
        by_depth.setdefault(layer_depths[layer], []).append(layer)
    layers = [x for depth in sorted(by_depth, reverse=True) for x in by_depth[depth]]
    keys = {key_of(node) for node in ordered}
    found = Topology(keys, nodes, layers, by_depth)
    _check_connected(found, inputs)
    _check_names(layers)
    return found


def key_of(node: Node) -> str:
    """The key of a node."""
    layer = node.outbound_layer
    index = next(i for i, known in enumerate(layer._inbound_nodes) if known is node)
    return node_key(layer, index)


def _walk(outputs: Sequence[Any]) -> tuple[list[Node], dict[Layer, int]]:
    """The nodes behind tensors, inputs first; the layers in the order they are met."""
    done: dict[int, Node] = {}
    under_way: set[int] = set()
    layer_order: dict[Layer, int] = {}
    for output in outputs:
        # a node is entered, then all that its inputs come from, then it is left
        waiting: list[tuple[Any, bool]] = [(output, False)]
        while waiting:
            tensor, leaving = waiting.pop()
            layer, index, _ = tensor._keras_history
            node = layer._inbound_nodes[index]
            if leaving:
                under_way.discard(id(node))
                done[id(node)] = node
                continue
            if id(node) in done:
                continue
            if id(node) in under_way:
                raise ValueError(
                    f'The tensor "{tensor}" at layer "{layer.name}" is part of a cycle.'
                )
            layer_order.setdefault(layer, len(layer_order))
            under_way.add(id(node))
            waiting.append((tensor, True))
            inner = [x for *_, x in node.iterate_inbound()]
            waiting += [(x, False) for x in reversed(inner)]
    return list(done.values()), layer_order


def _check_connected(found: Topology, inputs: Sequence[Any]) -> None:
    """Require that all tensors can be computed from the inputs."""
    computable = {id(x) for x in inputs}
    accessed: list[str] = []
    for node in found.in_order():
        layer = node.outbound_layer
        for tensor in nest.flatten(node.input_tensors):
            if id(tensor) not in computable:
                raise ValueError(
                    "Graph disconnected: cannot obtain value for tensor "
                    f'{tensor} at layer "{layer.name}". The following previous layers '
                    f"were accessed without issue: {accessed}"
                )
        computable.update(id(x) for x in flat_outputs(node))
        accessed.append(layer.name)


def flat_outputs(node: Node) -> list[Any]:
    """The outputs of a node as a list."""
    return nest.flatten(node.output_tensors)


def _check_names(layers: Sequence[Layer]) -> None:
    counts = Counter(layer.name for layer in layers)
    for name, count in counts.items():
        if count != 1:
            raise ValueError(
                f'The name "{name}" is used {count} times in the model. All layer '
                "names should be unique."
            )
