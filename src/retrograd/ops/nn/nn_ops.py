"""Ops: softmax, biases and other parts of layers, and tf.nn's functions around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, op, rule
from retrograd.ops.infer import same_dim, scalar, with_rank, with_rank_at_least
from retrograd.ops.nn.window import channels_first
from retrograd.ops.traits import Blocks, Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


def widened(xp: Arrays, x: Array) -> Array:
    """Floats of two bytes as float32, to compute with; others as they are."""
    short = x.dtype.itemsize == 2 and x.dtype.kind not in "iu"
    return xp.cast(x, xp.float32) if short else x


# ---------------------------------------------------------------------- softmax


def _some_rank(n: Operation) -> RawShape:
    return with_rank_at_least(n, 0, 1)


def shifted_exp(xp: Arrays, x: Array) -> tuple[Array, Array, Array]:
    """x less its row's maximum, the exponential of that, and the row's sum of it."""
    shifted = x - xp.max(x, -1, keepdims=True)  # so that exp cannot overflow
    power = xp.exp(shifted)
    return shifted, power, xp.sum(power, -1, keepdims=True)


def _check_row(x: Array) -> None:
    if not x.ndim:
        raise refused("logits must have >= 1 dimension, got []")


def _softmax_rule(n: Operation, dy: Tensor) -> Tensor:
    y = n.out
    dot = F.Sum(F.Mul(dy, y, name="mul"), -1, keep_dims=True)
    return F.Mul(F.Sub(dy, dot, name="sub"), y, name="mul")


@op(
    "Softmax",
    infer=_some_rank,
    math="yᵢ = exp xᵢ / Σⱼ exp xⱼ",
    grad=dict(logits=rule("x̄ᵢ = yᵢ (ȳᵢ − Σⱼ ȳⱼ yⱼ)", _softmax_rule)),
    traits=Traits(function=Function.SOFTMAX, saturates=True),
)
def softmax_kernel(xp: Arrays, x: Array) -> Array:
    """Positive weights along the last axis that sum to one."""
    _check_row(x)
    _, power, total = shifted_exp(xp, widened(xp, x))
    return xp.cast(power / total, x.dtype)


def _log_softmax_rule(n: Operation, dy: Tensor) -> Tensor:
    total = F.Sum(dy, -1, keep_dims=True)
    return F.Sub(dy, F.Mul(total, F.Exp(n.out), name="mul"), name="sub")


@op(
    "LogSoftmax",
    infer=_some_rank,
    math="yᵢ = xᵢ − log Σⱼ exp xⱼ",
    grad=dict(logits=rule("x̄ᵢ = ȳᵢ − exp yᵢ Σⱼ ȳⱼ", _log_softmax_rule)),
    traits=Traits(function=Function.LOG_SOFTMAX, saturates=True),
)
def log_softmax_kernel(xp: Arrays, x: Array) -> Array:
    """The logarithm of the softmax along the last axis."""
    _check_row(x)
    shifted, _, total = shifted_exp(xp, widened(xp, x))
    return xp.cast(shifted - xp.log(total), x.dtype)


# ---------------------------------------------------------------------- biases


def _is_first(n: Operation) -> bool:
    return channels_first(n.attrs.get("data_format", "NHWC"))


def _biased(n: Operation) -> RawShape:
    first = _is_first(n)
    raw = with_rank_at_least(n, 0, 3 if first else 2)
    bias = with_rank(n, 1, 1)
    if raw is None:
        return None
    at = 1 if first else len(raw) - 1
    size = same_dim(n, raw[at], bias[0])
    return (*raw[:at], size, *raw[at + 1 :])


def _bias_size(n: Operation) -> RawShape:
    first = _is_first(n)
    raw = with_rank_at_least(n, 0, 3 if first else 2)
    return (None,) if raw is None else (raw[1 if first else -1],)


def _add_bias(xp: Arrays, x: Array, bias: Array, first: bool) -> Array:
    if x.ndim < 2:
        raise refused(
            f"Input tensor must be at least 2D: [{','.join(map(str, x.shape))}]"
        )
    if bias.ndim != 1:
        raise refused(f"Biases must be 1D: [{','.join(map(str, bias.shape))}]")
    at = 1 if first else x.ndim - 1
    if x.shape[at] != bias.shape[0]:
        raise refused(
            "Must provide as many biases as the last dimension of the input tensor: "
            f"[{bias.shape[0]}] vs. [{','.join(map(str, x.shape))}]"
        )
    return x + bias.reshape(-1, *(1,) * (x.ndim - 2)) if first else x + bias


@op(
    "BiasAdd",
    infer=_biased,
    math="y = x + b",
    grad=dict(
        value=rule("x̄ = ȳ", lambda n, dy: dy),
        bias=rule(
            "b̄ = Σ ȳ over all but the channels",
            lambda n, dy: F.BiasAddGrad(dy, data_format=n.attrs["data_format"]),
        ),
    ),
    traits=Traits(linear=("value", "bias")),
)
def bias_add_kernel(xp: Arrays, x: Array, bias: Array, *, data_format: str) -> Array:
    """A number added to each channel."""
    return _add_bias(xp, x, bias, channels_first(data_format))


def _all_but_last(n: Operation, dy: Tensor) -> Tensor:
    before_last = F.Sub(F.Rank(dy), 1, name="sub")
    return F.Sum(dy, F.Range(0, before_last, 1, name="range"))


@op(
    "BiasAddV1",
    infer=_biased,
    math="y = x + b",
    grad=dict(
        value=rule("x̄ = ȳ", lambda n, dy: dy),
        bias=rule("b̄ = Σ ȳ over all but the channels", _all_but_last),
    ),
)
def bias_add_v1_kernel(xp: Arrays, x: Array, bias: Array) -> Array:
    """A number added to each channel; channels are the last axis."""
    return _add_bias(xp, x, bias, first=False)


def _spread_bias(n: Operation, db: Tensor) -> Tensor:
    """A bias repeated over all positions of the input."""
    x = n.inputs[0]
    first, raw = _is_first(n), x._shape_raw
    if raw is not None and None not in raw:
        at = 1 if first else len(raw) - 1
        alone = [size if i == at else 1 for i, size in enumerate(raw)]
        times = [1 if i == at else size for i, size in enumerate(raw)]
        return F.Tile(F.Reshape(db, alone), times)
    sizes, bias = F.Shape(x), F.Shape(db)
    parts = (sizes[:1], sizes[2:]) if first else (sizes[:-1],)
    ones = [F.OnesLike(part) for part in parts]
    alone = F.ConcatV2([ones[0], bias, *ones[1:]], 0, name="concat")
    times = F.ConcatV2([parts[0], [1], *parts[1:]], 0, name="concat")
    return F.Tile(F.Reshape(db, alone), times)


@op(
    "BiasAddGrad",
    infer=_bias_size,
    math="b = Σ g over all but the channels",
    grad=dict(out_backprop=rule("ḡ = b̄ at every position", _spread_bias)),
)
def bias_add_grad_kernel(xp: Arrays, dy: Array, *, data_format: str) -> Array:
    """The sum of each channel over all other axes."""
    at = 1 if channels_first(data_format) else dy.ndim - 1
    return xp.sum(dy, tuple(i for i in range(dy.ndim) if i != at))


# ---------------------------------------------------------------------- others


@op(
    "L2Loss",
    infer=scalar,
    math="y = ½ Σ x²",
    grad=dict(t=rule("x̄ = x · ȳ", lambda n, dy: F.Mul(n.inputs[0], dy, name="mul"))),
)
def l2_loss_kernel(xp: Arrays, x: Array) -> Array:
    """Half the sum of the squares of all elements."""
    wide = widened(xp, x)
    return xp.cast(xp.sum(wide * wide) / wide.dtype.type(2), x.dtype)


def _by_row(n: Operation) -> RawShape:
    predictions, targets = with_rank(n, 0, 2), with_rank(n, 1, 1)
    return (same_dim(n, predictions[0], targets[0]),)


def _among_top(xp: Arrays, predictions: Array, targets: Array, k: Array | int) -> Array:
    """Whether fewer than `k` classes score higher than the target.

    Not so for a target that is no class, or a row with a number that is not finite.
    """
    if predictions.ndim != 2:
        raise refused("predictions must be 2-dimensional")
    if targets.ndim != 1:
        raise refused("targets must be 1-dimensional")
    rows, classes = predictions.shape
    if rows != targets.shape[0]:
        raise refused(
            f"First dimension of predictions {rows} must match length of targets "
            f"{targets.shape[0]}"
        )
    if not classes:
        return xp.zeros(targets.shape, bool)
    inside = (targets >= 0) & (targets < classes)
    at = xp.where(inside, targets, targets.dtype.type(0))
    score = xp.take_along_axis(predictions, at[:, None], 1)
    rank = xp.sum(xp.cast(predictions > score, xp.int64), 1)
    return inside & xp.all(xp.isfinite(predictions), 1) & (rank < k)


@op(
    "InTopK",
    infer=_by_row,
    math="y = [fewer than k classes score higher]",
    traits=Traits(blocks=Blocks.TRUTH),
)
def in_top_k_kernel(xp: Arrays, predictions: Array, targets: Array, *, k: int) -> Array:
    """Whether each target is among the `k` classes with the highest predictions."""
    return _among_top(xp, predictions, targets, k)


@op(
    "InTopKV2",
    infer=_by_row,
    math="y = [fewer than k classes score higher]",
    traits=Traits(blocks=Blocks.TRUTH),
)
def in_top_k_v2_kernel(
    xp: Arrays, predictions: Array, targets: Array, k: Array
) -> Array:
    """Whether each target is among the `k` classes with the highest predictions."""
    return _among_top(xp, predictions, targets, k)
