"""How the inputs, attributes and state of an operation meet its kernel.

Which input a kernel is given the value of, which the storage, what of its results goes
where: that follows from the declaration. It is worked out once for an op type, and each
way of running it (`run/interpret.py`, `run/lower.py`, `run/eager.py`, folding in
`static.py`) reads it here; its own is only where values come from.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.dtypes import DType, integers
from retrograd.graph.function import FuncGraph
from retrograd.graph.opdef import ArgDef
from retrograd.graph.operation import Operation
from retrograd.graph.record import Record
from retrograd.ops.traits import Kind

if TYPE_CHECKING:
    from retrograd.ops.declare import Declaration

#: what makes something to call of a function that an attribute holds
Caller = Callable[[FuncGraph], Callable[..., Any]]


class Role(enum.Enum):
    """What a kernel is given for an input tensor."""

    #: its value; of a reference, the value of its variable
    VALUE = enum.auto()
    #: the storage that it refers to; its value, where it refers to none
    CELL = enum.auto()
    #: the value of the variable that it refers to
    READ = enum.auto()
    #: the same; the kernel returns the new one
    UPDATE = enum.auto()


@dataclass(frozen=True, slots=True)
class Binding:
    """How a kernel is called, and what it returns.

    A kernel takes its hidden state, if it has one, then what each input's role says. It
    returns the new state, the new value of each variable that it changes, and its
    outputs; a single one of these as it is, else a tuple.

    Attributes:
      names: for each input tensor, the argument of the signature that it belongs to.
      roles: for each input tensor, what the kernel is given.
      reads: the positions of the inputs whose variable is only read.
      updates: the positions of the inputs whose variable is changed.
      initializes: whether these need not have a value: the kernel is given None then.
      state: whether there is a hidden state.
      changed: how many new values, of the state and of variables, come first in what
        the kernel returns.
      makes: whether each of its outputs is an array that the kernel has made, or is, or
        is a part of, an input or an earlier output.
      returned: the positions of the outputs that follow.
      referring: those of the other outputs: each refers to the first variable that is
        changed.
    """

    names: tuple[str, ...]
    roles: tuple[Role, ...]
    reads: tuple[int, ...]
    updates: tuple[int, ...]
    initializes: bool
    state: bool
    changed: int
    makes: bool
    returned: tuple[int, ...]
    referring: tuple[int, ...]

    def parts(self, results: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        """What a kernel returned: new values, and the outputs in `returned`."""
        count = self.changed + len(self.returned)
        values = (results,) if count == 1 else () if count == 0 else results
        return values[: self.changed], values[self.changed :]


def binding(declaration: Declaration, op: Operation | Record) -> Binding:
    """How the kernel of an operation is called; made once for its op type.

    Where arguments are lists, it is made once for each combination of their lengths.
    """
    op_def, attrs = op._op_def, op.attrs
    key: tuple[int, ...]
    if op_def is None or op_def.name != declaration.name:
        # called by the name of a function: all such have one declaration
        key = (len(op._inputs), len(op._outputs))
    elif op_def.lists:
        key = tuple([_length(attrs[name]) for name in op_def.lists])
    else:
        key = ()
    found = declaration.bindings.get(key)
    if found is None:
        found = declaration.bindings[key] = _described(declaration, op)
    return found


def _described(declaration: Declaration, op: Operation | Record) -> Binding:
    names = tuple(input_names(op))
    roles = tuple(_role(declaration, name) for name in names)
    reads, updates = (
        tuple(i for i, role in enumerate(roles) if role is wanted)
        for wanted in (Role.READ, Role.UPDATE)
    )
    state = declaration.state is not None
    refers = [bool(updates) and is_ref for is_ref in _output_refs(op)]
    return Binding(
        names,
        roles,
        reads,
        updates,
        declaration.traits.initializes,
        state,
        int(state) + len(updates),
        _makes(declaration),
        tuple(i for i, ref in enumerate(refers) if not ref),
        tuple(i for i, ref in enumerate(refers) if ref),
    )


def _makes(declaration: Declaration) -> bool:
    """Whether the kernel knows no arrays but its inputs and those that it makes."""
    if declaration.live is not None or declaration.updates or declaration.cells:
        return False
    if declaration.traits.kind is Kind.CONSTANT:
        return False
    if declaration.pure or declaration.traits.passes is not None:
        return True
    return declaration.state is not None or bool(declaration.reads)


def _role(declaration: Declaration, name: str) -> Role:
    if name in declaration.updates:
        return Role.UPDATE
    if name in declaration.reads:
        return Role.READ
    # a function may be passed a variable, to change it
    if name in declaration.cells or declaration.live is not None:
        return Role.CELL
    return Role.VALUE


def _length(value: int | Sequence[DType]) -> int:
    """The length of a list argument, from the attribute that tells it."""
    return value if isinstance(value, int) else len(value)


def _spread(args: Sequence[ArgDef], attrs: Mapping[str, Any]) -> Iterator[ArgDef]:
    """For each tensor, the argument that it belongs to."""
    for arg in args:
        listed = arg.number_attr or arg.type_list_attr
        yield from [arg] * (_length(attrs[listed]) if listed else 1)


def input_names(op: Operation | Record) -> list[str]:
    """For each input tensor, the name of the argument it belongs to.

    Empty where the op type has no signature.
    """
    if op._op_def is None:
        return [""] * len(op._inputs)
    return [arg.name for arg in _spread(op._op_def.inputs, op.attrs)]


def _output_refs(op: Operation | Record) -> list[bool]:
    """For each output, whether it is a reference."""
    if op._op_def is None:
        return [tensor.dtype._is_ref_dtype for tensor in op._outputs]
    return [arg.is_ref for arg in _spread(op._op_def.outputs, op.attrs)]


# ---------------------------------------------------------------------- keywords


def keywords(
    declaration: Declaration,
    op: Operation | Record,
    given: Mapping[str, Any],
    call: Caller,
) -> dict[str, Any]:
    """What a kernel takes besides arrays: its keyword arguments.

    Besides attributes it may name `n`, the operation; `store`, the session's state; and
    `bound`, which a compiled loop asks how often it turns.

    Args:
      declaration: that of the op.
      op: the operation.
      given: what there is of `store` and `bound`.
      call: makes something to call of an attribute that is a function.

    Raises:
      TypeError: the kernel names something that there is not.
    """
    found: dict[str, Any] = {}
    for name in declaration.wanted:
        if name == "n":
            found[name] = op
        elif name in given:
            found[name] = given[name]
        elif name in op.attrs:
            found[name] = _as_taken(op.attrs[name], call)
        else:
            raise TypeError(f"The kernel of {declaration.name} needs {name}.")
    return found


def _as_taken(value: Any, call: Caller) -> Any:
    """An attribute as kernels take it: NumPy dtypes, and functions to call."""
    if isinstance(value, DType):
        return value.array_dtype
    if isinstance(value, np.ndarray):
        return integers(value)
    if isinstance(value, FuncGraph):
        return call(value)
    if isinstance(value, list) and value:
        if isinstance(value[0], DType):
            return [v.array_dtype for v in value]
        if isinstance(value[0], FuncGraph):
            return [call(v) for v in value]
    return value
