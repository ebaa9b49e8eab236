"""What is fed, what must be, and references that pass through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.ops import raw


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as found:
        yield found


@pytest.mark.parametrize(
    "op_type",
    [
        pytest.param(name, marks=pytest.mark.covers(name))
        for name in ("Placeholder", "PlaceholderV2")
    ],
)
def test_a_placeholder_must_be_fed(op_type: str) -> None:
    x = raw.by_type(op_type)(dtype=tf.float32, shape=[None, 2])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(2 * x, {x: [[1, 2]]}), [[2, 4]])
        text = rf"must feed a value for placeholder tensor '{op_type}' with dtype float"
        with pytest.raises(tf.errors.InvalidArgumentError, match=text):
            session.run(2 * x)


def test_a_default_is_used_unless_fed() -> None:
    x = tf.placeholder_with_default([1.0, 2.0], [None])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(x), [1, 2])
        np.testing.assert_array_equal(session.run(x, {x: [3]}), [3])


@pytest.mark.parametrize(
    ("shape", "known"), [(None, None), ([3, None], [None, None]), ([3, 4], [3, 4])]
)
def test_a_sparse_placeholder(shape: Any, known: Any) -> None:
    x = tf.sparse_placeholder(tf.float32, shape, name="s")
    assert x.values.name == "s/values:0" and x.indices.name == "s/indices:0"
    found = x.shape
    assert (None if found.ndims is None else found.as_list()) == known
    value = tf.SparseTensorValue([[0, 1]], [5.0], [3, 4])
    with tf.Session() as session:
        assert session.run(x, {x: value}).values.tolist() == [5.0]


@pytest.mark.covers("Const")
def test_a_constant_keeps_its_value_apart() -> None:
    array = np.ones(3)
    c = tf.constant(array)
    array[:] = 7
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(c), [1, 1, 1])


def test_a_reference_passes_through() -> None:
    v = tf.get_variable("v", initializer=[1.0, 2.0], use_resource=False)
    same = raw.by_type("RefIdentity")(v._ref())
    assert same.dtype._is_ref_dtype
    change = raw.by_type("Assign")(same, [3.0, 4.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(same + 1), [2, 3])
        session.run(change)
        np.testing.assert_array_equal(session.run(v), [3, 4])
