"""Functions of the elements of datasets; the values are TensorFlow 1.15's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context

Dataset = tf.data.Dataset


@pytest.fixture(params=["graph", "eager"], autouse=True)
def _mode(request: pytest.FixtureRequest) -> Iterator[None]:
    with tf.Graph().as_default():
        with context.eager_mode() if request.param == "eager" else nullcontext():
            yield


def plain(element: Any) -> list[Any]:
    return [np.asarray(part).tolist() for part in tf.nest.flatten(element)]


def values(dataset: Any) -> list[list[Any]]:
    """The tensors of each element."""
    if context.executing_eagerly():
        return [plain(element) for element in dataset]
    iterator = dataset.make_initializable_iterator()
    element, found = iterator.get_next(), []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(iterator.initializer)
        while True:
            try:
                found.append(plain(session.run(element)))
            except tf.errors.OutOfRangeError:
                return found


@pytest.mark.covers("MapDataset", "ParallelMapDataset", "FilterDataset")
def test_what_is_made_of_elements() -> None:
    assert values(Dataset.range(3).map(lambda x: x * 2)) == [[0], [2], [4]]
    rows = Dataset.from_tensor_slices({"a": [1.0, 2.0], "b": [3, 4]})
    made = rows.map(lambda row: (row["a"] + 1.0, {"q": row["b"]}))
    assert values(made) == [[2.0, 3], [3.0, 4]]
    assert made.element_spec[1]["q"].dtype == tf.int32
    pairs = Dataset.from_tensor_slices(([1.0, 2.0], [3, 4]))
    assert values(pairs.map(lambda a, b: a)) == [[1.0], [2.0]]
    even = Dataset.range(6).filter(lambda x: tf.equal(x % 2, 0))
    both = even.map(lambda x: [x, x + 1], num_parallel_calls=2)
    assert values(both) == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.covers("FlatMapDataset")
def test_datasets_of_elements() -> None:
    made = Dataset.range(3).flat_map(lambda x: Dataset.from_tensors(x).repeat(x))
    assert values(made) == [[1], [2], [2]]


def test_what_functions_use() -> None:
    ten = tf.constant(10, tf.int64)
    added = Dataset.range(3).map(lambda x: x + ten).batch(2)
    assert values(added) == [[[10, 11]], [[12]]]
    one_more = Dataset.range(2).map(
        lambda x: tf.py_func(lambda value: value + 1, [x], tf.int64)
    )
    assert values(one_more) == [[1], [2]]
    variable = tf.Variable(3, dtype=tf.int64, use_resource=True)
    assert values(Dataset.range(2).map(lambda x: x + variable)) == [[3], [4]]


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"to a scalar boolean tensor\. Was"):
        Dataset.range(3).filter(lambda x: x)
    with pytest.raises(TypeError, match=r"must return a `Dataset` object\. Got"):
        Dataset.range(3).flat_map(lambda x: x)
    bad = Dataset.range(3).map(
        lambda x: tf.check_numerics(1.0 / tf.cast(x, tf.float32), "bad")
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="bad : Tensor had Inf"):
        values(bad)
