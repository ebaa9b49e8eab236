"""Write train.json: graphs and values of tests/train/programs.py.

Run from the root of the repository under Python 3.7 with tensorflow==1.15.5.
"""

import json
import pathlib
import sys

import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "train"))

import programs  # noqa: E402


def rounded(value):
    return [float(format(x, ".7g")) for x in np.asarray(value, np.float64).ravel()]


def graphs():
    found = {}
    for name, build in programs.GRAPHS.items():
        with tf.Graph().as_default() as graph:
            build(tf)
            found[name] = programs.listing(graph)
    return found


def steps(update, variables):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        rows = {name: [] for name in variables}
        for _ in range(programs.STEPS):
            session.run(update)
            for name, value in session.run(variables).items():
                rows[name].append(rounded(value))
    return rows


def values():
    found = {}
    runs = [(name, "float32") for name in programs.OPTIMIZERS]
    for name, dtype in [*runs, *((name, "float64") for name in programs.DOUBLE)]:
        with tf.Graph().as_default():
            made = programs.training(tf, name, dtype)
            found[name + " " + dtype] = steps(*made)
    with tf.Graph().as_default():
        found["averages"] = steps(*programs.averages(tf))
    return found


def rates():
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(4)
        step, found = programs.schedules(tf)
        at = [0, 1, 3, 4, 9, 10, 12, 15, 18, 20, 21, 33]
        runs = [session.run(found, {step: s}) for s in at]
    return at, {name: [float(run[name]) for run in runs] for name in found}


def main():
    at, decays = rates()
    found = {"graphs": graphs(), "values": values(), "steps": at, "rates": decays}
    text = json.dumps(found, sort_keys=True, separators=(",", ":"))
    (HERE / "train.json").write_text(text + "\n")


main()
