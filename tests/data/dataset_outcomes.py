"""What the datasets of dataset_cases.txt give; under TensorFlow 1.15 and here."""

import os
import sqlite3
import tempfile

import numpy as np

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dataset_cases.txt")
MOST = 60


def cases():
    """The expressions."""
    with open(CASES, encoding="utf-8") as stream:
        return [line.strip() for line in stream if line.strip() and line[0] != "#"]


FOLDER = tempfile.TemporaryDirectory()


def folder():
    """A place for files."""
    return FOLDER


def written(text, name=None):
    """The path of a new file that holds a text."""
    path = os.path.join(folder().name, name or f"{len(os.listdir(folder().name))}.csv")
    with open(path, "wb") as stream:
        stream.write(text.encode())
    return path


def database():
    """The path of a database."""
    path = os.path.join(folder().name, "t.db")
    if not os.path.exists(path):
        connection = sqlite3.connect(path)
        connection.execute("create table t(a int, b text, c real)")
        connection.execute("insert into t values (1, 'x', 2.5), (2, 'y', null)")
        connection.commit()
        connection.close()
    return path


def examples(tf):
    """Some Examples, as strings; their features; and the path of a file of them."""
    texts = []
    for i in range(5):
        example = tf.train.Example()
        example.features.feature["l"].int64_list.value.append(i)
        example.features.feature["s"].bytes_list.value.extend([b"q"] * i)
        texts.append(example.SerializeToString())
    features = {
        "l": tf.FixedLenFeature([], tf.int64),
        "s": tf.VarLenFeature(tf.string),
    }
    path = os.path.join(folder().name, "r.tfrecord")
    if not os.path.exists(path):
        with tf.python_io.TFRecordWriter(path) as writer:
            for text in texts:
                writer.write(text)
    return texts, features, path


def names(tf):
    """What the expressions use."""

    def twice_cached(dataset):
        path = os.path.join(tempfile.mkdtemp(dir=folder().name), "cache")
        return dataset.cache(path).repeat(2)

    def base(path):
        return tf.py_func(os.path.basename, [path], tf.string)

    def without_fusion(dataset):
        options = tf.data.Options()
        options.experimental_optimization.apply_default_optimizations = False
        return dataset.with_options(options)

    def slices(values):
        return tf.data.Dataset.from_tensor_slices(np.array(values, np.int64))

    texts, features, records = examples(tf)
    return {
        "W": written,
        "A": written('x,y,z\n1,2.5,foo\n3,,"b,a""r"\n', "a.csv"),
        "B": written('x,y,z\n5,6,"mul\nti"\r\n7,8,q', "b.csv"),
        "DB": database(),
        "EXAMPLES": texts,
        "FEATURES": features,
        "RECORDS": records,
        "base": base,
        "twice_cached": twice_cached,
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
    known = names(tf)
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            dataset = eval(text, known)
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
