"""Inputs of operations: converted within the scope that the operation names."""

from __future__ import annotations

import retrograd as tf


def _made(graph: tf.Graph) -> list[str]:
    return [op.name for op in graph.get_operations()]


def test_a_list_of_tensors_is_packed_in_the_scope_of_its_operation():
    with tf.Graph().as_default() as graph:
        a = tf.placeholder(tf.float32, [2], "a")
        tf.square([a, a])
        tf.add([a], a)
    assert _made(graph) == ["a", "Square/x", "Square", "Add/x", "Add"]


def test_a_list_that_is_wanted_is_not_packed():
    with tf.Graph().as_default() as graph:
        a = tf.placeholder(tf.float32, [2], "a")
        tf.add_n([a, a])
        tf.stack([a, a])
    assert _made(graph) == ["a", "AddN", "stack"]
