"""Static shapes of a new operation's outputs, by the rule of its declaration."""

from __future__ import annotations

from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.ops.declare import Declaration, Facts, find
from retrograd.ops.static import asking
from retrograd.ops.traits import Passes


def _infer_shapes(n: Operation) -> None:
    declaration = find(n.type)
    if declaration is None:
        return
    try:
        found = declaration.infer(n)
    except ValueError as error:
        raise _naming_values(declaration, n, error) from None
    if not n._outputs:
        return
    outputs = n._outputs
    if found is None or isinstance(found, tuple):
        if len(outputs) == 1:
            outputs[0]._shape_raw = found
        elif found is not None:
            raise ValueError(f"{n.type}: one shape for {len(outputs)} outputs.")
    else:
        given = (found,) if isinstance(found, Facts) else found
        for tensor, shape in zip(outputs, given, strict=True):
            if isinstance(shape, Facts):
                tensor._held, shape = shape.held, shape.shape
            tensor._shape_raw = shape
    if declaration.traits.passes in _HANDING_ON:
        _hand_on(n)


def _naming_values(
    declaration: Declaration, n: Operation, error: ValueError
) -> ValueError:
    """The error of a shape rule again, with the values that the rule had asked for."""
    with asking(n._inputs) as asked:
        try:
            declaration.infer(n)
            while asked.more():
                declaration.infer(n)
        except ValueError as again:
            return again
    return error


#: ops whose outputs stand for what their inputs stand for
_HANDING_ON = (Passes.SAME, Passes.CHECKED)


def _hand_on(n: Operation) -> None:
    """What an input of a passing op stands for, its output stands for too."""
    by_place = n._op_def is not None and n._op_def.inputs[0].is_list
    for i, tensor in enumerate(n._outputs):
        held = n._inputs[i if by_place else 0]._held
        if held is not None:
            tensor._held = held


hooks.provide(infer_shapes=_infer_shapes)
