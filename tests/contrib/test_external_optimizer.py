"""Losses minimized by SciPy: examples whose minimum is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf


@pytest.fixture
def session() -> Iterator[Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def _minimized(session: Any, variable: Any, optimizer: Any, **options: Any) -> Any:
    session.run(tf.global_variables_initializer())
    optimizer.minimize(session, **options)
    return session.run(variable)


def _interface(*args: Any, **options: Any) -> Any:
    return tf.contrib.opt.ScipyOptimizerInterface(*args, **options)


def test_without_bounds(session: Any) -> None:
    x = tf.Variable([7.0, 7.0])
    scale = tf.placeholder(tf.float32, [])
    loss = scale * tf.reduce_sum(tf.square(x - [1.0, 2.0]))
    optimizer = _interface(loss, options={"maxiter": 100})
    losses: list[float] = []
    steps: list[Any] = []
    found = _minimized(
        session,
        x,
        optimizer,
        feed_dict={scale: 3.0},
        fetches=[loss],
        loss_callback=losses.append,
        step_callback=steps.append,
    )
    np.testing.assert_allclose(found, [1, 2], atol=1e-4)
    assert losses[0] == 3 * (36 + 25)
    assert losses[-1] < 1e-6
    np.testing.assert_allclose(steps[-1], found, atol=1e-6)


def test_bounds(session: Any) -> None:
    x = tf.Variable([7.0, 7.0])
    unused = tf.Variable([[3.0]])
    optimizer = _interface(
        tf.reduce_sum(tf.square(x)), var_to_bounds={x: ([1, 2], np.inf)}
    )
    found = _minimized(session, [x, unused], optimizer)
    np.testing.assert_allclose(found[0], [1, 2], atol=1e-4)
    assert found[1].tolist() == [[3]]


def test_equalities_and_inequalities(session: Any) -> None:
    x = tf.Variable([7.0, 7.0])
    optimizer = _interface(
        tf.reduce_sum(tf.square(x)),
        equalities=[x[1] - 1.0],
        inequalities=[x[0] - 2.0],
        method="SLSQP",
    )
    np.testing.assert_allclose(_minimized(session, x, optimizer), [2, 1], atol=1e-4)


def test_several_variables_are_one_vector(session: Any) -> None:
    x, y = tf.Variable([1.0, 2.0]), tf.Variable([[3.0], [4.0]])

    class Halved(tf.contrib.opt.ExternalOptimizerInterface):
        def _minimize(self, *, initial_val: Any, loss_grad_func: Any, **_: Any) -> Any:
            loss, slopes = loss_grad_func(initial_val)
            assert loss == 3 * 1 + 3 * 2 + 3 + 4
            assert slopes.tolist() == [3, 3, 1, 1]
            return initial_val / 2

    optimizer = Halved(3 * tf.reduce_sum(x) + tf.reduce_sum(y))
    found = _minimized(session, [x, y], optimizer)
    assert [v.tolist() for v in found] == [[0.5, 1.0], [[1.5], [2.0]]]


def test_what_is_refused(session: Any) -> None:
    x = tf.Variable(1.0)
    with pytest.raises(ValueError, match="using the var_to_bounds argument"):
        _minimized(session, x, _interface(x * x, bounds=[(0, 1)]))
    with pytest.raises(ValueError, match="'jac' is set automatically"):
        _minimized(session, x, _interface(x * x, jac=False))
    with pytest.raises(NotImplementedError, match="subclass from it"):
        _minimized(session, x, tf.contrib.opt.ExternalOptimizerInterface(x * x))
