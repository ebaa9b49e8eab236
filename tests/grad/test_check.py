"""Gradient checks: right Jacobians, in both styles, and wrong gradients found."""

import numpy as np
import pytest

import retrograd as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def jacobians(x, y, at, **kwargs):
    return tf.test.compute_gradient(
        x, list(at.shape), y, y.shape.as_list(), x_init_value=at, **kwargs
    )


def test_square(session):
    at = np.array([1.0, 2.0], np.float64)
    x = tf.placeholder(tf.float64, [2])
    theoretical, numeric = jacobians(x, tf.square(x), at)
    np.testing.assert_allclose(theoretical, np.diag([2.0, 4.0]))
    np.testing.assert_allclose(numeric, np.diag([2.0, 4.0]), atol=1e-9)


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_are_elements_of_x(session, order):
    at = np.asarray(np.arange(6.0).reshape(2, 3), order=order)
    x = tf.placeholder(tf.float64, [2, 3])
    theoretical, numeric = jacobians(x, tf.reduce_sum(x, axis=1), at)
    want = np.kron(np.eye(2), np.ones((3, 1)))
    np.testing.assert_allclose(theoretical, want)
    np.testing.assert_allclose(numeric, want, atol=1e-9)


def test_complex_counts_as_pairs_of_reals(session):
    at = np.array([1 + 2j], np.complex128)
    x = tf.placeholder(tf.complex128, [1])
    theoretical, numeric = jacobians(x, x * x, at)
    want = [[2.0, 4.0], [-4.0, 2.0]]
    np.testing.assert_allclose(theoretical, want)
    np.testing.assert_allclose(numeric, want, atol=1e-8)


def test_rows_of_a_sparse_gradient_add_up(session):
    at = np.ones((3, 2), np.float32)
    x = tf.placeholder(tf.float32, [3, 2])
    theoretical, numeric = jacobians(x, tf.gather(x, [2, 0, 2]), at)
    np.testing.assert_allclose(theoretical, numeric, atol=1e-3)
    assert theoretical[4:].sum() == 4


def test_list_of_tensors_and_other_feeds(session):
    x, y = (tf.constant(n, tf.float64) for n in (3.0, 5.0))
    z = tf.placeholder(tf.float64, [])
    product = x * y * z
    values = [np.array(3.0), np.array(5.0)]
    pairs = tf.test.compute_gradient(
        [x, y], [[], []], product, [], values, extra_feed_dict={z: 7.0}
    )
    assert [t.item() for t, _ in pairs] == [35.0, 21.0]
    error = tf.test.compute_gradient_error(
        [x, y], [[], []], product, [], values, extra_feed_dict={z: 7.0}
    )
    assert error < 1e-9


def test_init_targets_run_first(session):
    w = tf.Variable(3.0, dtype=tf.float64)
    x = tf.placeholder(tf.float64, [])
    theoretical, _ = jacobians(x, w * x, np.array(1.0), init_targets=[w.initializer])
    assert theoretical.item() == 3.0


def test_random_point_in_the_unit_interval(session):
    x = tf.placeholder(tf.float64, [4])
    theoretical, _ = tf.test.compute_gradient(x, [4], tf.square(x), [4])
    point = np.diag(theoretical) / 2
    assert ((point >= 0) & (point < 1)).all()
    assert len(set(point)) == 4


def test_empty_result(session):
    x = tf.placeholder(tf.float64, [2])
    error = tf.test.compute_gradient_error(x, [2], x[:0], [0])
    assert error == 0


def test_no_gradient(session):
    x = tf.placeholder(tf.float64, [])
    with pytest.raises(AssertionError, match="dx = None"):
        tf.test.compute_gradient(x, [], tf.floor(x), [])


def test_integers_are_refused(session):
    x = tf.placeholder(tf.int32, [])
    y = tf.cast(x, tf.float32)
    with pytest.raises(AssertionError):
        tf.test.compute_gradient(x, [], y, [])


@tf.custom_gradient
def slightly_wrong(x):
    return tf.exp(x), lambda dy: dy * tf.exp(x) * 1.001


def test_wrong_by_a_thousandth_is_found(session):
    x = tf.placeholder(tf.float64, [])
    error = tf.test.compute_gradient_error(x, [], slightly_wrong(x), [], np.array(2.0))
    assert error > 0.007
    right = tf.test.compute_gradient_error(x, [], tf.exp(x), [], np.array(2.0))
    assert right < 1e-5
