"""Derivatives of loops that read and write variables: of the values that were read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def _run(fetches: Any) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches)


def _directly(v: Any, i: Any) -> Any:
    del i
    return v.assign_add(1.0)


def _in_a_branch(v: Any, i: Any) -> Any:
    return tf.cond(i < 10, lambda: tf.identity(v.assign_add(1.0)), lambda: 0.0)


def _in_a_loop(v: Any, i: Any) -> Any:
    del i

    def inner(j: Any) -> Any:
        with tf.control_dependencies([v.assign_add(1.0)]):
            return j + 1

    return tf.while_loop(lambda j: j < 1, inner, [0])


def _in_a_call(v: Any, i: Any) -> Any:
    del i

    @tf.function
    def add() -> Any:
        v.assign_add(1.0)
        return tf.constant(0.0)

    return add()


@pytest.mark.parametrize("write", [_directly, _in_a_branch, _in_a_loop, _in_a_call])
def test_a_variable_that_is_written_in_the_loop(
    write: Callable[[Any, Any], Any],
) -> None:
    v = tf.get_variable("v", [], initializer=tf.ones_initializer(), use_resource=True)

    def body(i: Any, x: Any) -> Any:
        with tf.control_dependencies([write(v, i)]):
            return i + 1, x * v.read_value()

    x = tf.constant(1.0)
    _, y = tf.while_loop(lambda i, x: i < 3, body, [0, x])
    # 2 · 3 · 4
    assert _run([y, *tf.gradients(y, x)]) == [24, 24]


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (lambda v: tf.assign_add(v, [1.0, 1.0]), [11 * 12 * 13, 11 * 12 * 13]),
        (lambda v: tf.assign_sub(v, [1.0, 1.0]), [9 * 8 * 7, 9 * 8 * 7]),
        (lambda v: tf.scatter_add(v, [0], [1.0]), [11 * 12 * 13, 1000]),
    ],
)
def test_the_value_of_an_update_of_a_reference_variable(
    change: Callable[[Any], Any], want: list[float]
) -> None:
    start = tf.constant_initializer(10.0)
    v = tf.get_variable("v", [2], initializer=start, use_resource=False)
    x = tf.constant([1.0, 1.0])
    loop = tf.while_loop(
        lambda i, x: i < 3, lambda i, x: (i + 1, x * change(v)), [0, x]
    )
    value, slope = _run([loop[1], *tf.gradients(loop[1], x)])
    assert value.tolist() == want
    assert slope.tolist() == want


def test_the_value_that_the_loop_read_counts_not_a_later_one() -> None:
    v = tf.get_variable("v", [], initializer=tf.ones_initializer(), use_resource=True)
    x = tf.constant(2.0)
    _, y = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * v), [0, x])
    with tf.control_dependencies([y]), tf.control_dependencies([v.assign(10.0)]):
        slopes = tf.gradients(y, [x, v])
    assert _run(slopes) == [1, 6]


def _histories() -> list[str]:
    ops = tf.get_default_graph().get_operations()
    return [op.name for op in ops if op.type == "EmptyTensorList"]


def test_a_table_that_is_only_read_is_not_kept_in_every_turn() -> None:
    table = tf.get_variable("table", [5, 3], use_resource=True)
    w = tf.get_variable("w", [3, 3], use_resource=True)

    def body(i: Any, h: Any) -> Any:
        row = tf.nn.embedding_lookup(table, [i % 5])
        return i + 1, tf.tanh(tf.matmul(h, w) + row)

    _, h = tf.while_loop(lambda i, h: i < 4, body, [0, tf.zeros([1, 3])])
    slope = tf.gradients(h, w)[0]
    assert len(_histories()) == 2  # of h and of tanh
    assert np.all(np.isfinite(_run(slope)))
