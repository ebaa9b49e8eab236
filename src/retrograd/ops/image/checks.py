"""What functions on images ask of them before they do anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.array.join import unstack
from retrograd.ops.array.shape import rank
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.host.checks import assert_greater_equal, assert_positive
from retrograd.ops.host.printing import Assert

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def sizes_of(image: Tensor, count: int) -> list[Any]:
    """The sizes of an image: numbers where they are known, else scalar tensors."""
    if image.shape.is_fully_defined():
        return image.shape.as_list()
    known = image.shape.with_rank(count).as_list()
    read = unstack(shape_of(image), count)
    return [r if k is None else k for k, r in zip(known, read, strict=True)]


def assert_rank_3(image: Tensor) -> list[Any]:
    """Assertions that an image has three axes, none of them empty.

    Raises:
      ValueError: it is known that it has not.
    """
    try:
        known = image.shape.with_rank(3)
    except ValueError:
        raise ValueError(
            f"'image' (shape {image.shape}) must be three-dimensional."
        ) from None
    if any(size == 0 for size in known.as_list()):
        raise ValueError(f"all dims of 'image.shape' must be > 0: {known}")
    if known.is_fully_defined():
        return []
    text = "all dims of 'image.shape' must be > 0."
    return [assert_positive(shape_of(image), [text])]


def assert_rank_at_least_3(image: Tensor) -> list[Any]:
    """Assertions that images have three axes or more, the last three not empty.

    Raises:
      ValueError: it is known that they have not.
    """
    text = "'image' must be at least three-dimensional."
    try:
        if image.shape.ndims is None:
            known = image.shape.with_rank(3)
        else:
            known = image.shape.with_rank_at_least(3)
    except ValueError:
        raise ValueError(text) from None
    if any(size == 0 for size in known.as_list()):
        raise ValueError(f"all dims of 'image.shape' must be > 0: {known}")
    if known.is_fully_defined():
        return []
    inner = shape_of(image)[-3:]
    return [
        assert_positive(inner, ["inner 3 dims of 'image.shape' must be > 0."]),
        assert_greater_equal(rank(image), 3, message=text),
    ]


def checked(image: TensorLike) -> Tensor:
    """Images as a tensor, of three axes or more."""
    tensor = convert_to_tensor(image, name="image")
    return with_dependencies(assert_rank_at_least_3(tensor), tensor)


def require(condition: object, text: str) -> list[Any]:
    """An assertion: made now where the condition is known, else left to the run.

    Raises:
      ValueError: it is known not to hold.
    """
    if hasattr(condition, "dtype"):
        return [Assert(condition, [text])]  # pyright: ignore[reportArgumentType]
    if not condition:
        raise ValueError(text)
    return []


def batched(image: TensorLike, text: str) -> tuple[Tensor, bool]:
    """Images of four axes, and whether they have been given one for the batch.

    Args:
      image: one image or a batch; where the rank is not known it is one.
      text: what to say where it is neither.

    Raises:
      ValueError: neither three nor four axes.
    """
    from retrograd.ops.array.shape import expand_dims

    tensor = convert_to_tensor(image, name="image")
    count = tensor.shape.ndims
    if count is None:
        tensor = expand_dims(tensor, 0)
        tensor.set_shape([None] * 4)
        return tensor, True
    if count == 3:
        return expand_dims(tensor, 0), True
    if count != 4:
        raise ValueError(text)
    return tensor, False
