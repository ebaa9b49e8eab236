"""Beams in arrays: several of each sequence, and steps in their parents' order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.contrib.seq2seq.beam_ops import gather_tree
from retrograd.contrib.seq2seq.beam_search_step import known_batch
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.fill import range_
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.grids import sequence_mask
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import (
    expand_dims,
    reshape,
    shape,
    size_along,
    transpose,
)
from retrograd.ops.declare import F
from retrograd.ops.host.printing import Assert
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_max
from retrograd.platform import logs
from retrograd.shapes import TensorShape, dimension_value

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure, TensorLike

_REORDER = (
    "TensorArray reordering expects elements to be reshapable to {} which is "
    "incompatible with the {}. Consider setting reorder_tensor_arrays to False to "
    "disable TensorArray reordering during the beam search."
)


def _tile_batch(t: TensorLike, multiplier: int) -> Any:
    """A tensor with each row `multiplier` times.

    Raises:
      ValueError: its rank is not known, or 0.
    """
    t = convert_to_tensor(t, name="t")
    sizes = shape(t)
    if not t.shape.ndims:
        raise ValueError("t must have statically known rank")
    times: list[Any] = [1] * (t.shape.ndims + 1)
    times[1] = multiplier
    batch = dimension_value(t.shape[0])
    static = batch * multiplier if batch is not None else None
    tiled = tile(expand_dims(t, 1), times)
    tiled = reshape(tiled, concat(([sizes[0] * multiplier], sizes[1:]), 0))
    tiled.set_shape(TensorShape([static]).concatenate(t.shape[1:]))
    return tiled


def tile_batch(t: Structure, multiplier: int, name: str | None = None) -> Any:
    """Tensors with each row several times, one after the other: one for each beam.

    Args:
      t: a structure of tensors [batch, …].
      multiplier: how many times.
      name: the name of the operations.

    Returns:
      The same structure of tensors [batch · multiplier, …].

    Raises:
      ValueError: a rank is not known, or 0.
    """
    with name_scope(name, "tile_batch", [*nest.flatten(t), multiplier]):
        return nest.map_structure(lambda x: _tile_batch(x, multiplier), t)


def gather_tree_from_array(
    t: Tensor, parent_ids: Tensor, sequence_length: TensorLike
) -> Any:
    """Values of each step in the order of the beams that the last step keeps.

    Args:
      t: [steps, batch · beams, …] or [steps, batch, beams, …].
      parent_ids: from which beam of the step before, [steps, batch, beams].
      sequence_length: how many steps beams have, [batch, beams].

    Returns:
      The same shape.
    """
    steps, batch, beams = (size_along(parent_ids, axis) for axis in range(3))
    own = expand_dims(expand_dims(range_(beams), 0), 0)
    own = tile(own, [steps, batch, 1])
    longest = cast(reduce_max(sequence_length, axis=1), dtypes.int32)
    ids = gather_tree(
        step_ids=own,
        parent_ids=parent_ids,
        max_sequence_lengths=longest,
        end_token=beams + 1,
    )
    inside = transpose(sequence_mask(sequence_length, maxlen=steps), perm=[2, 0, 1])
    ids = where(inside, ids, own)
    times = tile(reshape(range_(steps), [-1, 1, 1]), [1, batch, beams])
    rows = tile(reshape(range_(batch), [-1, 1, 1]), [1, steps, beams])
    rows = transpose(rows, perm=[1, 0, 2])
    places = stack([times, rows, ids], -1)
    sizes = shape(t)
    found = gather_nd(reshape(t, [steps, batch, beams, -1]), places)
    return reshape(found, sizes)


def _check_ndims(t: Tensor) -> None:
    """Require that a rank is known.

    Raises:
      ValueError: it is not.
    """
    if t.shape.ndims is None:
        raise ValueError(
            f"Expected tensor ({t}) to have known rank, but ndims == None."
        )


def _check_static_batch_beam_maybe(
    shape: TensorShape, batch_size: int | None, beam_width: int
) -> bool:
    """Whether elements may have beams, by what is known; else it is logged."""
    first = dimension_value(shape[0])
    if batch_size is None or first is None:
        return True
    second = dimension_value(shape[1]) if (shape.ndims or 0) > 1 else None
    apart = first == batch_size and second == beam_width
    if first == batch_size * beam_width and (second is None or apart):
        return True
    wanted = TensorShape([batch_size, beam_width, None])
    logs.warn(_REORDER.format(wanted, f"current shape {shape}"))
    return False


def _check_batch_beam(t: Tensor, batch_size: Tensor, beam_width: int) -> Any:
    """Require when run that the elements of an array have beams."""
    called = t if context.executing_eagerly() else t.name
    text = _REORDER.format(
        "[batch_size, beam_size, -1]", f"dynamic shape of {called} elements"
    )
    sizes = shape(t)
    together = F.Equal(sizes[1], batch_size * beam_width)
    if t.shape.ndims == 2:
        return Assert(together, [text])
    apart = F.LogicalAnd(F.Equal(sizes[1], batch_size), F.Equal(sizes[2], beam_width))
    return Assert(F.LogicalOr(together, apart), [text])


def sorted_array(
    t: Structure,
    parent_ids: Tensor,
    sequence_length: Tensor,
    batch_size: Tensor,
    beam_width: int,
) -> Any:
    """An array of the state stacked, in the order of the beams of the last step.

    What is no array, or cannot have beams, stays as it is; the latter is logged.
    """
    if not isinstance(t, TensorArray):
        return t
    element = t.element_shape
    if not element.ndims:
        said = "<unknown>" if element.ndims is None else element
        logs.warn(
            f"The TensorArray {t.flow.name} in the cell state is not amenable to "
            "sorting based on the beam search result. For a TensorArray to be sorted, "
            "its elements shape must be defined and have at least a rank of 1, but "
            f"saw shape: {said}"
        )
        return t
    if not _check_static_batch_beam_maybe(element, known_batch(batch_size), beam_width):
        return t
    stacked = t.stack()
    with control_dependencies([_check_batch_beam(stacked, batch_size, beam_width)]):
        return gather_tree_from_array(stacked, parent_ids, sequence_length)
