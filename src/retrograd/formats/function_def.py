"""Functions as FunctionDef messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd.formats.node import attr_proto, shape_proto
from retrograd.graph import attributes, opdef
from retrograd.graph.function import CALLEE, BodyGraph, FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.graph.unbuilt import UnbuiltFunction
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message

#: the attribute of a function that is the body of a branch or of a loop: programs do
#: not name it, and its name need not be the only one of its kind in a graph
BODY = "_body"


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


def function_def(graph: FuncGraph | UnbuiltFunction) -> Any:
    """A function as a FunctionDef.

    Its arguments are the inputs, its results the outputs, of the function body. One
    that could not be built is written as it was read.
    """
    if isinstance(graph, UnbuiltFunction):
        return graph.definition
    result = protos.message("function.FunctionDef")()
    signature = result.signature
    signature.name = graph.function_name
    names = _Names()
    places: dict[Tensor, str] = {}
    for tensor in graph.inputs:
        places[tensor] = names.argument(tensor.op.name)
        kind = tensor.dtype.base_dtype.as_datatype_enum
        signature.input_arg.add(name=places[tensor], type=kind)
    results = _result_names(graph, names)
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
    if _is_body(graph):
        result.attr[BODY].b = True
    return result


def _is_body(graph: FuncGraph) -> bool:
    """Whether a function is a body, made here or read."""
    read = graph.definition
    return isinstance(graph, BodyGraph) or (read is not None and BODY in read.attr)


def _result_names(function: FuncGraph, names: _Names | None = None) -> list[str]:
    """What the results of a function are called in its FunctionDef."""
    if isinstance(function, UnbuiltFunction):
        return [arg.name for arg in function.definition.signature.output_arg]
    if names is None:
        names = _Names()
        for tensor in function.inputs:
            names.argument(tensor.op.name)
    return [names.argument(t.op.name) for t in function.outputs]


def _used(graph: FuncGraph) -> list[Operation]:
    """The operations that results or effects of a function depend on, in order."""
    from retrograd.ops.flow.demand import demand

    given = set(graph.inputs)
    effects = [op for op in graph._ops if op._is_stateful]
    live = demand(graph.outputs, [*graph.control_outputs, *effects], given).ops
    # a run may leave inputs of loops and calls out; a node names them all
    waiting = [op for op in graph._ops if op in live]
    found = set(waiting)
    while waiting:
        before = {t.op for t in waiting.pop().inputs if t not in given} - found
        found |= before
        waiting += before
    parameters = {t.op for t in graph.inputs}
    return [op for op in graph._ops if op in found and op not in parameters]


def _add_node(
    node: Message, op: Operation, nodes: dict[Operation, str], places: dict[Tensor, str]
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
    if CALLEE in op.attrs and opdef.lookup(op.type) is None:
        yield from (f"{name}:{n}:0" for n in _result_names(op.attrs[CALLEE]))
        return
    if op._op_def is None:
        yield from (f"{name}:output:{i}" for i in range(len(op.outputs)))
        return
    for arg in op._op_def.outputs:
        count = len(attributes.arg_types((arg,), op.attrs))
        yield from (f"{name}:{arg.name}:{i}" for i in range(count))


def functions_of(graph: Graph) -> list[FuncGraph | UnbuiltFunction]:
    """The functions that a graph has or calls, callees too; each has its own name."""
    found: dict[str, FuncGraph | UnbuiltFunction] = {}
    pending: list[Any] = [*graph._functions.values()]
    pending += _called(graph._ops)
    seen: set[int] = set()
    while pending:
        function = pending.pop(0)
        if id(function) in seen or not _can_be_written(function):
            continue
        seen.add(id(function))
        name, count = function.function_name, 0
        while function.function_name in found:
            count += 1
            function.function_name = f"{name}_{count}"
        found[function.function_name] = function
        if isinstance(function, FuncGraph):
            pending += _called(function._ops)
            if function.declares_derivative:
                pending.append(function.derivative)
    return list(found.values())


def _can_be_written(function: FuncGraph) -> bool:
    """Whether there is a body, or a message that tells it."""
    if isinstance(function, UnbuiltFunction):
        return function.definition is not None
    return isinstance(function, FuncGraph)


def _called(ops: Iterable[Operation]) -> list[Any]:
    found: list[Any] = []
    for op in ops:
        for name, value in op.attrs.items():
            if name == CALLEE:  # the op type names it
                continue
            values = value if isinstance(value, list) else [value]
            found.extend(filter(_can_be_written, values))
    return found
