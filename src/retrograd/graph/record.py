"""An op that was run at once: what a tape keeps of it, in the form of an operation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retrograd.graph import context, opdef
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import creations, line_of, user_stack
from retrograd.graph.tensor import Tensor


class Record:
    """The fields of an Operation that kernels, rules and sweeps read.

    Records are numbered as they are made, operations among them, so one is younger than
    its inputs.
    """

    #: the name that was given to an op that is run at once
    given_name: str | None = None
    #: the graph that holds its tensors, where they have no value
    _graph: Any = None

    _gradient_function: Any = None
    _forward_op: Any = None
    _original_op: Any = None
    _control_inputs: tuple[Any, ...] = ()
    device = ""

    def __init__(
        self, op_def: opdef.OpDef, inputs: Sequence[Tensor], attrs: dict[str, Any]
    ) -> None:
        self._op_def = op_def
        self.type = op_def.name
        self.name = op_def.name
        self._inputs = tuple(inputs)
        self._outputs: list[Tensor] = []
        self.attrs = attrs
        self._id = next(creations)
        self._stack = user_stack() if context.local.tapes else ()

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
        """The first output."""
        return self._outputs[0]

    @property
    def graph(self) -> Any:
        """The graph that is the default: rules may ask for one."""
        return context.get_default_graph()

    @property
    def node_def(self) -> str:
        """Stands for the node in messages."""
        return f"name: {self.name!r} op: {self.type!r}"

    @property
    def traceback(self) -> list[Any]:
        """Where the program ran this, if a tape was recording."""
        return [
            (code.co_filename, line_of(code, at), code.co_name, None)
            for code, at in reversed(self._stack)
        ]

    @property
    def where(self) -> str:
        """`file:line` of the user's code that ran this op."""
        stack = self._stack or user_stack()
        if not stack:
            return "an unknown place"
        code, at = stack[0]
        return f"{Path(code.co_filename).name}:{line_of(code, at)}"

    def get_attr(self, name: str) -> Any:
        """The value of an attribute, in the form TensorFlow 1.15 gives it."""
        if name not in self.attrs:
            raise ValueError(f"Operation '{self.name}' has no attr named '{name}'.")
        return hooks.attr_to_user(self, name, self.attrs[name])
