"""Gradients that a program gives: custom_gradient, recompute_grad, py_function."""

import numpy as np
import pytest

import retrograd as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def values(tensors):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [
            None if t is None else np.asarray(session.run(t)).tolist() for t in tensors
        ]


def product_with(w, factor=1.0):
    @tf.custom_gradient
    def product(x):
        def grad(dy, variables=None):
            return dy * w, [dy * x * factor for _ in variables]

        return x * w, grad

    return product


# ------------------------------------------------------------------ custom_gradient


@pytest.mark.parametrize("resource", [True, False])
def test_a_captured_variable(resource):
    w = tf.get_variable("w", initializer=2.0, use_resource=resource)
    x = tf.constant(5.0)
    assert values(tf.gradients(product_with(w, 7.0)(x), [x, w])) == [2, 35]
    assert values(tf.gradients(product_with(w)(x * w), [x, w])) == [4, 20]


def test_what_a_captured_variable_leads_to():
    w = tf.get_variable("w", initializer=2.0, use_resource=False)
    x = tf.constant(5.0)
    assert values(tf.gradients(product_with(w * 3.0)(x), [x, w])) == [6, 5]


def test_a_reference_variable_that_the_function_makes():
    @tf.custom_gradient
    def product(x):
        w = tf.get_variable("w", initializer=2.0, use_resource=False)
        return x * w, lambda dy, variables=None: (dy * w, [dy * x])

    with pytest.raises(TypeError, match="must be `ResourceVariable`s"):
        product(tf.constant(5.0))


def test_a_gradient_that_expects_variables_where_there_are_none():
    @tf.custom_gradient
    def double(x):
        return x * 2.0, lambda dy, variables=None: dy * 3.0

    x = tf.constant(5.0)
    with pytest.raises(TypeError) as caught:
        double(x)
    assert str(caught.value) == (
        "If using @custom_gradient with a function that uses variables, the enclosing "
        "variable scope must have use_resource=True."
    )
    with tf.variable_scope("resources", use_resource=True):
        assert values(tf.gradients(double(x), x)) == [3]


# ------------------------------------------------------------------ recompute_grad


@pytest.fixture
def w():
    with tf.variable_scope("m", use_resource=True):
        yield tf.get_variable("w", initializer=2.0)


def test_what_lies_before_the_arguments_counts_once(w):
    x = tf.constant(3.0)
    by_w = tf.recompute_grad(lambda t: t * w)
    assert values(tf.gradients(by_w(by_w(x)), w)) == [12]
    assert values(tf.gradients(by_w(x * w), w)) == [12]
    product = tf.recompute_grad(lambda a, b: a * b)
    assert values(tf.gradients(product(x, x * 2.0), x)) == [12]


def test_captured_tensors_are_constant_and_second_derivatives_exist(w):
    x = tf.constant(3.0)
    c = x * 5.0
    y = tf.recompute_grad(lambda t: t * w * c)(x * w)
    assert values(tf.gradients(y, [x, w, c])) == [60, 180, None]
    cubed = tf.recompute_grad(lambda t: t * t * t)
    y = cubed(cubed(x))
    (first,) = tf.gradients(y, x)
    assert values([first, *tf.gradients(first, x)]) == [59049, 157464]


def test_recomputing_with_a_reference_variable():
    v = tf.get_variable("v", initializer=2.0, use_resource=False)
    x = tf.constant(3.0)
    y = tf.recompute_grad(lambda t: t * v * v)(x * v)
    assert values(tf.gradients(y, [x, v])) == [8, 36]


# ------------------------------------------------------------------ py_function


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda t: t.numpy() ** 2, [9, 0]),
        (lambda t: 5.0, [5, 0]),
        (lambda t: np.float32(t), [3, 0]),
        (lambda t: t * t, [9, 6]),
    ],
)
def test_a_python_function_that_returns_no_tensor(function, expected):
    a = tf.get_variable("a", initializer=3.0)
    y = tf.py_function(function, [a], tf.float32)
    assert values([y, *tf.gradients(y, a)]) == expected


def test_a_python_function_of_which_one_result_is_a_tensor():
    a = tf.get_variable("a", initializer=3.0)
    ys = tf.py_function(lambda t: [t * t, t.numpy()], [a], [tf.float32, tf.float32])
    assert values([*ys, *tf.gradients(ys, a)]) == [9, 3, 6]
