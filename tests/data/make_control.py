"""Write control.json: what TensorFlow 1.15 makes of `control_programs`.

Run it with a Python that has TensorFlow 1.15:  python tests/data/make_control.py
"""

import json
import os
import re
import sys

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import control_programs as programs  # noqa: E402


def plain(value):
    if value is None:
        return None
    if isinstance(value, bytes):
        return {"text": value.decode()}
    value = np.asarray(value)
    if value.dtype == object:
        return {"text": [v.decode() for v in value.reshape(-1)]}
    return {
        "dtype": value.dtype.name,
        "shape": list(value.shape),
        "flat": value.reshape(-1).tolist(),
    }


def results_of(program):
    with tf.Graph().as_default(), tf.Session() as session:
        fetches, feeds = program(tf)
        session.run(tf.global_variables_initializer())
        known = {k: v for k, v in fetches.items() if v is not None}
        missing = {k: None for k in fetches if k not in known}
        runs = [session.run(known, feed) for feed in feeds]
        return [{**missing, **{k: plain(v) for k, v in run.items()}} for run in runs]


def error_of(program):
    with tf.Graph().as_default():
        try:
            program(tf)
        except Exception as error:
            return [type(error).__name__, str(error).split("\n")[0]]
    raise AssertionError(program.__name__)


def run_error_of(program):
    with tf.Graph().as_default(), tf.Session() as session:
        fetch, feed = program(tf)
        try:
            session.run(fetch, feed)
        except Exception as error:
            text = str(error).split("\n")[0]
            return [type(error).__name__, re.sub(r"pyfunc_\d+", "pyfunc_N", text)]
    raise AssertionError(program.__name__)


def main():
    found = {"values": {}, "errors": {}, "run_errors": {}}
    for name, program in sorted(vars(programs).items()):
        if name.startswith("_") or not callable(program):
            continue
        if name.startswith("run_error_"):
            found["run_errors"][name] = run_error_of(program)
        elif name.startswith("error_"):
            found["errors"][name] = error_of(program)
        else:
            found["values"][name] = results_of(program)
    with open(os.path.join(HERE, "control.json"), "w") as file:
        json.dump(found, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
