"""`retrograd.accumulation_check`: why k small batches are not one large batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import retrograd
import retrograd as tf
from retrograd.explain.batches import relative_error, tolerance
from tests.explain.healthy import HEALTHY, state

#: ops by example: they leave each row to itself
BY_EXAMPLE = sorted(set(HEALTHY) - {"mean", "branch"})


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        yield


class Model:
    """A linear model of rows of four, and its squared errors."""

    def __init__(self, change: Callable[[Any], Any] = lambda h: h) -> None:
        self.x = tf.placeholder(tf.float32, [None, 4], name="x")
        self.y = tf.placeholder(tf.float32, [None], name="y")
        self.w = tf.get_variable("w", initializer=np.ones((4, 4), np.float32) * 0.3)
        self.b = tf.get_variable("b", initializer=0.1)
        h = change(tf.matmul(self.x, self.w))
        self.errors = tf.square(tf.reduce_sum(h, 1) + self.b - self.y, name="errors")

    def check(self, loss: Any, k: int = 4, rows: int = 12, **arguments: Any) -> Any:
        made = np.random.RandomState(0)
        feed = {self.x: made.standard_normal((rows, 4)), self.y: made.rand(rows)}
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            before = state(session)
            report = retrograd.accumulation_check(loss, feed, k, **arguments)
            assert state(session) == before
        return report


def causes(report: Any) -> list[tuple[str, str | None]]:
    return [(kind, op and op.type) for kind, op in report.data.causes]


def test_a_mean_is_the_mean_of_means() -> None:
    model = Model()
    report = model.check(tf.reduce_mean(model.errors))
    assert not report and report.verdict.startswith("Equal:")
    assert report.data.parts == [3, 3, 3, 3]
    assert all(e["mean"] < 1e-5 < e["sum"] for e in report.data.errors.values())


def test_the_mean_of_sums() -> None:
    model = Model()
    report = model.check(tf.reduce_sum(model.errors))
    assert causes(report) == [("factor", "Sum")]
    (finding,) = report.findings
    assert "1/4 of that of the large batch" in finding.what
    assert "test_accumulation.py" in finding.at and "tf.reduce_mean" in finding.fix
    assert not model.check(tf.reduce_sum(model.errors), how="sum")


def test_the_sum_of_means() -> None:
    model = Model()
    report = model.check(tf.reduce_mean(model.errors), how="sum")
    assert causes(report) == [("factor", "Mean")]
    assert "is 4 times that of the large batch" in report.findings[0].what
    assert "1/4" in report.findings[0].fix


def test_regularization_is_counted_k_times() -> None:
    model = Model()
    penalty = tf.nn.l2_loss(model.w, name="penalty")
    loss = tf.reduce_sum(model.errors) + penalty
    report = model.check(loss, how="sum")
    assert causes(report) == [("regularization", "L2Loss")]
    assert report.findings[0].what == (
        "penalty does not depend on the batch, and is counted 4 times"
    )
    assert [row[-1] for row in report.tables[0].rows] == ["differs", ""]
    assert not model.check(tf.reduce_mean(model.errors) + penalty)


def test_a_sum_with_regularization_averaged() -> None:
    model = Model()
    loss = tf.add_n([tf.reduce_sum(model.errors), tf.nn.l2_loss(model.w, name="l2")])
    report = model.check(loss)
    assert causes(report) == [("factor", "Sum")]
    assert "l2 does not depend on the batch" in report.findings[0].details[0]


def test_small_batches_of_different_sizes() -> None:
    model = Model()
    loss = tf.reduce_mean(model.errors)
    report = model.check(loss, rows=14)
    assert causes(report) == [("sizes", None)] and report.data.parts == [4, 4, 3, 3]
    assert "(4, 4, 3, 3)" in report.findings[0].what
    assert all(e["weighted mean"] < 1e-5 for e in report.data.errors.values())
    assert not model.check(tf.reduce_sum(model.errors), rows=14, how="sum")


def normalized(h: Any) -> Any:
    mean, variance = tf.nn.moments(h, [0])
    return tf.nn.batch_normalization(h, mean, variance, None, None, 1e-3)


def fused(h: Any) -> Any:
    image = tf.reshape(h, [-1, 1, 1, 4])
    made, _, _ = tf.nn.fused_batch_norm(image, [1.0] * 4, [0.0] * 4, epsilon=1e-3)
    return tf.reshape(made, [-1, 4])


@pytest.mark.parametrize("norm", [normalized, fused])
def test_batch_norm(norm: Callable[[Any], Any]) -> None:
    model = Model(norm)
    report = model.check(tf.reduce_mean(model.errors))
    assert report.data.causes[0][0] == "batch norm"
    assert "those of 3 examples are not those of 12" in report.findings[0].what
    assert "moving averages" in report.findings[0].fix


def test_moving_averages_are_no_batch_norm() -> None:
    def inference(h: Any) -> Any:
        mean = tf.get_variable("mean", [4], trainable=False)
        return tf.nn.batch_normalization(h, mean, tf.ones([4]), None, None, 1e-3)

    model = Model(inference)
    assert not model.check(tf.reduce_mean(model.errors))


@pytest.mark.parametrize(
    "mix",
    [
        lambda h: h - tf.reduce_mean(h, 0),
        lambda h: h / tf.reduce_max(h),
        lambda h: tf.nn.softmax(h, axis=0),
        lambda h: tf.matmul(tf.matmul(h, h, transpose_b=True), h),
    ],
    ids=["centred", "maximum", "softmax", "attention"],
)
def test_examples_that_see_each_other(mix: Callable[[Any], Any]) -> None:
    model = Model(mix)
    report = model.check(tf.reduce_mean(model.errors))
    assert report.data.causes[0][0] == "examples mixed", report.text
    assert report.findings[0].op is not None


def test_a_mean_over_some_examples() -> None:
    model = Model()
    loss = tf.reduce_sum(model.errors * model.y) / tf.reduce_sum(model.y)
    assert causes(model.check(loss)) == [("unequal weights", "RealDiv")]


def test_a_root_of_a_mean() -> None:
    model = Model()
    report = model.check(tf.sqrt(tf.reduce_mean(model.errors)))
    assert causes(report) == [("examples mixed", "Sqrt")]
    assert "not additive over the batch" in report.findings[0].what


def test_dropout() -> None:
    model = Model(lambda h: tf.nn.dropout(h, rate=0.5))
    report = model.check(tf.reduce_mean(model.errors))
    assert causes(report) == [("random", "RandomUniform")]
    assert report.verdict.startswith("Equal but for random numbers")
    assert all(e["mean"] < 1e-5 for e in report.data.errors.values())


def test_dropout_hides_nothing() -> None:
    model = Model(lambda h: tf.nn.dropout(normalized(h), rate=0.5))
    report = model.check(tf.reduce_mean(model.errors))
    assert {kind for kind, _ in causes(report)} >= {"batch norm", "random"}


def test_a_derivative_that_depends_on_the_batch() -> None:
    @tf.custom_gradient
    def clipped(h: Any) -> Any:
        return tf.identity(h), lambda dy: tf.clip_by_norm(dy, 0.01)

    model = Model(clipped)
    report = model.check(tf.reduce_mean(model.errors))
    assert causes(report) == [("unknown", None)]
    assert "tf.custom_gradient" in report.findings[0].fix


def test_other_feeds_stay_as_they_are() -> None:
    rate = tf.placeholder(tf.float32, [], name="rate")
    model = Model(lambda h: h * rate)
    loss = tf.reduce_mean(model.errors)
    made = np.random.RandomState(0)
    feed = {model.x: made.rand(6, 4), model.y: made.rand(6), rate: 0.5}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert not retrograd.accumulation_check(loss, feed, 3)


def test_another_axis() -> None:
    x = tf.placeholder(tf.float32, [4, None])
    w = tf.get_variable("w", initializer=np.ones((1, 4), np.float32))
    loss = tf.reduce_mean(tf.square(tf.matmul(w, x)))
    feed = {x: np.random.RandomState(0).rand(4, 8)}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        report = retrograd.accumulation_check(loss, feed, 4, batch_axis=1)
    assert not report and report.data.parts == [2, 2, 2, 2]


def test_refused() -> None:
    model = Model()
    loss = tf.reduce_mean(model.errors)
    with pytest.raises(ValueError, match="cannot be split into 20 small batches"):
        model.check(loss, 20)
    with pytest.raises(ValueError, match="how is 'max'"):
        model.check(loss, how="max")
    with tf.Session(), pytest.raises(ValueError, match="no feed has a batch"):
        retrograd.accumulation_check(loss, {}, 2)
    fixed = tf.placeholder(tf.float32, [4, 2], name="fixed")
    with tf.Session(), pytest.raises(ValueError, match=r"fixed:0 \(4, 2\)"):
        of_fixed = tf.reduce_sum(fixed) * model.b
        retrograd.accumulation_check(of_fixed, {fixed: np.ones((4, 2))}, 2)


def test_relative_error() -> None:
    assert relative_error([1.0, 2.0], [1.0, 4.0]) == 0.5
    assert relative_error([0.0], [0.0]) == 0
    assert relative_error([1.0], [1.0, 1.0]) == np.inf
    assert tolerance(np.float16) > tolerance(np.float32) > tolerance(np.float64)


@given(
    st.lists(st.sampled_from(BY_EXAMPLE), min_size=1, max_size=4),
    st.integers(2, 4),
    st.sampled_from(["mean", "sum"]),
)
@hypothesis.settings(deadline=None, max_examples=30)
def test_programs_that_go_by_example(steps: list[str], k: int, how: str) -> None:
    def change(h: Any) -> Any:
        for step in steps:
            h = HEALTHY[step](h)
        return h

    with tf.Graph().as_default():
        model = Model(change)
        reduce = tf.reduce_mean if how == "mean" else tf.reduce_sum
        report = model.check(reduce(model.errors), k, 12, how=how)
        assert not report, report.text
