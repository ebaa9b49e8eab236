"""What gradient overrides hit, and the ones that hit nothing."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import retrograd as tf

UNARY = {"Sign": tf.sign, "Tanh": tf.tanh, "Relu": tf.nn.relu, "Exp": tf.exp}


@tf.RegisterGradient("OverridesTestThrough")
def _through(op: Any, dy: Any) -> Any:
    return dy


def _line() -> int:
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno


NAMES = st.sampled_from(sorted(UNARY))


@given(st.lists(st.tuples(st.booleans(), NAMES, st.lists(NAMES, max_size=4))))
def test_every_operation_is_told_once(blocks: list[Any]) -> None:
    expected = []
    with tf.Graph().as_default() as graph:
        x = tf.constant([1.0])
        for overriding, mapped, made in blocks:
            if not overriding:
                for name in made:
                    UNARY[name](x)
                continue
            with graph.gradient_override_map({mapped: "OverridesTestThrough"}):
                ops = [UNARY[name](x).op for name in made]
            expected.append((mapped, [op.name for op in ops if op.type == mapped]))
    report = tf.overrides(graph)
    assert [(d["op_type"], d["operations"]) for d in report.data] == expected
    assert len(report.findings) == sum(not ops for _, ops in expected)
    assert all("matched nothing" in f.what for f in report.findings)
    json.dumps(report.to_dict())


def test_a_healthy_graph_has_no_findings() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.constant([1.0])
        assert "No gradient is overridden" in tf.overrides().verdict
        with graph.gradient_override_map({"Sign": "OverridesTestThrough"}):
            y = tf.sign(x)
        tf.custom_gradient(lambda a: (a, lambda dy: dy))(y)
        report = tf.overrides()
    assert not report.found
    assert report.verdict == "Every override applies: 1 operation."
    assert [d["operations"] for d in report.data] == [["Sign"]]
    registered = dict((row[0], row[3]) for row in report.tables[1].rows)
    assert registered["OverridesTestThrough"].startswith("Sign (test_overrides.py:")


def test_another_spelling_of_an_op_type() -> None:
    with tf.Graph().as_default() as graph:
        at = _line() + 1
        with graph.gradient_override_map({"Matmul": "OverridesTestThrough"}):
            tf.matmul([[1.0]], [[2.0]])
    (finding,) = tf.overrides(graph).findings
    assert finding.what == "`Matmul` matched nothing; did you mean `MatMul`?"
    assert finding.at.startswith(f"test_overrides.py:{at}: with graph.gradient_over")
    assert finding.fix == 'gradient_override_map({"MatMul": "OverridesTestThrough"})'
    assert finding.details == ["op types made inside: Const, MatMul"]


@pytest.mark.parametrize("before", [True, False])
def test_an_operation_outside_the_block(before: bool) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.constant([1.0])
        if before:
            tf.sign(x)
        with graph.gradient_override_map({"Sign": "OverridesTestThrough"}):
            tf.tanh(x)
        if not before:
            tf.sign(x)
    (finding,) = tf.overrides(graph).findings
    assert "no such operation was made inside" in finding.what
    word = "before" if before else "after"
    assert finding.details[0].startswith(f"made {word} it: Sign (test_overrides.py:")
    assert "from an op's creation on" in finding.fix


def test_a_map_inside_another() -> None:
    with (
        tf.Graph().as_default() as graph,
        graph.gradient_override_map({"Sign": "OverridesTestNone"}),
        graph.gradient_override_map({"Sign": "OverridesTestThrough"}),
    ):
        tf.sign(tf.constant([1.0]))
    missed, unregistered = tf.overrides(graph).findings
    assert "a map inside this one took its place" in missed.what
    assert missed.details == [
        f"Sign ({graph.get_operation_by_name('Sign').where}) took "
        "`OverridesTestThrough`"
    ]
    assert 'No gradient is registered as "OverridesTestNone"' in unregistered.what


def test_a_name_that_is_not_registered() -> None:
    with tf.Graph().as_default() as graph:
        with graph.gradient_override_map({"Sign": "OverridesTestThrouhg"}):
            y = tf.sign(tf.constant([1.0]))
        (finding,) = tf.overrides(graph).findings
        assert 'did you mean "OverridesTestThrough"?' in finding.what
        assert finding.details[0].startswith("tf.gradients raises LookupError at Sign")
        with pytest.raises(LookupError):
            tf.gradients(y, y.op.inputs[0])


def test_operations_inside_functions_and_of_imported_graphs() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [])
        with graph.gradient_override_map({"Tanh": "OverridesTestThrough"}):
            tf.cond(x > 0, lambda: tf.tanh(x), lambda: x)
        report = tf.overrides(graph)
        assert [len(d["operations"]) for d in report.data] == [1]
        assert not report.found
    with tf.Graph().as_default() as flat:
        with flat.gradient_override_map({"Tanh": "OverridesTestThrough"}):
            tf.tanh(tf.constant(1.0), name="kept")
        definition = flat.as_graph_def()
    with tf.Graph().as_default() as other:
        tf.import_graph_def(definition, name="")
        report = tf.overrides(other)
    assert report.data == [] and not report.found
    (row,) = report.tables[0].rows
    assert row[:3] == ("Tanh", "OverridesTestThrough", "imported")
    assert row[3].startswith("kept (")


def test_maps_are_checked_as_before() -> None:
    graph: Any = tf.Graph()
    with pytest.raises(TypeError, match="mapping strings to strings"):
        graph.gradient_override_map({"Sign": 1})
    assert tf.overrides(graph).data == []
