"""Write models.json.gz: what TensorFlow 1.15 makes of `model_programs`.

Run it with a Python that has TensorFlow 1.15 and h5py:
python tests/data/make_models.py
"""

import gzip
import json
import os
import sys

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import model_programs as programs  # noqa: E402


def result_of(name):
    with tf.Graph().as_default(), tf.Session():
        try:
            return getattr(programs, name)(tf)
        except Exception as error:
            if not name.startswith("error_"):
                raise
            return [type(error).__name__, str(error)]


def main():
    skipped = ("settle", "plain", "summary", "history", "classifier", "two_outputs")
    names = [
        name
        for name, value in vars(programs).items()
        if callable(value) and name not in skipped
    ]
    found = {name: result_of(name) for name in names}
    path = os.path.join(HERE, "models.json.gz")
    with open(path, "wb") as file:
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            text = json.dumps(found, sort_keys=True, default=programs.plain)
            packed.write(text.encode())


if __name__ == "__main__":
    main()
