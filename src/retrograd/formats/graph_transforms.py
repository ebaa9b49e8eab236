"""`tensorflow.tools.graph_transforms`: changes of graphs, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.errors import InvalidArgumentError
from retrograd.formats.freeze import constant_node
from retrograd.formats.graph_util import (
    extract_sub_graph,
    node_name,
    replacement,
    without_nodes,
)
from retrograd.formats.importer import import_graph_def
from retrograd.formats.node import attr_value
from retrograd.formats.optimize_for_inference import fold_batch_norms, values_from_const
from retrograd.graph import opdef
from retrograd.graph.graph import Graph
from retrograd.ops.declare import kind_of, traits_of
from retrograd.ops.folding import DEPTHWISE, PLACEHOLDER, PRODUCT, WEIGHTED
from retrograd.ops.traits import Kind
from retrograd.run.session import Session

if TYPE_CHECKING:
    from retrograd.typing import Message

#: what a transform is told: the values of each parameter
Parameters = dict[str, list[str]]
_CALL = re.compile(r"\s*([A-Za-z0-9_]+)\s*(?:\(([^)]*)\)?)?\s*")
_PARAMETER = re.compile(r'\s*([A-Za-z0-9_]+)\s*=\s*(?:"([^"]*)"|([^,"]*))\s*,?')


def transform_graph(
    input_graph_def: Message,
    inputs: Sequence[str],
    outputs: Sequence[str],
    transforms: Sequence[str],
) -> Any:
    """A GraphDef changed by transforms, which are named in text.

    `strip_unused_nodes`, `remove_nodes(op=…)`, `fold_constants`, `fold_batch_norms`,
    `fold_old_batch_norms`, `merge_duplicate_nodes`, `sort_by_execution_order`,
    `remove_attribute`, `rename_attribute`, `rename_op`, `remove_device`, `set_device`,
    `round_weights`, `obfuscate_names`, `add_default_attributes`.

    Args:
      input_graph_def: the GraphDef.
      inputs, outputs: names of its nodes.
      transforms: names of transforms, with parameters in parentheses.

    Raises:
      InvalidArgumentError: a transform is not known.
    """
    graph = type(input_graph_def)()
    graph.CopyFrom(input_graph_def)
    calls = [call for text in transforms for call in parsed(text)]
    for name, _ in calls:
        if name not in _TRANSFORMS:
            raise InvalidArgumentError(
                None, None, f"Transform '{name}' not recognized."
            )
    for name, parameters in calls:
        change = _Change(graph, list(inputs), list(outputs), parameters)
        graph = _TRANSFORMS[name](change)
    return graph


def parsed(text: str) -> list[tuple[str, Parameters]]:
    """The transforms in a text, with their parameters."""
    found = []
    for match in _CALL.finditer(text):
        parameters: Parameters = {}
        for key, quoted, plain in _PARAMETER.findall(match[2] or ""):
            parameters.setdefault(key, []).append(quoted or plain.strip())
        found.append((match[1], parameters))
    return found


class _Change:
    """A graph to be changed, and what a transform is told."""

    def __init__(
        self,
        graph: Message,
        inputs: list[str],
        outputs: list[str],
        parameters: Parameters,
    ) -> None:
        self.graph: Any = graph
        self.inputs = [node_name(name) for name in inputs]
        self.outputs = [node_name(name) for name in outputs]
        self.parameters = parameters

    def one(self, name: str, default: str = "") -> str:
        """The value of a parameter."""
        return self.parameters.get(name, [default])[0]

    def with_nodes(self, nodes: Sequence[Message]) -> Any:
        """The graph with other nodes."""
        made = type(self.graph)()
        made.node.extend(nodes)
        made.library.CopyFrom(self.graph.library)
        made.versions.CopyFrom(self.graph.versions)
        return made

    def nodes(self) -> dict[str, Any]:
        """The nodes by name."""
        return {node.name: node for node in self.graph.node}


def _strip_unused_nodes(change: _Change) -> Any:
    nodes = []
    for node in change.graph.node:
        if node.name in change.inputs and node.op != PLACEHOLDER:
            made = type(node)(name=node.name, op=PLACEHOLDER)
            kind = change.one("type", change.one("type_for_name", "float"))
            made.attr["dtype"].type = dtypes.as_dtype(
                "float32" if kind == "float" else kind
            ).as_datatype_enum
            sizes = [int(s) for s in change.one("shape").split(",") if s]
            if sizes:
                shape = shapes.TensorShape([None if s < 0 else s for s in sizes])
                made.attr["shape"].shape.CopyFrom(shape.as_proto())
            node = made
        nodes.append(node)
    known = change.nodes()
    wanted = [n for n in (*change.inputs, *change.outputs) if n in known]
    return extract_sub_graph(change.with_nodes(nodes), wanted)


def _remove_nodes(change: _Change) -> Any:
    kinds = change.parameters.get("op", [])
    most = int(change.one("max_inputs", "1"))
    kept = {*change.inputs, *change.outputs}
    passed = {
        node.name: node.input[0]
        for node in change.graph.node
        if node.op in kinds
        and node.name not in kept
        and 1 <= len(node.input) <= most
        and not any(name[:1] == "^" for name in node.input)
    }
    return change.with_nodes(without_nodes(change.graph.node, passed))


def _fold_constants(change: _Change) -> Any:
    """Nodes that depend on constants only become constants."""
    change.graph = _strip_unused_nodes(change)
    nodes = change.nodes()
    fixed: dict[str, bool] = {}
    for node in sorted_nodes(change.graph):
        fixed[node.name] = _is_pure(node, change) and all(
            name[:1] != "^" and fixed.get(node_name(name), False) for name in node.input
        )
    wanted = {
        name
        for node in nodes.values()
        if not fixed[node.name] or node.name in change.outputs
        for name in (node.input if not fixed[node.name] else [node.name])
        if name[:1] != "^"
        and fixed[node_name(name)]
        and not _is_constant(nodes[node_name(name)])
    }
    values = _evaluated(change.graph, sorted(wanted))
    made, renamed = [], {}
    for number, (name, value) in enumerate(values.items()):
        own = node_name(name)
        new = own if own in change.outputs else f"{own}/_{number}__cf__{number}"
        renamed[name] = new
        kind = dtypes.as_dtype(value.dtype).as_datatype_enum
        made.append(constant_node(new, kind, value))
    kept = []
    for node in nodes.values():
        if fixed[node.name] and (
            not _is_constant(node) or node.name in renamed.values()
        ):
            continue
        node.input[:] = [renamed.get(name, name) for name in node.input]
        kept.append(node)
    change.graph = change.with_nodes([*made, *kept])
    return _strip_unused_nodes(change)


def _is_pure(node: Message, change: _Change) -> bool:
    """Whether a node gives the same each time for the same inputs."""
    known = opdef.lookup(node.op)
    if known is None or known.is_stateful or node.name in change.inputs:
        return False
    kind = traits_of(node.op).kind
    return kind is Kind.CONSTANT or bool(node.input)


def _is_constant(node: Message) -> bool:
    return kind_of(node.op) is Kind.CONSTANT


def _evaluated(graph: Message, names: list[str]) -> dict[str, Any]:
    """The values of tensors that depend on constants only."""
    if not names:
        return {}
    with Graph().as_default() as made, Session(graph=made) as session:
        import_graph_def(graph, name="")
        tensors = [n if ":" in n else f"{n}:0" for n in names]
        values = session.run(tensors)
    return {n: np.asarray(v) for n, v in zip(names, values, strict=True)}


def sorted_nodes(graph_def: Message) -> list[Any]:
    """The nodes of a GraphDef, each after those that it takes something of."""
    nodes = {node.name: node for node in graph_def.node}
    done: dict[str, Any] = {}
    for start in nodes:
        pending = [start]
        while pending:
            name = pending[-1]
            needed = [node_name(i) for i in nodes[name].input]
            missing = [n for n in needed if n in nodes and n not in done]
            missing = [n for n in missing if n not in pending]  # a loop's way back
            if missing:
                pending.extend(missing)
            else:
                done.setdefault(pending.pop(), nodes[name])
    return list(done.values())


def _sort_by_execution_order(change: _Change) -> Any:
    return change.with_nodes(sorted_nodes(change.graph))


def _merge_duplicate_nodes(change: _Change) -> Any:
    """Nodes that do the same with the same inputs become one."""
    merged: dict[str, str] = {}
    known: dict[bytes, str] = {}
    kept = []
    fixed = {*change.inputs, *change.outputs}
    for node in sorted_nodes(change.graph):
        node.input[:] = [replacement(name, merged) for name in node.input]
        info = opdef.lookup(node.op)
        if node.name in fixed or info is None or info.is_stateful:
            kept.append(node)
            continue
        same = type(node)()
        same.CopyFrom(node)
        same.name = ""
        first = known.setdefault(same.SerializeToString(deterministic=True), node.name)
        if first == node.name:
            kept.append(node)
        else:
            merged[node.name] = first
    return change.with_nodes(kept)


def _fold_weights(change: _Change) -> Any:
    """A multiplication by constants after a convolution becomes one of its weights."""
    nodes = change.nodes()
    users: dict[str, int] = {}
    for node in nodes.values():
        for name in node.input:
            users[node_name(name)] = users.get(node_name(name), 0) + 1
    gone: set[str] = set()
    for node in nodes.values():
        if node.op != PRODUCT or len(node.input) != 2:
            continue
        before, scale = (nodes[node_name(name)] for name in node.input)
        if not _is_constant(scale) or before.op not in WEIGHTED:
            continue
        weights = nodes[node_name(before.input[1])]
        if (
            not _is_constant(weights)
            or users[before.name] > 1
            or users[weights.name] > 1
        ):
            continue
        kernel, factor = values_from_const(weights), values_from_const(scale)
        depthwise = before.op == DEPTHWISE
        sizes = kernel.shape[2:] if depthwise else kernel.shape[-1:]
        if factor.shape != (int(np.prod(sizes)),):
            continue
        kind = weights.attr["dtype"].type
        scaled = constant_node(weights.name, kind, kernel * factor.reshape(sizes))
        weights.CopyFrom(scaled)
        name = node.name
        gone.update(
            {before.name, scale.name}
            - ({scale.name} if users[scale.name] > 1 else set())
        )
        node.CopyFrom(before)
        node.name = name
    return change.with_nodes([n for n in nodes.values() if n.name not in gone])


def _fold_old_batch_norms(change: _Change) -> Any:
    return fold_batch_norms(change.graph)


def _each_node(function: Callable[[Any, _Change], object]) -> Callable[[_Change], Any]:
    """A transform that does something with each node."""

    def transform(change: _Change) -> Any:
        for node in change.graph.node:
            function(node, change)
        return change.graph

    return transform


def _concerns(node: Message, change: _Change) -> bool:
    return change.one("op_name", "*") in ("*", node.op)


def _remove_attribute(node: Message, change: _Change) -> None:
    if _concerns(node, change):
        node.attr.pop(change.one("attribute_name"), None)


def _rename_attribute(node: Message, change: _Change) -> None:
    old, new = change.one("old_attribute_name"), change.one("new_attribute_name")
    if _concerns(node, change) and old in node.attr:
        node.attr[new].CopyFrom(node.attr[old])
        del node.attr[old]


def _rename_op(node: Message, change: _Change) -> None:
    if node.op == change.one("old_op_name"):
        node.op = change.one("new_op_name")


def _remove_device(node: Message, change: _Change) -> None:
    node.device = ""


def _set_device(node: Message, change: _Change) -> None:
    if not node.device or change.one("if_default", "false") != "true":
        node.device = change.one("device")


def _add_default_attributes(node: Message, change: _Change) -> None:
    known = opdef.lookup(node.op)
    for name, attr in known.attrs.items() if known is not None else ():
        if attr.has_default and name not in node.attr:
            node.attr[name].CopyFrom(attr_value(attr.kind, attr.default, {}))


def _round_weights(node: Message, change: _Change) -> None:
    """Values of large constants get one of few sizes, evenly apart."""
    if not _is_constant(node) or node.attr["dtype"].type != 1:
        return
    value, steps = values_from_const(node), int(change.one("num_steps", "256"))
    if value.size <= 15:
        return
    low, high = float(value.min()), float(value.max())
    if low == high:
        low, high = (0.0, high) if high > 0 else (low, 0.0)
    width = (high - low) / steps
    near = np.floor((value - low) / width)
    rounded = (low + near * width + width / 2).astype(np.float32)
    node.CopyFrom(constant_node(node.name, 1, rounded))


def _obfuscate_names(change: _Change) -> Any:
    kept = {*change.inputs, *change.outputs}
    names = (n.name for n in change.graph.node if n.name not in kept)
    new = {name: _short(number) for number, name in enumerate(names)}
    for node in change.graph.node:
        node.name = new.get(node.name, node.name)
        inputs = []
        for name in node.input:
            own = node_name(name)
            inputs.append(name.replace(own, new.get(own, own), 1))
        node.input[:] = inputs
    return change.graph


def _short(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = digits[number % 36]
    while number >= 36:
        number = number // 36 - 1
        text = digits[number % 36] + text
    return text


_TRANSFORMS: dict[str, Callable[[_Change], Any]] = {
    "strip_unused_nodes": _strip_unused_nodes,
    "remove_nodes": _remove_nodes,
    "fold_constants": _fold_constants,
    "fold_batch_norms": _fold_weights,
    "fold_old_batch_norms": _fold_old_batch_norms,
    "merge_duplicate_nodes": _merge_duplicate_nodes,
    "sort_by_execution_order": _sort_by_execution_order,
    "remove_attribute": _each_node(_remove_attribute),
    "rename_attribute": _each_node(_rename_attribute),
    "rename_op": _each_node(_rename_op),
    "remove_device": _each_node(_remove_device),
    "set_device": _each_node(_set_device),
    "add_default_attributes": _each_node(_add_default_attributes),
    "round_weights": _each_node(_round_weights),
    "obfuscate_names": _obfuscate_names,
}
