"""Datasets and their iterators: structures, shapes, messages, both modes."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd import errors
from retrograd.data.dataset import rebatched
from retrograd.graph import context

Dataset = tf.data.Dataset
Pair = namedtuple("Pair", ["left", "right"])


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as found:
        yield found


def _all(dataset: Any) -> list[Any]:
    value = dataset.make_one_shot_iterator().get_next()
    found = []
    with tf.Session() as session, pytest.raises(tf.errors.OutOfRangeError):
        while True:
            found.append(session.run(value))
    return found


# ---------------------------------------------------------------------- elements


def test_structures() -> None:
    made = Dataset.from_tensor_slices(
        {"b": ([1, 2], np.ones([2, 3])), "a": Pair(["x", "y"], [True, False])}
    )
    assert repr(made) == (
        "<DatasetV1Adapter shapes: {b: ((), (3,)), a: Pair(left=(), right=())}, "
        "types: {b: (tf.int32, tf.float64), a: Pair(left=tf.string, right=tf.bool)}>"
    )
    first, second = _all(made)
    assert list(first) == ["b", "a"]
    assert isinstance(first["a"], Pair)
    assert second["a"] == Pair(b"y", False)
    assert second["b"][0] == 2
    np.testing.assert_array_equal(second["b"][1], np.ones(3))


def test_a_list_is_a_tensor() -> None:
    assert Dataset.from_tensors([1, 2]).output_shapes == tf.TensorShape([2])
    assert Dataset.from_tensors(([1, 2], 3)).output_types == (tf.int32, tf.int32)


def test_names_of_operations(graph: Any) -> None:
    Dataset.from_tensor_slices([1.0]).batch(1).repeat()
    names = [op.name for op in graph.get_operations()]
    assert names == [
        "normalize_element/component_0",
        "TensorSliceDataset",
        "batch_size",
        "drop_remainder",
        "BatchDatasetV2",
        "count",
        "RepeatDataset",
    ]


def test_static_shapes() -> None:
    made = Dataset.from_tensor_slices(np.zeros([5, 2], "f"))
    assert made.batch(2).output_shapes.as_list() == [None, 2]
    assert made.batch(2, drop_remainder=True).output_shapes.as_list() == [2, 2]
    assert rebatched(made.batch(4, True), 2).output_shapes.as_list() == [2, 2]
    assert rebatched(made.batch(3, True), 2).output_shapes.as_list() == [None, 2]
    joined = made.concatenate(Dataset.from_tensors(np.zeros(3, "f")))
    assert joined.output_shapes.as_list() == [None]


def test_types_and_classes_of_elements() -> None:
    made = Dataset.zip((Dataset.range(3), Dataset.from_tensors({"k": 1.5})))
    assert tf.data.get_output_types(made) == (tf.int64, {"k": tf.float32})
    assert tf.data.get_output_shapes(made)[1]["k"].rank == 0
    assert tf.data.get_output_classes(made) == (tf.Tensor, {"k": tf.Tensor})
    made = made.make_one_shot_iterator()
    assert made.output_types == (tf.int64, {"k": tf.float32})
    assert made.element_spec[0] == tf.TensorSpec([], tf.int64)


# ---------------------------------------------------------------------- made of others


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: Dataset.range(3), [0, 1, 2]),
        (lambda: Dataset.range(4, 9, 2), [4, 6, 8]),
        (lambda: Dataset.range(3).repeat(2), [0, 1, 2, 0, 1, 2]),
        (lambda: Dataset.range(9).skip(7), [7, 8]),
        (lambda: Dataset.range(9).take(2).prefetch(3), [0, 1]),
        (lambda: Dataset.range(7).shard(3, 1), [1, 4]),
        (lambda: Dataset.range(1).concatenate(Dataset.range(2)), [0, 0, 1]),
        (lambda: Dataset.range(9).apply(lambda d: d.take(1)), [0]),
        (
            lambda: Dataset.zip((Dataset.range(2), Dataset.range(5, 9))),
            [(0, 5), (1, 6)],
        ),
    ],
)
def test_elements(make: Callable[[], Any], wanted: list[Any]) -> None:
    assert _all(make()) == wanted


@pytest.mark.parametrize(
    ("fails", "kind", "text"),
    [
        (
            lambda: Dataset.range(),
            ValueError,
            r"Invalid arguments to RangeDataset: \(\)",
        ),
        (
            lambda: Dataset.zip(3),
            TypeError,
            r"The argument to `Dataset.zip\(\)` must be a nested structure of",
        ),
        (
            lambda: Dataset.range(3).concatenate(Dataset.from_tensors(1.0)),
            TypeError,
            "have different types <dtype: 'int64'> and <dtype: 'float32'>",
        ),
        (
            lambda: Dataset.from_tensor_slices(3),
            ValueError,
            "has insufficient rank for batching",
        ),
        (
            lambda: Dataset.from_tensor_slices(([1], [1, 2])),
            ValueError,
            "Dimensions 1 and 2 are not compatible",
        ),
        (
            lambda: Dataset.range(3).apply(lambda d: 4),
            TypeError,
            "`transformation_func` must return a Dataset. Got 4.",
        ),
        (
            lambda: iter(Dataset.range(3)),
            RuntimeError,
            r"__iter__\(\) is only supported",
        ),
        (
            lambda: rebatched(Dataset.range(3), 2),
            ValueError,
            "Perhaps your input dataset is not batched",
        ),
        (
            lambda: tf.data.Iterator.from_structure(tf.int64).initializer,
            ValueError,
            "Iterator does not have an initializer.",
        ),
        (
            lambda: tf.data.Iterator(None, None, None, None, None),
            ValueError,
            "all of `output_types`, `output_shapes`, and `output_classes` must be",
        ),
    ],
)
def test_messages(fails: Callable[[], Any], kind: type, text: str) -> None:
    with pytest.raises(kind, match=text):
        fails()


# ---------------------------------------------------------------------- iterators


def test_an_initializable_iterator_begins_again() -> None:
    limit = tf.placeholder(tf.int64, [])
    made = Dataset.range(limit).make_initializable_iterator()
    value = made.get_next()
    with tf.Session() as session:
        with pytest.raises(
            errors.FailedPreconditionError, match="not been initialized"
        ):
            session.run(value)
        for count in (1, 2):
            session.run(made.initializer, {limit: count})
            assert [session.run(value) for _ in range(count)] == list(range(count))
            with pytest.raises(errors.OutOfRangeError, match="End of sequence"):
                session.run(value)


def test_an_iterator_for_several_datasets() -> None:
    made = tf.data.Iterator.from_structure(tf.int64, [])
    value = made.get_next()
    starts = [made.make_initializer(Dataset.range(i, 10)) for i in (3, 6)]
    with tf.Session() as session:
        for start, wanted in zip(starts, (3, 6), strict=True):
            session.run(start)
            assert session.run(value) == wanted
    with pytest.raises(
        TypeError, match=r"Expected output types tf.int64 but got dataset"
    ):
        made.make_initializer(Dataset.from_tensors(1.0))
    with pytest.raises(TypeError, match="Expected output shapes compatible with"):
        made.make_initializer(Dataset.range(3).batch(2))


def test_an_iterator_by_its_handle() -> None:
    made = Dataset.range(3).make_one_shot_iterator()
    text = tf.placeholder(tf.string, [])
    value = tf.data.Iterator.from_string_handle(text, tf.int64, []).get_next()
    with tf.Session() as session:
        handle = session.run(made.string_handle())
        assert [session.run(value, {text: handle}) for _ in range(2)] == [0, 1]
        assert session.run(made.get_next()) == 2


def test_a_one_shot_iterator_takes_no_variables() -> None:
    dataset = Dataset.from_tensor_slices(tf.Variable([1, 2]))
    with pytest.raises(ValueError, match="Failed to create a one-shot iterator"):
        dataset.make_one_shot_iterator()


def test_eager_iteration() -> None:
    with context.eager_mode():
        made = Dataset.from_tensor_slices({"x": [1, 2, 3]}).batch(2)
        found = [element["x"].numpy().tolist() for element in made]
        again = [element["x"].numpy().tolist() for element in made]
        assert found == again == [[1, 2], [3]]
        place = made.make_one_shot_iterator()
        assert place.get_next()["x"].numpy().tolist() == [1, 2]
        assert place.next()["x"].numpy().tolist() == [3]
        with pytest.raises(errors.OutOfRangeError):
            place.get_next()
        assert place.output_types == {"x": tf.int32}
        with pytest.raises(
            RuntimeError, match="make_initializable_iterator is not supp"
        ):
            made.make_initializable_iterator()


def test_version_2_has_no_iterators_of_graphs() -> None:
    made = tf.compat.v2.data.Dataset.range(3)
    assert not hasattr(made, "make_one_shot_iterator")
    value = tf.data.make_one_shot_iterator(made.take(1)).get_next()
    with tf.Session() as session:
        assert session.run(value) == 0
