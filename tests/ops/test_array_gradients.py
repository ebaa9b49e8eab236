"""Derivatives of ops whose output shapes depend on values, and sparse ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as tf

X = np.array([[1.0, -2.0], [3.0, 0.5], [-1.0, 4.0], [2.0, 2.5]])


def _slope(function: Callable[[Any], Any], step: float = 1e-6) -> tuple[Any, Any]:
    """The gradient of Σ y · cos(index), and the same by central differences."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float64, X.shape)
        parts = function(x)
        flat = [tf.reshape(p, [-1]) for p in parts]
        y = tf.concat(flat, 0)
        total = tf.reduce_sum(y * tf.cos(tf.cast(tf.range(tf.size(y)), tf.float64)))
        found = session.run(tf.gradients(total, x)[0], {x: X})
        numeric = np.zeros(X.shape)
        for place in np.ndindex(X.shape):
            moved = np.zeros(X.shape)
            moved[place] = step
            up, down = (session.run(total, {x: X + s * moved}) for s in (1, -1))
            numeric[place] = (up - down) / (2 * step)
    return found, numeric


CASES: dict[str, Callable[[Any], list[Any]]] = {
    "dynamic_partition": lambda x: tf.dynamic_partition(x, [1, 0, 1, 1], 3),
    "partition of elements": lambda x: tf.dynamic_partition(
        x, [[1, 0], [1, 1], [0, 0], [0, 1]], 2
    ),
    "boolean_mask": lambda x: [tf.boolean_mask(x, [True, False, True, True])],
    "boolean_mask of elements": lambda x: [tf.boolean_mask(x, x > 0.75)],
    "segment_sum": lambda x: [tf.segment_sum(x, [0, 0, 2, 2])],
    "segment_mean": lambda x: [tf.segment_mean(x, [0, 0, 0, 2])],
    "segment_max": lambda x: [tf.segment_max(x, [0, 0, 1, 1])],
    "segment_min": lambda x: [tf.segment_min(x, [0, 1, 1, 1])],
    "sparse_segment_sum": lambda x: [tf.sparse_segment_sum(x, [3, 0, 3], [0, 0, 1])],
    "sparse_segment_mean": lambda x: [tf.sparse_segment_mean(x, [3, 0, 3], [0, 0, 1])],
    "sparse_segment_sqrt_n": lambda x: [
        tf.sparse_segment_sqrt_n(x, [3, 0, 3], [0, 0, 1])
    ],
    "unsorted_segment_mean": lambda x: [tf.unsorted_segment_mean(x, [1, -1, 1, 0], 3)],
    "unsorted_segment_sqrt_n": lambda x: [
        tf.unsorted_segment_sqrt_n(x, [1, -1, 1, 0], 3)
    ],
    "gather along an axis": lambda x: [tf.gather(x, [1, 1, 0], axis=1)],
    "batch_gather": lambda x: [tf.batch_gather(x, [[1, 1], [0, 1], [0, 0], [1, 0]])],
    "gather_nd": lambda x: [tf.gather_nd(x, [[0, 1], [3, 0], [0, 1]])],
    "sort": lambda x: [tf.sort(x, axis=0), tf.sort(x, direction="DESCENDING")],
    "top_k": lambda x: [tf.nn.top_k(x, 1)[0]],
    "repeat": lambda x: [tf.repeat(x, [1, 0, 2, 1], axis=0)],
    "concat of sparse rows": lambda x: [
        tf.gather(tf.concat([x, 2 * x], 0), [1, 5]),
        tf.gather(tf.concat([x, 3 * x], 1), [1, 2]),
    ],
    "tile of sparse rows": lambda x: [tf.gather(tf.tile(x, [2, 1]), [1, 6, 2])],
}


@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str) -> None:
    found, numeric = _slope(CASES[name])
    np.testing.assert_allclose(found, numeric, atol=1e-7)


def test_rows_by_index_stay_sparse() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(X)
        found = tf.gradients(tf.gather(x, [3, 1, 3]), x)[0]
        assert isinstance(found, tf.IndexedSlices)
        value = session.run(found)
        np.testing.assert_array_equal(value.indices, [3, 1, 3])
        np.testing.assert_array_equal(value.values, np.ones((3, 2)))
        dense = session.run(tf.convert_to_tensor(found))
        np.testing.assert_array_equal(dense, [[0, 0], [1, 1], [0, 0], [2, 2]])


def test_slices_without_a_shape_cannot_be_dense() -> None:
    with tf.Graph().as_default():
        rows = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]))
        with pytest.raises(ValueError, match="IndexedSlices without dense_shape"):
            tf.convert_to_tensor(rows)


def test_a_stop_for_gradients_says_why() -> None:
    from retrograd.ops.array.identity import prevent_gradient

    with tf.Graph().as_default():
        x = tf.constant(1.0)
        y = prevent_gradient(x, message="not yet")
        with pytest.raises(
            LookupError, match=r"explicitly disabled\. Reason: b'not yet'"
        ):
            tf.gradients(y, x)


def test_checked_numbers_are_checked_backwards() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32)
        y = tf.check_numerics(tf.sqrt(x), "root")
        slope = tf.gradients(
            tf.check_numerics(x, "here"), x, tf.constant(np.inf, tf.float32)
        )
        assert session.run(y, {x: 4.0}) == 2
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="root : Tensor had NaN"
        ):
            session.run(y, {x: -1.0})
        with pytest.raises(tf.errors.InvalidArgumentError, match="in gradient"):
            session.run(slope, {x: 1.0})
