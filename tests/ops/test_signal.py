"""`tf.signal` makes what TensorFlow 1.15's makes, in graphs and in eager mode."""

from __future__ import annotations

import pytest

from tests.expressions import Expressions

#: where TensorFlow's result is not worth having, and why
OTHERWISE = {
    "tf.signal.overlap_and_add(P('2?x3x4'), 1)": "it knows less of a shape",
}
FOUND = Expressions("signal", OTHERWISE, nodes=False)


@pytest.mark.parametrize("line", FOUND.lines)
def test_in_a_graph(line: str) -> None:
    FOUND.check(line)


@pytest.mark.parametrize("line", FOUND.lines[::3])
def test_in_eager_mode(line: str) -> None:
    FOUND.check_eager(line)
