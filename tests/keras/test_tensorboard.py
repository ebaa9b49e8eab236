"""The callback for TensorBoard writes the events that TensorFlow 1.15's writes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.keras.sequential import Sequential
from retrograd.keras.tensorboard import TensorBoard
from retrograd.layers.core import Dense
from retrograd.util import protos

Event = protos.message("event.Event")


def events(folder: Path) -> list[Any]:
    """The step, the tag and the number of each value of the only file."""
    (path,) = folder.iterdir()
    data, place, found = path.read_bytes(), 0, []
    while place < len(data):
        (size,) = struct.unpack_from("<Q", data, place)
        event = Event.FromString(data[place + 12 : place + 12 + size])
        place += size + 16
        if event.HasField("graph_def"):
            found.append("graph")
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            number = round(value.simple_value, 3) if kind == "simple_value" else kind
            found.append((event.step, value.tag, number))
    return found


def fit(folder: Path, validated: bool, **given: Any) -> list[Any]:
    model = Sequential(
        [Dense(2, input_shape=(3,), kernel_initializer="ones", name="d")]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    model.fit(
        x,
        y,
        batch_size=2,
        epochs=2,
        verbose=0,
        validation_data=(x, y) if validated else None,
        callbacks=[TensorBoard(str(folder), **given)],
    )
    return events(folder)


#: by 1.15: losses and metrics of the epochs, of the batches, and of the validation
EPOCHS = [(0, 3.843, 1.96), (1, 3.264, 1.806)]
BATCHES = [(4.0, 2.0), (3.686, 1.96), (3.397, 1.843), (3.131, 1.806)]
TESTS = [(3.397, 1.843), (2.886, 1.699)]
LOSS, ERROR = "loss", "mean_absolute_error"


@pytest.mark.parametrize("eager", [False, True])
def test_epochs(tmp_path: Path, eager: bool) -> None:
    with context.eager_mode() if eager else tf.Graph().as_default():
        found = fit(tmp_path, True)
    wanted: list[Any] = ["graph"]
    for (step, loss, error), (of_tests, errors) in zip(EPOCHS, TESTS, strict=True):
        wanted += [
            (step, f"epoch_{LOSS}", loss),
            (step, f"epoch_{ERROR}", error),
            (step, f"epoch_val_{LOSS}", of_tests),
            (step, f"epoch_val_{ERROR}", errors),
        ]
    assert found == wanted


def test_batches(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        found = fit(tmp_path, False, update_freq="batch", write_graph=False)
    wanted = []
    for i, (loss, error) in enumerate(BATCHES):
        wanted += [(i, f"batch_{LOSS}", loss), (i, f"batch_{ERROR}", error)]
        if i % 2:
            _, mean, means = EPOCHS[i // 2]
            step = 2 * (i + 1)
            wanted += [(step, f"epoch_{LOSS}", mean), (step, f"epoch_{ERROR}", means)]
    assert found == wanted


def test_distributions(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        given = {"histogram_freq": 1, "write_grads": True, "write_images": True}
        found = fit(tmp_path, True, write_graph=False, **given)
    kinds = [
        ("d/kernel_0", "histo"),
        ("d/kernel_0_1/image/0", "image"),
        ("d/bias_0", "histo"),
        ("d/bias_0_1/image/0", "image"),
        ("d/kernel_0_grad", "histo"),
        ("d/bias_0_grad", "histo"),
        ("d_out", "histo"),
    ]
    others = [event for event in found if not event[1].startswith("epoch_")]
    assert others == [(step, *kind) for step in range(4) for kind in kinds]
    assert [e[1] for e in found[14:18]] == [
        f"epoch_{LOSS}",
        f"epoch_{ERROR}",
        f"epoch_val_{LOSS}",
        f"epoch_val_{ERROR}",
    ]
