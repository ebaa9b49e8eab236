"""`tf.contrib.seq2seq.BeamSearchDecoder`: the best of several sequences at once."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any, TypeAlias

from retrograd import dtypes, nest
from retrograd.contrib.seq2seq.basic_decoder import check_output_layer, output_sizes
from retrograd.contrib.seq2seq.beam_arrays import _check_ndims, sorted_array
from retrograd.contrib.seq2seq.beam_ops import gather_tree
from retrograd.contrib.seq2seq.beam_search_step import (
    BeamSearchDecoderOutput,
    BeamSearchDecoderState,
    BeamStep,
    first_log_probs,
    get_attention_probs,
    known_batch,
)
from retrograd.contrib.seq2seq.decoder import Decoder
from retrograd.contrib.seq2seq.helper import embedding_function
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.layers.rnn_cell_base import assert_like_rnncell
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.join import concat
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.selection import one_hot
from retrograd.ops.array.shape import expand_dims, reshape, shape, size
from retrograd.ops.flow.branches import cond
from retrograd.ops.lists.tensor_array import TensorArray
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_all, reduce_max
from retrograd.ops.static import constant as static_value
from retrograd.shapes import TensorShape, as_shape

if TYPE_CHECKING:
    from retrograd.contrib.seq2seq.decoder import Begun, Stepped
    from retrograd.contrib.seq2seq.helper import Embedding
    from retrograd.layers.base import Layer
    from retrograd.layers.rnn_cell_base import RNNCell
    from retrograd.typing import ShapeLike, Structure, TensorLike

    #: the size of a state: a shape, or a tensor of it
    SizeLike: TypeAlias = ShapeLike | Tensor

_Final = namedtuple(
    "FinalBeamDecoderOutput", ("predicted_ids", "beam_search_decoder_output")
)


class FinalBeamSearchDecoderOutput(_Final):
    """The best sequences, and what was chosen in each step.

    Of `predicted_ids`, [batch, steps, beams], the first beam is the best.
    """


class BeamSearchDecoder(Decoder):
    """Keeps the best beams of each sequence.

    Args:
      cell: a cell of `tf.nn.rnn_cell`.
      embedding: a table [symbols, …], or a function from ids to inputs.
      start_tokens: the first ids, int32 [batch].
      end_token: the id that ends a beam.
      initial_state: the state before the first step, [batch · beam_width, …]; see
        `tile_batch`.
      beam_width: how many beams are kept.
      output_layer: from outputs to logits.
      length_penalty_weight: how much long beams are favoured; 0 for none.
      coverage_penalty_weight: how much beams are that have looked at all places.
      reorder_tensor_arrays: whether arrays of the state are put in the order of the
        final beams.

    Raises:
      TypeError: the cell or the layer is none.
      ValueError: the first ids are no vector, the last is no scalar, or the state is
        not that of so many beams.
    """

    def __init__(
        self,
        cell: RNNCell,
        embedding: Embedding,
        start_tokens: TensorLike,
        end_token: TensorLike,
        initial_state: Structure,
        beam_width: int,
        output_layer: Layer | None = None,
        length_penalty_weight: TensorLike = 0.0,
        coverage_penalty_weight: TensorLike = 0.0,
        reorder_tensor_arrays: bool = True,
    ) -> None:
        assert_like_rnncell("cell", cell)
        check_output_layer(output_layer)
        self._cell, self._output_layer = cell, output_layer
        self._reorder_tensor_arrays = reorder_tensor_arrays
        self._embedding_fn = embedding_function(embedding)
        start: Any = convert_to_tensor(
            start_tokens, dtype=dtypes.int32, name="start_tokens"
        )
        if start.shape.ndims != 1:
            raise ValueError("start_tokens must be a vector")
        end = convert_to_tensor(end_token, dtype=dtypes.int32, name="end_token")
        if end.shape.ndims != 0:
            raise ValueError("end_token must be a scalar")
        self._end_token = end
        self._beam_width = beam_width
        self._length_penalty_weight = length_penalty_weight
        self._coverage_penalty_weight = coverage_penalty_weight
        self._batch_size: Any = size(start_tokens)
        self._initial_cell_state = nest.map_structure(
            self._maybe_split_batch_beams, initial_state, cell.state_size
        )
        self._start_tokens = tile(expand_dims(start, 1), [1, beam_width])
        self._start_inputs = self._embedding_fn(self._start_tokens)
        self._finished = one_hot(
            zeros([self._batch_size], dtype=dtypes.int32),
            depth=beam_width,
            on_value=False,
            off_value=True,
            dtype=dtypes.bool,
        )

    @property
    def batch_size(self) -> Any:
        """The size of the batch."""
        return self._batch_size

    @property
    def tracks_own_finished(self) -> bool:
        """True: an ended beam's place may be taken by another."""
        return True

    @property
    def output_size(self) -> BeamSearchDecoderOutput:
        """The shapes of a sequence's outputs: one for each beam."""
        beams = TensorShape([self._beam_width])
        return BeamSearchDecoderOutput(
            scores=beams, predicted_ids=beams, parent_ids=beams
        )

    @property
    def output_dtype(self) -> BeamSearchDecoderOutput:
        """The dtypes of outputs; scores have that of the state."""
        dtype = nest.flatten(self._initial_cell_state)[0].dtype
        sizes = output_sizes(self._cell, self._output_layer)
        return BeamSearchDecoderOutput(
            scores=nest.map_structure(lambda _: dtype, sizes),
            predicted_ids=dtypes.int32,
            parent_ids=dtypes.int32,
        )

    def initialize(self, name: str | None = None) -> Begun:
        """No beam but the first of each sequence; the first inputs and state."""
        del name
        dtype = nest.flatten(self._initial_cell_state)[0].dtype
        log_probs = first_log_probs(self._batch_size, self._beam_width, dtype)
        seen = get_attention_probs(
            self._initial_cell_state, self._coverage_penalty_weight
        )
        state = BeamSearchDecoderState(
            cell_state=self._initial_cell_state,
            log_probs=log_probs,
            finished=self._finished,
            lengths=zeros([self._batch_size, self._beam_width], dtype=dtypes.int64),
            accumulated_attention_probs=() if seen is None else seen,
        )
        return self._finished, self._start_inputs, state

    def finalize(
        self, outputs: Structure, final_state: Structure, sequence_lengths: Tensor
    ) -> tuple[Structure, Structure]:
        """Whole sequences, and the last state."""
        del sequence_lengths
        longest = cast(reduce_max(final_state.lengths, axis=1), dtypes.int32)
        ids = gather_tree(
            outputs.predicted_ids,
            outputs.parent_ids,
            max_sequence_lengths=longest,
            end_token=self._end_token,
        )
        if self._reorder_tensor_arrays:
            final_state = final_state._replace(
                cell_state=nest.map_structure(
                    lambda t: self._maybe_sort_array_beams(
                        t, outputs.parent_ids, final_state.lengths
                    ),
                    final_state.cell_state,
                )
            )
        found = FinalBeamSearchDecoderOutput(
            beam_search_decoder_output=outputs, predicted_ids=ids
        )
        return found, final_state

    def _maybe_sort_array_beams(
        self, t: Structure, parent_ids: Tensor, sequence_length: Tensor
    ) -> Any:
        return sorted_array(
            t, parent_ids, sequence_length, self._batch_size, self._beam_width
        )

    def _merge_batch_beams(self, t: Structure, s: SizeLike) -> Any:
        """[batch, beams, …] as [batch · beams, …]."""
        sizes, known = shape(t), known_batch(self._batch_size)
        width = self._beam_width
        merged = reshape(t, concat(([self._batch_size * width], sizes[2:]), 0))
        static = TensorShape([None if known is None else known * width])
        merged.set_shape(static.concatenate(_as_shape(s)))
        return merged

    def _split_batch_beams(self, t: Structure, s: SizeLike) -> Any:
        """[batch · beams, …] as [batch, beams, …].

        Raises:
          ValueError: the rest has another shape.
        """
        sizes, known = shape(t), known_batch(self._batch_size)
        width = self._beam_width
        split = reshape(t, concat(([self._batch_size, width], sizes[1:]), 0))
        wanted = TensorShape([known, width]).concatenate(_as_shape(s))
        if not split.shape.is_compatible_with(wanted):
            raise ValueError(
                "Unexpected behavior when reshaping between beam width and batch size."
                f"  The reshaped tensor has shape: {split.shape}.  We expected it to "
                f"have shape (batch_size, beam_width, depth) == {wanted}.  Perhaps you "
                "forgot to create a zero_state with batch_size=encoder_batch_size * "
                "beam_width?"
            )
        split.set_shape(wanted)
        return split

    def _maybe_split_batch_beams(self, t: Structure, s: SizeLike) -> Any:
        if isinstance(t, TensorArray):
            return t
        _check_ndims(t)
        return self._split_batch_beams(t, s) if t.shape.ndims >= 1 else t

    def _maybe_merge_batch_beams(self, t: Structure, s: SizeLike) -> Any:
        if isinstance(t, TensorArray):
            return t
        _check_ndims(t)
        return self._merge_batch_beams(t, s) if t.shape.ndims >= 2 else t

    def step(
        self,
        time: Tensor,
        inputs: Structure,
        state: Structure,
        name: str | None = None,
    ) -> Stepped:
        """What is chosen, the next state and inputs, and which beams have ended."""
        with name_scope(name, "BeamSearchDecoderStep", (time, inputs, state)):
            logits, cell_state = self._called(inputs, state.cell_state)
            chosen = BeamStep(
                self._batch_size,
                self._beam_width,
                self._end_token,
                self._length_penalty_weight,
                self._coverage_penalty_weight,
            )
            output, new = chosen.step(logits, cell_state, state)
            following = cond(
                reduce_all(new.finished),
                lambda: self._start_inputs,
                lambda: self._embedding_fn(output.predicted_ids),
            )
        return output, new, following, new.finished

    def _called(self, inputs: Structure, cell_state: Structure) -> tuple[Any, Any]:
        """The logits of all beams, and the next state of the cell."""
        cell, sizes = self._cell, self._cell.state_size
        given = nest.map_structure(
            lambda x: self._merge_batch_beams(x, x.shape[2:]), inputs
        )
        before = nest.map_structure(self._maybe_merge_batch_beams, cell_state, sizes)
        outputs, new = cell(given, before)
        outputs = nest.map_structure(
            lambda x: self._split_batch_beams(x, x.shape[1:]), outputs
        )
        new = nest.map_structure(self._maybe_split_batch_beams, new, sizes)
        if self._output_layer is not None:
            layer: Any = self._output_layer
            outputs = layer(outputs)
        return outputs, new


def _as_shape(s: SizeLike) -> TensorShape:
    """A size as a shape; that of a tensor is as far known as its value is."""
    if isinstance(s, Tensor):
        found = static_value(s)
        return as_shape(None if found is None else found.tolist())
    return TensorShape(s)
