"""`tf.import_graph_def`: the nodes of a GraphDef become operations of a graph."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.formats.import_job import Import, input_of
from retrograd.formats.library import Library
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.graph import Graph
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.platform.depth import deeper
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message


def import_graph_def(
    graph_def: Message,
    input_map: Mapping[Any, Any] | None = None,
    return_elements: Sequence[Any] | None = None,
    name: str | None = None,
    op_dict: Mapping[str, Message] | None = None,
    producer_op_list: Message | None = None,
) -> list[Any] | None:
    """Add the nodes of a GraphDef to the default graph.

    Args:
      graph_def: the GraphDef message.
      input_map: tensors that take the place of some in `graph_def`, by their names
        there; `^name` maps a control input.
      return_elements: names in `graph_def` of operations and tensors to return.
      name: a prefix for the names, by default "import"; made unique.
      op_dict: accepted.
      producer_op_list: an OpList of what made the GraphDef: attributes that are not
        known here are left out where they have the default it tells.

    Returns:
      The operations and tensors of `return_elements`, or None.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: a name is not in `graph_def`, or `graph_def` is not well formed.
      NotFoundError: it has an unknown op type.
      UnimplementedError: it has one that graphs of its version may not have.
    """
    del op_dict
    return _import(graph_def, input_map, return_elements, name, producer_op_list, True)


def import_graph_def_for_function(graph_def: Message, name: str | None = None) -> None:
    """As `import_graph_def`; a node may be colocated with one that is not there."""
    _import(graph_def, None, None, name, None, False)


def _import(
    graph_def: Message,
    input_map: Mapping[Any, Any] | None,
    return_elements: Sequence[Any] | None,
    name: str | None,
    producer_op_list: Message | None,
    strict: bool,
) -> list[Any] | None:
    graph_def = checked_graph_def(graph_def)
    mapped = _checked_map(input_map)
    wanted = None if return_elements is None else _checked_names(return_elements)
    graph = context.get_default_graph()
    with name_scope(name, "import", list(mapped.values())) as scope:
        prefix = scope[:-1] if scope else ""
        if not all(isinstance(v, (Tensor, Operation)) for v in mapped.values()):
            mapped = _converted(mapped, name)
    defaults = {} if producer_op_list is None else _defaults_of(producer_op_list)
    library = Library(graph_def.library, graph)
    library.add_nodes = functools.partial(_add_nodes, library)
    inputs = {input_of(k): _replacement(k, value) for k, value in mapped.items()}
    job = Import(graph, graph_def, prefix, inputs, library, defaults, strict)
    with graph._lock, deeper:
        job.run()
    library.check_for_python()
    for function in library.names():
        graph._add_function(library.get(function))
    library.close()
    missing = job.unused()
    if missing:
        raise ValueError(
            "Attempted to map inputs that were not found in graph_def: "
            f"[{', '.join(missing)}]"
        )
    return None if wanted is None else [job.element(e) for e in wanted]


def _replacement(name: str, value: Tensor | str) -> Any:
    """What takes the place of an input: of a control input, an operation."""
    return getattr(value, "op", value) if name[:1] == "^" else value


def _add_nodes(
    library: Library, graph: Graph, graph_def: Message, inputs: dict[str, Tensor]
) -> dict[str, Operation]:
    """Add the nodes of a function's body to it; the operations by name."""
    mapped = {input_of(name): tensor for name, tensor in inputs.items()}
    job = Import(graph, graph_def, "", mapped, library, inner=True)
    job.run()
    return job.made


def checked_graph_def(graph_def: Message) -> Any:
    """`graph_def` as a GraphDef message of ours.

    Raises:
      TypeError: it is something else.
    """
    GraphDef = protos.message("graph.GraphDef")
    if isinstance(graph_def, GraphDef):
        return graph_def
    kind = getattr(graph_def, "DESCRIPTOR", None)
    if kind is None or kind.name != "GraphDef":
        raise TypeError("graph_def must be a GraphDef proto.")
    return GraphDef.FromString(graph_def.SerializeToString())


def _text(name: str | bytes) -> Any:
    return name.decode() if isinstance(name, bytes) else name


def _checked_map(input_map: Mapping[Any, Any] | None) -> dict[str, Any]:
    if input_map is None:
        return {}
    if not isinstance(input_map, dict) or not all(
        isinstance(key, (str, bytes)) for key in input_map
    ):
        raise TypeError(
            "input_map must be a dictionary mapping strings to Tensor objects."
        )
    return {_text(key): value for key, value in input_map.items()}


def _checked_names(names: Sequence[Any]) -> list[str]:
    if not all(isinstance(name, (str, bytes)) for name in names):
        raise TypeError("return_elements must be a list of strings.")
    found = [_text(name) for name in names]
    for name in found:
        _tensor_name(name)
    return found


def _tensor_name(name: str) -> tuple[str, int]:
    """Operation and output index of a tensor's name.

    Raises:
      ValueError: it is no name of a tensor.
    """
    op_name, colon, index = name.partition(":")
    if colon and not index.isdigit():
        raise ValueError(f"Cannot convert {name!r} to a tensor name.")
    return op_name, int(index or 0)


def _converted(input_map: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The values of an input map as tensors, made in the import's scope."""
    if name == "":
        raise ValueError(
            "tf.import_graph_def() requires a non-empty `name` if `input_map` contains "
            "non-Tensor values. Try calling tf.convert_to_tensor() on `input_map` "
            "values before calling tf.import_graph_def()."
        )
    with name_scope("_inputs"):
        return {k: convert_to_tensor(v) for k, v in input_map.items()}


def _defaults_of(op_list: Message) -> dict[tuple[str, str], Any]:
    """The defaults in an OpList, by op type and attribute."""
    return {
        (op.name, attr.name): attr.default_value
        for op in op_list.op
        for attr in op.attr
        if attr.HasField("default_value")
    }
