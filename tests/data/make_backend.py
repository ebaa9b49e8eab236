"""Write NAME.json.gz: what TensorFlow 1.15 makes of the lines of NAME_cases.txt.

Run it with a Python 3.7 that has tensorflow==1.15.5:

    python tests/data/make_backend.py [NAME ...]
"""

import gzip
import json
import os
import sys
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.simplefilter("ignore")

import tensorflow as tf  # noqa: E402
from tensorflow.python.eager import context  # noqa: E402
from tensorflow.python.keras import backend  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from backend_runs import described  # noqa: E402


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    for name in sys.argv[1:] or (
        "backend",
        "image",
        "quantization",
        "signal",
        "strings",
    ):
        write(name)


def write(name):
    found = {}
    with open(os.path.join(HERE, name + "_cases.txt")) as stream:
        cases = [x for x in stream.read().splitlines() if not x.startswith("#")]
    for line in cases:
        found[line] = [described(tf, backend, line, eager=False)]
        with context.eager_mode():
            found[line].append(described(tf, backend, line, eager=True))
    text = json.dumps(found, indent=0, sort_keys=True)
    with open(os.path.join(HERE, name + ".json.gz"), "wb") as stream:
        # no time of writing, so that equal data is an equal file
        with gzip.GzipFile("", "wb", 9, stream, 0) as packed:
            packed.write(text.encode("utf-8"))


if __name__ == "__main__":
    main()
