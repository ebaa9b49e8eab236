"""What the datasets of dataset_cases.txt give; under TensorFlow 1.15 and here."""

import os

import numpy as np

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dataset_cases.txt")
MOST = 60


def cases():
    """The expressions."""
    with open(CASES, encoding="utf-8") as stream:
        return [line.strip() for line in stream if line.strip() and line[0] != "#"]


def names(tf):
    """What the expressions use."""

    def without_fusion(dataset):
        options = tf.data.Options()
        options.experimental_optimization.apply_default_optimizations = False
        return dataset.with_options(options)

    def slices(values):
        return tf.data.Dataset.from_tensor_slices(np.array(values, np.int64))

    return {
        "tf": tf,
        "np": np,
        "D": tf.data.Dataset,
        "X": tf.data.experimental,
        "R": tf.data.Dataset.range,
        "L": slices,
        "without_fusion": without_fusion,
    }


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if isinstance(value, bytes):
        return value.decode()
    array = np.asarray(value)
    if array.dtype == object:
        return (
            np.vectorize(plain, otypes=[object])(array).tolist() if array.size else []
        )
    return [str(array.dtype), array.tolist()]


def outcome(tf, text):
    """The specs and elements of a dataset, and how they end, as JSON has them."""
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            dataset = eval(text, names(tf))
            iterator = tf.data.make_initializable_iterator(dataset)
            following = iterator.get_next()
        except Exception as error:
            return {"wrong": told(error)}
        found = {"dataset": str(dataset), "elements": []}
        try:
            session.run(iterator.initializer)
            while len(found["elements"]) < MOST:
                found["elements"].append(plain(session.run(following)))
        except tf.errors.OutOfRangeError:
            found["end"] = True
        except Exception as error:
            found["wrong"] = told(error)
        return found


def told(error):
    """The class of an error and the first line of its text."""
    return [type(error).__name__, str(error).split("\n")[0]]
