"""The confusion matrix: how often each class was taken for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.fill import ones_like
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import rank, squeeze
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.control import with_dependencies
from retrograd.ops.host.checks import assert_less, assert_non_negative
from retrograd.ops.math.casts import cast
from retrograd.ops.math.compare import equal
from retrograd.ops.math.reduce import reduce_max

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


def remove_squeezable_dimensions(
    labels: TensorLike,
    predictions: TensorLike,
    expected_rank_diff: int = 0,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Both tensors, without a last dimension of one that the other does not have.

    Args:
      labels: a tensor.
      predictions: a tensor, of the rank of the labels and `expected_rank_diff`.
      expected_rank_diff: how many more dimensions the predictions should have.
      name: the name scope.
    """
    with name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
        predictions = convert_to_tensor(predictions)
        labels = convert_to_tensor(labels)
        ranks = predictions._rank(), labels._rank()
        if ranks[0] is not None and ranks[1] is not None:
            surplus = ranks[0] - ranks[1] - expected_rank_diff
            if surplus == 1:
                predictions = squeeze(predictions, [-1])
            elif surplus == -1:
                labels = squeeze(labels, [-1])
            return labels, predictions
        surplus = rank(predictions) - rank(labels)
        predictions = _squeezed_if(predictions, expected_rank_diff + 1, surplus)
        labels = _squeezed_if(labels, expected_rank_diff - 1, surplus)
        return labels, predictions


def _squeezed_if(x: Tensor, wanted: int, surplus: Tensor) -> Tensor:
    """x without its last dimension where `surplus` is `wanted`."""
    raw = x._shape_raw
    if raw is not None and (not raw or raw[-1] not in (1, None)):
        return x
    return cond(equal(wanted, surplus), lambda: squeeze(x, [-1]), lambda: x)


def confusion_matrix(
    labels: TensorLike,
    predictions: TensorLike,
    num_classes: TensorLike | None = None,
    dtype: DTypeLike = dtypes.int32,
    name: str | None = None,
    weights: TensorLike | None = None,
) -> Tensor:
    """The matrix whose element [i, j] counts where i was right and j predicted.

    Args:
      labels: integers, shape [n].
      predictions: integers, shape [n].
      num_classes: how many classes there are, by default one more than the largest.
      dtype: the element type of the result.
      name: the name scope.
      weights: what to add up instead of ones, shape [n].

    Raises:
      InvalidArgumentError: (in a run) a class is below zero, or none of `num_classes`.
    """
    given = (predictions, labels, num_classes, weights)
    with name_scope(name, "confusion_matrix", given):
        labels, predictions = remove_squeezable_dimensions(
            convert_to_tensor(labels, name="labels"),
            convert_to_tensor(predictions, name="predictions"),
        )
        predictions = cast(predictions, dtypes.int64)
        labels = cast(labels, dtypes.int64)
        labels = _at_least_zero(labels, "labels")
        predictions = _at_least_zero(predictions, "predictions")
        if num_classes is None:
            count = F.Maximum(reduce_max(predictions), reduce_max(labels)) + 1
        else:
            count, limit = num_classes, cast(num_classes, dtypes.int64)
            labels = _below(labels, limit, "labels")
            predictions = _below(predictions, limit, "predictions")
        if weights is None:
            values = ones_like(predictions, dtype)
        else:
            weights = convert_to_tensor(weights, name="weights")
            predictions.shape.assert_is_compatible_with(weights.shape)
            values = cast(weights, dtype)
        sizes = cast(stack([count, count]), dtypes.int64)
        return F.ScatterNd(stack([labels, predictions], axis=1), values, sizes)


def confusion_matrix_v2(
    labels: TensorLike,
    predictions: TensorLike,
    num_classes: TensorLike | None = None,
    weights: TensorLike | None = None,
    dtype: DTypeLike = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """`confusion_matrix` of TensorFlow 2."""
    return confusion_matrix(labels, predictions, num_classes, dtype, name, weights)


def _at_least_zero(x: TensorLike, what: str) -> Tensor:
    check = assert_non_negative(x, message=f"`{what}` contains negative values")
    return with_dependencies([check], x)


def _below(x: Tensor, limit: TensorLike, what: str) -> Tensor:
    check = assert_less(x, limit, message=f"`{what}` out of bound")
    return with_dependencies([check], x)
