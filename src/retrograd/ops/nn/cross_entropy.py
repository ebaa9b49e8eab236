"""Cross entropies of logits with labels, and the other losses of tf.nn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from retrograd import dtypes, shapes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.constant import constant as make_constant
from retrograd.ops.array.fill import ones_like, range_, zeros_like
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import rank as rank_of
from retrograd.ops.array.shape import reshape, transpose
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.declare import F
from retrograd.ops.host.checks import assert_equal
from retrograd.ops.math.casts import cast

if TYPE_CHECKING:
    from retrograd.typing import Operand, TensorLike


# ---------------------------------------------------------------------- softmax


def _named(
    name: str,
    sentinel: object,
    labels: TensorLike | None,
    logits: TensorLike | None,
) -> tuple[TensorLike, TensorLike]:
    """Labels and logits; positional arguments, whose order once changed, are refused.

    Raises:
      ValueError: there is one, or labels or logits are missing.
    """
    if sentinel is not None:
        raise ValueError(
            f"Only call `{name}` with named arguments (labels=..., logits=..., ...)"
        )
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")
    return labels, logits


def _rows(x: Tensor) -> Tensor:
    """A matrix of all rows, the last axis kept."""
    rank, sizes = rank_of(x), sizes_of(x)
    last = F.Slice(sizes, [F.Sub(rank, 1)], [1])
    found = reshape(x, concat([[-1], last], 0))
    raw = x._shape_raw
    if not context.executing_eagerly() and raw is not None:
        count = shapes.size(raw[:-1])
        if count is not None:
            found.set_shape([count, raw[-1]])
    return found


def _last(x: Tensor, axis: int, rank: Tensor) -> Tensor:
    """`x` with an axis moved to the end."""
    return transpose(x, concat([range_(axis), range_(axis + 1, rank), [axis]], 0))


def softmax_cross_entropy_with_logits_v2_helper(
    labels: TensorLike,
    logits: TensorLike,
    axis: int | None = None,
    name: str | None = None,
    dim: int | None = None,
) -> Tensor:
    """`softmax_cross_entropy_with_logits_v2`, whose `axis` was called `dim` once.

    Raises:
      ValueError: the axis is given under both names.
    """
    axis = renamed("axis", axis, "dim", dim)
    axis = -1 if axis is None else axis
    return softmax_cross_entropy_with_logits_v2(labels, logits, axis, name)


def softmax_cross_entropy_with_logits_v2(
    labels: TensorLike, logits: TensorLike, axis: int = -1, name: str | None = None
) -> Tensor:
    """−Σ labels · log softmax(logits) along `axis`, by default the last.

    Gradients flow into both arguments.

    Args:
      labels: probabilities, in the shape of `logits`; each row should sum to one.
      logits: floating point, not normalized.
      axis: the axis of the classes.
      name: the name of the operations.

    Returns:
      The loss of each example, without the axis of the classes.
    """
    with name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as s:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        dtype, raw = logits.dtype.base_dtype, logits._shape_raw
        short = dtype in (dtypes.float16, dtypes.bfloat16)
        precise = cast(logits, dtypes.float32) if short else logits
        wanted = cast(labels, precise.dtype)
        rank = rank_of(precise)
        if axis != -1:
            precise, wanted = _last(precise, axis, rank), _last(wanted, axis, rank)
        sizes = sizes_of(precise)
        precise, wanted = _rows(precise), _rows(wanted)
        cost = F.SoftmaxCrossEntropyWithLogits(precise, wanted, name=s)[0]
        cost = reshape(cost, F.Slice(sizes, [0], [F.Sub(rank, 1)]))
        if not context.executing_eagerly() and raw is not None:
            kept = list(raw)
            del kept[axis]
            cost.set_shape(kept)
        return cast(cost, dtype) if short else cost


def softmax_cross_entropy_with_logits(
    _sentinel: TensorLike | None = None,
    labels: TensorLike | None = None,
    logits: TensorLike | None = None,
    dim: int = -1,
    name: str | None = None,
    axis: int | None = None,
) -> Tensor:
    """As `softmax_cross_entropy_with_logits_v2`; no gradient flows into the labels.

    Raises:
      ValueError: labels or logits are missing, or not given by name.
    """
    if axis is not None and dim != -1:
        raise ValueError("Cannot specify both 'dim' and 'axis'")
    dim = dim if axis is None else axis
    own = "softmax_cross_entropy_with_logits"
    labels, logits = _named(own, _sentinel, labels, logits)
    both = [logits, labels]
    with name_scope(name, "softmax_cross_entropy_with_logits_sg", both) as scope:
        fixed = F.StopGradient(labels, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(fixed, logits, dim, scope)


def _check_sparse(labels: Tensor, logits: Tensor) -> bool:
    """Whether the static shapes of labels and logits are known and agree.

    Raises:
      ValueError: they do not.
    """
    have, rows = labels._shape_raw, logits._shape_raw
    if rows == ():
        raise ValueError(f"Logits cannot be scalars - received shape {logits.shape}.")
    if rows is not None and have is not None and len(have) != len(rows) - 1:
        raise ValueError(
            f"Rank mismatch: Rank of labels (received {len(have)}) should equal rank "
            f"of logits minus 1 (received {len(rows)})."
        )
    known = shapes.is_full(have) and rows is not None and shapes.is_full(rows[:-1])
    if known and rows is not None and have != rows[:-1]:
        raise ValueError(
            "Shape mismatch: The shape of labels (received "
            f"{labels.shape}) should equal the shape of logits except for the last "
            f"dimension (received {logits.shape})."
        )
    return known


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: TensorLike | None = None,
    labels: TensorLike | None = None,
    logits: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """−log softmax(logits) at each label, an integer in [0, classes).

    Args:
      labels: int32 or int64, in the shape of `logits` without the last axis.
      logits: floating point [..., classes], not normalized.
      name: the name of the operations.

    Returns:
      The loss of each example, in the shape of `labels`.

    Raises:
      ValueError: an argument is missing or not given by name, or shapes do not fit.
      InvalidArgumentError: (when run) a label is no class.
    """
    own = "sparse_softmax_cross_entropy_with_logits"
    labels, logits = _named(own, _sentinel, labels, logits)
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
        labels, logits = convert_to_tensor(labels), convert_to_tensor(logits)
        half = logits.dtype.base_dtype == dtypes.float16
        precise = cast(logits, dtypes.float32) if half else logits
        static, sizes = labels.shape, sizes_of(labels)
        known = _check_sparse(labels, logits)
        apply = F.SparseSoftmaxCrossEntropyWithLogits
        if logits._rank() == 2:
            cost = apply(precise, labels, name=name)[0]
            return cast(cost, dtypes.float16) if half else cost
        checks = []
        if not known:
            checks.append(assert_equal(sizes_of(labels), sizes_of(logits)[:-1]))
        with context.get_default_graph().control_dependencies(checks):
            classes = sizes_of(logits)[rank_of(logits) - 1]
            precise = reshape(precise, [-1, classes])
            cost = apply(precise, reshape(labels, [-1]), name=name)[0]
            cost = reshape(cost, sizes)
            cost.set_shape(static)
            return cast(cost, dtypes.float16) if half else cost


def sparse_softmax_cross_entropy_with_logits_v2(
    labels: TensorLike, logits: TensorLike, name: str | None = None
) -> Tensor:
    """As `sparse_softmax_cross_entropy_with_logits`."""
    return sparse_softmax_cross_entropy_with_logits(
        labels=labels, logits=logits, name=name
    )


# ---------------------------------------------------------------------- others


def _alike(x: Tensor, y: Tensor, x_name: str, y_name: str) -> None:
    """Refuse static shapes that differ.

    Raises:
      ValueError: they do.
    """
    if not shapes.compatible(x._shape_raw, y._shape_raw):
        raise ValueError(
            f"{x_name} and {y_name} must have the same shape ({x.shape} vs {y.shape})"
        )


def sigmoid_cross_entropy_with_logits(
    _sentinel: TensorLike | None = None,
    labels: TensorLike | None = None,
    logits: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """−z log sigmoid(x) − (1 − z) log(1 − sigmoid(x)) of labels z and logits x.

    Computed as max(x, 0) − x z + log(1 + exp(−|x|)), which cannot overflow.

    Raises:
      ValueError: an argument is missing or not given by name, or shapes differ.
    """
    own = "sigmoid_cross_entropy_with_logits"
    labels, logits = _named(own, _sentinel, labels, logits)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _alike(logits, labels, "logits", "labels")
        zeros = zeros_like(logits, logits.dtype)
        positive = logits >= zeros
        above = F.Select(positive, logits, zeros)
        below = F.Select(positive, -logits, logits)
        return F.Add(above - logits * labels, F.Log1p(F.Exp(below)), name=scope)


def sigmoid_cross_entropy_with_logits_v2(
    labels: TensorLike | None = None,
    logits: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """As `sigmoid_cross_entropy_with_logits`."""
    return sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name=name)


def weighted_cross_entropy_with_logits_v2(
    labels: TensorLike,
    logits: TensorLike,
    pos_weight: Operand | float,
    name: str | None = None,
) -> Tensor:
    """The sigmoid cross entropy, its positive part times `pos_weight`.

    q z · −log sigmoid(x) + (1 − z) · −log(1 − sigmoid(x)), for labels z, logits x and
    weight q.

    Raises:
      ValueError: the shapes of labels and logits differ.
    """
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _alike(logits, labels, "logits", "labels")
        weight = 1 + (pos_weight - 1) * labels
        first = (1 - labels) * logits
        tail = F.Log1p(F.Exp(-F.Abs(logits)))
        return F.Add(first, weight * (tail + F.Relu(-logits)), name=scope)


def weighted_cross_entropy_with_logits(
    labels: TensorLike | None = None,
    logits: TensorLike | None = None,
    pos_weight: Operand | float | None = None,
    name: str | None = None,
    targets: TensorLike | None = None,
) -> Tensor:
    """As `weighted_cross_entropy_with_logits_v2`; `targets` is an older `labels`."""
    labels = renamed("labels", labels, "targets", targets)
    given: tuple[Any, Any] = logits, pos_weight
    return weighted_cross_entropy_with_logits_v2(labels, *given, name)


def log_poisson_loss(
    targets: TensorLike,
    log_input: TensorLike,
    compute_full_loss: bool = False,
    name: str | None = None,
) -> Tensor:
    """exp(c) − c z: minus the log likelihood of counts z under a Poisson rate exp c.

    Args:
      targets: the counts z.
      log_input: c, in the same shape and dtype.
      compute_full_loss: add Stirling's approximation of log z!, where z > 1.
      name: the name of the operations.

    Raises:
      ValueError: the shapes differ.
    """
    with name_scope(name, "log_poisson_loss", [log_input, targets]):
        log_input = convert_to_tensor(log_input, name="log_input")
        targets = convert_to_tensor(targets, name="targets")
        _alike(log_input, targets, "log_input", "targets")
        found = F.Exp(log_input) - log_input * targets
        if compute_full_loss:
            found += _log_factorial(targets)
        return found


def _log_factorial(z: Tensor) -> Tensor:
    """Stirling's approximation of log z!; 0 for z in [0, 1]."""
    half = make_constant(0.5, z.dtype)
    two_pi = make_constant(2 * math.pi, z.dtype)
    found = z * F.Log(z) - z + half * F.Log(two_pi * z)
    zeros, ones = zeros_like(z, z.dtype), ones_like(z, z.dtype)
    small = F.LogicalAnd(z >= zeros, z <= ones)
    return F.Select(small, zeros, found)
