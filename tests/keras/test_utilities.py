"""Keras' utilities: arrays, batches ahead of time, files, pictures of models."""

from __future__ import annotations

import hashlib
import tarfile
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from retrograd.keras import (
    arrays,
    downloads,
    drawing,
    enqueuers,
    generic,
    hdf5_matrix,
    layer_tools,
    preprocessing,
)


def test_categorical() -> None:
    found = arrays.to_categorical([[1], [0]], num_classes=3, dtype="int32")
    assert found.dtype == np.int32 and found.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert arrays.to_categorical([[1, 0], [0, 2]]).shape == (2, 2, 3)
    assert arrays.to_categorical(np.array(2)).tolist() == [0, 0, 1]
    with pytest.raises(IndexError):
        arrays.to_categorical([3], num_classes=2)


def test_normalized() -> None:
    found = arrays.normalize([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_allclose(arrays.normalize([1.0, 2.0], order=1), [[1 / 3, 2 / 3]])


class Tens(enqueuers.Sequence):
    """Five batches; counts the epochs."""

    epochs = 0

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        return index * 10

    def on_epoch_end(self) -> None:
        self.epochs += 1


class Broken(Tens):
    def __getitem__(self, index: int) -> Any:
        if index == 2:
            raise KeyError("third")
        return index


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_in_order_again_and_again(workers: int) -> None:
    sequence = Tens()
    enqueuer = enqueuers.OrderedEnqueuer(sequence)
    assert not enqueuer.is_running()
    enqueuer.start(workers=workers, max_queue_size=2)
    batches = enqueuer.get()
    found = [next(batches) for _ in range(12)]
    assert found == [0, 10, 20, 30, 40, 0, 10, 20, 30, 40, 0, 10]
    assert sequence.epochs == 2 and enqueuer.is_running()
    before = threading.active_count()
    enqueuer.stop()
    assert not enqueuer.is_running() and threading.active_count() < before


def test_shuffled_batches_are_those_of_the_sequence() -> None:
    enqueuer = enqueuers.OrderedEnqueuer(Tens(), shuffle=True)
    enqueuer.start()
    batches = enqueuer.get()
    assert sorted(next(batches) for _ in range(5)) == [0, 10, 20, 30, 40]
    enqueuer.stop()


def test_an_error_in_a_batch_is_raised_in_its_place() -> None:
    enqueuer = enqueuers.OrderedEnqueuer(Broken())
    enqueuer.start()
    batches = enqueuer.get()
    assert [next(batches), next(batches)] == [0, 1]
    with pytest.raises(KeyError, match="third"):
        next(batches)
    assert not enqueuer.is_running()


def test_a_generator_ends() -> None:
    enqueuer = enqueuers.GeneratorEnqueuer(iter(range(4)))
    enqueuer.start()
    assert list(enqueuer.get()) == [0, 1, 2, 3]
    assert not enqueuer.is_running()


def test_a_file_is_fetched_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source.txt"
    source.write_bytes(b"some bytes")
    cache = str(tmp_path / "cache")
    given = ("copy.txt", source.as_uri())
    path = downloads.get_file(*given, cache_dir=cache)
    assert Path(path).read_bytes() == b"some bytes"
    assert Path(path) == tmp_path / "cache" / "datasets" / "copy.txt"
    source.write_bytes(b"others")
    right = hashlib.sha256(b"some bytes").hexdigest()
    downloads.get_file(*given, cache_dir=cache, file_hash=right)
    assert Path(path).read_bytes() == b"some bytes"
    assert capsys.readouterr().out.count("Downloading data from") == 1
    wrong = hashlib.md5(b"others").hexdigest()
    downloads.get_file(*given, cache_dir=cache, md5_hash=wrong)
    assert Path(path).read_bytes() == b"others"
    assert "incomplete or outdated because the md5" in capsys.readouterr().out


def test_what_cannot_be_fetched_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="URL fetch failure on http://localhost:1/x"):
        downloads.get_file("x", "http://localhost:1/x", cache_dir=str(tmp_path))
    assert list((tmp_path / "datasets").iterdir()) == []


def test_archives_are_unpacked_inside_their_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "a.txt", tmp_path / "b.txt"
    inside.write_text("a")
    outside.write_text("b")
    for name, member in (("good", "sub/a.txt"), ("bad", "../../b.txt")):
        with tarfile.open(tmp_path / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(inside, member)
    cache = str(tmp_path / "cache")
    address = (tmp_path / "good.tar.gz").as_uri()
    found = downloads.get_file("sub", address, untar=True, cache_dir=cache)
    assert (Path(found) / "a.txt").read_text() == "a"
    address = (tmp_path / "bad.tar.gz").as_uri()
    with pytest.raises(tarfile.TarError):
        downloads.get_file("bad", address, untar=True, cache_dir=cache)
    assert outside.read_text() == "b"


def test_rows_of_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "data.h5")
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(20.0).reshape(10, 2)
    rows = hdf5_matrix.HDF5Matrix(path, "x", 2, 7, normalizer=lambda x: x * 10)
    assert (len(rows), rows.shape, rows.ndim, rows.size) == (5, (5, 2), 2, 10)
    assert rows.dtype == np.float64
    assert rows[0].tolist() == [40, 50] and rows[1:3].tolist() == [[60, 70], [80, 90]]
    assert rows[[0, 4]].tolist() == [[40, 50], [120, 130]]
    for wrong in (5, slice(0, 6), [5], "x"):
        with pytest.raises(IndexError):
            rows[wrong]


def test_kernels_turned_around() -> None:
    kernel = np.arange(12).reshape(2, 3, 2, 1)
    found = layer_tools.convert_kernel(kernel)
    assert found[0, 0].tolist() == kernel[1, 2].tolist()
    with pytest.raises(ValueError, match="Invalid kernel shape:"):
        layer_tools.convert_kernel(np.zeros((2, 2)))


def test_several_devices() -> None:
    model = object()
    assert layer_tools.multi_gpu_model(model, 2) is model
    with pytest.raises(ValueError, match=r"with `gpus >= 2`\. Received: `gpus=1`"):
        layer_tools.multi_gpu_model(model, 1)


def test_pictures_need_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ImportError, match="You must install pydot and graphviz"):
        drawing.plot_model(None)


def test_slices_and_batches() -> None:
    assert generic.make_batches(7, 3) == [(0, 3), (3, 6), (6, 7)]
    x = np.arange(5)
    assert generic.slice_arrays([x, None], 1, 3)[0].tolist() == [1, 2]
    assert generic.slice_arrays(x, [0, 3]).tolist() == [0, 3]
    assert generic.has_arg(lambda a, *, b: a, "b")
    assert generic.has_arg(lambda **k: k, "b", accept_all=True)


def test_preprocessing() -> None:
    padded = preprocessing.pad_sequences([[1], [2, 3]])
    assert padded.tolist() == [[0, 1], [2, 3]]
    images = np.arange(96, dtype=np.float32).reshape(2, 4, 4, 3)
    flow = preprocessing.ImageDataGenerator(rescale=2.0).flow(images, batch_size=2)
    assert isinstance(flow, enqueuers.Sequence) and len(flow) == 1
    assert flow[0].dtype == np.float32 and flow[0].sum() == 2 * images.sum()
