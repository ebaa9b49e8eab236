"""Models that several versions of Keras write into HDF5 files, and their inputs."""

import numpy as np


def settle(model):
    values = []
    for i, w in enumerate(model.get_weights()):
        values.append(np.sin(i + np.arange(w.size)).reshape(w.shape) * 0.3 + 0.1)
    model.set_weights([np.abs(v) for v in values])
    return model


def images(layers, models):
    model = models.Sequential(
        [
            layers.Conv2D(
                2, 3, padding="same", activation="relu", input_shape=(6, 6, 1)
            ),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(3, 2),
            layers.LeakyReLU(alpha=0.2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax", kernel_regularizer="l2"),
        ],
        name="images",
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return settle(model)


def sequences(layers, models):
    model = models.Sequential(
        [
            layers.Embedding(7, 3, input_length=5),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            layers.GRU(3, reset_after=True, recurrent_activation="sigmoid"),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="sequences",
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["mae"])
    return settle(model)


def connected(layers, models):
    a = layers.Input((3,), name="a")
    b = layers.Input((3,), name="b")
    shared = layers.Dense(2, activation="tanh", name="shared")
    inside = layers.Input((2,), name="inside")
    inner = models.Model(inside, layers.Dense(2, name="deep")(inside), name="inner")
    joined = layers.concatenate([shared(a), inner(shared(b))], name="joined")
    outputs = [layers.Dense(1, name="one")(joined), layers.Dense(2, name="two")(joined)]
    model = models.Model([a, b], outputs, name="connected")
    model.compile("sgd", {"one": "mse", "two": "mae"}, loss_weights={"two": 0.5})
    return settle(model)


MODELS = {"images": images, "sequences": sequences, "connected": connected}

_NUMBERS = np.sin(np.arange(216.0)).astype("float32")
INPUTS = {
    "images": _NUMBERS[:144].reshape(4, 6, 6, 1),
    "sequences": np.arange(20).reshape(4, 5) % 7,
    "connected": [_NUMBERS[:12].reshape(4, 3), _NUMBERS[12:24].reshape(4, 3)],
}
TARGETS = {
    "images": np.eye(3)[[0, 1, 2, 0]],
    "sequences": np.array([[0.0], [1.0], [1.0], [0.0]]),
    "connected": [np.ones((4, 1)), np.zeros((4, 2))],
}
