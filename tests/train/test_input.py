"""Queues that fill themselves, and batches out of them, held to TensorFlow 1.15."""

from __future__ import annotations

import json
import pathlib

import pytest

import retrograd as tf
from retrograd.graph import context
from tests.train import input_programs

DATA = pathlib.Path(__file__).parent.parent / "data" / "inputs.json"
WANTED = json.loads(DATA.read_text())


@pytest.mark.parametrize(
    "name",
    [
        "producers",
        "wrong",
        pytest.param(
            "batches",
            marks=pytest.mark.covers(
                "AddSparseToTensorsMap", "TakeManySparseFromTensorsMap"
            ),
        ),
    ],
)
def test_against_tensorflow(name: str) -> None:
    found = input_programs.PROGRAMS[name](tf)
    assert json.loads(json.dumps(found)) == WANTED[name]


def test_records_become_batches(tmp_path: pathlib.Path) -> None:
    """The usual program: files, a reader, a parser, shuffled batches."""
    for name in ("a", "b"):
        with tf.python_io.TFRecordWriter(str(tmp_path / name)) as writer:
            for i in range(10):
                example = tf.train.Example()
                example.features.feature["n"].int64_list.value.append(i)
                writer.write(example.SerializeToString())
    with tf.Graph().as_default(), tf.Session() as session:
        paths = tf.train.match_filenames_once(str(tmp_path / "*"))
        files = tf.train.string_input_producer(paths, num_epochs=1)
        _, record = tf.TFRecordReader().read(files)
        read = tf.parse_single_example(record, {"n": tf.FixedLenFeature([], tf.int64)})
        numbers = tf.train.shuffle_batch([read["n"]], 5, 30, 5, num_threads=2)
        session.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        found = [n for _ in range(4) for n in session.run(numbers).tolist()]
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(numbers)
        coord.request_stop()
        coord.join(threads)
    assert sorted(found) == sorted([*range(10)] * 2)


def test_rows_are_chosen() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        rows = tf.constant([1, 2, 3, 4])
        kept = tf.constant([True, False, True, False])
        made = tf.train.maybe_batch([rows], kept, 2, enqueue_many=True)
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        assert session.run(made).tolist() == [1, 3]
        coord.request_stop()
        session.run([r.cancel_op for r in tf.get_collection("queue_runners")])
        coord.join(threads)


def test_there_are_none_when_executing_eagerly() -> None:
    first = "Input pipelines based on Queues are not supported when eager"
    with context.eager_mode():
        with pytest.raises(RuntimeError, match=first):
            tf.train.string_input_producer(["a"])
        with pytest.raises(ValueError, match=first):
            tf.train.batch([tf.constant(1)], 2)


@pytest.mark.covers("AddManySparseToTensorsMap", "TakeManySparseFromTensorsMap")
def test_rows_of_sparse_tensors_are_batched() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        sparse = tf.SparseTensor([[0, 1], [1, 0], [1, 2]], [1, 2, 3], [2, 3])
        made = tf.train.batch([sparse], 2, enqueue_many=True)
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coord)
        found = session.run(made)
        coord.request_stop()
        session.run([r.cancel_op for r in tf.get_collection("queue_runners")])
        coord.join(threads)
    assert found.indices.tolist() == [[0, 1], [1, 0], [1, 2]]
    assert found.values.tolist() == [1, 2, 3]
    assert found.dense_shape.tolist() == [2, 3]
