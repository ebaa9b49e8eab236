"""The initializers of `tf.contrib.layers`: functions that scale by the fans."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.ops.random.random import random_uniform, truncated_normal

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike
    from retrograd.variables.partition import PartitionInfo

_FANS: dict[str, Callable[[float, float], float]] = {
    "FAN_IN": lambda fan_in, fan_out: fan_in,
    "FAN_OUT": lambda fan_in, fan_out: fan_out,
    "FAN_AVG": lambda fan_in, fan_out: (fan_in + fan_out) / 2.0,
}


def xavier_initializer(
    uniform: bool = True, seed: int | None = None, dtype: DTypeLike = dtypes.float32
) -> Callable[..., Any]:
    """An initializer that keeps the gradients of all layers about one size.

    Uniform in ±√(6 / (fan_in + fan_out)), or a truncated normal of as much variance
    (Glorot and Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", 2010).

    Raises:
      TypeError: `dtype` is not floating.
    """
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


def variance_scaling_initializer(
    factor: float = 2.0,
    mode: str = "FAN_IN",
    uniform: bool = False,
    seed: int | None = None,
    dtype: DTypeLike = dtypes.float32,
) -> Callable[..., Any]:
    """An initializer of variance `factor / n`.

    The default is that of He et al., "Delving deep into rectifiers", 2015.

    Args:
      factor: what the variance is multiplied by.
      mode: what n is: "FAN_IN", "FAN_OUT" or "FAN_AVG". The last two sizes of a shape
        are taken for inputs and outputs, those before them multiply both.
      uniform: draw uniform numbers, not those of a truncated normal.
      seed: the operation's seed.
      dtype: floating, used where a variable does not say its own.

    Returns:
      A function of `shape`, `dtype` and `partition_info` that gives a tensor.

    Raises:
      TypeError: `dtype` is not floating, or `mode` is unknown.
    """
    _check_floating(dtype)
    if mode not in _FANS:
        raise TypeError("Unknown mode %s [FAN_IN, FAN_OUT, FAN_AVG]", mode)

    def initializer(
        shape: Sequence[Any],
        dtype: DTypeLike = dtype,
        partition_info: PartitionInfo | None = None,
    ) -> Any:
        del partition_info
        _check_floating(dtype)
        n = _FANS[mode](*_fans(shape))
        if uniform:
            limit = math.sqrt(3.0 * factor / n)
            return random_uniform(shape, -limit, limit, dtype, seed=seed)
        # A normal distribution cut off at two deviations has 1 / 1.3 of the variance.
        deviation = math.sqrt(1.3 * factor / n)
        return truncated_normal(shape, 0.0, deviation, dtype, seed=seed)

    return initializer


def _check_floating(dtype: DTypeLike) -> None:
    if not dtypes.as_dtype(dtype).is_floating:
        raise TypeError("Cannot create initializer for non-floating point type.")


def _fans(shape: Sequence[Any]) -> tuple[float, float]:
    """How many inputs each output has, and how many outputs each input has."""
    sizes = [float(size) for size in shape]
    if not sizes:
        return 1.0, 1.0
    window = math.prod(sizes[:-2])
    return window * sizes[-2 if len(sizes) > 1 else -1], window * sizes[-1]
