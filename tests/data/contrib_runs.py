"""Runs the cases of tf.contrib.layers: under TensorFlow 1.15 and under retrograd alike.

Imported by `make_contrib.py` under Python 3.7 and by the tests.
"""

import os

import numpy as np

CASES = os.path.join(os.path.dirname(__file__), "contrib_cases.txt")


def cases():
    """The cases, each a call of a function of tf.contrib.layers."""
    with open(CASES) as stream:
        return stream.read().splitlines()


def _values(shape, phase):
    """Numbers that are neither equal nor ordered."""
    count = int(np.prod(shape))
    return np.sin(np.arange(count) * 1.7 + phase).reshape(shape).astype("float32")


def _set(tf, session):
    """Give all variables values that depend on nothing but their shapes and order."""
    for i, v in enumerate(tf.global_variables()):
        shape = v.shape.as_list()
        found = 0.5 * _values(shape, i) + ("variance" in v.name or "stddev" in v.name)
        session.run(v.assign(np.abs(found) if "vari" in v.name else found))


def _names(tf):
    graph = tf.get_default_graph()
    found = {}
    for key in sorted(graph.get_all_collection_keys()):
        names = [getattr(x, "name", "") for x in graph.get_collection(key)]
        if names and all(names):
            found[key] = names
    return found


def _norm(x):
    """Two sums that tell arrays apart."""
    x = np.asarray(x, "float64").ravel()
    weights = np.cos(np.arange(x.size))
    return [float(x.sum()), float((x * weights).sum())]


def run(tf, case):
    """What a case gives: names and shapes, or an error; sums of arrays."""
    layers = tf.contrib.layers
    with tf.Graph().as_default():
        fed = {}
        space = {"tf": tf, "L": layers}
        shapes = {"x": [2, 4, 4, 3], "y": [2, 5], "z": [2, 4, 3], "w": [2, 4, 4, 4, 2]}
        for i, (name, shape) in enumerate(sorted(shapes.items())):
            space[name] = tf.placeholder(tf.float32, shape, name=name)
            fed[space[name]] = _values(shape, i)
        space["n"] = tf.placeholder(tf.float32, [None, None, None, 3], name="n")
        fed[space["n"]] = _values([2, 3, 2, 3], 7)
        space["g"] = tf.placeholder(tf.float32, [2, 4, 4, 8], name="g")
        fed[space["g"]] = _values([2, 4, 4, 8], 8)
        space["ids"] = tf.constant([[0, 1, 3], [3, 2, 2]], tf.int64, name="ids")
        inputs = sorted(fed, key=lambda t: t.name)
        try:
            out = eval("L." + case, space)
        except (ValueError, TypeError) as error:
            return {"error": [type(error).__name__, str(error).split("\n")[0]]}
        variables = tf.global_variables()
        found = {
            "output": [out.name, out.dtype.name, str(out.shape)],
            "shapes": {v.name: v.shape.as_list() for v in variables},
            "collections": _names(tf),
        }
        trained = inputs + tf.trainable_variables()
        grads = tf.gradients(tf.reduce_sum(out * tf.cos(out)), trained)
        grads = {
            trained[i].name: tf.convert_to_tensor(g)
            for i, g in enumerate(grads)
            if g is not None
        }
        updates = [u for key in ("update_ops", "u") for u in tf.get_collection(key)]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            _set(tf, session)
            value, slopes = session.run([out, grads], fed)
            session.run(updates, fed)
            found["value"] = _norm(value)
            found["gradients"] = {n: _norm(g) for n, g in sorted(slopes.items())}
            found["after"] = {v.name: _norm(session.run(v)) for v in variables}
        return found
