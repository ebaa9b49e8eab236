"""Moving averages: their arithmetic, names and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.context import eager_mode
from retrograd.train.moving_averages import (
    assign_moving_average,
    weighted_moving_average,
)


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as made:
        yield made


def test_average_follows_the_training_step() -> None:
    """After a step, in one run, the average takes up the new value."""
    w = tf.Variable(1.0, name="w")
    train = tf.train.GradientDescentOptimizer(1.0).minimize(w)
    average = tf.train.ExponentialMovingAverage(0.5)
    with tf.control_dependencies([train]):
        step = average.apply([w])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        assert session.run([w, average.average(w)]) == [0.0, 0.5]


def test_names_and_restoring(graph: Any) -> None:
    w = tf.Variable(1.0, name="w")
    other = tf.Variable(2.0, name="other", trainable=False)
    average = tf.train.ExponentialMovingAverage(0.9, name="ema")
    assert average.average(w) is None
    assert average.average_name(w) == "w/ema"
    average.apply()
    assert average.average(w).op.name == average.average_name(w) == "w/ema"
    assert average.average(other) is None
    assert graph.get_collection("moving_average_variables") == [w]
    names = average.variables_to_restore()
    assert names["w/ema"] is w
    assert names["other"] is other
    assert sorted(names) == ["other", "w/ema"]


@pytest.mark.parametrize("debias", [False, True])
def test_bias_of_beginning_at_zero(debias: bool) -> None:
    v = tf.Variable(0.0, name="v")
    update = assign_moving_average(v, tf.constant(4.0), 0.75, zero_debias=debias)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = [session.run(update) for _ in range(3)]
    wanted = [4.0] * 3 if debias else [1.0, 1.75, 2.3125]
    np.testing.assert_allclose(found, wanted, 1e-6)


def test_shadows_have_names_of_their_own() -> None:
    with tf.variable_scope("a"):
        v = tf.get_variable("v", [], initializer=tf.zeros_initializer())
        assign_moving_average(v, 1.0, 0.9)
        assign_moving_average(v, 2.0, 0.9)
    names = [x.op.name for x in tf.global_variables()]
    assert names == [
        "a/v",
        "a/a/v/biased",
        "a/a/v/local_step",
        "a/a/v/biased_1",
        "a/a/v/local_step_1",
    ]


def test_weighted() -> None:
    value, weight = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    average = weighted_moving_average(value, 0.5, weight)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        first = session.run(average, {value: 10.0, weight: 1.0})
        second = session.run(average, {value: 4.0, weight: 3.0})
    assert first == 10.0
    assert second == pytest.approx((0.25 * 10 + 0.5 * 12) / (0.25 + 0.5 * 3))


def test_refusals() -> None:
    average = tf.train.ExponentialMovingAverage(0.9)
    whole = tf.Variable(1, name="whole")
    with pytest.raises(TypeError, match="must be half, float, or double: whole:0"):
        average.apply([whole])
    with eager_mode(), pytest.raises(TypeError, match="does not support non-Variable"):
        average.apply([tf.constant(1.0)])
