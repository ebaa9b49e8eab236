"""Streaming rates of `tf.contrib.metrics`: of errors, F1, and points of curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.layers import metrics
from retrograd.layers.metric_parts import Collections, Streaming, keep, kept_update
from retrograd.layers.thresholds import (
    check_curve,
    counts_at,
    even_limits,
    last_least,
    of_counts,
    points_of,
    share_at,
)
from retrograd.ops.array.join import stack
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control import group
from retrograd.ops.math.elementwise import div
from retrograd.ops.math.reduce import argmax, argmin, reduce_max
from retrograd.variables.scope import variable_scope

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

_SMALL = 1e-7


def streaming_false_positive_rate(
    predictions: TensorLike,
    labels: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the false labels is predicted."""
    counts = metrics.false_positives, metrics.true_negatives
    given = labels, predictions, weights, metrics_collections, updates_collections
    return metrics.share_of("false_positive_rate", *counts, *given, name)


def streaming_false_negative_rate(
    predictions: TensorLike,
    labels: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the true labels is not predicted."""
    counts = metrics.false_negatives, metrics.true_positives
    given = labels, predictions, weights, metrics_collections, updates_collections
    return metrics.share_of("false_negative_rate", *counts, *given, name)


def streaming_false_positive_rate_at_thresholds(
    predictions: TensorLike,
    labels: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the false labels is predicted above each threshold."""
    collections = metrics_collections, updates_collections
    given = labels, predictions, thresholds, weights, *collections
    return share_at("false_positive_rate", "fpr", "fp", "tn", *given, name)


def streaming_false_negative_rate_at_thresholds(
    predictions: TensorLike,
    labels: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the true labels is not predicted above each threshold."""
    collections = metrics_collections, updates_collections
    given = labels, predictions, thresholds, weights, *collections
    return share_at("false_negative_rate", "fnr", "fn", "tp", *given, name)


def f1_score(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The highest F1, the harmonic mean of precision and recall, over thresholds.

    Args:
      labels: true or false, in the shape of the predictions.
      predictions: in [0, 1].
      weights: a scalar, or broadcast to the predictions.
      num_thresholds: how many there are.
      metrics_collections, updates_collections: where the results are put.
      name: the variable scope.
    """

    def best(counts: dict[str, Any], which: str) -> Any:
        tp, fn, fp = counts["tp"], counts["fn"], counts["fp"]
        precision = div(tp, _SMALL + tp + fp, name="precision_" + which)
        recall = div(tp, _SMALL + tp + fn, name="recall_" + which)
        return reduce_max(2.0 * precision * recall / (precision + recall + _SMALL))

    limits = even_limits(num_thresholds)
    collections = metrics_collections, updates_collections
    given = labels, predictions, limits, weights, *collections, name
    return of_counts("f1", best, *given, ("tp", "fn", "fp"))


def precision_at_recall(
    labels: TensorLike,
    predictions: TensorLike,
    target_recall: float,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The precision at the threshold where recall is nearest to a value.

    Args:
      target_recall: the value.
      labels, predictions, weights, num_thresholds, metrics_collections,
      updates_collections, name: as for `f1_score`.

    Raises:
      ValueError: the value is not in [0, 1].
    """
    if target_recall < 0 or target_recall > 1:
        raise ValueError("`target_recall` must be in the range [0, 1].")

    def precision(counts: dict[str, Any], which: str) -> Any:
        tp, fn, fp = counts["tp"], counts["fn"], counts["fp"]
        recalls = div(tp, tp + fn + _SMALL)
        at = last_least(abs(recalls - target_recall))
        return div(tp[at] + _SMALL, tp[at] + fp[at] + _SMALL, name=which)

    limits = even_limits(num_thresholds)
    collections = metrics_collections, updates_collections
    given = labels, predictions, limits, weights, *collections, name
    return of_counts("precision_at_recall", precision, *given)


def recall_at_precision(
    labels: TensorLike,
    predictions: TensorLike,
    precision: float,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
    strict_mode: bool = False,
) -> Streaming:
    """The recall at the threshold where precision is nearest to a value.

    Args:
      precision: the value.
      strict_mode: whether the precision has to be as high; where none is, 0.
      labels, predictions, weights, num_thresholds, metrics_collections,
      updates_collections, name: as for `f1_score`.

    Raises:
      ValueError: the value is not in [0, 1].
    """
    if not 0 <= precision <= 1:
        raise ValueError("`precision` must be in the range [0, 1].")

    def recall(counts: dict[str, Any], which: str) -> Any:
        tp, fn, fp = counts["tp"], counts["fn"], counts["fp"]
        precisions = div(tp, tp + fp + _SMALL)

        def at(place: Tensor) -> Any:
            return div(tp[place], tp[place] + fn[place] + _SMALL, name=which)

        if not strict_mode:
            away = abs(precisions - precision)
            return at(argmin(away, 0, output_type=dtypes.int32))
        # the least that is not below the value has the largest reciprocal
        place = argmax(
            div(1.0, precisions - precision + _SMALL), 0, output_type=dtypes.int32
        )
        return cond(precisions[place] >= precision, lambda: at(place), lambda: 0.0)

    limits = even_limits(num_thresholds)
    collections = metrics_collections, updates_collections
    given = labels, predictions, limits, weights, *collections, name
    return of_counts("recall_at_precision", recall, *given)


def streaming_curve_points(
    labels: TensorLike | None = None,
    predictions: TensorLike | None = None,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    curve: str = "ROC",
    name: str | None = None,
) -> Streaming:
    """The points of a curve, shape [num_thresholds, 2].

    Args:
      curve: `ROC` (false against true positives) or `PR` (recall against precision).
      labels, predictions, weights, num_thresholds, metrics_collections,
      updates_collections, name: as for `f1_score`.

    Raises:
      ValueError: there is no such curve.
    """
    check_curve(curve)
    y: Any = labels
    p: Any = predictions
    with variable_scope(name, "curve_points", (y, p, weights)):
        values, updates = counts_at(y, p, even_limits(num_thresholds), weights)
        found = stack(points_of(values, curve), axis=1)
        keep(found, metrics_collections)
        update = group(*updates.values())
        return found, kept_update(update, updates_collections)
