"""`tf.keras.datasets`: known sets of examples, from files that are fetched once.

They lie in `~/.keras/datasets`; files that are there are used. Each function gives
((x_train, y_train), (x_test, y_test)).
"""

from __future__ import annotations

import gzip
import json
import os
import pickle
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

import numpy as np

from retrograd.keras.downloads import get_file, validate_file
from retrograd.layers.backend_config import image_data_format
from retrograd.platform import logs

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"
#: the SHA-256 of files, but for the word indices, of which it is the MD5
_HASHES = {
    "boston_housing": (
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
    ),
    "cifar-10": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    "cifar-100": "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    "imdb": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    "imdb_word_index": "bfafd718b763782e994055a2d397834f",
    "mnist": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    "reuters": "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    "reuters_word_index": "4d44cc38712099c9e383dc6e5f11a921",
}

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]


def _arrays(name: str, path: str, *keys: str) -> list[Any]:
    """Arrays of an npz file; objects are read only from the file that is meant."""
    wanted = _HASHES[name]
    path = get_file(path, origin=f"{_ORIGIN}{name}.npz", file_hash=wanted)
    trusted = validate_file(path, wanted)
    with np.load(path, allow_pickle=trusted) as found:
        return [found[key] for key in keys]


# ---------------------------------------------------------------------- numbers


def boston_housing(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Pair, Pair]:
    """Prices of houses, by 13 numbers of their surroundings.

    Args:
      path: the file.
      test_split: which share is for tests.
      seed: of the order.
    """
    if not 0 <= test_split < 1:
        raise AssertionError
    x, y = _arrays("boston_housing", path, "x", "y")
    np.random.seed(seed)
    x, y = _in_random_order(x, y)
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])


def _in_random_order(*arrays: np.ndarray) -> list[np.ndarray]:
    order = np.arange(len(arrays[0]))
    np.random.shuffle(order)
    return [x[order] for x in arrays]


# ---------------------------------------------------------------------- images


def mnist(path: str = "mnist.npz") -> tuple[Pair, Pair]:
    """Digits that were written by hand, 28 × 28."""
    keys = ("x_train", "y_train", "x_test", "y_test")
    x_train, y_train, x_test, y_test = _arrays("mnist", path, *keys)
    return (x_train, y_train), (x_test, y_test)


def fashion_mnist() -> tuple[Pair, Pair]:
    """Clothes, 28 × 28."""
    folder = os.path.join("datasets", "fashion-mnist")
    found = []
    for part in ("train", "t10k"):
        paths = [
            get_file(name, origin=_ORIGIN + name, cache_subdir=folder)
            for name in (
                f"{part}-labels-idx1-ubyte.gz",
                f"{part}-images-idx3-ubyte.gz",
            )
        ]
        with gzip.open(paths[0], "rb") as stream:
            y = np.frombuffer(stream.read(), np.uint8, offset=8)
        with gzip.open(paths[1], "rb") as stream:
            x = np.frombuffer(stream.read(), np.uint8, offset=16)
        found.append((x.reshape(len(y), 28, 28), y))
    return found[0], found[1]


def cifar10() -> tuple[Pair, Pair]:
    """Colored pictures of ten kinds of things, 32 × 32."""
    folder = _cifar("cifar-10", "cifar-10-batches-py")
    names = [f"data_batch_{i}" for i in range(1, 6)]
    batches = [_batch(os.path.join(folder, name), "labels") for name in names]
    train = (
        np.concatenate([x for x, _ in batches]),
        np.concatenate([np.asarray(y, np.uint8) for _, y in batches]),
    )
    return _pictures(train, _batch(os.path.join(folder, "test_batch"), "labels"))


def cifar100(label_mode: str = "fine") -> tuple[Pair, Pair]:
    """Colored pictures of a hundred kinds of things, 32 × 32.

    Args:
      label_mode: `fine`, or `coarse` for twenty groups of them.

    Raises:
      ValueError: another mode.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError('`label_mode` must be one of `"fine"`, `"coarse"`.')
    folder = _cifar("cifar-100", "cifar-100-python")
    train, test = (
        _batch(os.path.join(folder, part), f"{label_mode}_labels")
        for part in ("train", "test")
    )
    return _pictures(train, test)


def _cifar(name: str, folder: str) -> str:
    origin = f"{_CIFAR}{name}-python.tar.gz"
    return get_file(folder, origin=origin, untar=True, file_hash=_HASHES[name])


class _Numbers(pickle.Unpickler):
    """Reads pickles that hold arrays and nothing that could act."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name.partition(".")[0], global_name) in (
            ("numpy", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        ):
            return super().find_class(module_name, global_name)
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no array")


def _batch(path: str, label_key: str) -> tuple[np.ndarray, Any]:
    """Pictures and labels of a file."""
    with open(path, "rb") as stream:
        found = _read(stream)
    data = np.asarray(found["data"])
    return data.reshape(data.shape[0], 3, 32, 32), found[label_key]


def _read(stream: IO[bytes]) -> dict[str, Any]:
    found = _Numbers(stream, encoding="bytes").load()
    return {key.decode("utf8"): value for key, value in found.items()}


def _pictures(train: tuple[Any, Any], test: tuple[Any, Any]) -> tuple[Pair, Pair]:
    """Labels in columns, and channels where Keras has them."""
    found = []
    for x, y in (train, test):
        labels = np.reshape(y, (len(y), 1))
        if image_data_format() == "channels_last":
            x = x.transpose(0, 2, 3, 1)
        found.append((x, labels))
    (x_train, y_train), (x_test, y_test) = found
    test = x_test.astype(x_train.dtype), y_test.astype(y_train.dtype)
    return (x_train, y_train), test


# ---------------------------------------------------------------------- texts


def imdb(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> tuple[Pair, Pair]:
    """Reviews of films as numbers of words, and whether they are good.

    Args:
      path: the file.
      num_words: how many of the most frequent words stay.
      skip_top: how many of the most frequent do not.
      maxlen: only shorter texts.
      seed: of the order.
      start_char: what each text begins with.
      oov_char: what stands for words that do not stay; None for nothing.
      index_from: what is added to the numbers of words.
      **kwargs: `nb_words`, the older name of `num_words`.

    Raises:
      TypeError: another argument.
      ValueError: no text is short enough.
    """
    num_words = _words(num_words, kwargs)
    keys = ("x_train", "y_train", "x_test", "y_test")
    x_train, y_train, x_test, y_test = _arrays("imdb", path, *keys)
    np.random.seed(seed)
    x_train, y_train = _in_random_order(x_train, y_train)
    x_test, y_test = _in_random_order(x_test, y_test)
    texts = [*x_train, *x_test]
    labels = np.concatenate([y_train, y_test])
    texts, labels = _chosen(
        texts, labels, num_words, skip_top, maxlen, start_char, oov_char, index_from
    )
    return _divided(texts, labels, len(x_train))


def reuters(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> tuple[Pair, Pair]:
    """News as numbers of words, and what they are about.

    Args:
      path: the file.
      num_words, skip_top, maxlen, seed, start_char, oov_char, index_from: see `imdb`.
      test_split: which share is for tests.
      **kwargs: `nb_words`, the older name of `num_words`.

    Raises:
      TypeError: another argument.
      ValueError: no text is short enough.
    """
    num_words = _words(num_words, kwargs)
    texts, labels = _arrays("reuters", path, "x", "y")
    np.random.seed(seed)
    texts, labels = _in_random_order(texts, labels)
    texts, labels = _chosen(
        list(texts),
        labels,
        num_words,
        skip_top,
        maxlen,
        start_char,
        oov_char,
        index_from,
    )
    return _divided(texts, labels, int(len(texts) * (1 - test_split)))


def _words(num_words: int | None, older: dict[str, Any]) -> int | None:
    if "nb_words" in older:
        logs.warning(
            "The `nb_words` argument in `load_data` has been renamed `num_words`."
        )
        num_words = older.pop("nb_words")
    if older:
        raise TypeError(f"Unrecognized keyword arguments: {older}")
    return num_words


def _chosen(
    texts: list[Any],
    labels: Any,
    num_words: int | None,
    skip_top: int,
    maxlen: int | None,
    start_char: int | None,
    oov_char: int | None,
    index_from: int,
) -> tuple[list[Any], Any]:
    """Texts with their first word, those that are short, and of these the words."""
    first = [] if start_char is None else [start_char]
    texts = [first + [w + index_from for w in text] for text in texts]
    if maxlen:
        short = [i for i, text in enumerate(texts) if len(text) < maxlen]
        texts, labels = [texts[i] for i in short], [labels[i] for i in short]
        if not texts:
            raise ValueError(
                f"After filtering for sequences shorter than maxlen={maxlen}, no "
                "sequence was kept. Increase maxlen."
            )
    limit = num_words or max(max(text) for text in texts)

    def kept(text: Sequence[int]) -> list[int]:
        if oov_char is None:
            return [w for w in text if skip_top <= w < limit]
        return [w if skip_top <= w < limit else oov_char for w in text]

    return [kept(text) for text in texts], labels


def _divided(texts: list[Any], labels: Any, count: int) -> tuple[Pair, Pair]:
    """The first texts for training, the others for tests."""
    labels = np.array(labels)
    train = _rows(texts[:count]), labels[:count]
    return train, (_rows(texts[count:]), labels[count:])


def _rows(texts: list[Any]) -> np.ndarray:
    """Texts as an array: of numbers if all are of one length, else of lists."""
    if len({len(text) for text in texts}) == 1:
        return np.array(texts)
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


def imdb_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The numbers of the words of `imdb`."""
    return _index("imdb", path)


def reuters_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The numbers of the words of `reuters`."""
    return _index("reuters", path)


def _index(name: str, path: str) -> dict[str, int]:
    name = f"{name}_word_index"
    path = get_file(path, origin=f"{_ORIGIN}{name}.json", file_hash=_HASHES[name])
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)
