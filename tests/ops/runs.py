"""Running cases of rows: interpreted, compiled, and at once.

What a run gives is `Got`: the values of the outputs and then of the variables; or the
error. A case whose op is compiled has to be: that it ran interpreted after all is an
error too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.graph import Graph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import const_tensor, placeholder
from retrograd.ops.declare import F, find
from retrograd.run.eager import store
from retrograd.run.session import Session
from retrograd.run.stages import is_host
from tests.ops import cases
from tests.ops.cases import Case, Value

MODES = ("tier 0", "tier 1", "eager")


@dataclass(frozen=True)
class Got:
    """What a run gave: values, or an error."""

    values: list[Any] = field(default_factory=list)
    error: Exception | None = None


@dataclass
class Applied:
    """A case in a graph.

    Attributes:
      op: the operation.
      outputs: its outputs.
      feed: its inputs but for static ones and variables.
      starts: operations that set its variables, each with its feed.
      after: reads of the variables.
    """

    op: Operation
    outputs: list[Tensor]
    feed: dict[Tensor, np.ndarray]
    starts: list[tuple[Operation, dict[Tensor, np.ndarray]]]
    after: list[Tensor]


class _Inputs:
    """Makes the inputs of one case in a graph."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.feed: dict[Tensor, np.ndarray] = {}
        self.starts: list[tuple[Operation, dict[Tensor, np.ndarray]]] = []
        self.after: list[Tensor] = []

    def make(self, item: Any, static: bool) -> Any:
        if isinstance(item, list):
            return [self.make(i, static) for i in item]
        if static and not item.stored:
            return const_tensor(item.array, dtypes.as_dtype(item.dtype), None)
        fed = placeholder(item.dtype, item.array.shape)
        if not item.stored:
            self.feed[fed] = item.array
            return fed
        return self._variable(item, fed)

    def _variable(self, item: Value, fed: Tensor) -> Tensor:
        about = {"dtype": item.dtype, "shape": item.array.shape}
        if item.stored == "ref":
            held = F.VariableV2(**about)
            start = F.Assign(held, fed).op
            self.after.append(held)
        else:
            name = f"{self.name} {len(self.after)}"
            held = F.VarHandleOp(shared_name=name, **about)
            start = F.AssignVariableOp(held, fed)
            self.after.append(F.ReadVariableOp(held, dtype=item.dtype))
        self.starts.append((start, {fed: item.array}))
        return held


def tensors(found: Any) -> list[Tensor]:
    """All tensors of what an op gave."""
    if isinstance(found, (list, tuple)):
        return [t for f in found for t in tensors(f)]
    return [found] if isinstance(found, Tensor) else []


def applied(case: Case, static: frozenset[str] | None) -> Applied:
    """The case in the default graph; all its inputs constants if `static` is None."""
    made = _Inputs(case.name)
    op_def = cases.definition(case.row.op)
    inputs = [
        made.make(item, static is None or arg.name in static)
        for arg, item in zip(op_def.inputs, case.inputs, strict=True)
    ]
    found = getattr(F, case.row.op)(*inputs, **case.attrs)
    outputs = tensors(found)
    op = outputs[0]._op if outputs else found
    return Applied(op, outputs, made.feed, made.starts, made.after)


def static_inputs(case: Case) -> frozenset[str]:
    """The inputs whose values have to be known for the op to be compiled."""
    declaration = find(case.row.op)
    assert declaration is not None
    if not callable(declaration.static):
        return frozenset(declaration.static)
    with Graph().as_default():
        return frozenset(declaration.static_inputs(applied(case, None).op))


# ---------------------------------------------------------------------- running


def at_once(case: Case) -> Got:
    """Run the op eagerly."""
    variables: list[Any] = []

    def make(item: Any) -> Any:
        if isinstance(item, list):
            return [make(i) for i in item]
        value = const_tensor(item.array, dtypes.as_dtype(item.dtype), None)
        if not item.stored:
            return value
        name = f"{case.name} {len(variables)}"
        held = F.VarHandleOp(dtype=item.dtype, shape=item.array.shape, shared_name=name)
        F.AssignVariableOp(held, value)
        variables.append((held, item.dtype))
        return held

    for key in [k for k in store.cells if k[0] == "eager"]:
        del store.cells[key]  # where the random numbers of earlier ops went on from
    with context.eager_mode():
        try:
            found = getattr(F, case.row.op)(*map(make, case.inputs), **case.attrs)
            read = [F.ReadVariableOp(v, dtype=d) for v, d in variables]
            return Got([t.numpy() for t in [*tensors(found), *read]])
        except Exception as error:
            return Got(error=error)


@contextlib.contextmanager
def _session(graph: Graph, tier: int) -> Iterator[Session]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETROGRAD_TIER", str(tier))
        with Session(graph=graph) as session:
            yield session


def interpreted(case: Case, static: frozenset[str] | None) -> Got:
    """Run the case in tier 0; with constants only if `static` is None."""
    graph = Graph()
    try:
        with graph.as_default():
            made = applied(case, static)
        with _session(graph, 0) as session:
            return Got(_values(session, [made])[0])
    except Exception as error:
        return Got(error=error)


def _values(session: Session, made: Sequence[Applied]) -> list[list[Any]]:
    """What the outputs of each are, and then its variables."""
    feed: dict[Tensor, np.ndarray] = {}
    for one in made:
        for start, fed in one.starts:
            session.run(start, fed)
        feed.update(one.feed)
    fetches = [one.outputs or one.op for one in made]
    found = session.run(fetches, feed)
    after = session.run([one.after for one in made])
    return [[*(values or []), *held] for values, held in zip(found, after, strict=True)]


def failing(case: Case, static: frozenset[str], tier: int) -> tuple[Got, list[Any]]:
    """What running a case gives, and what its variables hold when it has failed.

    These are none where it did not, or could not be put into a graph.
    """
    graph = Graph()
    try:
        with graph.as_default():
            made = applied(case, static)
    except Exception as error:
        return Got(error=error), []
    with _session(graph, tier) as session:
        for start, fed in made.starts:
            session.run(start, fed)
        try:
            return Got(session.run(made.outputs or made.op, made.feed)), []
        except Exception as error:
            return Got(error=error), session.run(made.after)


class NotCompiled(Exception):
    """An op ran interpreted though the compiled tier was asked for."""


def compiled(batch: Sequence[Case], static: frozenset[str]) -> list[Got]:
    """Run cases of one row in tier 1, in one program; alone where that fails."""
    try:
        return [Got(values) for values in _compiled(batch, static)]
    except Exception as error:
        if len(batch) == 1:
            return [Got(error=error)]
    return [compiled([case], static)[0] for case in batch]


def compiled_together(batch: Sequence[Case]) -> list[Got]:
    """Run cases of any rows in tier 1, in one program; in halves where that fails."""
    try:
        return [Got(values) for values in _compiled(batch)]
    except Exception as error:
        if len(batch) == 1:
            return [Got(error=error)]
    half = len(batch) // 2
    return [*compiled_together(batch[:half]), *compiled_together(batch[half:])]


def _compiled(
    batch: Sequence[Case], static: frozenset[str] | None = None
) -> list[list[Any]]:
    """Run cases compiled; `static` are the inputs that are, by default each row's."""
    graph = Graph()
    with graph.as_default():
        made = [
            applied(case, static_inputs(case) if static is None else static)
            for case in batch
        ]
    with _session(graph, 1) as session:
        found = _values(session, made)
        for one in made:
            if not is_host(one.op) and not _was_compiled(session, one.op):
                raise NotCompiled(one.op.type)
    return found


def _was_compiled(session: Session, op: Operation) -> bool:
    """Whether an operation ran compiled; true where it was known before the run."""
    for executable in session._executables.values():
        for segment, stage in getattr(executable.runner.run, "stages", ()):
            if op in segment.ops:
                return stage is not None and all(stage.variants.values())
    return True
