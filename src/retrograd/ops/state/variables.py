"""Variables as ops: their storage, reading, and every way of changing them.

A reference variable is a tensor of a `_ref` dtype, a resource variable a handle; both
stand for a cell of the session's store. A kernel whose input is listed under `updates`
is given the variable's value and returns the new one; arrays are never changed in
place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import dtypes, shapes
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike


def copy_handle_data(source_t: Tensor, target_t: Tensor) -> None:
    """Make what is known of the variable behind one handle known of another."""
    target_t._held = source_t._held


def variable_shape(handle: Tensor, out_type: DTypeLike = dtypes.int32) -> Tensor:
    """The shape of the variable behind a handle: a constant where it is known."""
    raw = None if handle._held is None else handle._held.shape
    if shapes.is_full(raw):
        return constant(list(raw), out_type)
    return F.VariableShape(handle, out_type=out_type)
