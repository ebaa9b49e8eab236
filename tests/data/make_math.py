"""Write math.json: what TensorFlow 1.15 makes of the expressions in `math_cases`.

Run it with a Python that has TensorFlow 1.15:  python tests/data/make_math.py math
With `nn` in place of `math` it reads nn_cases and writes nn.json.
"""

import importlib
import json
import os
import sys

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def C(value, dtype=None):
    return tf.constant(value, dtype)


def D(value):
    return tf.constant(value, tf.float64)


def P(*shape):
    return tf.placeholder(tf.float32, shape)


def S(*shape):
    return tf.constant(np.sin(np.arange(np.prod(shape))).reshape(shape), tf.float32)


def evaluated(text, **more):
    names = {"tf": tf, "np": np, "C": C, "D": D, "P": P, "S": S}
    return eval(text, {**names, **more})


def graph_of(text):
    with tf.Graph().as_default() as graph:
        evaluated(text)
    return [
        [op.name, op.type, [t.name for t in op.inputs]] for op in graph.get_operations()
    ]


def plain(value):
    value = np.asarray(value)
    if value.dtype.kind == "c":
        flat = [[float(v.real), float(v.imag)] for v in value.reshape(-1)]
    else:
        flat = value.reshape(-1).tolist()
    return {"dtype": value.dtype.name, "shape": list(value.shape), "flat": flat}


def value_of(text):
    with tf.Graph().as_default(), tf.Session() as session:
        result = evaluated(text)
        return plain(session.run(result))


def gradient_of(text):
    first, second = text.split(" ; ")
    with tf.Graph().as_default(), tf.Session() as session:
        x = evaluated(first)
        y = evaluated(second, x=x)
        return plain(session.run(tf.gradients(y, x)[0]))


def error_of(text, run):
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            result = evaluated(text)
            if run:
                session.run(result)
        except Exception as error:
            message = getattr(error, "message", None) or str(error)
            return [type(error).__name__, message.split("\n")[0]]
    raise SystemExit("not refused: " + text)


def main(name):
    cases = importlib.import_module(name + "_cases")
    found = {
        "graphs": {t: graph_of(t) for t in cases.lines(cases.GRAPHS)},
        "values": {t: value_of(t) for t in cases.lines(cases.VALUES)},
        "gradients": {t: gradient_of(t) for t in cases.lines(cases.GRADIENTS)},
        "refused": {t: error_of(t, False) for t in cases.lines(cases.REFUSED)},
        "failing": {t: error_of(t, True) for t in cases.lines(cases.FAILING)},
    }
    with open(os.path.join(HERE, name + ".json"), "w") as stream:
        json.dump(found, stream, indent=0, sort_keys=True)
        stream.write("\n")


for each in sys.argv[1:]:
    main(each)
