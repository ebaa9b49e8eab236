"""Choosing a tier: interpret at once, compile what is hot, keep what is faster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.operation import Operation
from retrograd.ops.declare import kind_of
from retrograd.ops.flow.effects import variable_of
from retrograd.ops.traits import Kind
from retrograd.run import memory
from retrograd.run.background import in_background
from retrograd.run.interpret import Program
from retrograd.run.plan import Plan
from retrograd.run.stages import Segment, Void, is_host, split
from retrograd.run.store import Cell, Store

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Message

#: seconds of interpreting after which compiling is expected to pay, and those that each
#: operation adds: a tenth of what XLA takes for it, since runs go on meanwhile
_HOT, _HOT_PER_OP = 0.15, 0.0001
#: compiled forms of one stage: beyond this, new shapes are interpreted
_MOST_VARIANTS = 8
#: seconds that a compiled run takes at the least: what is faster interpreted stays so
_QUICK = 20e-6
#: values of a feed that may decide a shape, each compiled anew
_LARGEST_STATIC_FEED = 64
#: turns for which loops have room at first where their number is not known
_LEAST_ROOM = 64
#: runs of a tier that do not count, and those that do: as many as fit into a time
_WARM, _TRIALS, _MOST_TRIALS, _TRIAL_TIME = 3, 5, 200, 0.2
#: a share of the interpreted time that decides without measuring that again
_CLEARLY = 0.7


def pinned_tier(config: Message | None = None) -> int | None:
    """The tier that the environment or a ConfigProto asks for; None to measure.

    `RETROGRAD_TIER` is 0, 1 or auto.  A ConfigProto asks by
    `graph_options.optimizer_options.global_jit_level`: OFF (−1) for 0, ON_1 and ON_2
    for 1.
    """
    wanted = os.environ.get("RETROGRAD_TIER", "")
    if wanted in ("0", "1"):
        return int(wanted)
    if config is not None:
        level = config.graph_options.optimizer_options.global_jit_level
        return {-1: 0, 1: 1, 2: 1}.get(level)
    return None


class Runner:
    """Runs a plan, in whichever tier is faster.

    Args:
      plan: what to run.
      store: the session's state.
      tier: 0 or 1 to stay in one; None to find out.
      make: makes the programs: those of results that belong to the caller, say.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        tier: int | None,
        make: type[Program] = Program,
    ) -> None:
        self.plan = plan
        self.store = store
        self.program = make(plan, store)
        self.run: Callable[[Sequence[Any]], Sequence[Any]] = self.program
        count = len(self.program.lines)
        if tier == 1:
            self.run = self._compile_now
        elif tier is None and count and not all(is_host(op) for op in plan.ops):
            self._limit = _HOT + _HOT_PER_OP * count
            self._spent, self._runs, self._best = 0.0, 0, float("inf")
            self.run = self._watched

    def _compile_now(self, feeds: Sequence[Any]) -> Sequence[Any]:
        """Tier 1 from the first run on."""
        staged = Staged(self.program, background=False)
        self.run = staged.program if staged.usable else self.program
        return self.run(feeds)

    def _watched(self, feeds: Sequence[Any]) -> Sequence[Any]:
        """Interpret, and start compiling once that has taken long enough."""
        started = time.perf_counter()
        result = self.program(feeds)
        taken = time.perf_counter() - started
        self._spent += taken
        self._runs += 1
        self._best = min(self._best, taken)
        if self._spent > self._limit and self._runs > 2:
            self.run = self.program
            if self._best >= _QUICK:
                in_background(self._compile, list(feeds))
        return result

    def _compile(self, feeds: Sequence[Any]) -> None:
        """In the background: compile, and let the next runs try it."""
        staged = Staged(self.program, background=True)
        if staged.usable and staged.prepare(feeds):
            self.run = _Trial(self, staged, self._best)


class _Timed:
    """Some runs in one tier, with the time that the program waits for them.

    Args:
      program: what is run.
      wait: returns when all that the runs have started is done.
    """

    def __init__(self, program: Program, wait: Callable[[], None]) -> None:
        self.program, self.wait = program, wait
        self.runs, self.spent = 0, 0.0

    def __call__(self, feeds: Sequence[Any]) -> Sequence[Any]:
        started = time.perf_counter()
        result = self.program(feeds)
        for value in result:
            if hasattr(value, "block_until_ready"):
                value.block_until_ready()
        self.runs += 1
        if self.runs == _WARM:
            self.wait()
        elif self.runs > _WARM:
            self.spent += time.perf_counter() - started
        return result

    @property
    def enough(self) -> bool:
        counted = self.runs - _WARM
        long = self.spent > _TRIAL_TIME or counted >= _MOST_TRIALS
        return long and counted >= _TRIALS

    def mean(self) -> float:
        """Seconds for a run; what went on after it counts where it is waited for."""
        started = time.perf_counter()
        self.wait()
        self.spent += time.perf_counter() - started
        return self.spent / (self.runs - _WARM)


class _Trial:
    """Some runs of tier 1, and of tier 0 again where that is close; then one stays."""

    def __init__(self, runner: Runner, staged: Staged, interpreted: float) -> None:
        self.runner, self.staged = runner, staged
        self.interpreted = interpreted
        self.compiled: float | None = None
        self.timed = _Timed(staged.program, staged.wait)

    def __call__(self, feeds: Sequence[Any]) -> Sequence[Any]:
        if not self.timed.runs:
            memory.give_back()  # what the other tier worked with
        timed = self.timed
        result = timed(feeds)
        if timed.enough:
            self._decide(timed)
        return result

    def _decide(self, timed: _Timed) -> None:
        """Keep a tier, or measure the other one."""
        if self.compiled is None:
            self.compiled = timed.mean()
            if self.compiled > _CLEARLY * self.interpreted:
                self.timed = _Timed(self.runner.program, lambda: None)
                return
            faster = True
        else:
            faster = self.compiled < timed.mean()
        self.runner.run = self.staged.program if faster else self.runner.program
        memory.give_back()


class Staged:
    """A plan whose array operations run as compiled stages.

    Attributes:
      program: the whole.
      usable: whether there is anything to compile.
    """

    def __init__(self, interpreted: Program, background: bool) -> None:
        self.plan, self.store = interpreted.plan, interpreted.store
        self.make = type(interpreted)
        self.background = background
        self.constants = interpreted.known
        self.refused: set[Any] = set()
        self._build()

    def _build(self) -> None:
        """Split the plan; operations that could not be compiled run between stages."""
        ops, known = self.plan.ops, self.constants
        apart = set(self.refused)

        def is_apart(op: Operation) -> bool:
            return is_host(op) or op in apart

        segments = split(ops, self.plan.fetches, is_apart, known)
        while between := _lists_between(segments):
            apart.update(between)
            segments = split(ops, self.plan.fetches, is_apart, known)
        self.stages: list[Stage] = []
        parts: list[tuple[Segment, Any]] = []
        for segment in segments:
            segment.inputs = [t for t in segment.inputs if t not in self.constants]
            if segment.compiled:
                stage = Stage(segment, self)
                self.stages.append(stage)
                parts.append((segment, stage))
            else:
                parts.append((segment, None))
        self.usable = any(
            kind_of(op.type) is not Kind.NOTHING
            for stage in self.stages
            for op in stage.segment.ops
        )
        self.program = self.make(self.plan, self.store, parts, self.constants)

    def prepare(self, feeds: Sequence[Any]) -> bool:
        """Compile for the shapes of these feeds, without changing any state.

        Returns:
          Whether all stages could be compiled for what is known now.
        """
        for _ in range(50):
            fed = dict(zip(self.plan.feeds, feeds, strict=True))
            try:
                return all(stage.prepare(fed) for stage in self.stages)
            except Refused as refused:
                self.refused.add(refused.op)
                if len(self.refused) > 8 + len(self.plan.ops) // 10:
                    return False
                self._build()
                if not self.usable:
                    return False
        return False

    def wait(self) -> None:
        """Return when all that was started is done."""
        for stage in self.stages:
            for variant in stage.variants.values():
                if variant is not None:
                    variant.wait()


def _lists_between(segments: Sequence[Segment]) -> set[Any]:
    """The operations on both sides of what a stage cannot hand over: lists, handles."""
    crossing = [
        tensor
        for segment in segments
        if segment.compiled
        for tensors, kinds in (
            (segment.inputs, ("variant",)),
            (segment.outputs, ("variant", "resource")),
        )
        for tensor in tensors
        if tensor.dtype.name in kinds
    ]
    return {op for t in crossing for op in (t._op, *t._consumers)}


class Refused(Exception):
    """An operation turned out not to be compilable."""

    def __init__(self, op: Operation) -> None:
        super().__init__(op.name)
        self.op = op


class Uncompiled(Exception):
    """A stage turned out not to be compilable, whichever operation is in the way."""


class Stage:
    """One stage: its compiled forms by input shapes, and the interpreted form."""

    def __init__(self, segment: Segment, staged: Staged) -> None:
        self.segment = segment
        self.staged = staged
        self.variants: dict[Any, Any] = {}
        self.static: frozenset[int] = frozenset()
        self.room = _LEAST_ROOM
        self.cells = frozenset(_cells(segment, staged.store).items())
        self._interpreted: Program | None = None

    @property
    def interpreted(self) -> Program:
        """The same operations in tier 0."""
        if self._interpreted is None:
            plan = Plan(self.segment.ops, self.segment.outputs, self.segment.inputs)
            staged = self.staged
            self._interpreted = Program(plan, staged.store, (), staged.constants)
        return self._interpreted

    def __call__(self, *values: object) -> Sequence[Any]:
        """The outputs for the given inputs."""
        if self.cells and any(values[i] is not cell for i, cell in self.cells):
            return self._interpret(values)
        variant = self.variants.get(self._key(values))
        if variant is None:
            variant = self._new(values)
            if variant is None:
                return self._interpret(values)
        try:
            return variant(values)
        except TypeError:
            # a variable has taken another shape or dtype since it was compiled, or is
            # packed with others
            self.variants.clear()
        except Void as void:
            if void.no_room:
                self.room *= 4
                self.variants.clear()
        return self._interpret(values)

    def _interpret(self, values: Sequence[Any]) -> Sequence[Any]:
        """The outputs by tier 0; where the stage fails, its error."""
        return self.interpreted.within(*(_numpy(v) for v in values))

    def _key(self, values: Sequence[Any]) -> Any:
        arrays = values
        if self.cells:
            arrays = [v for v in values if not isinstance(v, Cell)]
        shapes = tuple([v.shape for v in arrays])
        if not self.static:
            return shapes
        return (shapes, *[np.asarray(values[i]).tobytes() for i in self.static])

    def _new(self, values: Sequence[Any]) -> Any:
        """Compile for inputs like these, now or in the background; None for not now."""
        key = self._key(values)
        if key in self.variants or len(self.variants) >= _MOST_VARIANTS:
            return None
        if not self.staged.background:
            try:
                return self._compile(key, values)
            except (Refused, Uncompiled):
                self.variants[key] = None
                return None
        self.variants[key] = None
        in_background(self._compile, key, list(values))
        return None

    def _compile(self, key: Hashable, values: Sequence[Any]) -> Any:
        from retrograd.run.lower import (
            CannotCompile,
            CannotLower,
            NeedsValue,
            NotReady,
            Variant,
        )

        for _ in range(len(values) + 1):
            try:
                variant = Variant(
                    self.segment,
                    self.staged.constants,
                    self.staged.store,
                    values,
                    self.static.union(i for i, _ in self.cells),
                    self.room,
                )
            except NotReady:
                return None
            except NeedsValue as needed:
                added = self._deciding(needed.tensor, values)
                if not added:
                    raise Refused(needed.op) from None
                self.static |= added
                self.variants.clear()
                key = self._key(values)
                continue
            except CannotLower as refused:
                raise Refused(refused.op) from refused
            except CannotCompile as refused:
                raise Uncompiled() from refused
            self.variants[key] = variant
            return variant
        return None

    def _deciding(self, tensor: Tensor, values: Sequence[Any]) -> frozenset[int]:
        """The inputs that decide a tensor's value; none where it is not so simple."""
        places = {t: i for i, t in enumerate(self.segment.inputs)}
        inside = set(self.segment.ops)
        found: set[int] = set()
        pending, seen = [tensor], set()
        while pending:
            current = pending.pop()
            if current in seen or current in self.staged.constants:
                continue
            seen.add(current)
            if current in places:
                place = places[current]
                if np.size(values[place]) > _LARGEST_STATIC_FEED:
                    return frozenset()
                found.add(place)
            elif current._op not in inside or current.dtype._is_ref_dtype:
                return frozenset()
            elif kind_of(current._op.type) is not Kind.SHAPE:
                pending.extend(current._op._inputs)
        return frozenset(found - self.static)

    def prepare(self, fed: dict[Any, Any]) -> bool:
        """Compile for these feeds, where they are all that the stage needs."""
        if not all(t in fed for t in self.segment.inputs):
            return True
        values = [fed[t] for t in self.segment.inputs]
        return self._compile(self._key(values), values) is not None


def _numpy(value: object) -> Any:
    return value if isinstance(value, _HELD) else np.asarray(value)


#: what tier 0 takes as it is
_HELD = (np.ndarray, np.generic, Cell)


def _cells(segment: Segment, store: Store) -> dict[int, Cell]:
    """The inputs of a stage that are variables, which a function takes from outside."""
    found: dict[int, Cell] = {}
    for i, tensor in enumerate(segment.inputs):
        variable = variable_of(tensor) if tensor.dtype.name == "resource" else None
        if variable is not None:
            found[i] = store.cell(variable)
    return found
