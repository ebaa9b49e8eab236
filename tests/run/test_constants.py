"""Large constants of a compiled stage: equal ones are one value."""

from __future__ import annotations

import numpy as np
import pytest

import retrograd as tf
from retrograd.run.constants import Large


def _large(*values: np.ndarray) -> tuple[Large, list[tf.Tensor]]:
    tensors = [tf.placeholder(v.dtype, v.shape) for v in values]
    return Large(dict(zip(tensors, values, strict=True)), tensors), tensors


def test_one_element_repeated_is_that_element():
    ones = np.ones((50, 40), np.float32)
    large, (first, nan, small) = _large(
        ones, np.full(2000, np.nan), np.ones(4, np.float32)
    )
    assert large.repeated[first] == (1, (50, 40))
    assert np.isnan(large.repeated[nan][0])
    assert small not in large
    assert large.arrays == []


def test_equal_arrays_are_passed_once_and_zeros_keep_their_sign():
    count = np.arange(2000.0)
    signs = np.where(count % 2 > 0, 0.0, -0.0)
    large, tensors = _large(
        count, count.copy(), count.astype(np.float32), count[:, None], signs, signs * -1
    )
    assert not large.repeated
    assert [large.places[t] for t in tensors] == [0, 0, 1, 2, 3, 4]
    assert large.arrays[0] is count


@pytest.mark.parametrize("tier", ["0", "1"])
def test_their_values_are_those_of_the_graph(tier: str, monkeypatch):
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    x = tf.placeholder(tf.float32, [2000])
    count = np.arange(2000, dtype=np.float32)
    minus = tf.constant(-0.0, tf.float32, [2000])
    y = (x + tf.constant(count)) * tf.constant(count) + tf.fill([2000], 0.5)
    with tf.Session() as session:
        got, signs = session.run([y, x * minus], {x: np.ones(2000)})
    np.testing.assert_allclose(got, (1 + count) * count + 0.5, rtol=1e-6)
    assert np.signbit(signs).all()


def test_two_gradients_of_one_result_are_one_sweep_to_the_compiler(monkeypatch):
    monkeypatch.setenv("RETROGRAD_TIER", "1")
    x, y = (tf.placeholder(tf.float32, [2000, 1]) for _ in range(2))
    w = tf.constant(np.random.RandomState(0).rand(2, 3).astype(np.float32))
    u = tf.tanh(tf.matmul(tf.concat([x, y], 1), w))
    dx, dy = tf.gradients(u, x)[0], tf.gradients(u, y)[0]
    feeds = dict.fromkeys((x, y), np.ones((2000, 1), np.float32))
    with tf.Session() as session:
        got = session.run([dx, dy], feeds)
        programs = [
            variant.compiled.as_text()
            for call in session._calls.values()
            for _, stage in call.executable.runner.run.stages
            for variant in stage.variants.values()
        ]
    weights = np.random.RandomState(0).rand(2, 3).astype(np.float32)
    slope = 1 - np.tanh(weights.sum(0)) ** 2
    np.testing.assert_allclose(got[0][0], slope @ weights[0], rtol=1e-5)
    np.testing.assert_allclose(got[1][0], slope @ weights[1], rtol=1e-5)
    # on the way back; the forward product is a sum of two multiples
    assert [p.count(" dot(") for p in programs] == [1]
