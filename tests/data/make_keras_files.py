"""Write keras_files/*.h5.gz: models as versions of Keras save them, and what they give.

Run it with a Python that has the Keras that is named:
  python tests/data/make_keras_files.py tf1       # tf.keras of TensorFlow 1.15
  python tests/data/make_keras_files.py keras2    # the package keras, 2.0 to 2.3
  python tests/data/make_keras_files.py tf_keras  # the package tf_keras, 2.x
  python tests/data/make_keras_files.py read FOLDER tf1|keras2|tf_keras
The last reads files that retrograd has written (`python -m tests.data.write_keras_files
FOLDER`) and compares what the models give.
"""

import gzip
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import keras_file_models as known  # noqa: E402


def keras_of(name):
    if name == "keras2":
        import keras

        return keras
    if name == "tf_keras":
        import tf_keras

        return tf_keras
    import tensorflow as tf

    return tf.keras


def results(model, name):
    found = model.predict(known.INPUTS[name])
    return found if isinstance(found, list) else [found]


def write(keras, label):
    folder = os.path.join(HERE, "keras_files")
    os.makedirs(folder, exist_ok=True)
    for name, make in known.MODELS.items():
        try:
            model = make(keras.layers, keras.models)
        except TypeError as error:
            print(name, "is not made:", error)
            continue
        model.train_on_batch(known.INPUTS[name], known.TARGETS[name])
        path = os.path.join(folder, f"{name}-{label}.h5")
        model.save(path)
        outputs = results(model, name)
        state = (
            model.optimizer.get_weights()
            if hasattr(model.optimizer, "get_weights")
            else []
        )
        with open(path, "rb") as file:
            data = file.read()
        os.remove(path)
        with open(path + ".gz", "wb") as file:
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                packed.write(data)
        np.savez_compressed(path[:-3] + ".npz", *outputs)
        print(path, len(outputs), "outputs", len(state), "weights of the optimizer")


def read(keras, folder):
    for name in known.MODELS:
        model = keras.models.load_model(os.path.join(folder, name + ".h5"))
        kept = np.load(os.path.join(folder, name + ".npz"))
        for one, other in zip(results(model, name), [kept[k] for k in kept.files]):  # noqa: B905
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        print(name, "is read and gives the same")


if __name__ == "__main__":
    if sys.argv[1] == "read":
        read(keras_of(sys.argv[3]), sys.argv[2])
    else:
        write(keras_of(sys.argv[1]), sys.argv[1])
