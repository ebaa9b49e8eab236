"""`gradient_flow` and `GradientFlow`: planted faults, silence where all is well."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import retrograd
import retrograd as tf
from retrograd.explain.drawing import bars
from retrograd.explain.flow_report import size_of
from tests.explain.healthy import state

SIZE = 16


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        yield


def batch(rows: int = 32, seed: int = 0) -> np.ndarray:
    made = np.random.RandomState(seed).standard_normal((rows, SIZE))
    return made.astype(np.float32)


def layers(
    act: Callable[[Any], Any], depth: int, scale: float, resource: bool = False
) -> tuple[Any, Any]:
    """A placeholder, and the mean square of what a chain of layers makes of it."""
    x = tf.placeholder(tf.float32, [None, SIZE], name="x")
    h: Any = x
    initial = tf.random_normal_initializer(stddev=scale / SIZE**0.5)
    for i in range(depth):
        with tf.variable_scope(f"l{i}", use_resource=resource):
            w = tf.get_variable("w", [SIZE, SIZE], initializer=initial)
            b = tf.get_variable("b", [SIZE], initializer=tf.zeros_initializer())
            h = act(tf.matmul(h, w) + b)
    return x, tf.reduce_mean(tf.square(h - 1.0), name="loss")


def flow(loss: Any, feed_dict: Any = None, **arguments: Any) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = state(session)
        report = retrograd.gradient_flow(loss, feed_dict=feed_dict, **arguments)
        assert state(session) == before
        return report


def states(report: Any) -> dict[str, str]:
    return {v.name: v.state for v in report.data.variables}


@pytest.mark.parametrize("resource", [False, True])
def test_vanishing(resource: bool) -> None:
    x, loss = layers(tf.sigmoid, 15, 1.0, resource)
    report = flow(loss, {x: batch()})
    assert states(report)["l0/w"] == "vanishing" and states(report)["l14/w"] == ""
    assert report.verdict.startswith("Gradients vanish on their way back")
    (finding,) = report.findings
    assert finding.op.type == "Sigmoid" and "test_flow.py" in finding.at
    assert "the 15 Sigmoid on the way" in finding.details[0]
    assert "relu" in finding.fix
    edges = [e for e in report.data.way if e.op.type == "Sigmoid"]
    assert len(edges) == 15 and all(0 < e.gain < 0.3 for e in edges)


def test_exploding() -> None:
    x, loss = layers(tf.identity, 10, 8.0)
    report = flow(loss, {x: batch()})
    assert states(report)["l0/w"] == "exploding"
    assert report.verdict.startswith("Gradients explode")
    assert "MatMul" in " ".join(report.findings[0].details)
    assert "clip_by_global_norm" in report.findings[0].fix


def test_dead_units() -> None:
    x, loss = layers(lambda v: tf.nn.relu(v - 20.0), 2, 1.0)
    report = flow(loss, {x: batch()})
    assert set(states(report).values()) == {"zero"}
    text = report.text
    assert "16 of 16 units of l0/Relu are 0 for the whole batch" in text
    assert report.verdict.startswith("No gradient reaches")
    assert "leaky_relu" in report.findings[0].fix


def test_some_dead_units() -> None:
    x = tf.placeholder(tf.float32, [None, SIZE])
    shift = tf.get_variable(
        "shift", initializer=np.repeat([-50.0, 0.0], [10, 6]).astype(np.float32)
    )
    report = flow(tf.reduce_sum(tf.nn.relu(x + shift)), {x: batch()})
    (finding,) = report.findings
    assert finding.what == "10 of 16 units of Relu are 0 for the whole batch"
    assert "activations are stuck" in report.verdict


@pytest.mark.parametrize(("act", "scale"), [(tf.tanh, 40.0), (tf.sigmoid, 80.0)])
def test_saturated(act: Any, scale: float) -> None:
    x, loss = layers(act, 2, scale)
    report = flow(loss, {x: batch()})
    saturated = [f for f in report.findings if "saturated" in f.what]
    assert len(saturated) == 2 and saturated[0].op.name.startswith("l0/")
    assert all(a.share > 0.5 for a in report.data.activations)


def test_missing_and_not_finite() -> None:
    w = tf.get_variable("w", initializer=[0.0, 1.0])
    other = tf.get_variable("other", initializer=1.0)
    report = flow(tf.reduce_sum(tf.log(w)), variables=[w, other])
    assert states(report) == {"w": "not finite", "other": "none"}
    assert "trace_nan" in report.verdict
    assert {f.what for f in report.findings} == {
        "the gradient of w is not finite",
        "the gradient of other is None",
    }


@pytest.mark.parametrize("norm", ["batch norm", "softmax"])
def test_a_bias_without_influence_is_no_fault(norm: str) -> None:
    x = tf.placeholder(tf.float32, [None, SIZE], name="x")
    w = tf.get_variable("w", [SIZE, SIZE])
    bias = tf.get_variable("bias", [SIZE] if norm == "batch norm" else [1])
    h = tf.matmul(x, w) + bias
    if norm == "batch norm":
        mean, variance = tf.nn.moments(h, [0])
        h = tf.nn.batch_normalization(h, mean, variance, None, None, 1e-3)
    else:
        h = tf.nn.softmax(h)
    report = flow(tf.reduce_mean(tf.square(h - 0.3 * x)), {x: batch()})
    assert states(report) == {"w": "", "bias": "cancels"}, report.text
    assert not report


def test_figures_of_a_small_program() -> None:
    w = tf.get_variable("w", initializer=[3.0, 4.0])
    report = flow(tf.reduce_sum(w * tf.constant([2.0, 0.0])))
    (v,) = report.data.variables
    assert (v.gradient.norm, v.gradient.zeros, v.weight.norm) == (2, 0.5, 5)
    assert v.ratio == pytest.approx(0.4) and v.shape == (2,)
    assert [e.op.type for e in report.data.way] == ["Sum", "Mul", "Identity"]
    assert [e.gain for e in report.data.way] == pytest.approx([2**0.5, 2**0.5, 1])
    assert not report


def test_the_last_layer_comes_first() -> None:
    x, loss = layers(tf.tanh, 3, 1.0)
    names = [v.name for v in flow(loss, {x: batch()}).data.variables]
    assert [n for n in names if n.endswith("w")] == ["l2/w", "l1/w", "l0/w"]


def test_rows_of_a_table() -> None:
    table = tf.get_variable("table", initializer=np.ones((5, 2), np.float32))
    taken = tf.nn.embedding_lookup(table, [1, 1, 3])
    (v,) = flow(tf.reduce_sum(taken)).data.variables
    assert v.gradient.zeros == pytest.approx(0.6)
    assert v.gradient.norm == pytest.approx(np.sqrt(2 * 4 + 2))


def test_the_figure() -> None:
    x, loss = layers(tf.sigmoid, 12, 1.0)
    report = flow(loss, {x: batch()})
    (figure,) = report.figures
    tree = ET.fromstring(figure)
    kinds = [e.tag.rpartition("}")[2] for e in tree]
    assert kinds.count("rect") == len(report.data.variables)
    assert figure in report.html and "#c0392b" in figure


def test_bars_of_odd_values() -> None:
    assert bars("none", []) == ""
    figure = bars(
        "<&>", [("a" * 60, 0.0, False), ("<b>", np.inf, True), ("c", 1, True)]
    )
    tree = ET.fromstring(figure)
    assert sum(e.tag.endswith("rect") for e in tree) == 1


def test_size_of() -> None:
    found = size_of(np.array([3.0, 0.0, -4.0, 0.0]))
    assert (found.norm, found.rms, found.zeros, found.count) == (5, 2.5, 0.5, 4)
    assert size_of(np.zeros((0, 3))).count == 0
    assert size_of(np.array([3e30, 4e30], np.float32)).norm == pytest.approx(5e30)
    assert size_of(np.array([3j, 4])).norm == 5


ACTIVATIONS = {
    "tanh": (tf.tanh, 1.0),
    "relu": (tf.nn.relu, 1.4),
    "sigmoid": (tf.sigmoid, 1.0),
    "elu": (tf.nn.elu, 1.0),
}


@given(
    st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(1, 4),
    st.integers(0, 1000),
)
@hypothesis.settings(deadline=None, max_examples=30)
def test_healthy_networks(act: str, depth: int, seed: int) -> None:
    with tf.Graph().as_default():
        tf.set_random_seed(seed)
        x, loss = layers(ACTIVATIONS[act][0], depth, ACTIVATIONS[act][1])
        report = flow(loss, {x: batch(seed=seed)})
        assert not report, report.text
        assert "Gradients arrive at all" in report.verdict
        assert report.to_dict()["findings"] == []


# ---------------------------------------------------------------------- over steps


def events(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """What TensorBoard reads: values by tag."""
    from tensorboard.backend.event_processing import event_file_loader

    (path,) = folder.iterdir()
    found: dict[str, list[tuple[int, Any]]] = {}
    for event in event_file_loader.LegacyEventFileLoader(str(path)).Load():
        for value in event.summary.value:
            kept = value.histo if value.HasField("histo") else value.simple_value
            found.setdefault(value.tag, []).append((event.step, kept))
    return found


def test_over_steps(tmp_path: Path) -> None:
    x, loss = layers(tf.tanh, 2, 1.0)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    gradient = tf.gradients(loss, tf.trainable_variables()[0])[0]
    initialize = tf.global_variables_initializer()
    expected = []
    with tf.Session() as session:
        session.run(initialize)
        with retrograd.GradientFlow(loss, logdir=str(tmp_path)) as found:
            for i in range(4):
                feed = {x: batch(seed=i)}
                before = state(session)
                made = found.step(feed)
                assert state(session) == before and made is not None
                expected.append(np.linalg.norm(session.run(gradient, feed)))
                session.run(train, feed)
            report = found.report()
    tags = events(tmp_path)
    norms = tags["gradient_flow/l0/w/norm"]
    assert [step for step, _ in norms] == [0, 1, 2, 3]
    np.testing.assert_allclose([v for _, v in norms], expected, rtol=1e-5)
    assert {"ratio", "zeros"} <= {t.rpartition("/")[2] for t in tags}
    _, histogram = tags["gradient_flow/l0/w/gradient"][0]
    assert histogram.num == SIZE * SIZE == sum(histogram.bucket)
    assert histogram.sum_squares == pytest.approx(expected[0] ** 2, rel=1e-4)
    assert report.title == "GradientFlow(loss:0), steps 0 to 3"
    row = next(r for r in report.tables[0].rows if r[0] == "l0/w")
    assert float(row[1]) == pytest.approx(expected[0], rel=1e-4)
    assert float(row[2]) == pytest.approx(expected[-1], rel=1e-4)
    assert len(report.figures) == 1


def test_some_steps() -> None:
    x, loss = layers(tf.tanh, 1, 1.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = retrograd.GradientFlow(loss, every=3)
        with pytest.raises(ValueError, match="no step"):
            found.report()
        for _ in range(7):
            found.step({x: batch()})
    assert found.steps == [0, 3, 6]
    with pytest.raises(ValueError, match="every is 0"):
        retrograd.GradientFlow(loss, every=0)


def test_a_gradient_that_vanished_in_between(tmp_path: Path) -> None:
    scale = tf.placeholder(tf.float32, [])
    w, v = (tf.get_variable(n, initializer=1.0) for n in "wv")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with retrograd.GradientFlow(w * scale + v, logdir=str(tmp_path)) as found:
            for value in (1.0, 1e-9, 0.0, np.nan, 1.0):
                found.step({scale: value})
            report = found.report()
    row = next(r for r in report.tables[0].rows if r[0] == "w")
    assert row[-1] == "not finite, vanishing, zero"
    assert not report
