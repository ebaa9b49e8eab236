"""Random tensors; a seed that is not given is the next number of NumPy's generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.layers.backend_config import floatx
from retrograd.ops.array.fill import ones, zeros
from retrograd.ops.array.selection import where
from retrograd.ops.nn.nn import dropout_v2
from retrograd.ops.random import random

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DTypeLike, DynamicShape, TensorLike


def _seed(given: int | None) -> int:
    return int(np.random.randint(10_000_000)) if given is None else given


def _dtype(given: DTypeLike | None) -> DTypeLike:
    return floatx() if given is None else given


def random_normal(
    shape: TensorLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | None = None,
) -> Tensor:
    """Normal numbers around a mean with a standard deviation."""
    return random.random_normal(shape, mean, stddev, _dtype(dtype), _seed(seed))


def random_uniform(
    shape: TensorLike,
    minval: TensorLike = 0.0,
    maxval: TensorLike = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | None = None,
) -> Tensor:
    """Numbers between two bounds, all equally likely."""
    return random.random_uniform(shape, minval, maxval, _dtype(dtype), _seed(seed))


def random_binomial(
    shape: TensorLike,
    p: TensorLike = 0.0,
    dtype: DTypeLike | None = None,
    seed: int | None = None,
) -> Tensor:
    """Ones with probability `p`, else zeros."""
    kind, seed = _dtype(dtype), _seed(seed)
    drawn: Any = random.random_uniform(shape, dtype=kind, seed=seed)
    return where(drawn <= p, ones(shape, dtype=kind), zeros(shape, dtype=kind))


def truncated_normal(
    shape: TensorLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | None = None,
) -> Tensor:
    """Normal numbers, drawn again where they are two deviations or more from the mean.

    Arguments as for `random_normal`.
    """
    return random.truncated_normal(shape, mean, stddev, _dtype(dtype), _seed(seed))


def dropout(
    x: TensorLike,
    level: float,
    noise_shape: DynamicShape | None = None,
    seed: int | None = None,
) -> Tensor:
    """`x` with a share of `level` elements zeroed, the others divided by 1 − level."""
    return dropout_v2(x, rate=level, noise_shape=noise_shape, seed=_seed(seed))
