"""`tf.contrib.nn`: activations, and losses with logits first."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.fill import zeros
from retrograd.ops.array.shape import shape, squeeze
from retrograd.ops.array.tensor_values import constant_value
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.nn import cross_entropy
from retrograd.ops.nn.sampled import _compute_sampled_logits
from retrograd.ops.random.random import random_uniform

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.ops.nn.embedding import Table
    from retrograd.typing import DynamicShape, Operand, TensorLike

#: what SELU gives for the lowest inputs
_LOWEST = -1.7580993408473766


def alpha_dropout(
    x: TensorLike,
    keep_prob: float | Tensor,
    noise_shape: DynamicShape | None = None,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Dropout that keeps mean and variance of what SELU gives (Klambauer et al. 2017).

    Args:
      x: the elements.
      keep_prob: the share that stays as it is; others become SELU's lowest value.
      noise_shape: a shape that is broadcast to that of `x`: what falls together.
      seed: of what is chosen.
      name: the name scope.

    Raises:
      ValueError: the share is not in (0, 1].
    """
    with name_scope(name, "alpha_dropout", [x]):
        given: Any = convert_to_tensor(x, name="x")
        if isinstance(keep_prob, numbers.Real) and not 0 < keep_prob <= 1.0:
            raise ValueError(
                "keep_prob must be a scalar tensor or a float in the range (0, 1], "
                f"got {keep_prob:g}"
            )
        keep: Any = convert_to_tensor(keep_prob, dtype=given.dtype, name="keep_prob")
        keep.get_shape().assert_has_rank(0)
        if constant_value(keep) == 1:
            return given
        sizes = shape(given) if noise_shape is None else noise_shape
        noise = random_uniform(sizes, seed=seed, dtype=given.dtype)
        stays = cast(F.GreaterEqual(noise, 1 - keep), given.dtype)
        found = given * stays + _LOWEST * (1 - stays)
        scale = F.Pow(keep + keep * (1 - keep) * _LOWEST**2, -0.5)
        shift = -scale * _LOWEST * (1 - keep)
        return scale * found + shift


def scaled_softplus(
    x: TensorLike,
    alpha: TensorLike,
    clip: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """α log (1 + exp (x / α)), by default of any size.

    Args:
      x: the elements.
      alpha: α, which is broadcast to them.
      clip: the largest value, beyond which nothing has a derivative.
      name: the name scope.
    """
    with name_scope(name, "scaled_softplus", [x, alpha]):
        given: Any = convert_to_tensor(x, name="x")
        a: Any = convert_to_tensor(alpha, dtype=given.dtype, name="alpha")
        found = a * F.Softplus(given / a)
        if clip is None:
            return found
        return F.Minimum(found, cast(clip, given.dtype))


def deprecated_flipped_softmax_cross_entropy_with_logits(
    logits: TensorLike, labels: TensorLike, dim: int = -1, name: str | None = None
) -> Any:
    """`tf.nn.softmax_cross_entropy_with_logits`, with logits first."""
    return cross_entropy.softmax_cross_entropy_with_logits(
        labels=labels, logits=logits, dim=dim, name=name
    )


def deprecated_flipped_sparse_softmax_cross_entropy_with_logits(
    logits: TensorLike, labels: TensorLike, name: str | None = None
) -> Any:
    """`tf.nn.sparse_softmax_cross_entropy_with_logits`, with logits first."""
    return cross_entropy.sparse_softmax_cross_entropy_with_logits(
        labels=labels, logits=logits, name=name
    )


def deprecated_flipped_sigmoid_cross_entropy_with_logits(
    logits: TensorLike, targets: TensorLike, name: str | None = None
) -> Any:
    """`tf.nn.sigmoid_cross_entropy_with_logits`, with logits first."""
    return cross_entropy.sigmoid_cross_entropy_with_logits(
        labels=targets, logits=logits, name=name
    )


def sampled_sparse_softmax_loss(
    weights: Table,
    biases: Table,
    labels: TensorLike,
    inputs: Operand,
    num_sampled: int,
    num_classes: int,
    sampled_values: tuple[Tensor, Tensor, Tensor] | None = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_sparse_softmax_loss",
) -> Any:
    """`tf.nn.sampled_softmax_loss` of one label each, shape [batch, 1].

    Args:
      weights, biases, labels, inputs, num_sampled, num_classes, sampled_values,
      remove_accidental_hits, partition_strategy, name: as there.
    """
    logits, _ = _compute_sampled_logits(
        weights=weights,
        biases=biases,
        labels=labels,
        inputs=inputs,
        num_sampled=num_sampled,
        num_classes=num_classes,
        num_true=1,
        sampled_values=sampled_values,
        subtract_log_q=True,
        remove_accidental_hits=remove_accidental_hits,
        partition_strategy=partition_strategy,
        name=name,
    )
    # the true class is the first of those that are compared
    first = zeros([shape(logits)[0], 1], dtype=dtypes.int64)
    return cross_entropy.sparse_softmax_cross_entropy_with_logits(
        labels=squeeze(first, 1), logits=logits
    )
