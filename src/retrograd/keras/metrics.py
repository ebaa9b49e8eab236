"""`tf.keras.metrics`: all metrics, and how they are found by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from retrograd.keras import (
    confusion_metrics,
    curve_metrics,
    loss_functions,
    mean_metrics,
    metric_functions,
)
from retrograd.keras.loss_functions import (
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    cosine_proximity,
    hinge,
    kullback_leibler_divergence,
    logcosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from retrograd.keras.mean_metrics import MeanMetricWrapper
from retrograd.keras.metric import Metric
from retrograd.keras.metric_functions import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from retrograd.layers import serialization

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, Named


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels."""

    def __init__(
        self,
        name: str | None = "accuracy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(accuracy, name, dtype=dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions are on the right side of a threshold."""

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: DTypeLike | None = None,
        threshold: float = 0.5,
    ) -> None:
        super().__init__(binary_accuracy, name, dtype=dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the right class."""

    def __init__(
        self,
        name: str | None = "categorical_accuracy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(categorical_accuracy, name, dtype=dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The same, where labels are the numbers of the classes."""

    def __init__(
        self,
        name: str | None = "sparse_categorical_accuracy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype=dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k largest predictions."""

    def __init__(
        self,
        k: int = 5,
        name: str | None = "top_k_categorical_accuracy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype=dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """The same, where labels are the numbers of the classes."""

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype=dtype, k=k)


class CosineSimilarity(MeanMetricWrapper):
    """The mean of `cosine_similarity`."""

    def __init__(
        self,
        name: str | None = "cosine_similarity",
        dtype: DTypeLike | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(cosine_proximity, name, dtype=dtype, axis=axis)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of the loss `mean_absolute_error`."""

    def __init__(
        self,
        name: str | None = "mean_absolute_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(mean_absolute_error, name, dtype=dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of the loss `mean_absolute_percentage_error`."""

    def __init__(
        self,
        name: str | None = "mean_absolute_percentage_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype=dtype)


class MeanSquaredError(MeanMetricWrapper):
    """The mean of the loss `mean_squared_error`."""

    def __init__(
        self,
        name: str | None = "mean_squared_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(mean_squared_error, name, dtype=dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of the loss `mean_squared_logarithmic_error`."""

    def __init__(
        self,
        name: str | None = "mean_squared_logarithmic_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype=dtype)


class Hinge(MeanMetricWrapper):
    """The mean of the loss `hinge`."""

    def __init__(
        self,
        name: str | None = "hinge",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(hinge, name, dtype=dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of the loss `squared_hinge`."""

    def __init__(
        self,
        name: str | None = "squared_hinge",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(squared_hinge, name, dtype=dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of the loss `categorical_hinge`."""

    def __init__(
        self,
        name: str | None = "categorical_hinge",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(categorical_hinge, name, dtype=dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of the loss `logcosh`."""

    def __init__(
        self,
        name: str | None = "logcosh",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(logcosh, name, dtype=dtype)


class Poisson(MeanMetricWrapper):
    """The mean of the loss `poisson`."""

    def __init__(
        self,
        name: str | None = "poisson",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(poisson, name, dtype=dtype)


class KLDivergence(MeanMetricWrapper):
    """The mean of the loss `kullback_leibler_divergence`."""

    def __init__(
        self,
        name: str | None = "kullback_leibler_divergence",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(kullback_leibler_divergence, name, dtype=dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of the loss `binary_crossentropy`."""

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of the loss `categorical_crossentropy`."""

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of the loss `sparse_categorical_crossentropy`."""

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name,
            dtype=dtype,
            from_logits=from_logits,
            axis=axis,
        )


def _is_one(value: object) -> bool:
    """Whether a name of a module stands for a metric or a function of labels."""
    if isinstance(value, type):
        return issubclass(value, Metric)
    return getattr(value, "__module__", None) in _OF_FUNCTIONS


_OF_FUNCTIONS = (loss_functions.__name__, metric_functions.__name__)
_MODULES = (
    loss_functions,
    metric_functions,
    mean_metrics,
    confusion_metrics,
    curve_metrics,
)

#: functions and classes, by each of their names
_KNOWN = {
    name: value
    for found in (*map(vars, _MODULES), globals())
    for name, value in list(found.items())
    if _is_one(value) and not name.startswith("_")
}


def serialize(metric: Named) -> Any:
    """The name of a metric, or its class and arguments."""
    return serialization.serialize(metric)


def deserialize(config: Any, custom_objects: Mapping[str, object] | None = None) -> Any:
    """The metric of a name or configuration.

    Raises:
      ValueError: there is none.
    """
    return serialization.deserialize(config, _KNOWN, custom_objects, "metric function")


def get(identifier: Named) -> Any:
    """A metric for a name, a configuration or itself.

    Raises:
      ValueError: nothing of these.
    """
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret metric function identifier: {identifier}")
