"""`retrograd.memory`: what the backward pass keeps, the peak, and recomputing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given

import retrograd
import retrograd as tf
from tests.explain.healthy import BATCHES, STEPS, build, state

ROWS, SIZE = 500, 64
BYTES = ROWS * SIZE * 4


@pytest.fixture(autouse=True)
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RETROGRAD_TIER", "0")
    with tf.Graph().as_default():
        yield


def measured(loss: Any, feed_dict: Any = None) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = state(session)
        report = retrograd.memory(loss, feed_dict=feed_dict)
        assert state(session) == before
        return report


def layer(h: Any, w: Any) -> Any:
    return tf.nn.softplus(tf.tanh(tf.matmul(h, w)) * 2.0) * tf.sin(h)


def layers(count: int, function: Any = layer, rows: int = ROWS) -> tuple[Any, Any]:
    """A loss over layers with a name scope each, and its feed."""
    x = tf.placeholder(tf.float32, [rows, SIZE], name="x")
    h: Any = x
    for i in range(count):
        w = tf.get_variable(f"w{i}", [SIZE, SIZE])
        with tf.name_scope(f"l{i}"):
            h = function(h, w)
    return tf.reduce_mean(h * h), {x: np.ones((rows, SIZE), np.float32)}


def kept(report: Any) -> dict[str, int]:
    return {k.tensor.op.name: k.bytes for k in report.data.kept}


def test_what_is_kept() -> None:
    x = tf.placeholder(tf.float32, [ROWS, SIZE], name="x")
    w = tf.get_variable("w", [SIZE, SIZE])
    with tf.name_scope("in"):
        product = tf.matmul(x, w, name="product")
        y = tf.tanh(product, name="y")
    with tf.name_scope("out"):
        z = tf.add(y, 1.0, name="z")
        q = tf.square(z, name="q")
    feed = {x: np.ones((ROWS, SIZE))}
    report = measured(tf.reduce_sum(q), feed)
    # tanh's derivative needs its result, the square's its operand
    assert kept(report) == {"in/y": BYTES, "out/z": BYTES}
    assert report.data.scopes == {"in": BYTES, "out": BYTES}
    assert report.data.total == 2 * BYTES and report.data.feeds == BYTES
    assert report.data.variables == SIZE * SIZE * 4
    (of_y,) = [k for k in report.data.kept if k.tensor is y]
    assert [o.name for o in of_y.readers] == ["in/y"]
    assert "in/y:0" in report.text and "test_memory.py" in report.text


def test_a_shape_keeps_nothing() -> None:
    x = tf.placeholder(tf.float32, [None, SIZE], name="x")
    w = tf.get_variable("w", [SIZE])
    wide = tf.multiply(x, w, name="wide")
    report = measured(tf.reduce_sum(wide, name="sum"), {x: np.ones((ROWS, SIZE))})
    assert "wide" not in kept(report)
    assert ("wide", BYTES) in [(t.op.name, n) for t, n in report.data.for_shapes]
    assert "only its shape is read" in report.text


def test_another_shape_of_one_array_counts_once() -> None:
    x = tf.placeholder(tf.float32, [ROWS, SIZE], name="x")
    w = tf.get_variable("w", [SIZE])
    y = tf.tanh(x * w, name="y")
    flat = tf.square(tf.reshape(y, [-1]), name="q")
    report = measured(tf.reduce_sum(flat), {x: np.ones((ROWS, SIZE))})
    assert kept(report) == {"y": BYTES}


def test_loops_keep_lists() -> None:
    w = tf.get_variable("w", [ROWS, SIZE])
    _, y = tf.while_loop(
        lambda i, v: i < 5, lambda i, v: (i + 1, tf.tanh(v)), [0, tf.identity(w)]
    )
    report = measured(tf.reduce_sum(y))
    assert 5 * BYTES <= report.data.total < 5 * BYTES + 100


def test_the_peak_is_near_what_is_measured() -> None:
    loss, feed = layers(6)
    gradients = tf.gradients(loss, tf.trainable_variables())
    report = measured(loss, feed)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run([loss, *gradients], feed)
        tracemalloc.start()
        session.run([loss, *gradients], feed)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # kernels need some arrays of their own while they run, not more than three
    assert report.data.peak <= peak * 1.02
    assert peak - report.data.peak < 3.5 * BYTES


def test_recomputing_is_foreseen() -> None:
    loss, feed = layers(6)
    before = measured(loss, feed)
    way = before.data.recomputing[0]
    assert way.name == "each of 6 scopes of depth 1" and not way.unsafe
    assert 0 < way.cost < 1 and way.seconds > 0
    with tf.Graph().as_default(), tf.variable_scope("again", use_resource=True):
        loss, feed = layers(6, tf.recompute_grad(layer))
        after = measured(loss, feed)
    assert after.data.peak < before.data.peak / 2
    # the same layers, made again at the same places
    assert before.data.peak - way.saved == pytest.approx(after.data.peak, rel=0.3)


def test_it_is_told_where_it_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # how long operations take is measured, and differs from run to run
    monkeypatch.setattr("retrograd.explain.memory._DEAR", 1.0)
    report = measured(*layers(8, rows=4 * ROWS))
    (finding,) = report.findings
    assert "computing each of 8 scopes" in finding.what
    assert "tf.recompute_grad" in finding.fix
    assert "test_memory.py" in finding.at
    monkeypatch.setattr("retrograd.explain.memory._DEAR", 0.0)
    with tf.Graph().as_default():
        assert not measured(*layers(8, rows=4 * ROWS))
    monkeypatch.setattr("retrograd.explain.memory._DEAR", 1.0)
    with tf.Graph().as_default():
        assert not measured(*layers(1))


def test_random_numbers_are_not_drawn_twice() -> None:
    def dropped(h: Any, w: Any) -> Any:
        return tf.nn.dropout(tf.tanh(tf.matmul(h, w)), rate=0.5)

    report = measured(*layers(4, dropped))
    assert not report
    assert any("draws random numbers anew" in w.unsafe for w in report.data.recomputing)


def test_the_figure_and_the_data() -> None:
    report = measured(*layers(2))
    assert len(report.figures) == 1 and "l0" in report.figures[0]
    tables = report.to_dict()["tables"]
    assert tables[0]["headings"][0] == "kept for the backward pass"


@given(STEPS, BATCHES)
@hypothesis.settings(deadline=None, max_examples=25)
def test_healthy_programs(steps: list[str], batch: list[list[float]]) -> None:
    with tf.Graph().as_default():
        x, _, y = build(steps)
        report = measured(y, {x: batch})
    assert not report
    assert 0 <= report.data.total <= report.data.peak + report.data.feeds
    assert all(w.saved <= report.data.peak for w in report.data.recomputing)
