"""The static shapes of a new operation's outputs, and what its inputs may not be.

The rule of the op's declaration gives the shapes. Which ranks an input may have, and
which length as a vector, is part of the signature (`graph/opdef.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.graph import attributes, opdef
from retrograd.graph.hooks import hooks
from retrograd.graph.operation import Operation
from retrograd.ops.declare import Declaration, Facts, find
from retrograd.ops.infer import invalid
from retrograd.ops.static import asking
from retrograd.ops.traits import Passes


def _infer_shapes(n: Operation) -> None:
    declaration, op_def = find(n.type), n._op_def
    ranked = () if op_def is None else op_def.ranked
    try:
        found = () if declaration is None else declaration.infer(n)
    except ValueError as error:
        assert declaration is not None
        raise _naming_values(declaration, n, error) from None
    except (IndexError, TypeError):  # the rule took another rank for granted
        _check_ranks(n, ranked)
        raise
    if ranked:  # after the rule, which has its own words for some
        _check_ranks(n, ranked)
    outputs = n._outputs
    if declaration is None or not outputs:
        return
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


#: the place of an input, and its lowest and highest rank, and length
_Ranked = tuple[int, int, int, int | None]


def _check_ranks(n: Operation, ranked: Sequence[_Ranked]) -> None:
    """Check that no input has a rank, or as a vector a length, that it may not have.

    Raises:
      ValueError: one has.
    """
    inputs, op_def = n._inputs, n._op_def
    if op_def is not None and op_def.lists:
        ranked = _flat_ranks(n, op_def)
    for place, low, high, length in ranked:
        raw = inputs[place]._shape_raw
        if raw is None:
            continue
        if not low <= len(raw) <= high:
            raise _wrong_rank(n, len(raw), low, high)
        if length is not None and raw[0] not in (None, length):
            raise invalid(n, f"Dimension must be {length} but is {raw[0]}")


def _flat_ranks(n: Operation, op_def: opdef.OpDef) -> list[_Ranked]:
    """What may not have every rank, for a signature with lists."""
    found: list[_Ranked] = []
    place = 0
    for arg in op_def.inputs:
        count = attributes.length(arg, n.attrs)
        if arg.ranks is not None:
            found += [(place + i, *arg.ranks) for i in range(count)]
        place += count
    return found


def _wrong_rank(n: Operation, rank: int, low: int, high: int) -> ValueError:
    bound = f"at least rank {low}" if rank < low else f"at most rank {high}"
    if low == high:
        bound = f"rank {low}"
    return invalid(n, f"Shape must be {bound} but is rank {rank}")


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
