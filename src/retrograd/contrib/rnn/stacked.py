"""Networks of several layers, each of a cell forwards and one backwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.layers.dynamic_rnn import bidirectional_dynamic_rnn
from retrograd.layers.static_rnn import static_bidirectional_rnn
from retrograd.ops.array.join import concat
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ScopeLike, Structure, TensorLike


def _checked(
    cells_fw: Sequence[Any] | None,
    cells_bw: Sequence[Any] | None,
    initial_states_fw: Sequence[Any] | None,
    initial_states_bw: Sequence[Any] | None,
) -> list[tuple[Any, Any, Any, Any]]:
    """The cells and the first states of each layer.

    Raises:
      ValueError: something is no list, or not as long as the others.
    """
    for cells, way in ((cells_fw, "fw"), (cells_bw, "bw")):
        if not cells:
            raise ValueError(
                f"Must specify at least one {way} cell for BidirectionalRNN."
            )
        if not isinstance(cells, list):
            raise ValueError(f"cells_{way} must be a list of RNNCells (one per layer).")
    forward, backward = list(cells_fw or ()), list(cells_bw or ())
    if len(forward) != len(backward):
        raise ValueError("Forward and Backward cells must have the same depth.")
    count = len(forward)
    states: list[Any] = []
    for given, way in ((initial_states_fw, "fw"), (initial_states_bw, "bw")):
        if given is not None and not (isinstance(given, list) and len(given) == count):
            raise ValueError(
                f"initial_states_{way} must be a list of state tensors (one per layer)."
            )
        states.append([None] * count if given is None else given)
    return list(zip(forward, backward, *states, strict=True))


def stack_bidirectional_rnn(
    cells_fw: Sequence[Any] | None,
    cells_bw: Sequence[Any] | None,
    inputs: Sequence[Any],
    initial_states_fw: Sequence[Any] | None = None,
    initial_states_bw: Sequence[Any] | None = None,
    dtype: DTypeLike | None = None,
    sequence_length: TensorLike | None = None,
    scope: ScopeLike = None,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Layers of `static_bidirectional_rnn`, each given the outputs of the one before.

    Args:
      cells_fw, cells_bw: the cells of each layer.
      inputs: a tensor [batch, …] for each step.
      initial_states_fw, initial_states_bw: the states to begin with, of each layer.
      dtype, sequence_length: see `tf.nn.static_rnn`.
      scope: the variable scope, by default `stack_bidirectional_rnn`.

    Returns:
      The outputs of the last layer, and the last states of each.

    Raises:
      ValueError: cells or states are no lists, or not of one length.
    """
    parts = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    found: Any = inputs
    last_forward, last_backward = [], []
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for place, (forward, backward, first, other) in enumerate(parts):
            with variable_scope(f"cell_{place}") as own:
                found, state_fw, state_bw = static_bidirectional_rnn(
                    forward,
                    backward,
                    found,
                    initial_state_fw=first,
                    initial_state_bw=other,
                    sequence_length=sequence_length,
                    dtype=dtype,
                    scope=own,
                )
            last_forward.append(state_fw)
            last_backward.append(state_bw)
    return found, tuple(last_forward), tuple(last_backward)


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any] | None,
    cells_bw: Sequence[Any] | None,
    inputs: Structure,
    initial_states_fw: Sequence[Any] | None = None,
    initial_states_bw: Sequence[Any] | None = None,
    dtype: DTypeLike | None = None,
    sequence_length: TensorLike | None = None,
    parallel_iterations: int | None = None,
    time_major: bool = False,
    scope: ScopeLike = None,
    swap_memory: bool = False,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """Layers of `bidirectional_dynamic_rnn`, each given the outputs of the one before.

    Args:
      cells_fw, cells_bw: the cells of each layer.
      inputs: [batch, steps, n].
      initial_states_fw, initial_states_bw: the states to begin with, of each layer.
      dtype, sequence_length, parallel_iterations, time_major: see `tf.nn.dynamic_rnn`.
      scope: the variable scope, by default `stack_bidirectional_rnn`.
      swap_memory: accepted.

    Returns:
      The outputs of the last layer, and the last states of each.

    Raises:
      ValueError: cells or states are no lists, or not of one length.
    """
    parts = _checked(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    found: Any = inputs
    last_forward, last_backward = [], []
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for place, (forward, backward, first, other) in enumerate(parts):
            with variable_scope(f"cell_{place}"):
                outputs, (state_fw, state_bw) = bidirectional_dynamic_rnn(
                    forward,
                    backward,
                    found,
                    initial_state_fw=first,
                    initial_state_bw=other,
                    sequence_length=sequence_length,
                    dtype=dtype,
                    parallel_iterations=parallel_iterations,
                    time_major=time_major,
                    swap_memory=swap_memory,
                )
                found = concat(outputs, 2)
            last_forward.append(state_fw)
            last_backward.append(state_bw)
    return found, tuple(last_forward), tuple(last_backward)
