"""Values known before anything runs, and tensors as protocol messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.ops.array import tensor_protos, tensor_values


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as found:
        yield found


@pytest.mark.parametrize(
    "value",
    [
        np.array(3, np.int32),
        np.array([1.5, -2.0], np.float32),
        np.array([[1, 2], [3, 4]], np.int64),
        np.array([1.5], np.float16),
        np.array([1 + 2j, 3j], np.complex64),
        np.array([True, False]),
        np.array([b"a", b"\xff\0"], object),
        np.zeros((0, 3)),
    ],
    ids=lambda v: f"{v.dtype}{list(v.shape)}",
)
def test_message_and_back(value: np.ndarray) -> None:
    back = tensor_protos.make_ndarray(tf.make_tensor_proto(value))
    assert back.dtype == value.dtype
    np.testing.assert_array_equal(back, value)


def test_messages_are_as_short_as_tensorflows() -> None:
    many = tf.make_tensor_proto([1.0, 2.0])
    assert many.tensor_content and not many.float_val
    one = tf.make_tensor_proto(2.5)
    assert list(one.float_val) == [2.5] and not one.tensor_content
    repeated = tf.make_tensor_proto(7, shape=[2, 3])
    assert list(repeated.int_val) == [7]
    np.testing.assert_array_equal(tf.make_ndarray(repeated), np.full((2, 3), 7))


def test_only_some_operations_tell_their_value() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    n = tf.shape(x)[0]
    known: list[tuple[Any, Any]] = [
        (tf.constant([1, 2]), [1, 2]),
        (tf.stack([1, tf.rank(x)]), [1, 2]),
        (tf.concat([[1], tf.range(3)], 0), [1, 0, 1, 2]),
        (tf.cast([1.7], tf.int32), [1]),
        (tf.fill([2], 5), [5, 5]),
        (tf.shape(x), None),
        (tf.constant(1) + 1, None),
        (tf.stack([1, n]), None),
    ]
    for tensor, value in known:
        found = tensor_values.constant_value(tensor)
        assert (found is None) == (value is None), tensor
        if value is not None:
            np.testing.assert_array_equal(found, value)
    assert list(tensor_values.constant_value(tf.stack([1, n]), partial=True)) == [
        1,
        None,
    ]


def test_a_value_that_was_used_cannot_be_fed(graph: tf.Graph) -> None:
    c = tf.constant(3)
    assert graph.is_feedable(c)
    tensor_values.constant_value(c)
    assert not graph.is_feedable(c)


def test_shapes_that_tensors_hold() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    as_shape = tensor_values.constant_value_as_shape
    assert as_shape(tf.shape(x)).as_list() == [None, 3]
    assert as_shape(tf.concat([[4], tf.shape(x)[1:]], 0)).as_list() == [4, 3]
    assert as_shape(tf.stack([tf.shape(x)[0], 5])).as_list() == [None, 5]
    assert as_shape(tf.constant(-1)).ndims is None
    with pytest.raises(ValueError, match="scalar value '3' as shape"):
        as_shape(tf.constant(3))


def test_two_forms_of_constants() -> None:
    assert tf.constant([1, 2], shape=[4]).shape == [4]
    with pytest.raises(TypeError, match=r"Expected Tensor's shape: \(4,\), got \(2,\)"):
        tf.compat.v2.constant([1, 2], shape=[4])
    assert tf.compat.v2.constant(1, shape=[4]).shape == [4]
