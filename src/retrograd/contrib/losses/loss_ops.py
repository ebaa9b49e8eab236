"""`tf.contrib.losses`: those of `tf.losses`, with predictions before labels.

Weights of one axis are for the examples of a batch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.layers import losses as later
from retrograd.ops.array.fill import ones_like, zeros_like
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import reshape
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import div_no_nan
from retrograd.ops.math.reduce import reduce_sum

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Add a loss to a collection."""
    later.add_loss(loss, loss_collection)


def _by_example(weights: TensorLike, losses: TensorLike, less: int = 0) -> Tensor:
    """Weights in the rank of losses; of theirs, `less` axes are summed over."""
    weights = convert_to_tensor(weights, dtype=dtypes.float32)
    rank = convert_to_tensor(losses).get_shape().ndims
    if weights.get_shape().ndims == 1 and rank is not None and rank - less > 1:
        return reshape(weights, [-1] + [1] * (rank - less - 1))
    return weights


def compute_weighted_loss(
    losses: TensorLike, weights: TensorLike = 1.0, scope: str | None = None
) -> Any:
    """The mean of losses times weights, over those whose weight is not zero.

    Args:
      losses: shape [batch, …].
      weights: a scalar, or one for each example or each loss.
      scope: the name scope.
    """
    weights = _by_example(weights, losses)
    return later.compute_weighted_loss(losses, weights, scope=scope)


def get_losses(
    scope: str | None = None, loss_collection: str = GraphKeys.LOSSES
) -> list[Any]:
    """The losses of a collection; `scope` is what names start with."""
    return later.get_losses(scope, loss_collection)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The losses of weights; `scope` is what names start with."""
    return later.get_regularization_losses(scope)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss"
) -> Any:
    """The sum of all losses, by default with those of weights."""
    return later.get_total_loss(add_regularization_losses, name)


def absolute_difference(
    predictions: Tensor,
    labels: TensorLike | None = None,
    weights: TensorLike = 1.0,
    scope: str | None = None,
) -> Any:
    """|x − y|, weighted; see `compute_weighted_loss`."""
    given = _given(predictions, labels)
    weights = _by_example(weights, predictions)
    return later.absolute_difference(given, predictions, weights, scope)


def _given(predictions: Tensor, labels: TensorLike | None) -> Any:
    """Labels of the shape of predictions.

    Raises:
      ValueError: they are of another shape.
      AttributeError: there are none.
    """
    known: Any = labels
    predictions.get_shape().assert_is_compatible_with(known.get_shape())
    return labels


def mean_squared_error(
    predictions: Tensor,
    labels: TensorLike | None = None,
    weights: TensorLike = 1.0,
    scope: str | None = None,
) -> Any:
    """(x − y)², weighted; see `compute_weighted_loss`."""
    given = _given(predictions, labels)
    weights = _by_example(weights, predictions)
    return later.mean_squared_error(given, predictions, weights, scope)


def log_loss(
    predictions: Tensor,
    labels: TensorLike | None = None,
    weights: TensorLike = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
) -> Any:
    """−y log (x + ε) − (1 − y) log (1 − x + ε), weighted."""
    given = _given(predictions, labels)
    weights = _by_example(weights, predictions)
    return later.log_loss(given, predictions, weights, epsilon, scope)


def hinge_loss(
    logits: Tensor, labels: TensorLike | None = None, scope: str | None = None
) -> Any:
    """max (1 − (2y − 1) x, 0) of each element; it joins no collection."""
    with name_scope(scope, "hinge_loss", [logits, labels]):
        given = cast(_given(logits, labels), dtypes.float32)
        signs = F.Sub(2.0 * given, ones_like(given))
        return F.Relu(F.Sub(ones_like(given), F.Mul(signs, logits)))


def cosine_distance(
    predictions: Tensor,
    labels: TensorLike | None = None,
    axis: int | None = None,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    dim: int | None = None,
) -> Any:
    """1 − Σ x y along an axis, of unit vectors, weighted.

    Raises:
      ValueError: no axis, or two.
    """
    if axis is None and dim is None:
        raise ValueError("You must specify 'axis'.")
    given = _given(predictions, labels)
    weights = _by_example(weights, predictions)
    return later.cosine_distance(
        given, predictions, axis=axis, weights=weights, scope=scope, dim=dim
    )


def sigmoid_cross_entropy(
    logits: Tensor,
    multi_class_labels: TensorLike,
    weights: TensorLike = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
) -> Any:
    """The cross entropy of independent classes, weighted."""
    given = _given(logits, multi_class_labels)
    weights = _by_example(weights, logits)
    return later.sigmoid_cross_entropy(given, logits, weights, label_smoothing, scope)


def softmax_cross_entropy(
    logits: Tensor,
    onehot_labels: TensorLike,
    weights: TensorLike = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
) -> Any:
    """The cross entropy of classes that exclude each other, weighted."""
    given = _given(logits, onehot_labels)
    weights = _by_example(weights, logits, 1)
    return later.softmax_cross_entropy(given, logits, weights, label_smoothing, scope)


def sparse_softmax_cross_entropy(
    logits: TensorLike,
    labels: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
) -> Any:
    """The cross entropy of classes given by their numbers, weighted."""
    weights = _by_example(weights, logits, 1)
    return later.sparse_softmax_cross_entropy(labels, logits, weights, scope)


def mean_pairwise_squared_error(
    predictions: Tensor,
    labels: TensorLike | None = None,
    weights: TensorLike = 1.0,
    scope: str | None = None,
) -> Any:
    """((xᵢ − xⱼ) − (yᵢ − yⱼ))² over all pairs of an example's elements, weighted.

    Args:
      predictions: x, shape [batch, …].
      labels: y, of their shape.
      weights: a scalar, or one for each example.
      scope: the name scope.
    """
    given: Any = _given(predictions, labels)
    with name_scope(scope, "mean_pairwise_squared_error", [predictions, labels]):
        w: Any = convert_to_tensor(weights, dtype=dtypes.float32)
        away: Any = F.Sub(predictions, cast(given, dtypes.float32))
        inner = list(range(1, away.get_shape().ndims))
        count = _count_of_each(away, w)
        squares = div_no_nan(
            reduce_sum(F.Square(away), axis=inner), count, name="value"
        )
        sums = F.Square(reduce_sum(away, axis=inner))
        sums = div_no_nan(sums, F.Square(count), name="value")
        loss = reduce_sum(F.Mul(2.0 * squares - 2.0 * sums, w))
        some = F.Greater(reduce_sum(count), 0)
        found = where(some, loss, zeros_like(loss), name="value")
        add_loss(found)
        return found


def _count_of_each(losses: Tensor, weights: Tensor) -> Any:
    """How many elements of each example have a weight that is not 0."""
    sizes: Any = losses.get_shape().as_list()
    some = cast(F.NotEqual(weights, 0.0), dtypes.float32)
    rank = weights.get_shape().ndims or 0
    if rank == 0:
        some = some * ones_like(losses[(slice(None), *[0] * (len(sizes) - 1))])
        rank = 1
    else:
        some = reduce_sum(some, list(range(1, rank)))
    return some * float(math.prod(sizes[rank:]))
