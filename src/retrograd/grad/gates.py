"""Gates: the terms of one operation are there together, or not yet.

What `gate_gradients=True` asks for. A run gives the same numbers without gates; they
are part of the graph that TensorFlow 1.15 builds, which optimizers ask for by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.graph import context, dispatch, opdef
from retrograd.graph.operation import Operation
from retrograd.ops.declare import registry
from retrograd.ops.flow.control import group, with_dependencies

if TYPE_CHECKING:
    from retrograd.typing import Gradient


def gated(op: Operation, found: Sequence[Any], terms: Sequence[Any]) -> list[Any]:
    """The terms of an operation, each behind a gate that waits for all of them.

    An operation with one differentiable input has no gate.

    Args:
      op: the operation that was differentiated.
      found: what its gradient function gave for each input.
      terms: the terms that are wanted; None for the others.
    """
    possible = [
        term is not None or declared
        for term, declared in zip(found, _declared(op, len(found)), strict=True)
    ]
    if sum(possible) < 2:
        return list(terms)
    graph = context.get_default_graph()
    with (
        graph.device(None),
        graph.colocate_with(None, ignore_existing=True),
        dispatch.name_scope("tuple"),
    ):
        ops = {term.op for term in terms if term is not None}
        gate = group(*sorted(ops, key=lambda o: o._id))
        return [
            _behind(gate, term, counts)
            for term, counts in zip(terms, possible, strict=True)
        ]


def _behind(gate: Operation, term: Gradient, counts: bool) -> Any:
    if term is not None:
        return with_dependencies([gate], term)
    if counts:
        # TensorFlow computes terms that nobody wants; those after it keep their names
        context.get_default_graph().unique_name("control_dependency")
    return None


def _declared(op: Operation, count: int) -> list[bool]:
    """For each input, whether a derivative for it is declared."""
    declaration, signature = registry.get(op.type), opdef.lookup(op.type)
    if declaration is None or signature is None or "_gradient_op_type" in op.attrs:
        return [False] * count
    names = [parameter.name for parameter in signature.inputs]
    if len(names) != count:  # a list among the inputs: its terms are all made
        return [False] * count
    # a formula is an equation; other inputs have a symbol only, or a reason
    return ["=" in declaration.notation.get(name, "") for name in names]
