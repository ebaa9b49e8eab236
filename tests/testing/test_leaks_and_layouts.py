"""Decorators that find what a test leaves behind; layouts of images."""

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.testing import layouts, leaks

kept = []


class Case(tf.test.TestCase):
    def runTest(self):
        pass


@pytest.fixture(autouse=True)
def empty():
    kept.clear()
    yield
    kept.clear()


def test_growing_objects():
    with pytest.raises(AssertionError, match="not less than or equal to"):
        leaks.assert_no_new_pyobjects_executing_eagerly(
            lambda self: kept.append([[] for _ in range(100)])
        )(Case())
    leaks.assert_no_new_pyobjects_executing_eagerly(lambda self: [[]])(Case())


def test_growing_collections():
    with pytest.raises(AssertionError, match="Collection k increased in size from"):
        leaks.assert_no_new_pyobjects_executing_eagerly(
            lambda self: context.get_default_graph().add_to_collection("k", 1)
        )(Case())


def test_kept_tensors():
    with pytest.raises(AssertionError, match="1 Tensors not deallocated"):
        leaks.assert_no_new_tensors(lambda self: kept.append(tf.constant(1)))(Case())
    kept.clear()
    leaks.assert_no_new_tensors(lambda self: str(tf.constant(1)))(Case())


def test_cycles():
    def make(self):
        a = []
        a.append(a)

    with pytest.raises(AssertionError, match="reference cycles"):
        leaks.assert_no_garbage_created(make)(Case())
    leaks.assert_no_garbage_created(lambda self: [[]])(Case())


def test_shapes_and_tensors_change_layout():
    assert layouts.NHWCToNCHW([1, 2, 3, 4]) == [1, 4, 2, 3]
    assert layouts.NCHWToNHWC([1, 4, 2, 3]) == [1, 2, 3, 4]
    assert layouts.NHWCToNCHW([1, 2, 3, 4, 5]) == [1, 5, 2, 3, 4]
    assert layouts.NHWCToNCHW_VECT_C([1, 2, 3, 8]) == [1, 2, 2, 3, 4]
    assert layouts.NCHW_VECT_CToNHWC([1, 2, 2, 3, 4]) == [1, 2, 3, 8]
    values = np.arange(48.0).reshape(1, 2, 3, 8)
    with tf.Graph().as_default(), tf.Session() as sess:
        nchw = layouts.NHWCToNCHW(tf.constant(values))
        there = layouts.NHWCToNCHW_VECT_C(tf.constant(values))
        back = layouts.NCHW_VECT_CToNHWC(there)
        assert there.shape.as_list() == [1, 2, 2, 3, 4]
        np.testing.assert_array_equal(sess.run(nchw), values.transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(sess.run(back), values)
        assert sess.run(there)[0, 1, 1, 2, 3] == values[0, 1, 2, 7]


def test_channels_in_fours():
    with pytest.raises(ValueError, match="evenly divisible by 4"):
        layouts.NHWCToNCHW_VECT_C([1, 2, 3, 6])
    with pytest.raises(ValueError, match="must be 4"):
        layouts.NCHW_VECT_CToNHWC([1, 2, 2, 3, 2])
