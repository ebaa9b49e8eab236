"""Metrics of all thresholds together: areas under curves, and points on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.keras.confusion_metrics import (
    AUCCurve,
    AUCSummationMethod,
    ConfusionMatrix,
    reset_counts,
    update_confusion_matrix_variables,
)
from retrograd.keras.metric import Metric
from retrograd.layers.backend_config import epsilon
from retrograd.layers.thresholds import interpolated_area, under
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.elementwise import div_no_nan

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike

_NAMES = ("true_positives", "true_negatives", "false_positives", "false_negatives")


def _make_counts(metric: Any, count: int) -> None:
    """Make the variables of all four counts."""
    for name in _NAMES:
        setattr(metric, name, metric.add_weight(name, (count,), initializer="zeros"))


def _update_counts(
    metric: Any,
    y_true: TensorLike,
    y_pred: TensorLike,
    sample_weight: TensorLike | None,
) -> Any:
    variables = {ConfusionMatrix[n.upper()]: getattr(metric, n) for n in _NAMES}
    return update_confusion_matrix_variables(
        variables, y_true, y_pred, metric.thresholds, sample_weight=sample_weight
    )


def _between(count: int) -> list[float]:
    """`count` − 2 thresholds, evenly spaced between 0 and 1."""
    return [(i + 1) * 1.0 / (count - 1) for i in range(count - 2)]


class SensitivitySpecificityBase(Metric):
    """Base of rates where another rate has a value.

    Args:
      value: that value, in [0, 1].
      num_thresholds: how many thresholds are tried.
      name: its name.
      dtype: of its variables.

    Raises:
      ValueError: no thresholds.
    """

    true_positives: Any
    true_negatives: Any
    false_positives: Any
    false_negatives: Any

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if num_thresholds <= 0:
            raise ValueError("`num_thresholds` must be > 0.")
        self.value = value
        _make_counts(self, num_thresholds)
        if num_thresholds == 1:
            self.thresholds = [0.5]
        else:
            self.thresholds = [0.0, *_between(num_thresholds), 1.0]

    def update_state(
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
    ) -> Any:
        """Count labels and predictions."""
        return _update_counts(self, y_true, y_pred, sample_weight)

    def reset_states(self) -> None:
        """Set all counts to zero."""
        reset_counts(self, len(self.thresholds))

    def _nearest(self, right: Any, wrong: Any) -> Any:
        """Where a rate, by its counts, is nearest to the value."""
        rates = div_no_nan(right, right + wrong)
        return cast(F.ArgMin(F.Abs(rates - self.value), 0), dtypes.int32)


class SensitivityAtSpecificity(SensitivitySpecificityBase):
    """Which share of the true is found where a share of the false is not.

    Args:
      specificity: the share of the false, in [0, 1].
      num_thresholds: how many thresholds are tried.
      name: its name.
      dtype: of its variables.

    Raises:
      ValueError: another share, or no thresholds.
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        if specificity < 0 or specificity > 1:
            raise ValueError("`specificity` must be in the range [0, 1].")
        self.specificity = specificity
        self.num_thresholds = num_thresholds
        super().__init__(specificity, num_thresholds, name=name, dtype=dtype)

    def result(self) -> Any:
        """The share."""
        i = self._nearest(self.true_negatives, self.false_positives)
        found, all_of = self.true_positives[i], self.true_positives[i]
        return div_no_nan(found, all_of + self.false_negatives[i])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        own = {
            "num_thresholds": self.num_thresholds,
            "specificity": self.specificity,
        }
        return {**super().get_config(), **own}


class SpecificityAtSensitivity(SensitivitySpecificityBase):
    """Which share of the false is not found where a share of the true is.

    Args:
      sensitivity: the share of the true, in [0, 1].
      num_thresholds: how many thresholds are tried.
      name: its name.
      dtype: of its variables.

    Raises:
      ValueError: another share, or no thresholds.
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        if sensitivity < 0 or sensitivity > 1:
            raise ValueError("`sensitivity` must be in the range [0, 1].")
        self.sensitivity = sensitivity
        self.num_thresholds = num_thresholds
        super().__init__(sensitivity, num_thresholds, name=name, dtype=dtype)

    def result(self) -> Any:
        """The share."""
        i = self._nearest(self.true_positives, self.false_negatives)
        found, all_of = self.true_negatives[i], self.true_negatives[i]
        return div_no_nan(found, all_of + self.false_positives[i])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        own = {
            "num_thresholds": self.num_thresholds,
            "sensitivity": self.sensitivity,
        }
        return {**super().get_config(), **own}


class AUC(Metric):
    """The area under a curve of rates at thresholds.

    Args:
      num_thresholds: how many thresholds there are, evenly spaced.
      curve: `ROC` (true over false positives) or `PR` (precision over recall).
      summation_method: `interpolation`, `minoring` or `majoring`.
      name: its name.
      dtype: of its variables.
      thresholds: others, in [0, 1].

    Raises:
      ValueError: no such curve or method, or no thresholds.
    """

    true_positives: Any
    true_negatives: Any
    false_positives: Any
    false_negatives: Any

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str | AUCCurve = "ROC",
        summation_method: str | AUCSummationMethod = "interpolation",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        thresholds: Sequence[float] | None = None,
    ) -> None:
        if thresholds is not None:
            between = sorted(thresholds)
            num_thresholds = len(between) + 2
        else:
            if num_thresholds <= 1:
                raise ValueError("`num_thresholds` must be > 1.")
            between = _between(num_thresholds)
        self.num_thresholds = num_thresholds
        self.thresholds = [0.0 - epsilon(), *between, 1.0 + epsilon()]
        if isinstance(curve, str):
            curve = AUCCurve.from_str(curve)
        if isinstance(summation_method, str):
            summation_method = AUCSummationMethod.from_str(summation_method)
        self.curve = curve
        self.summation_method = summation_method
        super().__init__(name=name, dtype=dtype)
        _make_counts(self, num_thresholds)

    def update_state(
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
    ) -> Any:
        """Count labels and predictions."""
        return _update_counts(self, y_true, y_pred, sample_weight)

    def interpolate_pr_auc(self) -> Any:
        """The area under precision over recall, both interpolated by their counts."""
        return interpolated_area(
            self.true_positives, self.false_positives, self.false_negatives
        )

    def result(self) -> Any:
        """The area."""
        method = self.summation_method
        interpolates = method is AUCSummationMethod.INTERPOLATION
        if self.curve is AUCCurve.PR and interpolates:
            return self.interpolate_pr_auc()
        true, false = self.true_positives, self.false_positives
        recall = div_no_nan(true, true + self.false_negatives)
        if self.curve is AUCCurve.ROC:
            x, y = div_no_nan(false, false + self.true_negatives), recall
        else:
            x, y = recall, div_no_nan(true, true + false)
        return under(x, y, "trapezoidal" if interpolates else method.value, self.name)

    def reset_states(self) -> None:
        """Set all counts to zero."""
        reset_counts(self, self.num_thresholds)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        own = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve.value,
            "summation_method": self.summation_method.value,
            "thresholds": self.thresholds[1:-1],
        }
        return {**super().get_config(), **own}
