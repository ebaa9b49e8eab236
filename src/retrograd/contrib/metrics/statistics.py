"""Streaming statistics of `tf.contrib.metrics`: covariance, values, agreement."""

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
    ratio,
    read,
    value_of,
)
from retrograd.ops.array.join import concat
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import shape, size, squeeze, transpose
from retrograd.ops.declare import F
from retrograd.ops.linalg.diagonals import diag_part
from retrograd.ops.math.casts import cast
from retrograd.ops.math.confusion import confusion_matrix
from retrograd.ops.math.elementwise import truediv
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.weights import broadcast_weights
from retrograd.variables.scope import variable_scope
from retrograd.variables.updates import assign, assign_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Operand, TensorLike
    from retrograd.variables.variable import Variable


def count(
    values: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How many values there have been; with weights, the sum of these.

    Args:
      values: of any shape.
      weights: a scalar, or broadcast to the values.
      metrics_collections, updates_collections: where the results are put.
      name: the variable scope.
    """
    with variable_scope(name, "count", (values, weights)):
        total = metric_variable([], dtypes.float32, name="count")
        if weights is None:
            more: Any = cast(size(values), dtypes.float32)
        else:
            values, _, weights = fitted(values, None, weights)
            given: Any = weights
            spread = broadcast_weights(cast(given, dtypes.float32), values)
            more = reduce_sum(spread)
        with control_dependencies([convert_to_tensor(values)]):
            update = assign_add(total, more)
        value = value_of(metrics_collections, read, total)
        return value, kept_update(update, updates_collections)


def streaming_covariance(
    predictions: TensorLike,
    labels: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The sample covariance of predictions and labels, without bias.

    Args:
      predictions, labels: of one shape.
      weights: how often each counts: a scalar, or broadcast to them.
      metrics_collections, updates_collections: where the results are put.
      name: the variable scope.
    """
    with variable_scope(name, "covariance", (predictions, labels, weights)):
        p, y, weights = fitted(predictions, labels, weights)
        p.shape.assert_is_compatible_with(y.shape)
        total, mean_p, mean_y, comoment = (
            metric_variable([], dtypes.float32, name=each)
            for each in ("count", "mean_prediction", "mean_label", "comoment")
        )
        spread = None
        if weights is None:
            more: Any = cast(size(y), dtypes.float32)
        else:
            spread = broadcast_weights(cast(weights, dtypes.float32), y)
            more = reduce_sum(spread)
        new_total = assign_add(total, more)
        before = new_total - more

        def moved(values: Tensor, mean: Variable) -> tuple[Any, Any, Any]:
            """The mean of the batch, the former and the new mean."""
            weighted = values if spread is None else F.Mul(values, spread)
            of_batch = ratio(reduce_sum(weighted), more)
            change = ratio((of_batch - mean) * more, new_total)
            new = assign_add(mean, change)
            return of_batch, new - change, new

        batch_p, former_p, _ = moved(p, mean_p)
        batch_y, former_y, _ = moved(y, mean_y)
        products = (p - batch_p) * (y - batch_y)
        products = products if spread is None else products * spread
        change = reduce_sum(products) + (former_p - batch_p) * (former_y - batch_y) * (
            before * more / new_total
        )
        new_comoment = assign_add(comoment, change)

        def covariance(moment: Operand, number: Operand, called: str) -> Any:
            few = F.LessEqual(number, 1.0)
            return where(few, float("nan"), truediv(moment, number - 1), name=called)

        value = covariance(comoment, total, "covariance")
        with control_dependencies([new_comoment]):
            update = covariance(comoment, total, "update_op")
        keep(value, metrics_collections)
        return value, kept_update(update, updates_collections)


def streaming_pearson_correlation(
    predictions: TensorLike,
    labels: TensorLike,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """The correlation of predictions and labels; see `streaming_covariance`."""
    with variable_scope(name, "pearson_r", (predictions, labels, weights)):
        p, y, weights = fitted(predictions, labels, weights)
        p.shape.assert_is_compatible_with(y.shape)
        if weights is not None:
            weights = broadcast_weights(cast(weights, dtypes.float32), y)
        pairs = {
            "covariance": (p, y),
            "variance_predictions": (p, p),
            "variance_labels": (y, y),
        }
        both = [
            streaming_covariance(*pair, weights=weights, name=each)
            for each, pair in pairs.items()
        ]
        found = []
        for called, (joint, of_p, of_y) in zip(
            ("pearson_r", "update_op"), zip(*both, strict=True), strict=True
        ):
            deviations = F.Mul(F.Sqrt(of_p), F.Sqrt(of_y))
            found.append(truediv(joint, deviations, name=called))
        keep(found[0], metrics_collections)
        return found[0], kept_update(found[1], updates_collections)


def streaming_concat(
    values: TensorLike,
    axis: int = 0,
    max_size: int | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """All values that there have been, one after another.

    Args:
      values: of known shape but for `axis`.
      axis: along which they are put together.
      max_size: how many are kept at most, the first ones; None for all.
      metrics_collections, updates_collections: where the results are put.
      name: the variable scope.

    Returns:
      The values, and an operation that adds to them and gives how many there are.

    Raises:
      ValueError: there is no such axis, or the shape is not known.
    """
    with variable_scope(name, "streaming_concat", (values,)):
        x: Any = convert_to_tensor(values)
        rank = x.shape.ndims
        if rank is None:
            raise ValueError("`values` must have known rank")
        if not 0 <= axis < rank:
            raise ValueError(f"axis = {axis} not in [0, {rank})")
        sizes = x.shape.as_list()
        fixed = sizes[:axis] + sizes[axis + 1 :]
        if None in fixed:
            raise ValueError(
                "all dimensions of `values` other than the dimension to concatenate "
                "along must have statically known size"
            )
        kept = metric_variable([0, *fixed], x.dtype, validate_shape=False, name="array")
        length = metric_variable([], dtypes.int32, name="size")
        first = [axis, *(i for i in range(rank) if i != axis)]
        back = [i + 1 if i < axis else 0 if i == axis else i for i in range(rank)]
        so_far: Any = kept[:length]
        so_far.set_shape([None, *fixed])
        value = transpose(so_far, back, name="concat")
        more: Any = shape(x)[axis]
        if max_size is not None:
            more = F.Minimum(more, max_size - length)
        added = transpose(x, first)[:more]
        longer = assign(kept, concat([so_far, added], 0), validate_shape=False)
        with control_dependencies([longer]):
            update = assign_add(length, more)
        keep(value, metrics_collections)
        return value, kept_update(update, updates_collections)


def cohen_kappa(
    labels: TensorLike,
    predictions_idx: TensorLike,
    num_classes: int,
    weights: TensorLike | None = None,
    metrics_collections: Collections = None,
    updates_collections: Collections = None,
    name: str | None = None,
) -> Streaming:
    """How much more two raters agree than by chance (Cohen 1960).

    Args:
      labels: classes, shape [n] or [n, 1].
      predictions_idx: classes, shape [n] or [n, 1].
      num_classes: how many there are.
      weights: a scalar, or one for each.
      metrics_collections, updates_collections: where the results are put.
      name: the variable scope.

    Raises:
      ValueError: there are less than two classes.
    """
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be >= 2.Found: {num_classes}")
    with variable_scope(name, "cohen_kappa", (labels, predictions_idx, weights)):
        y: Any = convert_to_tensor(labels)
        if y.shape.ndims == 2:
            y = squeeze(y, axis=[-1])
        p, y, weights = fitted(predictions_idx, y, weights)
        p.shape.assert_is_compatible_with(y.shape)
        dtype = dtypes.int64 if weights is None else dtypes.float32
        table = confusion_matrix(
            y, p, num_classes, weights=weights, dtype=dtype, name="counts_in_table"
        )
        found = {
            "po": diag_part(table),
            "pe_row": reduce_sum(table, axis=0),
            "pe_col": reduce_sum(table, axis=1),
        }
        variables = [metric_variable([num_classes], dtype, name=n) for n in found]
        updates = [
            assign_add(v, change)
            for v, change in zip(variables, found.values(), strict=True)
        ]

        def kappa(counts: list[Any], called: str) -> Any:
            agreed, rows, columns = counts
            total = cast(reduce_sum(rows), dtypes.float64)
            agreed = cast(reduce_sum(agreed), dtypes.float64)
            products = cast(F.Mul(rows, columns), dtypes.float64)
            expected = reduce_sum(ratio(products, total))
            more, all_ = agreed - expected, total - expected
            share = F.Mul(more, F.Reciprocal(all_))
            nothing = F.Equal(all_, cast(0.0, dtypes.float64))
            return where(nothing, cast(0.0, dtypes.float64), share, name=called)

        value = kappa(variables, "value")
        keep(value, metrics_collections)
        return value, kept_update(kappa(updates, "update_op"), updates_collections)
