"""Write SavedModels of objects; run under TensorFlow 1.15.5, then under TensorFlow 2.

    python make_saved_objects.py

It adds to `saved_objects.zip` a folder named after the major version.
"""

from __future__ import annotations

import os
import tempfile
import zipfile

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
        self.b = tf.Variable([0.5, 0.5], name="b")
        self.big = tf.constant(np.arange(400.0, dtype="float32"))
        self.layers = [tf.Variable(2.0), tf.Variable(3.0)]

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def __call__(self, x):
        y = tf.nn.relu(tf.matmul(x, self.w) + self.b)
        return y * self.layers[0] + self.big[3]

    @tf.function
    def loop(self, x, n=3):
        _, y = tf.while_loop(
            lambda i, y: i < n, lambda i, y: (i + 1, y * self.layers[1]), [0, x]
        )
        return {"y": y, "z": tf.cond(x > 0, lambda: x, lambda: -x), "l": [x, x]}


def main() -> None:
    old = tf.__version__.startswith("1")
    if old:
        tf.compat.v1.enable_eager_execution()
    net = Net()
    net.loop(tf.constant(2.0))
    net.loop(tf.constant(2.0), 4)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(net, folder, signatures=net.__call__)
        keep(folder, tf.__version__[0], "w" if old else "a")
    with tempfile.TemporaryDirectory() as folder:
        keras_model(old).save(folder, save_format="tf")
        keep(folder, "keras" + tf.__version__[0], "a")


def keras_model(old):
    """A model that has made two steps; it predicts 1.8141046 and 4.4627643."""
    if old:
        keras = tf.keras
    else:
        import tf_keras as keras
    layers = [
        keras.layers.Dense(2, activation="relu", input_shape=(2,), name="a"),
        keras.layers.Dense(1, name="b"),
    ]
    model = keras.Sequential(layers, name="s")
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse")
    model.set_weights([np.full_like(w, 0.5) for w in model.get_weights()])
    x = np.array([[0.0, 1.0], [2.0, 3.0]], "float32")
    model.fit(x, x[:, :1] + x[:, 1:], epochs=2, batch_size=2, verbose=0)
    print(model.predict(x))
    return model


def keep(folder, inside, mode):
    path = os.path.join(HERE, "saved_objects.zip")
    with zipfile.ZipFile(path, mode, zipfile.ZIP_DEFLATED) as archive:
        for parent, _, names in os.walk(folder):
            for name in names:
                whole = os.path.join(parent, name)
                archive.write(
                    whole, os.path.join(inside, os.path.relpath(whole, folder))
                )


if __name__ == "__main__":
    main()
