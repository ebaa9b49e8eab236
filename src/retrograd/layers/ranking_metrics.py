"""Streaming metrics of the classes with the k highest predictions of each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.composite import SparseTensor
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.name_scopes import name_scope
from retrograd.layers.metric_parts import (
    Collections,
    Streaming,
    kept_update,
    metric_variable,
    only_in_graphs,
    ratio,
    value_of,
)
from retrograd.ops.array.fill import ones_like
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import expand_dims, shape, size
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import div
from retrograd.ops.math.reduce import reduce_any, reduce_sum
from retrograd.ops.math.scan import cumsum
from retrograd.ops.nn.weights import assert_broadcastable, broadcast_weights
from retrograd.variables.updates import assign_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import CompositeLike, TensorLike

#: no class: what stands for nothing in a row of classes
_NOTHING = np.iinfo(np.int64).min // 2


def _at_k(name: str, k: int | None, class_id: int | None) -> str:
    """The default name of a metric."""
    name = f"{name}_at_k" if k is None else f"{name}_at_{k}"
    return name if class_id is None else f"{name}_class{class_id}"


def _labels(labels: CompositeLike, predictions: Any) -> Tensor:
    """Labels as rows of classes, with `_NOTHING` where a row is shorter."""
    if isinstance(labels, SparseTensor):
        values = cast(labels.values, dtypes.int64) - _NOTHING
        return F.ScatterNd(labels.indices, values, labels.dense_shape) + _NOTHING
    found = cast(convert_to_tensor(labels), dtypes.int64)
    ranks = found.shape.ndims, predictions.shape.ndims
    if None not in ranks and ranks[0] + 1 == ranks[1]:
        return expand_dims(found, -1)
    return found


def _only(classes: Any, class_id: int | None) -> Any:
    """Rows of classes without all but one."""
    if class_id is None:
        return classes
    wanted = cast(class_id, dtypes.int64)
    return where(F.Equal(classes, wanted), classes, _NOTHING * ones_like(classes))


def _among(classes: Any, others: Any) -> Any:
    """Whether each of the classes of a row is among others of the row."""
    same = F.Equal(expand_dims(classes, -1), expand_dims(others, -2))
    return reduce_any(same, -1)


def _distinct(classes: Any) -> Any:
    """Whether each of the classes of a row has not stood there before."""
    same = F.Equal(expand_dims(classes, -1), expand_dims(classes, -2))
    count = shape(classes)[-1]
    places = F.Range(0, count, 1)
    before = F.Greater(expand_dims(places, 1), expand_dims(places, 0))
    again = reduce_any(F.LogicalAnd(same, before), -1)
    return F.LogicalAnd(F.NotEqual(classes, _NOTHING), F.LogicalNot(again))


def _count(found: Any, weights: TensorLike | None) -> Any:
    """How many are true in each row, times its weight."""
    counts = reduce_sum(cast(found, dtypes.float64), -1)
    if weights is None:
        return counts
    with control_dependencies([assert_broadcastable(weights, counts)]):
        return F.Mul(counts, cast(weights, dtypes.float64))


def _streaming(counts: Any, name: str) -> Streaming:
    """The sum of all counts, and after it has been updated."""
    with name_scope(name) as scope:
        total = cast(reduce_sum(counts), dtypes.float64)
        variable = metric_variable([], dtypes.float64, name=scope)
        return variable, assign_add(variable, total, name="update")


def _share(
    kind: str,
    labels: CompositeLike,
    predictions_idx: TensorLike,
    k: int | None,
    class_id: int | None,
    weights: TensorLike | None,
    metrics_collections: Collections,
    updates_collections: Collections,
    name: str | None,
) -> Streaming:
    """True positives as a share of all predicted classes, or of all labels."""
    with name_scope(name or _at_k(kind, k, class_id)) as scope:
        given = cast(convert_to_tensor(predictions_idx), dtypes.int64)
        wanted = _only(_labels(labels, given), class_id)
        guessed = _only(given, class_id)
        right = F.LogicalAnd(_distinct(guessed), _among(guessed, wanted))
        if kind == "precision":
            other, (rows, others) = "false_positive", (guessed, wanted)
        else:
            other, (rows, others) = "false_negative", (wanted, guessed)
        wrong = F.LogicalAnd(_distinct(rows), F.LogicalNot(_among(rows, others)))
        true, new_true = _streaming(
            _count(right, weights), _at_k("true_positive", k, class_id)
        )
        rest, new_rest = _streaming(_count(wrong, weights), _at_k(other, k, class_id))
        value = value_of(
            metrics_collections,
            lambda t, r: div(t, F.Add(t, r), name=scope),
            true,
            rest,
        )
        update = div(new_true, F.Add(new_true, new_rest), name="update")
        return value, kept_update(update, updates_collections)


def precision_at_top_k(
    labels: CompositeLike,
    predictions_idx: TensorLike,
    k: int | None = None,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the predicted classes is among the labels.

    Args:
      labels: classes, shape [..., labels], or a SparseTensor.
      predictions_idx: the classes that are predicted, shape [..., k].
      k: how many there are, for names only.
      class_id: the only class that counts.
      weights: a scalar, or broadcast to the samples.
      metrics_collections, updates_collections: where the results are put.
      name: the name scope.
    """
    only_in_graphs("precision_at_top_k")
    given = k, class_id, weights, metrics_collections, updates_collections, name
    return _share("precision", labels, predictions_idx, *given)


def recall_at_top_k(
    labels: CompositeLike,
    predictions_idx: TensorLike,
    k: int | None = None,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the labels is predicted; see `precision_at_top_k`."""
    only_in_graphs("recall_at_top_k")
    given = k, class_id, weights, metrics_collections, updates_collections, name
    return _share("recall", labels, predictions_idx, *given)


def precision_at_k(
    labels: CompositeLike,
    predictions: TensorLike,
    k: int,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the k classes with the highest predictions is among the labels.

    Args:
      labels: classes, shape [..., labels], or a SparseTensor.
      predictions: of all classes, shape [..., classes].
      k: how many count.
      class_id: the only class that counts.
      weights: a scalar, or broadcast to the samples.
      metrics_collections, updates_collections: where the results are put.
      name: the name scope.
    """
    only_in_graphs("sparse_precision_at_k")
    with name_scope(name or _at_k("precision", k, class_id)) as scope:
        highest = F.TopKV2(predictions, k)[1]
        given = k, class_id, weights, metrics_collections, updates_collections
        return precision_at_top_k(labels, highest, *given, name=scope)


def recall_at_k(
    labels: CompositeLike,
    predictions: TensorLike,
    k: int,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """Which share of the labels is among the k classes with the highest predictions.

    The arguments are as of `precision_at_k`.
    """
    only_in_graphs("recall_at_k")
    with name_scope(name or _at_k("recall", k, class_id)) as scope:
        highest = F.TopKV2(predictions, k)[1]
        given = k, class_id, weights, metrics_collections, updates_collections
        return recall_at_top_k(labels, highest, *given, name=scope)


def average_precision_at_k(
    labels: CompositeLike,
    predictions: TensorLike,
    k: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The mean of the average precision of each sample.

    That is the sum of the precisions at those of the k highest predictions that are
    right, by how many of them could be. The arguments are as of `precision_at_k`.

    Raises:
      ValueError: k is less than 1.
    """
    only_in_graphs("sparse_average_precision_at_k")
    if k < 1:
        raise ValueError(f"Invalid k={k}.")
    with name_scope(name or _at_k("average_precision", k, None)) as scope:
        guessed = cast(F.TopKV2(predictions, k)[1], dtypes.int64)
        # TensorFlow's check of the predictions has taken the name without number
        collections = metrics_collections, updates_collections
        return _mean_precision(
            labels, guessed, k, weights, *collections, "max_1", scope
        )


def average_precision_at_top_k(
    labels: CompositeLike,
    predictions_idx: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """`average_precision_at_k` of classes that are predicted, the likeliest first."""
    with name_scope(name, "average_precision_at_top_k") as scope:
        guessed: Any = cast(predictions_idx, dtypes.int64)
        k = guessed.shape.as_list()[-1]
        collections = metrics_collections, updates_collections
        return _mean_precision(labels, guessed, k, weights, *collections, "max", scope)


def _mean_precision(
    labels: CompositeLike,
    guessed: Any,
    k: int,
    weights: TensorLike | None,
    metrics_collections: Collections,
    updates_collections: Collections,
    most_name: str,
    scope: Any,
) -> Streaming:
    """The mean over samples; `most_name` is what the variable is called that counts."""
    found = _average_precision(_labels(labels, guessed), guessed, k)
    if weights is not None:
        weights = broadcast_weights(cast(weights, dtypes.float64), found)
        found = F.Mul(found, weights)
    with name_scope(most_name) as inner:
        count = cast(size(found), dtypes.float64)
        if weights is not None:
            count = reduce_sum(weights)
        most = metric_variable([], dtypes.float64, name=inner)
        new_most = assign_add(most, count, name="update")
    with name_scope("total") as inner:
        total = metric_variable([], dtypes.float64, name=inner)
        new_total = assign_add(total, reduce_sum(found), name="update")
    value = value_of(
        metrics_collections,
        lambda t, m: ratio(t, m, "mean"),
        total,
        most,
    )
    update = ratio(new_total, new_most, scope)
    return value, kept_update(update, updates_collections)


def _average_precision(labels: Any, guessed: Any, k: int) -> Any:
    right = cast(_among(guessed, labels), dtypes.float64)
    precisions = div(cumsum(right, axis=-1), cumsum(ones_like(right), axis=-1))
    total = reduce_sum(F.Mul(precisions, right), -1)
    relevant = reduce_sum(cast(F.GreaterEqual(labels, 0), dtypes.int64), -1)
    return div(total, cast(F.Minimum(relevant, k), dtypes.float64))


def sparse_average_precision_at_k(
    labels: CompositeLike,
    predictions: TensorLike,
    k: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The older name of `average_precision_at_k`."""
    given = weights, metrics_collections, updates_collections, name
    return average_precision_at_k(labels, predictions, k, *given)


def sparse_precision_at_k(
    labels: CompositeLike,
    predictions: TensorLike,
    k: int,
    class_id: int | None = None,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The older name of `precision_at_k`."""
    given = class_id, weights, metrics_collections, updates_collections, name
    return precision_at_k(labels, predictions, k, *given)
