"""Programs with queues and generators, run under TensorFlow 1.15 and here.

Written for both Pythons; `tf` is either module. Each gives what JSON can hold.
"""

import re

import numpy as np


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    value = np.asarray(value)
    if value.dtype.kind in "OS":
        return [v.decode() for v in value.reshape(-1).tolist()]
    return value.tolist()


def failure(run, *arguments):
    """The class of the error that a call raises, and its first line."""
    try:
        return ["passed", plain(run(*arguments))]
    except Exception as error:  # the class is part of the result
        text = str(getattr(error, "message", error)).split("\n")[0]
        return [type(error).__name__, re.sub(r"'_\d+_", "'_N_", text)]


def shuffled(tf):
    found = {}
    for graph_seed, seed in [(1, 2), (87654321, 5), (0, 7)]:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(graph_seed)
            q = tf.RandomShuffleQueue(700, 2, [tf.int32], [()], seed=seed)
            put = q.enqueue_many([np.arange(600, dtype=np.int32)])
            one, many, rest = q.dequeue(), q.dequeue_many(500), q.dequeue_up_to(90)
            close, left = q.close(), q.dequeue_up_to(10)
            session.run(put)
            got = [session.run(one) for _ in range(9)]
            got += [session.run(many), session.run(close)]
            got += [session.run(rest), session.run(left), failure(left.eval)]
            found[str((graph_seed, seed))] = plain([g for g in got if g is not None])
    return found


def priorities(tf):
    with tf.Graph().as_default(), tf.Session() as session:
        q = tf.PriorityQueue(100, [tf.int32], [()])
        first = np.array([3, 1, 2, 1, 3, 2, 1, 1, 2, 3, 0, 1, 2, 0], np.int64)
        session.run(q.enqueue_many([first, np.arange(14, dtype=np.int32)]))
        return plain(session.run(q.dequeue_many(14)))


def padded(tf):
    with tf.Graph().as_default(), tf.Session() as session:
        types = [tf.float32, tf.string]
        q = tf.PaddingFIFOQueue(9, types, [[None, 2], [None]])
        for n in (1, 3, 0):
            put = q.enqueue([np.full((n, 2), n, np.float32), ["s"] * n])
            session.run(put)
        return plain([session.run(q.dequeue_many(n)) for n in (3, 0)])


def errors(tf):
    """What fails, in building and in running."""
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        q = tf.FIFOQueue(3, [tf.float32, tf.int32], [[2], []])
        any_float = tf.placeholder(tf.float32)
        put = q.enqueue([any_float, 1])
        many = q.enqueue_many([any_float, [1, 2]])
        for shape in ([2], [3], [2, 2], [3, 2]):
            feed = {any_float: np.zeros(shape, np.float32)}
            found[str(shape)] = failure(session.run, put, feed)
            if len(shape) == 2:
                found[str((shape,))] = failure(session.run, many, feed)
        negative = tf.placeholder(tf.int32, [])
        found["negative"] = failure(
            lambda: session.run(q.dequeue_many(negative), {negative: -1})
        )
        session.run(q.close())
        found["is closed"] = plain(session.run([q.is_closed(), q.size()]))
        found["too many"] = failure(lambda: session.run(q.dequeue_many(5)))
        found["up to"] = plain(session.run(q.dequeue_up_to(5)))
        found["empty"] = failure(lambda: session.run(q.dequeue()))
        found["put"] = failure(lambda: session.run(q.enqueue([[1.0, 2.0], 1])))
        found["again"] = failure(lambda: session.run(q.close()))
        found["cancel"] = failure(
            lambda: session.run(q.close(cancel_pending_enqueues=True))
        )
        found["keys"] = failure(lambda: q.enqueue({"a": 1}))
        named = tf.FIFOQueue(3, [tf.float32], names=["a"])
        found["no names"] = failure(lambda: named.enqueue(1.0))
        found["names"] = failure(lambda: named.enqueue({"b": 1.0}))
        found["open"] = failure(lambda: session.run(named.dequeue_many(1)["a"]))
        found["shapes"] = failure(lambda: tf.FIFOQueue(3, [tf.float32], [[None]]))
        found["count"] = failure(lambda: tf.FIFOQueue(3, [tf.float32] * 2, [[1]]))
        found["partial"] = failure(lambda: tf.PaddingFIFOQueue(3, [tf.float32], None))
        wrong = tf.QueueBase([tf.int32], None, None, named.queue_ref)
        found["type"] = failure(lambda: session.run(wrong.dequeue()))
        found["type in"] = failure(lambda: session.run(wrong.enqueue(1)))
        least = tf.RandomShuffleQueue(2, 2, [tf.int32])
        found["least"] = failure(lambda: session.run(least.size()))
    return found


def shared(tf):
    """Queues of one shared name that differ."""
    shuffle = tf.RandomShuffleQueue
    pairs = {
        "capacity": lambda i: tf.FIFOQueue(5 + i, tf.int32, shared_name="q"),
        "types": lambda i: tf.FIFOQueue(
            5, [tf.int32, tf.float32][: i + 1], shared_name="q"
        ),
        "shapes": lambda i: tf.FIFOQueue(5, tf.int32, [[i, 2]], shared_name="q"),
        "kind": lambda i: [tf.FIFOQueue, tf.PriorityQueue][i](
            5, tf.int32, [[]], shared_name="q"
        ),
        "least": lambda i: shuffle(5, i, tf.int32, seed=3, shared_name="q"),
        "seeds": lambda i: shuffle(5, 1, tf.int32, seed=i + 1, shared_name="q"),
        "same": lambda i: tf.FIFOQueue(5, tf.int32, shared_name="q"),
    }
    found = {}
    for name in sorted(pairs):
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(pairs[name](0).size())
            found[name] = failure(session.run, pairs[name](1).size())
    return found


def listing(tf):
    """Names, types and shapes of the operations that the methods make."""
    with tf.Graph().as_default() as graph:
        q = tf.FIFOQueue(3, [tf.float32, tf.int32], [[2], []], name="Q")
        q.enqueue([[1.0, 2.0], 3])
        q.enqueue_many([[[1.0, 2.0]], [3]], name="put")
        q.dequeue()
        q.dequeue_many(4)
        q.dequeue_up_to(4, name="take")
        q.close()
        q.size()
        q.is_closed()
        other = tf.RandomShuffleQueue(3, 1, [tf.float32, tf.int32], [[3], []])
        tf.QueueBase.from_list(1, [q, other]).dequeue()
        tf.PriorityQueue(3, [tf.string], [[]]).enqueue([2, "a"])
        tf.PaddingFIFOQueue(3, [tf.string], [[None]]).dequeue_many(2)
        tf.train.QueueRunner(q, [q.enqueue([[1.0, 2.0], 3])])
        return [
            [op.name, op.type, [str(t.shape) for t in op.outputs]]
            for op in graph.get_operations()
        ]


def accumulators(tf):
    """Means and sums of gradients, dense and sparse, and what fails."""
    found = {}
    for mean in ("MEAN", "SUM"):
        for dtype in (tf.float32, tf.float64, tf.float16):
            with tf.Graph().as_default(), tf.Session() as session:
                a = tf.ConditionalAccumulator(dtype, [2], reduction_type=mean)
                for i, step in enumerate((0, 1, 0)):
                    session.run(a.apply_grad([i + 1, -7], step))
                taken = session.run(a.take_grad(3))
                session.run(a.apply_grad([5, 6], 0))  # of a step that is over
                session.run(a.apply_grad([5, 6], 1))
                left = [session.run(a.num_accumulated()), session.run(a.take_grad(1))]
                found[mean + " " + dtype.name] = plain([taken, *left])
        with tf.Graph().as_default(), tf.Session() as session:
            a = tf.SparseConditionalAccumulator(
                tf.float32, [None, 2], reduction_type=mean
            )
            for i in ([0, 2], [1, 2], [2, 5]):
                session.run(a.apply_grad(i, np.full((2, 2), i[1], np.float32)))
            found[mean + " sparse"] = plain(session.run(list(a.take_grad(2))))
            wrong = [([0], [[1.0]]), ([[0]], [[1.0, 2.0]]), ([0, 1], [[1.0, 2.0]])]
            for i, (indices, values) in enumerate(wrong):
                added = a.apply_grad(indices, np.array(values, np.float32))
                found["wrong " + str(i)] = failure(session.run, added)
            added = a.apply_grad([0], np.ones((1, 2), np.float32), [1, 3])
            found["wrong shape"] = failure(session.run, added)
            found["none"] = failure(session.run, a.take_grad(0)[0])
            session.run(a.set_global_step(9))
            session.run(a.apply_grad([0], np.ones((1, 2), np.float32), None, 8))
            found["early"] = plain(session.run(a.num_accumulated()))
    return found


def generator(tf):
    """What a generator draws, and its state afterwards."""
    found = {}
    with tf.Graph().as_default(), tf.Session() as session:
        g = tf.random.experimental.Generator.from_seed(1234)
        fetches = [
            ("normal", g.normal([5])),
            ("normal of float64", g.normal([3], dtype=tf.float64)),
            ("normal of float16", g.normal([3], 1.0, 2.0, dtype=tf.float16)),
            ("truncated normal", g.truncated_normal([6])),
            ("uniform", g.uniform([5])),
            ("uniform of float64", g.uniform([3], -1, 2, dtype=tf.float64)),
            ("uniform of int32", g.uniform([6], 3, 1000, dtype=tf.int32)),
            ("uniform of int64", g.uniform([3], -5, 10**12, dtype=tf.int64)),
            ("full", g.uniform_full_int([3])),
            ("full of int32", g.uniform_full_int([5], dtype=tf.int32)),
            ("binomial", g.binomial([6], 10.0, 0.3)),
            ("binomial of many", g.binomial([6], 1000.0, 0.7)),
            ("rows", g.binomial([3, 4], [5.0, 100.0, 9.0], [0.9, 0.2, 0.5])),
            ("seeds", g.make_seeds(2)),
        ]
        session.run(g.state.initializer)
        read = g.state.read_value()
        for name, tensor in fetches:
            found[name] = [plain(session.run(tensor)), plain(session.run(read))]
        g.skip(7)
        session.run(tf.get_default_graph().get_operations()[-1])
        found["skip"] = plain(session.run(read))
        found["operations"] = [
            [op.name, op.type]
            for op in tf.get_default_graph().get_operations()
            if "Stateful" in op.type or op.type in ("Add", "RngSkip")
        ]
    return found


PROGRAMS = {
    p.__name__: p
    for p in (
        shuffled,
        priorities,
        padded,
        errors,
        shared,
        listing,
        accumulators,
        generator,
    )
}
