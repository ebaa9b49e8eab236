"""What is built inside a `trial` block leaves nothing behind."""

from __future__ import annotations

import pytest

import retrograd as tf
from retrograd.graph.trial import trial


def state(graph):
    """All that a program can see of a graph."""
    return (
        graph.as_graph_def(add_shapes=True),
        graph.version,
        dict(graph._names_in_use),
        {key: list(items) for key, items in graph._collections.items()},
        {t: t.consumers() for op in graph.get_operations() for t in op.outputs},
        {op: list(op._control_outputs) for op in graph.get_operations()},
        graph.finalized,
        graph._rewirings,
    )


def loop(x):
    n = tf.placeholder(tf.int32, [])
    _, y = tf.while_loop(
        lambda i, p: i < n, lambda i, p: (i + 1, p * x), [0, tf.constant(1.0)]
    )
    return y


def branch(x):
    return tf.cond(x > 0, lambda: x * x, lambda: tf.sin(x))


@pytest.mark.parametrize("make", [tf.square, loop, branch])
def test_gradients_are_taken_back(make):
    with tf.Graph().as_default() as graph:
        x = tf.constant(2.0)
        y = make(x)
        before = state(graph)
        with trial(graph):
            tf.gradients(y, x)
            assert state(graph) != before
        assert state(graph) == before


def test_variables_collections_and_control_inputs_are_taken_back():
    with tf.Graph().as_default() as graph:
        x = tf.constant(2.0, name="x")
        before = state(graph)
        with trial(graph), tf.control_dependencies([x]):
            tf.get_variable("w", [2])
            tf.add_to_collection("mine", x)
        assert state(graph) == before


def test_names_and_seeds_go_on_as_if_nothing_was():
    def names(trying):
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(1)
            tf.constant(1.0)
            if trying:
                with trial(graph):
                    tf.random_normal([2])
                    tf.constant(1.0)
            draw = tf.random_normal([2])
            with tf.Session() as session:
                return draw.name, session.run(draw).tolist()

    assert names(True) == names(False)


def test_a_finalized_graph_is_one_again():
    with tf.Graph().as_default() as graph:
        x = tf.constant(2.0)
        graph.finalize()
        with trial(graph):
            tf.square(x)
        assert graph.finalized and len(graph.get_operations()) == 1


def test_a_failure_inside_is_taken_back_too():
    with tf.Graph().as_default() as graph:
        x = tf.constant(2.0)
        before = state(graph)
        with pytest.raises(ZeroDivisionError), trial(graph):
            tf.square(x)
            raise ZeroDivisionError
        assert state(graph) == before


def test_compiled_plans_stay():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        y = tf.square(tf.constant(3.0))
        session.run(y)
        known = dict(session._calls)
        with trial(graph):
            tf.gradients(y, y.op.inputs[0])
        session.run(y)
        assert session._calls == known
