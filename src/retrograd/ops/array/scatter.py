"""Values put, or added, at index vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def scatter_nd(
    indices: TensorLike, updates: TensorLike, shape: TensorLike, name: str | None = None
) -> Tensor:
    """Zeros of shape `shape` with `updates` added at index vectors.

    Args:
      indices: int32 or int64, [..., k].
      updates: indices.shape[:-1] + shape[k:]; what meets at one place is summed.
      shape: 1-D, of the dtype of `indices`.
      name: the name of the operation.
    """
    return F.ScatterNd(indices, updates, shape, name=name)


def tensor_scatter_update(
    tensor: TensorLike,
    indices: TensorLike,
    updates: TensorLike,
    name: str | None = None,
) -> Tensor:
    """`tensor` with `updates` at index vectors, the last axis of `indices`."""
    return F.TensorScatterUpdate(tensor, indices, updates, name=name)


def tensor_scatter_add(
    tensor: TensorLike,
    indices: TensorLike,
    updates: TensorLike,
    name: str | None = None,
) -> Tensor:
    """`tensor` with `updates` added at index vectors."""
    return F.TensorScatterAdd(tensor, indices, updates, name=name)


def tensor_scatter_sub(
    tensor: TensorLike,
    indices: TensorLike,
    updates: TensorLike,
    name: str | None = None,
) -> Tensor:
    """`tensor` with `updates` subtracted at index vectors."""
    return F.TensorScatterSub(tensor, indices, updates, name=name)
