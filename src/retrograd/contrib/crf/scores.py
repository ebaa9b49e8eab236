"""Scores of sequences of tags, and their likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import shapes
from retrograd.contrib.crf.cells import CrfForwardRnnCell
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.tensor import Tensor
from retrograd.layers.dynamic_rnn import dynamic_rnn
from retrograd.ops.array.fill import range_, zeros_like
from retrograd.ops.array.gather import gather
from retrograd.ops.array.grids import sequence_mask
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import expand_dims, reshape, shape, squeeze
from retrograd.ops.declare import F
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_logsumexp, reduce_sum
from retrograd.variables.scope import get_variable

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


def is_one_step(inputs: Tensor) -> Any:
    """Whether sequences have a single step; a tensor where it is not known."""
    known = shapes.raw(inputs.shape)
    if known is not None and known[1] is not None:
        return known[1] == 1
    return F.Equal(shape(inputs)[1], 1)


def crf_unary_score(
    tag_indices: TensorLike, sequence_lengths: TensorLike, inputs: TensorLike
) -> Tensor:
    """The sum of what each step gives for its tag.

    Args:
      tag_indices: int32 or int64 [batch, steps].
      sequence_lengths: int [batch], how many steps count.
      inputs: [batch, steps, tags], a score for each tag.

    Returns:
      [batch].
    """
    given, tags = convert_to_tensor(inputs), convert_to_tensor(tag_indices)
    batch, steps, count = (shape(given)[i] for i in range(3))
    flat = reshape(given, [-1])
    starts = expand_dims(range_(batch) * steps * count, 1)
    starts = starts + expand_dims(range_(steps) * count, 0)
    places = cast(starts, tags.dtype) + tags
    sizes: Any = [batch, steps]
    taken = reshape(gather(flat, reshape(places, [-1])), sizes)
    mask = sequence_mask(sequence_lengths, maxlen=shape(tags)[1], dtype=given.dtype)
    return reduce_sum(taken * mask, 1)


def crf_binary_score(
    tag_indices: TensorLike, sequence_lengths: TensorLike, transition_params: TensorLike
) -> Tensor:
    """The sum of what each tag after another gives.

    Args:
      tag_indices: int32 or int64 [batch, steps].
      sequence_lengths: int [batch], how many steps count.
      transition_params: [tags, tags], a score for each tag after each tag.

    Returns:
      [batch].
    """
    tags = convert_to_tensor(tag_indices)
    scores = convert_to_tensor(transition_params)
    count = scores.shape.as_list()[0]
    assert count is not None
    places = tags[:, :-1] * count + tags[:, 1:]
    taken = gather(reshape(scores, [-1]), places)
    mask = sequence_mask(sequence_lengths, maxlen=shape(tags)[1], dtype=scores.dtype)
    return reduce_sum(taken * mask[:, 1:], 1)


def crf_sequence_score(
    inputs: TensorLike,
    tag_indices: TensorLike,
    sequence_lengths: TensorLike,
    transition_params: TensorLike,
) -> Tensor:
    """The score of each sequence of tags, not normalized.

    Args:
      inputs: [batch, steps, tags], a score for each tag.
      tag_indices: int32 or int64 [batch, steps].
      sequence_lengths: int [batch], how many steps count.
      transition_params: [tags, tags], a score for each tag after each tag.

    Returns:
      [batch]; 0 for sequences without steps.
    """
    given, tags = convert_to_tensor(inputs), convert_to_tensor(tag_indices)
    lengths = convert_to_tensor(sequence_lengths)
    scores = convert_to_tensor(transition_params)

    def single() -> Tensor:
        batch = shape(given, out_type=tags.dtype)[0]
        places = [expand_dims(range_(batch), 1), tags]
        taken = F.GatherNd(squeeze(given, [1]), F.ConcatV2(places, 1))
        return _nothing_of_nothing(lengths, taken)

    def multi() -> Tensor:
        unary = crf_unary_score(tags, lengths, given)
        return unary + crf_binary_score(tags, lengths, scores)

    found: Any = smart_cond(is_one_step(given), single, multi)
    return found


def _nothing_of_nothing(lengths: Tensor, values: Tensor) -> Tensor:
    """Values, 0 where a sequence has no steps."""
    return where(F.LessEqual(lengths, zeros_like(lengths)), zeros_like(values), values)


def crf_multitag_sequence_score(
    inputs: TensorLike,
    tag_bitmap: TensorLike,
    sequence_lengths: TensorLike,
    transition_params: TensorLike,
) -> Tensor:
    """The log of the sum of the exponentials of the scores of several sequences.

    Args:
      inputs: [batch, steps, tags], a score for each tag.
      tag_bitmap: bool [batch, steps, tags], which tags each step may have.
      sequence_lengths: int [batch], how many steps count.
      transition_params: [tags, tags], a score for each tag after each tag.

    Returns:
      [batch].
    """
    given = convert_to_tensor(inputs)
    allowed = cast(convert_to_tensor(tag_bitmap), "bool")
    least = zeros_like(given) + convert_to_tensor(float("-inf"), given.dtype)
    chosen = where(allowed, given, least)

    def single() -> Tensor:
        return reduce_logsumexp(squeeze(chosen, [1]), axis=1)

    def multi() -> Tensor:
        return crf_log_norm(chosen, sequence_lengths, transition_params)

    found: Any = smart_cond(is_one_step(given), single, multi)
    return found


def crf_log_norm(
    inputs: TensorLike, sequence_lengths: TensorLike, transition_params: TensorLike
) -> Tensor:
    """The log of the sum of the exponentials of the scores of all sequences.

    Args:
      inputs: [batch, steps, tags], a score for each tag.
      sequence_lengths: int [batch], how many steps count.
      transition_params: [tags, tags], a score for each tag after each tag.

    Returns:
      [batch]; 0 for sequences without steps.
    """
    given, lengths = convert_to_tensor(inputs), convert_to_tensor(sequence_lengths)
    first = squeeze(given[:, :1], [1])

    def single() -> Tensor:
        return _nothing_of_nothing(lengths, reduce_logsumexp(first, [1]))

    def multi() -> Tensor:
        _, alphas = dynamic_rnn(
            CrfForwardRnnCell(transition_params),
            given[:, 1:],
            sequence_length=F.Maximum(zeros_like(lengths), lengths - 1),
            initial_state=first,
            dtype=given.dtype,
        )
        return _nothing_of_nothing(lengths, reduce_logsumexp(alphas, [1]))

    found: Any = smart_cond(is_one_step(given), single, multi)
    return found


def crf_log_likelihood(
    inputs: TensorLike,
    tag_indices: TensorLike,
    sequence_lengths: TensorLike,
    transition_params: TensorLike | None = None,
) -> tuple[Tensor, Any]:
    """The log likelihood of sequences of tags.

    Args:
      inputs: [batch, steps, tags], a score for each tag.
      tag_indices: int32 or int64 [batch, steps].
      sequence_lengths: int [batch], how many steps count.
      transition_params: [tags, tags], a score for each tag after each tag; by default
        the variable "transitions", which is made.

    Returns:
      [batch], and the scores of transitions.
    """
    given = convert_to_tensor(inputs)
    transitions: Any = transition_params
    if transitions is None:
        known: Any = given.shape.dims
        transitions = get_variable("transitions", [known[2], known[2]])
    scores = crf_sequence_score(given, tag_indices, sequence_lengths, transitions)
    norm = crf_log_norm(given, sequence_lengths, transitions)
    return scores - norm, transitions
