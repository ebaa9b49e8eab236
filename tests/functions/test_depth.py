"""Functions that call each other within many others."""

from __future__ import annotations

import sys
from typing import Any

import retrograd as tf
from retrograd.functions.typed import Defun
from retrograd.platform.depth import deeper

DEPTH = 120


def _around(inner: Any) -> Any:
    def body(x: Any) -> Any:
        return x + 1.0 if inner is None else inner(x) * 1.0

    return body


def _nested(x: Any) -> Any:
    """x + 1, by functions of which each calls the one before."""
    inner: Any = None
    y = x
    for i in range(DEPTH):
        inner = Defun(tf.float32, func_name=f"f{i}")(_around(inner))
        y = inner(x)
    return y


def test_functions_within_many_others() -> None:
    before = sys.getrecursionlimit()
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.constant(1.0)
        y = _nested(x)
        assert session.run([y, *tf.gradients(y, x)]) == [2, 1]
    with tf.Graph().as_default(), tf.Session() as session:
        (again,) = tf.import_graph_def(
            graph.as_graph_def(), name="", return_elements=[y.name]
        )
        assert session.run(again) == 2
    assert sys.getrecursionlimit() == before


def test_the_limit_of_a_program_stays() -> None:
    before = sys.getrecursionlimit()
    try:
        with deeper:
            with deeper:
                pass
            assert sys.getrecursionlimit() > before
            sys.setrecursionlimit(before + 7)
        assert sys.getrecursionlimit() == before + 7
    finally:
        sys.setrecursionlimit(before)
