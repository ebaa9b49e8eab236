"""`tf.metrics`: values that are gathered over many runs, in local variables.

Each gives two tensors: the value so far, and the value after this run, which updates
it. `weights` are a scalar, or broadcast to the values; collections are those that the
two results are put into; in eager mode all raise RuntimeError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.layers.metric_parts import (
    Collections,
    Streaming,
    fitted,
    keep,
    kept_update,
    metric_variable,
    only_in_graphs,
    ratio,
    read,
    value_of,
)
from retrograd.ops.array.fill import ones, ones_like, zeros_like
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import rank, reshape, size
from retrograd.ops.declare import F
from retrograd.ops.host.shape_checks import assert_rank_in, assert_type
from retrograd.ops.linalg.diagonals import diag_part
from retrograd.ops.math.casts import cast
from retrograd.ops.math.confusion import confusion_matrix, remove_squeezable_dimensions
from retrograd.ops.math.elementwise import div
from retrograd.ops.math.reduce import reduce_mean, reduce_sum
from retrograd.ops.nn.weights import broadcast_weights
from retrograd.variables.scope import variable_scope
from retrograd.variables.updates import assign_add, scatter_add

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


# ---------------------------------------------------------------------- means


def _mean_of(
    total: Any,
    count: Any,
    change: Any,
    more: Any,
    after: Any,
    metrics_collections: Collections,
    updates_collections: Collections,
) -> Streaming:
    """Total by count, and after both have been updated."""
    new_total = assign_add(total, change)
    with control_dependencies([after]):
        new_count = assign_add(count, more)
    value = value_of(
        metrics_collections, lambda t, c: ratio(t, c, "value"), total, count
    )
    update = ratio(new_total, new_count, "update_op")
    return value, kept_update(update, updates_collections)


def _weighted(values: Any, weights: TensorLike) -> tuple[Any, Any]:
    """Values times weights, and the weights in the shape of the values."""
    values, _, weights = fitted(values, None, weights)
    spread = broadcast_weights(cast(weights, dtypes.float32), values)
    return F.Mul(values, spread), spread


def mean(
    values: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The weighted mean of all values."""
    only_in_graphs("mean")
    with variable_scope(name, "mean", (values, weights)):
        x: Any = cast(values, dtypes.float32)
        total = metric_variable([], dtypes.float32, name="total")
        count = metric_variable([], dtypes.float32, name="count")
        if weights is None:
            more: Any = cast(size(x), dtypes.float32)
        else:
            x, spread = _weighted(x, weights)
            more = reduce_sum(spread)
        collections = metrics_collections, updates_collections
        return _mean_of(total, count, reduce_sum(x), more, x, *collections)


def mean_tensor(
    values: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The weighted mean of each element of values of one shape."""
    only_in_graphs("mean_tensor")
    with variable_scope(name, "mean", (values, weights)):
        x: Any = cast(values, dtypes.float32)
        total = metric_variable(x.shape, dtypes.float32, name="total_tensor")
        count = metric_variable(x.shape, dtypes.float32, name="count_tensor")
        more: Any = ones_like(x)
        if weights is not None:
            x, spread = _weighted(x, weights)
            more = F.Mul(more, spread)
        collections = metrics_collections, updates_collections
        return _mean_of(total, count, x, more, x, *collections)


def accuracy(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How often predictions equal labels."""
    only_in_graphs("accuracy")
    p, y, weights = fitted(predictions, labels, weights)
    if y.dtype != p.dtype:
        p = cast(p, y.dtype)
    correct = cast(F.Equal(p, y), dtypes.float32)
    collections = metrics_collections, updates_collections
    return mean(correct, weights, *collections, name or "accuracy")


def mean_absolute_error(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The mean of |predictions − labels|."""
    only_in_graphs("mean_absolute_error")
    p, y, weights = fitted(predictions, labels, weights)
    collections = metrics_collections, updates_collections
    errors = F.Abs(p - y)
    return mean(errors, weights, *collections, name or "mean_absolute_error")


def mean_squared_error(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The mean of (labels − predictions)²."""
    only_in_graphs("mean_squared_error")
    p, y, weights = fitted(predictions, labels, weights)
    collections = metrics_collections, updates_collections
    errors = F.SquaredDifference(y, p)
    return mean(errors, weights, *collections, name or "mean_squared_error")


def root_mean_squared_error(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The root of `mean_squared_error`."""
    only_in_graphs("root_mean_squared_error")
    p, y, weights = fitted(predictions, labels, weights)
    scope = name or "root_mean_squared_error"
    squared, update = mean_squared_error(y, p, weights, None, None, scope)
    value = value_of(metrics_collections, F.Sqrt, squared)
    return value, kept_update(F.Sqrt(update), updates_collections)


def mean_relative_error(
    labels: TensorLike,
    predictions: TensorLike,
    normalizer: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The mean of |labels − predictions| / normalizer; 0 where that is 0."""
    only_in_graphs("mean_relative_error")
    p, y, weights = fitted(predictions, labels, weights)
    p, by = remove_squeezable_dimensions(p, normalizer)
    p.shape.assert_is_compatible_with(by.shape)
    errors = where(F.Equal(by, 0.0), zeros_like(y), div(F.Abs(y - p), by))
    collections = metrics_collections, updates_collections
    return mean(errors, weights, *collections, name or "mean_relative_error")


def mean_cosine_distance(
    labels: TensorLike,
    predictions: TensorLike,
    dim: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """1 − the mean of Σ predictions · labels along `dim`."""
    only_in_graphs("mean_cosine_distance")
    p, y, weights = fitted(predictions, labels, weights)
    products = reduce_sum(F.Mul(p, y), axis=[dim], keepdims=True)
    scope = name or "mean_cosine_distance"
    found, update = mean(products, weights, None, None, scope)
    value, update = F.Sub(1.0, found), F.Sub(1.0, update)
    keep(value, metrics_collections)
    return value, kept_update(update, updates_collections)


def percentage_below(
    values: TensorLike,
    threshold: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the values is below a threshold."""
    only_in_graphs("percentage_below")
    below = cast(F.Less(values, threshold), dtypes.float32)
    collections = metrics_collections, updates_collections
    return mean(below, weights, *collections, name or "percentage_below_threshold")


# ---------------------------------------------------------------------- classes


def mean_per_class_accuracy(
    labels: TensorLike,
    predictions: TensorLike,
    num_classes: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The mean over classes of how often predictions equal labels.

    The update gives the accuracy of each class.
    """
    only_in_graphs("mean_per_class_accuracy")
    with variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        y, p = _flat(cast(labels, dtypes.int64)), _flat(predictions)
        p.shape.assert_is_compatible_with(y.shape)
        total = metric_variable([num_classes], dtypes.float32, name="total")
        count = metric_variable([num_classes], dtypes.float32, name="count")
        each: Any = ones([size(y)], dtypes.float32)
        p = cast(p, y.dtype) if y.dtype != p.dtype else p
        correct = cast(F.Equal(p, y), dtypes.float32)
        if weights is not None:
            w = cast(_flat(weights), dtypes.float32)
            correct, each = correct * w, each * w
        new_total = scatter_add(total, y, each)
        new_count = scatter_add(count, y, correct)

        def of_classes(count: Any, total: Any) -> Any:
            return reduce_mean(ratio(count, total), name="mean_accuracy")

        value = value_of(metrics_collections, of_classes, count, total)
        update = ratio(new_count, new_total, "update_op")
        return value, kept_update(update, updates_collections)


def _flat(given: Any) -> Any:
    tensor = convert_to_tensor(given)
    rank_ = tensor.shape.ndims
    return reshape(tensor, [-1]) if rank_ is not None and rank_ > 1 else tensor


def mean_iou(
    labels: TensorLike,
    predictions: TensorLike,
    num_classes: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The mean over classes of intersection over union.

    The update gives the confusion matrix.
    """
    only_in_graphs("mean_iou")
    with variable_scope(name, "mean_iou", (predictions, labels, weights)):
        given: Any = convert_to_tensor(predictions)
        wanted: Any = convert_to_tensor(labels)
        given.shape.assert_is_compatible_with(wanted.shape)
        matrix = metric_variable(
            [num_classes, num_classes], dtypes.float64, name="total_confusion_matrix"
        )
        p, y = (cast(x, dtypes.int64) for x in (given, wanted))
        classes = cast(num_classes, dtypes.int64)
        p, y = _flat(p), _flat(y)
        w = None if weights is None else _flat(weights)
        found = confusion_matrix(y, p, classes, weights=w, dtype=dtypes.float64)
        update = assign_add(matrix, found)
        value = value_of(metrics_collections, intersection_over_union, matrix)
        return value, kept_update(update, updates_collections)


def intersection_over_union(matrix: Any) -> Any:
    """The mean over classes of a confusion matrix, for those that occur in it."""
    rows, columns = (cast(reduce_sum(matrix, axis), dtypes.float32) for axis in (0, 1))
    both = cast(diag_part(matrix), dtypes.float32)
    either = rows + columns - both
    there = reduce_sum(cast(F.NotEqual(either, 0), dtypes.float32))
    either = where(F.Greater(either, 0), either, ones_like(either))
    total = reduce_sum(div(both, either), name="mean_iou")
    return where(F.Greater(there, 0), total / there, 0)


# ---------------------------------------------------------------------- counts


def _counted(
    name: str,
    is_label: bool,
    is_prediction: bool,
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None,
    metrics_collections: Collections,
    updates_collections: Collections,
    scope: str | None,
) -> Streaming:
    """How many labels and predictions are so."""
    only_in_graphs(name)
    with variable_scope(scope, name, (predictions, labels, weights)):
        p, y, weights = fitted(
            cast(predictions, dtypes.bool), cast(labels, dtypes.bool), weights
        )
        found = F.LogicalAnd(F.Equal(y, is_label), F.Equal(p, is_prediction))
        assert_type(found, dtypes.bool)
        count = metric_variable([], dtypes.float32, name="count")
        values = cast(found, dtypes.float32)
        if weights is not None:
            with control_dependencies([assert_rank_in(weights, (0, rank(values)))]):
                values = F.Mul(values, cast(weights, dtypes.float32))
        value = value_of(metrics_collections, read, count)
        update = assign_add(count, reduce_sum(values))
        return value, kept_update(update, updates_collections)


def true_positives(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many true labels are predicted."""
    given = labels, predictions, weights, metrics_collections, updates_collections
    return _counted("true_positives", True, True, *given, name)


def false_positives(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many false labels are predicted."""
    given = labels, predictions, weights, metrics_collections, updates_collections
    return _counted("false_positives", False, True, *given, name)


def true_negatives(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many false labels are not predicted."""
    given = labels, predictions, weights, metrics_collections, updates_collections
    return _counted("true_negatives", False, False, *given, name)


def false_negatives(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many true labels are not predicted."""
    given = labels, predictions, weights, metrics_collections, updates_collections
    return _counted("false_negatives", True, False, *given, name)


def share_of(
    name: str,
    one: Any,
    other: Any,
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None,
    metrics_collections: Collections,
    updates_collections: Collections,
    scope: str | None,
) -> Streaming:
    """One count as a share of itself and another; 0 for nothing.

    Args:
      name: what the metric is called.
      one, other: functions as `true_positives`.
      labels, predictions: true or false.
      weights, metrics_collections, updates_collections: as everywhere.
      scope: the variable scope, by default `name`.
    """
    only_in_graphs(name)
    with variable_scope(scope, name, (predictions, labels, weights)):
        p, y, weights = fitted(
            cast(predictions, dtypes.bool), cast(labels, dtypes.bool), weights
        )
        true, new_true = one(y, p, weights)
        rest, new_rest = other(y, p, weights)

        def share(true: Any, rest: Any, called: str) -> Any:
            some = F.Greater(true + rest, 0)
            return where(some, div(true, true + rest), 0, called)

        value = value_of(
            metrics_collections, lambda t, r: share(t, r, "value"), true, rest
        )
        update = share(new_true, new_rest, "update_op")
        return value, kept_update(update, updates_collections)


def precision(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of what is predicted is true."""
    given = labels, predictions, weights, metrics_collections, updates_collections
    return share_of("precision", true_positives, false_positives, *given, name)


def recall(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the true labels is predicted."""
    given = labels, predictions, weights, metrics_collections, updates_collections
    return share_of("recall", true_positives, false_negatives, *given, name)
