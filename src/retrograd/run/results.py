"""What a run returns: arrays that belong to the caller, who may write to them.

A kernel knows no arrays but its inputs and those that it makes (`Binding.makes`). So an
array that is no input of its operation, and not a part of another array, was made in
this run. Nobody else has it, unless an operation of the run keeps what it is given, as
a queue does. Such results are handed out as they are; all others are copied: what is
fed, constants, values of variables, what comes out of storage, functions or stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.binding import Binding, binding
from retrograd.ops.declare import Declaration, traits_of
from retrograd.ops.flow.effects import may_keep
from retrograd.run.interpret import Program
from retrograd.run.plan import Plan
from retrograd.run.store import Store


def owned(value: object) -> Any:
    """A result, given an array that the run has made, or a part of one.

    A scalar is a NumPy scalar; what is no array stays as it is.
    """
    if type(value) is np.ndarray:
        if not value.shape:
            return value[()]
        return value if value.base is None else value.copy()
    return _other(value)


def copied(value: object) -> Any:
    """A result, given an array that something else has too; see `owned`."""
    if type(value) is np.ndarray:
        return value.copy() if value.shape else value[()]
    return _other(value)


def _as_fed(value: object) -> Any:
    """A result, given what was fed for it: an array, of one number too."""
    if isinstance(value, (np.ndarray, np.generic)):
        return np.array(value)
    return np.array(value, object) if isinstance(value, bytes) else copied(value)


def _other(value: object) -> Any:
    if isinstance(value, np.generic) or value is None:
        return value
    if hasattr(value, "__array__") and hasattr(value, "dtype"):
        array = np.asarray(value)  # on the memory of a device buffer
        return array.copy() if array.shape else array[()]
    return value


def _apart(value: object, others: Sequence[Any]) -> Any:
    """`value`, or a copy of it if it is one of some other arrays."""
    return copied(value) if any(value is other for other in others) else value


class ResultProgram(Program):
    """A plan whose results belong to the caller."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        stages: Sequence[tuple[Any, Callable[..., Any] | None]] = (),
        constants: dict[Tensor, Any] | None = None,
    ) -> None:
        self._free = set(plan.fetches) - kept_tensors(plan)
        #: fetched tensors whose arrays the run has made, or parts of these
        self._made: set[Tensor] = set()
        #: by position of an operation: what its outputs are compared with
        self._compared: dict[int, list[str]] = {}
        super().__init__(plan, store, stages, constants)

    def _generate(self) -> Callable[..., Any]:
        self.scope.update(OWNED=owned, COPIED=copied, APART=_apart, FED=_as_fed)
        kept = _passed_to_keepers(self.plan)
        for i, tensor in enumerate(self.plan.feeds):
            if tensor in kept:
                self.lines.append(f"f{i} = COPIED(f{i})")
                self.line_ops.append(None)
        return super()._generate()

    def _result(self, tensor: Tensor) -> str:
        how = "OWNED" if tensor in self._made else "COPIED"
        if tensor in self.plan.feeds:
            how = "FED"
        return f"{how}({self._value(tensor)})"

    def _call(
        self, op: Operation, declaration: Declaration, index: int, arguments: list[str]
    ) -> str:
        made = self._free.intersection(op._outputs)
        if made and binding(declaration, op).makes:
            self._made |= made
            plain = self._expression(op, declaration)
            if plain is None or not plain.makes:
                arguments = self._named(index, arguments)
        return super()._call(op, declaration, index, arguments)

    def _named(self, index: int, arguments: list[str]) -> list[str]:
        """Arguments that still have a name when the kernel has returned."""
        names = [
            text if text.isidentifier() else f"r{index}_{i}"
            for i, text in enumerate(arguments)
        ]
        self._compared[index] = list(dict.fromkeys(names))
        return [
            text if name == text else f"({name} := {text})"
            for name, text in zip(names, arguments, strict=True)
        ]

    def _assignment(
        self, op: Operation, index: int, cells: list[str], call: str, bound: Binding
    ) -> str:
        line = super()._assignment(op, index, cells, call, bound)
        others = self._compared.get(index)
        if others is None:
            return line
        for i in bound.returned:
            name = self.names[op._outputs[i]]
            if others and op._outputs[i] in self._made:
                line += f"; {name} = APART({name}, ({', '.join(others)},))"
            others.append(name)
        held = [name for name in others if name[0] == "r"]
        return f"{line}; del {', '.join(held)}" if held else line


def _passed_to_keepers(plan: Plan) -> set[Tensor]:
    """The tensors whose arrays an operation keeps as they are, not copied."""
    pending = [op for op in plan.ops if traits_of(op.type).keeps]
    reached: set[Tensor] = set()
    while pending:
        for tensor in pending.pop()._inputs:
            reached.add(tensor)
            if traits_of(tensor._op.type).passes is not None:
                pending.append(tensor._op)
    return reached


def kept_tensors(plan: Plan) -> set[Tensor]:
    """The tensors whose arrays an operation of a plan may hold on to.

    Those that it takes, and all that these are made of.
    """
    pending = [op for op in plan.ops if may_keep(op)]
    reached: set[Tensor] = set()
    while pending:
        for tensor in pending.pop()._inputs:
            if tensor not in reached:
                reached.add(tensor)
                pending.append(tensor._op)
    return reached
