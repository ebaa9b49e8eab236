"""Cells called for each step in a loop: `tf.nn.dynamic_rnn` and its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest, shapes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.name_scopes import name_scope
from retrograd.layers.counts import (
    ENDED,
    MADE,
    STACKED,
    UNSTACKED,
    WRITTEN,
    counted_as,
)
from retrograd.layers.rnn_cell_base import (
    assert_like_rnncell,
    joined_sizes,
    set_static_sizes,
)
from retrograd.layers.rnn_steps import (
    Lengths,
    backwards,
    best_effort_batch_size,
    cache_in_place,
    called,
    first_state,
    infer_state_dtype,
    shape_of_size,
    transpose_batch_time,
    zero_outputs,
)
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.identity import identity
from retrograd.ops.array.join import stack
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.flow.loops import while_loop
from retrograd.ops.host.printing import Assert
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_all
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, ScopeLike, ShapeLike, Structure, TensorLike


def dynamic_rnn(
    cell: Any,
    inputs: Structure,
    sequence_length: TensorLike | None = None,
    initial_state: Structure = None,
    dtype: DTypeLike | None = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: ScopeLike = None,
) -> tuple[Any, Any]:
    """Call a cell for each step of sequences, in a loop.

    Args:
      cell: a cell of `tf.nn.rnn_cell`, or of Keras.
      inputs: tensors [batch, steps, …].
      sequence_length: [batch], how many steps each has; behind them outputs are 0, and
        the state stays.
      initial_state: the state before the first step; by default the cell's zeros.
      dtype: of that state, where it is not given.
      parallel_iterations: accepted; steps come one after the other.
      swap_memory: accepted.
      time_major: whether inputs and outputs are [steps, batch, …].
      scope: the variable scope, by default `rnn`.

    Returns:
      The outputs of all steps, and the last state.

    Raises:
      TypeError: `cell` is none.
      ValueError: no state and no dtype, or shapes that do not fit.
    """
    assert_like_rnncell("cell", cell)
    with variable_scope(scope or "rnn") as own:
        cache_in_place(own)
        flat: list[Any] = nest.flatten(inputs)
        if not time_major:
            flat = [transpose_batch_time(convert_to_tensor(x)) for x in flat]
        if sequence_length is not None:
            sequence_length = _checked_lengths(sequence_length)
        batch_size = best_effort_batch_size(flat)
        state = first_state(
            cell,
            initial_state,
            batch_size,
            dtype,
            "If there is no initial_state, you must give a dtype.",
        )
        if sequence_length is not None and not context.executing_eagerly():
            with control_dependencies([_has_shape(sequence_length, [batch_size])]):
                sequence_length = identity(sequence_length, name="CheckSeqLen")
        loop = _Loop(cell, nest.pack_sequence_as(inputs, flat))
        options = {
            "parallel_iterations": parallel_iterations or 32,
            "swap_memory": swap_memory,
        }
        outputs, last = loop.run(state, sequence_length, dtype, options)
        if not time_major:
            outputs = nest.map_structure(transpose_batch_time, outputs)
        return outputs, last


def _checked_lengths(lengths: TensorLike) -> Tensor:
    found = cast(lengths, dtypes.int32)
    if found.shape.ndims not in (None, 1):
        raise ValueError(
            "sequence_length must be a vector of length batch_size, but saw shape: "
            f"{found.shape}"
        )
    return identity(found, name="sequence_length")


def _has_shape(x: Tensor, wanted: list[Any]) -> Any:
    """Require that x has a shape when it is computed."""
    found, packed = shape(x), stack(wanted)
    return Assert(
        reduce_all(F.Equal(found, packed)),
        [
            f"Expected shape for Tensor {x.name} is ",
            packed,
            " but saw shape: ",
            found,
        ],
    )


class _Loop:
    """The loop of `dynamic_rnn`; inputs are [steps, batch, …]."""

    def __init__(self, cell: Any, inputs: Structure) -> None:
        self.cell, self.inputs = cell, inputs
        self.flat: list[Any] = nest.flatten(inputs)
        self.steps: Any = shape(self.flat[0])[0]
        self.batch_size = best_effort_batch_size(self.flat)
        self._check_shapes()

    def _check_shapes(self) -> None:
        found = [x.shape.with_rank_at_least(3) for x in self.flat]
        self.known = found[0].as_list()[:2]
        for one in found:
            if not one[2:].is_fully_defined():
                raise ValueError(
                    "Input size (depth of inputs) must be accessible via shape "
                    "inference, but saw value None."
                )
            steps, batch = one.as_list()[:2]
            if steps != self.known[0]:
                raise ValueError(
                    "Time steps is not the same for all the elements in the input in "
                    "a batch."
                )
            if batch != self.known[1]:
                raise ValueError(
                    "Batch_size is not the same for all the elements in the input."
                )

    def run(
        self,
        state: Structure,
        lengths: Tensor | None,
        dtype: DTypeLike | None,
        options: dict[str, Any],
    ) -> tuple[Any, Any]:
        """The outputs, and the last state."""
        sizes = self.cell.output_size
        kind = infer_state_dtype(dtype, state)
        blank = zero_outputs(self.batch_size, sizes, kind)
        ended = None if lengths is None else Lengths(lengths, blank)
        time = constant(0, dtype=dtypes.int32, name="time")
        with name_scope("dynamic_rnn"):
            pass  # the name is taken, as in TensorFlow
        batch = shapes.TensorShape([self.known[1]])
        arrays = tuple(
            self._array("output", i, batch.concatenate(shape_of_size(size)), kind)
            for i, size in enumerate(nest.flatten(sizes))
        )
        with counted_as((MADE + UNSTACKED) * len(self.flat)):
            given = [
                self._array("input", i, x.shape[1:], x.dtype).unstack(x)
                for i, x in enumerate(self.flat)
            ]

        def step(
            time: Tensor, arrays: Structure, state: Structure
        ) -> tuple[Any, Any, Any]:
            inputs = [a.read(time) for a in given]
            for x, whole in zip(inputs, self.flat, strict=True):
                x.set_shape(whole.shape[1:])
            packed = nest.pack_sequence_as(self.inputs, inputs)

            def call() -> tuple[Any, Any]:
                return called(self.cell, packed, state)

            if ended is None:
                output, new = call()
            else:
                output, new = ended.step(time, state, call, skip_conditionals=True)
            flat = nest.flatten(output)
            pairs = zip(arrays, flat, strict=True)
            with counted_as(WRITTEN * len(flat)):
                written = tuple(array.write(time, x) for array, x in pairs)
            return time + 1, written, new

        bound: Any = self.steps
        if not context.executing_eagerly():
            most = self.steps if ended is None else ended.highest
            bound = F.Minimum(self.steps, F.Maximum(1, most))
        _, arrays, last = while_loop(
            cond=lambda time, *_: time < bound,
            body=step,
            loop_vars=(time, arrays, state),
            maximum_iterations=self.steps,
            **options,
        )
        with counted_as(ENDED + STACKED * len(arrays)):
            outputs = [array.stack() for array in arrays]
        if not context.executing_eagerly():
            for x, size in zip(outputs, nest.flatten(sizes), strict=True):
                set_static_sizes(x, self.known, size)
        return nest.pack_sequence_as(sizes, outputs), last

    def _array(
        self, called: str, place: int, element: ShapeLike, dtype: DTypeLike
    ) -> TensorArray:
        with counted_as(MADE):
            return TensorArray(
                dtype,
                size=self.steps,
                element_shape=element,
                tensor_array_name=f"dynamic_rnn/{called}_{place}",
            )


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Structure,
    sequence_length: TensorLike | None = None,
    initial_state_fw: Structure = None,
    initial_state_bw: Structure = None,
    dtype: DTypeLike | None = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: ScopeLike = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Two cells over the same sequences, one from the end of each to its beginning.

    Args:
      cell_fw, cell_bw: the cells.
      inputs: tensors [batch, steps, …].
      sequence_length: [batch], how many steps each has.
      initial_state_fw, initial_state_bw: the states to begin with.
      dtype, parallel_iterations, swap_memory, time_major: see `dynamic_rnn`.
      scope: the variable scope, by default `bidirectional_rnn`.

    Returns:
      The outputs of both, in the order of the steps, and the last states of both.
    """
    assert_like_rnncell("cell_fw", cell_fw)
    assert_like_rnncell("cell_bw", cell_bw)
    options: dict[str, Any] = {
        "sequence_length": sequence_length,
        "dtype": dtype,
        "parallel_iterations": parallel_iterations,
        "swap_memory": swap_memory,
        "time_major": time_major,
    }
    time = 0 if time_major else 1

    def turned(x: Tensor) -> Tensor:
        return backwards(x, sequence_length, time)

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as own:
            forward, last_forward = dynamic_rnn(
                cell_fw, inputs, initial_state=initial_state_fw, scope=own, **options
            )
        with variable_scope("bw") as own:
            backward, last_backward = dynamic_rnn(
                cell_bw,
                nest.map_structure(turned, inputs),
                initial_state=initial_state_bw,
                scope=own,
                **options,
            )
    backward = nest.map_structure(turned, backward)
    return (forward, backward), (last_forward, last_backward)


def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: ScopeLike = None,
) -> tuple[Any, Any, Any]:
    """Call a cell in a loop in which a function of the program has the say.

    Args:
      cell: a cell of `tf.nn.rnn_cell`.
      loop_fn: takes the time, the output and the state of the cell, and a state of its
        own, all None at first but the time; gives which sequences have ended, the
        next inputs, the next state, what is emitted, and its own next state.
      parallel_iterations: accepted; steps come one after the other.
      swap_memory: accepted.
      scope: the variable scope, by default `rnn`.

    Returns:
      TensorArrays of what was emitted, the last state, and that of the function.

    Raises:
      TypeError: `cell` is no cell, or `loop_fn` cannot be called.
    """
    assert_like_rnncell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn") as own:
        cache_in_place(own)
        time = constant(0, dtype=dtypes.int32)
        ended, inputs, state, emitted, first_own = loop_fn(time, None, None, None)
        loop = _RawLoop(cell, loop_fn, inputs, state, emitted)
        kept = constant(0, dtype=dtypes.int32) if first_own is None else first_own
        *_, arrays, last, kept = while_loop(
            lambda time, ended, *_: F.LogicalNot(reduce_all(ended)),
            loop.step,
            loop_vars=[time, ended, inputs, loop.arrays, loop.state, kept],
            parallel_iterations=parallel_iterations or 32,
            swap_memory=swap_memory,
        )
        return arrays, last, None if first_own is None else kept


class _RawLoop:
    """The loop of `raw_rnn`; the arguments are what `loop_fn` gives at first."""

    def __init__(
        self,
        cell: Any,
        loop_fn: Callable[..., Any],
        inputs: Structure,
        state: Structure,
        emitted: Structure,
    ) -> None:
        self.cell, self.loop_fn = cell, loop_fn
        flat: list[Any] = nest.flatten(inputs)
        static = [x.shape.as_list()[0] for x in flat if x.shape.ndims is not None]
        known = next((size for size in static if size is not None), None)
        batch_size = shape(flat[0])[0] if known is None else known
        nest.assert_same_structure(state, cell.state_size)
        states = [convert_to_tensor(x) for x in nest.flatten(state)]
        self.state = nest.pack_sequence_as(state, states)
        if emitted is None:
            structure = cell.output_size
            sizes = nest.flatten(structure)
            kinds = [states[0].dtype] * len(sizes)
        else:
            structure, given = emitted, nest.flatten(emitted)
            sizes = [x.shape if x.shape.is_fully_defined() else shape(x) for x in given]
            kinds = [x.dtype for x in given]
        batch = shapes.TensorShape([known])
        parts = list(zip(sizes, kinds, strict=True))
        arrays = [
            TensorArray(
                dtype=kind,
                dynamic_size=True,
                element_shape=batch.concatenate(shape_of_size(size)),
                size=0,
                tensor_array_name=f"rnn_output_{place}",
            )
            for place, (size, kind) in enumerate(parts)
        ]
        self.arrays = nest.pack_sequence_as(structure, arrays)
        blank = [zeros(joined_sizes(batch_size, size), kind) for size, kind in parts]
        self.blank = nest.pack_sequence_as(structure, blank)

    def step(
        self,
        time: Tensor,
        ended: Tensor,
        inputs: Structure,
        arrays: Structure,
        state: Structure,
        own: Structure,
    ) -> list[Any]:
        """A turn of the loop."""
        output, cell_state = self.cell(inputs, state)
        nest.assert_same_structure(self.cell.output_size, output)
        nest.assert_same_structure(self.cell.state_size, cell_state)
        following = time + 1
        now_ended, next_inputs, next_state, emitted, next_own = self.loop_fn(
            following, output, cell_state, own
        )
        nest.assert_same_structure(state, next_state)
        nest.assert_same_structure(inputs, next_inputs)
        nest.assert_same_structure(self.arrays, emitted)
        next_own = own if next_own is None else next_own

        def through(old: Any, new: Any) -> Any:
            if isinstance(old, TensorArray) or old.shape.ndims == 0:
                return new
            return where(ended, old, new)

        emitted = nest.map_structure(through, self.blank, emitted)
        next_state = nest.map_structure(through, state, next_state)
        arrays = nest.map_structure(lambda a, x: a.write(time, x), arrays, emitted)
        now_ended = F.LogicalOr(ended, now_ended)
        return [following, now_ended, next_inputs, arrays, next_state, next_own]
