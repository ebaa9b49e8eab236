"""Reading of slim: examples of files, as TensorFlow 1.15.5 gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf

slim = tf.contrib.slim
decoding = slim.tfexample_decoder
NAMES = ["b/ymin", "b/xmin", "b/ymax", "b/xmax"]


def example(i: int) -> bytes:
    """An example whose numbers begin at i."""
    pixels = np.arange(12, dtype="uint8").reshape(2, 2, 3) + np.uint8(i)
    with tf.Graph().as_default(), tf.Session() as session:
        png = session.run(tf.image.encode_png(pixels))
    feature = tf.train.Feature

    def ints(*values: int) -> Any:
        return feature(int64_list=tf.train.Int64List(value=values))

    def floats(*values: float) -> Any:
        return feature(float_list=tf.train.FloatList(value=values))

    def text(value: bytes) -> Any:
        return feature(bytes_list=tf.train.BytesList(value=[value]))

    features = {
        "image/encoded": text(png),
        "image/format": text(b"png"),
        "label": ints(i),
        "vec": floats(i, i + 1, i + 2, i + 3),
        "shape": ints(2, 2),
        "raw": text(bytes(range(4))),
        "places": ints(0, 2),
        **{name: floats(k / 10, k / 5) for k, name in enumerate(NAMES)},
    }
    made = tf.train.Example(features=tf.train.Features(feature=features))
    return made.SerializeToString()


def decoder() -> Any:
    features = {
        "image/encoded": tf.FixedLenFeature((), tf.string, ""),
        "image/format": tf.FixedLenFeature((), tf.string, "raw"),
        "label": tf.FixedLenFeature([], tf.int64),
        "vec": tf.VarLenFeature(tf.float32),
        "shape": tf.FixedLenFeature([2], tf.int64),
        "raw": tf.FixedLenFeature((), tf.string),
        "format": tf.FixedLenFeature((), tf.string, "raw"),
        "places": tf.VarLenFeature(tf.int64),
        **{name: tf.VarLenFeature(tf.float32) for name in NAMES},
    }
    tensor = decoding.Tensor
    handlers = {
        "image": decoding.Image(),
        "raw": decoding.Image("raw", "format", shape=[2, 2, 1], channels=1),
        "label": tensor("label"),
        "shaped": tensor("vec", shape_keys="shape"),
        "column": tensor("vec", shape=[4, 1]),
        "list": tensor("vec"),
        "boxes": decoding.BoundingBox(prefix="b/"),
        "next": decoding.ItemHandlerCallback("label", lambda t: t["label"] + 1),
        "sparse": decoding.SparseTensor("places", "places", shape=[4], densify=True),
        "first": decoding.BackupHandler(tensor("label"), tensor("shape")),
    }
    return decoding.TFExampleDecoder(features, handlers)


def test_what_an_example_has() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        made = decoder()
        items = made.list_items()
        tensors = dict(zip(items, made.decode(tf.constant(example(1))), strict=True))
        found = session.run(tensors)
        assert tensors["column"].shape == [4, 1] and tensors["raw"].shape == [2, 2, 1]
    wanted = {
        "image": (np.arange(12) + 1).reshape(2, 2, 3),
        "raw": np.arange(4).reshape(2, 2, 1),
        "label": 1,
        "shaped": [[1, 2], [3, 4]],
        "column": [[1], [2], [3], [4]],
        "list": [1, 2, 3, 4],
        "boxes": np.array([[0, 0.1, 0.2, 0.3], [0, 0.2, 0.4, 0.6]], "float32"),
        "next": 2,
        "sparse": [0, 0, 2, 0],
        "first": 1,
    }
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert np.array_equal(found[name], value), name


@pytest.fixture
def files(tmp_path: Path) -> str:
    for k in range(2):
        with tf.python_io.TFRecordWriter(str(tmp_path / f"f{k}.tfrecord")) as writer:
            for i in (2 * k, 2 * k + 1):
                writer.write(example(i))
    return str(tmp_path / "f*.tfrecord")


@pytest.mark.parametrize(("shuffle", "readers"), [(False, 1), (True, 2)])
def test_examples_of_files(files: str, shuffle: bool, readers: int) -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        dataset = slim.dataset.Dataset(
            data_sources=files,
            reader=tf.TFRecordReader,
            decoder=decoder(),
            num_samples=4,
            items_to_descriptions={},
            num_classes=7,
        )
        assert dataset.num_classes == 7
        provider = slim.dataset_data_provider.DatasetDataProvider(
            dataset,
            num_readers=readers,
            shuffle=shuffle,
            num_epochs=1,
            common_queue_capacity=20,
            common_queue_min=2,
        )
        assert "record_key" in provider.list_items() and provider.num_samples() == 4
        label, image = provider.get(["label", "image"])
        with pytest.raises(
            ValueError, match=r"^Item \[zz\] is invalid\. Valid entries"
        ):
            provider.get(["zz"])
        queue = slim.prefetch_queue.prefetch_queue({"n": label, "x": label + 1})
        assert queue.name == "prefetch_queue/fifo_queue"
        taken = queue.dequeue()
        runners = tf.get_collection("queue_runners")
        assert [(r.name, len(r.enqueue_ops)) for r in runners] == [
            ("parallel_read/filenames", 1),
            ("parallel_read/common_queue", readers),
            ("prefetch_queue/fifo_queue", 1),
        ]
        names = [op.name for op in graph.get_operations()]
        assert "parallel_read/fraction_of_20_full" in names
        assert image.shape.as_list() == [None, None, 3]
        session.run(tf.local_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        found = []
        with pytest.raises(tf.errors.OutOfRangeError):
            while True:
                found.append(session.run(taken))
        coordinator.request_stop()
        coordinator.join(threads)
    order = [each["n"] for each in found]
    assert sorted(order) == [0, 1, 2, 3] and (shuffle or order == sorted(order))
    assert all(each["x"] == each["n"] + 1 for each in found)


def test_files_that_are_read_once(files: str) -> None:
    reading = slim.parallel_reader
    assert len(reading.get_data_files([files, "other"])) == 3
    with pytest.raises(ValueError, match=r"^No data files found in "):
        reading.get_data_files(files + "*x")
    with tf.Graph().as_default(), tf.Session() as session:
        key, _ = reading.single_pass_read(files, tf.TFRecordReader)
        assert key.op.name == "single_pass_read/ReaderReadV2"
        session.run(tf.local_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        keys = [session.run(key) for _ in range(4)]
        coordinator.request_stop()
        coordinator.join(threads)
    assert len(set(keys)) == 4


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^BoundingBox expects 4 keys but got 1$"):
        decoding.BoundingBox(["a"])
    with pytest.raises(ValueError, match=r"^Cannot specify both shape_keys and shape"):
        decoding.Tensor("x", shape_keys="a", shape=[1])
    with pytest.raises(ValueError, match=r"^Backup handler is of type"):
        decoding.BackupHandler(decoding.Tensor("x"), "x")
