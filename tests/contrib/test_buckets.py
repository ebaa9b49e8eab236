"""Batches of sequences of about one length, as TensorFlow 1.15.5 makes them."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd as tf

T = tf.contrib.training


def batches(padded: bool, **kwargs: Any) -> list[list[int]]:
    """The lengths of all batches of sequences of 0 to 11 elements, sorted."""
    with tf.Graph().as_default(), tf.Session() as session:
        producer = tf.train.range_input_producer(12, num_epochs=1, shuffle=False)
        n = producer.dequeue()
        x = tf.fill([n] if padded else [3], n)
        length, element = T.bucket_by_sequence_length(
            n, {"x": x, "n": tf.identity(n)}, 2, [3, 7], **kwargs
        )
        session.run(tf.local_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        found = []
        with pytest.raises(tf.errors.OutOfRangeError):
            while True:
                lengths, values = session.run([length, element])
                longest = max(lengths) if padded else 3
                assert values["x"].shape == (len(lengths), longest)
                assert values["n"].tolist() == lengths.tolist()
                found.append(lengths.tolist())
        coordinator.request_stop()
        coordinator.join(threads)
        assert element["n"].name == "bucket_by_sequence_length/bucket/dequeue_top:2"
    return sorted(found)


def test_batches_are_of_one_bucket() -> None:
    assert batches(False) == [[0, 1], [3, 4], [5, 6], [7, 8], [9, 10]]


def test_last_batches_may_be_smaller_and_are_padded() -> None:
    found = batches(True, dynamic_pad=True, allow_smaller_final_batch=True, capacity=20)
    assert found == [[0, 1], [2], [3, 4], [5, 6], [7, 8], [9, 10], [11]]


def test_operations() -> None:
    with tf.Graph().as_default() as graph:
        n = tf.placeholder(tf.int32, [], name="n")
        T.bucket_by_sequence_length(n, [n], 2, [5], shared_name="s", name="b")
        runners = tf.get_collection("queue_runners")
        assert [r.name for r in runners] == [
            "b/bucket/bucket_queue_0",
            "b/bucket/top_queue",
        ]
        names = {op.name for op in graph.get_operations()}
    assert {
        "b/LessEqual/x",
        "b/bucket/group_enqueues",
        "b/bucket/read_bucket_1",
        "b/bucket/enqueue_from_bucket_1",
        "b/bucket/bucket/b/bucket/bucket_queue_1/size",
        "b/bucket/bucket/b/bucket/top_queue/fraction_of_32_full",
        "b/bucket/dequeue_top",
    } <= names


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda n: T.bucket_by_sequence_length(n, [n], 2, []),
            "bucket_boundaries must not be empty",
        ),
        (
            lambda n: T.bucket_by_sequence_length(n, [n], 2, [3, 2]),
            "Buckets must contain sequential increasing lengths, but saw: 3 before 2",
        ),
        (
            lambda n: T.bucket([n], 0, [2, 3], 3),
            "If batch_size is a list it must have num_buckets elements",
        ),
        (
            lambda n: T.bucket([], 0, 2, 3),
            "Expected at least one tensor in bucket().",
        ),
        (
            lambda n: T.bucket([n], 0, 2, 3, bucket_capacities=[1]),
            "The list bucket_capacities ([1]) must have exactly num_buckets (3) "
            "elements.",
        ),
    ],
)
def test_what_is_refused(make: Any, message: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError) as error:
        make(tf.constant(1))
    assert str(error.value) == message
