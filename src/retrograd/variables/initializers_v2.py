"""Initializers as version 2 has them: the dtype is given in the call alone.

With a seed they draw by stateless ops, so each call gives the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant as constant_tensor
from retrograd.ops.random.random import (
    stateless_random_normal,
    stateless_random_uniform,
    stateless_truncated_normal,
)
from retrograd.variables import initializers as v1
from retrograd.variables.initializers import _compute_fans, _float

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, DynamicShape, FullShape, TensorLike


class Initializer(v1.Initializer):
    """Base of initializers: `initializer(shape, dtype=float32)` is a tensor."""

    def __call__(self, shape: FullShape, dtype: DTypeLike = dtypes.float32) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The initial value.

        Raises:
          ValueError: the initializer cannot make such a dtype or shape.
        """
        return super().__call__(shape, self._checked(dtype))

    def _checked(self, dtype: DTypeLike) -> dtypes.DType:
        return _float(dtype)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The initializer with the arguments that `get_config` gave."""
        return cls(**{k: v for k, v in config.items() if k != "dtype"})

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {k: v for k, v in super().get_config().items() if k != "dtype"}

    def _seeds(self) -> Any:
        return [self.seed, 0]

    def _uniform(
        self,
        shape: DynamicShape,
        low: TensorLike,
        high: TensorLike | None,
        dtype: DTypeLike,
    ) -> Any:
        if self.seed is None:
            return super()._uniform(shape, low, high, dtype)
        return stateless_random_uniform(shape, self._seeds(), low, high, dtype)

    def _normal(
        self,
        shape: DynamicShape,
        mean: TensorLike,
        stddev: TensorLike,
        dtype: DTypeLike,
    ) -> Any:
        if self.seed is None:
            return super()._normal(shape, mean, stddev, dtype)
        return stateless_random_normal(shape, self._seeds(), mean, stddev, dtype)

    def _truncated(
        self,
        shape: DynamicShape,
        mean: TensorLike,
        stddev: TensorLike,
        dtype: DTypeLike,
    ) -> Any:
        if self.seed is None:
            return super()._truncated(shape, mean, stddev, dtype)
        return stateless_truncated_normal(shape, self._seeds(), mean, stddev, dtype)


class Zeros(Initializer, v1.Zeros):
    """All zeros."""

    def __init__(self) -> None:
        super().__init__()

    def _checked(self, dtype: DTypeLike) -> dtypes.DType:
        return dtypes.as_dtype(dtype)


class Ones(Initializer, v1.Ones):
    """All ones."""

    def __init__(self) -> None:
        super().__init__()

    def _checked(self, dtype: DTypeLike) -> dtypes.DType:
        dtype = dtypes.as_dtype(dtype)
        if not dtype.is_numpy_compatible or dtype is dtypes.string:
            raise ValueError(f"Expected numeric or boolean dtype, got {dtype}.")
        return dtype


class Constant(Initializer, v1.Constant):
    """A given value, of the shape asked for, or one number for all elements."""

    def __init__(self, value: Any = 0) -> None:
        super().__init__(value)

    def __call__(self, shape: FullShape, dtype: DTypeLike | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The value.

        Raises:
          TypeError: it does not fit the shape.
        """
        given, wanted = np.shape(self.value), tuple(map(int, shape))
        if np.size(self.value) != 1 and np.size(self.value) != np.prod(wanted):
            raise TypeError(f"Expected Tensor's shape: {wanted}, got {given}.")
        return constant_tensor(self.value, dtype, shape)


class RandomUniform(Initializer, v1.RandomUniform):
    """Uniform in [minval, maxval)."""

    def __init__(
        self,
        minval: TensorLike = -0.05,
        maxval: TensorLike = 0.05,
        seed: int | None = None,
    ) -> None:
        super().__init__(minval, maxval, seed)

    def _checked(self, dtype: DTypeLike) -> dtypes.DType:
        dtype = dtypes.as_dtype(dtype)
        if not dtype.is_floating and not dtype.is_integer:
            raise ValueError(f"Expected float or integer dtype, got {dtype}.")
        return dtype


class RandomNormal(Initializer, v1.RandomNormal):
    """Normal numbers."""

    def __init__(
        self, mean: TensorLike = 0.0, stddev: TensorLike = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(mean, stddev, seed)


class TruncatedNormal(Initializer, v1.TruncatedNormal):
    """Normal numbers within two standard deviations."""

    def __init__(
        self, mean: TensorLike = 0.0, stddev: TensorLike = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(mean, stddev, seed)


class VarianceScaling(Initializer, v1.VarianceScaling):
    """Random, with a variance of scale / n. See the class of version 1."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(scale, mode, distribution, seed)
        if self.distribution == "normal":
            self.distribution = "truncated_normal"


class GlorotUniform(VarianceScaling):
    """Uniform of variance 2 / (fan in + fan out)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {"seed": self.seed}


class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (fan in + fan out)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {"seed": self.seed}


class Orthogonal(Initializer, v1.Orthogonal):
    """A matrix with orthogonal rows or columns, times `gain`."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(gain, seed)


class Identity(Initializer, v1.Identity):
    """The identity matrix times `gain`."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__(gain)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal of variance 1 / fan in."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform of variance 1 / fan in."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal of variance 2 / fan in."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform of variance 2 / fan in."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


zeros_initializer = zero = zeros = Zeros
ones_initializer = one = ones = Ones
constant_initializer = constant = Constant
random_uniform_initializer = uniform = random_uniform = RandomUniform
random_normal_initializer = normal = random_normal = RandomNormal
truncated_normal_initializer = truncated_normal = TruncatedNormal
variance_scaling_initializer = VarianceScaling
glorot_uniform_initializer = glorot_uniform = GlorotUniform
glorot_normal_initializer = glorot_normal = GlorotNormal
orthogonal_initializer = orthogonal = Orthogonal
identity_initializer = identity = Identity

__all__ = ["Initializer", "_compute_fans"]
