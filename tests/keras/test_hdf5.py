"""Models in HDF5 files: ours, and those of other versions of Keras."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.keras import hdf5
from tests.data import keras_file_models as known

h5py = pytest.importorskip("h5py")
FILES = Path(__file__).parent.parent / "data" / "keras_files"
NAMES = sorted(path.name.removesuffix(".h5.gz") for path in FILES.glob("*.h5.gz"))


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default(), tf.Session():
        yield


def stored(name: str, folder: Path) -> str:
    """A stored file, unpacked."""
    path = folder / f"{name}.h5"
    path.write_bytes(gzip.decompress((FILES / f"{name}.h5.gz").read_bytes()))
    return str(path)


def outputs(model: Any, name: str) -> list[np.ndarray]:
    found = model.predict(known.INPUTS[name])
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", NAMES)
def test_files_of_other_versions(name: str, tmp_path: Path) -> None:
    """Their models give here what they gave there, and go on learning."""
    model = tf.keras.models.load_model(stored(name, tmp_path))
    program = name.partition("-")[0]
    kept = np.load(FILES / f"{name}.npz")
    for ours, key in zip(outputs(model, program), kept.files, strict=True):
        np.testing.assert_allclose(ours, kept[key], rtol=2e-5, atol=1e-6)
    loss = model.train_on_batch(known.INPUTS[program], known.TARGETS[program])
    assert np.all(np.isfinite(loss))


#: Keras 2's SGD keeps moments that 1.15's has only where it uses them
OTHER_STATE = ("connected-keras2",)
SAME_STATE = [
    n for n in NAMES if n.endswith(("tf1", "keras2")) and n not in OTHER_STATE
]


@pytest.mark.parametrize("name", SAME_STATE)
def test_the_optimizer_goes_on(name: str, tmp_path: Path) -> None:
    """Its state is that of the file: the step counts on."""
    model = tf.keras.models.load_model(stored(name, tmp_path))
    assert model.optimizer.get_weights()[0] == 1


def made(name: str = "connected") -> Any:
    return known.MODELS[name](tf.keras.layers, tf.keras.models)


@pytest.mark.parametrize("name", sorted(known.MODELS))
def test_what_is_saved_is_loaded(name: str, tmp_path: Path) -> None:
    """A model, its optimizer's state, and what it was compiled with."""
    x, y = known.INPUTS[name], known.TARGETS[name]
    model, path = made(name), str(tmp_path / "m.h5")
    model.train_on_batch(x, y)
    model.save(path)
    again = tf.keras.models.load_model(path)
    assert again.metrics_names == model.metrics_names
    assert again.to_json() == model.to_json()
    for one, other in zip(
        model.optimizer.get_weights(), again.optimizer.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(outputs(model, name), outputs(again, name), strict=True):
        np.testing.assert_array_equal(one, other)


def test_eager_models_are_saved_too(tmp_path: Path) -> None:
    x, y = known.INPUTS["connected"], known.TARGETS["connected"]
    path = str(tmp_path / "m.h5")
    with context.eager_mode():
        model = made()
        model.train_on_batch(x, y)
        model.save(path)
        expected = outputs(model, "connected")
        again = tf.keras.models.load_model(path)
        for one, other in zip(expected, outputs(again, "connected"), strict=True):
            np.testing.assert_array_equal(one, other)
        assert again.optimizer.get_weights()[0] == 1


def test_weights_by_order_and_by_name(tmp_path: Path) -> None:
    model, path = made(), str(tmp_path / "w.h5")
    model.save_weights(path)
    other = made()
    other.set_weights([w * 0 for w in other.get_weights()])
    other.load_weights(path)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    alone = tf.keras.Sequential(
        [tf.keras.layers.Dense(2, name="shared", input_shape=(3,))]
    )
    alone.load_weights(path, by_name=True)
    np.testing.assert_array_equal(
        alone.get_weights()[0], model.get_layer("shared").get_weights()[0]
    )


def test_weights_of_another_model_change_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "w.h5")
    made().save_weights(path)
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Dense(2, input_shape=(3,))])
    before = model.get_weights()
    with pytest.raises(
        ValueError,
        match="a weight file containing 4 layers into a model with 1 layers",
    ):
        model.load_weights(path)
    wide = tf.keras.Sequential([layers.Dense(9, input_shape=(3,), name="shared")])
    with pytest.raises(ValueError, match=r'Layer #2 \(named "shared"\), weight .* has'):
        wide.load_weights(path, by_name=True)
    wide.load_weights(path, by_name=True, skip_mismatch=True)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_failed_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.h5"
    made().save(str(path))
    before = path.read_bytes()

    def full(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(hdf5, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        made().save(str(path))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.h5"]


def test_files_that_are_none(tmp_path: Path) -> None:
    nothing, text = str(tmp_path / "none.h5"), tmp_path / "text.h5"
    with pytest.raises(IOError, match="SavedModel file does not exist at"):
        tf.keras.models.load_model(nothing)
    text.write_text("hello")
    with pytest.raises(OSError, match=r"(?s)file.*text\.h5"):
        tf.keras.models.load_model(str(text))
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(ValueError, match="No model found in config file"):
        tf.keras.models.load_model(str(tmp_path / "empty.h5"))
    cut = tmp_path / "cut.h5"
    whole = stored(NAMES[0], tmp_path)
    cut.write_bytes(Path(whole).read_bytes()[:5000])
    with pytest.raises(OSError, match=r"(?s)file.*cut\.h5"):
        tf.keras.models.load_model(str(cut))


def test_a_layer_that_is_not_known(tmp_path: Path) -> None:
    class Own(tf.keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * 2.0

    path = str(tmp_path / "own.h5")
    tf.keras.Sequential([Own(input_shape=(2,))]).save(path)
    with pytest.raises(ValueError, match="Unknown layer: Own"):
        tf.keras.models.load_model(path)
    model = tf.keras.models.load_model(path, custom_objects={"Own": Own})
    assert model.predict(np.ones((1, 2))).tolist() == [[2.0, 2.0]]


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    path = str(tmp_path / "lambda.h5")
    double = tf.keras.layers.Lambda(lambda x: x * 2.0, name="double", input_shape=(2,))
    tf.keras.Sequential([double]).save(path)
    with h5py.File(path, "r+") as file:  # as if another process had written it
        config = json.loads(file.attrs["model_config"])
        layer = config["config"]["layers"][0]["config"]
        layer["function"][0] = layer["function"][0].replace("4", "5", 1)
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ValueError, match="running code from a file is not safe"):
        tf.keras.models.load_model(path)
    given = {"double": lambda x: x * 3.0}
    model = tf.keras.models.load_model(path, custom_objects=given)
    assert model.predict(np.ones((1, 2))).tolist() == [[3.0, 3.0]]


def test_names_that_fill_more_than_an_attribute(tmp_path: Path) -> None:
    names = [f"a_layer_with_quite_a_long_name_{i}" * 10 for i in range(400)]
    with h5py.File(tmp_path / "names.h5", "w") as file:
        hdf5.write_names(file, "layer_names", names)
        assert "layer_names" not in file.attrs
        assert hdf5.read_names(file, "layer_names") == names
        with pytest.raises(RuntimeError, match="larger than 64512 bytes"):
            hdf5.write_names(file, "more", ["x" * 70000])


def test_a_subclass_is_not_saved(tmp_path: Path) -> None:
    class Net(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.part = tf.keras.layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.part(inputs)

    model = Net()
    with pytest.raises(ValueError, match="has not created its variables yet"):
        model.load_weights(stored(NAMES[0], tmp_path))
    model.predict(np.ones((2, 3)))
    with pytest.raises(NotImplementedError, match="requires the model to be a Func"):
        model.save(str(tmp_path / "m.h5"))
    model.save_weights(str(tmp_path / "w.h5"))
    other = Net()
    other.predict(np.ones((2, 3)))
    other.load_weights(str(tmp_path / "w.h5"))
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
