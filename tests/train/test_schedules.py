"""Learning rates: their configuration, dtypes and refusals."""

from __future__ import annotations

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.context import eager_mode
from retrograd.train import schedules

KINDS = [
    schedules.ExponentialDecay(0.1, 10, 0.9, True),
    schedules.InverseTimeDecay(0.1, 10, 0.9, name="inverse"),
    schedules.PolynomialDecay(0.1, 10, 0.01, 2.0, True),
    schedules.PiecewiseConstantDecay([1, 2], [0.3, 0.2, 0.1]),
    schedules.CosineDecay(0.1, 10, 0.5),
    schedules.CosineDecayRestarts(0.1, 10, 3.0, 0.5, 0.1),
    schedules.LinearCosineDecay(0.1, 10, 2.0, 0.1, 0.2),
    schedules.NoisyLinearCosineDecay(0.1, 10, 2.0, 0.5, num_periods=3.0),
]


@pytest.mark.parametrize("schedule", KINDS, ids=lambda s: type(s).__name__)
def test_configuration_makes_an_equal_schedule(
    schedule: schedules.LearningRateSchedule,
) -> None:
    config = schedule.get_config()
    again = type(schedule).from_config(config)
    assert again.get_config() == config
    assert vars(again) == vars(schedule)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        step = tf.constant(7, tf.int64)
        a, b = session.run([schedule(step), schedule(step)])
        if not isinstance(schedule, schedules.NoisyLinearCosineDecay):
            assert a == b


def test_base_class_is_abstract() -> None:
    base = schedules.LearningRateSchedule()
    with pytest.raises(NotImplementedError, match="must override __call__"):
        base(1)
    with pytest.raises(NotImplementedError, match="must override get_config"):
        base.get_config()


def test_dtype_is_that_of_the_rate() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        rate = tf.constant(0.1, tf.float64)
        decayed = tf.train.exponential_decay(rate, tf.Variable(5), 10, 0.5)
        assert decayed.dtype is tf.float64
        assert decayed.name == "ExponentialDecay:0"
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run(decayed), 0.1 * 0.5**0.5, 1e-12)


def test_piecewise_refusals() -> None:
    with tf.Graph().as_default():
        step = tf.constant(1, tf.int64)
        piecewise = tf.train.piecewise_constant
        with pytest.raises(ValueError, match="length of boundaries should be 1 less"):
            piecewise(step, [1], [0.1])
        with pytest.raises(ValueError, match="must have the same dtype as x"):
            piecewise(step, [1.5], [0.1, 0.2])
        with pytest.raises(ValueError, match="must have elements all with the same dt"):
            piecewise(step, [1], [0.1, 2])


def test_eager_rates_are_functions() -> None:
    with eager_mode():
        step = tf.Variable(0, name="step")
        rate = tf.train.exponential_decay(0.1, step, 1, 0.5)
        assert float(rate()) == pytest.approx(0.1)
        step.assign_add(2)
        assert float(rate()) == pytest.approx(0.025)
