"""Known sets of examples, from files that lie here: as TensorFlow 1.15 gives them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrograd.keras import datasets

TEXTS = [[1, 5, 2], [7, 3], [4], [9, 8, 1, 2], [6, 6], [2]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def there(path: str, **given: Any) -> str:
        del given
        return str(tmp_path / path)

    monkeypatch.setattr(datasets, "get_file", there)
    monkeypatch.setattr(datasets, "validate_file", lambda *args: True)
    return tmp_path


def texts() -> np.ndarray:
    found = np.empty(len(TEXTS), object)
    found[:] = TEXTS
    return found


def plain(parts: Any) -> Any:
    return [[[list(map(int, x)) for x in x_], y.tolist()] for x_, y in parts]


def test_imdb(folder: Path) -> None:
    first, second = texts()[:4], texts()[4:]
    labels = np.array([0, 1, 0, 1]), np.array([1, 0])
    given = {"x_train": first, "x_test": second}
    np.savez(folder / "imdb.npz", **given, y_train=labels[0], y_test=labels[1])
    assert plain(datasets.imdb()) == [
        [[[1, 2, 11, 4, 5], [1, 7], [1, 4, 8, 5], [1, 10, 6]], [1, 0, 0, 1]],
        [[[1, 5], [1, 9, 9]], [0, 1]],
    ]
    short = datasets.imdb(num_words=9, skip_top=5, maxlen=5)
    assert plain(short) == [
        [[[2, 7], [2, 2, 8, 5], [2, 2, 6], [2, 5]], [0, 0, 1, 0]],
        [[[2, 2, 2]], [1]],
    ]
    assert short[1][0].dtype == np.int64
    bare = datasets.imdb(start_char=None, oov_char=None, index_from=0, num_words=6)
    assert plain(bare) == [
        [[[1, 2], [4], [1, 5, 2], [3]], [1, 0, 0, 1]],
        [[[2], []], [0, 1]],
    ]
    with pytest.raises(ValueError, match="shorter than maxlen=1, no sequence"):
        datasets.imdb(maxlen=1)
    with pytest.raises(TypeError, match="Unrecognized keyword arguments: "):
        datasets.imdb(foo=1)


def test_reuters_and_boston(folder: Path) -> None:
    np.savez(folder / "reuters.npz", x=texts(), y=np.arange(6))
    found = datasets.reuters(num_words=9, test_split=0.5, maxlen=4)
    assert plain(found) == [
        [[[1, 2, 6], [1, 7]], [1, 2]],
        [[[1, 2, 2], [1, 5]], [4, 5]],
    ]
    x = np.arange(12.0).reshape(6, 2)
    np.savez(folder / "boston_housing.npz", x=x, y=np.arange(6))
    (x_train, y_train), (x_test, y_test) = datasets.boston_housing()
    assert y_train.tolist() == [1, 0, 3, 2] and y_test.tolist() == [4, 5]
    assert (x_train.sum(), x_test.sum()) == (28, 38)


def test_pictures_and_what_is_no_array(folder: Path) -> None:
    (folder / "cifar-100-python").mkdir()
    data = (np.arange(2 * 3072) % 251).astype(np.uint8).reshape(2, 3072)
    batch = {b"data": data, b"fine_labels": [1, 0], b"coarse_labels": [0, 7]}
    for part in ("train", "test"):
        path = folder / "cifar-100-python" / part
        path.write_bytes(pickle.dumps(batch, 2))
    (x, y), _ = datasets.cifar100("coarse")
    assert x.shape == (2, 32, 32, 3) and x.sum() == 760140
    assert y.tolist() == [[0], [7]] and y.dtype == np.int64
    assert x[0, 0, 1].tolist() == data[0, [1, 1025, 2049]].tolist()
    with pytest.raises(ValueError, match='must be one of `"fine"`, `"coarse"`'):
        datasets.cifar100("other")

    class Acting:
        def __reduce__(self) -> Any:
            return exec, ("raise SystemExit",)

    path = folder / "cifar-100-python" / "train"
    path.write_bytes(pickle.dumps({b"data": Acting()}))
    with pytest.raises(pickle.UnpicklingError, match="exec is no array"):
        datasets.cifar100()
