"""Subscripts of tensors against NumPy's, when built, when run, and backwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrograd as tf

SHAPE = (4, 3, 2)
VALUE = np.arange(24, dtype=np.float64).reshape(SHAPE)


def _bounds(size: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(-size - 2, size + 2)


def _item(size: int) -> st.SearchStrategy[Any]:
    step = st.none() | st.integers(-3, 3).filter(bool)
    ranges = st.builds(slice, _bounds(size), _bounds(size), step)
    return ranges | st.integers(-size, size - 1)


@st.composite
def subscripts(draw: Any) -> tuple[Any, ...]:
    """Items for some of the axes, new axes and at most one ellipsis among them."""
    count = draw(st.integers(0, len(SHAPE)))
    items: list[Any] = [draw(_item(d)) for d in SHAPE[:count]]
    if draw(st.booleans()):
        items.append(Ellipsis)
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    return tuple(items)


@settings(max_examples=150, deadline=None)
@given(subscripts(), st.booleans())
def test_subscript_is_numpys(items: tuple[Any, ...], known: bool) -> None:
    expected = VALUE[items]
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float64, SHAPE if known else None)
        y = x[items]
        if known:
            assert y.shape.as_list() == list(expected.shape)
        np.testing.assert_array_equal(session.run(y, {x: VALUE}), expected)


@settings(max_examples=60, deadline=None)
@given(subscripts())
def test_gradient_goes_to_what_was_taken(items: tuple[Any, ...]) -> None:
    weights = np.arange(1.0, VALUE[items].size + 1).reshape(VALUE[items].shape)
    expected = np.zeros(SHAPE)
    expected[items] = weights
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(VALUE)
        found = tf.gradients(x[items], x, grad_ys=tf.constant(weights))[0]
        np.testing.assert_array_equal(session.run(found), expected)


@pytest.mark.parametrize("resource", [False, True])
def test_assignment_to_a_slice(resource: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=VALUE, use_resource=resource)
        session.run(tf.global_variables_initializer())
        session.run(v[1:3, ..., ::-1].assign(np.ones((2, 3, 2))))
        session.run(v[0, 0, 1].assign(7.0))
        expected = VALUE.copy()
        expected[1:3] = 1
        expected[0, 0, 1] = 7
        np.testing.assert_array_equal(session.run(v), expected)


def test_an_index_that_a_loop_counts() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float64, SHAPE)
        total = tf.while_loop(
            lambda i, s: i < 4,
            lambda i, s: (i + 1, s + x[i, 0] * x[3 - i, 2]),
            [0, tf.zeros([2], tf.float64)],
        )[1]
        backwards = tf.gradients(total, x)[0]
        found, slope = session.run([total, backwards], {x: VALUE})
    np.testing.assert_allclose(found, (VALUE[:, 0] * VALUE[::-1, 2]).sum(0))
    np.testing.assert_allclose(slope[:, 0], VALUE[::-1, 2])
    np.testing.assert_allclose(slope[:, 1], 0)


def test_eager_slices() -> None:
    from retrograd.graph import context

    with context.eager_mode():
        x = tf.constant(VALUE)
        np.testing.assert_array_equal(x[1:, ..., 0].numpy(), VALUE[1:, ..., 0])
        np.testing.assert_array_equal(x[tf.constant(2)].numpy(), VALUE[2])
