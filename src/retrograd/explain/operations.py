"""What explanations ask of an operation, of a graph or of a tape, by its traits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from retrograd.ops.binding import input_names
from retrograd.ops.declare import (
    find,
    gradient_registry,
    kind_of,
    registry,
    traits_of,
)
from retrograd.ops.infer import broadcast, same
from retrograd.ops.traits import Function, Kind, Passes

if TYPE_CHECKING:
    from retrograd.graph.operation import Operation
    from retrograd.graph.tensor import Tensor


def is_a(op: Operation, *kinds: Kind) -> bool:
    """Whether an operation is of one of some kinds."""
    return kind_of(op.type) in kinds


def computes(op: Operation, *functions: Function) -> bool:
    """Whether an operation computes one of some functions."""
    return traits_of(op.type).function in functions


def goes_by_element(op: Operation) -> bool:
    """Whether each element of the result depends on one element of each input."""
    declared = find(op.type)
    return declared is not None and declared.infer in (broadcast, same)


# ---------------------------------------------------------------------- handing on


def source(tensor: Tensor, op: Any) -> Any:
    """The input that an operation hands on as `tensor`; None where it computes.

    Its elements may stand elsewhere or be numbers of another type, and a sign counts
    for nothing. What a placeholder stands for is not what is fed instead.

    Args:
      tensor: an output of the operation.
      op: the operation.
    """
    traits = traits_of(op.type)
    if traits.passes is None:
        return op._inputs[0] if _is_factor(op) else None
    if traits.kind is Kind.PARAMETER or not op._inputs:
        return None
    if traits.passed:
        return op._inputs[input_names(op).index(traits.passed)]
    takes_list = op._op_def.inputs[0].is_list
    return op._inputs[place_of(tensor, op._outputs) if takes_list else 0]


def _is_factor(op: Any) -> bool:
    """Whether an operation multiplies each element of its one input by a number."""
    is_linear = len(op._inputs) == len(traits_of(op.type).linear) == 1
    return is_linear and goes_by_element(op)


def hands_on(op: Operation) -> bool:
    """Whether an operation only hands an input on (see `source`)."""
    return bool(op._outputs) and source(op._outputs[0], op) is not None


def original(tensor: Tensor, op: Operation) -> Any:
    """The input that an operation gives as `tensor`, with its derivative, unchanged.

    None where it does anything to them. Of what reads a variable, the variable.

    Args:
      tensor: an output of the operation.
      op: the operation.
    """
    traits = traits_of(op.type)
    if traits.kind is Kind.READ:
        found = op._inputs[0]
    elif traits.passes is Passes.SAME and not (traits.kind or traits.blocks):
        found = source(tensor, op)
    else:
        return None
    return None if overridden(op) else found


def only_reads(op: Operation) -> bool:
    """Whether an operation gives its input unchanged (see `original`)."""
    return bool(op._outputs) and original(op._outputs[0], op) is not None


def read_from(tensor: Tensor) -> Any:
    """The tensor of a graph that another only reads, or that one itself."""
    while (found := original(tensor, tensor._op)) is not None:
        tensor = found
    return tensor


def place_of(item: object, items: Iterable[Any]) -> int:
    """The position of an object among others, by identity."""
    return next((i for i, other in enumerate(items) if other is item), 0)


# ---------------------------------------------------------------------- gradients


def overridden(op: Operation) -> str:
    """The name of the gradient function that a program gave an operation, or ""."""
    given = op.attrs.get("_gradient_op_type")
    if isinstance(given, bytes):
        given = given.decode()
    if given and given != op.type:
        return given
    if op._gradient_function is not None:
        return getattr(op._gradient_function, "__name__", "a function")
    declared = registry.get(op.type)
    entry = gradient_registry._registry.get(op.type)
    if declared is not None and entry is not None and entry["location"][0]:
        return op.type
    return ""
