"""The backend's functions for connectionist temporal classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import dtypes
from retrograd.layers.backend_config import epsilon
from retrograd.ops.array.shape import expand_dims, squeeze, transpose
from retrograd.ops.math.casts import cast
from retrograd.ops.math.unary import log
from retrograd.ops.nn import ctc
from retrograd.ops.sparse.conversion import sparse_to_dense

if TYPE_CHECKING:
    from retrograd.graph.composite import SparseTensor
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def ctc_label_dense_to_sparse(
    labels: TensorLike, label_lengths: TensorLike
) -> SparseTensor:
    """Labels as a sparse matrix.

    Args:
      labels: [batch, n].
      label_lengths: int [batch], how many of each row count.
    """
    return ctc.counted_elements(labels, label_lengths)


def ctc_batch_cost(
    y_true: TensorLike,
    y_pred: TensorLike,
    input_length: TensorLike,
    label_length: TensorLike,
) -> Tensor:
    """The CTC loss of each sequence.

    Args:
      y_true: labels, [batch, n].
      y_pred: probabilities, [batch, steps, classes]; the last class is the blank.
      input_length: [batch, 1], how many steps of each sequence count.
      label_length: [batch, 1], how many labels of each sequence count.

    Returns:
      [batch, 1].
    """
    labels = cast(squeeze(label_length, axis=-1), dtypes.int32)
    steps = cast(squeeze(input_length, axis=-1), dtypes.int32)
    sparse = cast(ctc_label_dense_to_sparse(y_true, labels), dtypes.int32)
    logits = log(transpose(y_pred, perm=[1, 0, 2]) + epsilon())
    loss = ctc.ctc_loss(inputs=logits, labels=sparse, sequence_length=steps)
    return expand_dims(loss, 1)


def ctc_decode(
    y_pred: TensorLike,
    input_length: TensorLike,
    greedy: bool = True,
    beam_width: int = 100,
    top_paths: int = 1,
) -> tuple[list[Tensor], Tensor]:
    """The labels that probabilities are read as.

    Args:
      y_pred: probabilities, [batch, steps, classes]; the last class is the blank.
      input_length: [batch], how many steps of each sequence count.
      greedy: whether the likeliest label of each step is taken; else a beam search
        looks for likely sequences.
      beam_width: how many beginnings it keeps.
      top_paths: how many sequences it returns.

    Returns:
      A list of labels, [batch, n], filled up with −1; and their scores.
    """
    logits = log(transpose(y_pred, perm=[1, 0, 2]) + epsilon())
    steps = cast(input_length, dtypes.int32)
    if greedy:
        found, score = ctc.ctc_greedy_decoder(logits, steps)
    else:
        found, score = ctc.ctc_beam_search_decoder(
            logits, steps, beam_width=beam_width, top_paths=top_paths
        )
    dense = [
        sparse_to_dense(one.indices, one.dense_shape, one.values, default_value=-1)
        for one in found
    ]
    return dense, score
