"""A node of a graph: an op type applied to input tensors."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import opdef
from retrograd.graph.tensor import Tensor, default_session_for

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph

_PACKAGE = str(Path(__file__).resolve().parent.parent)
#: op types whose creation says nothing about the user's line
Stack = tuple[tuple[CodeType, int], ...]


def user_stack() -> Stack:
    """The frames outside this package, innermost first, as (code, instruction).

    Line numbers are looked up when someone asks: an op is made far more often than its
    line is read.
    """
    frames = []
    frame: Any = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE):
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


class Operation:
    """An op type with its inputs, control inputs and attributes, made once.

    An operation is younger than everything it depends on: `_id` counts up within a graph.
    """

    def __init__(
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
        self._graph = graph
        self._type = op_type
        self._name = name
        self._inputs = tuple(inputs)
        self._control_inputs: list[Operation] = []
        self._control_outputs: list[Operation] = []
        self.attrs = attrs
        self._op_def = op_def
        self._id = identity
        self._device = ""
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
    def _control_outputs_list(self) -> list[Operation]:
        return list(self._control_outputs)

    @property
    def device(self) -> str:
        """The device asked for, or an empty string."""
        return self._device

    @property
    def op_def(self) -> Any:
        """The signature as an OpDef protocol message."""
        from retrograd.graph import dispatch

        return dispatch.hooks.op_def_proto(self._op_def)

    @property
    def node_def(self) -> Any:
        """This operation as a NodeDef protocol message."""
        from retrograd.graph import dispatch

        return dispatch.hooks.node_def(self)

    @property
    def _id_value(self) -> int:
        return self._id

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
        from retrograd.graph import dispatch

        return dispatch.hooks.attr_to_user(self, name, value)

    def _set_attr(self, name: str, value: Any) -> None:
        from retrograd.graph import dispatch

        self.attrs[name] = dispatch.hooks.attr_from_user(value)
        self._graph._rewired()

    def _set_device(self, device: Any) -> None:
        self._device = str(device)

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

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
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
        inputs[index]._consumers.remove(self)
        inputs[index] = tensor
        tensor._consumers.append(self)
        self._inputs = tuple(inputs)
        self._graph._rewired()

    def __str__(self) -> str:
        return str(self.node_def)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self._name}' type={self._type}>"
