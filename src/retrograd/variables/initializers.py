"""Initializers: objects that make the initial value of a variable from its shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes, shapes
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.array.fill import ones, zeros
from retrograd.ops.array.shape import matrix_transpose, reshape
from retrograd.ops.declare import F
from retrograd.ops.random import random

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike, DynamicShape, FullShape, TensorLike
    from retrograd.variables.partition import PartitionInfo

#: standard deviation of a standard normal number that lies within (−2, 2)
_WITHIN_TWO = 0.87962566103423978


def _float(dtype: DTypeLike) -> dtypes.DType:
    dtype = dtypes.as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype


class Initializer:
    """Base of initializers: `initializer(shape, dtype, partition_info)` is a tensor."""

    dtype: dtypes.DType = dtypes.float32

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        """The initial value.

        Args:
          shape: its shape.
          dtype: its dtype, by default that of the initializer.
          partition_info: where it lies in a partitioned variable, or None.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """The initializer with the arguments that `get_config` gave."""
        return cls(**config)

    seed: int | None = None

    def _arguments(self, *names: str) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in names}
        return {**found, "dtype": self.dtype.name}

    def _uniform(
        self,
        shape: DynamicShape,
        low: TensorLike,
        high: TensorLike | None,
        dtype: DTypeLike,
    ) -> Any:
        return random.random_uniform(shape, low, high, dtype, seed=self.seed)

    def _normal(
        self,
        shape: DynamicShape,
        mean: TensorLike,
        stddev: TensorLike,
        dtype: DTypeLike,
    ) -> Any:
        return random.random_normal(shape, mean, stddev, dtype, seed=self.seed)

    def _truncated(
        self,
        shape: DynamicShape,
        mean: TensorLike,
        stddev: TensorLike,
        dtype: DTypeLike,
    ) -> Any:
        return random.truncated_normal(shape, mean, stddev, dtype, seed=self.seed)


class Zeros(Initializer):
    """All zeros."""

    def __init__(self, dtype: DTypeLike = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        return zeros(shape, self.dtype if dtype is None else dtype)

    def get_config(self) -> dict[str, Any]:
        return self._arguments()


class Ones(Initializer):
    """All ones."""

    def __init__(self, dtype: DTypeLike = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        return ones(shape, self.dtype if dtype is None else dtype)

    def get_config(self) -> dict[str, Any]:
        return self._arguments()


class Constant(Initializer):
    """A given value.

    Args:
      value: a number, a list or an array; filled up with its last element.
      dtype: the dtype where the call gives none.
      verify_shape: whether the value must have the shape.

    Raises:
      TypeError: `value` is of another type.
    """

    def __init__(
        self,
        value: TensorLike = 0,
        dtype: DTypeLike = dtypes.float32,
        verify_shape: bool = False,
    ) -> None:
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value: {type(value)} (expected Python "
                "scalar, list or tuple of values, or numpy.ndarray)."
            )
        self.value: Any = value
        self.dtype = dtypes.as_dtype(dtype)
        self._verify_shape = verify_shape

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
        verify_shape: bool | None = None,
    ) -> Tensor:
        return constant(
            self.value,
            dtype=self.dtype if dtype is None else dtype,
            shape=shape,
            verify_shape=self._verify_shape if verify_shape is None else verify_shape,
        )

    def get_config(self) -> dict[str, Any]:
        return self._arguments("value")


class RandomUniform(Initializer):
    """Uniform in [minval, maxval), as `tf.random_uniform`."""

    def __init__(
        self,
        minval: TensorLike = 0,
        maxval: TensorLike | None = None,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        return self._uniform(shape, self.minval, self.maxval, dtype)

    def get_config(self) -> dict[str, Any]:
        return self._arguments("minval", "maxval", "seed")


class RandomNormal(Initializer):
    """Normal, as `tf.random_normal`."""

    def __init__(
        self,
        mean: TensorLike = 0.0,
        stddev: TensorLike = 1.0,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = _float(dtype)

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        return self._normal(shape, self.mean, self.stddev, dtype)

    def get_config(self) -> dict[str, Any]:
        return self._arguments("mean", "stddev", "seed")


class TruncatedNormal(Initializer):
    """Normal within two standard deviations, as `tf.truncated_normal`."""

    mean: Any
    stddev: Any
    __init__: Any = RandomNormal.__init__
    get_config = RandomNormal.get_config

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        return self._truncated(shape, self.mean, self.stddev, dtype)


class UniformUnitScaling(Initializer):
    """Uniform, so scaled that a layer keeps the variance of its input.

    In [−m, m) with m = factor · √(3 / n), n the product of all sizes but the last.
    """

    def __init__(
        self,
        factor: float = 1.0,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        self.factor = factor
        self.seed = seed
        self.dtype = _float(dtype)

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        whole = shape if partition_info is None else partition_info.full_shape
        size = 1.0
        for dimension in whole[:-1]:
            size *= float(dimension)
        limit = math.sqrt(3 / max(size, 1.0)) * self.factor
        dtype = self.dtype if dtype is None else dtype
        return self._uniform(shape, -limit, limit, dtype)

    def get_config(self) -> dict[str, Any]:
        return self._arguments("factor", "seed")


class VarianceScaling(Initializer):
    """Random, with a variance of scale / n.

    Args:
      scale: positive.
      mode: what n is: "fan_in", "fan_out" or "fan_avg", their mean.
      distribution: "truncated_normal" (also "normal"), "untruncated_normal" or
        "uniform".
      seed: the seed of the operation.
      dtype: the dtype where the call gives none.

    Raises:
      ValueError: an argument is none of these.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        if scale <= 0.0:
            raise ValueError("`scale` must be positive float.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError("Invalid `mode` argument:", mode)
        distribution = distribution.lower()
        if distribution not in (
            "normal",
            "uniform",
            "truncated_normal",
            "untruncated_normal",
        ):
            raise ValueError("Invalid `distribution` argument:", distribution)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self.dtype = _float(dtype)

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        whole = shape if partition_info is None else partition_info.full_shape
        fan_in, fan_out = _compute_fans(whole)
        fans = {
            "fan_in": fan_in,
            "fan_out": fan_out,
            "fan_avg": (fan_in + fan_out) / 2.0,
        }
        variance = self.scale / max(1.0, fans[self.mode])
        dtype = self.dtype if dtype is None else dtype
        if self.distribution in ("normal", "truncated_normal"):
            stddev = math.sqrt(variance) / _WITHIN_TWO
            return self._truncated(shape, 0.0, stddev, dtype)
        if self.distribution == "untruncated_normal":
            stddev = math.sqrt(variance)
            return self._normal(shape, 0.0, stddev, dtype)
        limit = math.sqrt(3.0 * variance)
        return self._uniform(shape, -limit, limit, dtype)

    def get_config(self) -> dict[str, Any]:
        return self._arguments("scale", "mode", "distribution", "seed")


class GlorotUniform(VarianceScaling):
    """Uniform of variance 2 / (fan in + fan out): Glorot and Bengio, 2010."""

    def __init__(
        self, seed: int | None = None, dtype: DTypeLike = dtypes.float32
    ) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)

    def get_config(self) -> dict[str, Any]:
        return self._arguments("seed")


class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (fan in + fan out): Glorot and Bengio, 2010."""

    def __init__(
        self, seed: int | None = None, dtype: DTypeLike = dtypes.float32
    ) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)

    def get_config(self) -> dict[str, Any]:
        return self._arguments("seed")


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal of variance 1 / fan in."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform of variance 1 / fan in."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal of variance 2 / fan in: He et al., 2015."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform of variance 2 / fan in: He et al., 2015."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


def _compute_fans(shape: FullShape) -> tuple[int, int]:
    """How many inputs and outputs a unit of a layer with such weights has."""
    if len(shape) < 1:
        return 1, 1
    if len(shape) == 1:
        return int(shape[0]), int(shape[0])
    field = 1
    for size in shape[:-2]:
        field *= size
    return int(shape[-2] * field), int(shape[-1] * field)


class Orthogonal(Initializer):
    """A matrix with orthogonal rows or columns, the Q of a random one, times `gain`.

    Sizes but the last are taken as one. See Saxe et al., arXiv 1312.6120.
    """

    def __init__(
        self,
        gain: float = 1.0,
        seed: int | None = None,
        dtype: DTypeLike = dtypes.float32,
    ) -> None:
        self.gain = gain
        self.dtype = _float(dtype)
        self.seed = seed

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional"
            )
        rows = 1
        for size in shape[:-1]:
            rows *= size
        rows, columns = int(rows), int(shape[-1])
        flat = (max(rows, columns), min(rows, columns))
        q = orthogonal(self._normal(flat, 0.0, 1.0, dtype or self.dtype))
        if rows < columns:
            q = matrix_transpose(q)
        return self.gain * reshape(q, shape)

    def get_config(self) -> dict[str, Any]:
        return self._arguments("gain", "seed")


def orthogonal(drawn: Tensor) -> Any:
    """The matrix with orthonormal columns that a matrix of normal numbers gives."""
    q, r = F.Qr(drawn, full_matrices=False)
    # the sign makes the decomposition, and so the distribution, unique
    return q * F.Sign(F.DiagPart(r))


class Identity(Initializer):
    """The identity matrix times `gain`; only for two dimensions."""

    def __init__(self, gain: float = 1.0, dtype: DTypeLike = dtypes.float32) -> None:
        self.gain = gain
        self.dtype = _float(dtype)

    def __call__(
        self,
        shape: FullShape,
        dtype: DTypeLike | None = None,
        partition_info: PartitionInfo | None = None,
    ) -> Tensor:
        from retrograd.ops.linalg.diagonals import eye

        whole = shape if partition_info is None else partition_info.full_shape
        if len(whole) != 2:
            raise ValueError(
                "Identity matrix initializer can only be used for 2D matrices."
            )
        sizes: Any = whole
        if isinstance(whole, shapes.TensorShape):
            sizes = whole.as_list()
        matrix: Any = eye(*sizes, dtype=self.dtype if dtype is None else dtype)
        if partition_info is not None:
            matrix = F.Slice(matrix, partition_info.var_offset, shape)
        return self.gain * matrix

    def get_config(self) -> dict[str, Any]:
        return self._arguments("gain")


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal
orthogonal_initializer = Orthogonal
identity_initializer = Identity
