"""Weights of models in checkpoints of objects: now, later, and by the names of 1.15."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context

X, Y = np.ones((4, 2)), np.ones((4, 1))


@pytest.fixture(params=["graph", "eager"], autouse=True)
def _mode(request: pytest.FixtureRequest) -> Iterator[None]:
    with tf.Graph().as_default(), tf.Session():
        with context.eager_mode() if request.param == "eager" else nullcontext():
            yield


def model() -> Any:
    layers = tf.keras.layers
    made = tf.keras.Sequential(
        [layers.Dense(3, input_shape=(2,)), layers.Dropout(0.0), layers.Dense(1)]
    )
    made.compile("adam", "mse")
    return made


class Net(tf.keras.Model):
    """A model whose weights are made when it is first called."""

    def __init__(self) -> None:
        super().__init__()
        self.first = tf.keras.layers.Dense(2)
        self.rest = [tf.keras.layers.Dense(1)]

    def call(self, inputs: Any) -> Any:
        return self.rest[0](self.first(inputs))


def test_weights_and_the_optimizer_are_restored(tmp_path: Path) -> None:
    path = str(tmp_path / "w")
    one, other = model(), model()
    one.fit(X, Y, verbose=0)
    one.save_weights(path)
    other.load_weights(path)
    np.testing.assert_array_equal(other.predict(X), one.predict(X))
    assert tf.train.latest_checkpoint(str(tmp_path)) == path
    np.random.seed(0)
    losses = [m.train_on_batch(X, Y) for m in (one, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_names_in_the_file(tmp_path: Path) -> None:
    """1.15 names what a Sequential holds by the places of its layers."""
    path = str(tmp_path / "w")
    one = model()
    one.fit(X, Y, verbose=0)
    one.save_weights(path)
    names = {name.partition("/.")[0] for name, _ in tf.train.list_variables(path)}
    assert names == {
        "_CHECKPOINTABLE_OBJECT_GRAPH",
        *(f"layer_with_weights-{i}/{w}" for i in (0, 1) for w in ("kernel", "bias")),
        *(
            f"optimizer/{h}"
            for h in ("iter", "beta_1", "beta_2", "decay", "learning_rate")
        ),
    }


def test_weights_that_are_made_later(tmp_path: Path) -> None:
    path = str(tmp_path / "w")
    one, later = Net(), Net()
    expected = one.predict(X)
    one.save_weights(path)
    later.load_weights(path)
    np.testing.assert_array_equal(later.predict(X), expected)
    later.set_weights([w + 1.0 for w in later.get_weights()])
    assert np.all(later.predict(X) != expected)  # they are not restored again


def test_what_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "w")
    one = model()
    with pytest.raises(tf.errors.OpError, match="Unsuccessful TensorSliceReader"):
        one.load_weights(path)
    one.save_weights(path)
    with pytest.raises(NotImplementedError, match="based on topology"):
        one.load_weights(path, by_name=True)
    with pytest.raises(ValueError, match="looks like an HDF5 file"):
        one.save_weights(str(tmp_path / "w.h5"), save_format="tf")
