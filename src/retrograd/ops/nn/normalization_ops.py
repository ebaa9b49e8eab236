"""Batch normalization in one op, and normalization over neighbouring channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrograd import dtypes
from retrograd.graph.operation import Operation
from retrograd.graph.tensor import RawShape
from retrograd.ops import rules
from retrograd.ops.arguments import refused
from retrograd.ops.declare import F, gradient, op, rule
from retrograd.ops.infer import merged, same_dim, shape_text, with_rank
from retrograd.ops.nn.nn_ops import widened
from retrograd.ops.nn.window import as_given, channels_first, channels_last, check_rank
from retrograd.ops.traits import Function, Traits

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Array, Arrays


# ---------------------------------------------------------------------- over the batch


def _channel_axis(n: Operation) -> int:
    return 1 if channels_first(n.attrs["data_format"]) else 3


def _fused_shapes(n: Operation) -> list[RawShape]:
    x, at = with_rank(n, 0, 4), _channel_axis(n)
    channels = x[at]
    for index in range(1, 3 if n.attrs["is_training"] else 5):
        channels = same_dim(n, channels, with_rank(n, index, 1)[0])
    found: list[RawShape] = [(*x[:at], channels, *x[at + 1 :])]
    found += [(channels,)] * 4
    return found if len(n._outputs) == 5 else [*found, None]


def _fused_grad_shapes(n: Operation) -> list[RawShape]:
    dy, at = with_rank(n, 0, 4), _channel_axis(n)
    channels = same_dim(n, dy[at], with_rank(n, 1, 4)[at])
    for index in range(2, 5):
        channels = same_dim(n, channels, with_rank(n, index, 1)[0])
    dx = (*dy[:at], channels, *dy[at + 1 :])
    rest = (0,) if n.attrs["is_training"] else (channels,)
    return [dx, (channels,), (channels,), rest, rest]


_FUSED_MATH = (
    "y = γ x̂ + β; μ = mean x; w = n v / (n − 1), "
    "v = mean (x − μ)², r = 1 / √(v + ε), x̂ = r (x − μ)"
)


@op(
    "FusedBatchNorm",
    infer=_fused_shapes,
    math=_FUSED_MATH,
    traits=Traits(function=Function.NORMALIZATION),
)
@op(
    "FusedBatchNormV2",
    infer=_fused_shapes,
    math=_FUSED_MATH,
    traits=Traits(function=Function.NORMALIZATION),
)
@op(
    "FusedBatchNormV3",
    infer=_fused_shapes,
    math=_FUSED_MATH,
    traits=Traits(function=Function.NORMALIZATION),
)
def fused_batch_norm_kernel(
    xp: Arrays,
    x: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float,
    data_format: str,
    is_training: bool,
    n: Operation,
) -> tuple[Array, ...]:
    """Normalize each channel by its mean and variance over all other axes.

    Training computes both from `x`, else they are inputs. Outputs: y; the mean; the
    variance with Bessel's correction, for running averages; the mean and the variance
    that were used, for the backward pass; for version 3 an empty tensor.

    Raises:
      InvalidArgumentError: a mean or variance is given for training.
    """
    check_rank(x, 4, f"input must be 4-dimensional{shape_text(x.shape)}")
    dtype, epsilon = x.dtype, scale.dtype.type(epsilon)
    x = widened(xp, channels_last(xp, x, data_format))
    unbiased = variance
    if is_training:
        for name, value in (("mean", mean), ("variance", variance)):
            if value.size:
                raise refused(
                    f"estimated_{name} must be empty for training[{value.size}]"
                )
        mean = xp.mean(x, (0, 1, 2))
    x = x - mean
    if is_training:
        count = x.size // max(x.shape[-1], 1)
        variance = xp.mean(x * x, (0, 1, 2))
        unbiased = variance * variance.dtype.type(count / max(count - 1, 1))
    y = x * (xp.rsqrt(variance + epsilon) * scale) + offset
    y = xp.cast(as_given(xp, y, data_format), dtype)
    found = (y, mean, unbiased, mean, variance)
    assert n._op_def is not None
    if len(n._op_def.outputs) == len(found):
        return found
    return *found, xp.zeros((0,), scale.dtype)


_FUSED_GRAD_MATH = (
    "a = γ r P(g); b = Σ g x̂; c = Σ g, r = 1 / √(v + ε), x̂ = r (x − μ), "
    "P(g) = g − mean g − x̂ mean(g x̂)"
)


@op("FusedBatchNormGrad", infer=_fused_grad_shapes, math=_FUSED_GRAD_MATH)
@op("FusedBatchNormGradV2", infer=_fused_grad_shapes, math=_FUSED_GRAD_MATH)
@op("FusedBatchNormGradV3", infer=_fused_grad_shapes, math=_FUSED_GRAD_MATH)
def fused_batch_norm_grad_kernel(
    xp: Arrays,
    dy: Array,
    x: Array,
    scale: Array,
    mean: Array,
    variance: Array,
    *unused: Array,
    epsilon: float,
    data_format: str,
    is_training: bool,
) -> tuple[Array, ...]:
    """The backward pass of FusedBatchNorm: for x, scale and offset."""
    del unused
    dtype, axes = x.dtype, (0, 1, 2)
    dy, x = (widened(xp, channels_last(xp, a, data_format)) for a in (dy, x))
    inverse = xp.rsqrt(variance + variance.dtype.type(epsilon))
    unit = (x - mean) * inverse
    dscale, doffset = xp.sum(dy * unit, axes), xp.sum(dy, axes)
    rest = xp.zeros((0,) if is_training else mean.shape, mean.dtype)
    if is_training:
        count = dy.dtype.type(max(x.size // max(x.shape[-1], 1), 1))
        dy = dy - doffset / count - unit * (dscale / count)
    dx = xp.cast(as_given(xp, dy * (scale * inverse), data_format), dtype)
    return dx, dscale, doffset, rest, rest


_BACKWARD = {
    "FusedBatchNorm": F.FusedBatchNormGrad,
    "FusedBatchNormV2": F.FusedBatchNormGradV2,
    "FusedBatchNormV3": F.FusedBatchNormGradV3,
}


def _fused_gradient(n: Operation, dy: Tensor, *unused: Tensor) -> list[Tensor | None]:
    """Through y alone: TensorFlow 1.15 takes the statistics it gives as constants."""
    del unused
    x, scale = n.inputs[:2]
    training, data_format = n.attrs["is_training"], n.attrs["data_format"]
    turned = not training and data_format == "NCHW"
    if turned:
        x, dy = (F.Transpose(t, [0, 2, 3, 1], name="transpose") for t in (x, dy))
    used = n.outputs[3:] if training else [*n.inputs[3:], *n.outputs[5:]]
    dx, dscale, doffset, _, _ = _BACKWARD[n.type](
        dy,
        x,
        scale,
        *used,
        epsilon=n.attrs["epsilon"],
        data_format="NHWC" if turned else data_format,
        is_training=training,
    )
    if turned:
        dx = F.Transpose(dx, [0, 3, 1, 2], name="transpose")
    return [dx, dscale, doffset, None, None]


for _name in _BACKWARD:
    gradient(
        _name,
        x="x̄ = γ r (ȳ − mean ȳ − x̂ mean(ȳ x̂))",
        scale="γ̄ = Σ ȳ x̂",
        offset="β̄ = Σ ȳ",
    )(_fused_gradient)


class _Channels:
    """Arithmetic of a second derivative, over all axes but the channels."""

    def __init__(self, n: Operation) -> None:
        self.first = channels_first(n.attrs["data_format"])
        self.axes = [0, 2, 3] if self.first else [0, 1, 2]

    def spread(self, vector: Tensor) -> Tensor:
        """A number for each channel, to be broadcast against an image."""
        return F.Reshape(vector, [1, -1, 1, 1]) if self.first else vector

    def sum(self, x: Tensor) -> Tensor:
        """The sum of each channel."""
        return F.Sum(x, self.axes)

    def mean(self, x: Tensor) -> Tensor:
        """The mean of each channel, to be broadcast against an image."""
        return F.Mean(x, self.axes, keep_dims=True)


def _fused_grad_gradient(n: Operation, *dzs: Tensor) -> list[Tensor]:
    """The second derivative: how x̄, γ̄ and β̄ depend on ȳ, x and γ.

    With r = 1 / √(σ² + ε), x̂ = r (x − μ) and P v = v − mean v − x̂ mean(v x̂), training
    gives x̄ = γ r P ȳ and γ̄ = Σ ȳ x̂. P is its own adjoint, and r and x̂ depend on x by
    ∂r = −r² mean(x̂ ∂x) and ∂x̂ = r P ∂x.
    """
    dtype = n.inputs[1].dtype.base_dtype
    dy, x, ddx = (_float32(t) for t in (*n.inputs[:2], dzs[0]))
    c = _Channels(n)
    scale, ddscale, ddoffset = (c.spread(t) for t in (n.inputs[2], *dzs[1:3]))
    epsilon = rules.scalar(n.attrs["epsilon"], scale)
    training = n.attrs["is_training"]
    if training:
        centred = x - c.mean(x)
        variance = c.mean(F.Square(centred))
    else:
        centred = x - c.spread(n.inputs[3])
        variance = c.spread(n.inputs[4])
    r = F.Rsqrt(variance + epsilon)
    unit = centred * r
    if not training:
        to_dy = ddx * scale * r + ddscale * unit + ddoffset
        to_x = ddscale * dy * r
        to_scale = c.sum(ddx * dy * r)
        return [F.Cast(to_dy, DstT=dtype), F.Cast(to_x, DstT=dtype), to_scale]

    def project(v: Tensor) -> Tensor:
        return v - c.mean(v) - unit * c.mean(v * unit)

    projected = project(ddx)
    to_dy = scale * r * projected + ddscale * unit + ddoffset
    to_scale = c.sum(r * projected * dy)
    to_unit = ddscale * dy - scale * r * (
        ddx * c.mean(dy * unit) + dy * c.mean(ddx * unit)
    )
    to_x = r * project(to_unit) - scale * r * r * unit * c.mean(projected * dy)
    return [F.Cast(to_dy, DstT=dtype), F.Cast(to_x, DstT=dtype), to_scale]


def _float32(x: Tensor) -> Tensor:
    return x if x.dtype.base_dtype == dtypes.float32 else F.Cast(x, DstT=dtypes.float32)


def _padded_rule(n: Operation, *dzs: Tensor) -> list[Tensor | None]:
    return _fused_grad_gradient(n, *dzs) + [None] * (len(n.inputs) - 3)


for _name in ("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3"):
    gradient(
        _name,
        y_backprop="ḡ = γ r P(ā) + b̄ x̂ + c̄",
        x="x̄ = r P(q) − γ r² x̂ mean(P(ā) g), q = b̄ g − γ r (ā mean(g x̂) + g mean(ā x̂))",
        scale="γ̄ = Σ ā r P(g)",
        reserve_space_1="μ",
        reserve_space_2="v",
    )(_padded_rule)


# ---------------------------------------------------------------------- older ops


def _global_shapes(n: Operation, vectors: range) -> RawShape:
    x = with_rank(n, 0, 4)
    channels = x[3]
    for index in vectors:
        channels = same_dim(n, channels, with_rank(n, index, 1)[0])
    return (*x[:3], channels)


def _global_grad_shapes(n: Operation) -> list[RawShape]:
    merged(n, with_rank(n, 0, 4), n._inputs[4]._shape_raw)
    x = _global_shapes(n, range(1, 4))
    assert x is not None
    return [x, *[x[3:]] * 4]


def _global_gradient(n: Operation, dy: Tensor) -> list[Tensor]:
    x, mean, variance, _, scale = n.inputs
    names = ("variance_epsilon", "scale_after_normalization")
    attrs = {name: n.attrs[name] for name in names}
    found = F.BatchNormWithGlobalNormalizationGrad(
        x, mean, variance, scale, dy, **attrs
    )
    return list(found)


@op(
    "BatchNormWithGlobalNormalization",
    infer=lambda n: _global_shapes(n, range(1, 5)),
    math="y = γ r (x − μ) + β, r = 1 / √(v + ε)",
    grad=_global_gradient,
    notation=dict(
        t="x̄ = ȳ γ r",
        m="μ̄ = −Σ ȳ γ r",
        v="v̄ = −½ Σ ȳ γ r³ (x − μ)",
        beta="β̄ = Σ ȳ",
        gamma="γ̄ = Σ ȳ r (x − μ)",
    ),
)
def global_batch_norm_kernel(
    xp: Arrays,
    x: Array,
    mean: Array,
    variance: Array,
    offset: Array,
    scale: Array,
    *,
    variance_epsilon: float,
    scale_after_normalization: bool,
) -> Array:
    """Normalize each channel by a mean and a variance that are given."""
    factor = xp.rsqrt(variance + variance.dtype.type(variance_epsilon))
    if scale_after_normalization:
        factor = factor * scale
    return (x - mean) * factor + offset


@op(
    "BatchNormWithGlobalNormalizationGrad",
    infer=_global_grad_shapes,
    math="a = g γ r; b = −Σ a; c = −½ Σ a r² (x − μ); d = Σ g; e = Σ g r (x − μ), "
    "r = 1 / √(v + ε)",
)
def global_batch_norm_grad_kernel(
    xp: Arrays,
    x: Array,
    mean: Array,
    variance: Array,
    scale: Array,
    dy: Array,
    *,
    variance_epsilon: float,
    scale_after_normalization: bool,
) -> tuple[Array, ...]:
    """The backward pass of BatchNormWithGlobalNormalization, for each input."""
    axes = (0, 1, 2)
    inverse = xp.rsqrt(variance + variance.dtype.type(variance_epsilon))
    factor = inverse * scale if scale_after_normalization else inverse
    centred, doffset = xp.sum(dy * (x - mean), axes), xp.sum(dy, axes)
    half = variance.dtype.type(-0.5)
    dvariance = centred * factor * inverse * inverse * half
    dscale = centred * inverse * variance.dtype.type(scale_after_normalization)
    return dy * factor, -doffset * factor, dvariance, doffset, dscale


# ---------------------------------------------------------------------- over channels


def _neighbours(count: int, radius: int, dtype: np.dtype) -> np.ndarray:
    """A matrix that sums each channel's neighbours within `radius`."""
    at = np.arange(count)
    return (np.abs(at[:, None] - at) <= radius).astype(dtype)


def _around(xp: Arrays, x: Array, radius: int) -> Array:
    """The sum, at each position, of each channel's neighbours."""
    channels = x.shape[-1]
    band = _neighbours(channels, radius, x.dtype)
    return xp.matmul(x.reshape(-1, channels), band).reshape(x.shape)


def _local_rule(n: Operation, dy: Tensor) -> Tensor:
    names = ("depth_radius", "bias", "alpha", "beta")
    return F.LRNGrad(dy, n.inputs[0], n.out, **{name: n.attrs[name] for name in names})


@op(
    "LRN",
    infer=lambda n: with_rank(n, 0, 4),
    math="yᵢ = xᵢ sᵢ^−β, sᵢ = δ + α Σⱼ xⱼ² over |i − j| ≤ radius",
    grad=dict(
        input=rule(
            "x̄ᵢ = ȳᵢ sᵢ^−β − 2 α β xᵢ Σⱼ ȳⱼ yⱼ / sⱼ over |i − j| ≤ radius", _local_rule
        )
    ),
)
def lrn_kernel(
    xp: Arrays, x: Array, *, depth_radius: int, bias: float, alpha: float, beta: float
) -> Array:
    """Each element divided by a power of its neighbouring channels' squares."""
    check_rank(x, 4, "in must be 4-dimensional")
    wide = widened(xp, x)
    total = bias + alpha * _around(xp, wide * wide, depth_radius)
    return xp.cast(wide * xp.power(total, -beta), x.dtype)


def _three_alike(n: Operation) -> RawShape:
    shape: RawShape = with_rank(n, 0, 4)
    for index in (1, 2):
        shape = merged(n, shape, n._inputs[index]._shape_raw)
    return shape


@op(
    "LRNGrad",
    infer=_three_alike,
    math="zᵢ = gᵢ sᵢ^−β − 2 α β xᵢ Σⱼ gⱼ yⱼ / sⱼ over |i − j| ≤ radius",
)
def lrn_grad_kernel(
    xp: Arrays,
    dy: Array,
    x: Array,
    y: Array,
    *,
    depth_radius: int,
    bias: float,
    alpha: float,
    beta: float,
) -> Array:
    """The backward pass of LRN."""
    dtype = x.dtype
    dy, x, y = (widened(xp, a) for a in (dy, x, y))
    total = bias + alpha * _around(xp, x * x, depth_radius)
    others = _around(xp, dy * y / total, depth_radius)
    dx = dy * xp.power(total, -beta) - (2 * alpha * beta) * x * others
    return xp.cast(dx, dtype)
