"""`tf.contrib.seq2seq.dynamic_decode`: a decoder called in a loop until it ends."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes, nest, shapes
from retrograd.graph.convert import convert_to_tensor
from retrograd.layers.counts import ENDED, MADE, STACKED, WRITTEN, counted_as
from retrograd.layers.rnn_cell_base import zero_state_tensors
from retrograd.layers.rnn_steps import cache_in_place, transpose_batch_time
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import fill, zeros_like
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.flow.loops import while_loop
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.math.reduce import reduce_all
from retrograd.ops.static import constant as static_value
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, ScopeLike, ShapeLike, Structure, TensorLike

    #: outputs, the next state, the next inputs, and which sequences have ended
    Stepped: TypeAlias = tuple[Structure, Structure, Structure, Tensor]
    #: which sequences have ended, inputs, and the first state
    Begun: TypeAlias = tuple[Tensor, Structure, Structure]


class Decoder(metaclass=abc.ABCMeta):
    """An interface: what `dynamic_decode` calls."""

    @property
    def batch_size(self) -> Any:
        """The size of the batch, a scalar tensor."""
        raise NotImplementedError

    @property
    def output_size(self) -> Structure:
        """The shapes of a sequence's outputs."""
        raise NotImplementedError

    @property
    def output_dtype(self) -> Structure:
        """The dtypes of outputs."""
        raise NotImplementedError

    @abc.abstractmethod
    def initialize(self, name: str | None = None) -> Begun:
        """Which sequences have ended before the first step, its inputs and state."""
        raise NotImplementedError

    @abc.abstractmethod
    def step(
        self,
        time: Tensor,
        inputs: Structure,
        state: Structure,
        name: str | None = None,
    ) -> Stepped:
        """The outputs of a step, the next state and inputs, and what has ended."""
        raise NotImplementedError

    def finalize(
        self, outputs: Structure, final_state: Structure, sequence_lengths: Tensor
    ) -> tuple[Structure, Structure]:
        """What is given for the outputs of all steps, and for the last state.

        Raises:
          NotImplementedError: they are given as they are.
        """
        raise NotImplementedError

    @property
    def tracks_own_finished(self) -> bool:
        """Whether a sequence that has ended may go on: its place is another's then."""
        return False


def _create_zero_outputs(
    size: Structure, dtype: Structure, batch_size: TensorLike
) -> Structure:
    """Zeros in the structure of the outputs of a step."""

    def made(size: ShapeLike, dtype: DTypeLike) -> Tensor:
        return zero_state_tensors(_as_shape(size), batch_size, dtype)

    return nest.map_structure(made, size, dtype)


def _as_shape(size: ShapeLike) -> shapes.TensorShape:
    return size if isinstance(size, shapes.TensorShape) else shapes.TensorShape(size)


def dynamic_decode(
    decoder: Decoder,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: TensorLike | None = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    scope: ScopeLike = None,
    **kwargs: object,
) -> tuple[Structure, Structure, Tensor]:
    """Call a decoder until all sequences have ended.

    Args:
      decoder: the decoder.
      output_time_major: whether outputs are [steps, batch, …].
      impute_finished: whether the outputs of sequences that have ended are zeros, and
        their states stay.
      maximum_iterations: how many steps there are at most.
      parallel_iterations: accepted; steps come one after the other.
      swap_memory: accepted.
      scope: the variable scope, by default `decoder`.
      **kwargs: for the decoder's `initialize`.

    Returns:
      The outputs, the last state, and how many steps each sequence has had.

    Raises:
      TypeError: `decoder` is none.
      ValueError: the maximum is no scalar, or a step gives another structure.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(
            f"Expected decoder to be type Decoder, but saw: {type(decoder)}"
        )
    with variable_scope(scope, "decoder") as own:
        cache_in_place(own)
        most = _maximum(maximum_iterations)
        loop = _Loop(decoder, impute_finished, most, kwargs)
        _, arrays, state, _, _, lengths = while_loop(
            lambda time, arrays, state, inputs, finished, lengths: F.LogicalNot(
                reduce_all(finished)
            ),
            loop.step,
            loop_vars=loop.first,
            parallel_iterations=parallel_iterations,
            maximum_iterations=most,
            swap_memory=swap_memory,
        )
        with counted_as(ENDED + STACKED * len(nest.flatten(arrays))):
            outputs = nest.map_structure(lambda array: array.stack(), arrays)
        try:
            outputs, state = decoder.finalize(outputs, state, lengths)
        except NotImplementedError:
            pass
        if not output_time_major:
            outputs = nest.map_structure(transpose_batch_time, outputs)
        return outputs, state, lengths


def _maximum(given: TensorLike | None) -> Tensor | None:
    if given is None:
        return None
    found = convert_to_tensor(given, dtype=dtypes.int32, name="maximum_iterations")
    if found.shape.ndims != 0:
        raise ValueError("maximum_iterations must be a scalar")
    return found


class _Loop:
    """The loop of `dynamic_decode`."""

    def __init__(
        self,
        decoder: Decoder,
        impute_finished: bool,
        most: Tensor | None,
        kwargs: Mapping[str, Any],
    ) -> None:
        self.decoder, self.impute_finished = decoder, impute_finished
        finished, inputs, state = decoder.initialize(**kwargs)
        sizes, kinds = decoder.output_size, decoder.output_dtype
        self.blank = _create_zero_outputs(sizes, kinds, decoder.batch_size)
        if most is not None:
            finished = F.LogicalOr(finished, 0 >= most)
        lengths = zeros_like(finished, dtype=dtypes.int32)
        time = constant(0, dtype=dtypes.int32)
        arrays = nest.map_structure(self._array, sizes, kinds)
        self.first = (time, arrays, state, inputs, finished, lengths)

    def _array(self, size: ShapeLike, dtype: DTypeLike) -> TensorArray:
        element = None
        if isinstance(size, shapes.TensorShape) and size.ndims != 0:
            batch = convert_to_tensor(self.decoder.batch_size, name="batch_size")
            known = static_value(batch)
            batch = None if known is None else int(known)
            element = shapes.TensorShape([batch]).concatenate(size)
        with counted_as(MADE + 1):  # and the size
            return TensorArray(dtype, 0, dynamic_size=True, element_shape=element)

    def step(
        self,
        time: Tensor,
        arrays: Structure,
        state: Structure,
        inputs: Structure,
        finished: Tensor,
        lengths: Tensor,
    ) -> tuple[Any, ...]:
        """A turn of the loop."""
        decoder = self.decoder
        outputs, new, following, ended = decoder.step(time, inputs, state)
        if not decoder.tracks_own_finished:
            ended = F.LogicalOr(ended, finished)
        lengths = where(F.LogicalNot(finished), fill(shape(lengths), time + 1), lengths)
        nest.assert_same_structure(state, new)
        nest.assert_same_structure(arrays, outputs)
        nest.assert_same_structure(inputs, following)
        if self.impute_finished:
            outputs = nest.map_structure(
                lambda x, zero: where(finished, zero, x), outputs, self.blank
            )
            new = nest.map_structure(lambda x, old: _kept(finished, x, old), new, state)
        with counted_as(WRITTEN * len(nest.flatten(arrays))):
            arrays = nest.map_structure(lambda a, x: a.write(time, x), arrays, outputs)
        return time + 1, arrays, new, following, ended, lengths


def _kept(finished: Tensor, new: Structure, old: Structure) -> Any:
    """The old state for sequences that have ended."""
    if isinstance(old, TensorArray):
        return new
    new.set_shape(old.shape)
    return new if new.shape.ndims == 0 else where(finished, old, new)
