"""The initializers of `tf.contrib.layers` against TensorFlow 1.15's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf

HE = dict(factor=2.0, mode="FAN_IN", uniform=False)
XAVIER = dict(factor=1.0, mode="FAN_AVG", uniform=True)
WIDE = dict(factor=3.0, mode="FAN_OUT", uniform=True)
# the first numbers drawn with a graph seed of 5 and an operation's of 7
DRAWN: list[tuple[list[int], dict[str, Any], list[float]]] = [
    ([3, 4], HE, [-0.8122782, -0.8567852, 1.4528577]),
    ([3, 4], XAVIER, [-0.0972782, 0.2235985, -0.4461169]),
    ([3, 4], WIDE, [-0.1576087, 0.362271, -0.722792]),
    ([2, 3, 4, 5], HE, [-0.2871837, -0.3029193, 0.5136628]),
    ([2, 3, 4, 5], XAVIER, [-0.0350242, 0.0805047, -0.1606205]),
    ([2, 3, 4, 5], WIDE, [-0.0575506, 0.1322827, -0.2639264]),
    ([6], HE, [-0.5743675, -0.6058387, 1.0273256]),
    ([6], XAVIER, [-0.0742975, 0.1707762, -0.3407274]),
    ([6], WIDE, [-0.128687, 0.2957931, -0.5901573]),
]


@pytest.mark.parametrize(("shape", "options", "wanted"), DRAWN)
def test_numbers(shape: list[int], options: dict[str, Any], wanted: list[float]):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(5)
        make = tf.contrib.layers.variance_scaling_initializer(seed=7, **options)
        value = session.run(make(shape))
    assert (value.shape, value.dtype) == (tuple(shape), np.float32)
    np.testing.assert_allclose(value.reshape(-1)[:3], wanted, atol=2e-7)


def test_a_variable_of_its_own_type():
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", [], tf.float64, tf.contrib.layers.xavier_initializer())
        session.run(tf.global_variables_initializer())
        assert session.run(w).dtype == np.float64
        assert abs(session.run(w)) < np.sqrt(3)


def test_what_is_refused():
    with pytest.raises(TypeError, match="non-floating"):
        tf.contrib.layers.xavier_initializer(dtype=tf.int32)
    with pytest.raises(TypeError, match="Unknown mode"):
        tf.contrib.layers.variance_scaling_initializer(mode="AVG")
    with tf.Graph().as_default(), pytest.raises(TypeError, match="non-floating"):
        tf.contrib.layers.xavier_initializer()([2], dtype=tf.int64)
