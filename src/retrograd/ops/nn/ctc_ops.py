"""Ops: connectionist temporal classification: the loss, and decoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import errors
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.array.shape import expand_dims
from retrograd.ops.declare import NOT_DIFFERENTIABLE, F, gradient, op
from retrograd.ops.infer import same_dim, with_rank
from retrograd.ops.nn.ctc_alignments import Alignments
from retrograd.ops.nn.ctc_beams import Beam, log_softmax, merged_repeats
from retrograd.ops.sparse.parts import check_order, groups, of_rows

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays, Gradients


def _batch(n: Operation, lengths: int) -> tuple[RawShape, int | None]:
    """The shape of the inputs and the size of the batch."""
    inputs = with_rank(n, 0, 3)
    return inputs, same_dim(n, inputs[1], with_rank(n, lengths, 1)[0])


# ---------------------------------------------------------------------- the loss


def _loss_shapes(n: Operation) -> list[RawShape]:
    with_rank(n, 1, 2)
    indices, values = with_rank(n, 1, 2), with_rank(n, 2, 1)
    same_dim(n, indices[0], values[0])
    inputs, batch = _batch(n, 3)
    assert inputs is not None
    return [(batch,), (inputs[0], batch, inputs[2])]


def _check_loss(inputs: Array, indices: Array, values: Array, lengths: Array) -> None:
    """Refuse shapes that do not fit.

    Raises:
      InvalidArgumentError: they do not.
    """
    if np.ndim(inputs) != 3:
        raise refused("inputs is not a 3-Tensor")
    if np.ndim(lengths) != 1:
        raise refused("sequence_length is not a vector")
    if np.ndim(indices) != 2:
        raise refused("labels_indices is not a matrix")
    if np.ndim(values) != 1:
        raise refused("labels_values is not a vector")
    steps, batch, _ = inputs.shape
    if len(lengths) != batch:
        raise refused(
            "len(sequence_length) != batch_size.  len(sequence_length):  "
            f"{len(lengths)} batch_size: {batch}"
        )
    if len(indices) != len(values):
        raise refused(
            "labels_indices and labels_values must contain the same number of rows, "
            f"but saw shapes: [{len(indices)},{indices.shape[1]}] vs. [{len(values)}]"
        )
    if not batch:
        raise refused("batch_size must not be 0")
    for i, length in enumerate(lengths.tolist()):
        if length > steps:
            raise refused(f"sequence_length({i}) <= {steps}")


def _labels_by_row(
    xp: Arrays, indices: Array, values: Array, batch: int
) -> list[list[int]]:
    """The labels of each sequence.

    Raises:
      InvalidArgumentError: they are not in order, or a sequence has none.
    """
    if indices.shape[1] != 2:
        raise refused("Order length must be SparseTensor rank.")
    longest = int(indices[:, 1].max()) + 1 if len(indices) else 0
    try:
        check_order(xp, indices, (batch, longest))
    except errors.InvalidArgumentError as error:
        raise refused(f"label SparseTensor is not valid: {error.message}") from None
    found: list[list[int]] = [[] for _ in range(batch)]
    for (row,), run in groups(indices, 1):
        found[row] = values[run].tolist()
    return found


def _path(labels: list[int], row: int, classes: int, collapse: bool) -> list[int]:
    """The labels of a sequence up to its end.

    Raises:
      InvalidArgumentError: there are none, or some that are none.
    """
    if not labels:
        raise refused(f"Labels length is zero in batch {row}")
    path: list[int] = []
    ended = False
    listed = ",".join(map(str, labels))
    for i, label in enumerate(labels):
        if collapse and i and label == labels[i - 1]:
            continue
        if label >= classes - 1:
            ended = True
        elif ended:
            seen = ",".join(map(str, path))
            raise refused(
                "Saw a non-null label (index >= num_classes - 1) following a null "
                f"label, batch: {row} num_classes: {classes} labels: {listed} labels "
                f"seen so far: {seen}"
            )
        else:
            path.append(label)
    if any(label < 0 for label in path):
        raise refused(
            f"All labels must be nonnegative integers, batch: {row} labels: {listed}"
        )
    return path


@op(
    "CTCLoss",
    infer=_loss_shapes,
    math="y = minus log of probability of labels by x",
    host=True,
    notation=dict(inputs="x̄ = ȳ times gradient of each sequence"),
)
def ctc_loss_kernel(
    xp: Arrays,
    inputs: Array,
    labels_indices: Array,
    labels_values: Array,
    sequence_length: Array,
    *,
    preprocess_collapse_repeated: bool,
    ctc_merge_repeated: bool,
    ignore_longer_outputs_than_inputs: bool,
) -> tuple[Array, Array]:
    """The loss of each sequence, and its derivative for the inputs."""
    _check_loss(inputs, labels_indices, labels_values, sequence_length)
    _, batch, classes = inputs.shape
    by_row = _labels_by_row(xp, labels_indices, labels_values, batch)
    lengths = sequence_length.tolist()
    paths: list[list[int] | None] = []
    for row, labels in enumerate(by_row):
        path = _path(labels, row, classes, preprocess_collapse_repeated)
        fits = len(path) <= lengths[row]
        if not fits and not ignore_longer_outputs_than_inputs:
            raise refused(
                "Not enough time for target transition sequence (required: "
                f"{len(path)}, available: {lengths[row]}){row}You can turn this error "
                "into a warning by using the flag ignore_longer_outputs_than_inputs"
            )
        paths.append(path if fits else None)
    return Alignments(inputs, paths, lengths, ctc_merge_repeated).loss_and_gradient()


@gradient("CTCLoss")
def ctc_loss_gradient(n: Operation, d_loss: Tensor, _: Tensor) -> Gradients:
    """The loss comes with its derivative, which cannot be differentiated again."""
    once = F.PreventGradient(
        n.outputs[1],
        message="Currently there is no way to take the second "
        " derivative of ctc_loss due to the fused implementation's interaction "
        " with tf.gradients()",
    )
    return [expand_dims(d_loss, -1) * once, None, None, None]


# ---------------------------------------------------------------------- decoders


def _check_decoder(inputs: Array, lengths: Array) -> None:
    """Refuse shapes and lengths that do not fit.

    Raises:
      InvalidArgumentError: shapes do not.
      FailedPreconditionError: lengths do not.
    """
    if np.ndim(inputs) != 3:
        raise refused("inputs is not a 3-Tensor")
    if np.ndim(lengths) != 1:
        raise refused("sequence_length is not a vector")
    steps, batch, _ = inputs.shape
    text = ""
    if len(lengths) != batch:
        text = (
            "len(sequence_length) != batch_size.  len(sequence_length):  "
            f"{len(lengths)} batch_size: {batch}"
        )
    else:
        for i, length in enumerate(lengths.tolist()):
            if length > steps:
                text = f"sequence_length({i}) <= {steps}"
                break
    if text:
        raise errors.FailedPreconditionError(None, None, text)


def _greedy_shapes(n: Operation) -> list[RawShape]:
    _, batch = _batch(n, 1)
    return [(None, 2), (None,), (2,), (batch, 1)]


@op(
    "CTCGreedyDecoder",
    infer=_greedy_shapes,
    math="y = labels of greatest inputs",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def ctc_greedy_decoder_kernel(
    xp: Arrays, inputs: Array, sequence_length: Array, *, merge_repeated: bool
) -> tuple[Array, ...]:
    """The likeliest label of each step, without blanks."""
    del xp
    _check_decoder(inputs, sequence_length)
    blank = inputs.shape[2] - 1
    seen = np.where(np.isnan(inputs), -np.inf, inputs)
    seen[:, :, 0] = inputs[:, :, 0]  # 1.15 begins with it, be it what it may
    best = seen.argmax(2)
    most = np.take_along_axis(inputs, best[:, :, None], 2)[:, :, 0]
    rows = []
    score = np.zeros((inputs.shape[1], 1), inputs.dtype)
    for row, length in enumerate(sequence_length.tolist()):
        labels = best[:length, row]
        kept = labels != blank
        if merge_repeated:
            kept[1:] &= labels[1:] != labels[:-1]
        rows.append(labels[kept].tolist())
        score[row, 0] = -most[:length, row].sum()
    return (*of_rows(rows), score)


def _beam_shapes(n: Operation) -> list[RawShape]:
    _, batch = _batch(n, 1)
    count = n.attrs["top_paths"]
    return [*[(None, 2)] * count, *[(None,)] * count, *[(2,)] * count, (batch, count)]


@op(
    "CTCBeamSearchDecoder",
    infer=_beam_shapes,
    math="y = likeliest sequences of labels",
    host=True,
    grad=NOT_DIFFERENTIABLE,
)
def ctc_beam_search_decoder_kernel(
    xp: Arrays,
    inputs: Array,
    sequence_length: Array,
    *,
    beam_width: int,
    top_paths: int,
    merge_repeated: bool,
) -> tuple[Array, ...]:
    """The likeliest sequences that a beam search finds."""
    del xp
    _check_decoder(inputs, sequence_length)
    if top_paths > beam_width:
        raise refused("requested more paths than the beam width.")
    found: list[list[list[int]]] = [[] for _ in range(top_paths)]
    scores = np.zeros((inputs.shape[1], top_paths), inputs.dtype)
    log_y = log_softmax(inputs)
    for row, length in enumerate(sequence_length.tolist()):
        beam = Beam(beam_width)
        for step in log_y[:length, row]:
            beam.advance(step)
        if len(beam.prefixes) < top_paths:
            raise refused("Less leaves in the beam search than requested.")
        for i in range(top_paths):
            labels = list(beam.prefixes[i])
            found[i].append(merged_repeats(labels) if merge_repeated else labels)
            scores[row, i] = beam.total[i]
    parts = list(zip(*map(of_rows, found), strict=True))
    return (*(part for kind in parts for part in kind), scores)
