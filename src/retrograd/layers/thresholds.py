"""Streaming counts of a confusion matrix, at thresholds of predictions; AUC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.layers.metric_parts import (
    Collections,
    Streaming,
    fitted,
    kept_update,
    metric_variable,
    only_in_graphs,
    ratio,
    read,
    value_of,
)
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones_like
from retrograd.ops.array.join import stack
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import expand_dims, reshape, shape, transpose
from retrograd.ops.declare import F
from retrograd.ops.host.checks import assert_greater_equal, assert_less_equal
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import div
from retrograd.ops.math.reduce import reduce_min, reduce_sum
from retrograd.ops.math.scan import cumsum
from retrograd.ops.nn.weights import broadcast_weights
from retrograd.platform import logs
from retrograd.variables.scope import variable_scope
from retrograd.variables.updates import assign_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

#: the counts: by what is predicted, and whether that is true
_NAMES = {
    "tp": "true_positives",
    "fn": "false_negatives",
    "tn": "true_negatives",
    "fp": "false_positives",
}


def counts_at(
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    includes: Sequence[str] = tuple(_NAMES),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The counts so far at each threshold, and after their updates.

    Args:
      labels: true or false, in the shape of the predictions.
      predictions: in [0, 1], which is checked when they run.
      thresholds: above which a prediction counts as positive.
      weights: a scalar, or broadcast to the predictions.
      includes: which of `tp`, `fn`, `tn`, `fp`.
    """
    given: Any = convert_to_tensor(predictions)
    text = "predictions must be in [0, 1]"
    checks = [
        check(given, cast(bound, given.dtype), message=text)
        for check, bound in ((assert_greater_equal, 0.0), (assert_less_equal, 1.0))
    ]
    with control_dependencies(checks):
        p, y, weights = fitted(
            cast(given, dtypes.float32), cast(labels, dtypes.bool), weights
        )
    columns = reshape(p, [-1, 1])
    rows = reshape(cast(y, dtypes.bool), [1, -1])
    size: Any = columns.shape.as_list()[0]
    size = shape(columns)[0] if size is None else size
    spread = None
    if weights is not None:
        spread = broadcast_weights(cast(weights, dtypes.float32), p)
    count = counter(
        transpose(columns), rows, thresholds, size, spread, includes=includes
    )
    values, updates = {}, {}
    for key, name in _NAMES.items():
        if key in includes:
            variable = metric_variable([len(thresholds)], dtypes.float32, name=name)
            updates[key] = assign_add(variable, count(key))
            values[key] = variable
    return values, updates


def counter(
    predictions: Tensor,
    labels: Tensor,
    thresholds: Sequence[float],
    size: TensorLike,
    weights: Tensor | None = None,
    includes: Sequence[str] = tuple(_NAMES),
) -> Callable[[str], Any]:
    """A function from `tp`, `fn`, `tn` or `fp` to these counts at each threshold.

    Args:
      predictions, labels: shape [1, n]; the labels true or false.
      thresholds: above which a prediction counts as positive.
      size: n.
      weights: of n elements.
      includes: which counts will be asked for.
    """
    times = len(thresholds)
    limits = F.Tile(expand_dims(constant(list(thresholds)), [1]), stack([1, size]))
    positive = F.Greater(F.Tile(predictions, [times, 1]), limits)
    is_true = F.Tile(labels, [times, 1])
    spread = None
    if weights is not None:
        spread = F.Tile(reshape(weights, [1, -1]), [times, 1])
    negative = F.LogicalNot(positive) if {"fn", "tn"} & set(includes) else None
    is_false = F.LogicalNot(is_true) if {"fp", "tn"} & set(includes) else None
    pairs = {
        "tp": (is_true, positive),
        "fn": (is_true, negative),
        "tn": (is_false, negative),
        "fp": (is_false, positive),
    }

    def count(key: str) -> Any:
        found = cast(F.LogicalAnd(*pairs[key]), dtypes.float32)
        return reduce_sum(found if spread is None else found * spread, 1)

    return count


def even_limits(count: int) -> list[float]:
    """Thresholds from just below 0 to just above 1.

    Args:
      count: how many there are, evenly spaced.
    """
    return _around([i / (count - 1) for i in range(1, count - 1)])


def _around(between: Sequence[float]) -> list[float]:
    return [0.0 - 1e-7, *between, 1.0 + 1e-7]


def of_counts(
    scope: str,
    function: Callable[[dict[str, Any], str], Any],
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None,
    metrics_collections: Collections,
    updates_collections: Collections,
    name: str | None,
    includes: Sequence[str] = tuple(_NAMES),
) -> Streaming:
    """A function of counts at thresholds.

    Args:
      scope: the variable scope, unless there is a name.
      function: of the counts, and of `value` or `update_op`, which they are for.
      labels, predictions, thresholds, weights, includes: see `counts_at`.
      metrics_collections, updates_collections: where the results are put.
      name: the variable scope.
    """
    with variable_scope(name, scope, (predictions, labels, weights)):
        values, updates = counts_at(labels, predictions, thresholds, weights, includes)
        return _streamed(
            function, values, updates, metrics_collections, updates_collections
        )


def _streamed(
    function: Callable[[dict[str, Any], str], Any],
    values: dict[str, Any],
    updates: dict[str, Any],
    metrics_collections: Collections,
    updates_collections: Collections,
) -> Streaming:
    value = value_of(metrics_collections, lambda v: function(v, "value"), values)
    return value, kept_update(function(updates, "update_op"), updates_collections)


def _one_count(
    key: str,
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None,
    metrics_collections: Collections,
    updates_collections: Collections,
    name: str | None,
) -> Streaming:
    only_in_graphs(f"{_NAMES[key]}_at_thresholds")
    with variable_scope(name, _NAMES[key], (predictions, labels, weights)):
        values, updates = counts_at(labels, predictions, thresholds, weights, (key,))
        value = value_of(metrics_collections, read, values[key])
        return value, kept_update(updates[key], updates_collections)


def true_positives_at_thresholds(
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many true labels are predicted above each threshold."""
    collections = metrics_collections, updates_collections
    return _one_count(
        "tp", labels, predictions, thresholds, weights, *collections, name
    )


def false_negatives_at_thresholds(
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many true labels are not predicted above each threshold."""
    collections = metrics_collections, updates_collections
    return _one_count(
        "fn", labels, predictions, thresholds, weights, *collections, name
    )


def true_negatives_at_thresholds(
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many false labels are not predicted above each threshold."""
    collections = metrics_collections, updates_collections
    return _one_count(
        "tn", labels, predictions, thresholds, weights, *collections, name
    )


def false_positives_at_thresholds(
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many false labels are predicted above each threshold."""
    collections = metrics_collections, updates_collections
    return _one_count(
        "fp", labels, predictions, thresholds, weights, *collections, name
    )


def share_at(
    name: str,
    called: str,
    one: str,
    other: str,
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None,
    metrics_collections: Collections,
    updates_collections: Collections,
    scope: str | None,
) -> Streaming:
    """One count as a share of itself and another, at each threshold.

    Args:
      name: what the metric is called, `_at_thresholds` left out.
      called: the beginning of the names of its results.
      one, other: keys of counts.
      labels, predictions, thresholds, weights: see `counts_at`.
      metrics_collections, updates_collections: where the results are put.
      scope: the variable scope.
    """
    only_in_graphs(f"{name}_at_thresholds")

    def share(counts: dict[str, Any], which: str) -> Any:
        found = counts[one]
        return div(found, 1e-7 + found + counts[other], name=f"{called}_{which}")

    collections = metrics_collections, updates_collections
    given = labels, predictions, thresholds, weights, *collections, scope
    return of_counts(f"{name}_at_thresholds", share, *given, (one, other))


def precision_at_thresholds(
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the predictions above each threshold is true."""
    collections = metrics_collections, updates_collections
    given = labels, predictions, thresholds, weights, *collections
    return share_at("precision", "precision", "tp", "fp", *given, name)


def recall_at_thresholds(
    labels: TensorLike,
    predictions: TensorLike,
    thresholds: Sequence[float],
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the true labels is predicted above each threshold."""
    collections = metrics_collections, updates_collections
    given = labels, predictions, thresholds, weights, *collections
    return share_at("recall", "recall", "tp", "fn", *given, name)


def auc(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> Streaming:
    """The area under a curve of rates at thresholds.

    Args:
      labels: true or false, in the shape of the predictions.
      predictions: in [0, 1].
      weights: a scalar, or broadcast to the predictions.
      num_thresholds: how many thresholds there are, evenly spaced.
      metrics_collections, updates_collections: where the results are put.
      curve: `ROC` (true over false positives) or `PR` (precision over recall).
      name: the variable scope.
      summation_method: `trapezoidal`, `minoring`, `majoring`, or
        `careful_interpolation` (Davis and Goadrich 2006).
      thresholds: others, in [0, 1].

    Raises:
      ValueError: no such curve or method.
      RuntimeError: in eager mode.
    """
    only_in_graphs("auc")
    with variable_scope(name, "auc", (labels, predictions, weights)):
        check_curve(curve)
        if thresholds is None:
            limits = even_limits(num_thresholds)
        else:
            limits = _around(sorted(thresholds))
        values, updates = counts_at(labels, predictions, limits, weights)

        def area(counts: dict[str, Any], called: str) -> Any:
            return _area(counts, curve, summation_method, called)

        return _streamed(
            area, values, updates, metrics_collections, updates_collections
        )


def check_curve(curve: str) -> None:
    """Raise ValueError unless a curve is `ROC` or `PR`."""
    if curve not in ("ROC", "PR"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")


def _area(counts: dict[str, Any], curve: str, method: str, name: str) -> Any:
    if curve == "PR" and method == "trapezoidal":
        logs.warning(
            "Trapezoidal rule is known to produce incorrect PR-AUCs; please switch to "
            '"careful_interpolation" instead.'
        )
    elif curve == "PR" and method == "careful_interpolation":
        return interpolated_area(counts["tp"], counts["fp"], counts["fn"])
    if method == "careful_interpolation":
        method = "trapezoidal"
    return under(*points_of(counts, curve), method, name)


def points_of(counts: dict[str, Any], curve: str) -> tuple[Any, Any]:
    """Where the points of a curve are, one at each threshold: x and y.

    Args:
      counts: all four, at the thresholds.
      curve: `ROC` (true over false positives) or `PR` (precision over recall).
    """
    tp, fn, tn, fp = (counts[key] for key in _NAMES)
    small = 1.0e-6
    recall = div(tp + small, tp + fn + small)
    if curve == "ROC":
        return div(fp, fp + tn + small), recall
    return recall, div(tp + small, tp + fp + small)


def under(x: Any, y: Any, method: str, name: str) -> Any:
    """The area under points of falling x.

    Args:
      x, y: where the points are.
      method: `trapezoidal`, `minoring` or `majoring`: which height counts between two.
      name: the name of the result.

    Raises:
      ValueError: no such method.
    """
    if method == "trapezoidal":
        height = (y[:-1] + y[1:]) / 2.0
    elif method == "minoring":
        height = F.Minimum(y[:-1], y[1:])
    elif method == "majoring":
        height = F.Maximum(y[:-1], y[1:])
    else:
        raise ValueError(f"Invalid summation_method: {method}")
    return reduce_sum(F.Mul(x[:-1] - x[1:], height), name=name)


def interpolated_area(tp: Any, fp: Any, fn: Any) -> Any:
    """The area under precision over recall, both interpolated by their counts."""
    change, p = tp[:-1] - tp[1:], tp + fp
    slope = ratio(change, p[:-1] - p[1:], "prec_slope")
    start = tp[1:] - F.Mul(slope, p[1:])
    relative = where(
        F.LogicalAnd(p[:-1] > 0, p[1:] > 0),
        ratio(p[:-1], p[1:], "recall_relative_ratio"),
        ones_like(p[1:]),
    )
    parts = ratio(
        slope * (change + start * F.Log(relative)),
        tp[1:] + fn[1:],
        "pr_auc_increment",
    )
    return reduce_sum(parts, name="interpolate_pr_auc")


def _rate_where(
    of: str,
    at: str,
    rate: float,
    counts: tuple[str, str, str, str],
    nearest: Callable[[Any], Any],
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None,
    num_thresholds: int,
    metrics_collections: Collections,
    updates_collections: Collections,
    name: str | None,
) -> Streaming:
    """One rate at the threshold where another is nearest to a value.

    Args:
      of, at: what the rates are called.
      rate: the value of the other.
      counts: right and wrong ones of the other rate, then of this one.
      nearest: of distances, where the least is.
      labels, predictions, weights, num_thresholds, metrics_collections,
        updates_collections, name: as of `auc`.
    """
    only_in_graphs(f"{of}_at_{at}")
    if rate < 0 or rate > 1:
        raise ValueError(f"`{at}` must be in the range [0, 1].")

    def at_nearest(found: dict[str, Any], called: str) -> Any:
        right, wrong, own, other = (found[key] for key in counts)
        rates = div(right, right + wrong + 1e-7)
        place = nearest(F.Abs(rates - rate))
        chosen = own[place]
        return div(chosen, chosen + other[place] + 1e-7, name=called)

    limits = even_limits(num_thresholds)
    collections = metrics_collections, updates_collections
    given = labels, predictions, limits, weights, *collections, name
    return of_counts(f"{of}_at_{at}", at_nearest, *given)


def last_least(values: Any) -> Any:
    """Where the least of values is, the last time."""
    least = cast(F.Equal(values, reduce_min(values)), dtypes.int64)
    return cast(F.ArgMax(cumsum(least), 0), dtypes.int32)


def sensitivity_at_specificity(
    labels: TensorLike,
    predictions: TensorLike,
    specificity: float,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the true is found where a share of the false is not.

    Raises:
      ValueError: the specificity is not in [0, 1].
    """
    return _rate_where(
        "sensitivity",
        "specificity",
        specificity,
        ("tn", "fp", "tp", "fn"),
        lambda away: cast(F.ArgMin(away, 0), dtypes.int32),
        labels,
        predictions,
        weights,
        num_thresholds,
        metrics_collections,
        updates_collections,
        name,
    )


def specificity_at_sensitivity(
    labels: TensorLike,
    predictions: TensorLike,
    sensitivity: float,
    weights: TensorLike | None = None,
    num_thresholds: int = 200,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the false is not found where a share of the true is.

    Raises:
      ValueError: the sensitivity is not in [0, 1].
    """
    return _rate_where(
        "specificity",
        "sensitivity",
        sensitivity,
        ("tp", "fn", "tn", "fp"),
        last_least,
        labels,
        predictions,
        weights,
        num_thresholds,
        metrics_collections,
        updates_collections,
        name,
    )
