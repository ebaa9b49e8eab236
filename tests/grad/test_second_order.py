"""Hessians, products with them, and Jacobians of batches."""

import numpy as np
import pytest

import retrograd as tf
from retrograd.grad.second_order import _hessian_vector_product
from retrograd.graph import context

X = np.array([1.0, 2.0, 3.0], np.float32)
W = np.array([1.0, 2.0, 3.0], np.float32)
#: of Σ wᵢ xᵢ³ + (Σ xᵢ)²
HESSIAN = np.diag(6 * W * X) + 2


def cubic(x):
    return tf.reduce_sum(x**3 * W) + tf.reduce_sum(x) ** 2


@pytest.mark.parametrize("size", [3, None])
def test_hessians(size):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [size])
        (hessian,) = tf.hessians(cubic(x), x)
        assert hessian.shape.as_list() == [size, size]
        assert np.allclose(session.run(hessian, {x: X}), HESSIAN)


def test_hessian_of_a_matrix():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
        y = tf.constant([2.0])
        ys = [tf.reduce_sum(x**3), tf.reduce_sum(y**2 * x[0, 0])]
        of_x, of_y = tf.compat.v2.hessians(ys, [x, y])
        value = session.run(of_x)
        assert value.shape == (2, 2, 2, 2)
        assert np.allclose(value.reshape(4, 4), np.diag([6, 12, 18, 24]))
        assert np.allclose(session.run(of_y), [[2.0]])


def test_hessian_vector_product():
    with tf.Graph().as_default(), tf.Session() as session:
        x, v = tf.constant(X), tf.constant([1.0, 0.0, -1.0])
        (product,) = _hessian_vector_product(cubic(x), [x], [v])
        assert np.allclose(session.run(product), HESSIAN @ [1, 0, -1])
        with pytest.raises(ValueError, match="xs and v must have the same length"):
            _hessian_vector_product(cubic(x), [x], [])


def squares(x):
    """Row i: (xᵢ₀², xᵢ₀ xᵢ₁)."""
    return tf.stack([x[:, 0] ** 2, x[:, 0] * x[:, 1]], axis=1)


ROWS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)
JACOBIAN = np.array([[[2 * a, 0], [b, a]] for a, b in ROWS])


def test_batch_jacobian_at_once():
    with context.eager_mode():
        x = tf.constant(ROWS)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = squares(x)
        assert np.allclose(tape.batch_jacobian(y, x).numpy(), JACOBIAN)
        with pytest.raises(RuntimeError, match="persistent"):
            tape.gradient(y, x)


@pytest.mark.parametrize("rows", [3, None])
def test_batch_jacobian_in_a_graph(rows):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [rows, 2])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = squares(x)
        jacobian = tape.batch_jacobian(y, x)
        assert np.allclose(session.run(jacobian, {x: ROWS}), JACOBIAN)


def test_batch_jacobian_of_what_does_not_depend():
    with context.eager_mode():
        x = tf.constant(ROWS)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.ones([3, 4])
        assert not tape.batch_jacobian(y, x).numpy().any()


def test_batch_jacobian_refuses():
    with context.eager_mode():
        x = tf.constant(ROWS)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = squares(x)[:2]
        with pytest.raises(ValueError) as caught:
            tape.batch_jacobian(y, x)
        assert str(caught.value) == (
            "Need first dimension of target shape ((2, 2)) and source shape ((3, 2)) "
            "to match."
        )
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = squares(x)
        with pytest.raises(RuntimeError, match="must be created with persistent=True"):
            tape.batch_jacobian(y, x, experimental_use_pfor=False)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [3, None])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        with pytest.raises(ValueError, match="is not known"):
            tape.batch_jacobian(y, x)
