"""Loops with the words and strictness of TensorFlow's second implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.graph import dispatch
from retrograd.graph.function import FuncGraph
from retrograd.graph.operation import Operation
from retrograd.ops.flow.loops import Loop, unpacked

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Structure,
    shape_invariants: Structure = None,
    parallel_iterations: int = 10,
    maximum_iterations: TensorLike | None = None,
    name: str | None = None,
    return_same_structure: bool = True,
    back_prop: bool = True,
) -> Any:
    """Repeat `body` while `cond` holds (see `loops.while_loop`)."""
    loop = Loop(cond, body, loop_vars, shape_invariants, maximum_iterations, True)
    with dispatch.name_scope(name or "while") as scope:
        result = loop.build(scope, parallel_iterations, back_prop)
    return result if return_same_structure else unpacked(result, True)


def _get_graph(while_op: Operation, func_attr_name: str) -> FuncGraph:
    """A function of a loop: "cond" or "body"."""
    return while_op.attrs[func_attr_name]
