"""One step of sequences of different lengths, and what all loops over steps share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest, shapes
from retrograd.graph import context
from retrograd.graph.defaults import colocate_with
from retrograd.layers.base import Layer
from retrograd.layers.rnn_cell_base import joined_sizes, static_sizes
from retrograd.layers.rnn_cells import RNNCell
from retrograd.ops.array.fill import range_, zeros
from retrograd.ops.array.join import concat
from retrograd.ops.array.reorder import reverse, reverse_sequence
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import rank, shape, transpose
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control_flow_util import EnableControlFlowV2
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.math.reduce import reduce_max, reduce_min

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, DynamicShape, Structure, TensorLike
    from retrograd.variables.scope import VariableScope


def transpose_batch_time(x: Tensor) -> Tensor:
    """x with its first two axes exchanged, if it has two."""
    static = x.shape
    if static.ndims is not None and static.ndims < 2:
        return x
    order = concat(([1, 0], range_(2, rank(x))), axis=0)
    found = transpose(x, order)
    if static.ndims is not None:
        sizes = static.as_list()
        found.set_shape([sizes[1], sizes[0], *sizes[2:]])
    return found


def backwards(x: Tensor, lengths: TensorLike | None, time: int = 0) -> Tensor:
    """x with its steps backwards; behind the end of a sequence it is as it was.

    Args:
      x: [steps, batch, …], or with the first two exchanged.
      lengths: [batch], how many steps each sequence has, or None where it is all.
      time: which axis the steps are.
    """
    if lengths is None:
        return reverse(x, [time])
    return reverse_sequence(x, lengths, seq_axis=time, batch_axis=1 - time)


def best_effort_batch_size(flat_input: Sequence[Tensor]) -> Any:
    """The size of the batch of tensors [steps, batch, …], a number if it is known.

    Raises:
      ValueError: one has fewer axes.
    """
    for x in flat_input:
        static = x.shape
        if static.ndims is None:
            continue
        if static.ndims < 2:
            raise ValueError(f"Expected input tensor {x} to have rank at least 2")
        size = static.as_list()[1]
        if size is not None:
            return size
    return shape(flat_input[0])[1]


def infer_state_dtype(explicit: DTypeLike | None, state: Structure) -> dtypes.DType:
    """The dtype of outputs: that which is given, or that of all states.

    Raises:
      ValueError: there is no state, or they differ.
    """
    if explicit is not None:
        return dtypes.as_dtype(explicit)
    if not nest.is_sequence(state):
        return state.dtype
    found = [x.dtype for x in nest.flatten(state)]
    if not found:
        raise ValueError("Unable to infer dtype from empty state.")
    if any(dtype != found[0] for dtype in found):
        raise ValueError(
            "State has tensors of different inferred_dtypes. Unable to infer a single "
            "representative dtype."
        )
    return found[0]


def is_keras_cell(cell: object) -> bool:
    """Whether a cell is one of Keras, which takes its state as a list."""
    return (
        isinstance(cell, Layer)
        and not isinstance(cell, RNNCell)
        and not hasattr(cell, "zero_state")
    )


def shape_of_size(size: DynamicShape) -> shapes.TensorShape:
    """What is known of the shape that a size of an output stands for."""
    return shapes.TensorShape(static_sizes([], size))


def zero_outputs(batch_size: Any, sizes: Structure, dtype: DTypeLike) -> Any:
    """Zeros [batch, …] for each size of the outputs."""
    return nest.map_structure(
        lambda size: zeros(joined_sizes(batch_size, size), dtype=dtype), sizes
    )


def cache_in_place(scope: VariableScope) -> None:
    """Let variables of a scope be read where they are used, outside of loops."""
    if context.executing_eagerly():
        return
    if EnableControlFlowV2(context.get_default_graph()):
        return
    if scope.caching_device is None:
        scope.set_caching_device(lambda op: op.device)


def first_state(
    cell: Any,
    state: Structure,
    batch_size: TensorLike,
    dtype: DTypeLike | None,
    missing: str,
) -> Any:
    """The state to begin with: that which is given, or the cell's.

    Raises:
      ValueError: neither state nor dtype is given.
    """
    if state is not None:
        return state
    if not dtype:
        raise ValueError(missing)
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
    return cell.zero_state(batch_size, dtype)


def called(cell: Any, inputs: Structure, state: Structure) -> tuple[Any, Any]:
    """The outputs and the next state of a cell, of Keras or of `tf.nn`."""
    if not is_keras_cell(cell):
        return cell(inputs, state)
    given = state if nest.is_sequence(state) else [state]
    output, new = cell(inputs, given)
    if len(new) == 1 and not nest.is_sequence(state):
        new = new[0]
    return output, new


class Lengths:
    """How many steps each sequence of a batch has.

    Args:
      lengths: [batch].
      zero_output: what comes out behind the end, in the structure of the outputs.
      bounds: the least and the greatest of them, if they are known.
    """

    def __init__(
        self,
        lengths: Tensor,
        zero_output: Structure,
        bounds: tuple[Any, Any] | None = None,
    ) -> None:
        self.lengths = lengths
        self.lowest, self.highest = bounds or (reduce_min(lengths), reduce_max(lengths))
        self.zero_output = zero_output

    def step(
        self,
        time: TensorLike,
        state: Structure,
        call: Callable[[], tuple[Any, Any]],
        skip_conditionals: bool = False,
    ) -> tuple[Any, Any]:
        """A step: behind the end of a sequence, zeros, and the state as it was.

        Args:
          time: which step it is.
          state: the state before it.
          call: gives the outputs and the next state.
          skip_conditionals: whether `call` is called though all sequences have ended.
        """
        before = [*nest.flatten(self.zero_output), *nest.flatten(state)]
        ended = time >= self.lengths

        def computed() -> list[Any]:
            output, new = call()
            nest.assert_same_structure(self.zero_output, output)
            nest.assert_same_structure(state, new)
            return [*nest.flatten(output), *nest.flatten(new)]

        def copied(new: list[Any]) -> list[Any]:
            pairs = zip(before, new, strict=True)
            return [_through(ended, old, x) for old, x in pairs]

        def some_copied() -> list[Any]:
            new = computed()
            return cond(time < self.lowest, lambda: new, lambda: copied(new))

        if skip_conditionals:
            found = copied(computed())
        else:
            found = cond(time >= self.highest, lambda: before, some_copied)
        count = len(before) - len(nest.flatten(state))
        for x, old in zip(found, before, strict=True):
            if hasattr(x, "set_shape"):
                x.set_shape(old.shape)
        return (
            nest.pack_sequence_as(self.zero_output, found[:count]),
            nest.pack_sequence_as(state, found[count:]),
        )


def _through(ended: Any, old: Any, new: Any) -> Any:
    """The old value for sequences that have ended."""
    if isinstance(old, TensorArray) or old.shape.ndims == 0:
        return new
    with colocate_with(new):
        return where(ended, old, new)
