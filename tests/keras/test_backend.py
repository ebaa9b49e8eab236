"""Keras' backend makes what TensorFlow 1.15's makes, in graphs and in eager mode."""

from __future__ import annotations

import pytest

from tests.expressions import Expressions

#: where TensorFlow's result is not worth having, or comes from elsewhere, and why
OTHERWISE = {
    "K.abs(P('2')), P('2'), P('2'), axis=1)": "its CPU wants channels last",
    "f = K.function(x, {'y'": "it refuses to return what it was given",
    "f([A('3')])": "in graphs it feeds placeholders values of other shapes",
    "f(3)": "in graphs it feeds placeholders values of other shapes",
    "f([np.ones(2)])": "in graphs it feeds placeholders values of other shapes",
    "tf.SparseTensor([[0, 1]]": "there is no tf.sparse",
}
FOUND = Expressions("backend", OTHERWISE)


@pytest.mark.parametrize("line", FOUND.lines)
def test_in_a_graph(line: str) -> None:
    FOUND.check(line)


@pytest.mark.parametrize("line", FOUND.lines)
def test_in_eager_mode(line: str) -> None:
    FOUND.check_eager(line)
