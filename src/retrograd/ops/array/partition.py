"""Rows dealt out by number, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrograd.graph.tensor import Tensor
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def dynamic_partition(
    data: TensorLike,
    partitions: TensorLike,
    num_partitions: int,
    name: str | None = None,
) -> list[Tensor]:
    """The rows of `data` that belong to each partition.

    Args:
      data: a tensor whose shape starts with that of `partitions`.
      partitions: int32, in [0, num_partitions).
      num_partitions: how many there are.
      name: the name of the operation.
    """
    return F.DynamicPartition(
        data, partitions, num_partitions=num_partitions, name=name
    )


def dynamic_stitch(
    indices: Sequence[TensorLike], data: Sequence[TensorLike], name: str | None = None
) -> Tensor:
    """Rows of several tensors, each at its place in the whole.

    Args:
      indices: a list of int32 tensors.
      data: a list of tensors whose shapes start with those of the indices.
      name: the name of the operation.
    """
    return F.DynamicStitch(indices, data, name=name)


def parallel_dynamic_stitch(
    indices: Sequence[TensorLike], data: Sequence[TensorLike], name: str | None = None
) -> Tensor:
    """As `dynamic_stitch`, where no index occurs twice."""
    return F.ParallelDynamicStitch(indices, data, name=name)
