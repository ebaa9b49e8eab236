"""Loops made of version 1's primitives, run as one operation.

Such a loop is a cycle: a Merge takes the initial value from an Enter, or that of the
turn before from a NextIteration; a Switch sends it to the body or, by an Exit, out. The
operations of one loop are its *frame*. A plan has a `Loop` in place of them, which is a
`While` with the same operations as its functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd.errors import InvalidArgumentError, UnimplementedError, message
from retrograd.graph import opdef
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import kind_of
from retrograd.ops.flow.demand import Substitute
from retrograd.ops.traits import Kind

#: the frames that an operation lies in, outermost first
Path = tuple[str, ...]
#: orders the operations that some tensors and operations need, given other tensors
Planner = Callable[..., list[Operation]]


class Loop(Operation):
    """A frame as one While."""

    def __init__(
        self, like: Operation, inputs: list[Tensor], attrs: dict[str, Any]
    ) -> None:
        self.__dict__.update(like.__dict__)
        self._type, self._op_def = "While", opdef.lookup("While")
        self._inputs = tuple(inputs)
        self._outputs = [_output(self, i, t) for i, t in enumerate(inputs)]
        self.attrs = attrs


class _Exit(Substitute):
    """An Exit that takes its value from a `Loop`."""

    def __init__(self, whole: Operation, value: Tensor) -> None:
        super().__init__(whole)
        self._inputs = (value,)


class _Body(FuncGraph):
    """Operations of a frame as a function."""

    def __init__(
        self,
        name: str,
        inputs: list[Tensor],
        outputs: list[Tensor],
        targets: list[Operation],
        plan: Planner,
    ) -> None:
        self.name = self.function_name = name
        self.base = self
        self.inputs, self.outputs = inputs, outputs
        self.control_outputs = targets
        self._outside: dict[Tensor, Any] = {}
        self._rewirings = 0
        self._ops = plan(outputs, targets, inputs)


def _output(loop: Operation, index: int, like: Tensor) -> Tensor:
    made = Tensor(loop, index, like.dtype)
    made._shape_raw = None
    return made


def lifted(needed: set[Operation], fed: set[Tensor], plan: Planner) -> set[Operation]:
    """The operations of a plan, with one in place of each loop.

    Args:
      needed: the operations.
      fed: tensors whose values are given.
      plan: see `Planner`.

    Raises:
      InvalidArgumentError: an operation lies in two loops at once.
      UnimplementedError: a loop has a form that `while_loop` does not give it.
    """
    kinds = set(map(kind_of, {op.type for op in needed}))
    if Kind.NEXT_ITERATION not in kinds and Kind.ENTER not in kinds:
        return needed
    paths = _paths(needed, fed)
    frames: dict[str, list[Operation]] = {}
    for op, path in paths.items():
        if path:
            frames.setdefault(path[0], []).append(op)
    result = set(needed)
    for name, ops in frames.items():
        own = [op for op in ops if len(paths[op]) == 1]
        if not any(_is(op, Kind.NEXT_ITERATION) for op in own):
            continue
        inside = set(ops)
        leaving = [op for op in needed if _is(op, Kind.EXIT) and not paths[op]]
        leaving = [op for op in leaving if op._inputs[0]._op in inside]
        result -= inside
        result -= set(leaving)
        result |= _Frame(name, own, inside, leaving, plan).made()
    return result


def _is(op: Operation, kind: Kind) -> bool:
    return kind_of(op.type) is kind


def _before(op: Operation, fed: set[Tensor]) -> list[Operation]:
    return [*(t._op for t in op._inputs if t not in fed), *op._control_inputs]


def _paths(needed: set[Operation], fed: set[Tensor]) -> dict[Operation, Path]:
    """The frames that each operation lies in."""
    after: dict[Operation, list[Operation]] = {}
    for op in needed:
        for before in _before(op, fed):
            after.setdefault(before, []).append(op)
    paths: dict[Operation, Path] = dict.fromkeys(needed, ())
    pending = sorted(needed, key=lambda op: -op._id)
    while pending:
        op = pending.pop()
        path: Path = ()
        for before in _before(op, fed):
            other = paths.get(before, ())
            longer, shorter = (other, path) if len(other) > len(path) else (path, other)
            if longer[: len(shorter)] != shorter:
                raise _between_frames(op, paths)
            path = longer
        if _is(op, Kind.ENTER):
            path = (*path, op.attrs["frame_name"])
        elif _is(op, Kind.EXIT):
            path = path[:-1]
        if path != paths[op]:
            paths[op] = path
            pending.extend(after.get(op, ()))
    return paths


def _between_frames(op: Operation, paths: dict[Operation, Path]) -> Exception:
    text = f"{{{{node {op.name}}}}} has inputs from different frames."
    for tensor in op._inputs:
        path = paths.get(tensor._op)
        if path:
            text += (
                f" The input {{{{node {tensor.op.name}}}}} is in frame '{path[-1]}'."
            )
    return InvalidArgumentError(None, op, text)


class _Frame:
    """The operations of a loop, taken apart."""

    def __init__(
        self,
        name: str,
        own: list[Operation],
        inside: set[Operation],
        exits: list[Operation],
        plan: Planner,
    ) -> None:
        self.name, self.inside, self.exits, self.plan = name, inside, exits, plan
        self.merges: list[Operation] = []
        self.starts: list[Tensor] = []
        self.nexts: list[Tensor] = []
        #: what has to run in each turn besides
        self.effects: list[Operation] = []
        started: set[Operation] = set()
        for op in sorted(own, key=lambda op: op._id):
            back = [t for t in op._inputs if _is(t._op, Kind.NEXT_ITERATION)]
            if not back:
                continue
            enter, *_ = (t._op for t in op._inputs if t not in back)
            started.add(enter)
            self.merges.append(op)
            self.starts.append(enter._inputs[0])
            self.nexts.append(back[0]._op._inputs[0])
            self.effects.extend(back[0]._op._control_inputs)
        enters = (op for op in own if _is(op, Kind.ENTER) and op not in started)
        self.constants = sorted(enters, key=lambda op: op._id)
        self.own = own

    def made(self) -> set[Operation]:
        """The loop, and the operations that hand on what comes out of it."""
        going = self._condition()
        sides = [self._switch(op, going) for op in self.merges]
        kept = [op._outputs[0] for op in self.constants]
        # what only control inputs refer to is given besides; its value does not matter
        spare = [op._outputs[1] for op in self.merges]
        before = [*(op._outputs[0] for op in self.merges), *kept, *spare]
        left = [no for no, _ in sides]
        within = [*(yes for _, yes in sides), *kept, *left]
        after = [*self.nexts, *kept, *left]
        direct = not _is(going._op, Kind.LOOP_CONDITION)
        decision = going if direct else going._op._inputs[0]
        cond = _Body(f"{self.name}_cond", before, [decision], [], self.plan)
        body = _Body(f"{self.name}_body", within, after, self.effects, self.plan)
        outside = [op._inputs[0] for op in self.constants]
        inputs = [*self.starts, *outside, *self.starts]
        attrs = {
            "cond": cond,
            "body": body,
            "T": [t.dtype.base_dtype for t in inputs],
            "output_shapes": [],
        }
        loop = Loop(going._op, inputs, attrs)
        places = {no: i for i, no in enumerate(left)}
        found: set[Operation] = {loop}
        for op in self.exits:
            place = places.get(op._inputs[0])
            if place is None:
                raise self._unknown(op, "leaves the loop where it does not end")
            found.add(_Exit(op, loop._outputs[place]))
        waits = (o for op in self.own for o in op._control_inputs)
        loop._control_inputs = [o for o in waits if o not in self.inside]
        return found

    def _condition(self) -> Tensor:
        """The tensor that sends values to the body or out."""
        merges = set(self.merges)
        for op in self.own:
            if _is(op, Kind.SWITCH) and op._inputs[0]._op in merges:
                return op._inputs[1]
        raise self._unknown(self.own[0], "is in a loop without an end")

    def _switch(self, merge: Operation, going: Tensor) -> tuple[Tensor, Tensor]:
        """A variable of the loop where the loop has ended, and where it goes on."""
        for op in merge._outputs[0]._consumers:
            if _is(op, Kind.SWITCH) and op._inputs[1] is going:
                return op._outputs[0], op._outputs[1]
        raise self._unknown(merge, "is not sent to the body of its loop")

    def _unknown(self, op: Operation, why: str) -> Exception:
        return UnimplementedError(
            None,
            op,
            message(
                f"Loop {self.name} does not have the form that tf.while_loop makes.",
                at=f"{op.name} ({op.type}) {why}",
            ),
        )
