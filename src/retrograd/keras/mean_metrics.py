"""Metrics that are sums and means of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.hooks import hooks
from retrograd.keras.graphs import plain
from retrograd.keras.metric import Metric
from retrograd.layers.metric_parts import squeeze_or_expand_dimensions
from retrograd.layers.values import batch_set_value, get_session
from retrograd.ops.array.fill import ones_like
from retrograd.ops.array.identity import identity
from retrograd.ops.array.shape import size
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.confusion import remove_squeezable_dimensions
from retrograd.ops.math.elementwise import div_no_nan
from retrograd.ops.math.reduce import reduce_mean, reduce_sum
from retrograd.ops.nn.weights import broadcast_weights
from retrograd.shapes import TensorShape

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, TensorLike


class Reduction:
    """How values become one: by name."""

    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"
    WEIGHTED_MEAN = "weighted_mean"


def _weighted(values: Any, weights: Any, reduce: Callable[..., Any]) -> tuple[Any, Any]:
    """Values times weights, and the weights; the values as far reduced as they need."""
    values, _, weights = squeeze_or_expand_dimensions(values, None, weights)
    try:
        weights = broadcast_weights(weights, values)
    except ValueError:
        ranks = values.shape.ndims, weights.shape.ndims
        values = reduce(values, axis=list(range(ranks[1] or 0, ranks[0] or 0)))
    return F.Mul(values, weights), weights


class Reduce(Metric):
    """Base of metrics that reduce values to one number.

    Args:
      reduction: one of `Reduction`.
      name: its name.
      dtype: of its variables.
    """

    def __init__(
        self, reduction: str, name: str | None, dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.reduction = reduction
        self.total = self.add_weight("total", initializer="zeros")
        if reduction != Reduction.SUM:
            self.count = self.add_weight("count", initializer="zeros")

    def update_state(
        self, values: TensorLike, sample_weight: TensorLike | None = None
    ) -> Any:
        """Add values, each times its weight."""
        x: Any = cast(values, self._dtype)
        weights: Any = None
        if sample_weight is not None:
            weights = cast(sample_weight, self._dtype)
            summed = self.reduction == Reduction.SUM
            x, weights = _weighted(x, weights, reduce_sum if summed else reduce_mean)
        value_sum = reduce_sum(x)
        with control_dependencies([value_sum]):
            update_total = self.total.assign_add(value_sum)
        if self.reduction == Reduction.SUM:
            return update_total
        if self.reduction == Reduction.SUM_OVER_BATCH_SIZE or weights is None:
            count = cast(size(x), self._dtype)
        else:
            count = reduce_sum(weights)
        with control_dependencies([update_total]):
            return self.count.assign_add(count)

    def result(self) -> Any:
        """The sum, or the mean."""
        if self.reduction == Reduction.SUM:
            return identity(self.total)
        return div_no_nan(self.total, self.count)


class Sum(Reduce):
    """The weighted sum of values."""

    def __init__(
        self, name: str | None = "sum", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(reduction=Reduction.SUM, name=name, dtype=dtype)


class Mean(Reduce):
    """The weighted mean of values."""

    def __init__(
        self, name: str | None = "mean", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(reduction=Reduction.WEIGHTED_MEAN, name=name, dtype=dtype)


class SumOverBatchSize(Reduce):
    """The weighted sum of values by their number."""

    def __init__(
        self, name: str | None = "sum_over_batch_size", dtype: DTypeLike | None = None
    ) -> None:
        how = Reduction.SUM_OVER_BATCH_SIZE
        super().__init__(reduction=how, name=name, dtype=dtype)


class MeanRelativeError(Mean):
    """The mean of |labels − predictions| / normalizer; 0 where that is 0.

    Args:
      normalizer: numbers in the shape of the predictions.
      name: its name.
      dtype: of its variables.
    """

    def __init__(
        self,
        normalizer: TensorLike,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.normalizer: Any = cast(normalizer, self._dtype)

    def update_state(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
    ) -> Any:
        """Add the errors of labels and predictions."""
        y, p = cast(y_true, self._dtype), cast(y_pred, self._dtype)
        p, y = squeeze_or_expand_dimensions(p, y)
        p, self.normalizer = remove_squeezable_dimensions(p, self.normalizer)
        p.shape.assert_is_compatible_with(y.shape)
        errors = div_no_nan(F.Abs(y - p), self.normalizer)
        return super().update_state(errors, sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {**super().get_config(), "normalizer": plain(self.normalizer)}


class RootMeanSquaredError(Mean):
    """The root of the mean of (predictions − labels)²."""

    def __init__(
        self,
        name: str | None = "root_mean_squared_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(name, dtype=dtype)

    def update_state(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
    ) -> Any:
        """Add the squares of labels and predictions."""
        y, p = cast(y_true, self._dtype), cast(y_pred, self._dtype)
        p, y = squeeze_or_expand_dimensions(p, y)
        squares = F.SquaredDifference(p, y)
        return super().update_state(squares, sample_weight=sample_weight)

    def result(self) -> Any:
        """The root of the mean."""
        return F.Sqrt(div_no_nan(self.total, self.count))


def _update_by_function(
    self: MeanMetricWrapper | SumOverBatchSizeMetricWrapper,
    y_true: TensorLike,
    y_pred: TensorLike,
    sample_weight: TensorLike | None = None,
) -> Any:
    """Add the values of the function of labels and predictions."""
    y, p = cast(y_true, self._dtype), cast(y_pred, self._dtype)
    p, y = squeeze_or_expand_dimensions(p, y)
    values = self._fn(y, p, **self._fn_kwargs)
    return Reduce.update_state(self, values, sample_weight=sample_weight)


def _config_with_function(
    self: MeanMetricWrapper | SumOverBatchSizeMetricWrapper,
) -> dict[str, Any]:
    """The arguments that make an equal one, those of the function too."""
    own = {name: plain(value) for name, value in self._fn_kwargs.items()}
    return {**Reduce.get_config(self), **own}


class MeanMetricWrapper(Mean):
    """The mean of a function of labels and predictions.

    Args:
      fn: the function.
      name: its name.
      dtype: of its variables.
      **kwargs: other arguments of the function.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    update_state = _update_by_function  # pyright: ignore[reportAssignmentType]
    get_config = _config_with_function


class SumOverBatchSizeMetricWrapper(SumOverBatchSize):
    """The sum of a function of labels and predictions by the number of its values.

    Args:
      fn: the function.
      name: its name.
      dtype: of its variables.
      **kwargs: other arguments of the function.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    update_state = _update_by_function  # pyright: ignore[reportAssignmentType]
    get_config = _config_with_function


class MeanTensor(Metric):
    """The weighted mean of each element of values of one shape."""

    def __init__(
        self, name: str | None = "mean_tensor", dtype: DTypeLike | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._shape: Any = None
        self._total: Any = None
        self._count: Any = None
        self._built = False

    def _build(self, shape: Any) -> None:
        self._shape = TensorShape(shape)
        self._total = self.add_weight("total", shape=shape, initializer="zeros")
        self._count = self.add_weight("count", shape=shape, initializer="zeros")
        with context.init_scope():
            if not context.executing_eagerly():
                get_session()  # so that they have values
        self._built = True

    @property
    def total(self) -> Any:
        """The weighted sum of each element; None before the first values."""
        return self._total if self._built else None

    @property
    def count(self) -> Any:
        """The sum of the weights of each element; None before the first values."""
        return self._count if self._built else None

    def update_state(
        self, values: TensorLike, sample_weight: TensorLike | None = None
    ) -> Any:
        """Add values, each times its weight.

        Raises:
          ValueError: they are not in the shape of the first ones.
        """
        x: Any = cast(values, self._dtype)
        if not self._built:
            self._build(x.shape)
        elif x.shape != self._shape:
            raise ValueError(
                "MeanTensor input values must always have the same shape. Expected "
                f"shape (set during the first call): {self._shape}. Got: {x.shape}"
            )
        count: Any = ones_like(x)
        if sample_weight is not None:
            weights: Any = cast(sample_weight, self._dtype)
            x, _, weights = squeeze_or_expand_dimensions(x, None, weights)
            try:
                weights = broadcast_weights(weights, x)
            except ValueError:
                ranks = x.shape.ndims, weights.shape.ndims
                x = reduce_mean(x, axis=list(range(ranks[1], ranks[0])))
            count, x = F.Mul(count, weights), F.Mul(x, weights)
        with control_dependencies([self._total.assign_add(x)]):
            return self._count.assign_add(count)

    def result(self) -> Any:
        """The means.

        Raises:
          ValueError: there have been no values.
        """
        if not self._built:
            raise ValueError(
                "MeanTensor does not have any result yet. Please call the MeanTensor "
                "instance or use `.update_state(value)` before retrieving the result."
            )
        return div_no_nan(self._total, self._count)

    def reset_states(self) -> None:
        """Set all variables to zero."""
        if self._built:
            zeros = np.zeros(self._shape.as_list())
            batch_set_value([(v, zeros) for v in self.variables])


hooks.provide(mean_metric=Mean)
