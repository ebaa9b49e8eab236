"""Typed functions: called as an op of their name, with `SymbolicGradient`."""

from __future__ import annotations

import pytest

import retrograd as tf
from retrograd.functions.typed import Defun


@pytest.mark.covers("PartitionedCall", "SymbolicGradient")
def test_a_typed_function_and_its_derivative() -> None:
    @Defun(tf.float32)
    def cube(x):
        return x * x * x

    with tf.Graph().as_default() as graph:
        x = tf.constant(2.0)
        y = cube(x)
        (slope,) = tf.gradients(y, x)
        kinds = {op.type for op in graph.get_operations()}
        with tf.Session() as session:
            assert session.run([y, slope]) == [8.0, 12.0]
    assert "SymbolicGradient" in kinds
