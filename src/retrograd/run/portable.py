"""Part of a graph as a list of array primitives, for small interpreters elsewhere.

The kernels are traced as for tier 1, so there is no second set of them. The primitives
are JAX's own, by name; calls are taken apart, so a listing has no nested functions.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.extend import core

from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import find
from retrograd.ops.flow.effects import bodies_of
from retrograd.ops.traits import Kind
from retrograd.run.interpret import Program
from retrograd.run.lower import CannotLower, NeedsValue, Trace
from retrograd.run.plan import make_plan
from retrograd.run.store import Store

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation

#: dtypes that an interpreter has to know
DTYPES = frozenset(("bool", "int32", "int64", "uint8", "uint32", "float32", "float64"))
#: parameters that say how to compute, or repeat what the arguments and results say
_LEFT_OUT = frozenset(
    (
        "accuracy dtype index_dtype indices_are_sorted is_stable new_dtype "
        "out_sharding precision preferred_element_type sharding unique_indices "
        "update_consts update_jaxpr weak_type"
    ).split()
)


class NotPortable(Exception):
    """Something cannot be listed; the text says what, and why."""


@dataclass(slots=True)
class Listing:
    """What computes some tensors from others.

    A value is known by a number: the inputs first, in their order, then the constants,
    then the results of the equations.

    Attributes:
      inputs: how many inputs there are.
      constants: arrays.
      equations: primitive, parameters, arguments, and the shape and dtype of each
        result.
      outputs: the value of each tensor asked for.
    """

    inputs: int
    constants: list[np.ndarray] = field(default_factory=list)
    equations: list[tuple[str, dict[str, Any], list[int], list[Any]]] = field(
        default_factory=list
    )
    outputs: list[int] = field(default_factory=list)


def listing(
    inputs: Sequence[Tensor], values: Sequence[Any], outputs: Sequence[Tensor]
) -> Listing:
    """List what computes tensors of a graph.

    Args:
      inputs: the tensors that are given.
      values: an array for each: the listing is for their shapes, any numbers.
      outputs: the tensors that are wanted.

    Raises:
      NotPortable: an operation is not a function of arrays, needs a value to be
        compiled, or has a dtype outside `DTYPES`.
    """
    plan = make_plan(outputs, [], inputs)
    for op in plan.ops:
        check(op)
    store = Store()
    known = Program(plan, store).known

    def traced(*arguments: object) -> list[Any]:
        trace = Trace(known, {}, store)
        trace.values.update(zip(inputs, arguments, strict=True))
        trace.run(plan.ops)
        return [trace.value(t) for t in outputs]

    try:
        with jax.enable_x64(True):
            closed = jax.make_jaxpr(traced)(*values)
    except NeedsValue as needed:
        raise NotPortable(
            f"{needed.op.name} ({needed.op.type}) has to know the value of "
            f"{needed.tensor.name} in advance"
        ) from needed
    except CannotLower as refused:
        raise NotPortable(str(refused).split("\n")[0]) from refused
    return _Flat(closed).listing


def check(op: Operation) -> None:
    """Whether an operation is a function of arrays.

    Args:
      op: an operation, or a tape's record.

    Raises:
      NotPortable: it is not, or it calls functions.
    """
    declaration = find(op.type)
    if declaration is not None and declaration.traits.kind is Kind.NOTHING:
        return
    if bodies_of(op):
        raise NotPortable(f"{op.name} ({op.type}) is a loop, a branch or a call")
    if declaration is None or declaration.host or not declaration.pure:
        raise NotPortable(f"{op.name} ({op.type}) is not a function of arrays alone")


class _Flat:
    """Takes a program of JAX's apart into one listing."""

    def __init__(self, closed: Any) -> None:
        self._constants: list[np.ndarray] = []
        self._places: dict[Any, int] = {}
        self._equations: list[Any] = []
        #: the values of constants and results get their numbers at the end
        arguments: list[Any] = [("input", i) for i in range(len(closed.in_avals))]
        for aval in closed.in_avals:
            _known_dtype(aval.dtype, "an input")
        results = self._inside(closed.jaxpr, closed.consts, arguments)
        self.listing = self._numbered(len(arguments), results)

    def _inside(
        self, jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any]
    ) -> list[Any]:
        """Add the equations of a function; what its results are known by."""
        known: dict[Any, Any] = dict(zip(jaxpr.invars, arguments, strict=True))
        for variable, value in zip(jaxpr.constvars, constants, strict=True):
            known[variable] = self._constant(value)

        def read(atom: object) -> Any:
            if isinstance(atom, core.Literal):
                aval: Any = atom.aval
                return self._constant(np.asarray(atom.val, aval.dtype))
            return known[atom]

        for equation in jaxpr.eqns:
            given = [read(v) for v in equation.invars]
            body = _called(equation)
            if body is not None:
                found = self._inside(body.jaxpr, body.consts, given)
            elif equation.primitive.name == "cond":
                found = self._branched(equation, given)
            else:
                found = self._add(equation, given)
            known.update(zip(equation.outvars, found, strict=True))
        return [read(v) for v in jaxpr.outvars]

    def _branched(self, equation: Any, given: list[Any]) -> list[Any]:
        """Both branches, and of their results those that are chosen."""
        which, *arguments = given
        branches = [
            self._inside(body.jaxpr, body.consts, arguments)
            for body in equation.params["branches"]
        ]
        found: list[Any] = []
        for variable, *results in zip(equation.outvars, *branches, strict=True):
            if results.count(results[0]) == len(results):
                found.append(results[0])
                continue
            made = [[list(variable.aval.shape), variable.aval.dtype.name]]
            _known_dtype(variable.aval.dtype, "a branch")
            self._equations.append(("select_n", {}, [which, *results], made))
            found.append(("result", len(self._equations) - 1, 0))
        return found

    def _constant(self, value: object) -> Any:
        array = np.asarray(value)
        _known_dtype(array.dtype, "a constant")
        key = (array.shape, array.dtype.name, array.tobytes())
        place = self._places.setdefault(key, len(self._constants))
        if place == len(self._constants):
            self._constants.append(array)
        return ("constant", place)

    def _add(self, equation: Any, given: list[Any]) -> list[Any]:
        name = equation.primitive.name
        made = []
        for v in equation.outvars:
            _known_dtype(v.aval.dtype, name)
            made.append([list(v.aval.shape), v.aval.dtype.name])
        parameters = {
            key: _plain(name, value)
            for key, value in equation.params.items()
            if key not in _LEFT_OUT and value is not None
        }
        self._equations.append((name, parameters, given, made))
        place = len(self._equations) - 1
        return [("result", place, i) for i in range(len(made))]

    def _numbered(self, inputs: int, results: list[Any]) -> Listing:
        numbers: dict[Any, int] = {("input", i): i for i in range(inputs)}
        for i in range(len(self._constants)):
            numbers["constant", i] = len(numbers)
        equations = []
        for place, (name, parameters, given, made) in enumerate(self._equations):
            equations.append((name, parameters, [numbers[g] for g in given], made))
            for i in range(len(made)):
                numbers["result", place, i] = len(numbers)
        outputs = [numbers[r] for r in results]
        return Listing(inputs, self._constants, equations, outputs)


def _called(equation: Any) -> Any:
    """The function that an equation does nothing but call, if it is a call."""
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        body = equation.params.get(key)
        if isinstance(body, core.ClosedJaxpr):
            return body
    return None


def _known_dtype(dtype: np.dtype[Any], what: str) -> None:
    if np.dtype(dtype).name not in DTYPES:
        raise NotPortable(f"{what} has dtype {np.dtype(dtype).name}")


def _plain(name: str, value: Any) -> Any:
    """A parameter as JSON; nan and infinities are text.

    Raises:
      NotPortable: it is a function.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, np.dtype):
        return value.name
    if hasattr(value, "_fields"):  # before tuples: dimension numbers are both
        return {k: _plain(name, getattr(value, k)) for k in value._fields}
    if hasattr(value, "__dataclass_fields__"):
        fields = value.__dataclass_fields__
        return {k: _plain(name, getattr(value, k)) for k in fields}
    if isinstance(value, tuple | list):
        return [_plain(name, v) for v in value]
    raise NotPortable(f"{name} calls a function")
