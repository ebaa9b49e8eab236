"""Models of Keras in SavedModels: what 1.15.5 and later Keras wrote, and ours."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context

DATA = Path(__file__).parent.parent / "data" / "saved_objects.zip"
X = np.array([[0.0, 1.0], [2.0, 3.0]], "float32")
#: what the model of `make_saved_objects.py` predicts under 1.15.5
PREDICTED = [1.8141046, 4.4627643]
#: the same after one more step of it: of its momentum, which 1.15.5 loses when it reads
#: a SavedModel; and without, as later Keras has it elsewhere
AFTER = {"keras1": [2.0214374, 5.1391239], "keras2": [1.8339733, 4.5489984]}


@pytest.fixture(autouse=True)
def _clear() -> Iterator[None]:
    tf.keras.backend.clear_session()
    yield
    tf.keras.backend.clear_session()


def predicted(model: Any) -> Any:
    return model.predict(X).ravel()


@pytest.mark.parametrize("name", ["keras1", "keras2"])
def test_models_that_tensorflow_wrote_go_on_training(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA) as archive:
        archive.extractall(tmp_path)
    model = tf.keras.models.load_model(str(tmp_path / name))
    np.testing.assert_allclose(predicted(model), PREDICTED, rtol=1e-6)
    model.fit(X, X[:, :1] + X[:, 1:], batch_size=2, verbose=0)
    np.testing.assert_allclose(predicted(model), AFTER[name], rtol=1e-5)


def test_what_is_written_is_read_and_served(tmp_path: Path) -> None:
    a, b = tf.keras.Input((2,), name="a"), tf.keras.Input((2,), name="b")
    hidden = tf.keras.layers.Dense(2, name="h")(a)
    total = tf.keras.layers.add([hidden, b])
    model = tf.keras.Model([a, b], [total, tf.keras.layers.Dense(1, name="p")(total)])
    model.set_weights([np.full_like(w, 0.5) for w in model.get_weights()])
    folder = str(tmp_path / "m")
    model.save(folder, save_format="tf")
    expected = model.predict([X, X])
    again = tf.keras.models.load_model(folder).predict([X, X])
    for ours, theirs in zip(again, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with tf.Graph().as_default(), tf.Session() as session:
        loaded = tf.saved_model.loader.load(session, ["serve"], folder)
        served = loaded.signature_def["serving_default"]
        assert sorted(served.inputs) == ["a", "b"]
        assert sorted(served.outputs) == ["add", "p"]
        feeds = {served.inputs[name].name: X for name in "ab"}
        found = session.run(served.outputs["p"].name, feeds)
    np.testing.assert_allclose(found, expected[1], rtol=1e-6)


def test_a_model_of_a_subclass_is_read_as_what_it_computes(tmp_path: Path) -> None:
    class Twice(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = tf.keras.layers.Dense(1, kernel_initializer="ones")

        def call(self, inputs: Any) -> Any:
            return 2.0 * self.inner(inputs)

    with context.eager_mode():
        model = Twice()
        folder = str(tmp_path / "m")
        with pytest.raises(ValueError, match=r"cannot be saved because the input shap"):
            model.save(folder, save_format="tf")
        model.predict(X)
        model.save(folder, save_format="tf")
        read = tf.keras.models.load_model(folder)
        assert read(tf.constant(X), False).numpy().tolist() == [[2.0], [10.0]]


def test_the_older_way(tmp_path: Path) -> None:
    model = tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(2,))])
    model.set_weights([np.ones_like(w) for w in model.get_weights()])
    folder = str(tmp_path / "m")
    tf.keras.experimental.export_saved_model(model, folder, as_text=True)
    assert (tmp_path / "m" / "saved_model.pbtxt").exists()
    with pytest.raises(AssertionError, match=r"^Export directory already exists, and"):
        tf.keras.experimental.export_saved_model(model, folder)
    read = tf.keras.experimental.load_from_saved_model(folder)
    assert predicted(read).tolist() == [2.0] * 3 + [6.0] * 3
