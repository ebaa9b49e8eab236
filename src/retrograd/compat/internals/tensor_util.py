"""What programs ask about protocol messages of tensors and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message


def ShapeEquals(tensor_proto: Message, shape: Any) -> bool:
    """Whether a TensorProto has the given shape (a list, a tuple or a message).

    Raises:
      TypeError: either argument is of another type.
    """
    if not isinstance(tensor_proto, protos.message("tensor.TensorProto")):
        raise TypeError("tensor_proto is not a tensor_pb2.TensorProto object")
    if hasattr(shape, "unknown_rank"):
        shape = [d.size for d in shape.dim]
    elif not isinstance(shape, (list, tuple)):
        raise TypeError("shape is not a list or tuple")
    sizes = [d.size for d in tensor_proto.tensor_shape.dim]
    return all(x == y for x, y in zip(sizes, shape, strict=False))


def TensorShapeProtoToList(shape: Any) -> list[int]:
    """The sizes that a TensorShapeProto holds; −1 for one that is not known."""
    return [d.size for d in shape.dim]
