"""Programs with branches, loops and checks that both TensorFlows must agree on.

Each function takes the module `tf` and gives (fetches, list of feeds): results by name,
of which some may be None, and the feeds of the runs to make. Functions whose
names begin with `error_` raise when they are called; `run_error_` when they are run.
"""

import numpy as np

ROWS = np.sin(np.arange(6)).reshape(3, 2).astype(np.float32)


def _gradients(tf, result, **ys_xs):
    for name, (y, xs) in ys_xs.items():
        for i, g in enumerate(tf.gradients(y, xs)):
            if isinstance(g, tf.IndexedSlices):
                g = tf.convert_to_tensor(g)
            result[f"{name}{i}"] = g
    return result


def cond_of_two(tf):
    x = tf.placeholder(tf.float32, [])
    w = tf.constant(3.0)
    unused = tf.constant(1.0)
    r = tf.cond(tf.less(x, w), lambda: x * w * x, lambda: [x - 1.0 + 0.0 * unused])
    result = _gradients(tf, {"r": r}, g=(r, [x, w, unused, tf.constant(1.0)]))
    return result, [{x: 2.0}, {x: 5.0}]


def cond_second_order(tf):
    x = tf.placeholder(tf.float32, [2])
    p = tf.placeholder(tf.bool, [])
    y = tf.cond(p, lambda: tf.exp(x) * x, lambda: tf.sin(x))
    g = tf.gradients(y, x)[0]
    return _gradients(tf, {"g": g}), [{x: [0.5, 2.0], p: b} for b in (True, False)]


def nested_cond(tf):
    x = tf.placeholder(tf.float32, [])
    y = tf.constant(2.0)
    r = tf.cond(
        x > 0.0,
        lambda: tf.cond(x > 1.0, lambda: (x * x, y), lambda: (y, x)),
        lambda: (x * y, x + 1.0),
    )
    result = {"a": r[0], "b": r[1]}
    return _gradients(tf, result, g=(r[0], [x, y])), [{x: v} for v in (2.0, 0.5, -1.0)]


def cond_structures(tf):
    p = tf.placeholder(tf.bool, [])
    r = tf.cond(
        p,
        lambda: {"a": tf.constant(1), "b": (tf.constant(2.0), [tf.constant([3])])},
        lambda: {"a": tf.constant(4), "b": (tf.constant(5.0), [tf.constant([6])])},
    )
    return {"a": r["a"], "b": r["b"][0], "c": r["b"][1][0]}, [{p: True}, {p: False}]


def cond_shapes(tf):
    p = tf.placeholder(tf.bool, [])
    r = tf.cond(p, lambda: tf.zeros([2, 3]), lambda: tf.zeros([4, 3]))
    s = tf.cond(p, lambda: tf.zeros([2]), lambda: tf.zeros([2, 2]))
    shape = tf.constant([str(r.shape), str(s.shape)])
    return {"shape": shape, "r": r, "s": s}, [{p: True}, {p: False}]


def cond_assigns(tf):
    v = tf.Variable(1.0, use_resource=True)
    p = tf.placeholder(tf.bool, [])
    outside = tf.assign_add(v, 10.0)
    r = tf.cond(p, lambda: tf.assign_add(v, 1.0), lambda: tf.identity(v))
    with tf.control_dependencies([r]):
        after = tf.identity(v.read_value())
    del outside
    return {"r": r, "after": after}, [{p: True}, {p: True}, {p: False}]


def cond_of_operations(tf):
    v = tf.Variable(1.0, use_resource=True)
    p = tf.placeholder(tf.bool, [])
    r = tf.cond(p, lambda: tf.group(tf.assign_add(v, 1.0)), lambda: tf.no_op())
    with tf.control_dependencies([r]):
        after = v.read_value()
    return {"r": r, "after": after}, [{p: True}, {p: False}]


def cond_gather_gradient(tf):
    table = tf.Variable(ROWS, use_resource=True)
    p = tf.placeholder(tf.bool, [])
    r = tf.cond(
        p, lambda: tf.gather(table, [1, 1]), lambda: tf.gather(table, [0, 2]) * 2.0
    )
    return _gradients(tf, {"r": r}, g=(r, [table])), [{p: True}, {p: False}]


def case_of_three(tf):
    x = tf.placeholder(tf.float32, [])
    r = tf.case(
        [(x < 0.0, lambda: -x), (x < 1.0, lambda: x * x)],
        default=lambda: x * 3.0,
        exclusive=False,
    )
    return _gradients(tf, {"r": r}, g=(r, [x])), [{x: v} for v in (-2.0, 0.5, 4.0)]


def switch_of_three(tf):
    i = tf.placeholder(tf.int32, [])
    x = tf.constant(3.0)
    r = tf.switch_case(i, [lambda: x, lambda: x * x, lambda: x * x * x])
    return _gradients(tf, {"r": r}, g=(r, [x])), [{i: v} for v in (0, 1, 2, 7, -1)]


def loop_power(tf):
    n = tf.placeholder(tf.int32, [])
    x = tf.placeholder(tf.float32, [2])
    w = tf.constant(2.0)
    _, y = tf.while_loop(
        lambda i, a: i < n, lambda i, a: (i + 1, a * x * w), (0, tf.ones([2]))
    )
    result = _gradients(tf, {"y": y}, g=(y, [x, w]))
    return result, [{n: v, x: [0.5, 2.0]} for v in (0, 1, 4)]


def loop_captured_only(tf):
    n = tf.placeholder(tf.int32, [])
    w = tf.Variable(2.0, use_resource=True)
    u = tf.Variable(3.0)
    _, y = tf.while_loop(
        lambda i, a: i < n,
        lambda i, a: (i + 1, tf.sin(a * w) + u),
        (0, tf.constant(0.5)),
    )
    return _gradients(tf, {"y": y}, g=(y, [w, u])), [{n: v} for v in (0, 1, 3)]


def loop_several_variables(tf):
    n = tf.placeholder(tf.int32, [])
    x = tf.constant([1.0, 2.0])
    i, a, b = tf.while_loop(
        lambda i, a, b: tf.less(tf.reduce_sum(a), 100.0) & (i < n),
        lambda i, a, b: (i + 1, a * 1.5 + b, b + x),
        (0, x, tf.zeros([2])),
    )
    return _gradients(tf, {"i": i, "a": a, "b": b}, g=(a, [x])), [{n: 3}, {n: 90}]


def loop_nested(tf):
    n = tf.placeholder(tf.int32, [])
    x = tf.constant(1.1)

    def outer(i, s):
        _, t = tf.while_loop(
            lambda j, q: j < i, lambda j, q: (j + 1, q * x), (0, s + x)
        )
        return i + 1, t

    _, y = tf.while_loop(lambda i, s: i < n, outer, (0, x))
    return _gradients(tf, {"y": y}, g=(y, [x])), [{n: v} for v in (0, 1, 4)]


def loop_with_branch(tf):
    n = tf.placeholder(tf.int32, [])
    x = tf.constant(1.2)

    def body(i, s):
        even = tf.equal(i % 2, 0)
        return i + 1, tf.cond(even, lambda: s * x * s, lambda: s + tf.exp(s * x))

    _, y = tf.while_loop(lambda i, s: i < n, body, (0, tf.constant(0.3)))
    return _gradients(tf, {"y": y}, g=(y, [x])), [{n: v} for v in (1, 2, 3)]


def branch_with_loop(tf):
    p = tf.placeholder(tf.bool, [])
    x = tf.constant(1.2)

    def loop():
        return tf.while_loop(lambda a: a < 4.0, lambda a: a * x, [x])

    y = tf.cond(p, loop, lambda: x * 3.0)
    return _gradients(tf, {"y": y}, g=(y, [x])), [{p: True}, {p: False}]


def loop_maximum(tf):
    m = tf.placeholder(tf.int32, [])
    x = tf.constant(1.5)
    y = tf.while_loop(lambda a: a < 100.0, lambda a: a * x, [x], maximum_iterations=m)
    return _gradients(tf, {"y": y}, g=(y, [x])), [{m: v} for v in (0, 3, 1000)]


def loop_growing(tf):
    n = tf.placeholder(tf.int32, [])
    x = tf.constant([[1.0, 2.0]])
    _, y = tf.while_loop(
        lambda i, a: i < n,
        lambda i, a: (i + 1, tf.concat([a, x * tf.cast(i, tf.float32)], 0)),
        (0, x),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, 2])),
    )
    total = tf.reduce_sum(y * y)
    return _gradients(tf, {"y": y, "s": total}, g=(total, [x])), [{n: 0}, {n: 3}]


def loop_stops_gradients(tf):
    x = tf.constant(2.0)
    _, y = tf.while_loop(
        lambda i, a: i < 3,
        lambda i, a: (i + 1, a * tf.stop_gradient(a) + x),
        (0, x),
    )
    _, z = tf.while_loop(
        lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (0, x), back_prop=False
    )
    return _gradients(tf, {"y": y}, g=(y, [x]), h=(z, [x])), [{}]


def loop_of_integers(tf):
    x = tf.constant(2.0)
    i, k = tf.while_loop(lambda i, k: i < 5, lambda i, k: (i + 1, k * 2), (0, 1))
    y = x * tf.cast(k, tf.float32)
    return _gradients(tf, {"i": i, "k": k, "y": y}, g=(y, [x])), [{}]


def loop_gathers(tf):
    table = tf.Variable(ROWS, use_resource=True)
    dense = tf.constant(ROWS)
    n = tf.placeholder(tf.int32, [])

    def body(i, s):
        return i + 1, s * 0.5 + tf.gather(table, i % 3) + tf.gather(dense, [1])[0]

    _, y = tf.while_loop(lambda i, s: i < n, body, (0, tf.zeros([2])))
    return _gradients(tf, {"y": y}, g=(y, [table, dense])), [{n: 1}, {n: 5}]


def loop_assigns(tf):
    v = tf.Variable(1.0, use_resource=True)

    def body(i):
        with tf.control_dependencies([tf.assign(v, v.read_value() * 2.0)]):
            return i + 1

    i = tf.while_loop(lambda i: i < 3, body, [0])
    with tf.control_dependencies([i]):
        after = v.read_value()
    return {"i": i, "after": after}, [{}, {}]


def loop_of_slices(tf):
    values = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    start = tf.IndexedSlices(values, tf.constant([0, 2]), tf.constant([3, 2]))
    _, r = tf.while_loop(
        lambda i, s: i < 3,
        lambda i, s: (
            i + 1,
            tf.IndexedSlices(s.values * 2.0, s.indices, s.dense_shape),
        ),
        (0, start),
    )
    return {"values": r.values, "indices": r.indices, "shape": r.dense_shape}, [{}]


def rnn_by_hand(tf):
    xs = tf.placeholder(tf.float32, [None, 2])
    w = tf.Variable(ROWS[:2] * 0.5, use_resource=True)
    u = tf.Variable(ROWS[1:] * 0.7)
    steps = tf.shape(xs)[0]
    inputs = tf.TensorArray(tf.float32, steps).unstack(xs)
    outputs = tf.TensorArray(tf.float32, steps)

    def body(t, h, out):
        x = tf.reshape(inputs.read(t), [1, 2])
        h = tf.tanh(tf.matmul(x, w) + tf.matmul(h, u))
        return t + 1, h, out.write(t, h[0])

    _, last, out = tf.while_loop(
        lambda t, h, o: t < steps, body, (0, tf.zeros([1, 2]), outputs)
    )
    y = out.stack()
    loss = tf.reduce_sum(y * y) + tf.reduce_sum(last)
    result = _gradients(tf, {"y": y, "loss": loss}, g=(loss, [xs, w, u]))
    return result, [{xs: ROWS}, {xs: ROWS[:1]}]


def map_and_fold(tf):
    x = tf.placeholder(tf.float32, [None, 2])
    w = tf.Variable(1.5)
    m = tf.map_fn(lambda a: a * w, x)
    t = tf.map_fn(lambda p: (p[0] + p[1], p[0]), (x, x), dtype=(tf.float32, tf.float32))
    left = tf.foldl(lambda a, b: a * b * w, x)
    r = tf.foldr(lambda a, b: a - b, x)
    s = tf.scan(lambda a, b: a * b + w, x)
    q = tf.scan(lambda a, b: a * b + w, x, initializer=tf.ones([2]), reverse=True)
    result = {"m": m, "t0": t[0], "t1": t[1], "l": left, "r": r, "s": s, "q": q}
    _gradients(tf, result, gm=(m, [x, w]), gt=(t[0], [x]), gl=(left, [x, w]))
    return _gradients(tf, result, gr=(r, [x]), gs=(s, [x, w]), gq=(q, [x, w])), [
        {x: ROWS}
    ]


def tensor_array_parts(tf):
    ta = tf.TensorArray(tf.float32, 3, infer_shape=False, clear_after_read=False)
    ta = ta.split(tf.constant([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [2, 1, 3])
    whole = ta.concat()
    tb = tf.TensorArray(tf.float32, 4, clear_after_read=False)
    tb = tb.scatter([3, 0, 1, 2], tf.constant(np.eye(4, 2, dtype=np.float32)))
    return {
        "part": ta.read(2),
        "whole": whole,
        "size": ta.size(),
        "some": tb.gather([0, 3]),
        "all": tb.stack(),
        "one": tb.read(3),
    }, [{}]


def tensor_array_grows(tf):
    x = tf.constant([1.0, 2.0])
    ta = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    _, ta = tf.while_loop(
        lambda i, t: i < 4,
        lambda i, t: (i + 1, t.write(i, x * tf.cast(i, tf.float32))),
        (0, ta),
    )
    y = ta.stack()
    return _gradients(tf, {"y": y, "n": ta.size()}, g=(y, [x])), [{}]


def custom_gradients(tf):
    x = tf.constant([1.0, 2.0])

    @tf.custom_gradient
    def clipped(a):
        def grad(dy):
            return tf.clip_by_value(dy, -0.5, 0.5)

        return tf.identity(a), grad

    @tf.custom_gradient
    def two(a, b):
        def grad(da, db):
            return da * 2.0, db * 3.0

        return (a * b, a + b), grad

    y = clipped(x) * x
    p, q = two(x, x * 2.0)
    z = tf.while_loop(lambda a: tf.reduce_sum(a) < 9.0, lambda a: clipped(a * 1.5), [x])
    result = {"y": y, "p": p, "q": q, "z": z}
    return _gradients(tf, result, g=(y, [x]), h=(p + q, [x]), k=(z, [x])), [{}]


def seeds_after_control_flow(tf):
    tf.set_random_seed(7)
    p = tf.placeholder(tf.bool, [])
    x = tf.constant(1.0)
    inside = tf.cond(p, lambda: tf.random_uniform([2]) + x, lambda: tf.zeros([2]))
    after = tf.random_uniform([2])
    _, looped = tf.while_loop(
        lambda i, a: i < 2,
        lambda i, a: (i + 1, a + tf.random_uniform([2])),
        (0, tf.zeros([2])),
    )
    last = tf.random_normal([2])
    limited = tf.while_loop(
        lambda a: a < 9.0, lambda a: a + 1.0, [x], maximum_iterations=3
    )
    end = tf.random_uniform([2])
    result = {"inside": inside, "after": after, "looped": looped, "last": last}
    return dict(result, limited=limited, end=end), [{p: True}, {p: False}]


def python_functions(tf):
    x = tf.constant([1.0, 2.0])
    y = tf.py_func(lambda a: a * 2, [x], tf.float32)
    s, n = tf.py_func(
        lambda a, b: (b + b"!", np.int64(a.size)), [x, "text"], [tf.string, tf.int64]
    )
    z = tf.py_function(lambda a: a * a, [x], tf.float32)
    z.set_shape([2])
    return _gradients(tf, {"y": y, "s": s, "n": n, "z": z}, g=(z, [x])), [{}]


def gates(tf):
    a, b = tf.tuple([tf.constant(1.0), tf.constant(2.0)])
    v = tf.Variable(0.0, use_resource=True)
    step = tf.group(tf.assign_add(v, 1.0), a)
    with tf.control_dependencies([step]):
        r = v.read_value()
    return {"a": a, "b": b, "r": r}, [{}, {}]


def dead_branches(tf):
    from tensorflow.python.ops import control_flow_ops

    p = tf.placeholder(tf.bool, [])
    x = tf.constant([1.0, 2.0])
    no, yes = control_flow_ops.switch(x, p)
    merged, index = control_flow_ops.merge([no * 10.0, yes + 1.0])
    return {"merged": merged, "index": index}, [{p: True}, {p: False}]


def checks_that_hold(tf):
    x = tf.placeholder(tf.float32, [None])
    made = [
        tf.assert_positive(x),
        tf.assert_less(x, 10.0),
        tf.assert_rank(x, 1),
        tf.assert_equal(x, x + 0.0),
        tf.assert_near(x, x),
        tf.assert_non_negative(x),
        tf.Assert(tf.reduce_all(x > 0.0), [x]),
    ]
    with tf.control_dependencies(made):
        y = tf.identity(x)
    rising = tf.is_strictly_increasing(x)
    return {"y": y, "rising": rising}, [{x: [1.0, 2.0]}, {x: [2.0, 1.0]}]


def formats(tf):
    values = [
        np.float32([0.1, 1e10, 1e-7, np.nan, 123456.789]),
        np.eye(3, 4),
        np.arange(9),
    ]
    result = {
        f"f{i}": tf.strings.format("<{}>", tf.constant(v), summarize=2)
        for i, v in enumerate(values)
    }
    return result, [{}]


# ---------------------------------------------------------------------- errors


def error_cond_bool(tf):
    tf.cond(True, lambda: 1, lambda: 2)


def error_cond_not_callable(tf):
    tf.cond(tf.constant(True), 1, lambda: 2)


def error_cond_missing(tf):
    tf.cond(tf.constant(True), lambda: 1)


def error_cond_nothing(tf):
    tf.cond(tf.constant(True), lambda: None, lambda: 2)


def error_cond_types(tf):
    tf.cond(tf.constant(True), lambda: tf.constant(1), lambda: tf.constant(2.0))


def error_cond_structures(tf):
    tf.cond(
        tf.constant(True),
        lambda: (tf.constant(1), tf.constant(1)),
        lambda: tf.constant(2),
    )


def error_loop_not_callable(tf):
    tf.while_loop(1, lambda i: i, [0])


def error_loop_nothing(tf):
    tf.while_loop(lambda: True, lambda: None, [])


def error_loop_shape(tf):
    tf.while_loop(
        lambda i, a: i < 2,
        lambda i, a: (i + 1, tf.concat([a, a], 0)),
        (0, tf.ones([2])),
    )


def error_loop_structure(tf):
    tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1,), (0, 1))


def error_loop_parallel(tf):
    tf.while_loop(lambda i: i < 2, lambda i: i + 1, [0], parallel_iterations=0)


def error_case_pairs(tf):
    tf.case([(tf.constant(True), 1)])


def error_switch_keys(tf):
    tf.switch_case(tf.constant(0), {0: lambda: 1, 2: lambda: 2})


def error_map_scalar(tf):
    tf.map_fn(lambda a: a, tf.constant(1.0))


def error_map_not_callable(tf):
    tf.map_fn(1, tf.constant([1.0]))


def error_group(tf):
    tf.group(1)


def error_tuple(tf):
    tf.tuple([])


def error_py_func(tf):
    tf.py_func(1, [1.0], tf.float32)


def error_tensor_array(tf):
    tf.TensorArray(tf.float32)


def error_rank(tf):
    tf.assert_rank(tf.ones([2]), 2, message="m")


def error_equal(tf):
    tf.assert_equal([1, 2], [1, 3], message="m")


def error_integer(tf):
    tf.assert_integer(tf.constant(1.0, name="c"))


def error_scalar(tf):
    tf.assert_scalar(tf.constant([1.0], name="c"))


def error_shapes(tf):
    tf.debugging.assert_shapes(
        [(tf.ones([2, 3], name="a"), ("N", "M")), (tf.ones([3], name="b"), ("N",))]
    )


def run_error_assert(tf):
    x = tf.placeholder(tf.float32, [None], name="x")
    return tf.Assert(tf.reduce_all(x > 0.0), ["x is", x]), {x: [1.0, -2.0, 3.0, 4.0]}


def run_error_positive(tf):
    x = tf.placeholder(tf.float32, [None], name="x")
    return tf.assert_positive(x, message="m"), {x: [1.0, -2.0]}


def run_error_py_func(tf):
    def fail(a):
        raise ValueError("no good")

    return tf.py_func(fail, [1.0], tf.float32), {}


def run_error_py_func_type(tf):
    return tf.py_func(lambda a: np.float64(1.0), [1.0], tf.float32, name="f"), {}


def run_error_in_loop(tf):
    x = tf.placeholder(tf.float32, [None])
    y = tf.while_loop(
        lambda a: a < 3.0, lambda a: a + tf.reduce_sum(tf.reshape(x, [2])), [0.0]
    )
    return y, {x: [1.0]}
