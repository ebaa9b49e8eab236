"""The handwritten digits of MNIST, as TensorFlow's tutorials read them.

Four files of LeCun, Cortes and Burges, "The MNIST database of handwritten digits": a
magic number and the sizes as big-endian 32-bit integers, then the bytes, all packed by
gzip.
"""

from __future__ import annotations

import gzip
import os
import shutil
import urllib.request
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrograd import dtypes
from retrograd.ops.random import seeds

if TYPE_CHECKING:
    from retrograd.typing import DTypeLike

DEFAULT_SOURCE_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_PIXELS = 784


class Datasets(NamedTuple):
    """The three parts of a set of examples."""

    train: Any
    validation: Any
    test: Any


class DataSet:
    """Images and their labels, to be drawn in batches."""

    def __init__(
        self,
        images: Any,
        labels: Any,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: DTypeLike = dtypes.float32,
        reshape: bool = True,
        seed: int | None = None,
    ) -> None:
        """Hold examples.

        Args:
          images: an array (n, rows, columns, 1) of bytes.
          labels: an array (n,) or, as unit vectors, (n, classes).
          fake_data: hold nothing; batches are of ones.
          one_hot: of fake data, whether labels are unit vectors.
          dtype: `float32` for pixels from 0 to 1, `uint8` for those as they are.
          reshape: make the images rows of pixels, (n, rows · columns).
          seed: of NumPy's generator, which shuffles; that of the graph otherwise.

        Raises:
          TypeError: another `dtype`.
          AssertionError: not as many labels as images, or more than one channel.
        """
        graph_seed, op_seed = seeds.get_seed(seed)
        np.random.seed(graph_seed if seed is None else op_seed)
        kind = dtypes.as_dtype(dtype).base_dtype
        if kind not in (dtypes.uint8, dtypes.float32):
            raise TypeError(f"Invalid image dtype {kind!r}, expected uint8 or float32")
        self.one_hot = one_hot
        self._count = 10000
        if not fake_data:
            sizes = f"images.shape: {images.shape} labels.shape: {labels.shape}"
            assert images.shape[0] == labels.shape[0], sizes
            self._count = images.shape[0]
            if reshape:
                assert images.shape[3] == 1
                images = images.reshape(self._count, images.shape[1] * images.shape[2])
            if kind == dtypes.float32:
                images = images.astype(np.float32) * np.float32(1.0 / 255.0)
        self._images = images
        self._labels = labels
        self._epochs_completed = 0
        self._index_in_epoch = 0

    @property
    def images(self) -> Any:
        """All images."""
        return self._images

    @property
    def labels(self) -> Any:
        """All labels, in the order of the images."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """How many examples there are."""
        return self._count

    @property
    def epochs_completed(self) -> int:
        """How often all examples have been drawn."""
        return self._epochs_completed

    def _shuffle(self) -> None:
        order = np.arange(self._count)
        np.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]

    def _fake_batch(self, size: int) -> tuple[Any, Any]:
        label: Any = [1] + [0] * 9 if self.one_hot else 0
        return [[1] * _PIXELS for _ in range(size)], [label for _ in range(size)]

    def next_batch(
        self, batch_size: int, fake_data: bool = False, shuffle: bool = True
    ) -> tuple[Any, Any]:
        """The next `batch_size` images and labels.

        Each time that all have been drawn they are shuffled; a batch may hold the last
        ones of an epoch and the first ones of the next.
        """
        if fake_data:
            return self._fake_batch(batch_size)
        start, end = self._index_in_epoch, self._index_in_epoch + batch_size
        if shuffle and start == 0 and self._epochs_completed == 0:
            self._shuffle()
        if end <= self._count:
            self._index_in_epoch = end
            return self._images[start:end], self._labels[start:end]
        last = self._images[start:], self._labels[start:]
        self._epochs_completed += 1
        if shuffle:
            self._shuffle()
        self._index_in_epoch = end - self._count
        first = (
            self._images[: self._index_in_epoch],
            self._labels[: self._index_in_epoch],
        )
        return np.concatenate((last[0], first[0])), np.concatenate((last[1], first[1]))


def _integer(stream: gzip.GzipFile) -> int:
    return int.from_bytes(stream.read(4), "big")


def extract_images(f: IO[bytes]) -> np.ndarray:
    """The images of an open file, (n, rows, columns, 1) bytes.

    Raises:
      ValueError: the file holds something else.
    """
    print("Extracting", f.name)
    with gzip.GzipFile(fileobj=f) as stream:
        magic = _integer(stream)
        if magic != 2051:
            raise ValueError(
                f"Invalid magic number {magic} in MNIST image file: {f.name}"
            )
        count, rows, columns = (_integer(stream) for _ in range(3))
        pixels = np.frombuffer(stream.read(count * rows * columns), np.uint8)
    return pixels.reshape(count, rows, columns, 1)


def dense_to_one_hot(labels_dense: np.ndarray, num_classes: int) -> np.ndarray:
    """Unit vectors, (n, num_classes) float64, for the numbers of classes, (n,)."""
    return np.eye(num_classes)[labels_dense.ravel()]


def extract_labels(
    f: IO[bytes], one_hot: bool = False, num_classes: int = 10
) -> np.ndarray:
    """The labels of an open file, (n,) bytes or, as unit vectors, (n, num_classes).

    Raises:
      ValueError: the file holds something else.
    """
    print("Extracting", f.name)
    with gzip.GzipFile(fileobj=f) as stream:
        magic = _integer(stream)
        if magic != 2049:
            raise ValueError(
                f"Invalid magic number {magic} in MNIST label file: {f.name}"
            )
        labels = np.frombuffer(stream.read(_integer(stream)), np.uint8)
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


def maybe_download(filename: str, work_directory: str, source_url: str) -> str:
    """The path of a file in a folder, fetched from `source_url` if it is not there."""
    os.makedirs(work_directory, exist_ok=True)
    path = os.path.join(work_directory, filename)
    if not os.path.exists(path):
        fetched, _ = urllib.request.urlretrieve(source_url)
        shutil.move(fetched, path)
        print("Successfully downloaded", filename, os.path.getsize(path), "bytes.")
    return path


def read_data_sets(
    train_dir: str,
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: DTypeLike = dtypes.float32,
    reshape: bool = True,
    validation_size: int = 5000,
    seed: int | None = None,
    source_url: str = DEFAULT_SOURCE_URL,
) -> Datasets:
    """The examples to train, to validate and to test with.

    Args:
      train_dir: the folder of the files; those that are not there are fetched.
      fake_data: give batches of ones and read nothing.
      one_hot: give labels as unit vectors.
      dtype: of the images, see `DataSet`.
      reshape: make the images rows of pixels.
      validation_size: how many of the training examples are for validation.
      seed: of NumPy's generator, which shuffles.
      source_url: where the files are.

    Raises:
      ValueError: a file is not as it should be, or `validation_size` is too large.
    """
    if fake_data:
        return Datasets(
            *(DataSet([], [], True, one_hot, dtype, seed=seed) for _ in range(3))
        )
    source = source_url or DEFAULT_SOURCE_URL
    arrays = []
    for name in _FILES:
        path = maybe_download(name, train_dir, source + name)
        with open(path, "rb") as f:
            arrays.append(
                extract_labels(f, one_hot) if "labels" in name else extract_images(f)
            )
    images, labels, test_images, test_labels = arrays
    if not 0 <= validation_size <= len(images):
        raise ValueError(
            f"Validation size should be between 0 and {len(images)}. Received: "
            f"{validation_size}."
        )
    cut = validation_size
    parts = (images[cut:], labels[cut:]), (images[:cut], labels[:cut])
    options: dict[str, Any] = dict(dtype=dtype, reshape=reshape, seed=seed)
    return Datasets(
        *(DataSet(*part, **options) for part in (*parts, (test_images, test_labels)))
    )


def load_mnist(train_dir: str = "MNIST-data") -> Datasets:
    """The examples in, or fetched to, a folder."""
    return read_data_sets(train_dir)
