"""Write layers.json.gz: what TensorFlow 1.15 makes of `layer_cases`.

Run it with a Python 3.7 that has tensorflow==1.15.5:  python tests/data/make_layers.py
"""

import gzip
import json
import os
import sys
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.simplefilter("ignore")

import tensorflow as tf  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from layer_cases import CASES  # noqa: E402
from layer_runs import described  # noqa: E402


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    names = vars(tf.keras.layers)
    found = {line: described(tf, names, line) for line in CASES}
    text = json.dumps(found, indent=0, sort_keys=True)
    with open(os.path.join(HERE, "layers.json.gz"), "wb") as stream:
        # no time of writing, so that equal data is an equal file
        with gzip.GzipFile("", "wb", 9, stream, 0) as packed:
            packed.write(text.encode("utf-8"))


if __name__ == "__main__":
    main()
