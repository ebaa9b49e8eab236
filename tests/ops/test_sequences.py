"""Constants of Python sequences in eager execution; texts from TensorFlow 1.15."""

from __future__ import annotations

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context


class Sequence:
    """Two numbers, of which none has the index 0."""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter([1, 3])

    def __getitem__(self, key):
        raise KeyError(key)


class BadLength(list):
    def __len__(self):
        return -1


MIXED = "Can't convert Python sequence with mixed types to Tensor."
RAGGED = "Can't convert non-rectangular Python sequence to Tensor."
TOO_LARGE = "Can't convert Python sequence with out-of-range integer to Tensor."
NEGATIVE = "ValueError: __len__() should return >= 0"


@pytest.mark.parametrize(
    "value, dtype, text",
    [
        ([[1, 2], [3]], None, RAGGED),
        ([[1, 2], [3]], "int32", RAGGED),
        ([["a"], ["b", "c"]], "string", RAGGED),
        ([[1], 2], None, RAGGED),
        ([1, [2]], None, MIXED),
        ([[], [1]], None, RAGGED),
        (["a", 1], None, MIXED),
        ([1.5, "a"], None, MIXED),
        ([1, 2, BadLength([1])], None, MIXED),
        ([BadLength([1]), [1]], None, NEGATIVE),
        (BadLength([1]), None, NEGATIVE),
        ([2**70], None, TOO_LARGE),
        (2**70, "int32", TOO_LARGE),
        (10**310, "float64", TOO_LARGE),
    ],
)
def test_refused(value, dtype, text):
    with context.eager_mode(), pytest.raises(ValueError) as caught:
        tf.constant(value, dtype)
    assert str(caught.value).splitlines()[0] == text


@pytest.mark.parametrize(
    "value, expected, dtype",
    [
        (Sequence(), [1, 3], "int32"),
        ([Sequence(), [5, 6]], [[1, 3], [5, 6]], "int32"),
        ((tf.Dimension(4), 2), [4, 2], "int32"),
        ([1, 2.5], [1.0, 2.5], "float32"),
        ([1.5, 2**65], [1.5, 2.0**65], "float32"),
        ([[], []], np.zeros((2, 0)), "float32"),
        ([[1, 2], np.array([3, 4])], [[1, 2], [3, 4]], "int32"),
        (range(3), [0, 1, 2], "int32"),
        (["a", b"b"], [b"a", b"b"], "string"),
    ],
)
def test_accepted(value, expected, dtype):
    with context.eager_mode():
        made = tf.constant(value)
    assert made.dtype.name == dtype
    np.testing.assert_array_equal(made.numpy(), expected)


def test_graphs_keep_to_what_numpy_reads():
    with tf.Graph().as_default(), pytest.raises(TypeError, match="Failed to convert"):
        tf.constant([tf.Dimension(1)])
