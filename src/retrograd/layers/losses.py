"""`tf.losses`: weighted losses, which are kept in a collection of the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.dispatch import name_scope
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones_like, zeros_like
from retrograd.ops.array.identity import stop_gradient
from retrograd.ops.array.selection import where
from retrograd.ops.array.shape import rank, shape, size, squeeze
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.math.casts import cast
from retrograd.ops.math.confusion import remove_squeezable_dimensions
from retrograd.ops.math.elementwise import add_n, div_no_nan
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.nn.cross_entropy import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from retrograd.ops.nn.weights import assert_broadcastable, broadcast_weights

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


class Reduction:
    """How losses become one: by name.

    NONE: they do not. SUM: their sum. MEAN: the sum, divided by that of the weights.
    SUM_OVER_BATCH_SIZE: divided by their number. SUM_BY_NONZERO_WEIGHTS (or
    SUM_OVER_NONZERO_WEIGHTS): divided by the number of weights that are not zero.
    """

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (
            cls.NONE,
            cls.SUM,
            cls.MEAN,
            cls.SUM_OVER_BATCH_SIZE,
            cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )

    @classmethod
    def validate(cls, key: str) -> None:
        """Require one of them.

        Raises:
          ValueError: it is none.
        """
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


# ---------------------------------------------------------------------- collections


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Keep a loss in a collection of the graph; in eager mode, nothing happens."""
    if loss_collection and not context.executing_eagerly():
        context.get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(
    scope: str | None = None, loss_collection: str = GraphKeys.LOSSES
) -> list[Any]:
    """The losses of a collection, if given those whose names begin with `scope`."""
    return context.get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The losses of regularizers, if given those whose names begin with `scope`."""
    return get_losses(scope, GraphKeys.REGULARIZATION_LOSSES)


def get_regularization_loss(
    scope: str | None = None, name: str = "total_regularization_loss"
) -> Tensor:
    """The sum of `get_regularization_losses`, 0 where there are none."""
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True,
    name: str = "total_loss",
    scope: str | None = None,
) -> Tensor:
    """The sum of all losses, those of regularizers too unless that is not wanted."""
    losses = get_losses(scope=scope)
    if add_regularization_losses:
        losses = losses + get_regularization_losses(scope=scope)
    return add_n(losses, name=name)


# ---------------------------------------------------------------------- weights


def safe_mean(total: Tensor, count: Tensor) -> Tensor:
    """The sum of totals by a count; 0 where that is 0."""
    return div_no_nan(reduce_sum(total), count, name="value")


def num_elements(losses: Tensor) -> Tensor:
    """How many losses there are, in their dtype."""
    with name_scope(None, "num_elements", [losses]) as scope:
        return cast(size(losses, name=scope), losses.dtype)


def _num_present(losses: Tensor, weights: Tensor, per_batch: bool = False) -> Tensor:
    """How many losses have a weight that is not zero, in all or for each element."""
    if context.executing_eagerly() and weights._rank() == 0:
        if weights.numpy() != 0.0:  # pyright: ignore[reportAttributeAccessIssue]
            return num_elements(losses)
    with name_scope(None, "num_present", (losses, weights)) as scope:
        weights = cast(weights, dtypes.float32)
        present = where(F.Equal(weights, 0.0), zeros_like(weights), ones_like(weights))
        present = broadcast_weights(present, losses)
        if per_batch:
            axes = F.Range(1, rank(present), 1)
            return reduce_sum(present, axis=axes, keepdims=True, name=scope)
        return reduce_sum(present, name=scope)


def compute_weighted_loss(
    losses: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Losses times weights, made one.

    Args:
      losses: shape [batch, …].
      weights: a scalar, or of the rank of the losses with their sizes or ones.
      scope: the name scope.
      loss_collection: where the result is kept; None for nowhere.
      reduction: one of `Reduction`.

    Returns:
      A scalar; for `Reduction.NONE`, in the shape of the losses. Its dtype is theirs.

    Raises:
      ValueError: weights that do not fit, or no such reduction.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss", (losses, weights)):
        context.get_default_graph()._last_loss_reduction = reduction
        with control_dependencies([assert_broadcastable(weights, losses)]):
            given = convert_to_tensor(losses)
            x, w = cast(given, dtypes.float32), cast(weights, dtypes.float32)
            loss = cast(_reduced(x, w, F.Mul(x, w), reduction), given.dtype)
            add_loss(loss, loss_collection)
            return loss


def _reduced(losses: Tensor, weights: Tensor, weighted: Tensor, how: str) -> Tensor:
    if how == Reduction.NONE:
        return weighted
    loss = reduce_sum(weighted)
    if how == Reduction.MEAN:
        return safe_mean(loss, reduce_sum(ones_like(losses) * weights))
    if how == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return safe_mean(loss, _num_present(losses, weights))
    if how == Reduction.SUM_OVER_BATCH_SIZE:
        return safe_mean(loss, num_elements(losses))
    return loss


# ---------------------------------------------------------------------- losses


def _required(**values: TensorLike | None) -> None:
    for name, value in values.items():
        if value is None:
            raise ValueError(f"{name} must not be None.")


def _by_element(
    formula: Callable[[Any, Any], Tensor],
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike,
    scope: str | None,
    default: str,
    loss_collection: str | None,
    reduction: str,
) -> Tensor:
    """The weighted loss of a formula of predictions and labels, in float32."""
    with name_scope(scope, default, (predictions, labels, weights)) as scope:
        p, y = cast(predictions, dtypes.float32), cast(labels, dtypes.float32)
        p.shape.assert_is_compatible_with(y.shape)
        losses = formula(p, y)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def absolute_difference(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """|predictions − labels|; see `compute_weighted_loss` for the other arguments."""
    _required(labels=labels, predictions=predictions)
    return _by_element(
        lambda p, y: F.Abs(F.Sub(p, y)),
        labels,
        predictions,
        weights,
        scope,
        "absolute_difference",
        loss_collection,
        reduction,
    )


def cosine_distance(
    labels: TensorLike,
    predictions: TensorLike,
    axis: int | None = None,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    dim: int | None = None,
) -> Tensor:
    """1 − Σ predictions · labels along `axis`, both of unit length.

    `dim` is the older name of `axis`; see `compute_weighted_loss` for the others.

    Raises:
      ValueError: no axis.
    """
    axis = renamed("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    _required(labels=labels, predictions=predictions)
    return _by_element(
        lambda p, y: 1 - reduce_sum(F.Mul(p, y), axis=(axis,), keepdims=True),
        labels,
        predictions,
        weights,
        scope,
        "cosine_distance_loss",
        loss_collection,
        reduction,
    )


def hinge_loss(
    labels: TensorLike,
    logits: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """max(0, 1 − y · logits), y = 2 labels − 1; see `compute_weighted_loss`."""
    _required(labels=labels, logits=logits)

    def formula(logits: Any, labels: Any) -> Tensor:
        ones = ones_like(labels)
        signs = F.Sub(2 * labels, ones)
        return F.Relu(F.Sub(ones, F.Mul(signs, logits)))

    return _by_element(
        formula,
        labels,
        logits,
        weights,
        scope,
        "hinge_loss",
        loss_collection,
        reduction,
    )


def huber(predictions: Any, labels: Any, delta: float) -> Tensor:
    """The formula of `huber_loss`, of each element."""
    absolute = F.Abs(F.Sub(predictions, labels))
    quadratic = F.Minimum(absolute, delta)
    linear = F.Sub(absolute, quadratic)
    half = convert_to_tensor(0.5, quadratic.dtype)
    square = F.Mul(half, F.Mul(quadratic, quadratic))
    return F.Add(square, F.Mul(delta, linear))


def huber_loss(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """e² / 2 where |e| ≤ δ, else δ |e| − δ² / 2 (Huber 1964), e the difference.

    See `compute_weighted_loss` for the other arguments.
    """
    _required(labels=labels, predictions=predictions)

    return _by_element(
        lambda p, y: huber(p, y, delta),
        labels,
        predictions,
        weights,
        scope,
        "huber_loss",
        loss_collection,
        reduction,
    )


def log_loss(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """−y log(p + ε) − (1 − y) log(1 − p + ε); see `compute_weighted_loss`."""
    _required(labels=labels, predictions=predictions)

    def formula(p: Any, y: Any) -> Tensor:
        return -F.Mul(y, F.Log(p + epsilon)) - F.Mul(1 - y, F.Log(1 - p + epsilon))

    return _by_element(
        formula,
        labels,
        predictions,
        weights,
        scope,
        "log_loss",
        loss_collection,
        reduction,
    )


def mean_squared_error(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """(predictions − labels)²; see `compute_weighted_loss` for the other arguments."""
    _required(labels=labels, predictions=predictions)
    return _by_element(
        lambda p, y: F.SquaredDifference(p, y),
        labels,
        predictions,
        weights,
        scope,
        "mean_squared_error",
        loss_collection,
        reduction,
    )


def mean_pairwise_squared_error(
    labels: TensorLike,
    predictions: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:
    """The mean over pairs of elements of the squares of differences of differences.

    Args:
      labels, predictions: shape [batch, …].
      weights: a scalar, or one for each element of the batch.
      scope: the name scope.
      loss_collection: where the result is kept.
    """
    _required(labels=labels, predictions=predictions)
    default = "mean_pairwise_squared_error"
    with name_scope(scope, default, (predictions, labels, weights)):
        w, y = cast(weights, dtypes.float32), cast(labels, dtypes.float32)
        with control_dependencies([assert_broadcastable(w, y)]):
            p = cast(predictions, dtypes.float32)
            p.shape.assert_is_compatible_with(y.shape)
            differences = F.Sub(p, y)
            axes = F.Range(1, rank(differences), 1)
            squares = reduce_sum(F.Square(differences), axis=axes, keepdims=True)
            count = _num_present(differences, w, per_batch=True)
            one_less = F.Maximum(count - 1, 0)
            first = 2.0 * div_no_nan(squares, one_less, name="value")
            total = reduce_sum(differences, axis=axes, keepdims=True)
            pairs = F.Maximum(F.Mul(count, count - 1), 0)
            second = 2.0 * div_no_nan(F.Square(total), pairs, name="value")
            loss = reduce_sum(F.Mul(first - second, w))
            some = reduce_sum(count) > 0
            loss = where(some, loss, zeros_like(loss), name="value")
            add_loss(loss, loss_collection)
            return loss


def sigmoid_cross_entropy(
    multi_class_labels: TensorLike,
    logits: TensorLike,
    weights: TensorLike = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of labels in [0, 1] and the sigmoids of logits.

    Args:
      multi_class_labels: in the shape of the logits.
      logits: shape [batch, classes].
      weights, scope, loss_collection, reduction: as of `compute_weighted_loss`.
      label_smoothing: how far labels are moved towards ½.
    """
    _required(multi_class_labels=multi_class_labels, logits=logits)
    default = "sigmoid_cross_entropy_loss"
    with name_scope(scope, default, (logits, multi_class_labels, weights)) as scope:
        scores = convert_to_tensor(logits)
        labels = cast(multi_class_labels, scores.dtype)
        scores.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(
            labels=labels, logits=scores, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: TensorLike,
    logits: TensorLike,
    weights: TensorLike = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of distributions and the softmax of logits.

    Args:
      onehot_labels: in the shape of the logits.
      logits: shape [batch, classes].
      weights, scope, loss_collection, reduction: as of `compute_weighted_loss`.
      label_smoothing: how far labels are moved towards the uniform distribution.
    """
    _required(onehot_labels=onehot_labels, logits=logits)
    default = "softmax_cross_entropy_loss"
    with name_scope(scope, default, (logits, onehot_labels, weights)) as scope:
        scores = convert_to_tensor(logits)
        labels = cast(onehot_labels, scores.dtype)
        scores.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            classes = cast(shape(labels)[-1], scores.dtype)
            labels = labels * (1.0 - label_smoothing) + label_smoothing / classes
        labels = stop_gradient(labels, name="labels_stop_gradient")
        losses = softmax_cross_entropy_with_logits_v2(
            labels=labels, logits=scores, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: TensorLike,
    logits: TensorLike,
    weights: TensorLike = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The cross entropy of classes and the softmax of logits.

    Args:
      labels: the numbers of the classes, shape [batch] or [batch, 1].
      logits: shape [batch, classes].
      weights, scope, loss_collection, reduction: as of `compute_weighted_loss`.
    """
    _required(labels=labels, logits=logits)
    default = "sparse_softmax_cross_entropy_loss"
    with name_scope(scope, default, (logits, labels, weights)) as scope:
        labels, logits, weights = _squeezed(labels, logits, weights)
        losses = sparse_softmax_cross_entropy_with_logits(
            labels=labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction)


def _squeezed(
    labels: TensorLike, logits: TensorLike, weights: TensorLike
) -> tuple[Tensor, Tensor, Tensor]:
    """Labels and weights without a last dimension of one too many."""
    y, scores = remove_squeezable_dimensions(labels, logits, 1)
    w = convert_to_tensor(weights)
    given, wanted = w.shape.ndims, y.shape.ndims
    if given is not None and wanted is not None:
        return y, scores, squeeze(w, [-1]) if given - wanted == 1 else w
    more = rank(w) - rank(y)
    last = None if given is None else (w.shape.as_list() or [0])[-1]
    if last in (None, 1):
        w = cond(F.Equal(1, more), lambda: squeeze(w, [-1]), lambda: w)
    return y, scores, w
