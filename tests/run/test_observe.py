"""Runs that are looked at, and leave no trace in the session."""

from __future__ import annotations

import numpy as np
import pytest

import retrograd as tf
from retrograd.run.observe import Observed


def test_values_of_all_kinds():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [2], name="x")
        w = tf.Variable([1.0, 2.0])
        v = tf.get_variable("v", initializer=3.0, use_resource=True)
        y = x * w + v
        words = tf.constant(["a", "b"])
        session.run(tf.global_variables_initializer())
        run = Observed(session, graph, {"x:0": [1.0, 1.0]})
        found = run([x, y, w._variable, v.handle, words])
        np.testing.assert_array_equal(found[y], [4.0, 5.0])
        np.testing.assert_array_equal(found[x], [1.0, 1.0])
        np.testing.assert_array_equal(found[w._variable], [1.0, 2.0])
        assert found[words].tolist() == [b"a", b"b"]
        assert v.handle not in found


def test_a_branch_that_is_not_taken_has_no_value():
    with tf.Graph().as_default() as graph:
        from retrograd.ops.declare import F

        off, on = F.Switch(tf.constant(1.0), tf.constant(True))
        found = Observed(None, graph)([tf.exp(off), tf.exp(on)])
        assert [float(v) for v in found.values()] == [pytest.approx(np.e)]


def test_variables_and_random_numbers_are_put_back():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.set_random_seed(1)
        w = tf.Variable(1.0)
        session.run(w.initializer)
        step = tf.assign_add(w, 1.0)
        draw = tf.random_uniform([], seed=4)
        run = Observed(session, graph)
        first = run([step, draw])
        assert first[step] == 2.0
        assert run([draw])[draw] == first[draw]
        assert session.run(w) == 1.0
        assert session.run(draw) == first[draw]


def test_variables_that_a_run_sets_are_unset_again():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        w = tf.Variable(1.0)
        Observed(session, graph)([w.initializer.outputs[0]])
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(w)


def test_what_is_given_is_nobody_elses():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        w = tf.Variable([1.0, 2.0])
        session.run(w.initializer)
        value = Observed(session, graph)([w._variable])[w._variable]
        value[0] = 9.0
        assert session.run(w).tolist() == [1.0, 2.0]
