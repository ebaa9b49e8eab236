"""A function called for each step of sequences, as recurrent layers do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, nest
from retrograd.layers.counts import (
    ENDED,
    MADE,
    STACKED,
    UNSTACKED,
    WRITTEN,
    counted_as,
)
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.array.join import stack, unstack
from retrograd.ops.array.reorder import reverse, tile
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import expand_dims, shape, transpose
from retrograd.ops.flow.loops import while_loop
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Structure, TensorLike


def swap_batch_timestep(x: Tensor) -> Tensor:
    """x with its first two axes exchanged."""
    return transpose(x, [1, 0, *range(2, len(x.shape))])


def rnn(
    step_function: Callable[..., Any],
    inputs: Structure,
    initial_states: Structure,
    go_backwards: bool = False,
    mask: Tensor | None = None,
    constants: Sequence[TensorLike] | None = None,
    unroll: bool = False,
    input_length: TensorLike | None = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Any, Any, Any]:
    """Call a function for each step of sequences, with the states that it gave before.

    Args:
      step_function: takes the inputs of a step, [batch, …], and a list of states and
        constants; gives outputs, [batch, …], and the next states.
      inputs: tensors [batch, steps, …].
      initial_states: the states before the first step.
      go_backwards: whether the last step comes first.
      mask: bools [batch, steps] or [batch, steps, 1]: where False, the states stay, and
        the outputs are those of the step before.
      constants: what the function is given behind the states.
      unroll: whether there is a copy of the operations for each step; else a loop.
      input_length: at most how many steps are taken.
      time_major: whether inputs and outputs are [steps, batch, …].
      zero_output_for_mask: whether outputs are 0 where the mask is False.

    Returns:
      The outputs of the last step, those of all, and the last states.

    Raises:
      ValueError: inputs of fewer than three axes, or `unroll` with an unknown number
        of steps or a mask and no states.
    """
    if not time_major:
        inputs = nest.map_structure(swap_batch_timestep, inputs)
    flat = nest.flatten(inputs)
    for x in flat:
        x.shape.with_rank_at_least(3)
    steps = _Steps(step_function, inputs, initial_states, constants, go_backwards)
    steps.zero_output = zero_output_for_mask
    if mask is not None:
        mask = _prepared_mask(mask, time_major)
    if unroll:
        last, outputs, states = steps.unrolled(mask)
    else:
        last, outputs, states = steps.looped(mask, input_length)
    known = flat[0].shape[:2].as_list()
    for x in nest.flatten(outputs):
        x.set_shape([*known, *x.shape.as_list()[2:]])
    if not time_major:
        outputs = nest.map_structure(swap_batch_timestep, outputs)
    return last, outputs, states


def _prepared_mask(mask: Tensor, time_major: bool) -> Tensor:
    if mask.dtype is not dtypes.bool:
        mask = cast(mask, dtypes.bool)
    if len(mask.shape) == 2:
        mask = expand_dims(mask, -1)
    return mask if time_major else swap_batch_timestep(mask)


def _widened(mask: Tensor, x: Tensor, fixed: int = 1) -> Tensor:
    """A mask in the shape of x, of which it has the first `fixed` axes."""
    for value, called in ((mask, "mask_t"), (x, "input_t")):
        if nest.is_sequence(value):
            raise ValueError(f"{called} is expected to be tensor, but got {value}")
    for _ in range(len(x.shape) - len(mask.shape)):
        mask = expand_dims(mask, -1)
    times: Any = [1] * fixed + x.shape.as_list()[fixed:]
    return tile(mask, times)


def _chosen(
    mask: Tensor, values: Sequence[Tensor], others: Sequence[Tensor]
) -> list[Tensor]:
    """Of each pair of tensors the first where the mask holds, else the second."""
    pairs = zip(values, others, strict=False)
    return [where(_widened(mask, x), x, y) for x, y in pairs]


class _Steps:
    """The steps of sequences; the arguments are those of `rnn`, time-major."""

    zero_output = False

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Structure,
        initial_states: Structure,
        constants: Sequence[TensorLike] | None,
        go_backwards: bool,
    ) -> None:
        self.function, self.inputs = function, inputs
        self.states = initial_states
        self.constants = tuple(constants or ())
        self.go_backwards = go_backwards
        self.flat: list[Any] = nest.flatten(inputs)
        self.count: Any = shape(self.flat[0])[0]

    def _in_order(self, x: Tensor) -> list[Tensor]:
        """What a tensor holds for each step, the first step first."""
        found = unstack(x)
        return found[::-1] if self.go_backwards else found

    def _call(self, inputs: Structure, states: Structure) -> tuple[Any, Any]:
        return self.function(inputs, (*states, *self.constants))

    def unrolled(self, mask: Tensor | None) -> tuple[Any, Any, Any]:
        """The steps one after the other."""
        steps = self.flat[0].shape.as_list()[0]
        if not steps:
            raise ValueError("Unrolling requires a fixed number of timesteps.")
        if mask is not None and not nest.flatten(self.states):
            raise ValueError("No initial states provided! ")
        lists = [self._in_order(x) for x in self.flat]
        masks = [] if mask is None else self._in_order(mask)
        states, found = tuple(self.states), []
        for place in range(steps):
            given = nest.pack_sequence_as(self.inputs, [x[place] for x in lists])
            output, new = self._call(given, states)
            if mask is None:
                states = new
            else:
                wide = _widened(masks[place], output)
                before = found[-1] if found else zeros_like(output)
                output = where(wide, output, before)
                kept = _chosen(masks[place], nest.flatten(new), nest.flatten(states))
                states = nest.pack_sequence_as(states, kept)
            found.append(output)
        last, outputs = found[-1], self._stacked(found)
        if mask is not None and self.zero_output:
            last = where(_widened(masks[-1], last), last, zeros_like(last))
            outputs = where(_widened(mask, outputs, 2), outputs, zeros_like(outputs))
        return last, outputs, states

    @staticmethod
    def _stacked(found: list[Any]) -> Any:
        parts = zip(*map(nest.flatten, found), strict=True)
        return nest.pack_sequence_as(found[0], [stack(list(x)) for x in parts])

    def looped(
        self, mask: Tensor | None, limit: TensorLike | None
    ) -> tuple[Any, Any, Any]:
        """The steps in a loop."""
        given = [self._array(x) for x in self.flat]
        first = nest.pack_sequence_as(self.inputs, [x[0] for x in self.flat])
        # once outside of the loop: what cells keep, such as masks of dropout, is made
        # here, and used in the loop
        outputs, _ = self._call(first, tuple(self.states))
        made: list[Any] = nest.flatten(outputs)
        with counted_as(MADE * len(made)):
            arrays = tuple(
                TensorArray(
                    x.dtype, size=self.count, tensor_array_name=f"output_ta_{place}"
                )
                for place, x in enumerate(made)
            )
        time = constant(0, dtypes.int32, name="time")
        masks = None if mask is None else self._array(mask)
        blank = () if masks is None else tuple(zeros_like(x) for x in made)

        def step(
            time: Tensor, arrays: Structure, before: Structure, *states: Structure
        ) -> tuple[Any, ...]:
            inputs = nest.pack_sequence_as(self.inputs, [x.read(time) for x in given])
            mask = None if masks is None else masks.read(time)
            output, new = self._call(inputs, states)
            _with_shapes(nest.flatten(new), nest.flatten(states))
            flat = nest.flatten(output)
            if mask is not None:
                other = blank if self.zero_output else before
                flat = _chosen(mask, flat, other)
                kept = _chosen(mask, nest.flatten(new), nest.flatten(states))
                new = nest.pack_sequence_as(self.states, kept)
                before = tuple(flat)
            else:
                new = nest.pack_sequence_as(self.states, nest.flatten(new))
            with counted_as(WRITTEN * len(arrays)):
                pairs = zip(arrays, flat, strict=False)
                arrays = tuple(array.write(time, x) for array, x in pairs)
            return (time + 1, arrays, before, *new)

        _, arrays, _, *states = while_loop(
            cond=lambda time, *_: time < self.count,
            body=step,
            loop_vars=(time, arrays, blank, *self.states),
            maximum_iterations=limit,
            parallel_iterations=32,
            swap_memory=True,
        )
        ended = 0 if limit is None else ENDED
        with counted_as(ended + STACKED * len(made)):
            stacked = [array.stack() for array in arrays]
        last = [x[-1] for x in stacked]
        return (
            nest.pack_sequence_as(outputs, last),
            nest.pack_sequence_as(outputs, stacked),
            tuple(states),
        )

    def _array(self, x: Tensor) -> TensorArray:
        with counted_as(MADE):
            array = TensorArray(x.dtype, size=self.count)
        x = reverse(x, [0]) if self.go_backwards else x
        with counted_as(UNSTACKED):
            return array.unstack(x)


def _with_shapes(tensors: Sequence[Any], like: Sequence[Any]) -> None:
    """Let new states have the static shapes of those before."""
    for x, before in zip(tensors, like, strict=False):
        if hasattr(x, "set_shape"):
            x.set_shape(before.shape)
