"""Cells called for each step of a list: `tf.nn.static_rnn` and its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest, shapes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.layers.rnn_cell_base import assert_like_rnncell, set_static_sizes
from retrograd.layers.rnn_steps import (
    Lengths,
    backwards,
    cache_in_place,
    called,
    first_state,
    infer_state_dtype,
    zero_outputs,
)
from retrograd.ops.array.identity import identity
from retrograd.ops.array.join import concat, stack, unstack
from retrograd.ops.array.shape import shape
from retrograd.ops.math.casts import cast
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, ScopeLike, Structure, TensorLike


def static_rnn(
    cell: Any,
    inputs: Sequence[Any],
    initial_state: Structure = None,
    dtype: DTypeLike | None = None,
    sequence_length: TensorLike | None = None,
    scope: ScopeLike = None,
) -> tuple[list[Any], Any]:
    """Call a cell for each step of a list, with a copy of its operations for each.

    Args:
      cell: a cell of `tf.nn.rnn_cell`, or of Keras.
      inputs: a tensor [batch, …] for each step.
      initial_state: the state before the first step; by default the cell's zeros.
      dtype: of that state, where it is not given.
      sequence_length: [batch], how many steps each has; behind them outputs are 0, and
        the state stays.
      scope: the variable scope, by default `rnn`.

    Returns:
      The outputs of each step, and the last state.

    Raises:
      TypeError: `cell` is none, or `inputs` no list.
      ValueError: no inputs, no state and no dtype, or shapes that do not fit.
    """
    assert_like_rnncell("cell", cell)
    _check_inputs(inputs)
    outputs: list[Any] = []
    with variable_scope(scope or "rnn") as own:
        cache_in_place(own)
        known = _static_batch(inputs)
        batch_size = shape(nest.flatten(inputs)[0])[0] if known is None else known
        state = first_state(
            cell,
            initial_state,
            batch_size,
            dtype,
            "If no initial_state is provided, dtype must be specified",
        )
        ended = None
        if sequence_length is not None:
            lengths = convert_to_tensor(sequence_length, name="sequence_length")
            if lengths.shape.ndims not in (None, 1):
                raise ValueError(
                    "sequence_length must be a vector of length batch_size"
                )
            kind = infer_state_dtype(dtype, state)
            blank = zero_outputs(batch_size, cell.output_size, kind)
            for x, size in zip(
                nest.flatten(blank), nest.flatten(cell.output_size), strict=True
            ):
                set_static_sizes(x, known, size)
            ended = Lengths(cast(lengths, dtypes.int32), blank)
        for time, x in enumerate(inputs):
            if time > 0:
                own.reuse_variables()

            def call(x: Structure = x, state: Structure = state) -> tuple[Any, Any]:
                return called(cell, x, state)

            output, state = call() if ended is None else ended.step(time, state, call)
            outputs.append(output)
    return outputs, state


def _check_inputs(inputs: object) -> None:
    if not nest.is_sequence(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")


def _static_batch(inputs: Sequence[Any]) -> int | None:
    """The size of the batch, if it is known.

    Raises:
      ValueError: sizes differ, or another size than that of the batch is not known.
    """
    flat = nest.flatten(inputs)
    if flat[0].shape.ndims == 1:
        return flat[0].shape.as_list()[0]
    found = flat[0].shape.with_rank_at_least(2)[0]
    for x in flat:
        static = x.shape.with_rank_at_least(2)
        found = found.merge_with(static[0])
        for place, size in enumerate(static.as_list()[1:]):
            if size is None:
                raise ValueError(
                    f"Input size (dimension {place} of inputs) must be accessible via "
                    "shape inference, but saw value None."
                )
    return shapes.dimension_value(found)


def static_state_saving_rnn(
    cell: Any,
    inputs: Sequence[Any],
    state_saver: Any,
    state_name: Structure,
    sequence_length: TensorLike | None = None,
    scope: ScopeLike = None,
) -> tuple[list[Any], Any]:
    """As `static_rnn`, from states that are kept, and which are kept again.

    Args:
      cell: a cell of `tf.nn.rnn_cell`.
      inputs: a tensor [batch, …] for each step.
      state_saver: it has `state(name)` and `save_state(name, value)`.
      state_name: the names of the states, in the structure of the cell's.
      sequence_length: [batch], how many steps each has.
      scope: the variable scope, by default `rnn`.

    Returns:
      The outputs of each step, and the last state.

    Raises:
      ValueError: the names are not in the structure of the states.
    """
    sizes = cell.state_size
    nested = nest.is_sequence(sizes)
    if nest.is_sequence(state_name) != nested:
        raise ValueError(
            "state_name should be the same type as cell.state_size.  state_name: "
            f"{state_name}, cell.state_size: {sizes}"
        )
    names, flat_sizes = nest.flatten(state_name), nest.flatten(sizes)
    if len(names) != len(flat_sizes):
        raise ValueError(
            f"#elems(state_name) != #elems(state_size): {len(names)} vs. "
            f"{len(flat_sizes)}"
        )
    kept = [state_saver.state(name) for name in names]
    first = nest.pack_sequence_as(sizes, kept) if nested else kept[0]
    outputs, state = static_rnn(
        cell, inputs, first, sequence_length=sequence_length, scope=scope
    )
    states = nest.flatten(state)
    saved = [
        state_saver.save_state(name, x) for name, x in zip(names, states, strict=True)
    ]
    with control_dependencies(saved):
        outputs[-1] = nest.map_structure(identity, outputs[-1])
        state = nest.map_structure(identity, state)
    return outputs, state


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Sequence[Any],
    initial_state_fw: Structure = None,
    initial_state_bw: Structure = None,
    dtype: DTypeLike | None = None,
    sequence_length: TensorLike | None = None,
    scope: ScopeLike = None,
) -> tuple[list[Any], Any, Any]:
    """Two cells over a list of steps, one from the end to the beginning.

    Args:
      cell_fw, cell_bw: the cells.
      inputs: a tensor [batch, …] for each step.
      initial_state_fw, initial_state_bw: the states to begin with.
      dtype, sequence_length: see `static_rnn`.
      scope: the variable scope, by default `bidirectional_rnn`.

    Returns:
      The outputs of both side by side for each step, and the last state of each.
    """
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    _check_inputs(inputs)
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as own:
            forward, last_forward = static_rnn(
                cell_fw, inputs, initial_state_fw, dtype, sequence_length, scope=own
            )
        with variable_scope("bw") as own:
            backwards = turned(inputs, sequence_length)
            found, last_backward = static_rnn(
                cell_bw, backwards, initial_state_bw, dtype, sequence_length, scope=own
            )
    backward = turned(found, sequence_length)
    outputs = []
    for one, other in zip(forward, backward, strict=True):
        pairs = zip(nest.flatten(one), nest.flatten(other), strict=True)
        joined = [concat(list(pair), 1) for pair in pairs]
        outputs.append(nest.pack_sequence_as(one, joined))
    return outputs, last_forward, last_backward


def turned(steps: Sequence[Any], lengths: TensorLike | None) -> list[Any]:
    """The steps of each sequence from its end to its beginning."""
    if lengths is None:
        return list(reversed(steps))
    columns = []
    for column in zip(*map(nest.flatten, steps), strict=True):
        static = shapes.unknown_shape(column[0].shape.ndims)
        for x in column:
            static.assert_is_compatible_with(x.shape)
            static = static.merge_with(x.shape)
            x.set_shape(static)
        found = unstack(backwards(stack(list(column)), lengths))
        for x in found:
            x.set_shape(static)
        columns.append(found)
    rows = zip(*columns, strict=True)
    return [
        nest.pack_sequence_as(step, list(row))
        for step, row in zip(steps, rows, strict=True)
    ]
