"""Explanations as flowcharts that Markdown viewers draw."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import retrograd
import retrograd as tf
from tests.explain.programs import PROGRAMS

LABEL = r'"[^"`<>]*(<br/>[^"`<>]*)*"'
LINE = re.compile(
    rf"""flowchart\ TB
    | \ +n\d+(\(\[{LABEL}\]\)|\[{LABEL}\]|\({LABEL}\))   # a box
    | \ +n\d+\ (--\ {LABEL}\ -->|-\.->)\ n\d+            # an arrow
    | \ +subgraph\ scope\d+\[{LABEL}\]
    | \ +end""",
    re.VERBOSE,
)


def chart_of(explanation: Any) -> str:
    """The flowchart, with plain spaces."""
    return explanation.mermaid.replace("\N{NO-BREAK SPACE}", " ")


def arrows(chart: str) -> list[str]:
    return [line.strip() for line in chart.split("\n") if "->" in line]


def test_polynomial():
    chart = chart_of(PROGRAMS["polynomial"]())
    assert 'n1(["n1 = x<br/>= 3<br/>∂f/∂n1 = 24"])' in chart
    assert 'n4["n4 = n1 · n1<br/>= 9<br/>∂f/∂n4 = 4"]' in chart
    assert 'n3("n3 = 2")' in chart
    assert arrows(chart).count('n1 -- "4 · 3 = 12" --> n4') == 2
    assert "n3 -.-> n6" in arrows(chart)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_line_is_mermaid_and_every_term_an_arrow(name):
    explanation = PROGRAMS[name]()
    lines = explanation.mermaid.split("\n")
    for line in lines:
        assert LINE.fullmatch(line), line
    solid = [line for line in lines if "-->" in line]
    assert len(solid) == sum(len(step.terms) for step in explanation.steps)
    made = {id(n.op): n for n in explanation.nodes if n.role == "op"}.values()
    inputs = sum(source is not None for node in made for source in node.inputs)
    assert len(arrows(explanation.mermaid)) == inputs


def test_what_was_summed_over_repeated_elements():
    chart = chart_of(PROGRAMS["cost_of_two_weights"]())
    assert 'n4 -- "sum of [-2, -6] = -8" --> n5' in chart
    assert "Y: n3 = n1 · n2" in chart and "cost: n5 = n4 · n3" in chart


def test_long_arrays_are_told_by_their_norm():
    with tf.Graph().as_default():
        x = tf.constant(np.arange(10.0), tf.float32, name="x")
        chart = chart_of(retrograd.explain(tf.square(x), x))
    assert "n1 = x<br/>= float32[10], norm 16.8819<br/>" in chart
    assert 'n1 -- "float32[10], norm 33.7639" --> n2' in chart


def test_names_are_escaped():
    with tf.Graph().as_default():
        x = tf.constant(2.0)
        y = tf.square(x)
        names = {'a "<b>" #1': x, "`c`_[*]|": y}
        chart = chart_of(retrograd.explain(y, x, names=names))
    assert "n1 = a #34;#60;b#62;#34; #35;1" in chart
    assert "#96;c#96;#95;[#42;]#124;: n2 = n1²" in chart


def test_scopes_are_frames():
    with tf.Graph().as_default():
        x = tf.constant(2.0, name="x")
        with tf.name_scope("outer"):
            a = tf.square(x)
            with tf.name_scope("inner"):
                b = tf.exp(a) * a
            with tf.name_scope("alone"):
                c = tf.sin(b)
        chart = chart_of(retrograd.explain(tf.negative(c), x))
    inside = chart[chart.index('["outer"]') :]
    assert inside.index("n2[") < inside.index('["inner"]') < inside.index("n3[")
    assert "alone" not in chart  # a single box
    assert chart.count("subgraph") == chart.count("  end") == 2
    assert chart.index("n1([") < chart.index("subgraph")


def test_an_operation_with_several_outputs_is_one_box():
    with tf.Graph().as_default():
        x = tf.constant([1.0, 2.0], name="x")
        first, second = tf.unstack(x)
        chart = chart_of(retrograd.explain(first * second, x))
    box = next(line for line in chart.split("\n") if line.startswith("  n2["))
    assert "n2 = Unpack(n1)[0]<br/>= 1<br/>∂f/∂n2 = 2<br/>" in box
    assert "n3 = Unpack(n1)[1]<br/>= 2<br/>∂f/∂n3 = 1" in box
    assert 'n2 -- "n2: 1 · 2 = 2" --> n4' in chart
    assert 'n2 -- "n3: 1 · 1 = 1" --> n4' in chart
    assert len(arrows(chart)) == 3


def test_a_large_one_is_refused():
    with tf.Graph().as_default():
        x = tf.constant(np.ones(2), tf.float32)
        y = x
        for _ in range(520):
            y = tf.sin(y)
        explanation = retrograd.explain(y, x)
        with pytest.raises(ValueError, match="too large for a Mermaid flowchart") as e:
            _ = explanation.mermaid
    assert "520 arrows" in str(e.value) and "500 arrows" in str(e.value)
