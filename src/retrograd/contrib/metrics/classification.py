"""`tf.contrib.metrics`: what is computed at once, and lists of metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.dispatch import name_scope
from retrograd.ops.array.fill import ones_like
from retrograd.ops.declare import F
from retrograd.ops.math import confusion
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import div
from retrograd.ops.math.reduce import reduce_mean, reduce_sum

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike

confusion_matrix = confusion.confusion_matrix


def accuracy(
    predictions: Tensor,
    labels: Tensor,
    weights: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """Which share of predictions equals the labels.

    Args:
      predictions: integers, booleans or strings.
      labels: of their dtype and shape.
      weights: a scalar, or broadcast to them.
      name: the name scope.

    Raises:
      ValueError: of another dtype or shape, or numbers that are not whole.
    """
    whole = predictions.dtype.is_integer or predictions.dtype in (
        dtypes.bool,
        dtypes.string,
    )
    if labels.dtype != predictions.dtype:
        raise ValueError(
            "Dtypes of predictions and labels should match. Given: predictions "
            f"({predictions.dtype!r}) and labels ({labels.dtype!r})"
        )
    if not whole:
        raise ValueError(
            "Labels should have bool, string, or integer dtype. Given: "
            f"{labels.dtype!r}"
        )
    predictions.shape.assert_is_compatible_with(labels.shape)
    with name_scope(name, "accuracy", values=[predictions, labels]):
        correct = cast(F.Equal(predictions, labels), dtypes.float32)
        if weights is None:
            return reduce_mean(correct)
        spread = F.Mul(ones_like(correct), cast(weights, dtypes.float32))
        total = reduce_sum(F.Mul(correct, cast(weights, dtypes.float32)))
        return div(total, reduce_sum(spread))


def aggregate_metrics(*value_update_tuples: Any) -> tuple[list[Any], list[Any]]:
    """The values of metrics in one list, and their updates in another.

    Args:
      *value_update_tuples: pairs, as metrics give.

    Raises:
      ValueError: there are none.
    """
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples, strict=True)
    return list(values), list(updates)


def aggregate_metric_map(
    names_to_tuples: dict[Any, Any],
) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """The values of metrics by name, and their updates by name.

    Args:
      names_to_tuples: pairs by name, as metrics give.
    """
    pairs = names_to_tuples.items()
    values = {name: value for name, (value, _) in pairs}
    return values, {name: update for name, (_, update) in pairs}
