"""Variables of a graph made constants: `convert_variables_to_constants`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.formats.graph_util import extract_sub_graph, node_name
from retrograd.formats.node import tensor_proto
from retrograd.graph import opdef
from retrograd.ops.declare import kind_of, traits_of
from retrograd.ops.traits import Kind, Passes
from retrograd.platform import logs
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Message

_RESOURCE = dtypes.resource.as_datatype_enum


def convert_variables_to_constants(
    sess: BaseSession,
    input_graph_def: Message,
    output_node_names: list[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> Any:
    """The part of a graph that some nodes need, with constants instead of variables.

    Functions that are called with a variable take its value.

    Args:
      sess: a session that has the variables' values.
      input_graph_def: the GraphDef of its graph.
      output_node_names: the nodes wanted.
      variable_names_whitelist: the only variables to convert.
      variable_names_blacklist: variables to leave as they are.

    Returns:
      A GraphDef.

    Raises:
      ValueError: a variable is read whose node cannot be found.
    """
    wanted = extract_sub_graph(input_graph_def, output_node_names)
    names = [
        node.name
        for node in wanted.node
        if kind_of(node.op) is Kind.VARIABLE
        and (variable_names_whitelist is None or node.name in variable_names_whitelist)
        and (
            variable_names_blacklist is None
            or node.name not in variable_names_blacklist
        )
    ]
    types = {node.name: node.op for node in wanted.node}
    tensors = [
        f"{n}/Read/ReadVariableOp:0" if _is_handle(types[n]) else f"{n}:0"
        for n in names
    ]
    values = dict(zip(names, sess.run(tensors) if tensors else [], strict=True))
    logs.info(f"Froze {len(values)} variables.")
    result = _Freezer(wanted, values).run()
    logs.info(f"Converted {len(values)} variables to const ops.")
    return result


class _Freezer:
    """Rewrites the nodes of a graph and of the functions that it calls."""

    def __init__(self, graph_def: Message, values: dict[str, Any]) -> None:
        self._result = type(graph_def)(
            library=graph_def.library, versions=graph_def.versions
        )
        self._nodes = list(graph_def.node)
        self._values = values
        self._functions = {f.signature.name: f for f in self._result.library.function}
        self._done: set[str] = set()

    def run(self) -> Any:
        """The rewritten GraphDef."""
        self._check_reads()
        frozen = {
            node.name: node.attr["dtype"].type
            for node in self._nodes
            if node.name in self._values
        }
        self._result.node.extend(self._rewritten(self._nodes, frozen, ""))
        return self._result

    def _check_reads(self) -> None:
        """Every read must lead to a variable."""
        nodes = {node.name: node for node in self._nodes}
        for node in self._nodes:
            if not traits_of(node.op).of_value:
                continue
            source, seen = nodes[node_name(node.input[0])], set()
            while _hands_on(source.op) and source.name not in seen:
                seen.add(source.name)
                source = nodes[node_name(source.input[0])]
            given = kind_of(source.op) in (Kind.VARIABLE, Kind.PARAMETER)
            if not (given or _hands_on(source.op)):
                raise ValueError(
                    "Cannot find the variable that is an input to the ReadVariableOp."
                )

    def _rewritten(
        self, nodes: list[Any], frozen: dict[str, int], output: str
    ) -> list[Any]:
        """Nodes as they are once what `frozen` names holds values of these dtypes.

        Args:
          nodes: those of the graph or of a function.
          frozen: dtypes by the names of nodes, or of a function's arguments.
          output: what a first output's name has behind that of its node.
        """
        self._spread(nodes, frozen)
        made: list[Any] = []
        for node in nodes:
            kinds = [frozen.get(node_name(i)) for i in node.input]
            first = kinds[0] if kinds else None
            if not output and node.name in self._values:
                value = np.asarray(self._values[node.name])
                made.append(constant_node(node.name, frozen[node.name], value))
            elif traits_of(node.op).of_value and first is not None:
                made.extend(_of_value(node, first, output))
            elif _hands_on(node.op) and node.name in frozen:
                made.append(_replaced(node, node.op, T=frozen[node.name]))
            elif _calls(node.op) and any(k is not None for k in kinds):
                made.append(self._call(node, kinds))
            else:
                made.append(node)
        return made

    def _spread(self, nodes: list[Any], frozen: dict[str, int]) -> None:
        """Add the nodes that hand on what is frozen."""
        changed = True
        while changed:
            changed = False
            for node in nodes:
                if node.name in frozen or not node.input or not _hands_on(node.op):
                    continue
                kinds = [frozen.get(node_name(i)) for i in node.input]
                found = next((k for k in kinds if k is not None), None)
                if found is not None and node.attr["T"].type == _RESOURCE:
                    frozen[node.name] = found
                    changed = True

    def _call(self, node: Message, kinds: list[int | None]) -> Any:
        """A node that calls functions with values where it did with variables."""
        attr, first = _passed(node.op)
        copied = type(node)()
        copied.CopyFrom(node)
        types = copied.attr[attr].list.type
        given = kinds[first : first + len(types)]
        places = {
            i: kind
            for i, kind in enumerate(given)
            if kind is not None and types[i] == _RESOURCE
        }
        for place, kind in places.items():
            types[place] = kind
        for value in node.attr.values():
            if value.WhichOneof("value") == "func":
                self._function(value.func.name, places)
        return copied

    def _function(self, name: str, places: dict[int, int]) -> None:
        """Let a function take values at some places; a loop's body returns them too."""
        if name in self._done or name not in self._functions:
            return
        self._done.add(name)
        function = self._functions[name]
        frozen: dict[str, int] = {}
        for place, kind in places.items():
            arg = function.signature.input_arg[place]
            arg.type = kind
            frozen[arg.name] = kind
        nodes = self._rewritten(list(function.node_def), frozen, ":output:0")
        del function.node_def[:]
        function.node_def.extend(_renamed_outputs(nodes))
        for arg in function.signature.output_arg:
            kind = frozen.get(node_name(function.ret[arg.name]))
            if kind is not None and arg.type == _RESOURCE:
                arg.type = kind


def _renamed_outputs(nodes: list[Any]) -> list[Any]:
    """Nodes of a function whose inputs name the outputs that the nodes now have."""
    outputs: dict[str, str] = {}
    for node in nodes:
        op_def = opdef.lookup(node.op)
        if op_def is not None and op_def.outputs:
            outputs[node.name] = op_def.outputs[0].name
    for node in nodes:
        for place, name in enumerate(node.input):
            head, _, rest = name.partition(":")
            # what was read is called so; what does the same with a value may not be
            if rest.startswith("value:") and head in outputs:
                node.input[place] = f"{head}:{outputs[head]}:0"
    return nodes


def _is_handle(op_type: str) -> bool:
    """Whether an op gives a resource handle."""
    op_def = opdef.lookup(op_type)
    return op_def is not None and op_def.outputs[0].type is dtypes.resource


def _hands_on(op_type: str) -> bool:
    """Whether an op hands on a resource, and so takes a value instead."""
    traits = traits_of(op_type)
    return traits.passes is Passes.SAME or traits.kind is Kind.MERGE


def _calls(op_type: str) -> bool:
    """Whether an op calls functions with its inputs."""
    return kind_of(op_type) in (Kind.BRANCH, Kind.LOOP, Kind.CALL)


def _passed(op_type: str) -> tuple[str, int]:
    """The attribute with the dtypes of what functions are called with, and how many
    inputs come before."""
    op_def = opdef.lookup(op_type)
    assert op_def is not None
    place = next(i for i, arg in enumerate(op_def.inputs) if arg.type_list_attr)
    return op_def.inputs[place].type_list_attr, place


def constant_node(name: str, kind: int, value: np.ndarray) -> Any:
    """A NodeDef of a constant."""
    NodeDef = protos.message("node_def.NodeDef")
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = kind
    node.attr["value"].tensor.CopyFrom(tensor_proto(value, dtypes.as_dtype(kind)))
    return node


def _replaced(node: Message, op: str, **types: int) -> Any:
    """A node of another type with the same name and inputs."""
    made = type(node)(name=node.name, op=op, input=node.input)
    if op == node.op:
        for key, value in node.attr.items():
            if key != "_output_shapes":
                made.attr[key].CopyFrom(value)
    elif "_class" in node.attr:
        made.attr["_class"].CopyFrom(node.attr["_class"])
    for key, kind in types.items():
        made.attr[key].type = kind
    return made


def _of_value(node: Message, kind: int, output: str) -> list[Any]:
    """A node that takes a variable as one that takes its value, and what that needs.

    Raises:
      ValueError: it gathers with batch dimensions.
    """
    if node.attr["batch_dims"].i != 0:
        raise ValueError("batch_dims != 0 is not supported by freeze_graph.")
    form = traits_of(node.op).of_value
    op_def = opdef.lookup(form)
    assert op_def is not None
    types = {a.type_attr: node.attr[a.type_attr].type for a in op_def.inputs[1:]}
    types[op_def.inputs[0].type_attr] = kind
    if len(op_def.inputs) == len(node.input):
        return [_replaced(node, form, **types)]
    # the axis, which is the first one
    index = node.attr["Tindices"].type
    axis = constant_node(f"{node.name}/axis", index, np.zeros((), _numpy_type(index)))
    made = _replaced(node, form, **{**types, op_def.inputs[-1].type_attr: index})
    made.input.append(axis.name + output)
    return [axis, made]


def _numpy_type(kind: int) -> Any:
    return dtypes.as_dtype(kind).as_numpy_dtype
