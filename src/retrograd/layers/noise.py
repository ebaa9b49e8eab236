"""Noise in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd import dtypes
from retrograd.layers import phase
from retrograd.layers.backend_config import floatx
from retrograd.layers.configured import Elementwise
from retrograd.ops.array.identity import identity
from retrograd.ops.array.shape import shape
from retrograd.ops.declare import F
from retrograd.ops.flow.cases import smart_cond
from retrograd.ops.math.casts import cast
from retrograd.ops.random.random import random_normal, random_uniform

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import DynamicShape, Training


class Noise(Elementwise):
    """A base: `_noised(inputs)` in training, else the inputs."""

    def _noised(self, inputs: Tensor) -> Any:
        raise NotImplementedError

    def _noise_for(self, inputs: Tensor) -> Callable[[], Any]:
        """What makes the outputs in training."""
        return lambda: self._noised(inputs)

    def _has_noise(self) -> bool:
        return True

    def call(self, inputs: Tensor, training: Training | None = None) -> Any:
        """The outputs for inputs; with noise if `training`."""
        if not self._has_noise():
            return inputs
        noised = self._noise_for(inputs)
        training = phase.training_or_phase(training)
        return smart_cond(training, noised, lambda: identity(inputs))


def drawn_seed(seed: int | None = None) -> int:
    """A seed, by default one that NumPy draws: the same after `np.random.seed`."""
    return np.random.randint(10_000_000) if seed is None else seed


def _drawn(inputs: Tensor, mean: float, stddev: float) -> Any:
    """Normal numbers in the shape of the inputs."""
    return random_normal(
        shape(inputs),
        mean=mean,
        stddev=stddev,
        dtype=dtypes.as_dtype(floatx()),
        seed=drawn_seed(),
    )


class GaussianNoise(Noise):
    """Normal numbers added.

    Args:
      stddev: their standard deviation.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("stddev",)

    def __init__(self, stddev: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = stddev

    def _noised(self, inputs: Tensor) -> Any:
        return inputs + _drawn(inputs, 0.0, self.stddev)


class GaussianDropout(Noise):
    """Inputs times normal numbers around one (Srivastava et al. 2014).

    Args:
      rate: the share that dropout of the same variance drops.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("rate",)

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate

    def _has_noise(self) -> bool:
        return 0 < self.rate < 1

    def _noised(self, inputs: Tensor) -> Any:
        stddev = (self.rate / (1.0 - self.rate)) ** 0.5
        return inputs * _drawn(inputs, 1.0, stddev)


class AlphaDropout(Noise):
    """Dropout that keeps mean and variance of SELU (Klambauer et al. 2017).

    Args:
      rate: the share that is dropped.
      noise_shape: the shape of what is drawn.
      seed: of the random numbers.
      **kwargs: those of `Layer`.
    """

    _ARGUMENTS = ("rate",)

    def __init__(
        self,
        rate: float,
        noise_shape: DynamicShape | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def _has_noise(self) -> bool:
        return 0.0 < self.rate < 1.0

    def _noise_for(self, inputs: Tensor) -> Callable[[], Any]:
        sizes = self.noise_shape if self.noise_shape else shape(inputs)
        return lambda: self._dropped(inputs, sizes)

    def _dropped(self, inputs: Tensor, sizes: DynamicShape) -> Any:
        dropped = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
        kind = dtypes.as_dtype(floatx())
        drawn = random_uniform(sizes, dtype=kind, seed=drawn_seed(self.seed))
        kept = cast(F.GreaterEqual(drawn, self.rate), kind)
        a = ((1 - self.rate) * (1 + self.rate * dropped**2)) ** -0.5
        b = -a * dropped * self.rate
        return a * (inputs * kept + dropped * (1 - kept)) + b
