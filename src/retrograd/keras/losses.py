"""`tf.keras.losses`: losses as objects, which weigh and reduce them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.distribute.current import has_strategy
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.keras import loss_functions
from retrograd.keras.graphs import graph_of, plain
from retrograd.keras.loss_functions import (
    KLD,
    MAE,
    MAPE,
    MSE,
    MSLE,
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    cosine_proximity,
    cosine_similarity,
    hinge,
    huber_loss,
    kld,
    kullback_leibler_divergence,
    logcosh,
    mae,
    mape,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    mse,
    msle,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from retrograd.layers import serialization
from retrograd.layers.losses import num_elements, safe_mean
from retrograd.layers.metric_parts import squeeze_or_expand_dimensions
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.weights import broadcast_weights

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Named, TensorLike

__all__ = [
    "KLD",
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "ReductionV2",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_hinge",
    "compute_weighted_loss",
    "cosine_proximity",
    "cosine_similarity",
    "deserialize",
    "get",
    "hinge",
    "huber_loss",
    "is_categorical_crossentropy",
    "kld",
    "kullback_leibler_divergence",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]


class ReductionV2:
    """How losses become one: by name.

    AUTO: as the use suggests, mostly SUM_OVER_BATCH_SIZE. NONE: they do not. SUM: their
    sum. SUM_OVER_BATCH_SIZE: the sum, divided by their number.
    """

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE

    @classmethod
    def validate(cls, key: str) -> None:
        """Require one of them.

        Raises:
          ValueError: it is none.
        """
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


def reduce_weighted_loss(
    weighted_losses: Tensor, reduction: str = ReductionV2.SUM_OVER_BATCH_SIZE
) -> Tensor:
    """Weighted losses made one."""
    if reduction == ReductionV2.NONE:
        return weighted_losses
    loss = reduce_sum(weighted_losses)
    if reduction == ReductionV2.SUM_OVER_BATCH_SIZE:
        loss = safe_mean(loss, num_elements(weighted_losses))
    return loss


def compute_weighted_loss(
    losses: TensorLike,
    sample_weight: TensorLike | None = None,
    reduction: str = ReductionV2.SUM_OVER_BATCH_SIZE,
    name: str | None = None,
) -> Tensor:
    """Losses times weights, made one.

    Args:
      losses: shape [batch, …].
      sample_weight: a scalar, or of the shape of the losses but for a last dimension of
        one; None for 1.
      reduction: one of `ReductionV2`.
      name: the name scope.

    Returns:
      A scalar; for NONE, in the shape of the losses. Its dtype is theirs.

    Raises:
      ValueError: weights that do not fit, or no such reduction.
    """
    ReductionV2.validate(reduction)
    if reduction == ReductionV2.AUTO:
        reduction = ReductionV2.SUM_OVER_BATCH_SIZE
    weights = 1.0 if sample_weight is None else sample_weight
    with name_scope(name, "weighted_loss", (losses, sample_weight)):
        context.get_default_graph()._last_loss_reduction = reduction
        given = convert_to_tensor(losses)
        x, w = cast(given, dtypes.float32), cast(weights, dtypes.float32)
        x, _, w = squeeze_or_expand_dimensions(x, None, w)
        found = reduce_weighted_loss(F.Mul(x, broadcast_weights(w, x)), reduction)
        return cast(found, given.dtype)


class Loss:
    """Base of losses: `loss(y_true, y_pred)` gives one number for a batch.

    A subclass computes a loss for each sample in `call`.

    Args:
      reduction: how these become one, one of `ReductionV2`.
      name: the name scope.

    Raises:
      ValueError: there is no such reduction.
    """

    def __init__(
        self, reduction: str = ReductionV2.AUTO, name: str | None = None
    ) -> None:
        ReductionV2.validate(reduction)
        self.reduction = reduction
        self.name = name

    def __call__(
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        sample_weight: TensorLike | None = None,
    ) -> Any:
        """The loss.

        Args:
          y_true: the labels.
          y_pred: the predictions.
          sample_weight: a scalar, or what is broadcast to the losses.

        Raises:
          ValueError: weights that do not fit, or a mean inside of a strategy.
        """
        name = "lambda" if self.name == "<lambda>" else self.name
        inside = graph_of(y_true, y_pred, sample_weight)
        with inside, name_scope(name or type(self).__name__):
            losses = self.call(y_true, y_pred)
            how = self._get_reduction()
            return compute_weighted_loss(losses, sample_weight, reduction=how)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The loss with the arguments that `get_config` gave."""
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {"reduction": self.reduction, "name": self.name}

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Any:
        """The loss of each sample."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def _get_reduction(self) -> str:
        """The reduction, AUTO decided."""
        means = (ReductionV2.AUTO, ReductionV2.SUM_OVER_BATCH_SIZE)
        if has_strategy() and self.reduction in means:
            raise ValueError(
                "Please use `tf.keras.losses.Reduction.SUM` or "
                "`tf.keras.losses.Reduction.NONE` for loss reduction when losses are "
                "used with `tf.distribute.Strategy` outside of the built-in training "
                "loops. You can implement "
                "`tf.keras.losses.Reduction.SUM_OVER_BATCH_SIZE` using global batch "
                "size like:\n```\nwith strategy.scope():\n"
                "    loss_obj = tf.keras.losses.CategoricalCrossentropy("
                "reduction=tf.keras.losses.Reduction.NONE)\n....\n"
                "    loss = tf.reduce_sum(loss_obj(labels, predictions)) * "
                "(1. / global_batch_size)\n```"
            )
        if self.reduction == ReductionV2.AUTO:
            return ReductionV2.SUM_OVER_BATCH_SIZE
        return self.reduction


class LossFunctionWrapper(Loss):
    """A loss of a function of labels and predictions.

    Args:
      fn: the function.
      reduction: how its values become one.
      name: the name scope.
      **kwargs: other arguments of the function.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str = ReductionV2.AUTO,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: TensorLike, y_pred: TensorLike) -> Any:
        """What the function gives."""
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one, those of the function too."""
        own = {name: plain(value) for name, value in self._fn_kwargs.items()}
        return {**super().get_config(), **own}


class MeanSquaredError(LossFunctionWrapper):
    """The loss `mean_squared_error`."""

    def __init__(
        self, reduction: str = ReductionV2.AUTO, name: str = "mean_squared_error"
    ) -> None:
        super().__init__(mean_squared_error, reduction=reduction, name=name)


class MeanAbsoluteError(LossFunctionWrapper):
    """The loss `mean_absolute_error`."""

    def __init__(
        self, reduction: str = ReductionV2.AUTO, name: str = "mean_absolute_error"
    ) -> None:
        super().__init__(mean_absolute_error, reduction=reduction, name=name)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The loss `mean_absolute_percentage_error`."""

    def __init__(
        self,
        reduction: str = ReductionV2.AUTO,
        name: str = "mean_absolute_percentage_error",
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction=reduction, name=name)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The loss `mean_squared_logarithmic_error`."""

    def __init__(
        self,
        reduction: str = ReductionV2.AUTO,
        name: str = "mean_squared_logarithmic_error",
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction=reduction, name=name)


class CategoricalHinge(LossFunctionWrapper):
    """The loss `categorical_hinge`."""

    def __init__(
        self, reduction: str = ReductionV2.AUTO, name: str = "categorical_hinge"
    ) -> None:
        super().__init__(categorical_hinge, reduction=reduction, name=name)


class Hinge(LossFunctionWrapper):
    """The loss `hinge`."""

    def __init__(self, reduction: str = ReductionV2.AUTO, name: str = "hinge") -> None:
        super().__init__(hinge, reduction=reduction, name=name)


class SquaredHinge(LossFunctionWrapper):
    """The loss `squared_hinge`."""

    def __init__(
        self, reduction: str = ReductionV2.AUTO, name: str = "squared_hinge"
    ) -> None:
        super().__init__(squared_hinge, reduction=reduction, name=name)


class Poisson(LossFunctionWrapper):
    """The loss `poisson`."""

    def __init__(
        self, reduction: str = ReductionV2.AUTO, name: str = "poisson"
    ) -> None:
        super().__init__(poisson, reduction=reduction, name=name)


class LogCosh(LossFunctionWrapper):
    """The loss `logcosh`."""

    def __init__(
        self, reduction: str = ReductionV2.AUTO, name: str = "logcosh"
    ) -> None:
        super().__init__(logcosh, reduction=reduction, name=name)


class KLDivergence(LossFunctionWrapper):
    """The loss `kullback_leibler_divergence`."""

    def __init__(
        self,
        reduction: str = ReductionV2.AUTO,
        name: str = "kullback_leibler_divergence",
    ) -> None:
        super().__init__(kullback_leibler_divergence, reduction=reduction, name=name)


class BinaryCrossentropy(LossFunctionWrapper):
    """The loss `binary_crossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0,
        reduction: str = ReductionV2.AUTO,
        name: str = "binary_crossentropy",
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction=reduction,
            name=name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """The loss `categorical_crossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0,
        reduction: str = ReductionV2.AUTO,
        name: str = "categorical_crossentropy",
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction=reduction,
            name=name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """The loss `sparse_categorical_crossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        reduction: str = ReductionV2.AUTO,
        name: str = "sparse_categorical_crossentropy",
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction=reduction,
            name=name,
            from_logits=from_logits,
        )


class Huber(LossFunctionWrapper):
    """The loss `huber_loss`."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str = ReductionV2.AUTO,
        name: str = "huber_loss",
    ) -> None:
        super().__init__(
            huber_loss,
            reduction=reduction,
            name=name,
            delta=delta,
        )


class CosineSimilarity(LossFunctionWrapper):
    """The loss `cosine_similarity`."""

    def __init__(
        self,
        axis: int = -1,
        reduction: str = ReductionV2.AUTO,
        name: str = "cosine_similarity",
    ) -> None:
        super().__init__(
            cosine_similarity,
            reduction=reduction,
            name=name,
            axis=axis,
        )


def is_categorical_crossentropy(loss: Named) -> bool:
    """Whether a loss is the cross entropy of distributions, by any of its names."""
    return (
        isinstance(loss, CategoricalCrossentropy)
        or (
            isinstance(loss, LossFunctionWrapper)
            and loss.fn is categorical_crossentropy
        )
        or getattr(loss, "__name__", loss) == "categorical_crossentropy"
    )


#: functions and classes, by each of their names
_KNOWN = {
    name: value
    for name, value in list({**vars(loss_functions), **globals()}.items())
    if name in __all__
}


def serialize(loss: Named) -> Any:
    """The name of a loss, or its class and arguments."""
    return serialization.serialize(loss)


def deserialize(name: Any, custom_objects: Mapping[str, object] | None = None) -> Any:
    """The loss of a name or configuration.

    Raises:
      ValueError: there is none.
    """
    return serialization.deserialize(name, _KNOWN, custom_objects, "loss function")


def get(identifier: Named) -> Any:
    """A loss for a name, a configuration or itself; None for None.

    Raises:
      ValueError: nothing of these.
    """
    if identifier is None or callable(identifier):
        return identifier
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    raise ValueError("Could not interpret loss function identifier:", identifier)
