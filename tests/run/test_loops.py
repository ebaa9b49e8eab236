"""Compiled loops and branches, with the lists their gradients keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.arrays.xla import told

X = np.array([1.0, 0.5, -0.3], np.float32)


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


class Model:
    """A placeholder for a number of turns, one for a vector, and a variable."""

    def __init__(self) -> None:
        self.n = tf.placeholder(tf.int32, [])
        self.x = tf.placeholder(tf.float32, [3])
        self.w = tf.get_variable("w", initializer=0.5, use_resource=True)


def session(tier: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RETROGRAD_TIER", str(tier))
    made = tf.Session()
    made.run(tf.global_variables_initializer())
    return made


def variants(session: Any) -> list[Any]:
    """The compiled forms of all stages that the session holds."""
    found = []
    for executable in session._executables.values():
        for _, stage in getattr(executable.runner.run, "stages", ()):
            found += [v for v in getattr(stage, "variants", {}).values() if v]
    return found


def powers(m: Model) -> Any:
    """A loop of a number of turns that only the run knows."""
    return tf.while_loop(
        lambda i, a: i < m.n, lambda i, a: (i + 1, a * m.x * m.w), (0, tf.ones([3]))
    )[1]


def fixed(m: Model) -> Any:
    """A loop of five turns."""
    return tf.while_loop(
        lambda i, a: i < 5, lambda i, a: (i + 1, a * m.x * m.w), (0, tf.ones([3]))
    )[1]


def nested(m: Model) -> Any:
    """A loop whose turns are loops of different lengths."""

    def body(i: Any, a: Any) -> Any:
        inner = tf.while_loop(
            lambda j, q: j < i + 1, lambda j, q: (j + 1, q * m.w + a), (0, m.x)
        )
        return i + 1, inner[1] * 0.1

    return tf.while_loop(lambda i, a: i < m.n, body, (0, tf.ones([3])))[1]


def branching(m: Model) -> Any:
    """A loop with a branch that keeps more for its gradient than the other."""

    def body(i: Any, a: Any) -> Any:
        return i + 1, tf.cond(i > 1, lambda: a * m.x * a, lambda: a + m.w)

    return tf.while_loop(lambda i, a: i < 4, body, (0, tf.ones([3])))[1]


def array(m: Model) -> Any:
    """A loop that writes into a TensorArray, another that reads it."""

    def write(i: Any, ta: Any) -> Any:
        return i + 1, ta.write(i, m.x * tf.cast(i, tf.float32) * m.w)

    start = tf.TensorArray(tf.float32, 4, clear_after_read=False)
    written = tf.while_loop(lambda i, ta: i < 4, write, (0, start))[1]
    total = tf.while_loop(
        lambda i, s: i < 4, lambda i, s: (i + 1, s * 0.5 + written.read(i)), (0, m.x)
    )[1]
    return written.stack() + total


def collected(m: Model) -> Any:
    """A list that a branch changes."""
    ta = tf.TensorArray(tf.float32, 3).scatter([1, 2], tf.stack([m.x, m.x * m.w]))
    chosen = tf.cond(m.x[0] > 0.0, lambda: ta.write(0, m.x * m.x).stack(), ta.stack)
    return chosen


PROGRAMS: list[Callable[[Model], Any]] = [
    powers,
    fixed,
    nested,
    branching,
    array,
    collected,
    lambda m: tf.cond(m.x[0] > 0.0, lambda: m.x * m.w, lambda: m.x - 1.0),
    lambda m: tf.switch_case(m.n, [lambda: m.x, lambda: m.w * m.x, lambda: m.x - m.w]),
    lambda m: tf.map_fn(lambda v: tf.sin(v) * m.w, m.x),
    lambda m: tf.scan(lambda p, v: p * v * m.w, m.x),
    lambda m: tf.foldl(lambda p, v: p * m.w + v * v, m.x),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_compiled_gradients(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and gradients are those of tier 0, in one compiled stage."""
    m = Model()
    y = program(m)
    feed = {m.x: X, m.n: 3}
    first = tf.gradients(y, [m.x, m.w])
    fetches = [y, first]
    with session(0, monkeypatch) as s:
        expected = s.run(fetches, feed)
    with session(1, monkeypatch) as s:
        given = s.run(fetches, feed)
        assert len(variants(s)) == 1, "not one stage"
    np.testing.assert_allclose(given[0], expected[0], rtol=1e-5)
    for a, b in zip(given[1], expected[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("program", [powers, fixed])
def test_compiled_second_derivatives(
    program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    m = Model()
    first = tf.gradients(program(m), m.w)[0]
    second = tf.gradients(first, [m.x, m.w])
    feed = {m.x: X, m.n: 4}
    with session(0, monkeypatch) as s:
        expected = s.run(second, feed)
    with session(1, monkeypatch) as s:
        given = s.run(second, feed)
        assert len(variants(s)) == 1
        assert bool(variants(s)[0].tells & told.NO_ROOM) is (program is powers)
    for a, b in zip(given, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)


def test_more_turns_than_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that needs more room is done again; variables change once."""
    m = Model()
    slope = tf.gradients(tf.reduce_sum(powers(m)), m.w)[0]
    step = m.w.assign_add(0.001 * slope)
    ones = np.ones(3, np.float32)
    results = []
    for tier in (0, 1):
        with session(tier, monkeypatch) as s:
            s.run(m.w.assign(0.999))
            found = []
            for count in (3, 100, 100, 400, 5):
                s.run(step, {m.x: ones, m.n: count})
                found.append(s.run(m.w))
            results.append(found)
            if tier == 1:
                assert any(v.tells & told.NO_ROOM for v in variants(s))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4)


def test_length_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other numbers of turns need no other program."""
    m = Model()
    slope = tf.gradients(powers(m), m.w)[0]
    with session(1, monkeypatch) as s:
        for count in range(2, 9):
            s.run(slope, {m.x: X, m.n: count})
        assert len(variants(s)) == 1


def test_lists_stay_on_one_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compiled does not hand lists to what is not."""
    m = Model()
    first = powers(m)
    seen = tf.py_func(lambda v: v * 2, [first], tf.float32)
    seen.set_shape([3])
    slope = tf.gradients(first, m.x, grad_ys=seen)[0]
    feed = {m.x: X, m.n: 3}
    with session(0, monkeypatch) as s:
        expected = s.run(slope, feed)
    with session(1, monkeypatch) as s:
        np.testing.assert_allclose(s.run(slope, feed), expected, rtol=1e-5)
