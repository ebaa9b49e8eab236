"""Optimizers of the first Keras: a model's losses, by TensorFlow 1.15."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.keras import older_optimizers as O
from retrograd.keras import optimizers
from retrograd.keras.sequential import Sequential
from retrograd.layers.core import Dense
from retrograd.layers.initializers import Constant

#: an optimizer; the losses of two epochs
OPTIMIZERS: list[tuple[Callable[[], Any], list[float]]] = [
    (lambda: O.SGD(0.1, momentum=0.9, decay=0.1, nesterov=True), [0.18834, 0.16566]),
    (lambda: O.SGD(clipnorm=0.1), [0.18471, 0.18344]),
    (lambda: O.RMSprop(0.1, decay=0.5), [0.49836, 0.17151]),
    (lambda: O.Adagrad(0.1), [0.25578, 0.17456]),
    (lambda: O.Adadelta(), [0.18426, 0.18085]),
    (lambda: O.Adam(0.1, decay=0.1), [0.24240, 0.16459]),
    (lambda: O.Adam(0.1, amsgrad=True, beta_2=0.5), [0.25701, 0.16936]),
    (lambda: O.Adamax(0.1), [0.25618, 0.16961]),
    (lambda: O.Nadam(0.1, clipvalue=0.1), [0.26234, 0.17302]),
]


@pytest.mark.parametrize("place", range(len(OPTIMIZERS)))
def test_losses(place: int) -> None:
    make, wanted = OPTIMIZERS[place]
    random = np.random.RandomState(0)
    x = random.rand(32, 4).astype(np.float32)
    y = (x.sum(1) > 2).astype(np.float32)[:, None]
    with tf.Graph().as_default():
        optimizer = make()
        first = Dense(
            3,
            activation="tanh",
            kernel_initializer=Constant(0.2),
            kernel_constraint="nonneg",
            input_shape=(4,),
        )
        model = Sequential([first, Dense(1, kernel_initializer=Constant(0.3))])
        model.compile(optimizer, "mse")
        history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False)
        np.testing.assert_allclose(history.history["loss"], wanted, atol=2e-5)
        again = type(optimizer).from_config(optimizer.get_config())
        assert again.get_config() == optimizer.get_config()
        weights = optimizer.get_weights()
        optimizer.set_weights([value + 1 for value in weights])
        raised = optimizer.get_weights()
        assert raised[0] == weights[0] + 1 == 9
        with pytest.raises(ValueError, match="does not match the number of weights"):
            optimizer.set_weights(weights[1:])


def test_what_is_no_argument() -> None:
    with pytest.raises(TypeError, match="Unexpected keyword argument passed"):
        O.SGD(speed=1.0)


def test_of_train() -> None:
    with tf.Graph().as_default():
        found = optimizers.get(tf.train.GradientDescentOptimizer(0.1))
        assert isinstance(found, O.Optimizer) and found.iterations.dtype == tf.int64
        with pytest.raises(NotImplementedError):
            found.get_config()
