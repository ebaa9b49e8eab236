"""Runs metrics of tf.contrib: under TensorFlow 1.15 and under retrograd alike.

Imported by `make_contrib_metrics.py` under Python 3.7 and by the tests.
"""

import os

import numpy as np

CASES = os.path.join(os.path.dirname(__file__), "contrib_metric_cases.txt")
P = [[0.55, 0.72, 0.6, 0.54, 0.42, 0.65, 0.44, 0.89]]
P += [[0.96, 0.38, 0.79, 0.53, 0.57, 0.93, 0.07, 0.09]]
L = [[1, 1, 0, 1, 0, 1, 1, 1], [0, 1, 1, 0, 1, 1, 0, 0]]


def cases():
    """A name and an expression of `p` (predictions), `l` (labels), `w` (weights)."""
    with open(CASES) as stream:
        return dict(line.rstrip("\n").split(" ", 1) for line in stream)


def _numbers(value):
    value = np.nan_to_num(np.asarray(0.0 if value is None else value, "float64"))
    return [float(format(x, ".6g")) for x in value.ravel()]


def run(tf, case):
    """What a metric gives: names of its variables; its updates and its value."""
    nest = tf.contrib.framework.nest
    with tf.Graph().as_default(), tf.Session() as session:
        space = {"tf": tf, "M": tf.contrib.metrics}
        space["p"] = tf.placeholder(tf.float32, [8], name="p")
        space["l"] = tf.placeholder(tf.bool, [8], name="l")
        space["w"] = tf.placeholder(tf.float32, [8], name="w")
        try:
            value, update = eval(cases()[case], space)
        except (ValueError, TypeError) as error:
            return {"error": [type(error).__name__, str(error).split("\n")[0]]}
        session.run(tf.local_variables_initializer())
        fed = {space["w"]: np.linspace(0.5, 2, 8)}
        runs = []
        for i in range(2):
            fed.update({space["p"]: P[i], space["l"]: L[i]})
            runs.append(session.run(update, fed))
        runs.append(session.run(value, fed))
        return {
            "variables": [v.name for v in tf.local_variables()],
            "types": [t.dtype.name for t in nest.flatten(value)],
            "runs": [_numbers(x) for x in nest.flatten(runs)],
        }
