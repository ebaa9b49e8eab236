"""Mean and variance of tensors, and normalization by them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph.convert import convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.arguments import renamed
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import zeros_like
from retrograd.ops.array.shape import shape as sizes_of
from retrograd.ops.array.shape import squeeze
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.ops.math.reduce import reduce_mean, reduce_prod, reduce_sum

if TYPE_CHECKING:
    from retrograd.typing import AxisLike, Operand, TensorLike, VariableLike


# ---------------------------------------------------------------------- statistics


def sufficient_statistics(
    x: TensorLike,
    axes: Iterable[int],
    shift: TensorLike | None = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """What mean and variance can be computed from, summed over `axes`.

    Args:
      x: the values.
      axes: the axes to sum over.
      shift: a number near the mean, taken from x first, for precision.
      keep_dims: whether the reduced dimensions stay, with size 1.
      name: the scope of the operations.
      keepdims: the newer name of `keep_dims`.

    Returns:
      The count, the (shifted) sum, the (shifted) sum of squares, the shift.
    """
    axes = list(set(axes))
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "sufficient_statistics", [x, shift]):
        x = convert_to_tensor(x, name="x")
        count = _count(x, axes)
        if shift is not None:
            shift = convert_to_tensor(shift, name="shift")
            first = F.Sub(x, shift)
            second = F.SquaredDifference(x, shift)
        else:
            first, second = x, F.Square(x)
        first = reduce_sum(first, axes, keepdims=keep, name="mean_ss")
        second = reduce_sum(second, axes, keepdims=keep, name="var_ss")
    return count, first, second, shift


def _count(x: Tensor, axes: list[int]) -> Tensor:
    """How many elements a reduction of x over `axes` takes together."""
    raw = x._shape_raw
    known = None if raw is None else [raw[axis] for axis in axes]
    if known is not None and None not in known:
        return constant(math.prod(known), x.dtype)  # pyright: ignore[reportArgumentType, reportCallIssue]
    sizes = F.GatherV2(cast(sizes_of(x), x.dtype), axes, 0)
    return reduce_prod(sizes, name="count")


def sufficient_statistics_v2(
    x: TensorLike,
    axes: Iterable[int],
    shift: TensorLike | None = None,
    keepdims: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """As `sufficient_statistics`."""
    return sufficient_statistics(x, axes, shift, keepdims, name)


def normalize_moments(
    counts: TensorLike,
    mean_ss: TensorLike,
    variance_ss: TensorLike,
    shift: TensorLike | None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance out of what `sufficient_statistics` gives."""
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = F.Reciprocal(counts, name="divisor")
        if shift is not None:
            shifted = F.Mul(mean_ss, divisor, name="shifted_mean")
            mean = F.Add(shifted, shift, name="mean")
        else:
            mean = shifted = F.Mul(mean_ss, divisor, name="mean")
        variance = F.Sub(
            F.Mul(variance_ss, divisor), F.Square(shifted), name="variance"
        )
    return mean, variance


def moments(
    x: VariableLike,
    axes: AxisLike,
    shift: TensorLike | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean and the (biased) variance of `x` over `axes`.

    float16 is computed in float32. `shift` is not used.

    Args:
      x: a tensor.
      axes: a list of axes.
      shift: not used.
      name: the scope of the operations.
      keep_dims: whether the reduced dimensions stay, with size 1.
      keepdims: the newer name of `keep_dims`.
    """
    del shift
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "moments", [x, axes]):
        half = x.dtype.base_dtype == dtypes.float16
        y = cast(x, dtypes.float32) if half else x
        mean = reduce_mean(y, axes, keepdims=True, name="mean")
        gaps = F.SquaredDifference(y, F.StopGradient(mean))
        variance = reduce_mean(gaps, axes, keepdims=True, name="variance")
        if not keep:
            mean, variance = squeeze(mean, axes), squeeze(variance, axes)
        return _halved(mean, variance) if half else (mean, variance)


def _halved(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    return cast(mean, dtypes.float16), cast(variance, dtypes.float16)


def moments_v2(
    x: VariableLike,
    axes: AxisLike,
    shift: TensorLike | None = None,
    keepdims: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """As `moments`."""
    return moments(x, axes, shift, name, keepdims)


def weighted_moments(
    x: TensorLike,
    axes: AxisLike,
    frequency_weights: TensorLike,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean and variance of `x` over `axes`, each element counted by its weight.

    Args:
      x: a tensor.
      axes: a list of axes.
      frequency_weights: weights that can be broadcast against x.
      name: the scope of the operations.
      keep_dims: whether the reduced dimensions stay, with size 1.
      keepdims: the newer name of `keep_dims`.
    """
    keep = bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(frequency_weights, name="frequency_weights")
        half = x.dtype.base_dtype == dtypes.float16
        y = cast(x, dtypes.float32) if half else x
        weights = cast(weights, y.dtype)
        total = reduce_sum(weights * y, axes, name="weighted_input_sum", keepdims=True)
        spread = weights + zeros_like(y)
        count = reduce_sum(spread, axes, name="sum_of_weights", keepdims=True)
        divisor = F.Reciprocal(count, name="inv_weight_sum")
        mean = F.Mul(total, divisor)
        gaps = weights * F.SquaredDifference(y, mean)
        gaps = reduce_sum(gaps, axes, name="weighted_distsq", keepdims=True)
        variance = F.Mul(gaps, divisor)
        if not keep:
            mean, variance = squeeze(mean, axes), squeeze(variance, axes)
        return _halved(mean, variance) if half else (mean, variance)


def weighted_moments_v2(
    x: TensorLike,
    axes: AxisLike,
    frequency_weights: TensorLike,
    keepdims: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """As `weighted_moments`."""
    return weighted_moments(x, axes, frequency_weights, name, keepdims)


# ---------------------------------------------------------------------- normalizing


def batch_normalization(
    x: Operand,
    mean: Operand,
    variance: Operand,
    offset: Operand | None,
    scale: Operand | None,
    variance_epsilon: Operand | float,
    name: str | None = None,
) -> Tensor:
    """γ (x − μ) / √(σ² + ε) + β (Ioffe and Szegedy, 2015).

    Args:
      x: a tensor.
      mean, variance: what to normalize by, broadcast against x.
      offset: β, or None.
      scale: γ, or None.
      variance_epsilon: ε, small and positive.
      name: the scope of the operations.
    """
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        factor = F.Rsqrt(variance + variance_epsilon)
        if scale is not None:
            factor *= scale
        scaled = x * cast(factor, x.dtype)
        rest = -mean * factor if offset is None else offset - mean * factor
        return scaled + cast(rest, x.dtype)


def batch_norm_with_global_normalization(
    t: Operand | None = None,
    m: Operand | None = None,
    v: Operand | None = None,
    beta: Operand | None = None,
    gamma: Operand | None = None,
    variance_epsilon: Operand | float | None = None,
    scale_after_normalization: bool | None = None,
    name: str | None = None,
    input: Operand | None = None,
    mean: Operand | None = None,
    variance: Operand | None = None,
) -> Tensor:
    """As `batch_normalization`, with γ only if `scale_after_normalization`.

    `input`, `mean` and `variance` are newer names of `t`, `m` and `v`.
    """
    t = renamed("input", input, "t", t)
    m = renamed("mean", mean, "m", m)
    v = renamed("variance", variance, "v", v)
    scale = gamma if scale_after_normalization else None
    epsilon: Any = variance_epsilon
    return batch_normalization(t, m, v, beta, scale, epsilon, name)


def batch_norm_with_global_normalization_v2(
    input: Operand,
    mean: Operand,
    variance: Operand,
    beta: Operand,
    gamma: Operand,
    variance_epsilon: Operand | float,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Tensor:
    """As `batch_norm_with_global_normalization`."""
    scale = gamma if scale_after_normalization else None
    return batch_normalization(
        input, mean, variance, beta, scale, variance_epsilon, name
    )


# cuDNN takes no smaller ε; TensorFlow applies its bound everywhere
_SMALLEST_EPSILON = 1.001e-5


def fused_batch_norm(
    x: TensorLike,
    scale: TensorLike,
    offset: TensorLike,
    mean: TensorLike | None = None,
    variance: TensorLike | None = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalization of images by one op.

    Args:
      x: [batch, height, width, channels], or as `data_format` says.
      scale, offset: [channels].
      mean, variance: [channels], what to normalize by; None in training, which
        computes them.
      epsilon: added to the variance; 1.001e-5 at least.
      data_format: NHWC or NCHW.
      is_training: whether the batch's own mean and variance are used.
      name: the name of the operation.

    Returns:
      The normalized images, the mean, the variance (with Bessel's correction).

    Raises:
      ValueError: a mean or variance is given in training.
    """
    x = convert_to_tensor(x, name="input")
    scale = convert_to_tensor(scale, name="scale")
    offset = convert_to_tensor(offset, name="offset")
    if is_training and (mean is not None or variance is not None):
        raise ValueError(
            "Both 'mean' and 'variance' must be None if is_training is True."
        )
    mean = constant([]) if mean is None else mean
    variance = constant([]) if variance is None else variance
    found = F.FusedBatchNormV3(
        x,
        scale,
        offset,
        mean,
        variance,
        epsilon=max(epsilon, _SMALLEST_EPSILON),
        data_format=data_format,
        is_training=is_training,
        name=name,
    )
    return found[0], found[1], found[2]


def local_response_normalization(
    input: TensorLike,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """input / (bias + alpha · Σ of neighbouring channels' squares) ** beta.

    Args:
      input: [batch, height, width, channels] of float16, bfloat16 or float32.
      depth_radius: how far neighbours reach to either side.
      bias, alpha, beta: as above (Krizhevsky et al., 2012).
      name: the name of the operation.
    """
    return F.LRN(
        input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name
    )


lrn = local_response_normalization
