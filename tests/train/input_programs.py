"""Programs with queues that fill themselves, run under TensorFlow 1.15 and here.

Written for both Pythons; `tf` is either module. Each gives what JSON can hold.
"""

import re

import numpy as np


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if value is None:
        return None
    if type(value).__name__ == "SparseTensorValue":
        return ["sparse", *map(plain, value)]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    value = np.asarray(value)
    if value.dtype.kind in "OS":
        return [v.decode() for v in value.reshape(-1).tolist()]
    return value.tolist()


def failure(run, *arguments):
    """What a call gives, or the class of its error and the first line."""
    try:
        return ["passed", plain(run(*arguments))]
    except Exception as error:  # the class is part of the result
        text = str(getattr(error, "message", error)).split("\n")[0]
        text = re.sub(r"0x[0-9a-f]+", "0x", text)
        text = re.sub(r"'_\d+_", "'_N_", text)
        # which of these comes depends on when the queue is closed
        text = re.sub(r"requested \d+, current size \d+", "requested N", text)
        return [type(error).__name__, text]


def built(graph):
    """All operations, and the collections."""
    nodes = [
        [o.name, o.type, [t.name for t in o.inputs], [c.name for c in o.control_inputs]]
        for o in graph.get_operations()
    ]
    kept = {}
    for key in graph.get_all_collection_keys():
        items = graph.get_collection(key)
        kept[key] = [getattr(item, "name", type(item).__name__) for item in items]
    return [nodes, kept]


def drained(tf, session, tensors, limit=9):
    """What tensors give while queue runners run, up to the end."""
    session.run([tf.local_variables_initializer(), tf.global_variables_initializer()])
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord)
    found = []
    for _ in range(limit):
        found.append(failure(session.run, tensors))
        if found[-1][0] != "passed":
            break
    coord.request_stop()
    session.run([r.cancel_op for r in tf.get_collection("queue_runners")])
    try:
        coord.join(threads, stop_grace_period_secs=5)
    except Exception as error:
        found.append(type(error).__name__)
    return found


def producers(tf):
    train = tf.train
    words = ["a", "b", "c"]
    pairs = [np.arange(4), ["p", "q", "r", "s"]]
    cases = {
        "strings": lambda: train.string_input_producer(
            words, num_epochs=2, shuffle=False
        ).dequeue(),
        "shuffled": lambda: train.string_input_producer(
            words, num_epochs=2, seed=7, name="s"
        ).dequeue(),
        "range": lambda: train.range_input_producer(
            3, num_epochs=1, shuffle=False, capacity=7
        ).dequeue(),
        "input": lambda: train.input_producer(
            tf.constant([[1.0, 2.0], [3.0, 4.0]]), num_epochs=1, shuffle=False
        ).dequeue(),
        "slices": lambda: train.slice_input_producer(
            pairs, num_epochs=1, shuffle=False
        ),
        "for ever": lambda: train.string_input_producer(words, shuffle=False).dequeue(),
        "limited": lambda: train.limit_epochs(tf.constant(5), num_epochs=2),
        "summary": lambda: train.input_producer(
            [1, 2],
            num_epochs=1,
            shuffle=False,
            summary_name="full",
            cancel_op=tf.no_op(),
        ).dequeue(),
    }
    found = {}
    for name, make in cases.items():
        with tf.Graph().as_default() as graph, tf.Session() as session:
            tf.set_random_seed(3)
            made = make()
            found[name] = built(graph)
            shapes = made if isinstance(made, list) else [made]
            found[name].append([str(t.shape) for t in shapes])
            if name != "shuffled":
                found[name].append(drained(tf, session, made))
            else:
                values = drained(tf, session, made)
                epochs = [sorted(v[1] for v in values[i : i + 3]) for i in (0, 3)]
                found[name].append([epochs, values[6:]])
    return found


def batches(tf):
    train = tf.train

    def counted(limit=5):
        step = train.range_input_producer(limit, num_epochs=1, shuffle=False).dequeue()
        return step

    def rows():
        return tf.stack([counted()] * 3)

    def ragged():
        step = counted(4)
        return {"n": step, "row": tf.fill([step], step)}

    def sparse():
        step = tf.cast(counted(4), tf.int64)
        return tf.SparseTensor(tf.stack([[step % 2]]), tf.stack([step]), [3])

    cases = {
        "batch": lambda: train.batch([counted(), rows()], 2, name="b"),
        "rest": lambda: train.batch([counted()], 2, allow_smaller_final_batch=True),
        "single": lambda: train.batch([counted()], 2, num_threads=1),
        "dictionary": lambda: train.batch({"x": counted(), "y": rows()}, 2),
        "many": lambda: train.batch([rows()], 2, enqueue_many=True),
        "padded": lambda: train.batch(ragged(), 2, dynamic_pad=True),
        "join": lambda: train.batch_join([[counted(2)], [counted(2)]], 4),
        "shuffle": lambda: train.shuffle_batch(
            [counted()], 5, capacity=9, min_after_dequeue=4, seed=3
        ),
        "shuffle join": lambda: train.shuffle_batch_join(
            [[counted(2)], [counted(2)]], 4, capacity=9, min_after_dequeue=2, seed=3
        ),
    }
    cases["maybe"] = lambda: _maybe(tf, train.maybe_batch, counted(6), 2)
    cases["maybe shuffle"] = lambda: _maybe(
        tf, train.maybe_shuffle_batch, counted(6), 3, capacity=9, min_after_dequeue=1
    )
    cases["sparse"] = lambda: train.batch([sparse(), counted(4)], 2)
    found = {}
    for name, make in cases.items():
        with tf.Graph().as_default() as graph, tf.Session() as session:
            made = make()
            parts = list(made.values()) if isinstance(made, dict) else made
            parts = parts if isinstance(parts, list) else [parts]
            # what a conditional consists of is not compared
            found[name] = [] if "maybe" in name else built(graph)
            found[name].append([str(t.shape) for t in parts])
            values = drained(tf, session, made)
            if "shuffle" in name or "join" in name:
                kept = [v if v[0] != "passed" else str(v[1]) for v in values]
                values = [
                    sorted(c for c in v if c.isdigit()) if isinstance(v, str) else v
                    for v in kept
                ]
            found[name].append(values)
    return found


def _maybe(tf, batch, step, size, **options):
    keep = tf.equal(step % 2, 0)
    return batch([step], keep_input=keep, batch_size=size, **options)


def wrong(tf):
    train = tf.train
    x = [1]
    calls = [
        lambda: train.string_input_producer([]),
        lambda: train.string_input_producer("a"),
        lambda: train.input_producer(tf.placeholder(tf.int32)),
        lambda: train.input_producer(3),
        lambda: train.slice_input_producer([]),
        lambda: train.limit_epochs(3, num_epochs=0),
        lambda: train.limit_epochs(3, num_epochs=-1),
        lambda: train.batch(tf.constant(3), 2),
        lambda: train.batch([], 2),
        lambda: train.batch([tf.placeholder(tf.int32)], 2),
        lambda: train.batch([tf.placeholder(tf.int32, [None])], 2),
        lambda: train.batch([tf.constant(1)], 2, enqueue_many=True),
        lambda: train.batch([tf.constant(x)], 2, shapes=[[2]]),
        lambda: train.batch([tf.constant(x), tf.constant(x)], 2, shapes=[[1]]),
        lambda: train.batch_join([], 2),
        lambda: train.batch_join([[x], [x, x]], 2),
        lambda: train.batch_join([[x], [[1.0]]], 2),
        lambda: train.batch_join([{"a": x}, {"b": x}], 2),
        lambda: train.shuffle_batch([x], 2, 3, 5),
        lambda: train.shuffle_batch([x], 2, 5, -1),
        lambda: train.maybe_batch([x], [True, False], 2),
        lambda: train.maybe_batch([x], tf.constant(1), 2),
        lambda: train.maybe_batch([x], [True], 2, enqueue_many=True),
        lambda: train.batch(3, 2),
        lambda: train.batch([x], 2, num_threads=0),
    ]
    found = []
    for call in calls:
        with tf.Graph().as_default():
            found.append(failure(lambda made: str(made())[:0], call))
    with tf.Graph().as_default(), tf.Session() as session:
        nothing = tf.placeholder_with_default(tf.constant([], tf.string), [None])
        empty = train.string_input_producer(nothing)
        found.append(drained(tf, session, empty.dequeue()))
    return found


PROGRAMS = {"batches": batches, "producers": producers, "wrong": wrong}
