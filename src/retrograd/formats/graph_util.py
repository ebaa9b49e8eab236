"""`tf.graph_util`: parts of GraphDefs, and what is not needed to run them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.ops.declare import traits_of
from retrograd.ops.traits import Kind, Passes
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message

_LOCATION = "loc:@"


def node_name(name: str) -> str:
    """The node that an input of a NodeDef names."""
    return name.removeprefix("^").partition(":")[0]


def must_run_on_cpu(node: Message, pin_variables_on_cpu: bool = False) -> bool:
    """Whether a node has no kernel but on the CPU.

    Args:
      node: an operation or a NodeDef.
      pin_variables_on_cpu: whether variables count.
    """
    node_def = node.node_def if isinstance(node, Operation) else node
    traits = traits_of(node_def.op)
    if pin_variables_on_cpu and traits.beside_variables:
        return True
    if traits.kind is Kind.CONSTANT:
        kind = node_def.attr["dtype"].type
        return dtypes.as_dtype(kind) in (dtypes.string, dtypes.int32)
    attr = traits.int32_on_host
    return bool(attr) and (node_def.attr[attr].type == dtypes.int32.as_datatype_enum)


def tensor_shape_from_node_def_name(
    graph: Graph, input_name: str
) -> shapes.TensorShape:
    """The static shape of a tensor, by its name as an input of a node."""
    name = input_name if ":" in input_name else input_name + ":0"
    return graph.get_tensor_by_name(name).get_shape()


def extract_sub_graph(graph_def: Message, dest_nodes: Sequence[str]) -> Any:
    """The part of a GraphDef that some nodes need, colocated nodes included.

    Raises:
      TypeError: an argument is of the wrong type.
      AssertionError: a node is not there.
    """
    GraphDef = protos.message("graph.GraphDef")
    if not isinstance(graph_def, GraphDef):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto.")
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    nodes = {node.name: node for node in graph_def.node}
    for name in dest_nodes:
        assert name in nodes, f"{name} is not in graph"
    kept: set[str] = set()
    pending = list(dest_nodes)
    while pending:
        name = pending.pop()
        if name not in kept and name in nodes:
            kept.add(name)
            pending.extend(_needs(nodes[name]))
    result = GraphDef(library=graph_def.library, versions=graph_def.versions)
    result.node.extend(node for node in graph_def.node if node.name in kept)
    return result


def _needs(node: Message) -> Iterable[str]:
    yield from map(node_name, node.input)
    if "_class" in node.attr:
        for group in node.attr["_class"].list.s:
            text = group.decode()
            if text.startswith(_LOCATION):
                yield text.removeprefix(_LOCATION)


def remove_training_nodes(
    input_graph: Message, protected_nodes: Sequence[str] | None = None
) -> Any:
    """A GraphDef without nodes that only training needs.

    CheckNumerics nodes go, and Identity nodes that no control edge concerns.

    Args:
      input_graph: the GraphDef.
      protected_nodes: names of nodes to keep.
    """
    protected = protected_nodes or ()
    checks = {
        n.name: n.input[0]
        for n in input_graph.node
        if _is_spare(n.op, Passes.CHECKED) and n.name not in protected
    }
    nodes = without_nodes(input_graph.node, checks)
    awaited = {i[1:] for n in nodes for i in n.input if i.startswith("^")}
    replaced = {
        n.name: n.input[0]
        for n in nodes
        if _is_spare(n.op, Passes.SAME)
        and n.name not in protected
        and n.name not in awaited
        and not any(i.startswith("^") for i in n.input)
    }
    result = type(input_graph)(
        library=input_graph.library, versions=input_graph.versions
    )
    result.node.extend(without_nodes(nodes, replaced))
    return result


def _is_spare(op_type: str, passes: Passes) -> bool:
    """Whether a graph that is only run does without an op that passes its input on."""
    traits = traits_of(op_type)
    return traits.spare and traits.passes is passes


def without_nodes(nodes: Iterable[Any], replaced: Mapping[str, str]) -> list[Any]:
    """Nodes but some, whose users take another input in their place."""
    kept = []
    for node in nodes:
        if node.name in replaced:
            continue
        copied = type(node)()
        copied.CopyFrom(node)
        copied.input[:] = [replacement(name, replaced) for name in node.input]
        kept.append(copied)
    return kept


def replacement(name: str, replaced: Mapping[str, str]) -> str:
    """What is taken in place of an input; the input itself if its node is there."""
    waits = name.startswith("^")
    while node_name(name) in replaced:
        name = replaced[node_name(name)]
    return "^" + node_name(name) if waits else name
