"""`tf.contrib.metrics.streaming_…`: those of `tf.metrics`, with predictions first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.layers import metrics, ranking_metrics, thresholds
from retrograd.layers.metric_parts import Collections, Streaming
from retrograd.ops.math.casts import cast
from retrograd.ops.nn.nn import in_top_k

if TYPE_CHECKING:
    from retrograd.typing import CompositeLike, TensorLike

#: a function of predictions, labels, weights, collections and a name
Metric = Callable[..., Streaming]


def _named(made: Metric, later: Callable[..., Any], name: str | None = None) -> Metric:
    made.__name__ = made.__qualname__ = f"streaming_{name or later.__name__}"
    made.__doc__ = f"`tf.metrics.{later.__name__}`, with predictions first."
    return made


def _as_later(later: Callable[..., Any]) -> Metric:
    """A function of values, which have no labels."""

    def streaming(
        values: TensorLike,
        weights: TensorLike | None = None,
        metrics_collections: Collections = None,
        updates_collections: Collections = None,
        name: str | None = None,
    ) -> Streaming:
        return later(values, weights, metrics_collections, updates_collections, name)

    return _named(streaming, later)


def _swapped(later: Callable[..., Any]) -> Metric:
    """A function of `tf.metrics` with predictions before labels."""

    def streaming(
        predictions: TensorLike,
        labels: TensorLike,
        weights: TensorLike | None = None,
        metrics_collections: Collections = None,
        updates_collections: Collections = None,
        name: str | None = None,
    ) -> Streaming:
        collections = metrics_collections, updates_collections
        return later(labels, predictions, weights, *collections, name)

    return _named(streaming, later)


def _swapped_at(later: Callable[..., Any]) -> Metric:
    """The same of a function that takes thresholds."""

    def streaming(
        predictions: TensorLike,
        labels: TensorLike,
        thresholds: Sequence[float],
        weights: TensorLike | None = None,
        metrics_collections: Collections = None,
        updates_collections: Collections = None,
        name: str | None = None,
    ) -> Streaming:
        collections = metrics_collections, updates_collections
        return later(labels, predictions, thresholds, weights, *collections, name)

    return _named(streaming, later)


def _counts_at(key: str, later: Callable[..., Any]) -> Metric:
    """How many there are above thresholds, in no scope and no collection."""

    def streaming(
        predictions: TensorLike,
        labels: TensorLike,
        thresholds: Sequence[float],
        weights: TensorLike | None = None,
    ) -> Streaming:
        values, updates = counts_at(labels, predictions, thresholds, weights, (key,))
        return values[key], updates[key]

    return _named(streaming, later)


counts_at = thresholds.counts_at
streaming_mean = _as_later(metrics.mean)
streaming_mean_tensor = _as_later(metrics.mean_tensor)
streaming_percentage_less = metrics.percentage_below

streaming_accuracy = _swapped(metrics.accuracy)
streaming_precision = _swapped(metrics.precision)
streaming_recall = _swapped(metrics.recall)
streaming_true_positives = _swapped(metrics.true_positives)
streaming_true_negatives = _swapped(metrics.true_negatives)
streaming_false_positives = _swapped(metrics.false_positives)
streaming_false_negatives = _swapped(metrics.false_negatives)
streaming_mean_absolute_error = _swapped(metrics.mean_absolute_error)
streaming_mean_squared_error = _swapped(metrics.mean_squared_error)
streaming_root_mean_squared_error = _swapped(metrics.root_mean_squared_error)

streaming_precision_at_thresholds = _swapped_at(thresholds.precision_at_thresholds)
streaming_recall_at_thresholds = _swapped_at(thresholds.recall_at_thresholds)
streaming_true_positives_at_thresholds = _counts_at(
    "tp", thresholds.true_positives_at_thresholds
)
streaming_true_negatives_at_thresholds = _counts_at(
    "tn", thresholds.true_negatives_at_thresholds
)
streaming_false_positives_at_thresholds = _counts_at(
    "fp", thresholds.false_positives_at_thresholds
)
streaming_false_negatives_at_thresholds = _counts_at(
    "fn", thresholds.false_negatives_at_thresholds
)


def streaming_mean_relative_error(
    predictions: TensorLike,
    labels: TensorLike,
    normalizer: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.mean_relative_error`, with predictions first."""
    given = normalizer, weights, metrics_collections, updates_collections, name
    return metrics.mean_relative_error(labels, predictions, *given)


def streaming_mean_cosine_distance(
    predictions: TensorLike,
    labels: TensorLike,
    dim: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.mean_cosine_distance`, with predictions first."""
    given = dim, weights, metrics_collections, updates_collections, name
    return metrics.mean_cosine_distance(labels, predictions, *given)


def streaming_mean_iou(
    predictions: TensorLike,
    labels: TensorLike,
    num_classes: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.mean_iou`, with predictions first."""
    given = num_classes, weights, metrics_collections, updates_collections, name
    return metrics.mean_iou(labels, predictions, *given)


def streaming_auc(
    predictions: TensorLike,
    labels: TensorLike,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    curve: str = "ROC",
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.auc`, with predictions first."""
    collections = metrics_collections, updates_collections
    given = weights, num_thresholds, *collections, curve, name
    return thresholds.auc(labels, predictions, *given)


def streaming_sensitivity_at_specificity(
    predictions: TensorLike,
    labels: TensorLike,
    specificity: float,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.sensitivity_at_specificity`, with predictions first."""
    collections = metrics_collections, updates_collections
    given = specificity, weights, num_thresholds, *collections, name
    return thresholds.sensitivity_at_specificity(labels, predictions, *given)


def streaming_specificity_at_sensitivity(
    predictions: TensorLike,
    labels: TensorLike,
    sensitivity: float,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.specificity_at_sensitivity`, with predictions first."""
    collections = metrics_collections, updates_collections
    given = sensitivity, weights, num_thresholds, *collections, name
    return thresholds.specificity_at_sensitivity(labels, predictions, *given)


# ------------------------------------------------------------------------- rankings


def streaming_recall_at_k(
    predictions: TensorLike,
    labels: TensorLike,
    k: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How often a label is among the k classes that are predicted most.

    Args:
      predictions: of all classes, shape [batch, classes].
      labels: a class for each, shape [batch].
      k: how many classes count.
      weights: a scalar, or one for each.
      metrics_collections, updates_collections: where the results are put.
      name: the variable scope.
    """
    found = cast(in_top_k(predictions, labels, k), dtypes.float32)
    collections = metrics_collections, updates_collections
    return metrics.mean(found, weights, *collections, name or f"recall_at_{k}")


def streaming_sparse_precision_at_k(
    predictions: TensorLike,
    labels: CompositeLike,
    k: int,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.precision_at_k`, with predictions first."""
    given = class_id, weights, metrics_collections, updates_collections, name
    return ranking_metrics.precision_at_k(labels, predictions, k, *given)


def streaming_sparse_recall_at_k(
    predictions: TensorLike,
    labels: CompositeLike,
    k: int,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.recall_at_k`, with predictions first."""
    given = class_id, weights, metrics_collections, updates_collections, name
    return ranking_metrics.recall_at_k(labels, predictions, k, *given)


def streaming_sparse_average_precision_at_k(
    predictions: TensorLike,
    labels: CompositeLike,
    k: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.average_precision_at_k`, with predictions first."""
    given = weights, metrics_collections, updates_collections, name
    return ranking_metrics.average_precision_at_k(labels, predictions, k, *given)


def streaming_sparse_precision_at_top_k(
    top_k_predictions: TensorLike,
    labels: CompositeLike,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.precision_at_top_k`, with predictions first."""
    given = class_id, weights, metrics_collections, updates_collections, name
    return ranking_metrics.precision_at_top_k(labels, top_k_predictions, None, *given)


def streaming_sparse_average_precision_at_top_k(
    top_k_predictions: TensorLike,
    labels: CompositeLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The same of classes that are predicted, the likeliest first."""
    given = weights, metrics_collections, updates_collections, name
    return ranking_metrics.average_precision_at_top_k(labels, top_k_predictions, *given)


def sparse_recall_at_top_k(
    labels: CompositeLike,
    top_k_predictions: TensorLike,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`tf.metrics.recall_at_top_k`."""
    given = class_id, weights, metrics_collections, updates_collections, name
    return ranking_metrics.recall_at_top_k(labels, top_k_predictions, None, *given)
