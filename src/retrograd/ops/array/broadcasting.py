"""Broadcasting: shapes that go together, and what is repeated along which axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import shapes
from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import ShapeLike, TensorLike


def broadcast_to(
    input: TensorLike, shape: TensorLike, name: str | None = None
) -> Tensor:
    """`input` repeated to `shape` by the rules of broadcasting."""
    return F.BroadcastTo(input, shape, name=name)


def broadcast_dynamic_shape(shape_x: TensorLike, shape_y: TensorLike) -> Tensor:
    """The shape, as a tensor, of an elementwise op on arrays of two shapes."""
    return F.BroadcastArgs(shape_x, shape_y)


def broadcast_static_shape(
    shape_x: ShapeLike, shape_y: ShapeLike
) -> shapes.TensorShape:
    """The static shape of an elementwise op on arrays of two static shapes.

    Raises:
      ValueError: they cannot be broadcast.
    """
    x, y = shapes.as_shape(shape_x), shapes.as_shape(shape_y)
    try:
        return shapes.TensorShape.of(shapes.broadcast(x.raw, y.raw))
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: {x} and {y}") from None


def is_broadcast_compatible(shape_x: ShapeLike, shape_y: ShapeLike) -> bool:
    """Whether an elementwise op may take arrays of two static shapes of known rank."""
    x, y = shapes.as_shape(shape_x), shapes.as_shape(shape_y)
    if x.ndims is None or y.ndims is None:
        return False
    try:
        shapes.broadcast(x.raw, y.raw)
    except ValueError:
        return False
    return True
