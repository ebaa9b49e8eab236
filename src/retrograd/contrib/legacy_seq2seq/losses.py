"""Losses of lists of steps, and a model for each of several lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import add_n
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.cross_entropy import sparse_softmax_cross_entropy_with_logits
from retrograd.variables.scope import get_variable_scope, variable_scope

if TYPE_CHECKING:
    from retrograd.contrib.legacy_seq2seq.decoders import Decoded
    from retrograd.graph.tensor import Tensor

    #: called with `labels` and `logits`, gives [batch]
    LossFunction: TypeAlias = Callable[..., Tensor]


def sequence_loss_by_example(
    logits: Sequence[Tensor],
    targets: Sequence[Tensor],
    weights: Sequence[Tensor],
    average_across_timesteps: bool = True,
    softmax_loss_function: LossFunction | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross-entropy of sequences, [batch].

    Args:
      logits: [batch, symbols] for each step.
      targets: the right symbols, [batch] for each step.
      weights: [batch] for each step.
      average_across_timesteps: whether the sum is divided by that of the weights.
      softmax_loss_function: takes `labels` and `logits`; gives the loss of a step.
      name: the name of the operations.

    Raises:
      ValueError: the lists are not of one length.
    """
    if len(targets) != len(logits) or len(weights) != len(logits):
        raise ValueError(
            "Lengths of logits, weights, and targets must be the same "
            f"{len(logits)}, {len(weights)}, {len(targets)}."
        )
    with name_scope(name, "sequence_loss_by_example", [*logits, *targets, *weights]):
        parts = []
        for logit, target, weight in zip(logits, targets, weights, strict=True):
            if softmax_loss_function is None:
                target = reshape(target, [-1])
                loss = sparse_softmax_cross_entropy_with_logits(
                    labels=target, logits=logit
                )
            else:
                loss = softmax_loss_function(labels=target, logits=logit)
            parts.append(loss * weight)
        total = add_n(parts)
        if average_across_timesteps:
            total /= add_n(weights) + 1e-12  # not 0 where all weights are
        return total


def sequence_loss(
    logits: Sequence[Tensor],
    targets: Sequence[Tensor],
    weights: Sequence[Tensor],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: LossFunction | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross-entropy of all sequences, a scalar.

    Args:
      logits, targets, weights, average_across_timesteps, softmax_loss_function: see
        `sequence_loss_by_example`.
      average_across_batch: whether the sum is divided by the size of the batch.
      name: the name of the operations.

    Raises:
      ValueError: the lists are not of one length.
    """
    with name_scope(name, "sequence_loss", [*logits, *targets, *weights]):
        cost = reduce_sum(
            sequence_loss_by_example(
                logits,
                targets,
                weights,
                average_across_timesteps=average_across_timesteps,
                softmax_loss_function=softmax_loss_function,
            )
        )
        if not average_across_batch:
            return cost
        return cost / cast(shape(targets[0])[0], cost.dtype)


def model_with_buckets(
    encoder_inputs: Sequence[Tensor],
    decoder_inputs: Sequence[Tensor],
    targets: Sequence[Tensor],
    weights: Sequence[Tensor],
    buckets: Sequence[tuple[int, int]],
    seq2seq: Callable[[Sequence[Tensor], Sequence[Tensor]], Decoded],
    softmax_loss_function: LossFunction | None = None,
    per_example_loss: bool = False,
    name: str | None = None,
) -> tuple[list[list[Tensor]], list[Tensor]]:
    """A model of the same weights for each of several lengths.

    Args:
      encoder_inputs, decoder_inputs: what the model takes, one for each step.
      targets, weights: see `sequence_loss`.
      buckets: how many steps encoder and decoder have, the longest last.
      seq2seq: takes inputs of both; gives outputs for each step, and a state.
      softmax_loss_function: see `sequence_loss`.
      per_example_loss: whether losses are [batch].
      name: the name of the operations.

    Returns:
      For each bucket its outputs, and its loss.

    Raises:
      ValueError: there are fewer inputs than the last bucket has steps.
    """
    for given, called, steps in (
        (encoder_inputs, "encoder_inputs", buckets[-1][0]),
        (targets, "targets", buckets[-1][1]),
        (weights, "weights", buckets[-1][1]),
    ):
        if len(given) < steps:
            raise ValueError(
                f"Length of {called} ({len(given)}) must be at least that of last "
                f"bucket ({steps})."
            )
    loss_function = sequence_loss_by_example if per_example_loss else sequence_loss
    values = [*encoder_inputs, *decoder_inputs, *targets, *weights]
    losses, outputs = [], []
    with name_scope(name, "model_with_buckets", values):
        for place, (source, steps) in enumerate(buckets):
            with variable_scope(get_variable_scope(), reuse=True if place else None):
                found, _ = seq2seq(encoder_inputs[:source], decoder_inputs[:steps])
                outputs.append(found)
                losses.append(
                    loss_function(
                        found,
                        targets[:steps],
                        weights[:steps],
                        softmax_loss_function=softmax_loss_function,
                    )
                )
    return outputs, losses
