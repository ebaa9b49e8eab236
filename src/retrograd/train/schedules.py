"""Learning rates that change with the step: objects that map a step to a rate.

Each computes its result as a graph of the step's tensor, in the dtype of the initial
rate. `learning_rate_decay` has them as functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from retrograd.graph.convert import convert_n_to_tensor, convert_to_tensor
from retrograd.graph.dispatch import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import constant
from retrograd.ops.declare import F
from retrograd.ops.flow.branches import cond
from retrograd.ops.flow.cases import case
from retrograd.ops.math.casts import cast
from retrograd.ops.random.random import random_normal

if TYPE_CHECKING:
    from retrograd.typing import TensorLike


class LearningRateSchedule:
    """Base of schedules: calling one with a step gives the learning rate."""

    #: the arguments that `get_config` returns
    _arguments: ClassVar[tuple[str, ...]] = ()
    #: of one of ours that scales an initial rate: the name of its scope
    _default: ClassVar[str] = ""
    initial_learning_rate: Any
    name: str | None

    def __call__(self, step: TensorLike) -> Any:
        """The learning rate at `step`, an integer tensor or variable."""
        if not self._default:
            raise NotImplementedError("Learning rate schedule must override __call__")
        with name_scope(self.name or self._default) as scope:
            rate = convert_to_tensor(
                self.initial_learning_rate, name="initial_learning_rate"
            )
            return self._at(rate, step, scope)

    def _at(self, rate: Tensor, step: TensorLike, scope: str) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments of a call that makes an equal schedule."""
        if not self._arguments:
            raise NotImplementedError("Learning rate schedule must override get_config")
        private = vars(self)
        return {
            a: private[f"_{a}" if f"_{a}" in private else a] for a in self._arguments
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """The schedule that `get_config` described."""
        return cls(**config)


_TIME_DECAY = (
    "initial_learning_rate",
    "decay_steps",
    "decay_rate",
    "staircase",
    "name",
)


def _rate_and_periods(schedule: Any, rate: Tensor, step: TensorLike) -> tuple[Any, Any]:
    """The decay rate, and step / decay_steps."""
    decay_steps = cast(schedule.decay_steps, rate.dtype)
    decay_rate = cast(schedule.decay_rate, rate.dtype)
    periods = cast(step, rate.dtype) / decay_steps
    return decay_rate, F.Floor(periods) if schedule.staircase else periods


class ExponentialDecay(LearningRateSchedule):
    """η₀ · rate ^ (step / decay_steps).

    Args:
      initial_learning_rate: η₀, a number or a scalar tensor.
      decay_steps: after how many steps it is multiplied by `decay_rate` once.
      decay_rate: the factor.
      staircase: whether the exponent is rounded down.
      name: the name scope.
    """

    _default = "ExponentialDecay"
    _arguments = _TIME_DECAY

    def __init__(
        self,
        initial_learning_rate: TensorLike,
        decay_steps: TensorLike,
        decay_rate: TensorLike,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def _at(self, rate: Tensor, step: TensorLike, scope: str) -> Tensor:
        decay_rate, periods = _rate_and_periods(self, rate, step)
        return F.Mul(rate, F.Pow(decay_rate, periods), name=scope)


class InverseTimeDecay(LearningRateSchedule):
    """η₀ / (1 + rate · step / decay_steps).

    Args:
      initial_learning_rate: η₀, a number or a scalar tensor.
      decay_steps: how many steps count as one.
      decay_rate: how much the denominator grows with each of these.
      staircase: whether their number is rounded down.
      name: the name scope.
    """

    _default = "InverseTimeDecay"
    _arguments = _TIME_DECAY

    def __init__(
        self,
        initial_learning_rate: TensorLike,
        decay_steps: TensorLike,
        decay_rate: TensorLike,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def _at(self, rate: Tensor, step: TensorLike, scope: str) -> Tensor:
        decay_rate, periods = _rate_and_periods(self, rate, step)
        one = cast(constant(1), rate.dtype)
        below = F.Add(one, F.Mul(decay_rate, periods))
        return F.RealDiv(rate, below, name=scope)


class PiecewiseConstantDecay(LearningRateSchedule):
    """A constant up to each boundary, that step included, and one after the last.

    Args:
      boundaries: steps, growing.
      values: the rates, one more.
      name: the name scope.

    Raises:
      ValueError: another number of values.
    """

    _arguments = ("boundaries", "values", "name")

    def __init__(
        self, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values"
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: TensorLike) -> Tensor:
        """The learning rate at `step`, an integer tensor or variable."""
        with name_scope(self.name or "PiecewiseConstant"):
            limits = convert_n_to_tensor(self.boundaries)
            values = convert_n_to_tensor(self.values)
            x = convert_to_tensor(step)
            dtype = x.dtype.base_dtype
            limits = [
                b if b.dtype.base_dtype is dtype else cast(b, dtype) for b in limits
            ]
            pairs = [
                (x <= limits[0], lambda: values[0]),
                (x > limits[-1], lambda: values[-1]),
            ]
            for low, high, value in zip(
                limits[:-1], limits[1:], values[1:-1], strict=True
            ):
                inside = F.LogicalAnd(x > low, x <= high)
                pairs.append((inside, lambda value=value: value))
            return case(pairs, lambda: values[0], exclusive=True)


class PolynomialDecay(LearningRateSchedule):
    """From an initial to a final rate: (η₀ − η₁) (1 − step / decay_steps) ^ power + η₁.

    Args:
      initial_learning_rate: η₀, a number or a scalar tensor.
      decay_steps: when η₁ is reached; it stays there.
      end_learning_rate: η₁.
      power: the exponent.
      cycle: whether `decay_steps` grows to its first multiple beyond the step.
      name: the name scope.
    """

    _default = "PolynomialDecay"
    _arguments = (
        "initial_learning_rate",
        "decay_steps",
        "end_learning_rate",
        "power",
        "cycle",
        "name",
    )

    def __init__(
        self,
        initial_learning_rate: TensorLike,
        decay_steps: TensorLike,
        end_learning_rate: TensorLike = 0.0001,
        power: TensorLike = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def _at(self, rate: Tensor, step: TensorLike, scope: str) -> Tensor:
        end = cast(self.end_learning_rate, rate.dtype)
        power = cast(self.power, rate.dtype)
        now = cast(step, rate.dtype)
        whole = cast(self.decay_steps, rate.dtype)
        if self.cycle:
            whole = F.Mul(
                whole,
                cond(
                    F.Equal(now, 0),
                    lambda: 1.0,
                    lambda: F.Ceil(now / self.decay_steps),
                ),
            )
        else:
            now = F.Minimum(now, self.decay_steps)
        part = now / whole
        return F.Add(F.Mul(rate - end, F.Pow(1 - part, power)), end, name=scope)


def _half_wave(turns: Tensor) -> Any:
    """½ (1 + cos π x), for `turns` x."""
    return 0.5 * (1.0 + F.Cos(constant(math.pi) * turns))


class CosineDecay(LearningRateSchedule):
    """η₀ · ((1 − α) ½ (1 + cos(π step / decay_steps)) + α) (Loshchilov & Hutter 2016).

    Args:
      initial_learning_rate: η₀, a number or a scalar tensor.
      decay_steps: when the end is reached.
      alpha: α, the part of η₀ that is left then.
      name: the name scope.
    """

    _default = "CosineDecay"
    _arguments = ("initial_learning_rate", "decay_steps", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: TensorLike,
        decay_steps: TensorLike,
        alpha: float | Tensor = 0.0,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name

    def _at(self, rate: Tensor, step: TensorLike, scope: str) -> Tensor:
        decay_steps = cast(self.decay_steps, rate.dtype)
        now = F.Minimum(cast(step, rate.dtype), decay_steps)
        wave = _half_wave(now / decay_steps)
        return F.Mul(rate, (1 - self.alpha) * wave + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay that begins again, each time longer and from a lower rate.

    Args:
      initial_learning_rate: a number or a scalar tensor.
      first_decay_steps: the length of the first period.
      t_mul: how many times longer each period is than the one before.
      m_mul: by what its first rate is multiplied.
      alpha: the part of a period's first rate that is left at its end.
      name: the name scope.
    """

    _default = "SGDRDecay"
    _arguments = (
        "initial_learning_rate",
        "first_decay_steps",
        "t_mul",
        "m_mul",
        "alpha",
        "name",
    )

    def __init__(
        self,
        initial_learning_rate: TensorLike,
        first_decay_steps: TensorLike,
        t_mul: TensorLike = 2.0,
        m_mul: TensorLike = 1.0,
        alpha: TensorLike = 0.0,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def _at(self, rate: Tensor, step: TensorLike, scope: str) -> Tensor:
        first, alpha, t_mul, m_mul = (
            cast(x, rate.dtype)
            for x in (self.first_decay_steps, self.alpha, self._t_mul, self._m_mul)
        )
        done = cast(step, rate.dtype) / first

        def equal_periods() -> Any:
            restarts = F.Floor(done)
            return restarts, done - restarts

        def growing_periods() -> Any:
            restarts = F.Floor(F.Log(1.0 - done * (1.0 - t_mul)) / F.Log(t_mul))
            before = (1.0 - t_mul**restarts) / (1.0 - t_mul)
            return restarts, (done - before) / t_mul**restarts

        restarts, fraction = cond(F.Equal(t_mul, 1.0), equal_periods, growing_periods)
        factor = m_mul**restarts
        wave = 0.5 * factor * (1.0 + F.Cos(constant(math.pi) * fraction))
        return F.Mul(rate, (1 - alpha) * wave + alpha, name=scope)


class LinearCosineDecay(LearningRateSchedule):
    """η₀ ((α + 1 − s) ½ (1 + cos 2π n s) + β), s = step / decay_steps (Bello 2017).

    Args:
      initial_learning_rate: η₀, a number or a scalar tensor.
      decay_steps: when the end is reached.
      num_periods: n, how often the cosine goes round.
      alpha: α.
      beta: β.
      name: the name scope.
    """

    _default = "LinearCosineDecay"
    _arguments = (
        "initial_learning_rate",
        "decay_steps",
        "num_periods",
        "alpha",
        "beta",
        "name",
    )

    def __init__(
        self,
        initial_learning_rate: TensorLike,
        decay_steps: TensorLike,
        num_periods: TensorLike = 0.5,
        alpha: TensorLike = 0.0,
        beta: TensorLike = 0.001,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.num_periods = num_periods
        self.alpha = alpha
        self.beta = beta
        self.name = name

    def _at(self, rate: Tensor, step: TensorLike, scope: str) -> Tensor:
        return _linear_cosine(self, rate, step, scope)


def _linear_cosine(
    schedule: Any, rate: Tensor, step: TensorLike, scope: str, noise: Sequence[Any] = ()
) -> Tensor:
    """The rate of a linear cosine decay.

    Args:
      noise: the variance at step 0 and how fast it falls, where noise is added.
    """
    decay_steps = cast(schedule.decay_steps, rate.dtype)
    noise = [cast(x, rate.dtype) for x in noise]
    periods, alpha, beta = (
        cast(x, rate.dtype)
        for x in (schedule.num_periods, schedule.alpha, schedule.beta)
    )
    now = F.Minimum(cast(step, rate.dtype), decay_steps)
    line = (decay_steps - now) / decay_steps
    if noise:
        start, decay = noise
        deviation = F.Sqrt(start / F.Pow(1.0 + now, decay))
        line = line + random_normal(line.shape, stddev=deviation)
    wave = _half_wave(2.0 * periods * (now / decay_steps))
    return F.Mul(rate, (alpha + line) * wave + beta, name=scope)


class NoisyLinearCosineDecay(LearningRateSchedule):
    """`LinearCosineDecay` with normal noise added to 1 − s.

    Its variance is initial_variance / (1 + step) ^ variance_decay.

    Args:
      initial_learning_rate: a number or a scalar tensor.
      decay_steps: when the end is reached.
      initial_variance: the variance at step 0.
      variance_decay: how fast it falls.
      num_periods, alpha, beta, name: as in `LinearCosineDecay`.
    """

    _default = "NoisyLinearCosineDecay"
    _arguments = (
        "initial_learning_rate",
        "decay_steps",
        "initial_variance",
        "variance_decay",
        "num_periods",
        "alpha",
        "beta",
        "name",
    )

    def __init__(
        self,
        initial_learning_rate: TensorLike,
        decay_steps: TensorLike,
        initial_variance: TensorLike = 1.0,
        variance_decay: TensorLike = 0.55,
        num_periods: TensorLike = 0.5,
        alpha: TensorLike = 0.0,
        beta: TensorLike = 0.001,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.initial_variance = initial_variance
        self.variance_decay = variance_decay
        self.num_periods = num_periods
        self.alpha = alpha
        self.beta = beta
        self.name = name

    def _at(self, rate: Tensor, step: TensorLike, scope: str) -> Tensor:
        noise = self.initial_variance, self.variance_decay
        return _linear_cosine(self, rate, step, scope, noise)
