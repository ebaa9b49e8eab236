"""Connectionist temporal classification: `tf.nn.ctc_loss` and decoders."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor, SparseTensorValue
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.fill import ones_like, range_, zeros_like
from retrograd.ops.array.gather import gather_nd
from retrograd.ops.array.grids import sequence_mask
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.pad import pad
from retrograd.ops.array.scatter import scatter_nd
from retrograd.ops.array.selection import boolean_mask, where_v2
from retrograd.ops.array.shape import expand_dims, reshape, transpose
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.declare import F
from retrograd.ops.flow.higher_order import map_fn
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import (
    reduce_logsumexp,
    reduce_max,
    reduce_sum,
)

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


# ---------------------------------------------------------------------- sparse labels


def ctc_loss(
    labels: SparseTensor,
    inputs: TensorLike | None = None,
    sequence_length: TensorLike | None = None,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    time_major: bool = True,
    logits: TensorLike | None = None,
) -> Tensor:
    """The loss of each sequence: −log of the probability of its labels.

    Args:
      labels: int32 SparseTensor [batch, n], labels below classes − 1.
      inputs: logits, [steps, batch, classes]; the last class is the blank.
      sequence_length: int32 [batch], how many steps of each sequence count.
      preprocess_collapse_repeated: whether repeated labels are merged first.
      ctc_merge_repeated: whether a label may last for several steps.
      ignore_longer_outputs_than_inputs: whether sequences with more labels than steps
        have the loss 0; otherwise they are errors.
      time_major: False where the inputs are [batch, steps, classes].
      logits: the new name of `inputs`.

    Returns:
      [batch].

    Raises:
      TypeError: the labels are not sparse.
    """
    if not isinstance(labels, (SparseTensor, SparseTensorValue)):
        raise TypeError("Expected labels (first argument) to be a SparseTensor")
    inputs = renamed("logits", logits, "inputs", inputs)
    if not time_major:
        inputs = transpose(inputs, [1, 0, 2])
    return F.CTCLoss(
        inputs,
        labels.indices,
        labels.values,
        sequence_length,
        preprocess_collapse_repeated=preprocess_collapse_repeated,
        ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    )[0]


def ctc_loss_v2(
    labels: TensorLike | SparseTensor,
    logits: TensorLike,
    label_length: TensorLike | None,
    logit_length: TensorLike,
    logits_time_major: bool = True,
    unique: tuple[Tensor, Tensor] | None = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Tensor:
    """The loss of each sequence: −log of the probability of its labels.

    Args:
      labels: int [batch, n], or a SparseTensor.
      logits: [steps, batch, classes].
      label_length: int [batch], how many labels of each sequence count; not used where
        labels are sparse.
      logit_length: int [batch], how many steps of each sequence count.
      logits_time_major: False where the logits are [batch, steps, classes].
      unique: what `ctc_unique_labels` gives; not needed.
      blank_index: which class is the blank: 0 by default, −1 for the last one.
      name: the name of the operations.

    Returns:
      [batch].

    Raises:
      ValueError: labels are sparse, and no blank is named.
    """
    if isinstance(labels, SparseTensor):
        if blank_index is None:
            raise ValueError(
                "blank_index must be given when using SparseTensor labels."
            )
        given, ids = _blank_last(convert_to_tensor(logits), labels.values, blank_index)
        return ctc_loss(
            SparseTensor(labels.indices, ids, labels.dense_shape),
            given,
            logit_length,
            time_major=logits_time_major,
        )
    blank = 0 if blank_index is None else blank_index
    return ctc_loss_dense(
        labels,
        logits,
        label_length,
        logit_length,
        logits_time_major,
        unique,
        blank,
        name,
    )


def _classes(logits: Tensor) -> int:
    """The number of classes, which must be known."""
    count = logits.shape.as_list()[2]
    assert count is not None
    return count


def _blank_last(logits: Tensor, ids: Tensor, blank: int) -> tuple[Tensor, Tensor]:
    """Logits with that of the blank moved to the end, and labels counted so."""
    classes = _classes(logits)
    if blank < 0:
        blank += classes
    if blank == classes - 1:
        return logits, ids
    rest = [logits[:, :, :blank], logits[:, :, blank + 1 :]]
    moved = concat([*rest, logits[:, :, blank : blank + 1]], 2)
    return moved, where_v2(ids < blank, ids, ids - 1)


# ---------------------------------------------------------------------- dense labels

#: −log of the least number that 1.15 lets a probability be
_MOST = -math.log(2.2250738585072014e-308)


def ctc_loss_dense(
    labels: TensorLike,
    logits: TensorLike,
    label_length: TensorLike | None,
    logit_length: TensorLike,
    logits_time_major: bool = True,
    unique: tuple[Tensor, Tensor] | None = None,
    blank_index: int = 0,
    name: str | None = None,
) -> Tensor:
    """As `ctc_loss_v2`, of dense labels.

    Labels that do not fit into their steps have a loss of about 708, and no gradient.
    """
    del unique
    with name_scope(name, "ctc_loss_dense", [logits, labels, label_length]):
        given = convert_to_tensor(logits, name="logits")
        ids = cast(convert_to_tensor(labels, name="labels"), dtypes.int32)
        length: Any = label_length
        counts = convert_to_tensor(length, name="label_length")
        steps = cast(convert_to_tensor(logit_length, name="logit_length"), dtypes.int32)
        if not logits_time_major:
            given = transpose(given, [1, 0, 2])
        given, ids = _blank_last(given, ids, blank_index)
        mask = sequence_mask(counts, sizes_of(ids)[1])
        ids = where_v2(mask, ids, zeros_like(ids) + (_classes(given) - 1))
        sparse = _all_elements(ids)
        enough = cast(counts, dtypes.int32) <= steps
        loss = ctc_loss(sparse, given, steps, ignore_longer_outputs_than_inputs=True)
        most = zeros_like(loss) + convert_to_tensor(_MOST, loss.dtype)
        loss = where_v2(enough, F.Minimum(loss, most), most)
        return loss + _left_over(given, steps)


def _left_over(logits: Tensor, steps: Tensor) -> Tensor:
    """Zeros that have 1.15's derivative for logits after the end of a sequence.

    It takes the softmax there; nothing is subtracted from it.
    """
    whole = reduce_logsumexp(logits, 2)
    counted = transpose(sequence_mask(steps, sizes_of(logits)[0]))
    after = where_v2(counted, zeros_like(whole), whole - F.StopGradient(whole))
    return reduce_sum(after, 0)


def _all_elements(ids: Tensor) -> SparseTensor:
    """A matrix as a sparse one that has all its elements."""
    every = F.Where(ones_like(ids, dtypes.bool))
    shape = cast(sizes_of(ids), dtypes.int64)
    return SparseTensor(every, gather_nd(ids, every), shape)


def ctc_unique_labels(
    labels: TensorLike, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The distinct labels of each sequence, and which of them each label is.

    Args:
      labels: int [batch, n].
      name: the name of the operations.

    Returns:
      The distinct ones, [batch, n], filled up with 0; and places among them.
    """
    with name_scope(name, "ctc_unique_labels", [labels]):
        given = convert_to_tensor(labels, name="labels")

        def of_one(row: Tensor) -> list[Tensor]:
            found, places = F.Unique(row)
            lacking = sizes_of(row)[0] - sizes_of(found)[0]
            padded = pad(found, [[0, lacking]])
            return [cast(padded, dtypes.int64), places]

        found: Any = map_fn(of_one, given, dtype=[dtypes.int64, dtypes.int32])
        return found


def collapse_repeated(
    labels: TensorLike, seq_length: TensorLike, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Sequences in which a label that is equal to the one before it is left out.

    Args:
      labels: [batch, n].
      seq_length: int [batch], how many of them count.
      name: the name of the operations.

    Returns:
      Labels, [batch, longest], filled up with 0; and how many there are of each.
    """
    with name_scope(name, "collapse_repeated_labels", [labels, seq_length]):
        given = convert_to_tensor(labels, name="labels")
        counts = convert_to_tensor(seq_length, name="seq_length")
        first = ones_like(given[:, :1], dtypes.bool)
        differs = F.NotEqual(given[:, 1:], given[:, :-1])
        kept = concat([first, differs], axis=1)
        kept = F.LogicalAnd(kept, sequence_mask(counts, maxlen=sizes_of(given)[1]))
        left = reduce_sum(cast(kept, dtypes.int32), axis=1)
        longest = reduce_max(left)
        places = sequence_mask(left, maxlen=longest)
        flat, flat_kept = reshape(given, [-1]), reshape(kept, [-1])
        flat_places = reshape(places, [-1])
        at = boolean_mask(range_(sizes_of(flat_places)[0]), flat_places)
        whole = scatter_nd(
            expand_dims(at, axis=1),
            boolean_mask(flat, flat_kept),
            sizes_of(flat_places),
        )
        batch: Any = sizes_of(given)[0]
        return reshape(whole, [batch, longest]), cast(left, counts.dtype)


def dense_labels_to_sparse(dense: TensorLike, length: TensorLike) -> SparseTensor:
    """Labels as a sparse int32 matrix, as wide as the longest sequence.

    Args:
      dense: [batch, n].
      length: int [batch], how many of each row count.
    """
    counts = convert_to_tensor(length)
    found = counted_elements(dense, counts)
    sizes = [found.dense_shape[0], cast(reduce_max(counts), dtypes.int64)]
    values = cast(found.values, dtypes.int32)
    return SparseTensor(found.indices, values, stack(sizes))


def counted_elements(dense: TensorLike, length: TensorLike) -> SparseTensor:
    """The first elements of each row of a matrix, as a sparse one of the same shape.

    Args:
      dense: [batch, n].
      length: int [batch], how many of each row count.
    """
    given = convert_to_tensor(dense)
    counts = convert_to_tensor(length)
    sizes = sizes_of(given)
    indices = F.Where(sequence_mask(counts, sizes[1]))
    return SparseTensor(indices, gather_nd(given, indices), cast(sizes, dtypes.int64))


# ---------------------------------------------------------------------- decoders


def ctc_greedy_decoder(
    inputs: TensorLike, sequence_length: TensorLike, merge_repeated: bool = True
) -> tuple[list[SparseTensor], Tensor]:
    """The likeliest label of each step, without blanks.

    Args:
      inputs: logits, [steps, batch, classes]; the last class is the blank.
      sequence_length: int32 [batch], how many steps of each sequence count.
      merge_repeated: whether a label that lasts for several steps counts once.

    Returns:
      A list with an int64 SparseTensor [batch, n]; and the negative sums of the
      greatest logits, [batch, 1].
    """
    *found, score = F.CTCGreedyDecoder(
        inputs, sequence_length, merge_repeated=merge_repeated
    )
    return [SparseTensor(*found)], score


def ctc_beam_search_decoder(
    inputs: TensorLike,
    sequence_length: TensorLike,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
) -> tuple[list[SparseTensor], Tensor]:
    """The likeliest sequences of labels that a beam search finds.

    Args:
      inputs: logits, [steps, batch, classes]; the last class is the blank.
      sequence_length: int32 [batch], how many steps of each sequence count.
      beam_width: how many beginnings are kept at each step.
      top_paths: how many sequences are returned.
      merge_repeated: whether labels that are still repeated in what is found, which a
        blank has separated, are merged too.

    Returns:
      A list of int64 SparseTensors [batch, n]; and their log probabilities,
      [batch, top_paths].
    """
    indices, values, shapes, score = F.CTCBeamSearchDecoder(
        inputs,
        sequence_length,
        beam_width=beam_width,
        top_paths=top_paths,
        merge_repeated=merge_repeated,
    )
    found = zip(indices, values, shapes, strict=True)
    return [SparseTensor(*one) for one in found], score


def ctc_beam_search_decoder_v2(
    inputs: TensorLike,
    sequence_length: TensorLike,
    beam_width: int = 100,
    top_paths: int = 1,
) -> tuple[list[SparseTensor], Tensor]:
    """As `ctc_beam_search_decoder`; labels are not merged again."""
    return ctc_beam_search_decoder(
        inputs, sequence_length, beam_width, top_paths, merge_repeated=False
    )
