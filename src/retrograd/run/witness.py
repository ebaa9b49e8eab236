"""Tier 0 with a witness: it is told of each operation that runs, in bodies as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.ops.binding import binding
from retrograd.ops.declare import Declaration
from retrograd.ops.flow.control_ops import DEAD
from retrograd.run.interpret import Program, function
from retrograd.run.plan import Plan
from retrograd.run.store import Cell, Store


class Witness:
    """Is told what runs, in order; the arrays it is given must not be changed.

    Operations on constants are computed, and told of, before the run begins.
    """

    def ran(self, run: OpRun) -> None:
        """An operation has run."""

    def entered(self, body: FuncGraph, arguments: Sequence[Any]) -> None:
        """A function that the operation at hand calls begins."""

    def left(self, body: FuncGraph, results: Sequence[Any]) -> None:
        """It ends."""


class OpRun:
    """One run of an operation.

    Attributes:
      op: the operation.
      inputs: the value of each input; of a variable, the value it had.
      outputs: the value of each output; of a reference, that of its variable.
      written: the new value of each variable that it changed.
      kernel: what computed them from the inputs.
      folded: whether it is computed once, before any run.
    """

    __slots__ = ("folded", "inputs", "kernel", "op", "outputs", "written")

    def __init__(
        self,
        op: Operation,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        written: Sequence[Any] = (),
        kernel: Callable[..., Any] | None = None,
        folded: bool = False,
    ) -> None:
        self.op, self.inputs, self.outputs = op, inputs, outputs
        self.written, self.kernel, self.folded = written, kernel, folded


class WitnessedProgram(Program):
    """A plan that is interpreted, with a witness.

    Fetches on a branch that was not taken have the value DEAD.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        witness: Witness,
        nested: bool = False,
    ) -> None:
        self.witness = witness
        self._folding = False
        super().__init__(plan, store, nested=nested)

    def _with_dead(self, results: Sequence[Any]) -> Sequence[Any]:
        return results

    def _expression(self, op: Operation, declaration: Declaration) -> None:
        """Nothing: every operation is a call, which is told of."""

    def _kernel(self, op: Operation, declaration: Declaration) -> Any:
        kernel = super()._kernel(op, declaration)
        bound = binding(declaration, op)
        hidden = int(bound.state)

        def seen(*arguments: object) -> Any:
            result = kernel(*arguments)
            new, found = bound.parts(result)
            changed = new[hidden:]
            outputs = [changed[0] if changed else None] * len(op._outputs)
            for place, value in zip(bound.returned, found, strict=True):
                outputs[place] = value
            inputs = [_value(a) for a in arguments[hidden:]]
            run = OpRun(op, inputs, outputs, changed, kernel, self._folding)
            self.witness.ran(run)
            return result

        return seen

    def _fold(self, op: Operation, declaration: Declaration, index: int) -> bool:
        self._folding = True
        try:
            return super()._fold(op, declaration, index)
        finally:
            self._folding = False

    def _function(self, body: FuncGraph) -> Callable[..., Any]:
        def make(plan: Plan, store: Store) -> Program:
            return WitnessedProgram(plan, store, self.witness, nested=True)

        run = function(body, self.store, make)

        def call(*arguments: object) -> Sequence[Any]:
            self.witness.entered(body, arguments)
            results = run(*arguments)
            self.witness.left(body, results)
            return results

        return call


def _value(argument: object) -> Any:
    if isinstance(argument, Cell):
        return argument.peek()
    return None if argument is DEAD else argument
