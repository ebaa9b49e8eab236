"""MetaGraphDefs: a graph with its collections, whole or one name scope of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from google.protobuf import any_pb2

from retrograd.formats.debug_info import create_graph_debug_info_def
from retrograd.formats.graph_io import read_message, write_graph
from retrograd.formats.importer import import_graph_def
from retrograd.formats.node import op_def_proto
from retrograd.formats.proto_functions import (
    get_collection_proto_type,
    get_from_proto_function,
    get_to_proto_function,
)
from retrograd.graph import context, opdef
from retrograd.graph.graph import Graph
from retrograd.graph.names import GraphKeys, prepend_name_scope, strip_name_scope
from retrograd.ops.declare import kind_of
from retrograd.ops.host.saving import SAVE_AND_RESTORE_OPS
from retrograd.ops.traits import Kind
from retrograd.platform import logs, versions
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message, PathLike

_UNBOUND = "$unbound_inputs_"
#: op types of a function's own nodes, which no table lists
_INTERNAL = frozenset(("_Arg", "_Retval", "_ListToArray", "_ArrayToList"))
#: collections that once held names where they hold messages now
_ONCE_NAMES = (
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.METRIC_VARIABLES,
)
#: collections that say which nodes lie in frames; loops and branches are functions here
_FRAMES = (GraphKeys.COND_CONTEXT, GraphKeys.WHILE_CONTEXT)
#: before this version a VariableDef did not say whether it is trainable
_SAYS_TRAINABLE = (1, 9)


def _always(key: str) -> bool:
    del key
    return True


# ---------------------------------------------------------------------- op lists


def ops_used_by_graph_def(graph_def: Message) -> list[str]:
    """The op types of a GraphDef's nodes, and of the functions that they call."""
    functions = {f.signature.name: f for f in graph_def.library.function}
    used: dict[str, None] = {}
    pending = [graph_def.node]
    while pending:
        for node in pending.pop():
            for name in (node.op, *_functions_named(node)):
                if name in functions and name not in used:
                    pending.append(functions[name].node_def)
                used[name] = None
    return [name for name in used if name not in functions]


def _functions_named(node: Message) -> list[str]:
    found = []
    for value in node.attr.values():
        which = value.WhichOneof("value")
        if which == "func":
            found.append(value.func.name)
        elif which == "list":
            found.extend(f.name for f in value.list.func)
    return found


def stripped_op_list_for_graph(graph_def: Message) -> Any:
    """An OpList with the signatures of the op types that a GraphDef uses.

    Raises:
      ValueError: an op type is not known.
    """
    OpList = protos.message("op_def.OpList")
    functions = {f.signature.name for f in graph_def.library.function}
    result = OpList()
    for name in sorted(set(ops_used_by_graph_def(graph_def)) - functions):
        signature = opdef.lookup(name)
        if signature is not None:
            result.op.add().CopyFrom(op_def_proto(signature))
        elif name not in _INTERNAL:
            raise ValueError(f"Op {name} is used by the graph, but is not registered")
    return result


def strip_graph_default_valued_attrs(meta_graph_def: Message) -> None:
    """Leave out attributes that have their default, so that older versions can read it.

    `meta_info_def.stripped_default_attrs` says so afterwards.
    """
    graph_def = meta_graph_def.graph_def
    functions = {f.signature.name for f in graph_def.library.function}
    defaults: dict[str, dict[str, Any]] = {}
    for nodes in (graph_def.node, *(f.node_def for f in graph_def.library.function)):
        for node in nodes:
            if node.op in functions:
                continue
            if node.op not in defaults:
                defaults[node.op] = _defaults(opdef.lookup(node.op))
            known = defaults[node.op]
            for name in [n for n, v in node.attr.items() if known.get(n) == v]:
                del node.attr[name]
    meta_graph_def.meta_info_def.stripped_default_attrs = True


def _defaults(signature: opdef.OpDef | None) -> dict[str, Any]:
    if signature is None:
        return {}
    attrs = op_def_proto(signature).attr
    return {a.name: a.default_value for a in attrs if a.HasField("default_value")}


# ---------------------------------------------------------------------- writing


def _included(item: object, export_scope: str | None, exclude: Iterable[str]) -> bool:
    """Whether a node, or an item of a collection, goes into an export."""
    name = item if isinstance(item, str) else getattr(item, "name", None)
    if not isinstance(name, str):
        return True
    if exclude and name in exclude:
        return False
    return (
        name.startswith(_UNBOUND) or not export_scope or name.startswith(export_scope)
    )


def add_collection_def(
    meta_graph_def: Message,
    key: str | bytes,
    graph: Graph | None = None,
    export_scope: str | None = None,
    exclude_nodes: Iterable[str] | None = None,
    override_contents: Iterable[Any] | None = None,
) -> None:
    """Add a collection to a MetaGraphDef.

    Args:
      meta_graph_def: the message.
      key: the collection.
      graph: the graph that has it, by default the default graph.
      export_scope: a name scope to strip; items outside of it are left out.
      exclude_nodes: names of nodes to leave out.
      override_contents: what to write instead of the collection's items.

    Raises:
      TypeError: `graph` is not a graph.
    """
    graph = _checked_graph(graph)
    if not isinstance(key, (str, bytes)):
        logs.warning(
            "Only collections with string type keys will be serialized. This key has "
            f"{type(key)}"
        )
        return
    items = override_contents or graph.get_collection(key)
    items = [i for i in items if _included(i, export_scope, exclude_nodes or ())]
    if not items:
        return
    try:
        _write_items(meta_graph_def.collection_def[key], key, items, export_scope)
    except Exception as error:  # any object may be in a collection
        logs.warning(
            f"Issue encountered when serializing {key}.\nType is unsupported, or the "
            "types of the items don't match field type in CollectionDef. Note this is "
            f"a warning and probably safe to ignore.\n{error}"
        )
        meta_graph_def.collection_def.pop(key, None)


def _write_items(
    target: Message, key: Any, items: list[Any], scope: str | None
) -> None:
    to_proto = get_to_proto_function(key)
    first = items[0]
    if to_proto is not None:
        protos = [to_proto(item, export_scope=scope) for item in items]
        found = [p.SerializeToString() for p in protos if p]
        target.bytes_list.value.extend(found)
    elif isinstance(first, (str, bytes)):
        target.bytes_list.value.extend(
            i.encode() if isinstance(i, str) else i for i in items
        )
    elif isinstance(first, int):
        target.int64_list.value.extend(items)
    elif isinstance(first, float):
        target.float_list.value.extend(items)
    elif isinstance(first, any_pb2.Any):
        target.any_list.value.extend(items)
    else:
        target.node_list.value.extend(
            strip_name_scope(i.name, scope)
            for i in items
            if not scope or i.name.startswith(scope)
        )


def _kind(message: Message) -> str:
    return getattr(getattr(message, "DESCRIPTOR", None), "name", "")


def _checked_graph(graph: Graph | None) -> Graph:
    if graph and not isinstance(graph, Graph):
        raise TypeError(f"graph must be of type Graph, not {type(graph)}")
    return graph or context.get_default_graph()


def _check_message(message: Message | None, kind: str, argument: str) -> None:
    if message and _kind(message) != kind:
        raise TypeError(f"{argument} must be of type {kind}, not {type(message)}")


def create_meta_graph_def(
    meta_info_def: Message | None = None,
    graph_def: Message | None = None,
    saver_def: Message | None = None,
    collection_list: Iterable[Any] | None = None,
    graph: Graph | None = None,
    export_scope: str | None = None,
    exclude_nodes: Iterable[str] | None = None,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
) -> Any:
    """A MetaGraphDef of a graph.

    Args:
      meta_info_def: a MetaInfoDef to start from.
      graph_def: a GraphDef instead of the graph's.
      saver_def: a SaverDef to include.
      collection_list: the collections to write, by default all.
      graph: the graph, by default the default graph.
      export_scope: a name scope to strip from collections.
      exclude_nodes: names of nodes to leave out of collections.
      clear_extraneous_savers: whether `saver_def` is the only saver to write.
      strip_default_attrs: whether to leave out attributes that have their default.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: an op type is not known.
    """
    MetaGraphDef = protos.message("meta_graph.MetaGraphDef")
    graph = _checked_graph(graph)
    _check_message(meta_info_def, "MetaInfoDef", "meta_info_def")
    _check_message(graph_def, "GraphDef", "graph_def")
    _check_message(saver_def, "SaverDef", "saver_def")
    result = MetaGraphDef()
    info = result.meta_info_def
    if meta_info_def is not None:
        info.MergeFrom(meta_info_def)
    info.tensorflow_version = versions.VERSION
    info.tensorflow_git_version = versions.GIT_VERSION
    result.graph_def.MergeFrom(graph_def or graph.as_graph_def(add_shapes=True))
    if not info.stripped_op_list.op:
        info.stripped_op_list.MergeFrom(stripped_op_list_for_graph(result.graph_def))
    if strip_default_attrs:
        strip_graph_default_valued_attrs(result)
    if saver_def:
        result.saver_def.MergeFrom(saver_def)
    if collection_list is None:
        collection_list = graph.get_all_collection_keys()
    for key in collection_list:
        only = None
        if clear_extraneous_savers and key == GraphKeys.SAVERS:
            only = [get_from_proto_function(key)(saver_def)]
        add_collection_def(result, key, graph, export_scope, exclude_nodes, only)
    return result


def export_scoped_meta_graph(
    filename: str | None = None,
    graph_def: Message | None = None,
    graph: Graph | None = None,
    export_scope: str | None = None,
    as_text: bool = False,
    unbound_inputs_col_name: str | None = "unbound_inputs",
    clear_devices: bool = False,
    saver_def: Message | None = None,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> tuple[Any, dict[str, Any]]:
    """A MetaGraphDef of a graph, or of one name scope of it.

    Args:
      filename: a file to write it to.
      graph_def: a GraphDef instead of the graph's.
      graph: the graph, by default the default graph.
      export_scope: the name scope to export; it is stripped from the names.
      as_text: whether the file is text.
      unbound_inputs_col_name: a collection for the names of inputs from outside of the
        scope; who imports the MetaGraphDef has to give them.
      clear_devices: whether to leave out devices.
      saver_def: a SaverDef to include.
      clear_extraneous_savers: whether to leave out savers other than `saver_def`.
      strip_default_attrs: whether to leave out attributes that have their default.
      save_debug_info: whether to write where operations were made to a file beside.
      **kwargs: `meta_info_def` and `collection_list` of `create_meta_graph_def`.

    Returns:
      The MetaGraphDef, and the exported global variables by their names in it.

    Raises:
      ValueError: executing eagerly without both `graph_def` and `graph`.
    """
    if context.executing_eagerly() and (graph_def is None or graph is None):
        raise ValueError(
            "Exporting/importing meta graphs is not supported when Eager Execution is "
            "enabled."
        )
    graph = graph or context.get_default_graph()
    exclude: set[str] = set()
    if export_scope or clear_extraneous_savers or clear_devices:
        whole = graph_def or graph.as_graph_def(add_shapes=True)
        if clear_extraneous_savers:
            exclude = _savers_besides(whole, saver_def)
        graph_def, unbound = _part(whole, export_scope, exclude, clear_devices)
        if unbound_inputs_col_name:
            graph.clear_collection(unbound_inputs_col_name)
            for name in unbound:
                graph.add_to_collection(unbound_inputs_col_name, name)
    variables = {
        strip_name_scope(v.name, export_scope): v
        for v in graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=export_scope)
        if _included(v, export_scope, exclude)
    }
    result = create_meta_graph_def(
        graph_def=graph_def,
        graph=graph,
        export_scope=export_scope,
        exclude_nodes=exclude,
        clear_extraneous_savers=clear_extraneous_savers,
        saver_def=saver_def,
        strip_default_attrs=strip_default_attrs,
        **kwargs,
    )
    if filename:
        folder, name = os.path.split(filename)
        write_graph(result, folder, name, as_text=as_text)
        if save_debug_info:
            operations = [
                (
                    "",
                    graph.get_operation_by_name(
                        prepend_name_scope(n.name, export_scope)
                    ),
                )
                for n in result.graph_def.node
            ]
            name = os.path.splitext(name)[0] + ".debug"
            info = create_graph_debug_info_def(operations)
            write_graph(info, folder, name, as_text=as_text)
    return result, variables


def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Message | None = None,
    graph_def: Message | None = None,
    saver_def: Message | None = None,
    collection_list: Iterable[Any] | None = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: object,
) -> Any:
    """The MetaGraphDef of a graph; see `export_scoped_meta_graph`.

    Raises:
      RuntimeError: executing eagerly.
    """
    if kwargs:
        raise TypeError(
            f"export_meta_graph() got unexpected keyword arguments: {', '.join(kwargs)}"
        )
    if context.executing_eagerly():
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is "
            "enabled. No graph exists when eager execution is enabled."
        )
    return export_scoped_meta_graph(
        filename=filename,
        meta_info_def=meta_info_def,
        graph_def=graph_def,
        saver_def=saver_def,
        collection_list=collection_list,
        as_text=as_text,
        graph=graph,
        export_scope=export_scope,
        clear_devices=clear_devices,
        clear_extraneous_savers=clear_extraneous_savers,
        strip_default_attrs=strip_default_attrs,
        save_debug_info=save_debug_info,
    )[0]


def _part(
    whole: Message, scope: str | None, exclude: Iterable[str], clear_devices: bool
) -> tuple[Any, list[str]]:
    """The nodes of one name scope, and the names of inputs from outside."""
    GraphDef = protos.message("graph.GraphDef")
    result = GraphDef(versions=whole.versions, library=whole.library)
    unbound: list[str] = []
    for node in whole.node:
        if _included(node.name, scope, exclude):
            _copy_node(result.node.add(), node, scope, unbound)
            if clear_devices:
                result.node[-1].device = ""
    return result, unbound


def _copy_node(
    target: Message, node: Message, scope: str | None, unbound: list[str]
) -> None:
    """Copy a node without `scope`; an input from outside gets a name of its own."""
    target.CopyFrom(node)
    target.name = strip_name_scope(node.name, scope)
    for i, name in enumerate(node.input):
        if scope and not name.lstrip("^").startswith(scope):
            mark = "^" if name.startswith("^") else ""
            target.input[i] = mark + _UNBOUND + name.removeprefix("^")
            unbound.append(target.input[i])
        else:
            target.input[i] = strip_name_scope(name, scope)
    if "_class" in node.attr:
        groups = [g.decode() for g in node.attr["_class"].list.s]
        kept = [g for g in groups if not scope or g.split("@")[1].startswith(scope)]
        target.attr["_class"].Clear()
        target.attr["_class"].list.SetInParent()
        target.attr["_class"].list.s.extend(
            strip_name_scope(g, scope).encode() for g in kept
        )
    if kind_of(node.op) is Kind.ENTER and "frame_name" in node.attr:
        frame = strip_name_scope(node.attr["frame_name"].s.decode(), scope)
        target.attr["frame_name"].s = frame.encode()


def _op_name(tensor_name: str) -> str:
    """The operation in the name of a tensor or of a control input."""
    if not tensor_name:
        raise ValueError("Tensor name cannot be empty or None.")
    return tensor_name.removeprefix("^").partition(":")[0]


def _get_scope(node_name: str) -> str:
    """What comes before the last slash of a node's name."""
    if not node_name:
        raise ValueError("Node name cannot be empty or None.")
    return node_name.removeprefix("^").rpartition("/")[0]


def _savers_besides(graph_def: Message, saver_def: Message | None) -> set[str]:
    """The nodes in the scopes of savers other than `saver_def`."""
    kept = set()
    if saver_def is not None:
        kept = {
            _get_scope(_op_name(saver_def.save_tensor_name)),
            _get_scope(_op_name(saver_def.restore_op_name)),
        }
    saving = {n.name for n in graph_def.node if n.op in SAVE_AND_RESTORE_OPS}
    scopes = tuple(
        scope + "/" for scope in {_get_scope(n) for n in saving} - saving - kept
    )
    return {n.name for n in graph_def.node if n.name.startswith(scopes)}


# ---------------------------------------------------------------------- reading


def read_meta_graph_file(filename: PathLike) -> Any:
    """The MetaGraphDef in a file of bytes or text.

    Raises:
      OSError: there is no such file, or it holds something else.
    """
    MetaGraphDef = protos.message("meta_graph.MetaGraphDef")
    return read_message(filename, MetaGraphDef())


def import_scoped_meta_graph(
    meta_graph_or_file: Message | PathLike,
    clear_devices: bool = False,
    graph: Graph | None = None,
    import_scope: str | None = None,
    input_map: dict[str, Any] | None = None,
    unbound_inputs_col_name: str | None = "unbound_inputs",
    restore_collections_predicate: Callable[[str], bool] = _always,
) -> dict[str, Any]:
    """Add the graph and the collections of a MetaGraphDef to a graph.

    Args:
      meta_graph_or_file: the message, or a file that holds it.
      clear_devices: whether to leave out devices.
      graph: the graph to add to, by default the default graph.
      import_scope: a name scope to put before all names, made unique.
      input_map: tensors that take the place of some in the graph, by their names.
      unbound_inputs_col_name: the collection of the inputs that `input_map` must give.
      restore_collections_predicate: which collections to add.

    Returns:
      The variables, by their names in the MetaGraphDef.

    Raises:
      ValueError: executing eagerly, or inputs are missing.
    """
    return import_scoped_meta_graph_with_return_elements(
        meta_graph_or_file,
        clear_devices,
        graph,
        import_scope,
        input_map,
        unbound_inputs_col_name,
        restore_collections_predicate,
    )[0]


def import_scoped_meta_graph_with_return_elements(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    graph: Graph | None = None,
    import_scope: str | None = None,
    input_map: dict[str, Any] | None = None,
    unbound_inputs_col_name: str | None = "unbound_inputs",
    restore_collections_predicate: Callable[[str], bool] = _always,
    return_elements: list[str] | None = None,
) -> tuple[dict[str, Any], list[Any] | None]:
    """As `import_scoped_meta_graph`; also the elements that `return_elements` names."""
    if context.executing_eagerly():
        raise ValueError(
            "Exporting/importing meta graphs is not supported when eager execution is "
            "enabled."
        )
    meta_graph_def = meta_graph_or_file
    if _kind(meta_graph_def) != "MetaGraphDef":
        meta_graph_def = read_meta_graph_file(meta_graph_or_file)
    collections = meta_graph_def.collection_def
    if unbound_inputs_col_name and unbound_inputs_col_name in collections:
        _check_bound(collections[unbound_inputs_col_name], input_map)
    graph = graph or context.get_default_graph()
    with graph.as_default():
        info = meta_graph_def.meta_info_def
        op_list = info.stripped_op_list if info.HasField("stripped_op_list") else None
        if clear_devices:
            for node in meta_graph_def.graph_def.node:
                node.device = ""
        scope = graph.unique_name(import_scope or "", mark_as_used=False)
        elements = import_graph_def(
            meta_graph_def.graph_def,
            name=import_scope or scope,
            input_map=input_map,
            producer_op_list=op_list,
            return_elements=return_elements,
        )
        reader = _Collections(graph, scope, _says_trainable(info.tensorflow_version))
        for key in _in_order(collections):
            if key != unbound_inputs_col_name and restore_collections_predicate(key):
                reader.add(key, collections[key])
    found = graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=scope)
    return {strip_name_scope(v.name, scope): v for v in found}, elements


def _check_bound(collection: Message, input_map: dict[str, Any] | None) -> None:
    values = getattr(collection, collection.WhichOneof("kind")).value
    names = [v.decode() if isinstance(v, bytes) else v for v in values]
    if names and (not input_map or sorted(names) != sorted(input_map)):
        missing = [n for n in names if not input_map or n not in input_map]
        raise ValueError(
            f"Graph contains unbound inputs: {','.join(missing)}. Must provide these "
            "inputs through input_map."
        )


def _says_trainable(version: str) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return not numbers or tuple(map(int, numbers.groups())) >= _SAYS_TRAINABLE


def _in_order(collections: Iterable[str]) -> list[str]:
    """Trainable variables first: that is where a variable object is made."""
    return sorted(collections, key=lambda k: (k != GraphKeys.TRAINABLE_VARIABLES, k))


class _Collections:
    """Adds collections to a graph; a variable in several of them is one object."""

    def __init__(self, graph: Graph, scope: str, says_trainable: bool) -> None:
        self._graph = graph
        self._scope = scope
        self._says_trainable = says_trainable
        self._variables: dict[bytes, Any] = {}

    def add(self, key: str, collection: Message) -> None:
        """Add one collection."""
        if key in _FRAMES:
            return
        kind = collection.WhichOneof("kind")
        if kind is None:
            logs.error(f"Cannot identify data type for collection {key}. Skipping.")
            return
        values = getattr(collection, kind).value
        for item in self._items(key, kind, values):
            self._graph.add_to_collection(key, item)

    def _items(self, key: str, kind: str, values: Iterable[Any]) -> Iterable[Any]:
        known = key
        if key == GraphKeys.METRIC_VARIABLES:
            known = GraphKeys.GLOBAL_VARIABLES
        if kind == "bytes_list" and get_from_proto_function(known) is not None:
            variables = key in GraphKeys._VARIABLE_COLLECTIONS
            for value in values:
                yield self._object(known, key, value, variables)
            return
        if key in _ONCE_NAMES:
            logs.warning(
                "The saved meta_graph is possibly from an older release:\n"
                f"'{key}' collection should be of type 'byte_list', but instead is of "
                f"type '{kind}'."
            )
        for value in values:
            if kind == "node_list":
                name = prepend_name_scope(value, self._scope)
                yield self._graph.as_graph_element(name)
            elif kind == "bytes_list":
                yield prepend_name_scope(value.decode(), self._scope)
            else:
                yield value

    def _object(self, known: str, key: str, value: bytes, variable: bool) -> Any:
        if variable and value in self._variables:
            return self._variables[value]
        message = get_collection_proto_type(known).FromString(value)
        if variable and not self._says_trainable:
            message.trainable = key == GraphKeys.TRAINABLE_VARIABLES
        made = get_from_proto_function(known)(message, import_scope=self._scope)
        if variable:
            self._variables[value] = made
        return made


def copy_scoped_meta_graph(
    from_scope: str,
    to_scope: str,
    from_graph: Graph | None = None,
    to_graph: Graph | None = None,
) -> dict[str, Any]:
    """Copy a name scope, collections included, to another one.

    Returns:
      The copies of variables, by their names below the scope.

    Raises:
      ValueError: both scopes and graphs are the same.
    """
    from_graph = from_graph or context.get_default_graph()
    to_graph = to_graph or context.get_default_graph()
    if from_graph is to_graph and from_scope == to_scope:
        raise ValueError(
            "'from_scope' and 'to_scope' need to be different when performing copy in "
            "the same graph."
        )
    message, _ = export_scoped_meta_graph(export_scope=from_scope, graph=from_graph)
    return import_scoped_meta_graph(message, graph=to_graph, import_scope=to_scope)
