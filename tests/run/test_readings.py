"""When a reference variable is read: at the moment its value is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf


@pytest.fixture(params=["0", "1"], autouse=True)
def tier(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", request.param)


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as made:
        yield made


def test_uses_after_a_write_see_it() -> None:
    """As under TensorFlow 1.15, where a reading shares the variable's storage."""
    v = tf.Variable([1.0, 2.0])
    write = v.assign_add([1.0, 1.0])
    before = v.value() * 1.0
    with tf.control_dependencies([write]):
        after = [v.value() * 1.0, v + 0.0, tf.identity(v.value()), v.read_value() * 1.0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(3):
            found = session.run([before, v.value(), *after])
            np.testing.assert_array_equal(found[0], [1.0 + step, 2.0 + step])
            for value in found[1:]:
                np.testing.assert_array_equal(value, [2.0 + step, 3.0 + step])


def test_resource_variables_are_read_once() -> None:
    v = tf.Variable(1.0, use_resource=True)
    read = v.read_value()
    with tf.control_dependencies([read]):
        write = v.assign_add(1.0, read_value=False)
    with tf.control_dependencies([write]):
        later = read * 1.0
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([read, later]) == [1.0, 1.0]


def test_a_reading_can_be_fed() -> None:
    v = tf.Variable(1.0)
    inner = v.value()
    outer = tf.identity(inner)
    result = outer * 2.0 + inner
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([outer, result], {inner: 5.0}) == [5.0, 15.0]
        assert session.run([outer, result], {outer: 4.0}) == [4.0, 9.0]
        assert session.run([outer, result]) == [1.0, 3.0]


def test_reading_before_initialization() -> None:
    v = tf.Variable(1.0, name="v")
    reading = v.value()
    for fetch in (reading, reading.op, reading * 2.0):
        with tf.Session() as session:
            with pytest.raises(
                tf.errors.FailedPreconditionError,
                match="Attempting to use uninitialized value v",
            ):
                session.run(fetch)
