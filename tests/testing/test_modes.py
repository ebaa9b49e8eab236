"""Decorators that run tests in graph mode, eagerly, or in both."""

import os
import unittest

import pytest
from absl.testing import parameterized

import retrograd as tf
from retrograd.graph import context
from retrograd.testing import modes


def run(case, *names):
    """Run test methods of a class; the unittest result, and raise what failed."""
    result = unittest.TestResult()
    unittest.TestSuite(map(case, names)).run(result)
    for _, trace in [*result.failures, *result.errors]:
        raise AssertionError(trace)
    return result


def test_graph_and_eager():
    ran = []

    class Case(tf.test.TestCase):
        def setUp(self):
            super().setUp()
            ran.append("setUp")

        def tearDown(self):
            super().tearDown()
            ran.append("tearDown")

        @modes.run_in_graph_and_eager_modes
        def test_both(self):
            ran.append((context.executing_eagerly(), tf.get_default_session()))
            self.assertAllEqual(self.evaluate(tf.constant([1]) + 2), [3])

        @modes.run_in_graph_and_eager_modes(reset_test=False, use_gpu=False)
        def test_no_reset(self):
            ran.append(context.executing_eagerly())

    run(Case, "test_both")
    assert [x if isinstance(x, str) else x[0] for x in ran] == [
        "setUp", False, "tearDown", "setUp", True, "tearDown",
    ]  # fmt: skip
    assert ran[1][1] is not None
    ran.clear()
    run(Case, "test_no_reset")
    assert ran == ["setUp", False, True, "tearDown"]


def test_skipped_in_graph_mode_still_runs_eagerly():
    ran = []

    class Case(tf.test.TestCase):
        @modes.run_in_graph_and_eager_modes
        def test(self):
            if not context.executing_eagerly():
                self.skipTest("eager only")
            ran.append(True)

    run(Case, "test")
    assert ran == [True]


def test_whole_classes():
    ran = []

    @modes.run_all_in_graph_and_eager_modes
    class Case(tf.test.TestCase):
        def test_both(self):
            ran.append(context.executing_eagerly())

        def testSkipEager(self):
            ran.append(context.executing_eagerly())

    run(Case, "test_both")
    assert ran == [False, True]
    run(Case, "testSkipEager")
    assert ran == [False, True, False]
    with pytest.raises(ValueError, match="run_all_in_graph_and_eager_modes"):
        modes.run_in_graph_and_eager_modes(Case)


def test_version_switches():
    ran = []

    @modes.run_v1_only("not in v2")
    class V1(tf.test.TestCase):
        def test(self):
            ran.append("v1")

    class Others(tf.test.TestCase):
        @modes.run_v2_only
        def test_v2(self):
            ran.append("v2")

        @modes.run_gpu_only
        def test_gpu(self):
            ran.append("gpu")

        @modes.deprecated_graph_mode_only
        def test_graph(self):
            ran.append("graph")

    run(V1, "test")
    result = run(Others, "test_v2", "test_gpu", "test_graph")
    assert ran == ["v1", "graph"]
    reasons = [reason for _, reason in result.skipped]
    assert reasons == ["Test is only compatible with v2", "Test requires GPU"]
    with pytest.raises(ValueError, match="'reason' should be string"):
        modes.run_v1_only(lambda self: None)


def test_control_flow_twins():
    class Case(tf.test.TestCase):
        def test_one(self):
            self.on = tf.control_flow_v2_enabled()

        @modes.disable_control_flow_v2("b/1")
        def test_other(self):
            pass

    before = tf.control_flow_v2_enabled()
    modes.with_control_flow_v2(Case)
    twin = Case("test_oneWithControlFlowV2")
    twin.test_oneWithControlFlowV2()
    assert twin.on
    assert tf.control_flow_v2_enabled() == before
    assert not hasattr(Case, "test_otherWithControlFlowV2")


def test_skip_if():
    assert modes.skip_if(True)(lambda: 1)() is None
    assert modes.skip_if(lambda: False)(lambda: 1)() == 1


def test_for_all_test_methods():
    def marked(mark):
        return lambda f: lambda self: f"{mark} {f(self)}"

    @modes.for_all_test_methods(marked, "seen")
    class Case(tf.test.TestCase):
        def test_one(self):
            return "one"

        def other(self):
            return "other"

    case = Case("test_one")
    assert (case.test_one(), case.other()) == ("seen one", "other")


def test_deterministic_cudnn(monkeypatch):
    monkeypatch.setenv("TF_CUDNN_DETERMINISTIC", "0")
    inside = modes.use_deterministic_cudnn(lambda: os.environ["TF_CUDNN_DETERMINISTIC"])
    assert inside() == "true"
    assert os.environ["TF_CUDNN_DETERMINISTIC"] == "0"


def test_combinations():
    # as TensorFlow 1.15.5 orders and names them
    got = modes.generate_combinations_with_testcase_name(b=[1, 2], a2="x y", a1=[None])
    assert [list(c.items()) for c in got] == [
        [("a1", None), ("a2", "x y"), ("b", n),
         ("testcase_name", f"_test_a1_None_a2_xy_b_{n}")]
        for n in (1, 2)
    ]  # fmt: skip


built_in = []


class Building(parameterized.TestCase, tf.test.TestCase):
    @modes.build_as_function_and_v1_graph
    def test_build(self):
        tf.constant(1) + 2
        built_in.append(tf.get_default_graph())
        assert len(built_in[-1].get_operations()) == 3


def test_build_in_graph_and_in_function():
    built_in.clear()
    run(Building, "test_build_v1_graph", "test_build_function")
    assert [graph.building_function for graph in built_in] == [False, True]
