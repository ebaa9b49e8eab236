"""Make `v1_loops.pb.gz` and `v1_loops.json`: loops as TensorFlow 1.15 saves them.

Run with TensorFlow 1.15: `python make_v1_loops.py`. The graph has the placeholders n, x
and w; the JSON file has what the tensors named in it are for FEED.
"""

import gzip
import json
import os

import tensorflow as tf

FEED = {"n:0": 3, "x:0": [1.5, 2.0, 3.0], "w:0": 0.5}
HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, y, xs):
    """Name a tensor and its gradients."""
    tf.identity(y, name)
    for i, g in enumerate(tf.gradients(y, xs)):
        tf.identity(g, f"{name}_{i}")


def build():
    """Loops that use stacks, TensorArrays, branches and loops."""
    n = tf.placeholder(tf.int32, [], name="n")
    x = tf.placeholder(tf.float32, [3], name="x")
    w = tf.placeholder(tf.float32, [], name="w")
    start = (0, tf.ones([3]))

    def nested(i, a):
        inner = (0, x)
        _, q = tf.while_loop(
            lambda j, q: j < i + 1, lambda j, q: (j + 1, q * w + a), inner
        )
        return i + 1, q * 0.1

    def branching(i, a):
        return i + 1, tf.cond(i > 1, lambda: a * x * a, lambda: a + w)

    _, y = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a * x * w), start)
    save("power", y, [x, w])
    save("nest", tf.while_loop(lambda i, a: i < n, nested, start)[1], [x, w])
    save("branching", tf.while_loop(lambda i, a: i < 4, branching, start)[1], [x, w])
    save("scanned", tf.scan(lambda p, v: p * v * w, x), [x, w])
    save("chosen", tf.cond(x[0] > 1.0, lambda: x * w, lambda: x - 1.0), [x, w])
    parts = tf.TensorArray(tf.float32, 2, infer_shape=False).split(x * w, [1, 2])
    save("joined", parts.concat() * x, [x, w])


def main():
    """Write the files."""
    build()
    graph = tf.get_default_graph()
    with gzip.GzipFile(os.path.join(HERE, "v1_loops.pb.gz"), "wb", mtime=0) as out:
        out.write(graph.as_graph_def().SerializeToString())
    kinds = ("power", "nest", "branching", "scanned", "chosen", "joined")
    names = [k + s for k in kinds for s in ("", "_0", "_1")]
    with tf.Session() as session:
        found = {k: session.run(k + ":0", FEED).tolist() for k in names}
    with open(os.path.join(HERE, "v1_loops.json"), "w") as out:
        json.dump({"feed": FEED, "values": found}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
