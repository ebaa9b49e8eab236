"""Graphs as GraphDef messages."""

from __future__ import annotations

from typing import Any

from retrograd.formats.function_def import function_def, functions_of
from retrograd.formats.node import list_value, node_def
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.hooks import hooks
from retrograd.util import protos


def versions(graph: Graph) -> Any:
    """The versions of a graph as a VersionDef."""
    return protos.message("versions.VersionDef")(
        producer=graph._producer,
        min_consumer=graph._min_consumer,
        bad_consumers=graph._bad_consumers,
    )


def graph_def(graph: Graph, from_version: int | None, add_shapes: bool) -> Any:
    """The GraphDef of a graph.

    Args:
      graph: the graph.
      from_version: only operations made after the graph had this version.
      add_shapes: whether `_output_shapes` says the static shapes.
    """
    with graph._lock:  # of what other threads add, all or nothing
        return _graph_def(graph, from_version, add_shapes)


def _graph_def(graph: Graph, from_version: int | None, add_shapes: bool) -> Any:
    result = protos.message("graph.GraphDef")()
    result.versions.CopyFrom(versions(graph))
    functions = functions_of(graph)  # this gives each its own name
    for op in graph._ops:
        if from_version is not None and op._version <= from_version:
            continue
        node = result.node.add()
        node.CopyFrom(node_def(op))
        if add_shapes and op.outputs:
            shown = [t._shape_raw for t in op.outputs]
            node.attr["_output_shapes"].CopyFrom(list_value("shape", shown))
    for function in functions:
        result.library.function.add().CopyFrom(function_def(function))
        derivative = function.derivative if isinstance(function, FuncGraph) else None
        if derivative is not None and function.declares_derivative:
            result.library.gradient.add(
                function_name=function.function_name,
                gradient_func=derivative.function_name,
            )
    return result


hooks.provide(graph_def=graph_def, versions=versions)
