"""Write autograph.json: what TensorFlow 1.15 makes of `autograph_programs`.

Run it with a Python that has TensorFlow 1.15:  python tests/data/make_autograph.py
"""

import json
import os
import sys

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import autograph_programs as programs  # noqa: E402
import autograph_runs as runs  # noqa: E402


def main():
    programs.tf = tf
    found = [
        [f.__name__, runs.outcome(tf, programs, f, args, options)]
        for f, args, options in programs.CASES
    ]
    with open(os.path.join(HERE, "autograph.json"), "w") as file:
        file.write("[\n")
        file.write(",\n".join(json.dumps(row, sort_keys=True) for row in found))
        file.write("\n]\n")


if __name__ == "__main__":
    main()
