"""Write what TensorFlow 1.15 makes of cases: `*.json.gz`.

Run it with a Python 3.7 that has tensorflow==1.15.5, for all or for some of them:

    python tests/data/make_layers.py [layers] [recurrent] [recurrent_programs] [cells]
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

import cell_programs  # noqa: E402
import layer_cases  # noqa: E402
import recurrent_cases  # noqa: E402
import recurrent_programs  # noqa: E402
from layer_runs import described  # noqa: E402
from tensorflow.contrib.rnn.python.ops import rnn_cell  # noqa: E402

LINES = {"layers": layer_cases.CASES, "recurrent": recurrent_cases.CASES}


def lines(cases):
    names = vars(tf.keras.layers)
    return {line: described(tf, names, line) for line in cases}


def programs(module):
    return {name: module.described(tf, name) for name in module.PROGRAMS}


PROGRAMS = {"recurrent_programs": recurrent_programs, "cells": cell_programs}


def write(name, found):
    text = json.dumps(found, indent=0, sort_keys=True)
    with open(os.path.join(HERE, name + ".json.gz"), "wb") as stream:
        # no time of writing, so that equal data is an equal file
        with gzip.GzipFile("", "wb", 9, stream, 0) as packed:
            packed.write(text.encode("utf-8"))


def main():
    tf.compat.v1.logging.set_verbosity("ERROR")
    cell_programs.inside = rnn_cell
    for name in sys.argv[1:] or [*LINES, *PROGRAMS]:
        found = lines(LINES[name]) if name in LINES else programs(PROGRAMS[name])
        write(name, found)


if __name__ == "__main__":
    main()
