"""Gradients of functions against differences, in both styles."""

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.testing import gradients


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


@tf.custom_gradient
def slightly_wrong(x):
    return tf.exp(x), lambda dy: dy * tf.exp(x) * 1.001


def of_functions():
    x, y = np.array([1.0, 2.0]), np.array(3.0)
    return gradients.compute_gradient(lambda a, b: a * a * b, [x, y])


def test_function_in_a_session(session):
    theoretical, numeric = of_functions()
    np.testing.assert_allclose(theoretical[0], np.diag([6.0, 12.0]))
    np.testing.assert_allclose(theoretical[1], [[1.0, 4.0]])
    assert gradients.max_error(theoretical, numeric) < 1e-8


def test_wrong_function_is_found(session):
    pair = gradients.compute_gradient(slightly_wrong, [np.array(2.0)])
    assert gradients.max_error(*pair) > 0.007


def test_function_needs_a_list(session):
    with pytest.raises(ValueError, match="must be a list of Tensors"):
        gradients.compute_gradient(tf.exp, np.array(2.0))


def test_function_run_eagerly():
    with context.eager_mode():
        theoretical, numeric = of_functions()
    np.testing.assert_allclose(theoretical[0], np.diag([6.0, 12.0]))
    np.testing.assert_allclose(theoretical[1], [[1.0, 4.0]])
    assert gradients.max_error(theoretical, numeric) < 1e-8


def test_values_of_sparse_gradients(session):
    x = tf.constant([1.0, 2.0, 3.0])
    (rows,) = tf.gradients(tf.gather(x, [2, 0, 2]), x)
    assert list(gradients.to_array(session.run(rows))) == [1, 0, 2]
    assert list(gradients.to_array(x)) == [1, 2, 3]
    assert gradients.to_array("text") == "text"
