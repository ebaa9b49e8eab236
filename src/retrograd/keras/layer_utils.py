"""What can be said about layers: a table of them, where they begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import nest

if TYPE_CHECKING:
    from retrograd.layers.base import Layer


def get_source_inputs(
    tensor: Any, layer: Layer | None = None, node_index: int | None = None
) -> list[Any]:
    """The tensors of `Input` that a tensor depends on.

    Args:
      tensor: a tensor that layers have given.
      layer, node_index: which call has given it; by default the latest.
    """
    if not hasattr(tensor, "_keras_history"):
        return tensor
    if layer is None or node_index:
        layer, node_index, _ = tensor._keras_history
    assert layer is not None
    if not layer._inbound_nodes:
        return [tensor]
    found: list[Any] = []
    seen: set[int] = set()
    waiting = [layer._inbound_nodes[node_index or 0]]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        inner = node.iterate_inbound()
        if not inner:
            tensors = nest.flatten(node.input_tensors)
            found += [x for x in tensors if all(x is not known for known in found)]
        before = [one._inbound_nodes[index] for one, index, _, _ in inner]
        waiting += reversed(before)
    return found


def count_params(weights: Sequence[Any]) -> int:
    """How many numbers some weights hold, each weight once."""
    once = {id(w): w for w in weights}.values()
    return int(sum(np.prod(w.shape.as_list()) for w in once))


def _is_in_a_row(model: Any) -> bool:
    """Whether each layer follows on one other, once."""
    if type(model).__name__ == "Sequential" or not model._is_graph_network:
        return True
    by_depth = model._nodes_by_depth.values()
    if any(
        len(nodes) > 1
        or (len(nodes) == 1 and len(nest.flatten(nodes[0].inbound_layers)) > 1)
        for nodes in by_depth
    ):
        return False
    nodes = [node for found in by_depth for node in found]
    for layer in model.layers:
        own = [n for n in layer._inbound_nodes if any(n is node for node in nodes)]
        if len(own) > 1:
            return False
    return True


def _row(fields: Sequence[str], positions: Sequence[int]) -> str:
    line = ""
    for i, field in enumerate(fields):
        if i > 0:
            line = line[:-1] + " "
        line += str(field)
        line = line[: positions[i]]
        line += " " * (positions[i] - len(line))
    return line


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], object] | None = None,
) -> None:
    """Print a table of a model's layers; see `Network.summary`."""
    show = print if print_fn is None else print_fn
    plain = _is_in_a_row(model)
    length = line_length or (65 if plain else 98)
    parts = positions or ([0.45, 0.85, 1.0] if plain else [0.33, 0.55, 0.67, 1.0])
    ends = [int(length * p) if p <= 1 else int(p) for p in parts]
    fields = ["Layer (type)", "Output Shape", "Param #"]
    if not plain:
        fields.append("Connected to")
    show(f'Model: "{model.name}"')
    show("_" * length)
    show(_row(fields, ends))
    show("=" * length)
    layers = model.layers
    for i, layer in enumerate(layers):
        described = [f"{layer.name} ({type(layer).__name__})", _shape(layer)]
        described.append(str(layer.count_params()))
        if plain:
            show(_row(described, ends))
        else:
            _show_connected(model, layer, described, ends, show)
        show(("=" if i == len(layers) - 1 else "_") * length)
    _show_totals(model, show)
    show("_" * length)


def _shape(layer: Any) -> str:
    try:
        return str(layer.output_shape)
    except AttributeError:
        return "multiple"
    except RuntimeError:
        return "?"


def _show_connected(
    model: Any,
    layer: Any,
    described: Sequence[str],
    ends: Sequence[int],
    show: Callable[[str], object],
) -> None:
    """The lines of a layer, one for each layer that it follows on."""
    known = [n for nodes in model._nodes_by_depth.values() for n in nodes]
    connections = [
        f"{inner.name}[{index}][{place}]"
        for node in layer._inbound_nodes
        if any(node is one for one in known)
        for inner, index, place, _ in node.iterate_inbound()
    ]
    show(_row([*described, connections[0] if connections else ""], ends))
    for connection in connections[1:]:
        show(_row(["", "", "", connection], ends))


def _show_totals(model: Any, show: Callable[[str], object]) -> None:
    collected = model.__dict__.get("_collected_trainable_weights")
    trained = count_params(model.trainable_weights if collected is None else collected)
    fixed = count_params(model.non_trainable_weights)
    show(f"Total params: {trained + fixed:,}")
    show(f"Trainable params: {trained:,}")
    show(f"Non-trainable params: {fixed:,}")
