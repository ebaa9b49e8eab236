"""`tf.contrib.seq2seq.sequence_loss`: the weighted cross-entropy of sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import div_no_nan
from retrograd.ops.math.reduce import count_nonzero, reduce_sum
from retrograd.ops.nn.cross_entropy import sparse_softmax_cross_entropy_with_logits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor

    #: called with `labels` and `logits`, gives [batch · steps]
    LossFunction: TypeAlias = Callable[..., Tensor]


def sequence_loss(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: LossFunction | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross-entropy of sequences.

    Args:
      logits: [batch, steps, symbols].
      targets: the right symbols, [batch, steps].
      weights: [batch, steps]; 0 where a sequence has ended.
      average_across_timesteps, average_across_batch: whether the sum over this axis is
        divided by that of the weights.
      sum_over_timesteps, sum_over_batch: whether it is divided by how many of them are
        not 0; not where another axis is averaged over.
      softmax_loss_function: takes `labels` [batch · steps] and `logits`; gives losses.
      name: the name of the operations.

    Returns:
      A scalar, or [batch], [steps] or [batch, steps], as axes are summed over.

    Raises:
      ValueError: a shape of another rank, or an axis to be averaged and summed over.
    """
    _check_ranks(logits, targets, weights)
    for average, summed, axis in (
        (average_across_timesteps, sum_over_timesteps, "timesteps"),
        (average_across_batch, sum_over_batch, "batch"),
    ):
        if average and summed:
            raise ValueError(
                f"average_across_{axis} and sum_over_{axis} cannot be set to True at "
                "same time."
            )
    with name_scope(name, "sequence_loss", [logits, targets, weights]):
        losses = _losses(logits, targets, weights, softmax_loss_function)
        if average_across_timesteps and average_across_batch:
            return div_no_nan(reduce_sum(losses), reduce_sum(weights))
        if sum_over_timesteps and sum_over_batch:
            total = reduce_sum(losses)
            return div_no_nan(total, cast(count_nonzero(weights), losses.dtype))
        losses = reshape(losses, shape(logits)[0:2])
        averaged = average_across_timesteps or average_across_batch
        for axis, wanted in (
            (1, average_across_timesteps if averaged else sum_over_timesteps),
            (0, average_across_batch if averaged else sum_over_batch),
        ):
            if wanted:
                losses = reduce_sum(losses, axis=[axis])
                if averaged:
                    by = reduce_sum(weights, axis=[axis])
                else:
                    by = cast(count_nonzero(weights, axis=[axis]), losses.dtype)
                losses = div_no_nan(losses, by)
        return losses


def _check_ranks(logits: Tensor, targets: Tensor, weights: Tensor) -> None:
    if len(logits.shape) != 3:
        raise ValueError(
            "Logits must be a [batch_size x sequence_length x logits] tensor"
        )
    for x, called in ((targets, "Targets"), (weights, "Weights")):
        if len(x.shape) != 2:
            raise ValueError(
                f"{called} must be a [batch_size x sequence_length] tensor"
            )


def _losses(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor,
    loss_function: LossFunction | None,
) -> Tensor:
    """The weighted loss of each step, [batch · steps]."""
    flat = reshape(logits, [-1, shape(logits)[2]])
    labels = reshape(targets, [-1])
    if loss_function is None:
        losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=flat)
    else:
        losses = loss_function(labels=labels, logits=flat)
    return losses * reshape(weights, [-1])
