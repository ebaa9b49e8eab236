"""Write what TensorFlow 1.15 makes of cases: `*.json.gz`.

Run it with a Python 3.7 that has tensorflow==1.15.5, for all or for some of them:

    python tests/data/make_layers.py [layers] [recurrent] [recurrent_programs]
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

import layer_cases  # noqa: E402
import recurrent_cases  # noqa: E402
import recurrent_programs  # noqa: E402
from layer_runs import described  # noqa: E402

LINES = {"layers": layer_cases.CASES, "recurrent": recurrent_cases.CASES}


def lines(cases):
    names = vars(tf.keras.layers)
    return {line: described(tf, names, line) for line in cases}


def programs():
    run = recurrent_programs.described
    return {name: run(tf, name) for name in recurrent_programs.PROGRAMS}


def write(name, found):
    text = json.dumps(found, indent=0, sort_keys=True)
    with open(os.path.join(HERE, name + ".json.gz"), "wb") as stream:
        # no time of writing, so that equal data is an equal file
        with gzip.GzipFile("", "wb", 9, stream, 0) as packed:
            packed.write(text.encode("utf-8"))


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    for name in sys.argv[1:] or [*LINES, "recurrent_programs"]:
        write(name, lines(LINES[name]) if name in LINES else programs())


if __name__ == "__main__":
    main()
