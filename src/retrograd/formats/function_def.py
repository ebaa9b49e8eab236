"""Functions as FunctionDef messages, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from retrograd.formats.node import attr_proto, shape_proto
from retrograd.graph import attributes, opdef
from retrograd.graph.function import CALLEE, FuncGraph
from retrograd.graph.graph import VERSION, Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.util import protos

# ---------------------------------------------------------------------- writing


class _Names:
    """Names that are unique within a function."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, name: str) -> str:
        """`name`, or `name_0`, `name_1` … where it is taken."""
        found, count = name, 0
        while found in self._taken:
            found = f"{name}_{count}"
            count += 1
        self._taken.add(found)
        return found

    def argument(self, name: str) -> str:
        """A name that an argument may have: small letters, digits, underscores."""
        text = re.sub(r"[^a-z0-9_]", "_", name.lower()).lstrip("_0123456789")
        return self.unique(text or "unknown")


def function_def(graph: FuncGraph) -> Any:
    """A function as a FunctionDef.

    Its arguments are the inputs, its results the outputs, of the function body.
    """
    result = protos.message("function.FunctionDef")()
    signature = result.signature
    signature.name = graph.function_name
    names = _Names()
    places: dict[Tensor, str] = {}
    for tensor in graph.inputs:
        places[tensor] = names.argument(tensor.op.name)
        kind = tensor.dtype.base_dtype.as_datatype_enum
        signature.input_arg.add(name=places[tensor], type=kind)
    results = [names.argument(t.op.name) for t in graph.outputs]
    ops = _used(graph)
    nodes = {op: names.unique(op.name) for op in ops}
    signature.is_stateful = any(op._is_stateful for op in ops)
    for op in ops:
        _add_node(result.node_def.add(), op, nodes, places)
    for name, tensor in zip(results, graph.outputs, strict=True):
        kind = tensor.dtype.base_dtype.as_datatype_enum
        signature.output_arg.add(name=name, type=kind)
        result.ret[name] = places[tensor]
    for op in graph.control_outputs:
        if op in nodes:
            signature.control_output.append(nodes[op])
            result.control_ret[nodes[op]] = nodes[op]
    for place, tensor in enumerate(graph.inputs):
        shapes = result.arg_attr[place].attr["_output_shapes"].list
        shapes.shape.add().CopyFrom(shape_proto(tensor._shape_raw))
    return result


def _used(graph: FuncGraph) -> list[Operation]:
    """The operations that results or effects of a function depend on, in order."""
    from retrograd.ops.flow.demand import demand

    given = set(graph.inputs)
    effects = [op for op in graph._ops if op._is_stateful]
    found = demand(graph.outputs, [*graph.control_outputs, *effects], given).ops
    parameters = {t.op for t in graph.inputs}
    return [op for op in graph._ops if op in found and op not in parameters]


def _add_node(
    node: Any, op: Operation, nodes: dict[Operation, str], places: dict[Tensor, str]
) -> None:
    node.name, node.op, node.device = nodes[op], op.type, op.device
    node.input.extend(places[t] for t in op.inputs)
    node.input.extend(f"^{nodes[c]}" for c in op.control_inputs if c in nodes)
    for name, value in op.attrs.items():
        if value is not None and name != CALLEE:
            node.attr[name].CopyFrom(attr_proto(op, name))
    places.update(zip(op.outputs, _output_names(op, nodes[op]), strict=True))


def _output_names(op: Operation, name: str) -> Iterator[str]:
    """What the outputs are called within a function: `node:argument:index`."""
    if op._op_def is None or CALLEE in op.attrs:
        yield from (f"{name}:output:{i}" for i in range(len(op.outputs)))
        return
    for arg in op._op_def.outputs:
        count = len(attributes.arg_types((arg,), op.attrs))
        yield from (f"{name}:{arg.name}:{i}" for i in range(count))


def functions_of(graph: Graph) -> list[FuncGraph]:
    """The functions that a graph has or calls, callees too; each has its own name."""
    found: dict[str, FuncGraph] = {}
    pending: list[Any] = [*graph._functions.values()]
    pending += _called(graph._ops)
    seen: set[int] = set()
    while pending:
        function = pending.pop(0)
        if not isinstance(function, FuncGraph) or id(function) in seen:
            continue
        seen.add(id(function))
        name, count = function.function_name, 0
        while function.function_name in found:
            count += 1
            function.function_name = f"{name}_{count}"
        found[function.function_name] = function
        pending += _called(function._ops)
    return list(found.values())


def _called(ops: Iterable[Operation]) -> list[FuncGraph]:
    found = []
    for op in ops:
        for name, value in op.attrs.items():
            if name == CALLEE:  # the op type names it
                continue
            values = value if isinstance(value, list) else [value]
            found.extend(v for v in values if isinstance(v, FuncGraph))
    return found


# ---------------------------------------------------------------------- reading


class Library:
    """The functions of a FunctionDefLibrary, built when they are first used.

    Args:
      library: the message.
      graph: a graph that may have some of the functions from an earlier import.
    """

    def __init__(self, library: Any, graph: Graph) -> None:
        self._defs = {f.signature.name: f for f in library.function}
        self._built: dict[str, FuncGraph] = {}
        for name, definition in self._defs.items():
            known = graph._get_function(name)
            if getattr(known, "_definition", None) == definition:
                self._built[name] = known

    def __contains__(self, name: object) -> bool:
        return name in self._defs

    def names(self) -> list[str]:
        """The functions' names."""
        return list(self._defs)

    def get(self, name: str) -> FuncGraph | None:
        """The function of that name, or None."""
        if name not in self._built and name in self._defs:
            graph = self._built[name] = FuncGraph(name)
            graph.__dict__["_definition"] = self._defs[name]
            with graph.as_default():
                _fill(graph, self._defs[name], self)
        return self._built.get(name)


def _fill(graph: FuncGraph, definition: Any, library: Library) -> None:
    from retrograd.formats.importer import add_nodes

    signature = definition.signature
    flat: dict[str, str] = {}
    given: dict[str, Tensor] = {}
    for place, arg in enumerate(signature.input_arg):
        raw = _argument_shape(definition, place)
        given[f"{arg.name}:0"] = graph.add_input(arg.type, raw, arg.name)
        flat[arg.name] = f"{arg.name}:0"
    graph_def = _as_graph_def(definition, flat)
    made = add_nodes(graph, graph_def, given, library)

    def tensor(name: str) -> Tensor:
        op_name, _, index = flat[name].rpartition(":")
        known = given.get(flat[name])
        return made[op_name].outputs[int(index)] if known is None else known

    for arg in signature.output_arg:
        graph.outputs.append(tensor(definition.ret[arg.name]))
    for node in definition.control_ret.values():
        graph.control_outputs.append(made[node])


def _argument_shape(definition: Any, place: int) -> Any:
    if place not in definition.arg_attr:
        return None
    attrs = definition.arg_attr[place].attr
    if "_output_shapes" not in attrs or not attrs["_output_shapes"].list.shape:
        return None
    shape = attrs["_output_shapes"].list.shape[0]
    if shape.unknown_rank:
        return None
    return tuple(None if d.size < 0 else d.size for d in shape.dim)


def _as_graph_def(definition: Any, flat: dict[str, str]) -> Any:
    """The nodes of a function as a GraphDef; `flat` gets the names of their outputs."""
    result = protos.message("graph.GraphDef")()
    result.versions.producer = VERSION
    for node in definition.node_def:
        flat.update(_flat_names(node))
    for node in definition.node_def:
        copied = result.node.add()
        copied.CopyFrom(node)
        copied.ClearField("input")
        copied.input.extend(t if t[0] == "^" else flat[t] for t in node.input)
    return result


def _flat_names(node: Any) -> dict[str, str]:
    """For each output of a function's node, `node:argument:index`, its `node:index`."""
    signature = opdef.lookup(node.op)
    if signature is None:
        return {f"{node.name}:output:{i}": f"{node.name}:{i}" for i in range(64)}
    found: dict[str, str] = {}
    place = 0
    for arg in signature.outputs:
        for index in range(_length(signature, node, arg)):
            found[f"{node.name}:{arg.name}:{index}"] = f"{node.name}:{place}"
            place += 1
    return found


def _length(signature: opdef.OpDef, node: Any, arg: opdef.ArgDef) -> int:
    """How many outputs stand for one of a signature."""
    name = arg.number_attr or arg.type_list_attr
    if not name:
        return 1
    if name not in node.attr:
        default = signature.attrs[name].default
        return default if arg.number_attr else len(default)
    value = node.attr[name]
    return value.i if arg.number_attr else len(value.list.type)
