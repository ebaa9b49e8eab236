"""Variables as ops: their storage, reading, and every way of changing them.

A reference variable is a tensor of a `_ref` dtype, a resource variable a handle; both
stand for a cell of the session's store. A kernel whose input is listed under `updates`
is given the variable's value and returns the new one; arrays are never changed in
place.
"""

from __future__ import annotations

from typing import Any

from retrograd import dtypes
from retrograd.graph.convert import is_eager_tensor
from retrograd.graph.function import FuncGraph
from retrograd.graph.tensor import RawShape, Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F


def handle_data(handle: Tensor) -> tuple[RawShape, Any] | None:
    """Shape and dtype of the variable that a resource tensor stands for, if known."""
    while True:
        known = handle.__dict__.get("_handle_data")
        if known is not None or is_eager_tensor(handle):
            return known
        n = handle._op
        if n.type == "VarHandleOp":
            return n.attrs["shape"], n.attrs["dtype"]
        outer = _outside(handle)
        if outer is not None:
            handle = outer
        elif n.type in ("Identity", "IdentityN", "Switch"):
            handle = n._inputs[handle.value_index if n.type == "IdentityN" else 0]
        else:
            return None


def copy_handle_data(source_t: Tensor, target_t: Tensor) -> None:
    """Make what is known of the variable behind one handle known of another."""
    target_t.__dict__["_handle_data"] = handle_data(source_t)


def _outside(handle: Tensor) -> Tensor | None:
    """What a parameter of a function body stands for, where it is a captured tensor."""
    graph = handle._op._graph
    return graph.outside(handle) if isinstance(graph, FuncGraph) else None


def variable_shape(handle: Tensor, out_type: Any = dtypes.int32) -> Any:
    """The shape of the variable behind a handle: a constant where it is known."""
    known = handle_data(handle)
    if known is None or known[0] is None or None in known[0]:
        return F.VariableShape(handle, out_type=out_type)
    return constant(list(known[0]), out_type)
