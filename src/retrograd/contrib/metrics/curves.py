"""Areas under curves of `tf.contrib.metrics`, and points at many thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from retrograd import dtypes
from retrograd.contrib.metrics.statistics import streaming_concat
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.layers.metric_parts import (
    Collections,
    Streaming,
    keep,
    kept_update,
    metric_variable,
)
from retrograd.layers.thresholds import check_curve
from retrograd.ops.array.fill import ones_like, zeros_like
from retrograd.ops.array.gather import gather
from retrograd.ops.array.join import concat
from retrograd.ops.array.pad import pad
from retrograd.ops.array.selection import boolean_mask, where
from retrograd.ops.array.shape import reshape, size
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control import group
from retrograd.ops.host.checks import assert_greater_equal, assert_less_equal
from retrograd.ops.math.casts import cast
from retrograd.ops.math.counting import histogram_fixed_width
from retrograd.ops.math.elementwise import truediv
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.math.scan import cumsum
from retrograd.ops.nn.weights import broadcast_weights
from retrograd.variables.scope import get_variable, variable_scope
from retrograd.variables.updates import assign_add, scatter_add

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def streaming_dynamic_auc(
    labels: TensorLike,
    predictions: TensorLike,
    curve: str = "ROC",
    metrics_collections: Collections = (),
    updates_collections: Collections = (),
    name: str | None = None,
    weights: TensorLike | None = None,
) -> Streaming:
    """The area under a curve whose thresholds are all predictions there have been.

    Args:
      labels: zeros and ones.
      predictions: of their shape.
      curve: `ROC` or `PR`.
      metrics_collections, updates_collections: where the results are put.
      name: the variable scope.
      weights: a scalar, or broadcast to the predictions.

    Raises:
      ValueError: there is no such curve.
    """
    check_curve(curve)
    with variable_scope(name, "dynamic_auc"):
        y, p = _checked(labels, predictions)
        all_p, more_p = streaming_concat(p, name="concat_preds")
        all_y, more_y = streaming_concat(y, name="concat_labels")
        updates = [more_p, more_y]
        all_w: Any = ones_like(all_p)
        if weights is not None:
            spread = broadcast_weights(
                *(cast(x, dtypes.float64) for x in (weights, predictions))
            )
            all_w, more_w = streaming_concat(
                reshape(spread, [-1]), name="concat_weights"
            )
            updates.append(more_w)
        update = group(*updates)
        area = _area(all_y, all_p, all_w, curve)
        keep(area, metrics_collections)
        return area, kept_update(update, updates_collections)


def _checked(labels: TensorLike, predictions: TensorLike) -> tuple[Any, Any]:
    """Labels and predictions as vectors; the labels are zeros and ones."""
    p = reshape(cast(predictions, dtypes.float64), [-1])
    y: Any = reshape(cast(labels, dtypes.int64), [-1])
    low, high = (cast(bound, dtypes.int64) for bound in (0, 1))
    checks = [
        assert_greater_equal(
            y, low, message="labels must be 0 or 1, at least one is <0"
        ),
        assert_less_equal(y, high, message="labels must be 0 or 1, at least one is >1"),
    ]
    p.get_shape().assert_is_compatible_with(y.get_shape())
    with control_dependencies(checks):
        return F.Identity(y), p


def _area(labels: Tensor, predictions: Tensor, weights: Tensor, curve: str) -> Any:
    """The area under the points at distinct predictions; 0 where all are one class."""
    positive = reduce_sum(where(labels > 0, weights, zeros_like(weights)))
    total = reduce_sum(weights)

    def area() -> Any:
        sorted_, places = F.TopKV2(predictions, size(predictions))
        y, w = gather(labels, places), gather(weights, places)
        _, _, counts = F.UniqueWithCounts(sorted_)
        ends = pad(cumsum(counts), [[1, 0]])

        def so_far(chosen: Tensor) -> Any:
            return gather(pad(cumsum(where(chosen, w, zeros_like(w))), [[1, 0]]), ends)

        tp, fp = so_far(y > 0), so_far(y < 1)
        if curve == "ROC":
            x, heights = truediv(fp, total - positive), truediv(tp, positive)
        else:
            x = truediv(tp, positive)
            heights = concat(
                [cast([1.0], dtypes.float64), truediv(tp[1:], (tp + fp)[1:])], 0
            )
        widths = F.Abs(x[1:] - x[:-1])
        return reduce_sum((heights[1:] + heights[:-1]) * widths) / 2.0

    none = F.Equal(positive, cast(0.0, dtypes.float64))
    one_class = F.LogicalOr(none, F.Equal(positive, total))
    return cond(one_class, lambda: cast(0.0, dtypes.float64), area)


class PrecisionRecallData(NamedTuple):
    """Counts and shares at thresholds.

    Args:
      tp, fp, tn, fn: the counts.
      precision, recall: the shares.
      thresholds: where.
    """

    tp: Any
    fp: Any
    tn: Any
    fn: Any
    precision: Any
    recall: Any
    thresholds: Any


def precision_recall_at_equal_thresholds(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike | None = None,
    num_thresholds: int | None = None,
    use_locking: bool | None = None,
    name: str | None = None,
) -> tuple[PrecisionRecallData, Any]:
    """Counts and shares at thresholds that are evenly spaced; fast for many of them.

    Args:
      labels: booleans.
      predictions: in [0, 1], of their shape.
      weights: a scalar, or broadcast to the predictions.
      num_thresholds: how many there are; by default 201.
      use_locking: an attribute of the updates.
      name: the variable scope.

    Returns:
      The data, and an operation that updates them.
    """
    count = 201 if num_thresholds is None else num_thresholds
    with variable_scope(
        name, "precision_recall_at_equal_thresholds", (labels, predictions, weights)
    ):
        p: Any = convert_to_tensor(predictions)
        checks = [
            assert_greater_equal(p, cast(0.0, p.dtype)),
            assert_less_equal(p, cast(1.0, p.dtype)),
        ]
        with control_dependencies(checks):
            p = F.Identity(p)
        p.get_shape().assert_is_compatible_with(convert_to_tensor(labels).get_shape())
        # sums of many small weights need the longer type
        w = cast(1.0 if weights is None else weights, dtypes.float64)
        true = cast(labels, dtypes.float64)
        rights, wrongs = reshape(true * w, [-1]), reshape((1.0 - true) * w, [-1])
        places = cast(F.Floor(reshape(p, [-1]) * float(count - 1)), dtypes.int32)
        with variable_scope("variables"):
            buckets = [
                metric_variable([count], dtypes.float64, name=each)
                for each in ("tp_buckets", "fp_buckets")
            ]
        with name_scope("update_op"):
            updates = [
                scatter_add(bucket, places, change, use_locking=bool(use_locking))
                for bucket, change in zip(buckets, (rights, wrongs), strict=True)
            ]
        tp, fp = (
            cumsum(bucket, reverse=True, name=each)
            for bucket, each in zip(buckets, ("tp", "fp"), strict=True)
        )
        tn, fn = fp[0] - fp, tp[0] - tp
        small = cast(1e-7, dtypes.float64)
        precision = tp / F.Maximum(small, tp + fp)
        recall = tp / F.Maximum(small, tp + fn)
        found = [cast(x, p.dtype) for x in (tp, fp, tn, fn, precision, recall)]
        limits = F.LinSpace(cast(0.0, p.dtype), cast(1.0, p.dtype), count)
        return PrecisionRecallData._make([*found, limits]), group(*updates)


def auc_using_histogram(
    boolean_labels: Tensor,
    scores: TensorLike,
    score_range: Sequence[float],
    nbins: int = 100,
    collections: Sequence[str] | None = None,
    check_shape: bool = True,
    name: str | None = None,
) -> Streaming:
    """The area under the ROC curve, from histograms of the scores of both classes.

    Args:
      boolean_labels: booleans, shape [n].
      scores: shape [n].
      score_range: the lowest and the highest score.
      nbins: how many bins there are.
      collections: those of the histograms, besides local variables.
      check_shape: whether labels and scores must be vectors of one length.
      name: the variable scope.

    Returns:
      The area, and an operation that updates the histograms.
    """
    del check_shape  # shapes that do not fit are found when they run
    keys = [GraphKeys.LOCAL_VARIABLES, *(collections or ())]
    with variable_scope(name, "auc_using_histogram", [boolean_labels, scores]):
        chosen = [boolean_labels, F.LogicalNot(boolean_labels)]
        with name_scope("make_auc_histograms"):
            changes = [
                histogram_fixed_width(
                    boolean_mask(scores, mask), score_range, nbins=nbins, name=called
                )
                for mask, called in zip(
                    chosen, ("hist_true", "hist_false"), strict=True
                )
            ]
        with variable_scope("hist_accumulate"):
            totals = [
                get_variable(
                    called,
                    initializer=zeros_like(change),
                    collections=keys,
                    trainable=False,
                )
                for change, called in zip(
                    changes, ("hist_true_acc", "hist_false_acc"), strict=True
                )
            ]
            update = group(
                *(assign_add(t, c) for t, c in zip(totals, changes, strict=True)),
                name="update_op",
            )
        heights, widths = (
            cast(F.ReverseV2(truediv(t, reduce_sum(t)), [0]), dtypes.float32)
            for t in totals
        )
        y = cumsum(heights)
        first = widths[0] * y[0] / 2.0
        rest = reduce_sum(widths[1:] * (y[1:] + y[:-1]) / 2.0)
        area = F.Add(first, rest, name="auc")
        return area, update
