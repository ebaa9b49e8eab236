"""The body of a function in a message: its nodes as those of a graph.

Within a function an input is named `argument`, `argument:0`, `node:output` or
`node:output:index`; `node:output` stands for all tensors of a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes
from retrograd.errors import NotFoundError
from retrograd.formats.node import shape_from
from retrograd.formats.node_check import LARGEST_LIST
from retrograd.graph import opdef
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import VERSION, unknown_op_type
from retrograd.graph.names import VALID_OP_NAME
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message

#: makes the operations of some nodes: a graph, the nodes, tensors in place of inputs
AddNodes = Callable[[FuncGraph, Any, dict[str, Tensor]], dict[str, Any]]


class _Outputs(NamedTuple):
    """Tensors that a name stands for: outputs of a node from `first` on."""

    node: str
    first: int
    types: Sequence[int]

    def places(self) -> list[tuple[str, int]]:
        return [(self.node, self.first + i) for i in range(len(self.types))]


class Body:
    """The nodes of a function, with inputs as they are named in a graph.

    Args:
      definition: the FunctionDef.
      signature: gives the signature of an op type or a function, or None.

    Raises:
      ValueError: the definition is not well formed.
      NotFoundError: it has an unknown op type.
    """

    def __init__(
        self, definition: Message, signature: Callable[[str], opdef.OpDef | None]
    ) -> None:
        self._definition = definition
        self._signature = signature
        self._known: dict[str, _Outputs] = {}
        for arg in definition.signature.input_arg:
            made = _Outputs(arg.name, 0, _types(arg.name, arg.type, 1))
            self._name(arg.name, made)
            self._name(f"{arg.name}:0", made)
        for node in definition.node_def:
            _check_bound(node)
        self._arguments = {arg.name for arg in definition.signature.input_arg}
        for node in definition.node_def:
            if node.name in self._arguments:
                raise ValueError(f"Node '{node.name}' is not unique")
            self._name_outputs(node)
        self._nodes = {node.name for node in definition.node_def}
        self._graph_def = protos.message("graph.GraphDef")()
        self._graph_def.versions.producer = VERSION
        for node in definition.node_def:
            self._add(node)
        self._results = [self._result(a) for a in definition.signature.output_arg]
        self._control = list(definition.control_ret.values())
        for name in self._control:
            if name not in self._nodes:
                raise ValueError(f"Control output {name} is not found.")

    # ------------------------------------------------------------------ names

    def _name(self, name: str, outputs: _Outputs) -> None:
        if name in self._known:
            raise ValueError("Duplicated " + ("arg" if not outputs.first else "ret"))
        self._known[name] = outputs

    def _name_outputs(self, node: Message) -> None:
        op_def = self._op_def(node)
        place = 0
        for arg in op_def.outputs:
            types = _arg_types(arg, node, op_def)
            base = f"{node.name}:{arg.name}"
            self._name(base, _Outputs(node.name, place, types))
            for index, kind in enumerate(types):
                self._name(
                    f"{base}:{index}", _Outputs(node.name, place + index, (kind,))
                )
            place += len(types)

    def _op_def(self, node: Message) -> opdef.OpDef:
        found = opdef.lookup(node.op) or self._signature(node.op)
        if found is None:
            raise unknown_op_type(node.op)
        return found

    # ------------------------------------------------------------------ nodes

    def _add(self, node: Message) -> None:
        """Add a node to the GraphDef, its inputs named by node and index."""
        copied = self._graph_def.node.add()
        copied.CopyFrom(node)
        del copied.input[:]
        op_def, taken = self._op_def(node), 0
        for arg in op_def.inputs:
            wanted = _arg_types(arg, node, op_def)
            place = 0
            while place < len(wanted):
                if taken >= len(node.input):
                    raise ValueError(
                        f"Attempt to access beyond input size: {taken} >= "
                        f"{len(node.input)}"
                    )
                found = self._matched(node, node.input[taken], arg, wanted, place)
                copied.input.extend(f"{name}:{i}" for name, i in found.places())
                place += len(found.types)
                taken += 1
        for place in range(taken, len(node.input)):
            self._add_control(copied, place, node.input[place])

    def _matched(
        self,
        node: Message,
        name: str,
        arg: opdef.ArgDef,
        wanted: Sequence[int],
        place: int,
    ) -> _Outputs:
        """What an input stands for, which is to be of the wanted types from a place on.

        Raises:
          ValueError: there is no such input, or it is of other types.
        """
        found = self._known.get(name)
        if found is None:
            raise ValueError(f"input {name} is not found: {{{{node {node.name}}}}}")
        if len(found.types) > len(wanted) - place:
            raise ValueError(f"Input {name} too long for {arg.name}")
        for index, kind in enumerate(found.types):
            if kind != wanted[place + index]:
                expected, is_one = map(_word, (wanted[place + index], kind))
                raise ValueError(
                    f"input {arg.name}[{place + index}] expected type {expected} != "
                    f"{is_one}, the type of {name}[{index}]"
                )
        return found

    def _add_control(self, copied: Message, place: int, name: str) -> None:
        if name[:1] != "^":
            raise ValueError(
                f"Expected input[{place}] == '{name}' to be a control input."
            )
        if name[1:] in self._nodes:
            copied.input.append(name)
        elif name[1:] not in self._arguments:  # those are there before anything runs
            raise ValueError(f"input[{place}] == '{name}', is not found.")

    def _result(self, arg: Message) -> tuple[str, int]:
        """The node and index of what a function returns."""
        if arg.name not in self._definition.ret:
            raise ValueError(f"Return {arg.name} missing.")
        name = self._definition.ret[arg.name]
        found = self._known.get(name)
        if found is None:
            raise ValueError(f"Return {arg.name} -> {name} is not found.")
        types = _types(arg.name, arg.type, 1)
        if types != tuple(found.types):
            wanted, is_one = (", ".join(map(_word, t)) for t in (types, found.types))
            raise ValueError(f"Invalid ret types {arg.name} : {wanted} vs. {is_one}")
        return found.node, found.first

    # ------------------------------------------------------------------ building

    def fill(
        self, graph: FuncGraph, given: Sequence[Tensor] | None, add_nodes: AddNodes
    ) -> None:
        """Build the function.

        Args:
          graph: what it is built in.
          given: what it is called with; by default the message tells the shapes.
          add_nodes: makes operations of nodes.
        """
        arguments: dict[str, Tensor] = {}
        for place, arg in enumerate(self._definition.signature.input_arg):
            known = (self._argument_shape(place), None)
            if given is not None:
                known = (given[place]._shape_raw, given[place]._held)
            name = arg.name
            if not VALID_OP_NAME.fullmatch(name):
                name = re.sub(r"[^A-Za-z0-9_.\-/]", "_", f"arg{name}")
            arguments[arg.name] = graph.add_input(arg.type, known[0], name, known[1])
        made = add_nodes(
            graph, self._graph_def, {f"{k}:0": v for k, v in arguments.items()}
        )
        for node, index in self._results:
            argument = arguments.get(node)
            graph.outputs.append(
                made[node].outputs[index] if argument is None else argument
            )
        graph.control_outputs.extend(made[node] for node in self._control)

    def _argument_shape(self, place: int) -> RawShape:
        if place not in self._definition.arg_attr:
            return None
        attrs = self._definition.arg_attr[place].attr
        if "_output_shapes" not in attrs or not attrs["_output_shapes"].list.shape:
            return None
        return shape_from(attrs["_output_shapes"].list.shape[0])


def _check_bound(node: Message) -> None:
    """Check that each attribute of a node has a value, and no placeholder for one.

    Raises:
      ValueError: one has none.
    """
    for value in node.attr.values():
        which = value.WhichOneof("value")
        functions = value.list.func if which == "list" else [value.func]
        for each in (value, *(v for f in functions for v in f.attr.values())):
            which = each.WhichOneof("value")
            if which in (None, "placeholder"):
                text = "<Unknown AttrValue type>" if which is None else None
                raise ValueError(
                    "Failed to bind all placeholders in "
                    f"{text or '$' + each.placeholder}"
                )


def _word(kind: int) -> str:
    return opdef.type_word(dtypes.as_dtype(kind))


def _arg_types(arg: opdef.ArgDef, node: Message, op_def: opdef.OpDef) -> Sequence[int]:
    """Numbers of the dtypes that an argument of a node's signature stands for."""
    if arg.type_list_attr:
        if arg.type_list_attr in node.attr:
            return tuple(node.attr[arg.type_list_attr].list.type)
        if not op_def.attrs[arg.type_list_attr].has_default:
            raise _not_found(arg.type_list_attr, node)
        default = op_def.attrs[arg.type_list_attr].default or ()
        return tuple(t.as_datatype_enum for t in default)
    count = 1
    if arg.number_attr:
        count = op_def.attrs[arg.number_attr].default
        if arg.number_attr in node.attr:
            count = node.attr[arg.number_attr].i
        elif count is None:
            raise _not_found(arg.type_attr, node)
    if arg.type is not None:
        kind = arg.type.as_datatype_enum
    elif arg.type_attr in node.attr:
        kind = node.attr[arg.type_attr].type
    else:
        default = op_def.attrs[arg.type_attr].default
        if default is None:
            raise _not_found(arg.type_attr, node)
        kind = default.as_datatype_enum
    return _types(arg.name, kind + 100 * arg.is_ref, count)


def _not_found(attr: str, node: Message) -> NotFoundError:
    text = f"type attr not found: {attr}\n\tIn {{{{node {node.name}}}}}"
    return NotFoundError(None, None, text)


def _types(name: str, kind: int, count: int | None) -> Sequence[int]:
    """`count` times a dtype.

    Raises:
      ValueError: there is no such dtype, or no such list.
    """
    if count is None or not 0 <= count <= LARGEST_LIST:
        raise ValueError(f"{name} cannot be a list of {count} tensors.")
    try:
        dtypes.as_dtype(kind)
    except TypeError:
        raise ValueError(f"type attr not found: {name}") from None
    return (kind,) * count
