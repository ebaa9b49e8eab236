"""Losses over many classes that compare the true ones with a sample of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import ones, ones_like, zeros_like
from retrograd.ops.array.join import concat, stack
from retrograd.ops.array.shape import expand_dims, reshape
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.array.slicing import slice_
from retrograd.ops.declare import F
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.casts import cast
from retrograd.ops.nn.candidates import (
    compute_accidental_hits,
    log_uniform_candidate_sampler,
)
from retrograd.ops.nn.cross_entropy import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
)
from retrograd.ops.nn.embedding import embedding_lookup

if TYPE_CHECKING:
    from retrograd.ops.nn.embedding import Table
    from retrograd.typing import DTypeLike, Operand, TensorLike


def _sum_rows(x: Tensor) -> Tensor:
    """The sum of each row, as a matrix product: its gradient is cheap."""
    columns = sizes_of(x)[1]
    column = ones(stack([columns, 1]), x.dtype)
    return reshape(matmul(x, column), [-1])


def _compute_sampled_logits(
    weights: Table,
    biases: Table,
    labels: TensorLike,
    inputs: Operand,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Sequence[TensorLike] | None = None,
    subtract_log_q: bool = True,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str | None = None,
    seed: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Logits of the true and the sampled classes, and labels for them.

    Args:
      weights: [num_classes, dim], or a list of its parts.
      biases: [num_classes].
      labels: [batch, num_true], class numbers.
      inputs: [batch, dim].
      num_sampled, num_classes, num_true: how many of each.
      sampled_values: what a candidate sampler gave; by default a log-uniform one.
      subtract_log_q: correct logits for how likely each class was sampled.
      remove_accidental_hits: give sampled classes that are true no weight.
      partition_strategy: how parts of the weights divide the classes.
      name: the name of the operations.
      seed: the seed of the default sampler.

    Returns:
      Both [batch, num_true + num_sampled]; labels sum to one in each row.
    """
    if hasattr(weights, "_variable_list"):
        weights = list(weights)
    parts: list[Any] = weights if isinstance(weights, list) else [weights]
    values = [*parts, biases, inputs, labels]
    with name_scope(name, "compute_sampled_logits", values):
        classes = cast(labels, dtypes.int64)
        flat = reshape(classes, [-1])
        drawn = sampled_values
        if drawn is None:
            drawn = log_uniform_candidate_sampler(
                classes, num_true, num_sampled, True, num_classes, seed
            )
        sampled, true_count, sampled_count = (F.StopGradient(value) for value in drawn)
        sampled = cast(sampled, dtypes.int64)
        ids = concat([flat, sampled], 0)
        rows = embedding_lookup(parts, ids, partition_strategy)
        rows = cast(rows, inputs.dtype)
        true_rows = slice_(rows, [0, 0], stack([sizes_of(flat)[0], -1]))
        other_rows = slice_(rows, stack([sizes_of(flat)[0], 0]), [-1, -1])
        sampled_logits = matmul(inputs, other_rows, transpose_b=True)
        offsets = cast(embedding_lookup(biases, ids, partition_strategy), inputs.dtype)
        true_offsets = slice_(offsets, [0], sizes_of(flat))
        sampled_offsets = slice_(offsets, sizes_of(flat), [-1])
        true_logits = _row_dots(inputs, true_rows, num_true)
        true_logits += reshape(true_offsets, [-1, num_true])
        sampled_logits += sampled_offsets
        if remove_accidental_hits:
            sampled_logits += _hits(
                classes, sampled, num_true, num_sampled, sampled_logits.dtype
            )
        if subtract_log_q:
            true_logits -= F.Log(true_count)
            sampled_logits -= F.Log(sampled_count)
        logits = concat([true_logits, sampled_logits], 1)
        targets = concat(
            [ones_like(true_logits) / num_true, zeros_like(sampled_logits)], 1
        )
        return logits, targets


def _row_dots(inputs: Operand, rows: Tensor, num_true: int) -> Tensor:
    """The products of each input with the rows of its true classes."""
    width = sizes_of(rows)[1:2]
    shape = concat([[-1, num_true], width], 0)
    products = F.Mul(expand_dims(inputs, 1), reshape(rows, shape))
    matrix = reshape(products, concat([[-1], width], 0))
    return reshape(_sum_rows(matrix), [-1, num_true])


def _hits(
    labels: Tensor,
    sampled: TensorLike,
    num_true: int,
    num_sampled: int,
    dtype: DTypeLike,
) -> Tensor:
    """The lowest number wherever a sampled class is a true one, else 0."""
    examples, places, weights = compute_accidental_hits(labels, sampled, num_true)
    examples = reshape(examples, [-1, 1])
    places = reshape(cast(places, dtypes.int32), [-1, 1])
    indices = concat([examples, places], 1, "sparse_indices")
    shape = concat([sizes_of(labels)[:1], expand_dims(num_sampled, 0)], 0)
    return F.SparseToDense(
        indices, shape, cast(weights, dtype), 0.0, validate_indices=False
    )


def nce_loss(
    weights: Table,
    biases: Table,
    labels: TensorLike,
    inputs: Operand,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Sequence[TensorLike] | None = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str | None = "nce_loss",
) -> Tensor:
    """Noise-contrastive estimation (Gutmann and Hyvärinen, 2010).

    Args:
      weights: [num_classes, dim], or a list of its parts.
      biases: [num_classes].
      labels: int64 [batch, num_true], class numbers.
      inputs: [batch, dim].
      num_sampled, num_classes, num_true: how many of each.
      sampled_values: what a candidate sampler gave; by default a log-uniform one.
      remove_accidental_hits: leave out sampled classes that are true.
      partition_strategy: how parts of the weights divide the classes.
      name: the name of the operations.

    Returns:
      The loss of each example, [batch].
    """
    logits, targets = _compute_sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        True,
        remove_accidental_hits,
        partition_strategy,
        name,
    )
    losses = sigmoid_cross_entropy_with_logits(
        labels=targets, logits=logits, name="sampled_losses"
    )
    return _sum_rows(losses)


def nce_loss_v2(
    weights: Table,
    biases: Table,
    labels: TensorLike,
    inputs: Operand,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Sequence[TensorLike] | None = None,
    remove_accidental_hits: bool = False,
    name: str | None = "nce_loss",
) -> Tensor:
    """As `nce_loss`, parts by "div"."""
    return nce_loss(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        "div",
        name,
    )


def sampled_softmax_loss(
    weights: Table,
    biases: Table,
    labels: TensorLike,
    inputs: Operand,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Sequence[TensorLike] | None = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str | None = "sampled_softmax_loss",
    seed: int | None = None,
) -> Tensor:
    """The softmax cross entropy over the true and the sampled classes (Jean, 2014).

    Arguments as for `nce_loss`; `seed` is that of the default sampler.

    Returns:
      The loss of each example, [batch].
    """
    logits, targets = _compute_sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        True,
        remove_accidental_hits,
        partition_strategy,
        name,
        seed,
    )
    targets = F.StopGradient(targets, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(targets, logits)


def sampled_softmax_loss_v2(
    weights: Table,
    biases: Table,
    labels: TensorLike,
    inputs: Operand,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Sequence[TensorLike] | None = None,
    remove_accidental_hits: bool = True,
    seed: int | None = None,
    name: str | None = "sampled_softmax_loss",
) -> Tensor:
    """As `sampled_softmax_loss`, parts by "div"."""
    return sampled_softmax_loss(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        "div",
        name,
        seed,
    )
