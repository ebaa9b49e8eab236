"""Shape functions as wrappers of op types registered them in Python once.

Static shapes come from the declarations of op types; `RegisterShape` is kept for
programs that still call it. The functions here take an operation and give the list of
the shapes of its outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import Tensor

if TYPE_CHECKING:
    from retrograd.typing import TensorLike

ShapeFunction = Callable[[Operation], list[shapes.TensorShape]]


class RegisterShape:
    """Decorator for a shape function; the function is not used.

    Raises:
      TypeError: `op_type` is not a string.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")

    def __call__(self, f: Callable[..., Any]) -> Any:
        return f


def _set_call_cpp_shape_fn(call_cpp_shape_fn: object) -> None:
    """Accepted: shapes are inferred without it."""
    del call_cpp_shape_fn


def set_shape_and_handle_data_for_outputs(op: Operation) -> None:
    """Accepted: shapes are set when the operation is made."""
    del op


def call_cpp_shape_fn(op: Operation, require_shape_fn: bool = True) -> dict[str, Any]:
    """The shapes that were inferred when the operation was made."""
    del require_shape_fn
    protos = [t.shape.as_proto() for t in op.outputs]
    return {"shapes": protos, "handle_data": [None] * len(protos)}


def has_fully_defined_shape(tensor: Tensor) -> bool:
    """Whether rank and every size are known."""
    return shapes.is_full(tensor._shape_raw)


def rank(tensor: TensorLike) -> int | None:
    """The rank of a tensor, if it is one and the rank is known."""
    return tensor._rank() if isinstance(tensor, Tensor) else None


def scalar_shape(unused_op: Operation) -> list[shapes.TensorShape]:
    """One scalar output."""
    del unused_op
    return [shapes.scalar()]


def no_outputs(unused_op: Operation) -> list[shapes.TensorShape]:
    """No output."""
    del unused_op
    return []


def unknown_shape(op: Operation) -> list[shapes.TensorShape]:
    """Nothing is known of any output."""
    return [shapes.unknown_shape() for _ in op.outputs]


def unchanged_shape(op: Operation) -> list[shapes.TensorShape]:
    """One output, like the first input."""
    return [op.inputs[0].shape]


def unchanged_shape_with_rank(rank: int) -> ShapeFunction:
    """One output like the first input, which must have this rank."""
    return lambda op: [op.inputs[0].shape.with_rank(rank)]


def unchanged_shape_with_rank_at_least(rank: int) -> ShapeFunction:
    """One output like the first input, of at least this rank."""
    return lambda op: [op.inputs[0].shape.with_rank_at_least(rank)]


def unchanged_shape_with_rank_at_most(rank: int) -> ShapeFunction:
    """One output like the first input, of at most this rank."""
    return lambda op: [op.inputs[0].shape.with_rank_at_most(rank)]


def is_broadcast_compatible(
    shape_x: shapes.TensorShape, shape_y: shapes.TensorShape
) -> bool:
    """Whether two shapes of known rank broadcast."""
    if shape_x.ndims is None or shape_y.ndims is None:
        return False
    try:
        shapes.broadcast(shapes.raw(shape_x), shapes.raw(shape_y))
    except ValueError:
        return False
    return True
