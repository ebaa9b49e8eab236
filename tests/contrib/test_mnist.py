"""Reading the files of MNIST, and drawing batches."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from retrograd.contrib.learn import mnist

SIZES = {"train": 10, "t10k": 4}


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for part, count in SIZES.items():
        pixels = np.arange(count * 6, dtype=np.uint8)
        images = struct.pack(">4I", 2051, count, 3, 2) + pixels.tobytes()
        labels = struct.pack(">2I", 2049, count) + bytes(range(count))
        for kind, data in (("images-idx3", images), ("labels-idx1", labels)):
            with gzip.open(tmp_path / f"{part}-{kind}-ubyte.gz", "wb") as f:
                f.write(data)
    return str(tmp_path)


def test_the_parts(folder: str) -> None:
    data = mnist.read_data_sets(folder, one_hot=True, validation_size=3)
    assert [part.num_examples for part in data] == [7, 3, 4]
    assert data.train.images.dtype == np.float32
    np.testing.assert_allclose(data.train.images[0] * 255, range(18, 24), rtol=1e-6)
    assert data.train.labels[0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert data.test.labels.shape == (4, 10)


def test_bytes_as_they_are(folder: str) -> None:
    data = mnist.read_data_sets(
        folder, dtype="uint8", reshape=False, validation_size=0, seed=1
    )
    assert data.train.images.shape == (10, 3, 2, 1)
    assert data.train.images.dtype == data.train.labels.dtype == np.uint8


def test_each_epoch_draws_every_example(folder: str) -> None:
    train = mnist.read_data_sets(folder, validation_size=0, seed=3).train
    labels = np.concatenate([train.next_batch(4)[1] for _ in range(5)])
    assert sorted(labels[:10]) == sorted(labels[10:]) == list(range(10))
    assert labels[:10].tolist() != list(range(10))
    assert train.epochs_completed == 1
    images, labels = train.next_batch(2, shuffle=False)
    np.testing.assert_allclose(images[:, 0] * 255, 6.0 * labels, rtol=1e-6)


def test_batches_of_ones(folder: str) -> None:
    fake = mnist.read_data_sets(folder, fake_data=True, one_hot=True)
    images, labels = fake.train.next_batch(2, fake_data=True)
    assert (np.shape(images), np.shape(labels)) == ((2, 784), (2, 10))


def test_other_files_are_refused(folder: str) -> None:
    with open(Path(folder) / mnist._FILES[1], "rb") as f:
        with pytest.raises(ValueError, match="Invalid magic number 2049 in MNIST im"):
            mnist.extract_images(f)
    with pytest.raises(ValueError, match=r"between 0 and 10\. Received: 11\."):
        mnist.read_data_sets(folder, validation_size=11)
    with pytest.raises(TypeError, match="Invalid image dtype"):
        mnist.read_data_sets(folder, dtype="int32", validation_size=0)
