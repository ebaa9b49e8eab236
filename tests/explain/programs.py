"""Small programs whose explanations are kept as text, one function a program.

Each takes nothing and gives an explanation; the graph is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import retrograd
import retrograd as tf
from retrograd.graph import context

PROGRAMS: dict[str, Callable[[], Any]] = {}


def program(make: Callable[[], Any]) -> Callable[[], Any]:
    """Add a program, to be run in a graph of its own."""

    def run() -> Any:
        with tf.Graph().as_default():
            return make()

    PROGRAMS[make.__name__] = run
    return run


@program
def polynomial():
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.placeholder(tf.float32, [], name="y")
    f = x * x * y + (y + 2)
    return retrograd.explain(f, [x, y], {x: 3, y: 4})


@program
def cost_of_two_weights():
    X = tf.constant([-1, -2], dtype=tf.float32)
    w = tf.Variable([2.0, 3.0])
    Y = w * X
    cost = Y[1] * Y
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return retrograd.explain(cost, w, names=locals(), learning_rate=1)


@program
def cosine():
    X = tf.constant([-1, -2], dtype=tf.float32)
    w = tf.get_variable("w", initializer=[2.0, 3.0], use_resource=True)
    truth = tf.constant([3.0, 3.0])
    Y = w * X
    dot = tf.reduce_sum(Y * truth)
    norms = tf.sqrt(tf.reduce_sum(tf.square(Y)) * tf.reduce_sum(tf.square(truth)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return retrograd.explain(-dot / norms, names=locals())


@program
def convolution():
    x = tf.constant(np.arange(9.0).reshape(1, 3, 3, 1), tf.float32, name="x")
    k = tf.constant([[[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]], name="k")
    y = tf.nn.conv2d(x, k, [1, 1, 1, 1], "VALID", name="y")
    cost = tf.reduce_sum(tf.square(y))
    return retrograd.explain(cost, [x, k], element={x: (0, 1, 1, 0), "k:0": (0,) * 4})


@program
def broadcast_bias():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="x")
    b = tf.constant([0.5, -0.5], name="b")
    return retrograd.explain(tf.reduce_sum(tf.tanh(x + b)), [b])


@program
def matrix_product():
    a = tf.constant([[1.0, 2.0], [3.0, 4.0]], name="a")
    b = tf.constant([[5.0], [6.0]], name="b")
    return retrograd.explain(tf.reduce_sum(tf.matmul(a, b)), [a, b])


@program
def softmax_cross_entropy():
    logits = tf.constant([[1.0, 2.0, 0.0]], name="logits")
    labels = tf.constant([1], name="labels")
    cost = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return retrograd.explain(tf.reduce_mean(cost), [logits])


@program
def shared_value():
    x = tf.constant(0.5, name="x")
    s = tf.sigmoid(x, name="s")
    return retrograd.explain(s * tf.exp(s) + s, x)


@program
def gather_rows():
    table = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="table")
    rows = tf.gather(table, tf.constant([2, 0, 2], name="ids"))
    return retrograd.explain(tf.reduce_sum(rows * rows), table)


@program
def loop():
    x = tf.constant(1.5, name="x")
    turns = tf.placeholder(tf.int32, [], name="turns")
    _, power = tf.while_loop(
        lambda i, p: i < turns, lambda i, p: (i + 1, p * x), [0, tf.constant(1.0)]
    )
    return retrograd.explain(power, x, {turns: 3})


@tf.RegisterGradient("PassWhereSmall")
def _pass_where_small(op, dy):
    inside = tf.cast(tf.abs(op.inputs[0]) <= 1, dy.dtype)
    return dy * inside


@program
def straight_through():
    x = tf.constant([0.5, -2.0], name="x")
    with x.graph.gradient_override_map({"Sign": "PassWhereSmall"}):
        y = tf.sign(x)
    return retrograd.explain(y * [3.0, 4.0], x)


@program
def seeded():
    x = tf.constant([1.0, 2.0], name="x")
    return retrograd.explain(tf.square(x), x, grad_ys=[10.0, -1.0])


@program
def tape():
    with context.eager_mode():
        x = tf.constant(3.0)
        with tf.GradientTape(persistent=True) as recorded:
            recorded.watch(x)
            y = tf.sin(x) * x
        return retrograd.explain(y, x, tape=recorded, names={"x": x, "y": y})
