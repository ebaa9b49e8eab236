"""Tier 1: a stage traced over the same kernels, and compiled by XLA.

The traced function takes the stage's inputs and the variables it uses, and returns its
outputs and the variables it changed; those are donated, so updates are in place.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from retrograd.arrays import numpy as xp_numpy
from retrograd.arrays import xla as xp_jax
from retrograd.arrays.xla import flow, told
from retrograd.errors import message
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.binding import Role, binding, keywords
from retrograd.ops.declare import Declaration, find, kind_of, traits_of
from retrograd.ops.flow.effects import (
    bodies_of,
    is_reading,
    is_storage,
    operations_in,
    variable_of,
)
from retrograd.ops.traits import Kind
from retrograd.run import background, memory
from retrograd.run.arena import Arena, arenas_for, arenas_of
from retrograd.run.constants import Large
from retrograd.run.handover import Handover
from retrograd.run.stages import Segment, Void
from retrograd.run.store import Cell, Store

if TYPE_CHECKING:
    from retrograd.typing import Array, Structure

background.worker.loaded()

#: values worked out while tracing stay NumPy up to this many elements
_LARGEST_STATIC = 4096
#: operations in a row that XLA may fuse: its loops compute a value anew for each place
#: that uses it, and one made of a chain of 1,000 operations that broadcast and reduce
#: would run for seconds
_DEEPEST = 64
#: likewise for operations on single numbers: nothing is computed twice there, but XLA
#: compiles them in a recursion, for which some systems give threads a small stack only
_DEEPEST_SINGLE = 2048 if sys.platform == "linux" else _DEEPEST
#: bytes up to which copying a fed array costs less than waiting for a run that reads it
_LARGEST_COPIED = 1 << 16
#: turns of a loop that are counted in advance, at the most
_MOST_TURNS = 1 << 16
_NUMPY = (np.ndarray, np.generic)
_NO_GATE = contextlib.nullcontext()


class NeedsValue(Exception):
    """Tracing an operation needs the value of a tensor that is not known."""

    def __init__(self, tensor: Tensor, op: Operation) -> None:
        super().__init__(tensor.name)
        self.tensor = tensor
        self.op = op


class CannotLower(Exception):
    """An operation of the stage cannot be compiled."""

    def __init__(self, op: Operation, why: BaseException) -> None:
        super().__init__(f"{op.name} ({op.type}): {type(why).__name__}: {why}")
        self.op = op


class CannotCompile(Exception):
    """XLA does not take a stage whose operations could all be traced."""


class Trace:
    """Runs operations on tracers."""

    def __init__(
        self, constants: dict[Tensor, Any], cells: dict[Cell, Any], store: Store
    ) -> None:
        self.values: dict[Tensor, Any] = dict(constants)
        self.cells = cells
        self.store = store
        self.nested = False
        #: what keeps a void run from changing variables in place
        self.gate: told.Gate | None = None
        #: a 1 that the compiler does not know, given when chains are to be broken
        self.one: Any = None
        #: for loops whose number of turns is known: the variables that decide it, by
        #: position, after the last turn
        self.counted: dict[Operation, dict[int, Any]] = {}
        #: for tensors, the longest way to them since the last break (see `_depth`)
        self.depth: dict[Tensor, float] = {}

    def run(self, ops: Sequence[Operation]) -> None:
        """Trace the operations in order."""
        for op in ops:
            if not _computes(op) or (op._outputs and op._outputs[0] in self.values):
                continue
            try:
                self._one(op)
            except NeedsValue as needed:
                raise _outward(needed, op) from needed
            except CannotLower as refused:
                raise CannotLower(op, refused) from refused
            except Exception as error:
                raise CannotLower(op, error) from error

    def value(self, tensor: Tensor) -> Any:
        """The value of a tensor; of a reference, that of its variable."""
        found = self.values.get(tensor)
        if found is None and is_reading(tensor):
            return self.value(tensor._op._inputs[0])
        if found is None:
            return self.cells[self._cell(tensor)]
        return found

    def _cell(self, tensor: Tensor) -> Cell:
        held = self.values.get(tensor)
        if isinstance(held, Cell):
            return held
        variable = variable_of(tensor)
        if variable is None:
            raise TypeError(f"{tensor.name} refers to no variable that is known")
        return self.store.cell(variable)

    def _one(self, op: Operation) -> None:
        declaration = find(op.type)
        if declaration is None:
            raise NotImplementedError("no kernel")
        arguments, written = self._arguments(op, declaration)
        kernel = self._kernel(op, declaration, arguments)
        with self.gate if written and self.gate else _NO_GATE:
            results = kernel(*arguments)
        if op in self.counted:
            results = self._with_counted(op, results)
        bound = binding(declaration, op)
        new, found = bound.parts(results)
        self.cells.update(zip(written, new, strict=True))
        depth = _depth(op, self.depth)
        for place, value in zip(bound.returned, found, strict=True):
            tensor = op._outputs[place]
            if depth > 1 and self.one is not None and isinstance(value, jax.Array):
                value = _unfused(value, self.one)
            else:
                self.depth[tensor] = depth
            self.values[tensor] = value
        for place in bound.referring:
            self.values[op._outputs[place]] = self.cells[written[0]]

    def _arguments(
        self, op: Operation, declaration: Declaration
    ) -> tuple[list[Any], list[Cell]]:
        arguments: list[Any] = []
        written: list[Cell] = []
        static = declaration.static_inputs(op)
        bound = binding(declaration, op)
        for name, role, tensor in zip(
            bound.names, bound.roles, op._inputs, strict=True
        ):
            if role is Role.UPDATE or role is Role.READ:
                cell = self._cell(tensor)
                if role is Role.UPDATE:
                    if self.nested:
                        raise TypeError("a variable is changed inside a function")
                    written.append(cell)
                arguments.append(self.cells[cell])
            elif tensor.dtype.base_dtype.name == "resource":
                arguments.append(self._cell(tensor))
            else:
                value = self.value(tensor)
                if name in static and not isinstance(value, _NUMPY):
                    raise NeedsValue(tensor, op)
                arguments.append(value)
        if declaration.state is not None:
            if self.nested:
                raise TypeError("an operation with hidden state inside a function")
            cell = self.store.hidden(op, declaration.state)
            arguments.insert(0, self.cells[cell])
            written.insert(0, cell)
        return arguments, written

    def _kernel(
        self, op: Operation, declaration: Declaration, arguments: list[Any]
    ) -> Callable[..., Any]:
        static = declaration.traits.kind is Kind.SHAPE or (
            declaration.pure
            and bool(arguments)
            and all(isinstance(a, _NUMPY) for a in arguments)
            and all(_small(t) for t in op._outputs)
            and not bodies_of(op)
        )
        given = {"bound": functools.partial(self._turns, op, arguments)}
        named = keywords(declaration, op, given, self._function)
        namespace = xp_numpy if static else xp_jax
        return functools.partial(declaration.kernel, namespace, **named)

    def _turns(self, op: Operation, arguments: list[Any]) -> int | None:
        """How often a loop turns, if what decides it is known.

        The variables that decide it are then known after the loop as well.
        """
        part = find(op.type).live  # pyright: ignore[reportOptionalMemberAccess]
        assert part is not None

        def known(*outputs: int) -> bool:
            inputs = part(op, frozenset(outputs)).inputs
            return all(_known(arguments[i]) for i in inputs)

        if not known():
            return None
        counters = (i for i, t in enumerate(op._outputs) if _is_count(t))
        live = part(op, frozenset(i for i in counters if known(i)))
        state: Sequence[Any] = [arguments[i] for i in live.inputs]
        bodies = [live.attrs["cond"], live.attrs["body"]]
        if any(map(_has_state, operations_in(bodies))):
            return None
        from retrograd.run.interpret import function

        goes_on, step = (function(body, self.store) for body in bodies)
        for count in range(_MOST_TURNS):
            if not goes_on(*state)[0]:
                self.counted[op] = dict(zip(live.outputs, state, strict=True))
                return count
            state = step(*state)
        return None

    def _with_counted(self, op: Operation, results: Structure) -> Any:
        known = self.counted.pop(op)
        if len(op._outputs) == 1:
            return known.get(0, results)
        return tuple(known.get(i, value) for i, value in enumerate(results))

    def _function(self, body: FuncGraph) -> Callable[..., Any]:
        from retrograd.run.interpret import Program
        from retrograd.run.plan import make_plan

        plan = make_plan(body.outputs, body.control_outputs, body.inputs)
        constants = Program(plan, self.store).known

        def call(*arguments: object) -> tuple[Any, ...]:
            inner = Trace(constants, self.cells, self.store)
            inner.nested, inner.one = True, self.one
            inner.values.update(zip(body.inputs, arguments, strict=True))
            inner.run(plan.ops)
            return tuple(inner.value(t) for t in body.outputs)

        return call


def _outward(needed: NeedsValue, op: Operation) -> Exception:
    """What to raise for an operation whose function needs a value.

    It is the value of the operation's input that decides the one in the function.
    """
    pending, seen = [needed.tensor], set()
    if needed.tensor.graph is op._graph:
        return needed
    while pending:
        tensor = pending.pop()
        body = tensor._op._graph
        outer = body.outside(tensor) if isinstance(body, FuncGraph) else None
        if outer is not None:
            return NeedsValue(outer, op)
        if tensor not in seen and kind_of(tensor._op.type) is not Kind.SHAPE:
            seen.add(tensor)
            pending.extend(tensor._op._inputs)
    return CannotLower(op, needed)


def _is_count(tensor: Tensor) -> bool:
    return tensor._shape_raw == () and tensor.dtype.is_integer


def _has_state(op: Operation) -> bool:
    return getattr(find(op.type), "state", None) is not None


def _computes(op: Operation) -> bool:
    """Whether an operation does more than hold a variable, read it, or wait."""
    if is_storage(op) or kind_of(op.type) is Kind.NOTHING:
        return False
    return not (op._outputs and is_reading(op._outputs[0]))


def _known(value: Array) -> bool:
    return isinstance(value, _NUMPY)


def _depth(op: Operation, depth: dict[Tensor, float]) -> float:
    """How much of what XLA may fuse there is from the last break to an operation."""
    if traits_of(op.type).whole:
        return 0
    single = all(t._shape_raw == () for t in (*op._inputs, *op._outputs))
    own = 1 / (_DEEPEST_SINGLE if single else _DEEPEST)
    return own + max((depth.get(t, 0) for t in op._inputs), default=0)


def _has_long_chain(ops: Sequence[Operation]) -> bool:
    depth: dict[Tensor, float] = {}
    for op in ops:
        own = _depth(op, depth)
        if own > 1:
            return True
        depth.update((t, own) for t in op._outputs)
    return False


def _unfused(value: object, one: object) -> Any:
    """`value`, in a way that XLA cannot fuse what comes after with what came before.

    A loop that runs `one` times; a barrier would be taken out before fusion.
    """

    def body(carry: Array) -> Any:
        turn, v = carry
        return turn + 1, xp_jax.where(turn == 0, v, xp_jax.zeros_like(v))

    start = (np.int32(0), value)
    return jax.lax.while_loop(lambda carry: carry[0] < one, body, start)[1]


def _small(tensor: Tensor) -> bool:
    raw = tensor._shape_raw
    if raw is None:
        return True
    count = 1
    for size in raw:
        count *= 1 if size is None else size
    return count <= _LARGEST_STATIC


class Variant:
    """A stage compiled for one combination of input shapes and static values.

    Attributes:
      static: which inputs are part of the program, by position; variables are.
      room: turns of a loop that there is room for where their number is not known.
      tells: bits of what a run may tell (see `arrays.xla.told`) in a last result; 0 if
        there is none.
      gated: whether a variable is written to in some places only.
    """

    tells, gated = 0, False

    def __init__(
        self,
        segment: Segment,
        constants: dict[Tensor, Any],
        store: Store,
        examples: Sequence[Any],
        static: frozenset[int],
        room: int,
    ) -> None:
        self.store = store
        self.room = room
        self.static = static
        self.dynamic = [i for i in range(len(segment.inputs)) if i not in static]
        self.all_dynamic = not static
        self._cells(segment, store)
        self.large = Large(constants, (t for op in segment.ops for t in op._inputs))
        self._compile(segment, constants, examples)

    def _cells(self, segment: Segment, store: Store) -> None:
        """Find the variables and hidden states that the stage uses, and changes."""
        used: dict[Cell, None] = {}
        changed: dict[Cell, None] = {}
        for op in segment.ops:
            declaration = find(op.type)
            if declaration is None or is_storage(op):
                continue
            if declaration.state is not None:
                cell = store.hidden(op, declaration.state)
                used[cell] = changed[cell] = None
            roles = binding(declaration, op).roles
            for role, tensor in zip(roles, op._inputs, strict=True):
                stored = tensor.dtype._is_ref_dtype or tensor.dtype.name == "resource"
                if stored or is_reading(tensor):
                    variable = variable_of(tensor)
                    if variable is None:
                        continue
                    cell = store.cell(variable)
                    used[cell] = None
                    if role is Role.UPDATE:
                        changed[cell] = None
        self.unset = [c for c in used if c.value is None]
        read_only = [c for c in used if c not in changed]
        with store.lock:
            arenas = [] if self.unset else arenas_for(changed)
            read_arenas = [a for a in arenas_of(read_only) if a not in arenas]
        packed = {c for arena in (*arenas, *read_arenas) for c in arena.cells}
        loose = [c for c in changed if c not in packed]
        kept = [c for c in read_only if c not in packed]
        self.variables = Handover(store.guard, [*arenas, *loose], [*read_arenas, *kept])

    def _compile(
        self, segment: Segment, constants: dict[Tensor, Any], examples: Sequence[Any]
    ) -> None:
        fixed = {segment.inputs[i]: _as_known(examples[i]) for i in sorted(self.static)}
        known = {t: v for t, v in constants.items() if t not in self.large}
        if self.unset:
            # initialized, or found missing, by the interpreted stage
            raise NotReady()
        long = _has_long_chain(segment.ops)

        def traced(void: Any, *arguments: Any) -> tuple[Any, ...]:
            values, rest = self._unpack(arguments)
            trace = Trace({**known, **fixed}, values, self.store)
            trace.values.update(self._constants(rest))
            rest = rest[len(self.large.arrays) :]
            if long:
                trace.one, *rest = rest
            places = [segment.inputs[i] for i in self.dynamic]
            trace.values.update(zip(places, rest, strict=True))
            before = arguments[: len(self.variables.changed)]
            gate = trace.gate = told.Gate(void, before)
            with flow.room(self.room), told.collecting() as found:
                trace.run(segment.ops)
            outputs = [trace.value(t) for t in segment.outputs]
            packed = self._packed(trace.cells)
            self.tells, self.gated = found.bits, gate.needed
            if not found.bits:
                return (*packed, *outputs)
            void = found.merged()
            return (*gate.chosen(void, before, packed), *outputs, void)

        with jax.enable_x64(True):
            self.consts = [jax.device_put(array) for array in self.large.arrays]
            if long:
                self.consts.append(jax.device_put(np.int32(1)))
            with self.store.lock:
                cells = [_aval(value) for value in self.variables.state()]
            inputs = [examples[i] for i in self.dynamic]
            shapes = [*cells, *(_aval(v) for v in (*self.consts, *inputs))]
            options = xp_jax.compiler_options(sum(map(_computes, segment.ops)))
            self.compiled = _compiled(
                lambda: self._traced(traced, shapes, len(inputs)), options
            )
        self._settle()
        # 64-bit NumPy arguments are halved unless the mode is on during the call
        self.wide = any(np.dtype(s.dtype).itemsize == 8 for s in shapes)

    def _traced(
        self, function: Callable[..., Any], shapes: Sequence[Any], inputs: int
    ) -> Any:
        """A stage as JAX has traced it; `function` takes first what the run tells."""
        jitted = functools.partial(
            jax.jit,
            donate_argnums=tuple(range(len(self.variables.changed))),
            **_shardings(self.store.devices, len(shapes) - inputs, shapes),
        )
        found = jitted(functools.partial(function, None)).trace(*shapes)
        if self.tells and self.gated:
            tied = told.tied(function, shapes)
            if tied is not None:
                return jitted(tied).trace(*shapes)
        return found

    def _settle(self) -> None:
        """Let go of what compiling took, and hold on to what each run will take."""
        used = self.compiled.memory_analysis()
        if used is not None and jax.default_backend() == "cpu":
            memory.keep(used.temp_size_in_bytes)
        memory.give_back()

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        """Run on the given inputs; the outputs, as device arrays.

        Raises:
          Void: it does not count; no variable has changed.
        """
        dynamic = values if self.all_dynamic else [values[i] for i in self.dynamic]
        lent = [v for v in dynamic if _lent(v)]
        waits = any(v.nbytes > _LARGEST_COPIED for v in lent)
        if lent and not waits:
            dynamic = [v.copy() if _lent(v) else v for v in dynamic]
        rest = (*self.consts, *dynamic)
        try:
            if self.wide:
                with jax.enable_x64(True):
                    results = self.variables(self.compiled, rest)
            else:
                results = self.variables(self.compiled, rest)
            if waits:
                jax.block_until_ready(results)
            void = int(np.asarray(results[-1])) if self.tells else 0
        except jax.errors.JaxRuntimeError as error:
            # there was no memory, most likely; tier 0 says for what
            raise Void(False) from error
        if void:
            raise Void(bool(void & told.NO_ROOM))
        return results[len(self.variables.changed) : -1 if self.tells else None]

    def _unpack(
        self, arguments: Sequence[Any]
    ) -> tuple[dict[Cell, Any], Sequence[Any]]:
        """The value of each cell, and the arguments that are not variables."""
        held = self.variables.held
        values: dict[Cell, Any] = {}
        for place, whole in zip(held, arguments, strict=False):
            if isinstance(place, Arena):
                for cell, slot in zip(place.cells, place.slots, strict=True):
                    values[cell] = slot.of(whole)
            else:
                values[place] = whole
        return values, arguments[len(held) :]

    def _constants(self, arguments: Sequence[Any]) -> dict[Tensor, Any]:
        """The large constants, given the arguments that begin with those passed."""
        large = self.large
        values = {t: xp_jax.full(s, e) for t, (e, s) in large.repeated.items()}
        values.update((t, arguments[place]) for t, place in large.places.items())
        return values

    def _packed(self, cells: dict[Cell, Any]) -> list[Any]:
        """The changed variables, as results."""
        return [
            xp_jax.concatenate([xp_jax.reshape(cells[c], (-1,)) for c in place.cells])
            if isinstance(place, Arena)
            else cells[place]
            for place in self.variables.changed
        ]

    def wait(self) -> None:
        """Return when the changes to variables are done."""
        self.variables.wait()


def _compiled(traced: Callable[[], Any], options: dict[str, Any]) -> Any:
    """A stage in its compiled form, given what traces it.

    Raises:
      CannotCompile: XLA does not take it.
    """
    try:
        return traced().lower().compile(options)
    except (CannotLower, NeedsValue):
        raise
    except Exception as error:
        raise CannotCompile(*error.args) from error


def _lent(value: Array) -> bool:
    """Whether XLA may read the caller's own memory while the run is still going on.

    It takes NumPy arrays that are aligned to 64 bytes without a copy, and may return
    before it is done: always where the program has started XLA itself, or on an
    accelerator. The caller is free to change the array once `Session.run` has returned.
    """
    return type(value) is np.ndarray and (
        value.__array_interface__["data"][0] % 64 == 0
    )


def _shardings(devices: int, replicated: int, shapes: Sequence[Any]) -> dict[str, Any]:
    """Where the arguments of a stage are, for `jax.jit`.

    The first `replicated` (variables, constants) are on every device; inputs are split
    along their first axis where it divides.

    Raises:
      ValueError: there are not so many devices.
    """
    if devices == 1:
        return {}
    found = jax.devices()
    if len(found) < devices:
        raise ValueError(
            message(
                f"{devices} devices are asked for, {len(found)} are there.",
                fix="retrograd.run.mesh.host_devices(n) at the start of the program",
            )
        )
    mesh = jax.sharding.Mesh(np.array(found[:devices]), ("batch",))
    everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    places = [everywhere] * replicated
    for shape in shapes[replicated:]:
        divides = bool(shape.shape) and shape.shape[0] % devices == 0
        places.append(split if divides else everywhere)
    return {"in_shardings": tuple(places), "out_shardings": everywhere}


def _as_known(value: object) -> np.ndarray | Cell:
    """What an input is while tracing whose value is a part of the program."""
    return value if isinstance(value, Cell) else np.asarray(value)


class NotReady(Exception):
    """A variable that the stage uses is not initialized yet."""


def _aval(value: Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(value), value.dtype)
