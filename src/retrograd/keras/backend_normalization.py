"""Batches that are normalized: by their own moments, or by those that are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.keras.backend_tensors import constant, ndim, ones_like, zeros_like
from retrograd.ops.array.join import stack
from retrograd.ops.array.shape import reshape, shape
from retrograd.ops.nn.moments import batch_normalization as batch_normalization_op
from retrograd.ops.nn.moments import fused_batch_norm, moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Operand


def normalize_batch_in_training(
    x: Any,
    gamma: Any,
    beta: Any,
    reduction_axes: Sequence[int],
    epsilon: float = 1e-3,
) -> tuple[Tensor, Tensor, Tensor]:
    """A batch with mean β and deviation γ, and the mean and variance that it had.

    Args:
      x: the batch.
      gamma: the deviation to give it; None for 1.
      beta: the mean to give it; None for 0.
      reduction_axes: the axes along which the moments are taken.
      epsilon: is added to the variance.
    """
    axes = list(reduction_axes)
    rank = ndim(x) or 0
    if rank == 4 and axes == [0, 1, 2]:
        size = [x.shape.as_list()[3]]
        if gamma is None:
            gamma = constant(1.0, x.dtype, size)
        if beta is None:
            beta = constant(0.0, x.dtype, size)
        return fused_batch_norm(x, gamma, beta, epsilon=epsilon)
    mean, variance = moments(x, axes, None, None, False)
    placed = (mean, variance, beta, gamma)
    if sorted(axes) != list(range(rank - 1)):
        sizes = stack([1 if i in axes else shape(x)[i] for i in range(rank)])
        # in the order in which TensorFlow names them
        mean_, variance_ = reshape(mean, sizes), reshape(variance, sizes)
        gamma_ = None if gamma is None else reshape(gamma, sizes)
        beta_ = None if beta is None else reshape(beta, sizes)
        placed = (mean_, variance_, beta_, gamma_)
    return batch_normalization_op(x, *placed, epsilon), mean, variance


def batch_normalization(
    x: Operand,
    mean: Operand,
    var: Operand,
    beta: Any,
    gamma: Any,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Tensor:
    """γ (x − mean) / √(var + ε) + β.

    Args:
      x: the batch.
      mean, var: the moments.
      beta: what is added; None for 0.
      gamma: the factor; None for 1.
      axis: that of the channels.
      epsilon: is added to the variance.
    """
    if ndim(x) != 4 or axis not in (3, -1, 1):
        return batch_normalization_op(x, mean, var, beta, gamma, epsilon)
    mean, var, beta, gamma = map(_flat, (mean, var, beta, gamma))
    if beta is None:
        beta = zeros_like(mean)
    if gamma is None:
        gamma = ones_like(mean)
    return fused_batch_norm(
        x,
        gamma,
        beta,
        mean=mean,
        variance=var,
        epsilon=epsilon,
        data_format="NCHW" if axis == 1 else "NHWC",
        is_training=False,
    )[0]


def _flat(x: Operand | None) -> Any:
    """One number a channel, without the axes that are there to be broadcast."""
    if x is None or (ndim(x) or 0) <= 1:
        return x
    return reshape(x, [-1])
