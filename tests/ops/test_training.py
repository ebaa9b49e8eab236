"""The ops that update variables by a gradient: shapes and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.errors import InvalidArgumentError
from retrograd.ops.declare import F


def test_distinct_indices_are_known() -> None:
    """What Unique returns is applied at once, with the same result."""
    results = []
    for distinct in (False, True):
        with tf.Graph().as_default(), tf.Session() as session:
            variables = [tf.Variable(np.ones((5, 2), np.float32)) for _ in range(2)]
            indices = tf.constant([3, 0, 4])
            if distinct:
                indices = F.Unique(indices, out_idx=tf.int32)[0]
            refs = [v._ref() for v in variables]
            grad = np.arange(6, dtype=np.float32).reshape(3, 2)
            update = F.SparseApplyAdagrad(*refs, 0.5, grad, indices)
            session.run(tf.global_variables_initializer())
            results.append(session.run([update, *variables]))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_reference_output_is_the_variable() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable([1.0, 2.0])
        update = F.ApplyGradientDescent(v._ref(), 0.5, [2.0, 2.0])
        assert update.dtype.name == "float32_ref"
        assert update.shape.as_list() == [2]
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(update), [0.0, 1.0])


def test_inference_refuses_shapes() -> None:
    with tf.Graph().as_default():
        v = tf.Variable([1.0, 2.0])
        rows = tf.Variable(np.zeros((3, 2), np.float32), use_resource=True)
        with pytest.raises(
            ValueError, match="Dimension 0 in both shapes must be equal"
        ):
            F.ApplyGradientDescent(v._ref(), 0.5, [1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match="Shape must be rank 0 but is rank 1"):
            F.ApplyGradientDescent(v._ref(), [0.5], [1.0, 2.0])
        handles = [rows.handle, rows.handle]
        with pytest.raises(ValueError, match="must be equal, but are 1 and 2"):
            F.ResourceSparseApplyAdagrad(*handles, 0.5, np.ones((2, 2), "f"), [1])
        with pytest.raises(ValueError, match="Shape must be rank 1 but is rank 0"):
            F.ResourceSparseApplyAdagrad(*handles, 0.5, np.ones((2, 2), "f"), 1)


@pytest.mark.parametrize(
    ("grad", "indices", "rate", "text"),
    [
        (
            np.ones((2, 2)),
            [0, 3],
            0.5,
            "Index 3 at offset 1 in indices is out of range",
        ),
        (np.ones((2, 2)), [-1, 0], 0.5, "Index -1 at offset 0 in indices is out of"),
        (np.ones((2, 3)), [0, 1], 0.5, "var and grad must match in dimension 1"),
        (np.ones((3, 2)), [0, 1], 0.5, "grad must be the same size as indices"),
        (np.ones((2, 2)), [[0, 1]], 0.5, "indices must be one-dimensional"),
        (np.ones((2, 2)), [0, 1], [0.5], r"lr is not a scalar: \[1\]"),
    ],
)
def test_run_time_refusals(grad: Any, indices: Any, rate: Any, text: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [tf.Variable(np.ones((3, 2), np.float32)) for _ in range(2)]
        fed = [tf.placeholder(t) for t in (tf.float32, tf.float32, tf.int32)]
        update = F.SparseApplyAdagrad(*[v._ref() for v in variables], *fed)
        session.run(tf.global_variables_initializer())
        with pytest.raises(InvalidArgumentError, match=text):
            session.run(update, dict(zip(fed, (rate, grad, indices), strict=True)))
        np.testing.assert_array_equal(session.run(variables[0]), np.ones((3, 2)))


def test_gradient_of_another_shape_is_refused() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable([1.0, 2.0])
        delta = tf.placeholder(tf.float32)
        update = F.ApplyGradientDescent(v._ref(), 0.5, delta)
        session.run(tf.global_variables_initializer())
        with pytest.raises(
            InvalidArgumentError, match=r"do not have the same shape\[2\] \[1\]"
        ):
            session.run(update, {delta: [1.0]})
