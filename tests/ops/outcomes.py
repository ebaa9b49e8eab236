"""What an expression comes to, in a form that can be kept: a value, or an error.

Python 3.7 reads this too: the kept outcomes are TensorFlow 1.15's, written with the
same functions (tests/data/make_array.py).
"""

from __future__ import annotations

import json
import os

import numpy as np

CASES = os.path.join(os.path.dirname(__file__), "..", "data", "array_cases.txt")


def cases(path=CASES):
    """The expressions of each section of a file."""
    found = {}
    with open(path) as stream:
        for line in stream.read().splitlines():
            if line.startswith("["):
                section = found[line[1:-1]] = []
            elif line and line[0] != "#":
                section.append(line)
    return found


def plain(value):
    """A fetched value in terms of JSON: arrays as dtype, shape and elements."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    array = np.asarray(value)
    items = [str(v) if isinstance(v, bytes) else v for v in array.ravel().tolist()]
    if array.dtype.kind in "fc":
        items = [repr(v) for v in items]
    return [str(array.dtype), list(array.shape), items]


def names(tf, gen):
    """What an expression may name."""

    def given(value, shape):
        return tf.placeholder_with_default(tf.constant(value), shape)

    return {
        "tf": tf,
        "np": np,
        "gen": gen,
        "U": lambda value: given(value, None),
        "D": lambda value: given(value, [None] * np.ndim(value)),
    }


def first_line(text):
    """What of an error's text is compared."""
    return text.split("\n")[0].split(" with input shapes")[0]


def _named(scope, text):
    """The names of an expression; `scope` may be a function that makes them for it."""
    return dict(scope(text) if callable(scope) else scope)


def value_of(tf, scope, text):
    """The value that an expression has when run, or the error on the way."""
    with tf.Graph().as_default():
        try:
            found = eval(text, _named(scope, text))
        except Exception as error:
            return ["build", type(error).__name__, first_line(str(error))]
        if isinstance(found, tf.TensorShape):
            return ["shape", str(found)]
        if not isinstance(found, (tf.Tensor, list, tuple)):
            return ["python", str(found)]
        with tf.Session() as session:
            try:
                return ["value", plain(session.run(found))]
            except tf.errors.OpError as error:
                return ["run", type(error).__name__, first_line(error.message)]


def inputs(tf, rank):
    """The placeholders that shapes and graphs are made from."""
    return {
        "x": tf.placeholder(tf.float32, [None, 3, 4][:rank], name="x"),
        "y": tf.placeholder(tf.float32, [2, 3], name="y"),
        "u": tf.placeholder(tf.float32, name="u"),
        "n": tf.placeholder(tf.int32, [], name="n"),
    }


def shape_of(tf, scope, text):
    """The static shape of an expression, or the error of building it."""
    with tf.Graph().as_default():
        try:
            return str(eval(text, dict(_named(scope, text), **inputs(tf, 3))).shape)
        except Exception as error:
            return first_line(f"{type(error).__name__}: {error}")


def graph_of(tf, scope, text):
    """The operations that an expression makes: name, type, inputs, output shapes."""
    with tf.Graph().as_default() as graph:
        given = inputs(tf, 2)
        try:
            eval(text, dict(_named(scope, text), **given))
        except Exception as error:
            return first_line(f"{type(error).__name__}: {error}")
        return [
            [
                op.name,
                op.type,
                [t.name for t in op.inputs],
                [str(t.shape) for t in op.outputs],
            ]
            for op in graph.get_operations()[len(given) :]
        ]


def apart(function, *args):
    """The result of a function in a child process; None if that dies."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with os.fdopen(writer, "w") as stream:
            json.dump(function(*args), stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None
