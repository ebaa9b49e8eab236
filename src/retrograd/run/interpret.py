"""Tier 0: a plan as straight-line Python over NumPy kernels.

The generated function has one line for each operation, so a traceback's line number
says which operation failed; nothing else is done per operation while it runs.
"""

from __future__ import annotations

import functools
import types
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd import dtypes
from retrograd.arrays import numpy as xp_numpy
from retrograd.arrays.blas import threads
from retrograd.errors import InvalidArgumentError, message
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.binding import Binding, Role, binding, keywords
from retrograd.ops.declare import Declaration, find, kind_of, unprepared
from retrograd.ops.flow.control_ops import DEAD
from retrograd.ops.flow.effects import is_reading, is_storage, variable_of
from retrograd.ops.kernels import refusal_in_graph
from retrograd.ops.traits import Kind, Passes
from retrograd.run.expressions import Written, expression
from retrograd.run.failure import describe
from retrograd.run.plan import Plan, make_plan
from retrograd.run.stages import Segment
from retrograd.run.store import Cell, Store

#: constants larger than this many elements are computed anew in each run
_LARGEST_FOLDED = 1 << 20
#: operations after which a run can hand the interpreter to another thread, as one that
#: compiles: Python looks whether it should in loops and calls, not in straight lines
_PAUSES = 64
#: dtypes of which a value is no array
_HANDLES = frozenset(("resource", "variant"))


#: what runs each function
Functions = dict[FuncGraph, Callable[..., Sequence[Any]]]


#: where an array is handed over to a variable, which otherwise copies it
_NOT_COPIED = types.SimpleNamespace(array=lambda x: x)


class Program:
    """A plan made runnable: `program(values of the feeds)` → values of the fetches.

    Args:
      plan: what to run.
      store: the session's state.
      stages: for the operations that are compiled, at the place of each, what runs
        them: `(segment, run)`, where `run` takes the values of the segment's inputs.
      constants: values that are known already.
      nested: whether this is the body of a function, whose parameters may be the
        storage of variables.
      functions: what runs the functions that are called, if it is shared with others.

    Raises:
      InvalidArgumentError: TensorFlow has no kernel for an operation of the plan.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        stages: Sequence[tuple[Segment, Callable[..., Any] | None]] = (),
        constants: dict[Tensor, Any] | None = None,
        nested: bool = False,
        functions: Functions | None = None,
    ) -> None:
        self.functions: Functions = {} if functions is None else functions
        self.plan = plan
        self.nested = nested
        self.store = store
        self.stages = stages
        self.lines: list[str] = []
        self.line_ops: list[Operation | None] = [None]
        self.scope: dict[str, Any] = {}
        self.names: dict[Tensor, str] = {}
        self.constants: set[Tensor] = set()
        self._written: dict[Tensor, str] = {}
        #: for parameters that are readings of variables, what holds these
        self._cells: dict[Tensor, str] = {}
        # what a Switch may leave without a value
        self._shadow: set[Operation] = set()
        self.scope.update(DEAD=DEAD, PAUSE=(0,), ARRAY=np.asarray, TEXTS=_texts)
        for i, (tensor, value) in enumerate((constants or {}).items()):
            self._bind(tensor, f"h{i}", value)
            self.constants.add(tensor)
        self._given = {"store": store, "bound": None}
        self.call = self._generate()

    def __call__(self, feeds: Sequence[Any]) -> Sequence[Any]:
        """Run the plan once.

        Raises:
          OpError: an operation failed.
        """
        try:
            with np.errstate(all="ignore"):
                results = self.call(*feeds)
        except Exception as error:
            raise self._failure(error) from error.__cause__
        finally:
            if threads.limited:
                threads.restore()
        if self._shadow and any(value is DEAD for value in results):
            return self._with_dead(results)
        return results

    def within(self, *values: object) -> Sequence[Any]:
        """Run the plan as a part of another one, which sets the surroundings up.

        Raises:
          OpError: an operation failed.
        """
        try:
            return self.call(*values)
        except Exception as error:
            raise self._failure(error) from error.__cause__

    @property
    def known(self) -> dict[Tensor, Any]:
        """The tensors that depend on constants only, with their values."""
        return {t: self.scope[self.names[t]] for t in self.constants}

    def _with_dead(self, results: Sequence[Any]) -> Sequence[Any]:
        """Results of which some lie on a side that a Switch did not take: an error."""
        place = next(i for i, value in enumerate(results) if value is DEAD)
        tensor = self.plan.fetches[place]
        raise InvalidArgumentError(
            None,
            None,
            message(
                f"Retval[{place}] does not have value",
                at=f"{tensor.name}, on a branch that was not taken",
            ),
        )

    # ------------------------------------------------------------------ generating

    def _generate(self) -> Callable[..., Any]:
        plan = self.plan
        parameters = []
        letter = "p" if self.nested else "f"
        for i, tensor in enumerate(plan.feeds):
            self.names[tensor] = f"{letter}{i}"
            parameters.append(f"{letter}{i}")
            if self.nested and not tensor.dtype._is_ref_dtype and is_reading(tensor):
                self._read_anew(tensor, f"c_p{i}")
        if self.stages:
            self._emit_stages()
        else:
            last_use = self._last_uses()
            for index, op in enumerate(plan.ops):
                refusal = refusal_in_graph(op) or unprepared(op)
                if refusal is not None:
                    raise refusal
                self._emit(op, index, last_use)
                if index % _PAUSES == _PAUSES - 1:
                    self.lines.append("for _ in PAUSE: pass")
                    self.line_ops.append(None)
        for op in plan.targets:
            if op._outputs and is_reading(op._outputs[0]):
                self.lines.append(self._value(op._outputs[0]))
                self.line_ops.append(op)
        fetched = "".join(self._result(t) + ", " for t in plan.fetches)
        head = f"def run({', '.join(parameters)}):"
        body = [f"    {line}" for line in self.lines]
        text = "\n".join([head, *body, f"    return ({fetched})"])
        exec(compile(text, "<plan>", "exec"), self.scope)
        return self.scope["run"]

    def _read_anew(self, parameter: Tensor, name: str) -> None:
        """Take the value of a parameter from the variable that it is a reading of."""
        variable = variable_of(parameter)
        assert variable is not None
        self.scope[name] = self.store.cell(variable)
        self._cells[parameter] = name

    def _result(self, tensor: Tensor) -> str:
        """An expression for a fetched tensor; a function passes storage through."""
        if not self.nested:
            return self._value(tensor)
        graph = tensor.graph
        if tensor.dtype._is_ref_dtype and isinstance(graph, FuncGraph):
            passed = graph.carries_cells
        else:
            passed = any(tensor is fed for fed in self.plan.feeds)
        return self.names[tensor] if passed else self._value(tensor)

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

    def _emit_stages(self) -> None:
        """One line for each stage, and for each operation between stages."""
        index = 0
        for number, (segment, run) in enumerate(self.stages):
            if run is None:
                for op in segment.ops:
                    self._emit(op, index, {})
                    index += 1
                continue
            arguments = ", ".join(self._value(t) for t in segment.inputs)
            self.scope[f"g{number}"] = run
            left = [f"w{number}_{i}" for i in range(len(segment.outputs))]
            for name, tensor in zip(left, segment.outputs, strict=True):
                self.names[tensor] = name
                if tensor.dtype._is_ref_dtype:
                    self._refer(tensor, name)
            assign = f"{', '.join(left)}, = " if left else ""
            self.lines.append(f"{assign}g{number}({arguments})")
            self.line_ops.append(None)

    def _refer(self, tensor: Tensor, name: str) -> None:
        """Note the value of a reference that comes out of a stage."""
        self._written[tensor] = name
        variable = variable_of(tensor)
        if variable is not None:
            self._bind(tensor, f"c_{len(self.names)}", self.store.cell(variable))

    def _emit(
        self, op: Operation, index: int, last_use: dict[int, list[Tensor]]
    ) -> None:
        if op._outputs and op._outputs[0] in self.constants:
            return
        declaration = find(op.type)
        kind = None if declaration is None else declaration.traits.kind
        if kind is Kind.VARIABLE:
            self._bind(op._outputs[0], f"c{index}", self.store.cell(op))
            return
        if kind is Kind.NOTHING:
            return
        if op._outputs and is_reading(op._outputs[0]):
            return  # looked at where it is used
        if declaration is not None and self._fold(op, declaration, index):
            return
        line = self._line(op, declaration, index)
        guard = self._guard(op)
        if guard or kind is Kind.SWITCH:
            self._shadow.add(op)
        done = [
            n
            for t in last_use.get(index, ())
            # references share the name of their variable's storage
            if not (t.dtype._is_ref_dtype or is_reading(t))
            and (n := self.names.get(t))
            and n not in self.scope
        ]
        if done and not guard:
            line += f"; del {', '.join(done)}"
        if guard:
            self.lines += [f"if {guard}:", f"    {line}"]
            self.line_ops += [op, op]
            names = [self._written.get(t) or self.names[t] for t in op._outputs]
            line = f"else: {' = '.join([*names, 'DEAD'])}"
        self.lines.append(line)
        self.line_ops.append(op)

    def _guard(self, op: Operation) -> str:
        """A condition for running what may lie on a branch that is not taken.

        A Merge needs none: it takes the input that there is.
        """
        if not self._shadow or kind_of(op.type) is Kind.MERGE:
            return ""
        names: dict[str, None] = {}
        for tensor in op._inputs:
            if tensor._op in self._shadow:
                names[self._written.get(tensor) or self.names[tensor]] = None
        before = list(op._control_inputs)
        while before:
            earlier = before.pop()
            if earlier in self._shadow and earlier._outputs:
                tensor = earlier._outputs[0]
                names[self._written.get(tensor) or self.names[tensor]] = None
            elif not earlier._outputs:
                before.extend(earlier._control_inputs)
                before.extend(t._op for t in earlier._inputs if t._op in self._shadow)
        return " and ".join(f"{name} is not DEAD" for name in names)

    def _bind(self, tensor: Tensor, name: str, value: object) -> None:
        self.scope[name] = value
        self.names[tensor] = name

    def _expression(self, op: Operation, declaration: Declaration) -> Written | None:
        """What stands in a line in place of a call of the kernel, if anything does."""
        return expression(op, declaration)

    def _kernel(self, op: Operation, declaration: Declaration) -> Callable[..., Any]:
        """The kernel of an operation with its keyword arguments filled in."""
        named = keywords(declaration, op, self._given, self._function)
        namespace: Any = xp_numpy
        if declaration.traits.initializes and self._handed_over(op._inputs[1]):
            namespace = _NOT_COPIED
        return functools.partial(declaration.kernel, namespace, **named)

    def _handed_over(self, tensor: Tensor) -> bool:
        """Whether a run makes an array for this one use, and nobody else gets it."""
        known = set(self.plan.fetches).union(self.plan.feeds)
        while tensor not in known and self._uses[tensor] == 1:
            declaration = find(tensor._op.type)
            if declaration is None:
                return False
            if declaration.traits.apart:
                return True
            if declaration.traits.passes is not Passes.SAME:
                return False
            tensor = tensor._op._inputs[0]
        return False

    @functools.cached_property
    def _uses(self) -> Counter[Tensor]:
        """How many inputs of operations of the plan each tensor is."""
        return Counter(t for op in self.plan.ops for t in op._inputs)

    def _function(self, body: FuncGraph) -> Callable[..., Any]:
        """A function that an operation calls, as something to call."""
        known = self.functions.get(body)
        if known is None:  # for all calls: they may be as many as powers of two
            known = function(body, self.store, functions=self.functions)
            self.functions[body] = known
        return known

    def _fold(self, op: Operation, declaration: Declaration, index: int) -> bool:
        """Compute an operation on constants now, if it is small and cannot fail."""
        if declaration.traits.kind is not Kind.CONSTANT and not (
            declaration.pure
            and not declaration.host
            and op._inputs
            and all(t in self.constants for t in op._inputs)
            and all(_small(t) for t in op._outputs)
        ):
            return False
        kernel = self._kernel(op, declaration)
        try:
            with np.errstate(all="ignore"):
                values = kernel(*(self.scope[self.names[t]] for t in op._inputs))
        except Exception:  # raised again, with its place, when the plan runs
            return False
        values = binding(declaration, op).parts(values)[1]
        for i, (tensor, value) in enumerate(zip(op._outputs, values, strict=True)):
            self._bind(tensor, f"v{index}_{i}", value)
            self.constants.add(tensor)
        return True

    def _name(self, tensor: Tensor) -> str:
        """The local or global name that holds a tensor; a variable's storage cell."""
        name = self.names.get(tensor)
        if name is None and is_storage(tensor._op):
            name = f"c_{len(self.names)}"
            self._bind(tensor, name, self.store.cell(tensor._op))
        elif name is None and is_reading(tensor):
            read = tensor._op._inputs[0]
            name = self.names[tensor] = self._cells.get(read) or self._name(read)
        return name or self.names[tensor]

    def _value(self, tensor: Tensor) -> str:
        """An expression for the value of a tensor, or what a reference refers to."""
        written = self._written.get(tensor)
        if written is not None:
            return written
        name = self._cells.get(tensor) or self._name(tensor)
        if name[0] != "f" and (tensor.dtype._is_ref_dtype or is_reading(tensor)):
            return f"{name}.read()"
        return name

    def _line(self, op: Operation, declaration: Declaration | None, index: int) -> str:
        if declaration is None:
            self.scope[f"k{index}"] = functools.partial(_missing, op)
            self.names.update((t, f"v{index}_{i}") for i, t in enumerate(op._outputs))
            return f"k{index}()"
        bound = binding(declaration, op)
        inputs = op._inputs
        arguments = [
            self._argument(tensor, declaration)
            if role is Role.VALUE
            else self._stored(role, tensor, bound)
            for role, tensor in zip(bound.roles, inputs, strict=True)
        ]
        cells = [self._name(inputs[i]) for i in bound.updates]
        if declaration.state is not None:
            cell = self.store.hidden(op, declaration.state)
            self.scope[f"s{index}"] = cell
            # of an op that compiles too, the state may be an array of the other library
            held = f"s{index}.held()" if declaration.host else f"s{index}.read()"
            arguments.insert(0, held)
            cells.insert(0, f"s{index}")
        call = self._call(op, declaration, index, arguments)
        return self._assignment(op, index, cells, call, bound)

    def _argument(self, tensor: Tensor, declaration: Declaration) -> str:
        """An expression for what a kernel is given for the value of a tensor.

        A text is made an array.
        """
        text = self._on_host(tensor, self._value(tensor))
        if tensor._dtype is dtypes.string and not declaration.host:
            return f"TEXTS({text})"
        return text

    def _on_host(self, tensor: Tensor, text: str) -> str:
        """An expression for a value as kernels know it: NumPy's arrays and numbers.

        What a stage gives is made one, since the other library's arrays have 32 bits
        outside of it.
        """
        if self.stages and text[0] == "w" and tensor._dtype.name not in _HANDLES:
            return f"ARRAY({text})"
        return text

    def _stored(self, role: Role, tensor: Tensor, bound: Binding) -> str:
        """An expression for what a kernel is given for a variable."""
        if role is Role.CELL:
            if is_reading(tensor):
                return self._value(tensor)
            return self._on_host(tensor, self._name(tensor))
        name = self._name(tensor)
        peeks = role is Role.UPDATE and bound.initializes
        return f"{name}.{'peek' if peeks else 'read'}()"

    def _call(
        self, op: Operation, declaration: Declaration, index: int, arguments: list[str]
    ) -> str:
        """The expression that computes an operation."""
        plain = self._expression(op, declaration)
        if plain is None:
            self.scope[f"k{index}"] = self._kernel(op, declaration)
            return f"k{index}({', '.join(arguments)})"
        self.scope.update(plain.functions)
        return plain.text.format(*arguments)

    def _assignment(
        self, op: Operation, index: int, cells: list[str], call: str, bound: Binding
    ) -> str:
        """A line that puts what a kernel returns where it belongs."""
        left = [f"{cell}.value" for cell in cells]
        for i in bound.returned:
            self.names[op._outputs[i]] = name = f"v{index}_{i}"
            left.append(name)
        if not left:
            return call
        line = f"{', '.join(left)} = {call}"
        for i in bound.referring:
            # its value is the one just written
            self.names[op._outputs[i]] = cells[0]
            self._written[op._outputs[i]] = name = f"v{index}_{i}"
            line += f"; {name} = {cells[0]}.value"
        if cells:
            # all variables of a store share the lock: those of one update change
            # together, and no update is lost, in whichever tier others change them
            return f"with {cells[0]}.lock: {line}"
        return line

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
            values = [v.peek() if isinstance(v, Cell) else v for v in values]
        return describe(error, op, values)


def _texts(value: object) -> Any:
    """Strings as an array: one alone may be `bytes`, as NumPy takes it out of one."""
    return np.array(value, object) if isinstance(value, bytes) else value


def _missing(op: Operation) -> Any:
    raise missing_kernel(op)


def missing_kernel(op: Any) -> Exception:
    """The error of running an op type that has no kernel."""
    from retrograd.errors import UnimplementedError, message

    return UnimplementedError(
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


def function(
    graph: FuncGraph,
    store: Store,
    make: Callable[[Plan, Store], Program] | None = None,
    functions: Functions | None = None,
) -> Callable[..., Sequence[Any]]:
    """A function body as something to call with the values of its inputs.

    Args:
      graph: the body.
      store: the session's state.
      make: makes the program that runs it, by default a `Program`.
      functions: what runs the functions that this one calls, shared with others.
    """
    outputs = list(graph.outputs)
    plan = make_plan(outputs, graph.control_outputs, graph.inputs)
    if make is not None:
        return make(plan, store).within
    return Program(plan, store, nested=True, functions=functions).within
