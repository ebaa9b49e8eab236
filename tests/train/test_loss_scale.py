"""Loss scales, and the optimizer that uses them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.context import eager_mode
from retrograd.train import loss_scale as loss_scales

E = tf.train.experimental

#: what TensorFlow 1.15 gives for the factors in `FACTORS`
FACTORS = [1.0, 1.0, 1.0, float("nan"), 1.0, 1.0]
VALUES = [-1.0, 0.0, 0.5, 0.5, -0.25, -0.125]
SCALES = [4.0, 8.0, 8.0, 4.0, 4.0, 8.0]


def _optimizer() -> Any:
    return E.MixedPrecisionLossScaleOptimizer(
        tf.train.MomentumOptimizer(1.0, 0.5), E.DynamicLossScale(4, 2, 2.0)
    )


def test_a_step_that_is_not_finite_is_left_out() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        factor = tf.placeholder(tf.float32, [])
        v = tf.Variable([1.0, 2.0])
        optimizer = _optimizer()
        train = optimizer.minimize(tf.reduce_sum(v * v) * factor)
        session.run(tf.global_variables_initializer())
        for f, value, scale in zip(FACTORS, VALUES, SCALES, strict=True):
            session.run(train, {factor: f})
            found = session.run([v, optimizer._loss_scale()])
            np.testing.assert_allclose(found[0], [value, 2 * value])
            assert found[1] == scale


def test_run_at_once() -> None:
    with eager_mode():
        v = tf.Variable([1.0, 2.0])
        optimizer = _optimizer()
        for f, value, scale in zip(FACTORS, VALUES, SCALES, strict=True):
            optimizer.minimize(lambda f=f: tf.reduce_sum(v * v) * f, var_list=[v])
            np.testing.assert_allclose(v.numpy(), [value, 2 * value])
            assert optimizer._loss_scale().numpy() == scale


def test_fixed_scale_of_dense_and_sparse_gradients() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable([[1.0], [2.0]])
        optimizer = E.MixedPrecisionLossScaleOptimizer(
            tf.train.GradientDescentOptimizer(1.0), 8
        )
        sparse = optimizer.compute_gradients(tf.reduce_sum(tf.gather(v, [1])))
        train = optimizer.minimize(tf.reduce_sum(v * 0.5))
        session.run(tf.global_variables_initializer())
        assert session.run(sparse[0][0].values) == [[1.0]]
        session.run(train)
        np.testing.assert_array_equal(session.run(v), [[0.5], [1.5]])


def test_configuration() -> None:
    with tf.Graph().as_default():
        for scale in (E.FixedLossScale(3), E.DynamicLossScale(2, 5, 3)):
            again = type(scale).from_config(scale.get_config())
            assert repr(again) == repr(scale)
        assert repr(E.FixedLossScale(3)) == "FixedLossScale(3.0)"
        assert isinstance(loss_scales.get("dynamic"), E.DynamicLossScale)
        assert loss_scales.get(None) is None


def test_refusals() -> None:
    with pytest.raises(ValueError, match="must be a Python int or float"):
        E.FixedLossScale("3")
    with pytest.raises(ValueError, match="must be at least 1"):
        E.FixedLossScale(0.5)
    with pytest.raises(ValueError, match="Could not interpret loss scale identifier"):
        loss_scales.get("other")
    with pytest.raises(ValueError, match='"opt" must be an instance of Optimizer'):
        E.MixedPrecisionLossScaleOptimizer(1, 2)
