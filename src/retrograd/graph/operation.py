"""A node of a graph: an op type applied to input tensors."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.errors import InvalidArgumentError, OutOfRangeError
from retrograd.graph import opdef
from retrograd.graph.attributes import arg_types
from retrograd.graph.hooks import hooks
from retrograd.graph.names import VALID_OP_NAME
from retrograd.graph.tensor import Tensor, default_session_for

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.run.session import BaseSession
    from retrograd.typing import DeviceLike, FeedDict, Message

#: where the code of this package lies: frames of it say nothing about the program
PACKAGE = str(Path(__file__).resolve().parent.parent)
#: op types whose creation says nothing about the user's line
Stack = tuple[tuple[CodeType, int], ...]
#: numbers operations of all graphs, functions among them, in the order they are made
creations = itertools.count(1)


def user_stack() -> Stack:
    """The frames outside this package, innermost first, as (code, instruction).

    Line numbers are looked up when someone asks: an op is made far more often than its
    line is read.
    """
    frames = []
    frame: Any = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            frames.append((code, frame.f_lasti))
        frame = frame.f_back
    return tuple(frames)


def line_of(code: CodeType, instruction: int) -> int:
    """The source line of an instruction."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= instruction < end and number is not None:
            line = number
    return line


class _InputList(tuple[Tensor, ...]):
    """The inputs of an operation; only the operation replaces them."""

    __slots__ = ()


class Operation:
    """An op type with its inputs, control inputs and attributes, made once.

    An operation is younger than everything it depends on: `_id` counts up.

    Args:
      node_def: a NodeDef message: name, op type, device and attributes.
      g: the graph to add the operation to. No scope of it applies.
      inputs: the input tensors, lists flattened.
      output_types: accepted; the signature decides.
      control_inputs: operations and tensors to run after.
      input_types: the dtypes that the inputs must be compatible with.
      original_op: the operation that this one derives from.
      op_def: accepted; the signature is found by op type.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: the name is not valid or taken.
    """

    def __init__(
        self,
        node_def: Message,
        g: Graph,
        inputs: Sequence[Tensor] | None = None,
        output_types: Sequence[Any] | None = None,
        control_inputs: Sequence[Any] | None = None,
        input_types: Sequence[Any] | None = None,
        original_op: Operation | None = None,
        op_def: object = None,
    ) -> None:
        del op_def
        _check_arguments(node_def, g, inputs, input_types)
        before = [_operation_of(c) for c in control_inputs or ()]
        g._add_node(self, node_def, inputs or (), output_types, before)
        self._original_op = original_op

    def _set_up(
        self,
        graph: Graph,
        op_type: str,
        name: str,
        inputs: Iterable[Tensor],
        output_types: Iterable[dtypes.DType],
        attrs: dict[str, Any],
        op_def: opdef.OpDef | None,
        identity: int,
    ) -> None:
        """Fill in a new operation; the graph calls it."""
        self._graph = graph
        self._type = op_type
        self._name = name
        self._inputs = _InputList(inputs)
        self._control_inputs: list[Operation] = []
        self._control_outputs: list[Operation] = []
        self.attrs = attrs
        self._op_def = op_def
        self._id = identity
        #: the version that the graph had with this operation as the last one
        self._version = 0
        self._device = ""
        self._device_scopes: Sequence[Any] = ()
        self._colocation_scopes: Sequence[Any] = ()
        self._original_op: Operation | None = None
        self._forward_op: Operation | None = None
        self._control_flow_context: Any = None
        self._gradient_function: Any = None
        self._outputs = [Tensor(self, i, d) for i, d in enumerate(output_types)]
        self._stack: Stack = user_stack()
        for tensor in self._inputs:
            tensor._consumers.append(self)

    @property
    def graph(self) -> Graph:
        """The graph that holds this operation."""
        return self._graph

    @property
    def name(self) -> str:
        """The full name, unique in the graph."""
        return self._name

    @property
    def type(self) -> str:
        """The op type, as in a GraphDef."""
        return self._type

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The input tensors, lists flattened."""
        return self._inputs

    @property
    def outputs(self) -> list[Tensor]:
        """The output tensors, lists flattened."""
        return self._outputs

    @property
    def out(self) -> Tensor:
        """The first output: what a gradient rule calls y."""
        return self._outputs[0]

    @property
    def control_inputs(self) -> list[Operation]:
        """Operations that must have run before this one."""
        return list(self._control_inputs)

    @property
    def _output_types(self) -> list[int]:
        return [t.dtype.as_datatype_enum for t in self._outputs]

    @property
    def _input_types(self) -> list[dtypes.DType]:
        if self._op_def is None:
            return [t.dtype for t in self._inputs]
        return arg_types(self._op_def.inputs, self.attrs)

    @property
    def device(self) -> str:
        """The device asked for, or an empty string."""
        return self._device

    @property
    def op_def(self) -> Any:
        """The signature as an OpDef protocol message."""
        return hooks.op_def_proto(self._op_def)

    @property
    def node_def(self) -> Any:
        """This operation as a NodeDef protocol message."""
        return hooks.node_def(self)

    @property
    def _id_value(self) -> int:
        return self._id

    @property
    def _device_assignments(self) -> list[Any]:
        """The device blocks around the operation, innermost first, and their places."""
        return [scope.traced for scope in self._device_scopes]

    @property
    def _colocation_dict(self) -> dict[str, Any]:
        """The places of the colocation blocks around it, by the operation they name."""
        return {scope.op.name: scope.traced for scope in self._colocation_scopes}

    def _get_control_flow_context(self) -> Any:
        return self._control_flow_context

    def _set_control_flow_context(self, ctx: object) -> None:
        self._control_flow_context = ctx

    @property
    def _is_stateful(self) -> bool:
        return self._op_def is not None and self._op_def.is_stateful

    def get_attr(self, name: str) -> Any:
        """The value of an attribute, in the form TensorFlow 1.15 gives it.

        dtypes are DType objects, strings are bytes; shapes, tensors and functions are
        protocol messages.

        Raises:
          ValueError: there is no such attribute.
        """
        try:
            value = self.attrs[name]
        except KeyError:
            raise ValueError(
                f"Operation '{self._name}' has no attr named '{name}'."
            ) from None
        return hooks.attr_to_user(self, name, value)

    def _set_attr(self, name: str, value: object) -> None:
        self.attrs[name] = hooks.attr_from_user(value)
        self._graph._rewired()

    def _clear_attr(self, name: str) -> None:
        self.attrs.pop(name, None)
        self._graph._rewired()

    def _set_type_list_attr(self, name: str, types: Sequence[Any]) -> None:
        if types:
            self.attrs[name] = [dtypes.as_dtype(t) for t in types]

    def _set_shape_list_attr(self, name: str, given: Sequence[Any]) -> None:
        self.attrs[name] = [shapes.raw(s) for s in given]

    def _set_device(self, device: DeviceLike) -> None:
        to_string = getattr(device, "to_string", None)
        self._device = str(device) if to_string is None else to_string()

    def _set_device_from_string(self, device: str) -> None:
        self._device = device

    def colocation_groups(self) -> list[bytes]:
        """Names of the groups that want to be on one device with this operation."""
        groups = self.attrs.get("_class")
        own = ("loc:@" + self._name).encode()
        if not groups:
            return [own]
        found = [g for g in groups if g.startswith(b"loc:@")]
        return found or [own]

    def values(self) -> tuple[Tensor, ...]:
        """The outputs, as a tuple."""
        return tuple(self._outputs)

    def run(
        self, feed_dict: FeedDict | None = None, session: BaseSession | None = None
    ) -> None:
        """Run this operation in `session`, by default the thread's default session."""
        default_session_for(session, self._graph, "execute operation", "run").run(
            self, feed_dict
        )

    @property
    def traceback(self) -> list[tuple[str, int, str, str | None]]:
        """Where the program made this operation: outermost call first."""
        import linecache

        rows = []
        for code, instruction in reversed(self._stack):
            line = line_of(code, instruction)
            source = linecache.getline(code.co_filename, line).strip() or None
            rows.append((code.co_filename, line, code.co_name, source))
        return rows

    @property
    def traceback_with_start_lines(self) -> list[tuple[Any, ...]]:
        """As `traceback`, each row with the line that its function starts at."""
        starts = [code.co_firstlineno for code, _ in reversed(self._stack)]
        return [(*row, at) for row, at in zip(self.traceback, starts, strict=True)]

    @property
    def where(self) -> str:
        """`file:line` of the user's code that made this operation."""
        if not self._stack:
            return "an unknown place"
        code, instruction = self._stack[0]
        return f"{Path(code.co_filename).name}:{line_of(code, instruction)}"

    def _add_control_inputs(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            self._add_control_input(op)

    def _add_control_input(self, op: Operation) -> None:
        if not isinstance(op, Operation):
            raise TypeError(f"op must be an Operation: {op}")
        if op not in self._control_inputs:
            self._control_inputs.append(op)
            op._control_outputs.append(self)
            self._graph._rewired()

    def _remove_all_control_inputs(self) -> None:
        for op in self._control_inputs:
            op._control_outputs.remove(self)
        self._control_inputs.clear()
        self._graph._rewired()

    def _update_input(self, index: int, tensor: Tensor) -> None:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"tensor must be a Tensor: {tensor}")
        if tensor.graph is not self._graph:
            raise ValueError(f"{tensor} must be from the same graph as {self}.")
        inputs = list(self._inputs)
        if index >= len(inputs):
            raise OutOfRangeError(
                None,
                None,
                f"Cannot update edge. Input index [{index}] is greater than the number "
                f"of total inputs [{len(inputs)}].",
            )
        _check_same_shape(tensor, inputs[index])
        self._graph._check_edge(self, index, tensor)
        inputs[index]._consumers.remove(self)
        inputs[index] = tensor
        tensor._consumers.append(self)
        self._inputs = _InputList(inputs)
        self._graph._rewired()

    def _add_input(self, tensor: Tensor) -> None:
        self._inputs = _InputList((*self._inputs, tensor))
        tensor._consumers.append(self)
        self._graph._rewired()

    def __str__(self) -> str:
        return str(self.node_def)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self._name}' type={self._type}>"


def _check_arguments(
    node_def: Message, graph: object, inputs: object, input_types: Sequence[Any] | None
) -> None:
    if getattr(getattr(node_def, "DESCRIPTOR", None), "name", "") != "NodeDef":
        raise TypeError(f"node_def needs to be a NodeDef: {node_def}")
    if not VALID_OP_NAME.match(node_def.name):
        raise ValueError(f"'{node_def.name}' is not a valid node name")
    if not hasattr(graph, "_add_node"):
        raise TypeError(f"g needs to be a Graph: {graph}")
    if inputs is not None and not isinstance(inputs, list):
        raise TypeError(f"inputs needs to be a list of Tensors: {inputs}")
    for tensor in inputs or ():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"input needs to be a Tensor: {tensor}")
    if input_types is not None and not all(
        dtypes.as_dtype(wanted).is_compatible_with(tensor.dtype)
        for tensor, wanted in zip(inputs or (), input_types, strict=False)
    ):
        found = [t.dtype for t in inputs or ()]
        raise TypeError(
            f"In op '{node_def.name}', input types ({found}) are not compatible with "
            f"expected types ({input_types})"
        )


def _operation_of(item: object) -> Operation:
    if isinstance(item, Operation):
        return item
    op = getattr(item, "op", None)
    if not isinstance(op, Operation):
        raise TypeError(
            f"Control input must be an Operation, a Tensor, or IndexedSlices: {item}"
        )
    return op


def _check_same_shape(tensor: Tensor, before: Tensor) -> None:
    """An input may be replaced by a tensor whose static shape agrees."""
    try:
        shapes.merge(tensor._shape_raw, before._shape_raw)
    except ValueError:
        raise InvalidArgumentError(
            None,
            None,
            "Cannot update edge, incompatible shapes: "
            f"{shapes.text(tensor._shape_raw)} and {shapes.text(before._shape_raw)}.",
        ) from None
