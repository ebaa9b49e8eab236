"""The workloads as TensorFlow 1 programs: run by TensorFlow 1.15, by compat.v1 of the
current TensorFlow, and by retrograd, unchanged.

    PYTHON graphs.py MODULE WORKLOAD SECONDS      MODULE: tensorflow, compat or
    retrograd

Prints one line of JSON: seconds for building, gradients, the first run, a steady run
(median), CPU seconds of a steady run, peak memory in MiB.
"""

import json
import resource
import sys
import time

import numpy as np


def load(module):
    if module == "compat":
        import tensorflow.compat.v1 as tf

        tf.disable_v2_behavior()
        return tf
    if module == "retrograd":
        import retrograd as tf

        return tf
    import tensorflow as tf

    return tf


tf = None
clock = time.perf_counter


def data(*shape):
    return np.random.RandomState(0).standard_normal(shape).astype(np.float32)


def first_program():
    x = tf.constant([-1, -2], dtype=tf.float32)
    w = tf.Variable([2.0, 3.0])
    y = w * x
    return y[1] * y * 1e-3, tf.train.GradientDescentOptimizer(1e-3), {}


def two_ops():
    x = tf.placeholder(tf.float32, [])
    return x * 2.0 + 1.0, None, {x: np.float32(3)}


def dense(x, units, activation=None):
    w = tf.Variable(tf.truncated_normal([int(x.shape[-1]), units], stddev=0.05))
    b = tf.Variable(tf.zeros([units]))
    y = tf.matmul(x, w) + b
    return activation(y) if activation else y


def cross_entropy(logits, labels):
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )


def classes(n):
    return np.random.RandomState(1).randint(0, 10, n).astype(np.int32)


def mlp():
    x = tf.placeholder(tf.float32, [None, 784])
    y = tf.placeholder(tf.int32, [None])
    h = dense(dense(x, 256, tf.nn.relu), 128, tf.nn.relu)
    loss = cross_entropy(dense(h, 10), y)
    return loss, tf.train.AdamOptimizer(1e-3), {x: data(64, 784), y: classes(64)}


def logistic():
    x = tf.placeholder(tf.float32, [None, 784])
    y = tf.placeholder(tf.int32, [None])
    loss = cross_entropy(dense(x, 10), y)
    feed = {x: data(100, 784), y: classes(100)}
    return loss, tf.train.GradientDescentOptimizer(0.01), feed


def chain(n):
    def build():
        x = tf.placeholder(tf.float32, [])
        h = x
        for _ in range(n // 2):
            h = h * h + 0.001
        return h, x, {x: np.float32(0.5)}

    return build


def many_variables():
    vs = [tf.Variable(tf.ones([10])) for _ in range(400)]
    loss = tf.add_n([tf.reduce_sum(v * v) for v in vs])
    return loss, tf.train.GradientDescentOptimizer(1e-3), {}


def conv(x, taps, cin, cout):
    w = tf.Variable(tf.truncated_normal([taps, taps, cin, cout], stddev=0.1))
    b = tf.Variable(tf.zeros([cout]))
    y = tf.nn.relu(tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME") + b)
    return tf.nn.max_pool(y, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def lenet():
    x = tf.placeholder(tf.float32, [None, 28, 28, 1])
    y = tf.placeholder(tf.int32, [None])
    h = conv(conv(x, 5, 1, 32), 5, 32, 64)
    h = dense(tf.reshape(h, [-1, 7 * 7 * 64]), 1024, tf.nn.relu)
    loss = cross_entropy(dense(h, 10), y)
    feed = {x: data(64, 28, 28, 1), y: classes(64)}
    return loss, tf.train.AdamOptimizer(1e-4), feed


def norm(x):
    mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
    gain, bias = tf.Variable(tf.ones([256])), tf.Variable(tf.zeros([256]))
    return (x - mean) * tf.rsqrt(variance + 1e-5) * gain + bias


def linear(x, cin, cout):
    w = tf.Variable(tf.truncated_normal([cin, cout], stddev=0.02))
    b = tf.Variable(tf.zeros([cout]))
    return tf.matmul(x, w) + b


def transformer(batch=8, length=128, width=256, heads=4):
    ids = tf.placeholder(tf.int32, [batch, length])
    table = tf.Variable(tf.truncated_normal([1000, width], stddev=0.02))
    x = tf.reshape(tf.gather(table, ids), [batch * length, width])

    def split(t):
        t = tf.reshape(t, [batch, length, heads, width // heads])
        return tf.transpose(t, [0, 2, 1, 3])

    for _ in range(4):
        h = norm(x)
        q, k, v = (split(linear(h, width, width)) for _ in range(3))
        scores = tf.nn.softmax(
            tf.matmul(q, k, transpose_b=True) * (width // heads) ** -0.5
        )
        mixed = tf.transpose(tf.matmul(scores, v), [0, 2, 1, 3])
        x = x + linear(tf.reshape(mixed, [batch * length, width]), width, width)
        h = linear(norm(x), width, 4 * width)
        x = x + linear(h * tf.sigmoid(1.702 * h), 4 * width, width)
    logits = tf.matmul(norm(x), table, transpose_b=True)
    loss = cross_entropy(logits, tf.reshape(ids, [-1]))
    tokens = np.random.RandomState(2).randint(0, 1000, [batch, length]).astype(np.int32)
    return loss, tf.train.AdamOptimizer(1e-4), {ids: tokens}


def second_derivatives():
    x, t = (tf.placeholder(tf.float32, [5000, 1]) for _ in range(2))
    h = tf.concat([x, t], 1)
    for _ in range(8):
        h = dense(h, 20, tf.tanh)
    u = dense(h, 1)
    u_t, u_x = tf.gradients(u, t)[0], tf.gradients(u, x)[0]
    u_xx = tf.gradients(u_x, x)[0]
    loss = tf.reduce_mean(tf.square(u_t + u * u_x - 0.003 * u_xx))
    feed = {x: data(5000, 1), t: data(5000, 1)}
    return loss, tf.train.AdamOptimizer(1e-3), feed


WORK = dict(
    first_program=first_program,
    two_ops=two_ops,
    mlp=mlp,
    logistic=logistic,
    chain_1k=chain(1000),
    chain_5k=chain(5000),
    chain_20k=chain(20000),
    many_variables=many_variables,
    lenet=lenet,
    transformer=transformer,
    second_derivatives=second_derivatives,
)


def build(name):
    """What to run, and how long building it took."""
    started = clock()
    loss, optimizer, feed = WORK[name]()
    built = clock()
    if optimizer is None:
        fetch = loss
    elif name.startswith("chain"):
        fetch = [loss, tf.gradients(loss, optimizer)[0]]
    else:
        fetch = optimizer.minimize(loss)
    return fetch, feed, built - started, clock() - built


def main():
    global tf
    module, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    tf = load(module)
    fetch, feed, building, differentiating = build(name)
    config = tf.ConfigProto(
        intra_op_parallelism_threads=0, inter_op_parallelism_threads=0
    )
    with tf.Session(config=config) as session:
        session.run(tf.global_variables_initializer())
        started = clock()
        session.run(fetch, feed)
        first = clock() - started
        # time for a compile in the background to be done with
        end = clock() + (max(seconds, 12) if module == "retrograd" else seconds)
        while clock() < end:
            session.run(fetch, feed)
        # updates may be under way still when a run returns: wait for them
        session.run(tf.global_variables()[:1])
        times, cpu, start = [], time.process_time(), clock()
        while clock() < start + seconds or len(times) < 3:
            started = clock()
            session.run(fetch, feed)
            times.append(clock() - started)
        session.run(tf.global_variables()[:1])
        mean = (clock() - start) / len(times)
        cpu = (time.process_time() - cpu) / len(times)
    print(
        json.dumps(
            dict(
                build=building,
                gradients=differentiating,
                first=first,
                step=sorted(times)[len(times) // 2],
                mean=mean,
                cpu=cpu,
                runs=len(times),
                memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            )
        )
    )


if __name__ == "__main__":
    main()
