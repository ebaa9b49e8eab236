"""Which version of control flow a program asked for, and kinds of primitive ops.

Branches and loops are always functions here. The version decides what TensorFlow 1.15
says and accepts where its two implementations differ.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from retrograd.graph.function import function_body_of

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.graph.operation import Operation


#: the attribute of a branch or loop of version 1 whose condition is not known to be a
#: scalar, which it has to be
CHECKED = "_scalar_condition"

ENABLE_CONTROL_FLOW_V2 = any(
    os.environ.get(f"TF_ENABLE_{name}", "0") != "0"
    for name in ("CONTROL_FLOW_V2", "COND_V2", "WHILE_V2", "TENSOR_ARRAY_V2")
)
_EXPERIMENTAL_OUTPUT_ALL_INTERMEDIATES_OVERRIDE: bool | None = None


def output_all_intermediates(state: bool | None) -> None:
    """Accepted: what a gradient needs of a branch or loop is added when it is made."""
    global _EXPERIMENTAL_OUTPUT_ALL_INTERMEDIATES_OVERRIDE
    _EXPERIMENTAL_OUTPUT_ALL_INTERMEDIATES_OVERRIDE = state


def enable_control_flow_v2() -> None:
    """Take the second version's side where the two differ."""
    global ENABLE_CONTROL_FLOW_V2
    ENABLE_CONTROL_FLOW_V2 = True


def disable_control_flow_v2() -> None:
    """Take the first version's side where the two differ."""
    global ENABLE_CONTROL_FLOW_V2
    ENABLE_CONTROL_FLOW_V2 = False


def control_flow_v2_enabled() -> bool:
    """Whether the second version is in force: always so inside a function."""
    from retrograd.graph import context

    return EnableControlFlowV2(context.get_default_graph())


def EnableControlFlowV2(graph: Graph) -> bool:
    """Whether the second version is in force in `graph`."""
    if ENABLE_CONTROL_FLOW_V2:
        return True
    body = function_body_of(graph)
    return body is not None and not getattr(body, "is_legacy", False)


def IsSwitch(op: Operation) -> bool:
    """Whether `op` is a Switch."""
    return op.type in ("Switch", "RefSwitch")


def IsMerge(op: Operation) -> bool:
    """Whether `op` is a Merge."""
    return op.type in ("Merge", "RefMerge")


def IsLoopEnter(op: Operation) -> bool:
    """Whether `op` is an Enter."""
    return op.type in ("Enter", "RefEnter")


def IsLoopExit(op: Operation) -> bool:
    """Whether `op` is an Exit."""
    return op.type in ("Exit", "RefExit")


def IsLoopConstantEnter(op: Operation) -> bool:
    """Whether `op` brings a loop invariant into a loop."""
    return IsLoopEnter(op) and bool(op.attrs["is_constant"])


def GraphOrParentsInXlaContext(graph: Graph) -> bool:
    """Whether an XLA context is in force; there are none here."""
    del graph
    return False
