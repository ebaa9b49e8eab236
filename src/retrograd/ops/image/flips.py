"""Images mirrored, turned and transposed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.reorder import reverse
from retrograd.ops.array.shape import reshape, transpose
from retrograd.ops.array.shape import shape as shape_of
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.cases import case
from retrograd.ops.image.checks import checked
from retrograd.ops.math.casts import cast
from retrograd.ops.math.unary import round
from retrograd.ops.random.random import random_uniform

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def flip_left_right(image: TensorLike) -> Tensor:
    """An image, or a batch, mirrored along its width.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].

    Raises:
      ValueError: another rank.
    """
    return _flip(image, 1, "flip_left_right")


def flip_up_down(image: TensorLike) -> Tensor:
    """An image, or a batch, mirrored along its height; as `flip_left_right`."""
    return _flip(image, 0, "flip_up_down")


def _flip(image: TensorLike, axis: int, name: str) -> Tensor:
    with name_scope(None, name, [image]):
        image = checked(image)
        rank = image.shape.ndims
        if rank == 3 or rank is None:
            return _as_images(image, reverse(image, [axis]))
        if rank == 4:
            return reverse(image, [axis + 1])
        raise ValueError("'image' must have either 3 or 4 dimensions.")


def _as_images(image: Tensor, result: Tensor) -> Tensor:
    """A result of the shape of the image, which has three axes if that is not known."""
    if image.shape.ndims is None:
        result.set_shape([None] * 3)
    else:
        result.set_shape(image.shape)
    return result


def random_flip_left_right(image: TensorLike, seed: int | None = None) -> Tensor:
    """An image mirrored along its width, or not; each of a batch by itself.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].
      seed: of the random choice.

    Raises:
      ValueError: another rank.
    """
    return _random_flip(image, 1, seed, "random_flip_left_right")


def random_flip_up_down(image: TensorLike, seed: int | None = None) -> Tensor:
    """An image mirrored along its height, or not; as `random_flip_left_right`."""
    return _random_flip(image, 0, seed, "random_flip_up_down")


def _random_flip(image: TensorLike, axis: int, seed: int | None, name: str) -> Tensor:
    with name_scope(None, name, [image]) as scope:
        tensor = checked(image)
        rank = tensor.shape.ndims
        if rank == 3 or rank is None:
            chance: Any = random_uniform([], 0, 1.0, seed=seed)
            found = cond(
                chance < 0.5,
                lambda: reverse(tensor, [axis]),
                lambda: tensor,
                name=scope,
            )
            return _as_images(tensor, found)
        if rank != 4:
            raise ValueError("'image' must have either 3 or 4 dimensions.")
        sizes: Any = shape_of(tensor)
        count = sizes[0]
        drawn = random_uniform([count], 0, 1.0, seed=seed)
        flips: Any = round(reshape(drawn, [count, 1, 1, 1]))
        flips = cast(flips, tensor.dtype)
        flipped = reverse(tensor, [axis + 1])
        rest: Any = 1.0 if tensor.dtype.is_floating else 1
        return flips * flipped + (rest - flips) * tensor


# ---------------------------------------------------------------------- turned


def rot90(
    image: TensorLike, k: int | TensorLike = 1, name: str | None = None
) -> Tensor:
    """Images turned k times by 90 degrees, against the clock.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].
      k: how often: a number or a scalar tensor.
      name: a scope for the operations.

    Raises:
      ValueError: another rank, or `k` is no scalar.
    """
    with name_scope(name, "rot90", [image, k]) as scope:
        tensor = checked(image)
        times: Any = convert_to_tensor(k, "int32", "k")
        times.shape.assert_has_rank(0)
        times = F.FloorMod(times, 4)
        rank = tensor.shape.ndims
        if rank not in (None, 3, 4):
            raise ValueError("'image' must have either 3 or 4 dimensions.")
        first = 1 if rank == 4 else 0
        order = [0, 2, 1, 3] if rank == 4 else [1, 0, 2]

        def once() -> Tensor:
            return transpose(reverse(tensor, [first + 1]), order)

        def twice() -> Tensor:
            return reverse(tensor, [first, first + 1])

        def thrice() -> Tensor:
            return reverse(transpose(tensor, order), [first + 1])

        found = case(
            [
                (F.Equal(times, 1), once),
                (F.Equal(times, 2), twice),
                (F.Equal(times, 3), thrice),
            ],
            default=lambda: tensor,
            exclusive=True,
            name=scope,
        )
        sizes = [None, None] if rank is None else tensor.shape.as_list()
        batch = sizes[:1] if rank == 4 else []
        channels = None if rank is None else sizes[-1]
        found.set_shape([*batch, None, None, channels])
        return found


def transpose_image(image: TensorLike, name: str | None = None) -> Tensor:
    """Images with height and width exchanged.

    Args:
      image: [height, width, channels] or [batch, height, width, channels].
      name: a scope for the operations.

    Raises:
      ValueError: another rank.
    """
    with name_scope(name, "transpose", [image]):
        tensor = checked(image)
        rank = tensor.shape.ndims
        if rank == 3 or rank is None:
            return transpose(tensor, [1, 0, 2], name="transpose")
        if rank == 4:
            return transpose(tensor, [0, 2, 1, 3], name="transpose")
        raise ValueError("'image' must have either 3 or 4 dimensions.")
