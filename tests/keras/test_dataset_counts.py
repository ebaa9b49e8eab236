"""How many steps an epoch has is known of datasets; the texts are TensorFlow 1.15's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf


def test_the_bar_knows_how_many_batches_there_are(capsys: Any) -> None:
    with tf.Graph().as_default():
        rows = np.ones((10, 2), "f"), np.ones((10, 1), "f")
        data = tf.data.Dataset.from_tensor_slices(rows)
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        model.compile("sgd", "mse")
        model.fit(data.batch(2), verbose=1)
        shown = capsys.readouterr().out
        assert "Train on 5 steps" in shown
        assert "5/5 [==============================]" in shown
        assert "Unknown" not in shown
        text = "repeating dataset, you must specify the `steps_per_epoch` argument"
        with pytest.raises(ValueError, match=text):
            model.fit(data.batch(2).repeat())
