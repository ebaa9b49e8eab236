"""Write functions.pb: a training graph with functional loops and branches.

Run under TensorFlow 1.15.5 (Python 3.7): python tests/data/make_functions.py
"""

import os

import tensorflow as tf

tf.compat.v1.enable_control_flow_v2()
with tf.Graph().as_default() as graph:
    x = tf.placeholder(tf.float32, [3], name="x")
    n = tf.placeholder(tf.int32, [], name="n")
    w = tf.constant([2.0, 3.0, 4.0])
    y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * w, lambda: tf.nn.relu(x) - 1)

    def body(i, a):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a * w, lambda: a + x)

    _, result = tf.while_loop(lambda i, a: i < n, body, [0, y])
    tf.identity(result, name="out")
    tf.identity(tf.gradients(tf.reduce_sum(result**2), x)[0], name="grad")

path = os.path.join(os.path.dirname(__file__), "functions.pb")
with open(path, "wb") as stream:
    stream.write(graph.as_graph_def().SerializeToString())
