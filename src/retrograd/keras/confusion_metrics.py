"""Metrics of a confusion matrix: counts, and shares of them, at thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.keras.metric import Metric
from retrograd.layers.metric_parts import squeeze_or_expand_dimensions
from retrograd.layers.metrics import intersection_over_union
from retrograd.layers.thresholds import counter
from retrograd.layers.values import batch_set_value
from retrograd.ops.array.selection import one_hot
from retrograd.ops.array.shape import reshape, shape, size
from retrograd.ops.declare import F
from retrograd.ops.flow.control import group
from retrograd.ops.host.checks import assert_greater_equal, assert_less_equal
from retrograd.ops.math.casts import cast
from retrograd.ops.math.confusion import confusion_matrix
from retrograd.ops.math.elementwise import div_no_nan
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.weights import broadcast_weights

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike

#: below all predictions: those that are not among the largest
NEG_INF = -1e10


class ConfusionMatrix(Enum):
    """What is counted: by what is predicted, and whether that is true."""

    TRUE_POSITIVES = "tp"
    FALSE_POSITIVES = "fp"
    TRUE_NEGATIVES = "tn"
    FALSE_NEGATIVES = "fn"


class AUCCurve(Enum):
    """Rates of a curve: true over false positives, or precision over recall."""

    ROC = "ROC"
    PR = "PR"

    @staticmethod
    def from_str(key: str) -> AUCCurve:
        """The curve of a name.

        Raises:
          ValueError: there is none.
        """
        if key not in ("pr", "PR", "roc", "ROC"):
            raise ValueError(f'Invalid AUC curve value "{key}".')
        return AUCCurve(key.upper())


class AUCSummationMethod(Enum):
    """Which height counts between two points of a curve."""

    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"

    @staticmethod
    def from_str(key: str) -> AUCSummationMethod:
        """The method of a name.

        Raises:
          ValueError: there is none.
        """
        names = {m.value.capitalize(): m for m in AUCSummationMethod}
        found = names.get(key.capitalize())
        if found is None or key not in (found.value, found.value.capitalize()):
            raise ValueError(f'Invalid AUC summation method value "{key}".')
        return found


def assert_thresholds_range(thresholds: Sequence[float] | None) -> None:
    """Require thresholds in [0, 1].

    Raises:
      ValueError: there are others.
    """
    wrong = [t for t in thresholds or () if t is None or t < 0 or t > 1]
    if wrong:
        raise ValueError(f"Threshold values must be in [0, 1]. Invalid values: {wrong}")


def parse_init_thresholds(
    thresholds: float | Sequence[float] | None, default_threshold: float = 0.5
) -> list[float]:
    """Thresholds as a list: one, several, or the default where there is None."""
    if thresholds is not None:
        several = isinstance(thresholds, (list, tuple))
        given: Any = thresholds if several else [thresholds]
        assert_thresholds_range(given)
        return list(given)
    return [default_threshold]


def _largest(x: Any, k: int) -> Any:
    """x, but `NEG_INF` for what is not among the k largest of the last axis."""
    places = F.TopKV2(x, k, sorted=False)[1]
    kept = reduce_sum(one_hot(places, shape(x)[-1], axis=-1), axis=-2)
    return x * kept + NEG_INF * (1 - kept)


def update_confusion_matrix_variables(
    variables_to_update: dict[ConfusionMatrix, Any],
    y_true: TensorLike,
    y_pred: TensorLike,
    thresholds: Sequence[float],
    top_k: int | None = None,
    class_id: int | None = None,
    sample_weight: TensorLike | None = None,
) -> Any:
    """Add counts to variables.

    Args:
      variables_to_update: a variable of a number for each threshold, by what it counts.
      y_true: labels, cast to true or false.
      y_pred: predictions in [0, 1], which is checked when they run.
      thresholds: above which a prediction counts as positive.
      top_k: how many predictions count at all; None for all.
      class_id: the only class that counts; None for all.
      sample_weight: a scalar, or what is broadcast to the predictions.

    Returns:
      An operation that does it; in eager mode None.

    Raises:
      ValueError: no variables, or other keys.
    """
    if not variables_to_update:
        return None
    y, p = cast(y_true, dtypes.float32), cast(y_pred, dtypes.float32)
    p.shape.assert_is_compatible_with(y.shape)
    others = [key for key in variables_to_update if key not in set(ConfusionMatrix)]
    if others:
        raise ValueError(
            "Please provide at least one valid confusion matrix variable to update. "
            f'Valid variable key options are: "{list(ConfusionMatrix)}". '
            f'Received: "{variables_to_update.keys()}"'
        )
    text = "predictions must be {} {}"
    checks = [
        assert_greater_equal(p, cast(0.0, p.dtype), message=text.format(">=", 0)),
        assert_less_equal(p, cast(1.0, p.dtype), message=text.format("<=", 1)),
    ]
    with control_dependencies(checks):
        given = [] if sample_weight is None else [sample_weight]
        p, y, *given = squeeze_or_expand_dimensions(p, y, *given)
    if top_k is not None:
        p = _largest(p, top_k)
    if class_id is not None:
        y, p = y[..., class_id], p[..., class_id]
    sizes = size(p)
    row = reshape(p, [1, -1])
    labels = reshape(cast(y, dtypes.bool), [1, -1])
    weights = None
    if given:
        weights = broadcast_weights(cast(given[0], dtypes.float32), p)
    keys = [key.value for key in variables_to_update]
    count = counter(row, labels, thresholds, sizes, weights, keys)
    order = [key for key in _ORDER if key in variables_to_update]
    updates = [variables_to_update[key].assign_add(count(key.value)) for key in order]
    return group(*updates)


#: in which variables are updated
_ORDER = (
    ConfusionMatrix.TRUE_POSITIVES,
    ConfusionMatrix.FALSE_NEGATIVES,
    ConfusionMatrix.FALSE_POSITIVES,
    ConfusionMatrix.TRUE_NEGATIVES,
)


def _single(values: Any, thresholds: Sequence[float]) -> Any:
    """A number where there is one threshold only."""
    return values[0] if len(thresholds) == 1 else values


class _ConfusionMatrixConditionCount(Metric):
    """Base of counts of one kind.

    Args:
      confusion_matrix_cond: the kind.
      thresholds: above which a prediction counts as positive; by default 0.5.
      name: its name.
      dtype: of its variables.

    Raises:
      ValueError: a threshold outside of [0, 1].
    """

    def __init__(
        self,
        confusion_matrix_cond: ConfusionMatrix,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._confusion_matrix_cond = confusion_matrix_cond
        self.init_thresholds = thresholds
        self.thresholds = parse_init_thresholds(thresholds)
        self.accumulator = self.add_weight(
            "accumulator", shape=(len(self.thresholds),), initializer="zeros"
        )

    def update_state(
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
    ) -> Any:
        """Count labels and predictions."""
        return update_confusion_matrix_variables(
            {self._confusion_matrix_cond: self.accumulator},
            y_true,
            y_pred,
            thresholds=self.thresholds,
            sample_weight=sample_weight,
        )

    def result(self) -> Any:
        """The counts: one for each threshold, or a number."""
        return convert_to_tensor(_single(self.accumulator, self.thresholds))

    def reset_states(self) -> None:
        """Set all counts to zero."""
        reset_counts(self, len(self.thresholds))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


def reset_counts(metric: Metric, count: int) -> None:
    """Set the variables of a metric, of so many numbers each, to zero."""
    batch_set_value([(v, np.zeros((count,))) for v in metric.variables])


class FalsePositives(_ConfusionMatrixConditionCount):
    """How many false labels are predicted."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(ConfusionMatrix.FALSE_POSITIVES, thresholds, name, dtype)


class FalseNegatives(_ConfusionMatrixConditionCount):
    """How many true labels are not predicted."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(ConfusionMatrix.FALSE_NEGATIVES, thresholds, name, dtype)


class TrueNegatives(_ConfusionMatrixConditionCount):
    """How many false labels are not predicted."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(ConfusionMatrix.TRUE_NEGATIVES, thresholds, name, dtype)


class TruePositives(_ConfusionMatrixConditionCount):
    """How many true labels are predicted."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(ConfusionMatrix.TRUE_POSITIVES, thresholds, name, dtype)


class _Share(Metric):
    """Base of shares of true positives, in themselves and another count.

    Args:
      thresholds: above which a prediction counts as positive; by default 0.5.
      top_k: how many predictions of a sample count; then no threshold does, by default.
      class_id: the only class that counts.
      name: its name.
      dtype: of its variables.

    Raises:
      ValueError: a threshold outside of [0, 1].
    """

    #: the other count
    _other: ClassVar[ConfusionMatrix]
    true_positives: Any

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        default = 0.5 if top_k is None else NEG_INF
        self.thresholds = parse_init_thresholds(thresholds, default)
        for name in ("true_positives", self._other.name.lower()):
            sizes = (len(self.thresholds),)
            setattr(self, name, self.add_weight(name, sizes, initializer="zeros"))

    def _rest(self) -> Any:
        return getattr(self, self._other.name.lower())

    def update_state(
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
    ) -> Any:
        """Count labels and predictions."""
        true = {ConfusionMatrix.TRUE_POSITIVES: self.true_positives}
        return update_confusion_matrix_variables(
            {**true, self._other: self._rest()},
            y_true,
            y_pred,
            thresholds=self.thresholds,
            top_k=self.top_k,
            class_id=self.class_id,
            sample_weight=sample_weight,
        )

    def result(self) -> Any:
        """The share: one for each threshold, or a number."""
        true = self.true_positives
        return _single(div_no_nan(true, true + self._rest()), self.thresholds)

    def reset_states(self) -> None:
        """Set all counts to zero."""
        reset_counts(self, len(self.thresholds))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        own = {
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }
        return {**super().get_config(), **own}


class Precision(_Share):
    """Which share of what is predicted is true."""

    _other = ConfusionMatrix.FALSE_POSITIVES
    false_positives: Any


class Recall(_Share):
    """Which share of the true labels is predicted."""

    _other = ConfusionMatrix.FALSE_NEGATIVES
    false_negatives: Any


class MeanIoU(Metric):
    """The mean over classes of intersection over union.

    Args:
      num_classes: how many classes there are.
      name: its name.
      dtype: of its result.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.total_cm = self.add_weight(
            "total_confusion_matrix",
            shape=(num_classes, num_classes),
            initializer="zeros",
            dtype=dtypes.float64,
        )

    def update_state(
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
    ) -> Any:
        """Add the confusion matrix of classes and those that are predicted."""
        found = confusion_matrix(
            _flat(y_true),
            _flat(y_pred),
            self.num_classes,
            weights=None if sample_weight is None else _flat(sample_weight),
            dtype=dtypes.float64,
        )
        return self.total_cm.assign_add(found)

    def result(self) -> Any:
        """The mean over the classes that occur."""
        return cast(intersection_over_union(self.total_cm), self._dtype)

    def reset_states(self) -> None:
        """Set the confusion matrix to zero."""
        sizes = (self.num_classes, self.num_classes)
        batch_set_value([(v, np.zeros(sizes)) for v in self.variables])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {**super().get_config(), "num_classes": self.num_classes}


def _flat(given: Any) -> Any:
    tensor = convert_to_tensor(given)
    rank = tensor.shape.ndims
    return reshape(tensor, [-1]) if rank is not None and rank > 1 else tensor
