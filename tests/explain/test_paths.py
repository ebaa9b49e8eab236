"""Paths of a gradient: counted, followed one by one, and summed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrograd as tf
from retrograd.explain import paths as module
from retrograd.graph import context


def values(report: Any) -> list[float]:
    return sorted(float(p["sum"]) for p in report.data["paths"])


def check_sum(report: Any, rtol: float = 1e-4) -> None:
    """The contributions and the rest sum to the gradient."""
    parts = [p["value"] for p in report.data["paths"]]
    if report.data["rest"] is not None:
        parts.append(report.data["rest"])
    size = sum(np.linalg.norm(np.reshape(p, -1)) for p in parts)
    gap = np.abs(sum(parts[1:], parts[0]) - report.data["gradient"])
    assert np.max(gap) <= rtol * size + 1e-12
    assert not report.found
    json.dumps(report.to_dict())


def test_the_two_paths_of_a_square() -> None:
    with tf.Graph().as_default():
        x = tf.constant(3.0, name="x")
        y = tf.constant(4.0, name="y")
        f = tf.add(x * x * y, y + 2, name="f")
        by_x, by_y = tf.paths(f, x), tf.paths(f, y)
    assert values(by_x) == [12, 12] and values(by_y) == [1, 9]
    assert by_x.verdict == "∂f/∂x = 24: 2 paths."
    assert [row[0] for row in by_x.tables[0].rows] == [
        "f → mul_1 → mul.x → x",
        "f → mul_1 → mul.y → x",
        "all: the gradient",
    ]
    assert by_x.data["paths"][0]["operations"] == ["f", "mul_1", "mul"]
    assert by_x.data["paths"][0]["tensors"] == ["f", "mul_1", "mul", "x"]
    check_sum(by_x)


def test_contributions_of_arrays() -> None:
    rng = np.random.default_rng(0)
    with tf.Graph().as_default():
        w = tf.constant(rng.normal(size=(3, 3)), tf.float64)
        h1 = tf.tanh(tf.matmul(tf.ones([2, 3], tf.float64), w))
        h2 = tf.matmul(h1, w)
        report = tf.paths(h2, w)
        only_last = tf.gradients(h2, w, stop_gradients=[h1])[0]
        with tf.Session() as session:
            expected = session.run(only_last)
    last = next(p for p in report.data["paths"] if p["operations"] == ["MatMul_1"])
    assert np.allclose(last["value"], expected, rtol=1e-12)
    assert last["norm"] == pytest.approx(np.linalg.norm(expected))
    assert report.tables[0].headings == ("from y to x", "sum", "norm")
    assert report.data["count"] == 2
    check_sum(report, 1e-12)


OPS = [
    lambda a, b: a * b,
    lambda a, b: a + b,
    lambda a, b: tf.sin(a) * 0.7 - b,
    lambda a, b: tf.stop_gradient(a) * b,
    lambda a, b: tf.split(tf.stack([a, b]), 2)[0][0] + a,
    lambda a, b: tf.cond(b > 0, lambda: a * b, lambda: b),
]
PROGRAMS = st.lists(
    st.tuples(st.sampled_from(OPS), st.integers(0, 20), st.integers(0, 20)),
    min_size=1,
    max_size=7,
)


@settings(max_examples=30, deadline=None)
@given(PROGRAMS, st.integers(1, 5))
def test_all_paths_sum_to_the_gradient(program: Any, limit: int) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float64, [])
        made = [x, tf.constant(0.5, tf.float64)]
        for op, i, j in program:
            made.append(op(made[i % len(made)], made[j % len(made)]))
        y = made[-1] * 1.0
        before = (len(graph._ops), dict(graph._names_in_use), graph._last_id)
        report = tf.paths(y, x, {x: 0.3}, limit=limit)
        assert (len(graph._ops), graph._names_in_use, graph._last_id) == before
        (gradient,) = tf.gradients(y, x)
        if gradient is None:
            assert report.data["count"] == 0 and report.found
            return
        with tf.Session() as session:
            expected = session.run(gradient, {x: 0.3})
    assert report.data["gradient"] == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert len(report.data["paths"]) == min(limit, report.data["count"])
    check_sum(report, 1e-9)


def _products(depth: int, x: Any) -> Any:
    """2^depth paths, with the contributions of all products of 0.5 and 0.7."""
    for _ in range(depth):
        x = x * 0.5 + x * 0.7
    return x


def test_the_largest_of_more_than_can_be_followed() -> None:
    with tf.Graph().as_default():
        x = tf.constant(1.0, tf.float64)
        report = tf.paths(_products(60, x), x, limit=4)
    assert report.data["count"] == 2**60
    assert "the largest 4 of which are shown" in report.verdict
    found = values(report)[::-1]
    second = 0.7**59 * 0.5
    assert found == pytest.approx([0.7**60, second, second, second])
    assert report.data["gradient"] == pytest.approx(1.2**60)
    check_sum(report, 1e-9)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.1, 2.0), min_size=9, max_size=9))
def test_the_search_finds_what_following_all_finds(factors: list[float]) -> None:
    with tf.Graph().as_default():
        x = y = tf.constant(0.3, tf.float64)
        for f in factors:
            y = tf.sin(y) * f + y * (2.5 - f)
        assert 2**9 > module._FEW
        searched = tf.paths(y, x, limit=5)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_FEW", 2**9)
            followed = tf.paths(y, x, limit=5)
    assert values(searched) == pytest.approx(values(followed))


def test_a_search_that_takes_too_long_is_cut_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_CALLS", 50)
    with tf.Graph().as_default():
        w = tf.constant(np.eye(2) + 0.1)
        y = tf.ones([1, 2], tf.float64)
        for _ in range(20):
            y = y + tf.matmul(y, w) * 0.1
        report = tf.paths(y, w, limit=6)
    assert len(report.data["paths"]) == 6
    assert report.data["count"] == 2**20 - 1
    check_sum(report, 1e-9)


def test_bodies_and_the_programs_own_rules() -> None:
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, []), tf.constant(4.0)
        branch = tf.cond(x > 0, lambda: x * x * y, lambda: y)
        loop = tf.while_loop(
            lambda i, a: i < 3, lambda i, a: (i + 1, a * x), [tf.constant(0), x]
        )[1]
        report = tf.paths(branch + loop + x, x, {x: 2.0})
        assert values(report) == [1, 8, 16, 24]
        check_sum(report)
        own = tf.custom_gradient(lambda a: (a * a, lambda dy: dy * 7.0 * a))
        report = tf.paths(own(x) + own(x * x), x, {x: 2.0})
        assert values(report) == [14, 56, 56]
        check_sum(report)


@pytest.mark.parametrize("many", [False, True])
def test_lists_of_tensors(many: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if many:
        monkeypatch.setattr(module, "_FEW", 1)
    with tf.Graph().as_default():
        x = tf.constant([0.5, 2.0])
        kept = tf.TensorArray(tf.float32, 3)
        _, _, kept = tf.while_loop(
            lambda i, a, t: i < 3,
            lambda i, a, t: (i + 1, a * x, t.write(i, a)),
            [tf.constant(0), x, kept],
        )
        rows = kept.stack()
        report = tf.paths(rows[2] + rows[1] * x, x, limit=20)
        assert report.data["gradient"] == pytest.approx([6 * 0.25, 6 * 4.0])
    assert report.data["count"] > 2
    check_sum(report)


def test_slices_and_variables() -> None:
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=[[1.0, 2.0], [3.0, 4.0]])
        r = tf.get_variable("r", initializer=[1.0, 2.0], use_resource=True)
        y = tf.gather(w, [0, 1, 0])[0] * w * r
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for x in (w, r):
                report = tf.paths(y, x)
                check_sum(report)
            assert report.data["count"] == 1
            assert session.run(w).tolist() == [[1, 2], [3, 4]]


def test_a_rule_that_is_not_linear_is_noticed() -> None:
    with tf.Graph().as_default():
        x = tf.constant(1.0)
        clipped = tf.custom_gradient(
            lambda a: (a * 1.0, lambda dy: tf.clip_by_value(dy, -1.0, 1.0))
        )(x)
        report = tf.paths(clipped * 2.0 + clipped * 0.5, x)
        (finding,) = report.findings
        assert "a rule on the way is not linear" in finding.what
        assert values(report) == [0.5, 1.0]
        assert report.data["gradient"] == 1.0


def test_no_path() -> None:
    with tf.Graph().as_default():
        x = tf.constant(1.0)
        report = tf.paths(tf.stop_gradient(x), x)
        assert report.found and report.data["count"] == 0
        assert "why_none" in report.findings[0].fix
        itself = tf.paths(x, x)
        assert itself.data["count"] == 1 and values(itself) == [1]
        with pytest.raises(TypeError, match="no derivative"):
            tf.paths(x, tf.constant(1))
        with pytest.raises(ValueError, match="limit must be at least 1"):
            tf.paths(x * x, x, limit=0)


def test_tapes() -> None:
    with context.eager_mode():
        x, v = tf.constant(3.0), tf.Variable(2.0, name="v", use_resource=True)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x * v + v
        by_x, by_v = tf.paths(y, x, tape=tape), tf.paths(y, v, tape=tape)
        assert values(by_x) == [6, 6] and values(by_v) == [1, 9]
        check_sum(by_x)
        assert by_v.verdict == "∂y/∂v = 10: 2 paths."
        assert float(tape.gradient(y, x)) == 12
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = _products(9, x)
        report = tf.paths(y, x, tape=tape)
        assert report.data["count"] == 2**9
        check_sum(report)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.stop_gradient(x) * v
        assert tf.paths(y, x, tape=tape).found


def test_names_of_the_program_and_results_of_autograd() -> None:
    with context.eager_mode():
        a, b = tf.constant(3.0), tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            cost = a * a * b
        report = tf.paths(cost, a, tape=tape, names=locals())
    assert report.verdict == "∂cost/∂a = 12: 2 paths."
    assert report.data["paths"][0]["tensors"] == ["cost", None, "a"]
    from retrograd import autograd as torch

    x: Any = torch.tensor(3.0, requires_grad=True)
    report = tf.paths(x * x + x, x)
    assert values(report) == [1, 3, 3]
    check_sum(report)
