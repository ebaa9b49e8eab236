"""One step of beam search: which continuations of all beams are kept."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, nest
from retrograd.contrib.seq2seq.attention_wrapper import AttentionWrapperState
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import fill, ones_like, range_, zeros
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import concat
from retrograd.ops.array.reorder import tile
from retrograd.ops.array.selection import one_hot, where
from retrograd.ops.array.shape import expand_dims, reshape, shape, size_along
from retrograd.ops.array.sorting import top_k
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast, to_int64
from retrograd.ops.math.elementwise import div
from retrograd.ops.math.reduce import reduce_mean, reduce_sum
from retrograd.ops.nn.nn import log_softmax
from retrograd.ops.static import constant as static_value
from retrograd.shapes import TensorShape

if TYPE_CHECKING:
    from retrograd.typing import Structure, TensorLike

_State = namedtuple(
    "BeamSearchDecoderState",
    ("cell_state", "log_probs", "finished", "lengths", "accumulated_attention_probs"),
)
_Output = namedtuple(
    "BeamSearchDecoderOutput", ("scores", "predicted_ids", "parent_ids")
)


class BeamSearchDecoderState(_State):
    """The state of beam search: of the cell, and of each beam [batch, beams]."""


class BeamSearchDecoderOutput(_Output):
    """What is chosen in a step: ids, their scores, and the beams that they continue."""


def known_batch(batch_size: TensorLike) -> int | None:
    """The size of the batch, if it is known."""
    value: Any = batch_size
    if isinstance(batch_size, Tensor):
        value = static_value(batch_size)
    return None if value is None else int(value)


def _mask_probs(probs: Tensor, eos_token: TensorLike, finished: Tensor) -> Any:
    """Log-probabilities; where a beam has ended, that of the end token is 0 alone."""
    symbols = shape(probs)[2]
    ended = one_hot(
        eos_token,
        symbols,
        dtype=probs.dtype,
        on_value=convert_to_tensor(0.0, dtype=probs.dtype),
        off_value=probs.dtype.min,
    )
    rows = tile(reshape(ended, [1, 1, -1]), concat([shape(finished), [1]], 0))
    mask = tile(expand_dims(finished, 2), [1, 1, symbols])
    return where(mask, rows, probs)


def _length_penalty(sequence_lengths: Tensor, penalty_factor: TensorLike) -> Any:
    """((5 + length) / 6) to the power of the factor (Wu et al. 2016)."""
    factor = convert_to_tensor(penalty_factor, name="penalty_factor")
    factor.set_shape(())
    known = static_value(factor)
    if known is not None and known == 0:
        return 1.0
    long = (5.0 + cast(sequence_lengths, dtypes.float32)) ** factor
    return div(long, (5.0 + 1.0) ** factor)


def _get_scores(
    log_probs: Tensor,
    sequence_lengths: Tensor,
    length_penalty_weight: TensorLike,
    coverage_penalty_weight: TensorLike,
    finished: Tensor,
    accumulated_attention_probs: Tensor | None,
) -> Any:
    """What beams are compared by: [batch, beams, symbols].

    Raises:
      ValueError: the weight of the coverage is no scalar.
    """
    penalty = _length_penalty(sequence_lengths, length_penalty_weight)
    scores = log_probs / cast(penalty, log_probs.dtype)
    weight = convert_to_tensor(coverage_penalty_weight, name="coverage_penalty_weight")
    if weight.shape.ndims != 0:
        raise ValueError(
            f"coverage_penalty_weight should be a scalar, but saw shape: {weight.shape}"
        )
    if accumulated_attention_probs is None:
        return scores
    seen = accumulated_attention_probs
    # what was never looked at does not count: it may lie behind the end
    seen = where(F.Equal(seen, 0.0), ones_like(seen), seen)
    coverage = reduce_sum(F.Log(F.Minimum(seen, 1.0)), 2)
    coverage *= cast(finished, dtypes.float32)
    return scores + expand_dims(coverage * weight, 2)


def _mean_of(probs: Sequence[Tensor]) -> Any:
    if len(probs) == 1:
        return probs[0]
    return reduce_mean(concat([expand_dims(p, -1) for p in probs], -1), -1)


def attention_probs_from_attn_state(attention_state: Structure) -> Any:
    """The alignments of an `AttentionWrapperState`; of several, their mean."""
    found = attention_state.alignments
    return _mean_of(list(found)) if isinstance(found, tuple) else found


def get_attention_probs(
    next_cell_state: Structure, coverage_penalty_weight: TensorLike
) -> Any:
    """Where the cell looks, [batch, beams, places]; None if that has no weight.

    Args:
      next_cell_state: an `AttentionWrapperState`, or a tuple that may hold some.
      coverage_penalty_weight: the weight of where it has looked.

    Raises:
      ValueError: the cell looks nowhere.
    """
    if coverage_penalty_weight == 0.0:
        return None
    state = next_cell_state
    parts = [state]
    if isinstance(state, tuple) and not isinstance(state, AttentionWrapperState):
        parts = list(state)
    found = [
        attention_probs_from_attn_state(part)
        for part in parts
        if isinstance(part, AttentionWrapperState)
    ]
    if not found:
        raise ValueError(
            "coverage_penalty_weight must be 0.0 if no cell is attentional."
        )
    return _mean_of(found)


def _tensor_gather_helper(
    gather_indices: Tensor,
    gather_from: Tensor,
    batch_size: Tensor,
    range_size: Tensor | int,
    gather_shape: Sequence[TensorLike],
    name: str | None = None,
) -> Any:
    """The beams that indices name, of each sequence of the batch."""
    with name_scope(name, "tensor_gather_helper"):
        first = expand_dims(range_(batch_size) * range_size, 1)
        indices = reshape(gather_indices + first, [-1])
        found = gather(reshape(gather_from, gather_shape), indices)
        kept = 1 + len(gather_shape)
        found = reshape(found, shape(gather_from)[:kept], name="output")
        static = TensorShape([known_batch(batch_size)])
        found.set_shape(static.concatenate(gather_from.shape[1:kept]))
        return found


def _maybe_tensor_gather_helper(
    gather_indices: Tensor,
    gather_from: Tensor,
    batch_size: Tensor,
    range_size: Tensor | int,
    gather_shape: Sequence[TensorLike],
) -> Any:
    """The same, of what has beams: scalars and arrays stay."""
    if not isinstance(gather_from, Tensor):
        return gather_from
    rank = gather_from.shape.ndims
    if rank is not None and rank < len(gather_shape):
        return gather_from
    return _tensor_gather_helper(
        gather_indices, gather_from, batch_size, range_size, gather_shape
    )


class BeamStep:
    """The sizes of a beam search, and what it compares beams by.

    Args:
      batch_size, beam_width: the sizes.
      end_token: the id that ends a beam.
      length_penalty_weight, coverage_penalty_weight: the weights of the penalties.
    """

    def __init__(
        self,
        batch_size: Tensor,
        beam_width: int,
        end_token: TensorLike,
        length_penalty_weight: TensorLike,
        coverage_penalty_weight: TensorLike,
    ) -> None:
        self.batch_size, self.beam_width = batch_size, beam_width
        self.end_token = end_token
        self.length_penalty_weight = length_penalty_weight
        self.coverage_penalty_weight = coverage_penalty_weight

    def step(
        self, logits: Tensor, next_cell_state: Structure, beam_state: Structure
    ) -> tuple[BeamSearchDecoderOutput, BeamSearchDecoderState]:
        """What is chosen, and the next state.

        Args:
          logits: [batch, beams, symbols].
          next_cell_state: the state of the cell behind this step.
          beam_state: the state before it.
        """
        ended = beam_state.finished
        going = F.LogicalNot(ended)
        log_probs = _mask_probs(log_softmax(logits), self.end_token, ended)
        total = expand_dims(beam_state.log_probs, 2) + log_probs
        symbols = size_along(logits, -1)
        lengths = self._lengths(symbols, going, beam_state.lengths)
        seen = self._seen(next_cell_state, beam_state, going)
        scores = _get_scores(
            total,
            lengths,
            self.length_penalty_weight,
            self.coverage_penalty_weight,
            ended,
            seen,
        )
        best, places = self._best(scores)
        kept = self._gathered(
            places, total, self.beam_width * symbols, [-1], name="next_beam_probs"
        )
        ids = F.FloorMod(places, symbols, name="next_beam_word_ids")
        ids = cast(ids, dtypes.int32)
        parents = cast(places / symbols, dtypes.int32, name="next_beam_parent_ids")
        ended = self._of_parents(parents, ended, [-1])
        finished = F.LogicalOr(
            ended, F.Equal(ids, self.end_token), name="next_beam_finished"
        )
        longer = cast(F.LogicalNot(ended), dtypes.int64)
        lengths = self._of_parents(parents, beam_state.lengths, [-1]) + longer
        state = BeamSearchDecoderState(
            log_probs=kept,
            lengths=lengths,
            finished=finished,
            accumulated_attention_probs=self._seen_of_parents(parents, seen),
            cell_state=nest.map_structure(
                lambda x: self._cell_state(parents, x), next_cell_state
            ),
        )
        output = BeamSearchDecoderOutput(
            scores=best, predicted_ids=ids, parent_ids=parents
        )
        return output, state

    def _lengths(self, symbols: Tensor | int, going: Tensor, lengths: Tensor) -> Any:
        """How long beams are with each symbol: the end token adds nothing."""
        more = one_hot(
            fill([self.batch_size, self.beam_width], self.end_token),
            depth=symbols,
            on_value=to_int64(0),
            off_value=to_int64(1),
            dtype=dtypes.int64,
        )
        more *= expand_dims(cast(going, dtypes.int64), 2)
        return more + expand_dims(lengths, 2)

    def _seen(self, cell_state: Structure, beam_state: Structure, going: Tensor) -> Any:
        """How much each place was looked at in all steps, if that has a weight."""
        probs = get_attention_probs(cell_state, self.coverage_penalty_weight)
        if probs is None:
            return None
        probs *= expand_dims(cast(going, dtypes.float32), 2)
        return beam_state.accumulated_attention_probs + probs

    def _best(self, scores: Tensor) -> tuple[Any, Any]:
        """The best scores, and their places among all continuations."""
        flat = reshape(scores, [self.batch_size, -1])
        width = convert_to_tensor(
            self.beam_width, dtype=dtypes.int32, name="beam_width"
        )
        best, places = top_k(flat, k=width)
        static = [known_batch(self.batch_size), self.beam_width]
        best.set_shape(static)
        places.set_shape(static)
        return best, places

    def _gathered(
        self,
        indices: Tensor,
        x: Tensor,
        range_size: Tensor | int,
        gather_shape: Sequence[TensorLike],
        name: str | None = None,
    ) -> Any:
        return _tensor_gather_helper(
            indices, x, self.batch_size, range_size, gather_shape, name
        )

    def _of_parents(
        self, parents: Tensor, x: Tensor, gather_shape: Sequence[TensorLike]
    ) -> Any:
        return self._gathered(parents, x, self.beam_width, gather_shape)

    def _seen_of_parents(self, parents: Tensor, seen: Tensor | None) -> Any:
        if seen is None:
            return ()
        sizes = [self.batch_size * self.beam_width, -1]
        return self._gathered(
            parents,
            seen,
            self.beam_width,
            sizes,
            name="next_accumulated_attention_probs",
        )

    def _cell_state(self, parents: Tensor, x: Structure) -> Any:
        sizes = [self.batch_size * self.beam_width, -1]
        return _maybe_tensor_gather_helper(
            parents, x, self.batch_size, self.beam_width, sizes
        )


def first_log_probs(batch_size: Tensor, beam_width: int, dtype: dtypes.DType) -> Any:
    """Those of the beams before the first step: all but one are impossible."""
    return one_hot(
        zeros([batch_size], dtype=dtypes.int32),
        depth=beam_width,
        on_value=convert_to_tensor(0.0, dtype=dtype),
        off_value=convert_to_tensor(-np.inf, dtype=dtype),
        dtype=dtype,
    )


def _beam_search_step(
    time: TensorLike,
    logits: Tensor,
    next_cell_state: Structure,
    beam_state: Structure,
    batch_size: Tensor,
    beam_width: int,
    end_token: TensorLike,
    length_penalty_weight: TensorLike,
    coverage_penalty_weight: TensorLike,
) -> tuple[BeamSearchDecoderOutput, BeamSearchDecoderState]:
    """What `BeamStep` makes of logits; the time does not matter."""
    del time
    made = BeamStep(
        batch_size,
        beam_width,
        end_token,
        length_penalty_weight,
        coverage_penalty_weight,
    )
    return made.step(logits, next_cell_state, beam_state)
