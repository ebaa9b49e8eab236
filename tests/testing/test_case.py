"""tf.test.TestCase: what it sets up, its sessions, threads, streams and errors."""

import os
import random
import unittest

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context

# What TensorFlow 1.15.5 draws first in a test: tf.random_uniform([2]), `random`, NumPy.
REFERENCE = (
    0.38692939281463623,
    0.3600262403488159,
    0.3499765785632496,
    0.18463433217903202,
)


def run(*methods, base=tf.test.TestCase):
    """Run functions as the methods of one test case; the unittest result."""
    names = [f"test_{i}_{m.__name__}" for i, m in enumerate(methods)]
    case = type("Case", (base,), dict(zip(names, methods, strict=True)))
    result = unittest.TestResult()
    unittest.TestSuite(case(name) for name in names).run(result)
    return result


def check(*methods):
    result = run(*methods)
    assert not result.failures, result.failures[0][1]
    assert not result.errors, result.errors[0][1]
    assert result.testsRun == len(methods)


def test_graph_and_seeds_are_reset():
    drawn = []

    def draw(self):
        assert not tf.get_default_graph().get_operations()
        values = self.evaluate(tf.random_uniform([2]))
        drawn.append((*values, random.random(), np.random.random()))

    check(draw, draw)
    assert drawn[0] == drawn[1]


def test_reference_draws():
    def draw(self):
        np.testing.assert_allclose(
            self.evaluate(tf.random_uniform([2])), REFERENCE[:2], rtol=1e-6
        )
        assert random.random() == REFERENCE[2]
        assert np.random.random() == REFERENCE[3]

    check(draw)


def test_a_graph_left_open_is_closed():
    def leave_open(self):
        tf.Graph().as_default().__enter__()

    def next_test(self):
        assert not context.local.graphs

    check(leave_open, next_test)


def test_session_is_new_and_closed():
    def body(self):
        with self.session() as one:
            assert tf.get_default_session() is one
            assert one.run(tf.constant(3)) == 3
        with self.session() as other:
            assert other is not one
        with pytest.raises(RuntimeError, match="closed Session"):
            one.run(tf.constant(3))

    check(body)


def test_cached_session_is_one():
    kept = []

    def body(self):
        with self.cached_session() as one:
            v = tf.Variable(3)
            self.evaluate(v.initializer)
        with self.cached_session() as other:
            assert other is one
            assert self.evaluate(v) == 3
        kept.append((one, v))
        with pytest.raises(ValueError, match=r"The config used to get the cached"):
            with self.cached_session(config=tf.ConfigProto()):
                pass

    check(body)
    session, v = kept[0]
    with pytest.raises(RuntimeError):
        session.run(v)


def test_devices():
    def body(self):
        with self.cached_session():
            assert tf.constant(1).device == "/device:CPU:0"
        with self.cached_session(use_gpu=True):
            assert tf.constant(1).device == ""
        with self.session(force_gpu=True):
            assert tf.no_op().device == "/device:GPU:0"

    check(body)


def test_evaluate_structures():
    def body(self):
        got = self.evaluate({"a": [tf.constant(1), tf.constant([2.0])]})
        assert got["a"][0] == 1
        assert list(got["a"][1]) == [2.0]
        with tf.Graph().as_default(), tf.Session():
            assert self.evaluate(tf.constant(5)) == 5

    check(body)


def test_tensors_in_assertions():
    def body(self):
        self.assertAllEqual([1, 2], tf.constant([1, 2]))
        self.assertAllClose(tf.constant(2.0), 2.0)
        with self.assertRaises(AssertionError):
            self.assertAllEqual([1, 3], tf.constant([1, 2]))
        self.assertShapeEqual(np.zeros([2, 3]), tf.zeros([2, 3]))
        with self.assertRaises(AssertionError):
            self.assertShapeEqual(np.zeros([2, 3]), tf.zeros([3, 2]))

    check(body)


def test_op_errors():
    def body(self):
        x = tf.placeholder(tf.float32, [], name="missing")
        with self.cached_session() as sess:
            with self.assertRaisesOpError("must feed a value for placeholder"):
                sess.run(x)
            with self.assertRaisesOpError(lambda e: e.op is x.op):
                sess.run(x)
            with self.assertRaisesOpError("Caused by: missing"):
                sess.run(x)
            with pytest.raises(AssertionError):
                with self.assertRaisesOpError("another message"):
                    sess.run(x)
        with pytest.raises(AssertionError, match="ValueError not raised"):
            with self.assertRaisesWithPredicateMatch(ValueError, "x"):
                pass
        with pytest.raises(AssertionError, match="Exception of type"):
            with self.assertRaisesWithPredicateMatch(ValueError, "x"):
                raise TypeError("x")

    check(body)


def test_threads():
    def joined(self):
        done = []
        thread = self.checkedThread(target=done.append, args=(1,))
        thread.start()
        thread.join()
        assert done == [1]

    def raising(self):
        thread = self.checkedThread(target=int, args=("x",))
        thread.start()
        thread.join()

    def not_joined(self):
        thread = self.checkedThread(target=int)
        thread.start()
        thread._thread.join()

    check(joined)
    assert "Error in checkedThread: invalid literal" in run(raising).failures[0][1]
    assert "A checked thread was not joined." in run(not_joined).failures[0][1]


def test_captured_writes(tmp_path):
    stream = (tmp_path / "stream").open("w")

    def body(self):
        with self.captureWritesToStream(stream) as written:
            os.write(stream.fileno(), b"inside")
            stream.write(" buffered")
        assert written.contents() == "inside buffered"

    check(body)
    stream.write("after")
    stream.close()
    assert (tmp_path / "stream").read_text() == "after"


def test_temp_dirs():
    found = []

    def body(self):
        found.append(self.get_temp_dir())
        assert os.path.isdir(found[-1])
        assert self.get_temp_dir() == found[-1]
        assert found[-1].startswith(tf.test.get_temp_dir())

    check(body, body)
    assert found[0] != found[1]


def test_test_session_is_no_test():
    result = unittest.TestResult()
    tf.test.TestCase("test_session").run(result)
    assert [reason for _, reason in result.skipped] == ["Not a test."]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("assertEquals", (1, 1), (1, 2)),
        ("assertNotEquals", (1, 2), (1, 1)),
        ("assert_", (True,), (False,)),
        ("assertRegexpMatches", ("abc", "b"), ("abc", "d")),
        ("assertNotRegexpMatches", ("abc", "d"), ("abc", "b")),
        ("assertAlmostEquals", (1.0, 1.0 + 1e-9), (1.0, 1.1)),
        ("assertNotAlmostEquals", (1.0, 1.1), (1.0, 1.0 + 1e-9)),
        ("assertRaisesRegexp", (ValueError, "invalid", int, "x"), (KeyError, "", dict)),
    ],
)
def test_names_that_unittest_dropped(name, good, bad):
    case = tf.test.TestCase()
    getattr(case, name)(*good)
    with pytest.raises(AssertionError):
        getattr(case, name)(*bad)


def test_gpu_and_cluster():
    assert not tf.test.is_gpu_available()
    assert tf.test.gpu_device_name() == ""
    assert not tf.test.is_built_with_cuda()
    with pytest.raises(tf.errors.UnimplementedError, match="Local clusters"):
        tf.test.create_local_cluster(1, 1)


def test_source_folder(monkeypatch):
    monkeypatch.setenv("TEST_SRCDIR", "/data")
    assert tf.test.test_src_dir_path("a/b") == "/data/org_tensorflow/tensorflow/a/b"
