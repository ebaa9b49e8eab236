"""Drawings of models, by Graphviz."""

from __future__ import annotations

import os
from typing import Any

from retrograd import nest


def _pydot() -> Any:
    """The module pydot.

    Raises:
      ImportError: it, or Graphviz, is not there.
    """
    try:
        import pydot

        pydot.Dot.create(pydot.Dot())
    except (ImportError, OSError):
        raise ImportError(
            "Failed to import pydot. You must install pydot and graphviz for "
            "`pydotprint` to work."
        ) from None
    return pydot


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
    subgraph: bool = False,
) -> Any:
    """A model as a graph of pydot: a node for each layer.

    Args:
      model: the model.
      show_shapes: whether nodes show the shapes of inputs and outputs.
      show_layer_names: whether they show the names of layers.
      rankdir: `TB` for top to bottom, `LR` for left to right.
      expand_nested: whether models among the layers are drawn layer by layer.
      dpi: how many dots an inch has.
      subgraph: whether it is a part of another graph.

    Raises:
      ImportError: pydot or Graphviz is not installed.
    """
    pydot = _pydot()
    if subgraph:
        dot = pydot.Cluster(style="dashed", graph_name=model.name)
        dot.set("label", model.name)
        dot.set("labeljust", "l")
    else:
        dot = pydot.Dot()
        dot.set("rankdir", rankdir)
        dot.set("concentrate", True)
        dot.set("dpi", dpi)
        dot.set_node_defaults(shape="record")
    if not model.built:
        model.build()
    layers = getattr(model, "_layers", model.layers)
    for layer in layers:
        if expand_nested and _is_model(layer):
            dot.add_subgraph(
                model_to_dot(
                    layer, show_shapes, show_layer_names, rankdir, True, dpi, True
                )
            )
        else:
            text = _text(layer, show_shapes, show_layer_names)
            dot.add_node(pydot.Node(str(id(layer)), label=text))
    drawn = {id(layer) for layer in layers}
    edges = {
        (_end(before, expand_nested, -1), _end(layer, expand_nested, 0)): None
        for layer in layers
        for node in layer._inbound_nodes
        for before in nest.flatten(node.inbound_layers)
        if id(before) in drawn
    }
    for start, end in edges:
        dot.add_edge(pydot.Edge(start, end))
    return dot


def _is_model(layer: Any) -> bool:
    return isinstance(getattr(layer, "layers", None), list)


def _end(layer: Any, expand: bool, place: int) -> str:
    """The node that an edge to or from a layer ends at: of a model, one of its own."""
    while expand and _is_model(layer):
        layer = layer.layers[place]
    return str(id(layer))


def _text(layer: Any, show_shapes: bool, show_layer_names: bool) -> str:
    kind = type(layer).__name__
    inner = getattr(layer, "layer", None)
    if inner is not None:
        kind = f"{kind}({type(inner).__name__})"
    text = f"{layer.name}: {kind}" if show_layer_names else kind
    if not show_shapes:
        return text
    shapes = []
    for side in ("input", "output"):
        try:
            shapes.append(str(getattr(layer, f"{side}_shape")))
        except AttributeError:
            shapes.append("multiple")
    return f"{text}\n|{{input:|output:}}|{{{{{shapes[0]}}}|{{{shapes[1]}}}}}"


def plot_model(
    model: Any,
    to_file: str = "model.png",
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
) -> None:
    """Draw a model into a file, whose ending says in which format.

    Args:
      model: the model.
      to_file: the file.
      show_shapes, show_layer_names, rankdir, expand_nested, dpi: see `model_to_dot`.

    Raises:
      ImportError: pydot or Graphviz is not installed.
    """
    given = show_shapes, show_layer_names, rankdir, expand_nested, dpi
    dot = model_to_dot(model, *given)
    ending = os.path.splitext(to_file)[1][1:] or "png"
    dot.write(to_file, format=ending)
