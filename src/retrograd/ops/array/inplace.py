"""Functions that change rows of a tensor, as TensorFlow's internal module has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.graph.convert import convert_to_tensor
from retrograd.ops.array.shape import expand_dims, reshape, shape
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def _applied(
    op: Callable[..., Tensor], x: TensorLike, i: TensorLike | None, v: TensorLike
) -> Tensor:
    """Change one row, several, or with None for `i` all of a tensor."""
    tensor: Any = convert_to_tensor(x)
    change: Any = convert_to_tensor(v, tensor.dtype.base_dtype)
    if i is None:
        whole = op(reshape(tensor, [1, -1]), [0], reshape(change, [1, -1]))
        return reshape(whole, shape(tensor))
    places: Any = convert_to_tensor(i)
    if places.shape.ndims == 0:
        return op(tensor, reshape(places, [1]), expand_dims(change, 0))
    return op(tensor, places, change)


def alias_inplace_update(x: TensorLike, i: TensorLike | None, v: TensorLike) -> Tensor:
    """`x` with row `i`, several rows or all of it replaced by `v`."""
    return _applied(F.InplaceUpdate, x, i, v)


def alias_inplace_add(x: TensorLike, i: TensorLike | None, v: TensorLike) -> Tensor:
    """`x` with `v` added to row `i`, several rows or all of it."""
    return _applied(F.InplaceAdd, x, i, v)


def alias_inplace_sub(x: TensorLike, i: TensorLike | None, v: TensorLike) -> Tensor:
    """`x` with `v` subtracted from row `i`, several rows or all of it."""
    return _applied(F.InplaceSub, x, i, v)


def inplace_update(x: TensorLike, i: TensorLike | None, v: TensorLike) -> Tensor:
    """As `alias_inplace_update`, of a copy."""
    return alias_inplace_update(F.DeepCopy(x), i, v)


def inplace_add(x: TensorLike, i: TensorLike | None, v: TensorLike) -> Tensor:
    """As `alias_inplace_add`, of a copy."""
    return alias_inplace_add(F.DeepCopy(x), i, v)


def inplace_sub(x: TensorLike, i: TensorLike | None, v: TensorLike) -> Tensor:
    """As `alias_inplace_sub`, of a copy."""
    return alias_inplace_sub(F.DeepCopy(x), i, v)
