"""The same elements elsewhere: tiles, rolls, reversals; the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.declare import F

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, DTypeLike, TensorLike


def tile(input: TensorLike, multiples: TensorLike, name: str | None = None) -> Tensor:
    """`input` repeated `multiples[i]` times along axis i."""
    return F.Tile(input, multiples, name=name)


def roll(
    input: TensorLike, shift: TensorLike, axis: AxisLike, name: str | None = None
) -> Tensor:
    """`input` moved by `shift` along `axis`; what leaves comes back at the start.

    Args:
      input: a tensor of rank 1 at least.
      shift: a scalar, or a vector with a number for each of the axes.
      axis: likewise.
      name: the name of the operation.
    """
    return F.Roll(input, shift, axis, name=name)


def reverse(tensor: TensorLike, axis: AxisLike, name: str | None = None) -> Tensor:
    """`tensor` backwards along the axes in the vector `axis`."""
    return F.ReverseV2(tensor, axis, name=name)


reverse_v2 = reverse


def reverse_sequence(
    input: TensorLike,
    seq_lengths: TensorLike,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """`input`, the first `seq_lengths[i]` elements of sequence i backwards.

    Args:
      input: a tensor.
      seq_lengths: int32 or int64, a number for each sequence.
      seq_axis: the axis along which a sequence runs.
      batch_axis: the axis that numbers the sequences, by default 0.
      name: the name of the operation.
      seq_dim: the older name of `seq_axis`.
      batch_dim: the older name of `batch_axis`.
    """
    return F.ReverseSequence(
        input,
        seq_lengths,
        seq_dim=renamed("seq_axis", seq_axis, "seq_dim", seq_dim),
        batch_dim=renamed("batch_axis", batch_axis, "batch_dim", batch_dim),
        name=name,
    )


def reverse_sequence_v2(
    input: TensorLike,
    seq_lengths: TensorLike,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
) -> Tensor:
    """As `reverse_sequence`."""
    return reverse_sequence(input, seq_lengths, seq_axis, batch_axis, name)


def unravel_index(
    indices: TensorLike, dims: TensorLike, name: str | None = None
) -> Tensor:
    """For positions in the flattened array, their index along each axis.

    Args:
      indices: a position, or a vector of them.
      dims: the shape of the array.
      name: the name of the operation.

    Returns:
      [rank] for one position, [rank, n] for a vector of n.
    """
    return F.UnravelIndex(indices, dims, name=name)


def bitcast(input: TensorLike, type: DTypeLike, name: str | None = None) -> Tensor:
    """The same bits as another type; the last axis makes up for unequal sizes."""
    return F.Bitcast(input, type=type, name=name)
