"""Initial values that depend on other variables.

All variables are initialized in one run, in no order. So what a variable's initial
value takes from another variable is replaced by that variable's initialized value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph import context, dispatch
from retrograd.graph.names import GraphKeys
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F, find, kind_of
from retrograd.ops.flow.effects import is_storage
from retrograd.ops.traits import Kind

if TYPE_CHECKING:
    from retrograd.variables.variable import Variable


def guarded(scope: str, value: Tensor) -> Tensor:
    """`value`, an initial value, made safe for variables not initialized yet.

    Operations between it and such a variable are made again, with `_` and the name of
    the variable's scope added to their names.

    Raises:
      TypeError: `value` is not a tensor.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"initial_value needs to be a Tensor: {value}")
    replaced: dict[Operation, Operation] = {}
    pending = [value.op]
    while pending:
        op = pending[-1]
        if op in replaced:
            pending.pop()
            continue
        leaf = is_storage(op) or _looks_after(op)
        waiting = [t.op for t in op.inputs if not leaf and t.op not in replaced]
        if waiting:
            pending.extend(reversed(waiting))
            continue
        pending.pop()
        replaced[op] = _replacement(scope, op, replaced)
    return replaced[value.op].outputs[value.value_index]


_try_guard_against_uninitialized_dependencies = guarded


def _replacement(
    scope: str, op: Operation, replaced: dict[Operation, Operation]
) -> Operation:
    if _looks_after(op):
        return op
    if is_storage(op):
        found = _initialized(op)
        return op if found is None else found.op
    inputs = [replaced[t.op].outputs[t.value_index] for t in op.inputs]
    if all(new is old for new, old in zip(inputs, op.inputs, strict=True)):
        return op
    attrs = {k: v for k, v in op.attrs.items() if k != "_class"}
    if "_class" in op.attrs:
        attrs["_class"] = list(op.attrs["_class"])
    name = f"{op.name}_{scope}".replace(":", "_")
    types = [t.dtype for t in op.outputs]
    if kind_of(op.type) is Kind.SWITCH:  # a value goes through it, not a reference
        types = [t.base_dtype for t in types]
        return op.graph.add("Switch", inputs, attrs, name, types)
    return op.graph.add(op.type, inputs, attrs, name, types)


def _looks_after(op: Operation) -> bool:
    """Whether an operation copes with a variable that is not initialized.

    It asks for the variable itself, or for its value at a place of its own; a branch
    takes the initial value instead.
    """
    if kind_of(op.type) is Kind.BRANCH:
        return True
    declaration = find(op.type)
    if declaration is None or any(t.dtype._is_ref_dtype for t in op.outputs):
        return False
    return bool(declaration.reads or declaration.cells)


def _initialized(op: Operation) -> Any:
    """The initialized value of the variable that an operation holds, if it is found."""
    for collection in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
        for variable in op.graph.get_collection(collection):
            if getattr(variable, "name", None) in (op.name, f"{op.name}:0"):
                initialized = getattr(variable, "initialized_value", None)
                return None if initialized is None else initialized()
    return None


def initialized_value(variable: Variable) -> Tensor:
    """The value of a variable, or its initial value as long as it has none.

    It is made of the primitives of version 1's conditional: a function body would be
    given the value of a reference variable, which there may not be.

    Raises:
      ValueError: the variable was found in a graph, its initial value was not.
    """
    from retrograd.variables.updates import is_variable_initialized

    with context.init_scope():
        if context.executing_eagerly():
            return variable.read_value()
        if variable.initial_value is None:
            raise ValueError(f"The initial value of {variable.name} is not known.")
        known = is_variable_initialized(variable)
        with dispatch.name_scope("cond"):
            sides = F.Switch(known, known)
            F.Identity(sides.output_true, name="switch_t")
            F.Identity(sides.output_false, name="switch_f")
            chosen = F.Identity(known, name="pred_id")
            value = variable._read_where(chosen)
            start = variable.initial_value
            graph = context.get_default_graph()
            with graph.colocate_with(start.op, ignore_existing=True):
                start = F.Switch(start, chosen).output_false
            return F.Merge([start, value]).output
