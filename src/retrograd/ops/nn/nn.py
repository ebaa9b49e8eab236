"""Softmax, biases and other parts of layers, and tf.nn's functions around them."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING

from retrograd import dtypes, shapes
from retrograd.graph import context
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import refused, renamed
from retrograd.ops.array.fill import range_
from retrograd.ops.array.join import concat
from retrograd.ops.array.shape import rank as rank_of
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.array.shape import size, transpose
from retrograd.ops.declare import F
from retrograd.ops.linalg.products import matmul
from retrograd.ops.math.reduce import reduce_sum
from retrograd.ops.random.random import random_uniform
from retrograd.ops.static import constant
from retrograd.platform import logs

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, DynamicShape, Operand, TensorLike


# ---------------------------------------------------------------------- softmax


def _along(
    op_type: str, logits: TensorLike, axis: int | Tensor, name: str | None
) -> Tensor:
    """Softmax or LogSoftmax, which work on the last axis, along any.

    Raises:
      InvalidArgumentError: there is no such axis.
    """
    apply = getattr(F, op_type)
    logits = convert_to_tensor(logits)
    rank = logits._rank()
    if axis == -1 or (rank is not None and axis == rank - 1):
        return apply(logits, name=name)
    known = constant(axis) if isinstance(axis, Tensor) else axis
    if known is not None and rank is not None and not -rank <= known < rank:
        raise refused(
            f"Dimension ({known}) must be in the range [{-rank}, {rank}) where {rank} "
            "is the number of dimensions in the input."
        )
    ndims = rank_of(logits)
    if isinstance(axis, Tensor):
        axis = F.Select(F.Less(axis, 0), axis + ndims, axis)
    elif axis < 0:
        axis = axis + ndims
    last_rank = rank_of(logits)
    axis = axis % rank  # pyright: ignore[reportOperatorIssue]  # as in TensorFlow
    swapped = _swapped(logits, axis, F.Sub(last_rank, 1))
    found = _swapped(apply(swapped), axis, F.Sub(last_rank, 1), name)
    found.set_shape(logits.shape)
    return found


def _swapped(
    x: Tensor, first: int | Tensor, last: Tensor, name: str | None = None
) -> Tensor:
    """`x` with two axes exchanged."""
    order = concat([range_(first), [last], range_(first + 1, last), [first]], 0)
    return transpose(x, order, name=name)


def softmax(
    logits: TensorLike,
    axis: int | Tensor | None = None,
    name: str | None = None,
    dim: int | Tensor | None = None,
) -> Tensor:
    """exp(logits) / Σ exp(logits) along `axis`, by default the last.

    `dim` is the older name of `axis`.

    Raises:
      InvalidArgumentError: there is no such axis.
    """
    axis = renamed("axis", axis, "dim", dim)
    return _along("Softmax", logits, -1 if axis is None else axis, name)


def softmax_v2(
    logits: TensorLike, axis: int | Tensor | None = None, name: str | None = None
) -> Tensor:
    """As `softmax`."""
    return softmax(logits, axis, name)


def log_softmax(
    logits: TensorLike,
    axis: int | Tensor | None = None,
    name: str | None = None,
    dim: int | Tensor | None = None,
) -> Tensor:
    """logits − log Σ exp(logits) along `axis`, by default the last.

    `dim` is the older name of `axis`.

    Raises:
      InvalidArgumentError: there is no such axis.
    """
    axis = renamed("axis", axis, "dim", dim)
    return _along("LogSoftmax", logits, -1 if axis is None else axis, name)


def log_softmax_v2(
    logits: TensorLike, axis: int | Tensor | None = None, name: str | None = None
) -> Tensor:
    """As `log_softmax`."""
    return log_softmax(logits, axis, name)


# ---------------------------------------------------------------------- layers


def bias_add(
    value: TensorLike,
    bias: TensorLike,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """`value` with a number added to each channel.

    Args:
      value: a tensor of rank 2 or more.
      bias: a vector of its dtype, as long as it has channels.
      data_format: N…C (the default) or NC….
      name: the name of the operation.

    Raises:
      ValueError: another data format, or sizes that do not fit.
    """
    with name_scope(name, "BiasAdd", [value, bias]) as scope:
        if data_format is not None:
            if data_format.startswith("NC"):
                data_format = "NCHW"
            elif data_format.startswith("N") and data_format.endswith("C"):
                data_format = "NHWC"
            else:
                raise ValueError("data_format must be of the form `N...C` or `NC...`")
        if not context.executing_eagerly():
            value = convert_to_tensor(value, name="input")
            bias = convert_to_tensor(bias, value.dtype.base_dtype, "bias")
        return F.BiasAdd(value, bias, data_format=data_format, name=scope)


def bias_add_v1(value: TensorLike, bias: TensorLike, name: str | None = None) -> Tensor:
    """As `bias_add`, by the older op; channels are the last axis."""
    with name_scope(name, "BiasAddV1", [value, bias]) as scope:
        value = convert_to_tensor(value, name="input")
        bias = convert_to_tensor(bias, value.dtype.base_dtype, "bias")
        return F.BiasAddV1(value, bias, name=scope)


def _layer_inputs(
    x: TensorLike, weights: TensorLike, biases: TensorLike
) -> list[Tensor]:
    named = dict(x=x, weights=weights, biases=biases)
    return [convert_to_tensor(value, name=name) for name, value in named.items()]


def xw_plus_b(
    x: TensorLike, weights: TensorLike, biases: TensorLike, name: str | None = None
) -> Tensor:
    """matmul(x, weights) + biases: [batch, in] · [in, out] + [out]."""
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        x, weights, biases = _layer_inputs(x, weights, biases)
        return bias_add(matmul(x, weights), biases, name=scope)


def xw_plus_b_v1(
    x: TensorLike, weights: TensorLike, biases: TensorLike, name: str | None = None
) -> Tensor:
    """As `xw_plus_b`, by the older op."""
    with name_scope(name, "xw_plus_b_v1", [x, weights, biases]) as scope:
        x, weights, biases = _layer_inputs(x, weights, biases)
        return bias_add_v1(matmul(x, weights), biases, name=scope)


def relu_layer(
    x: TensorLike, weights: TensorLike, biases: TensorLike, name: str | None = None
) -> Tensor:
    """relu(matmul(x, weights) + biases)."""
    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        x, weights, biases = _layer_inputs(x, weights, biases)
        return F.Relu(bias_add(matmul(x, weights), biases), name=scope)


def l2_loss(t: TensorLike, name: str | None = None) -> Tensor:
    """sum(t²) / 2, a scalar."""
    return F.L2Loss(t, name=name)


def l2_normalize(
    x: TensorLike,
    axis: AxisLike = None,
    epsilon: float = 1e-12,
    name: str | None = None,
    dim: AxisLike = None,
) -> Tensor:
    """x / √max(Σ x², epsilon), the sum along `axis`, by default over all.

    `dim` is the older name of `axis`.
    """
    axis = renamed("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        total = reduce_sum(F.Square(x), axis, keepdims=True)
        return F.Mul(x, F.Rsqrt(F.Maximum(total, epsilon)), name=scope)


def l2_normalize_v2(
    x: TensorLike,
    axis: AxisLike = None,
    epsilon: float = 1e-12,
    name: str | None = None,
) -> Tensor:
    """As `l2_normalize`."""
    return l2_normalize(x, axis, epsilon, name)


# ---------------------------------------------------------------------- dropout


def _noise_shape(x: Tensor, noise_shape: DynamicShape | None) -> DynamicShape:
    """The shape of the random numbers, with x's sizes where it leaves them open."""
    if noise_shape is None:
        return sizes_of(x)
    try:
        wanted = shapes.as_shape(noise_shape)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return noise_shape
    have = x._shape_raw
    if have is None or wanted.raw is None or len(have) != len(wanted.raw):
        return noise_shape
    sizes = zip(wanted.raw, have, strict=True)
    return shapes.TensorShape.of(tuple(a if a is not None else b for a, b in sizes))


def dropout(
    x: TensorLike,
    keep_prob: Operand | float | None = None,
    noise_shape: DynamicShape | None = None,
    seed: int | None = None,
    name: str | None = None,
    rate: TensorLike | None = None,
) -> Tensor:
    """`x` with a share of `rate` elements zeroed, the others divided by 1 − rate.

    Args:
      x: a floating point tensor.
      keep_prob: 1 − rate, the older way to say it.
      noise_shape: the shape of the random choice, broadcast against x.
      seed: the seed of the random operation.
      name: the name of the operations.
      rate: the probability that an element is dropped.

    Raises:
      ValueError: no rate, one outside [0, 1), or x is not floating point.
    """
    try:
        dropped = 1.0 - keep_prob if keep_prob is not None else None
    except TypeError:
        raise ValueError(
            f"keep_prob must be a floating point number or Tensor (got {keep_prob!r})"
        ) from None
    rate = renamed("rate", rate, "keep_prob", dropped)
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    return dropout_v2(x, rate, noise_shape, seed, name)


def dropout_v2(
    x: TensorLike,
    rate: TensorLike,
    noise_shape: DynamicShape | None = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """As `dropout`, the rate first."""
    with name_scope(name, "dropout", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_floating:
            raise ValueError(
                "x has to be a floating point tensor since it's going to be scaled. "
                f"Got a {x.dtype} tensor instead."
            )
        if isinstance(rate, numbers.Real):
            _check_rate(float(rate))
            if rate == 0:
                return x
        if context.executing_eagerly():
            if isinstance(rate, Tensor) and rate.numpy() == 0:  # pyright: ignore[reportAttributeAccessIssue]
                return x
        else:
            rate = convert_to_tensor(rate, x.dtype.base_dtype, "rate")
            rate.shape.assert_has_rank(0)
            if constant(rate) == 0:
                return x
        drawn = random_uniform(_noise_shape(x, noise_shape), seed=seed, dtype=x.dtype)
        scale = 1 / (1 - rate)  # pyright: ignore[reportOperatorIssue]
        kept = drawn >= rate
        found = x * scale * F.Cast(kept, DstT=x.dtype)
        if not context.executing_eagerly():
            found.set_shape(x.shape)
        return found


def _check_rate(rate: float) -> None:
    if not 0 <= rate < 1:
        raise ValueError(
            f"rate must be a scalar tensor or a float in the range [0, 1), got {rate:g}"
        )
    if rate > 0.5:
        logs.log_first_n(
            logs.WARN,
            "Large dropout rate: %g (>0.5). In TensorFlow 2.x, dropout() uses dropout "
            "rate instead of keep_prob. Please ensure that this is intended.",
            5,
            rate,
        )


# ---------------------------------------------------------------------- measures


def in_top_k(
    predictions: TensorLike, targets: TensorLike, k: TensorLike, name: str | None = None
) -> Tensor:
    """Whether each target is among the `k` classes with the highest predictions.

    Args:
      predictions: float32 [batch, classes].
      targets: int32 or int64 [batch], class numbers.
      k: how many; classes that tie with the last of them count as within.
      name: the name of the operation.

    Returns:
      bool [batch]; false for targets and rows that are out of range or not finite.
    """
    with name_scope(name, "in_top_k"):
        return F.InTopKV2(predictions, targets, k, name=name)


def in_top_k_v2(
    targets: TensorLike,
    predictions: TensorLike,
    k: TensorLike,
    name: str | None = None,
) -> Tensor:
    """As `in_top_k`, the targets first."""
    return in_top_k(predictions, targets, k, name)


def zero_fraction(value: TensorLike, name: str | None = None) -> Tensor:
    """The share of elements of `value` that are zero, a float32 scalar."""
    with name_scope(name, "zero_fraction", [value]):
        value = convert_to_tensor(value, name="value")
        whole = size(value, out_type=dtypes.int64)
        zero = convert_to_tensor(0, value.dtype.base_dtype)
        found = F.Cast(F.NotEqual(value, zero), DstT=dtypes.int64)
        nonzero = reduce_sum(found, name="nonzero_count")
        with name_scope("counts_to_fraction"):
            zeros = F.Cast(whole - nonzero, DstT=dtypes.float32)
            share = zeros / F.Cast(whole, DstT=dtypes.float32)
        return F.Identity(share, name="fraction")
