"""The best sequence of tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.contrib.crf.cells import (
    CrfDecodeBackwardRnnCell,
    CrfDecodeForwardRnnCell,
)
from retrograd.contrib.crf.scores import is_one_step
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.layers.dynamic_rnn import dynamic_rnn
from retrograd.ops.array.join import concat
from retrograd.ops.array.reorder import reverse_sequence
from retrograd.ops.array.shape import expand_dims, squeeze
from retrograd.ops.declare import F
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_max

if TYPE_CHECKING:
    from retrograd.typing import Array, TensorLike


def viterbi_decode(score: Array, transition_params: Array) -> tuple[list[int], Any]:
    """The best sequence of tags of one sequence, in NumPy.

    Args:
      score: [steps, tags], a score for each tag.
      transition_params: [tags, tags], a score for each tag after each tag.

    Returns:
      The tags, and their score.
    """
    best = np.array(score)
    before = np.zeros(best.shape, np.int32)
    for t in range(1, len(best)):
        sums = best[t - 1][:, None] + transition_params
        best[t] = score[t] + sums.max(0)
        before[t] = sums.argmax(0)
    tags = [int(np.argmax(best[-1]))]
    for back in before[:0:-1]:
        tags.append(int(back[tags[-1]]))
    tags.reverse()
    return tags, np.max(best[-1])


def crf_decode(
    potentials: TensorLike, transition_params: TensorLike, sequence_length: TensorLike
) -> tuple[Tensor, Tensor]:
    """The best sequence of tags of each sequence.

    Args:
      potentials: [batch, steps, tags], a score for each tag.
      transition_params: [tags, tags], a score for each tag after each tag.
      sequence_length: int [batch], how many steps count.

    Returns:
      Tags, int32 [batch, steps], 0 behind the end; and their scores, [batch].
    """
    given = convert_to_tensor(potentials)
    lengths = convert_to_tensor(sequence_length)
    scores = convert_to_tensor(transition_params)

    def single() -> tuple[Tensor, Tensor]:
        only = squeeze(given, [1])
        tags = expand_dims(F.ArgMax(only, 1), 1)
        return cast(tags, dtypes.int32), reduce_max(only, 1)

    found: Any = smart_cond(
        is_one_step(given), single, lambda: _of_steps(given, scores, lengths)
    )
    return found


def _of_steps(given: Tensor, scores: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The same, of sequences of several steps."""
    count = given.shape.dims[2].value  # pyright: ignore[reportOptionalSubscript]
    assert count is not None
    first = squeeze(given[:, :1], axis=[1])
    nothing = convert_to_tensor(0, lengths.dtype)
    fewer = F.Maximum(nothing, lengths - 1)
    before, last = dynamic_rnn(
        CrfDecodeForwardRnnCell(scores),
        given[:, 1:],
        sequence_length=fewer,
        initial_state=first,
        time_major=False,
        dtype=dtypes.int32,
    )
    backwards = reverse_sequence(before, fewer, seq_axis=1)
    start = expand_dims(cast(F.ArgMax(last, 1), dtypes.int32), axis=-1)
    tags, _ = dynamic_rnn(
        CrfDecodeBackwardRnnCell(count),
        backwards,
        sequence_length=fewer,
        initial_state=start,
        time_major=False,
        dtype=dtypes.int32,
    )
    whole = concat([start, squeeze(tags, axis=[2])], axis=1)
    return reverse_sequence(whole, lengths, seq_axis=1), reduce_max(last, 1)
