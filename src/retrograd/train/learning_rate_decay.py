"""Learning rates that change with the step: `tf.train.exponential_decay` …

They return a tensor; executing eagerly, a function without arguments that computes the
rate of the moment.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.convert import convert_n_to_tensor, convert_to_tensor
from retrograd.ops.declare import F
from retrograd.ops.math.casts import cast
from retrograd.train import schedules

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import TensorLike


def _at(schedule: Callable[[Any], Any], step: TensorLike) -> Any:
    if context.executing_eagerly():
        return functools.partial(schedule, step)
    return schedule(step)


def exponential_decay(
    learning_rate: TensorLike,
    global_step: TensorLike,
    decay_steps: TensorLike,
    decay_rate: TensorLike,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate · decay_rate ^ (global_step / decay_steps).

    Args:
      learning_rate: the rate at step 0.
      global_step: an integer tensor or variable.
      decay_steps: after how many steps the rate is multiplied by `decay_rate` once.
      decay_rate: the factor.
      staircase: whether the exponent is rounded down.
      name: the name scope.
    """
    schedule = schedules.ExponentialDecay(
        learning_rate, decay_steps, decay_rate, staircase=staircase, name=name
    )
    return _at(schedule, global_step)


def piecewise_constant(
    x: TensorLike,
    boundaries: Sequence[Any],
    values: Sequence[Any],
    name: str | None = None,
) -> Any:
    """A constant up to each boundary, that step included, and one after the last.

    Args:
      x: the step, a scalar tensor or variable.
      boundaries: numbers or tensors of the dtype of `x`, growing.
      values: one more, all of one dtype.
      name: the name scope.

    Raises:
      ValueError: dtypes differ, or another number of values.
    """
    boundaries = convert_n_to_tensor(boundaries)
    values = convert_n_to_tensor(values)
    wanted = convert_to_tensor(x).dtype.base_dtype
    for i, boundary in enumerate(boundaries):
        found = boundary.dtype.base_dtype
        if found is wanted:
            continue
        if found is not dtypes.int32 or wanted is not dtypes.int64:
            raise ValueError(
                f"Boundaries ({found}) must have the same dtype as x ({wanted})."
            )
        boundaries[i] = cast(boundary, wanted)
    first = values[0].dtype.base_dtype
    for value in values[1:]:
        if value.dtype.base_dtype is not first:
            raise ValueError(
                "Values must have elements all with the same dtype "
                f"({first} vs {value.dtype.base_dtype})."
            )
    return _at(schedules.PiecewiseConstantDecay(boundaries, values, name=name), x)


def polynomial_decay(
    learning_rate: TensorLike,
    global_step: TensorLike,
    decay_steps: TensorLike,
    end_learning_rate: TensorLike = 0.0001,
    power: TensorLike = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Any:
    """From one rate to another along (1 − global_step / decay_steps) ^ power.

    Args:
      learning_rate: the rate at step 0.
      global_step: an integer tensor or variable.
      decay_steps: when the end is reached.
      end_learning_rate: the rate from then on.
      power: the exponent.
      cycle: whether `decay_steps` grows to its first multiple beyond the step.
      name: the name scope.
    """
    schedule = schedules.PolynomialDecay(
        learning_rate,
        decay_steps,
        end_learning_rate=end_learning_rate,
        power=power,
        cycle=cycle,
        name=name,
    )
    return _at(schedule, global_step)


def natural_exp_decay(
    learning_rate: TensorLike,
    global_step: TensorLike,
    decay_steps: TensorLike,
    decay_rate: TensorLike,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate · exp(−decay_rate · global_step / decay_steps).

    Args:
      learning_rate: the rate at step 0.
      global_step: an integer tensor or variable.
      decay_steps: how many steps count as one.
      decay_rate: how fast the rate falls.
      staircase: whether their number is rounded down.
      name: the name scope.
    """
    factor = F.Exp(F.Neg(decay_rate))
    schedule = schedules.ExponentialDecay(
        learning_rate, decay_steps, factor, staircase=staircase, name=name
    )
    return _at(schedule, global_step)


def inverse_time_decay(
    learning_rate: TensorLike,
    global_step: TensorLike,
    decay_steps: TensorLike,
    decay_rate: TensorLike,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate / (1 + decay_rate · global_step / decay_steps).

    Args:
      learning_rate: the rate at step 0.
      global_step: an integer tensor or variable.
      decay_steps: how many steps count as one.
      decay_rate: how fast the rate falls.
      staircase: whether their number is rounded down.
      name: the name scope.
    """
    schedule = schedules.InverseTimeDecay(
        learning_rate, decay_steps, decay_rate, staircase=staircase, name=name
    )
    return _at(schedule, global_step)


def cosine_decay(
    learning_rate: TensorLike,
    global_step: TensorLike,
    decay_steps: TensorLike,
    alpha: float | Tensor = 0.0,
    name: str | None = None,
) -> Any:
    """Down half a cosine wave. See `schedules.CosineDecay`."""
    schedule = schedules.CosineDecay(learning_rate, decay_steps, alpha, name)
    return _at(schedule, global_step)


def cosine_decay_restarts(
    learning_rate: TensorLike,
    global_step: TensorLike,
    first_decay_steps: TensorLike,
    t_mul: TensorLike = 2.0,
    m_mul: TensorLike = 1.0,
    alpha: TensorLike = 0.0,
    name: str | None = None,
) -> Any:
    """Half a cosine wave again and again. See `schedules.CosineDecayRestarts`."""
    schedule = schedules.CosineDecayRestarts(
        learning_rate, first_decay_steps, t_mul, m_mul, alpha, name
    )
    return _at(schedule, global_step)


def linear_cosine_decay(
    learning_rate: TensorLike,
    global_step: TensorLike,
    decay_steps: TensorLike,
    num_periods: TensorLike = 0.5,
    alpha: TensorLike = 0.0,
    beta: TensorLike = 0.001,
    name: str | None = None,
) -> Any:
    """A falling cosine wave. See `schedules.LinearCosineDecay`."""
    schedule = schedules.LinearCosineDecay(
        learning_rate, decay_steps, num_periods, alpha, beta, name
    )
    return _at(schedule, global_step)


def noisy_linear_cosine_decay(
    learning_rate: TensorLike,
    global_step: TensorLike,
    decay_steps: TensorLike,
    initial_variance: TensorLike = 1.0,
    variance_decay: TensorLike = 0.55,
    num_periods: TensorLike = 0.5,
    alpha: TensorLike = 0.0,
    beta: TensorLike = 0.001,
    name: str | None = None,
) -> Any:
    """A falling cosine wave with noise. See `schedules.NoisyLinearCosineDecay`."""
    schedule = schedules.NoisyLinearCosineDecay(
        learning_rate,
        decay_steps,
        initial_variance,
        variance_decay,
        num_periods,
        alpha,
        beta,
        name,
    )
    return _at(schedule, global_step)
