"""Losses of Keras as functions: of labels and predictions, along their last axis.

Labels are cast to the dtype of the predictions. `cross_entropies` has what those of
distributions are made of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph.convert import convert_to_tensor
from retrograd.keras import cross_entropies
from retrograd.layers.backend_config import epsilon, floatx
from retrograd.layers.losses import huber
from retrograd.ops.array.constant import constant
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.math.casts import cast
from retrograd.ops.math.clip import clip_by_value
from retrograd.ops.math.reduce import (
    reduce_all,
    reduce_max,
    reduce_mean,
    reduce_sum,
)
from retrograd.ops.nn.nn import l2_normalize

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, Operand, TensorLike


def _both(y_true: TensorLike, y_pred: TensorLike) -> tuple[Any, Any]:
    """Labels in the dtype of the predictions, and these as a tensor."""
    predicted = convert_to_tensor(y_pred)
    return cast(y_true, predicted.dtype), predicted


def _at_least(x: Any, low: float, high: float = np.inf) -> Any:
    kind = x.dtype.base_dtype
    return clip_by_value(x, constant(low, kind), constant(high, kind))


def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean of (y_pred − y_true)²."""
    y, p = _both(y_true, y_pred)
    return reduce_mean(F.SquaredDifference(p, y), axis=-1)


def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean of |y_pred − y_true|."""
    y, p = _both(y_true, y_pred)
    return reduce_mean(F.Abs(p - y), axis=-1)


def mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """100 times the mean of |(y_true − y_pred) / y_true|."""
    y, p = _both(y_true, y_pred)
    share = F.Abs((y - p) / _at_least(F.Abs(y), epsilon()))
    return 100.0 * reduce_mean(share, axis=-1)


def mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean of (log(1 + y_pred) − log(1 + y_true))²; negative values count as 0."""
    y, p = _both(y_true, y_pred)
    first = F.Log(_at_least(p, epsilon()) + 1.0)
    second = F.Log(_at_least(y, epsilon()) + 1.0)
    return reduce_mean(F.SquaredDifference(first, second), axis=-1)


def _signs(y: Any) -> Any:
    """Labels as −1 and 1, which they are unless all are 0 or 1."""
    zeros, ones = F.Equal(y, 0), F.Equal(y, 1)
    is_binary = reduce_all(F.LogicalOr(zeros, ones))
    return smart_cond(is_binary, lambda: 2.0 * y - 1.0, lambda: y)


def squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean of max(0, 1 − y_true · y_pred)², for labels −1 and 1, or 0 and 1."""
    y, p = _both(y_true, y_pred)
    margins = F.Maximum(1.0 - _signs(y) * p, 0.0)
    return reduce_mean(F.Square(margins), axis=-1)


def hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean of max(0, 1 − y_true · y_pred), for labels −1 and 1, or 0 and 1."""
    y, p = _both(y_true, y_pred)
    return reduce_mean(F.Maximum(1.0 - _signs(y) * p, 0.0), axis=-1)


def categorical_hinge(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """max(0, 1 + the largest wrong prediction − the right one)."""
    y, p = _both(y_true, y_pred)
    right = reduce_sum(y * p, axis=-1)
    wrong = reduce_max((1.0 - y) * p, axis=-1)
    return F.Maximum(0.0, wrong - right + 1.0)


def huber_loss(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Any:
    """e² / 2 where |e| ≤ δ, else δ |e| − δ² / 2, of each element (Huber 1964)."""
    p, y = cast(y_pred, floatx()), cast(y_true, floatx())
    return huber(p, y, delta)


def logcosh(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean of log cosh(y_pred − y_true)."""
    y, p = _both(y_true, y_pred)
    x = p - y
    found = x + F.Softplus(-2.0 * x) - cast(F.Log(2.0), x.dtype)
    return reduce_mean(found, axis=-1)


def _smoothed(y: Any, label_smoothing: float, smooth: Callable[[Any], Any]) -> Any:
    """Labels, smoothed by a share unless that is 0."""
    share = convert_to_tensor(label_smoothing, floatx())
    return smart_cond(share, lambda: smooth(share), lambda: y)


def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0,
) -> Any:
    """The cross entropy of distributions; see `cross_entropies`.

    Args:
      y_true: distributions over classes, on the last axis.
      y_pred: the same, or logits.
      from_logits: whether they are logits.
      label_smoothing: how far labels are moved towards the uniform distribution.
    """
    y, p = _both(y_true, y_pred)

    def smooth(share: Any) -> Any:
        classes = cast(shape(y)[-1], p.dtype)
        return y * (1.0 - share) + share / classes

    y = _smoothed(y, label_smoothing, smooth)
    return cross_entropies.categorical_crossentropy(y, p, from_logits)


def sparse_categorical_crossentropy(
    y_true: Operand, y_pred: Operand, from_logits: bool = False, axis: int = -1
) -> Any:
    """The cross entropy of classes; see `cross_entropies`."""
    return cross_entropies.sparse_categorical_crossentropy(
        y_true, y_pred, from_logits, axis
    )


def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0,
) -> Any:
    """The mean of the cross entropy of labels in [0, 1]; see `cross_entropies`.

    Args:
      y_true: the labels.
      y_pred: probabilities, or logits.
      from_logits: whether they are logits.
      label_smoothing: how far labels are moved towards ½.
    """
    y, p = _both(y_true, y_pred)
    y = _smoothed(y, label_smoothing, lambda share: y * (1.0 - share) + 0.5 * share)
    return reduce_mean(cross_entropies.binary_crossentropy(y, p, from_logits), axis=-1)


def kullback_leibler_divergence(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """Σ y_true · log(y_true / y_pred), both at least ε."""
    y, p = _both(y_true, y_pred)
    y, p = _at_least(y, epsilon(), 1), _at_least(p, epsilon(), 1)
    return reduce_sum(y * F.Log(y / p), axis=-1)


def poisson(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """The mean of y_pred − y_true · log y_pred."""
    y, p = _both(y_true, y_pred)
    return reduce_mean(p - y * F.Log(p + epsilon()), axis=-1)


def cosine_proximity(
    y_true: TensorLike, y_pred: TensorLike, axis: AxisLike = -1
) -> Any:
    """The cosine of the angle between labels and predictions, along an axis."""
    y, p = l2_normalize(y_true, axis=axis), l2_normalize(y_pred, axis=axis)
    return reduce_sum(y * p, axis=axis)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine_similarity = cosine_proximity
