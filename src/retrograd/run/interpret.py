"""Tier 0: a plan as straight-line Python over NumPy kernels.

The generated function has one line for each operation, so a traceback's line number says
which operation failed; nothing else is done per operation while it runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import Declaration, find
from retrograd.ops.static import kernel_attr
from retrograd.run import xp_numpy
from retrograd.run.failure import describe
from retrograd.run.plan import VARIABLES, Plan, make_plan
from retrograd.run.store import Store

#: constants larger than this many elements are computed anew in each run
_LARGEST_FOLDED = 1 << 20


class Program:
    """A plan made runnable: `program(values of the feeds)` → values of the fetches."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan = plan
        self.store = store
        self.lines: list[str] = []
        self.line_ops: list[Operation | None] = [None]
        self.scope: dict[str, Any] = {}
        self.names: dict[Tensor, str] = {}
        self.constants: set[Tensor] = set()
        self._written: dict[Tensor, str] = {}
        self.call = self._generate()

    def __call__(self, feeds: Sequence[Any]) -> Sequence[Any]:
        """Run the plan once.

        Raises:
          OpError: an operation failed.
        """
        try:
            with np.errstate(all="ignore"):
                return self.call(*feeds)
        except Exception as error:
            raise self._failure(error) from error.__cause__

    # ------------------------------------------------------------------ generating

    def _generate(self) -> Callable[..., Any]:
        plan = self.plan
        parameters = []
        for i, tensor in enumerate(plan.feeds):
            self.names[tensor] = f"f{i}"
            parameters.append(f"f{i}")
        last_use = self._last_uses()
        for index, op in enumerate(plan.ops):
            self._emit(op, index, last_use)
        fetched = "".join(self._value(t) + ", " for t in plan.fetches)
        head = f"def run({', '.join(parameters)}):"
        body = [f"    {line}" for line in self.lines]
        text = "\n".join([head, *body, f"    return ({fetched})"])
        exec(compile(text, "<plan>", "exec"), self.scope)
        return self.scope["run"]

    def _last_uses(self) -> dict[int, list[Tensor]]:
        """For each position, the tensors that are not needed after it."""
        kept = set(self.plan.fetches)
        last: dict[Tensor, int] = {}
        for index, op in enumerate(self.plan.ops):
            for tensor in op._inputs:
                last[tensor] = index
        result: dict[int, list[Tensor]] = {}
        for tensor, index in last.items():
            if tensor not in kept:
                result.setdefault(index, []).append(tensor)
        return result

    def _emit(
        self, op: Operation, index: int, last_use: dict[int, list[Tensor]]
    ) -> None:
        if op.type in VARIABLES and op.type != "TemporaryVariable":
            self._bind(op._outputs[0], f"c{index}", self.store.cell(op))
            return
        if op.type == "NoOp":
            return
        declaration = find(op.type)
        kernel = self._kernel(op, declaration)
        if declaration is not None and self._fold(op, declaration, kernel, index):
            return
        self.scope[f"k{index}"] = kernel
        line = self._line(op, declaration, index)
        done = [
            n
            for t in last_use.get(index, ())
            if (n := self.names.get(t)) and n not in self.scope
        ]
        if done:
            line += f"; del {', '.join(done)}"
        self.lines.append(line)
        self.line_ops.append(op)

    def _bind(self, tensor: Tensor, name: str, value: Any) -> None:
        self.scope[name] = value
        self.names[tensor] = name

    def _kernel(self, op: Operation, declaration: Declaration | None) -> Any:
        if declaration is None:
            return functools.partial(_missing, op)
        return bind(declaration, op, self.store)

    def _fold(
        self, op: Operation, declaration: Declaration, kernel: Any, index: int
    ) -> bool:
        """Compute an operation on constants now, if it is small and cannot fail."""
        if op.type != "Const" and not (
            declaration.pure
            and not declaration.host
            and op._inputs
            and all(t in self.constants for t in op._inputs)
            and all(_small(t) for t in op._outputs)
        ):
            return False
        try:
            with np.errstate(all="ignore"):
                values = kernel(*(self.scope[self.names[t]] for t in op._inputs))
        except Exception:  # raised again, with its place, when the plan runs
            return False
        if len(op._outputs) == 1:
            values = (values,)
        for i, (tensor, value) in enumerate(zip(op._outputs, values, strict=True)):
            self._bind(tensor, f"v{index}_{i}", value)
            self.constants.add(tensor)
        return True

    def _value(self, tensor: Tensor) -> str:
        """An expression for the value of a tensor; of a reference, what it refers to."""
        written = self._written.get(tensor)
        if written is not None:
            return written
        name = self.names[tensor]
        if tensor.dtype._is_ref_dtype and name[0] != "f":
            return f"{name}.read()"
        return name

    def _line(self, op: Operation, declaration: Declaration | None, index: int) -> str:
        arguments, targets = [], []
        updates = () if declaration is None else declaration.updates
        for name, tensor in zip(_input_names(op), op._inputs, strict=True):
            if declaration is None:
                arguments.append(self.names[tensor])
            elif name in updates:
                targets.append(self.names[tensor])
                fresh = op._op_def is not None and op._op_def.allows_uninitialized_input
                method = "peek" if fresh else "read"
                arguments.append(f"{self.names[tensor]}.{method}()")
            elif name in declaration.reads:
                arguments.append(f"{self.names[tensor]}.read()")
            elif name in declaration.cells:
                arguments.append(self.names[tensor])
            else:
                arguments.append(self._value(tensor))
        if declaration is not None and declaration.state is not None:
            cell = self.store.hidden(op, declaration.state)
            self.scope[f"s{index}"] = cell
            arguments.insert(0, f"s{index}.value")
            targets.insert(0, f"s{index}")
        return self._assignment(op, index, targets, ", ".join(arguments), bool(updates))

    def _assignment(
        self, op: Operation, index: int, cells: list[str], arguments: str, updates: bool
    ) -> str:
        left = [f"{cell}.value" for cell in cells]
        after = ""
        for i, tensor in enumerate(op._outputs):
            name = f"v{index}_{i}"
            if updates and tensor.dtype._is_ref_dtype:
                # the output refers to the variable; its value is the one just written
                self.names[tensor] = cells[0]
                self._written[tensor] = name
                after = f"; {name} = {cells[0]}.value"
            else:
                self.names[tensor] = name
                left.append(name)
        call = f"k{index}({arguments})"
        if not left:
            return call
        if len(left) == 1:
            return f"{left[0]} = {call}{after}"
        return f"{', '.join(left)} = {call}{after}"

    # ------------------------------------------------------------------ failing

    def _failure(self, error: Exception) -> Exception:
        """The error of a run, with the operation that it comes from."""
        trace = error.__traceback__
        frame = None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<plan>":
                frame = trace
                if trace.tb_frame.f_code is self.call.__code__:
                    break
            trace = trace.tb_next
        line = 0 if frame is None else frame.tb_lineno - 1
        op = self.line_ops[line] if 0 < line < len(self.line_ops) else None
        values = None
        if op is not None and frame is not None:
            found = {**self.scope, **frame.tb_frame.f_locals}
            values = [found.get(self.names.get(t, "")) for t in op._inputs]
        return describe(error, op, values)


def _missing(op: Operation, *unused: Any) -> Any:
    from retrograd.errors import UnimplementedError, message

    raise UnimplementedError(
        None,
        op,
        message(
            f"No kernel for op type {op.type}.", at=f"{op.name}, made in {op.where}"
        ),
    )


def _small(tensor: Tensor) -> bool:
    raw = tensor._shape_raw
    if raw is None or None in raw:
        return True
    count = 1
    for size in raw:
        count *= size or 0
    return count <= _LARGEST_FOLDED


def _input_names(op: Operation) -> list[str]:
    """For each input tensor, the name of the argument it belongs to."""
    if op._op_def is None:
        return [""] * len(op._inputs)
    names: list[str] = []
    for arg in op._op_def.inputs:
        if arg.number_attr:
            names.extend([arg.name] * op.attrs[arg.number_attr])
        elif arg.type_list_attr:
            names.extend([arg.name] * len(op.attrs[arg.type_list_attr]))
        else:
            names.append(arg.name)
    return names


def bind(
    declaration: Declaration, op: Operation, store: Store, xp: Any = xp_numpy
) -> Any:
    """The kernel of an operation with its attributes filled in.

    Besides attributes a kernel may name `n`, the operation, and `store`, the session's
    state; an attribute that is a function becomes something to call.
    """
    attrs: dict[str, Any] = {}
    for name in declaration.wanted:
        if name == "n":
            attrs[name] = op
        elif name == "store":
            attrs[name] = store
        else:
            value = op.attrs[name]
            if isinstance(value, FuncGraph):
                value = function(value, store)
            attrs[name] = kernel_attr(value)
    return functools.partial(declaration.kernel, xp, **attrs)


def function(graph: FuncGraph, store: Store) -> Callable[..., Sequence[Any]]:
    """A function body as something to call with the values of its inputs."""
    outputs = list(graph.outputs)
    plan = make_plan(outputs, graph.control_outputs, graph.inputs)
    program = Program(plan, store)
    return program.call
