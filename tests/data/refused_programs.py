"""Small programs, most of which are refused, that both TensorFlows must agree on.

Each function takes the module `tf` and gives a fetch and a feed; those whose names
begin with `eager_` run at once and give a value.
"""


def _array(tf, size=2, **options):
    return tf.TensorArray(tf.float32, size, **options)


def _two(tf, **options):
    return _array(tf, **options).write(0, 1.0).write(1, 2.0)


def array_written_twice(tf):
    return _array(tf).write(0, 1.0).write(0, 2.0).stack(), {}


def array_written_twice_in_a_loop(tf):
    def body(i, t):
        return i + 1, t.write(0, tf.cast(i, tf.float32))

    return tf.while_loop(lambda i, t: i < 3, body, [0, _array(tf)])[1].stack(), {}


def array_written_before_a_loop(tf):
    def body(i, t):
        return i + 1, t.write(i, tf.cast(i, tf.float32))

    start = _array(tf, 4).write(2, 5.0)
    return tf.while_loop(lambda i, t: i < 4, body, [0, start])[1].stack(), {}


def array_written_after_a_loop(tf):
    def body(i, t):
        return i + 1, t.write(i, tf.cast(i, tf.float32))

    made = tf.while_loop(lambda i, t: i < 3, body, [0, _array(tf, 4)])[1]
    return made.write(3, 7.0).stack(), {}


def array_read_twice(tf):
    t = _two(tf)
    a = t.read(0)
    with tf.control_dependencies([a]):
        return a + t.read(0), {}


def array_kept_is_read_twice(tf):
    t = _two(tf, clear_after_read=False)
    return t.read(0) + t.read(0) + tf.reduce_sum(t.stack()), {}


def array_read_in_a_loop_again(tf):
    t = _array(tf, 3).unstack([1.0, 2.0, 3.0])

    def body(i, a):
        return i + 1, a + t.read(i % 2)

    return tf.while_loop(lambda i, a: i < 3, body, [0, 0.0])[1], {}


def array_read_in_two_loops(tf):
    t = _array(tf, 1).unstack([1.0])

    def total(start):
        def body(i, a):
            return i + 1, a + t.read(i)

        return tf.while_loop(lambda i, a: i < 1, body, [0, start])[1]

    return total(total(0.0)), {}


def array_read_in_a_branch_again(tf):
    t = _two(tf)
    p = tf.placeholder(tf.bool, [])
    a = tf.cond(p, lambda: t.read(0), lambda: 1.0)
    with tf.control_dependencies([a]):
        return a + t.read(0), {p: True}


def array_read_in_the_other_branch(tf):
    t = _two(tf)
    p = tf.placeholder(tf.bool, [])
    a = tf.cond(p, lambda: t.read(0), lambda: 1.0)
    with tf.control_dependencies([a]):
        return a + t.read(0), {p: False}


def array_written_after_it_was_read(tf):
    t = _array(tf, clear_after_read=False).write(0, 1.0)
    with tf.control_dependencies([t.read(0)]):
        t = t.identity()
    return t.write(0, 5.0).stack(), {}


def array_stacked_after_a_read(tf):
    t = _two(tf)
    with tf.control_dependencies([t.read(0)]):
        return t.stack(), {}


def array_unstacked_too_many(tf):
    return _array(tf).unstack([1.0, 2.0, 3.0]).stack(), {}


def array_unstacked_too_many_at_run_time(tf):
    x = tf.placeholder(tf.float32, [None])
    return _array(tf).unstack(x).stack(), {x: [1.0, 2.0, 3.0]}


def array_unstacked_few(tf):
    return _array(tf).unstack([1.0]).stack(), {}


def array_unstacked_longer(tf):
    return _array(tf, dynamic_size=True).unstack([1.0, 2.0, 3.0]).stack(), {}


def array_unstacked_twice(tf):
    return _array(tf).unstack([1.0, 2.0]).unstack([3.0, 4.0]).stack(), {}


def array_scattered_beyond(tf):
    return _array(tf).scatter([0, 2], [3.0, 4.0]).stack(), {}


def array_scattered_below(tf):
    return _array(tf).scatter([0, -1], [3.0, 4.0]).stack(), {}


def array_scattered_twice(tf):
    return _array(tf).scatter([0, 0], [3.0, 4.0]).stack(), {}


def array_scattered_rows(tf):
    return _array(tf).scatter([0, 1], [3.0, 4.0, 5.0]).stack(), {}


def array_scattered_rows_at_run_time(tf):
    x = tf.placeholder(tf.float32, [None])
    return _array(tf).scatter([0, 1], x).stack(), {x: [3.0, 4.0, 5.0]}


def array_written_beyond(tf):
    return _array(tf).write(2, 3.0).stack(), {}


def array_written_below(tf):
    return _array(tf, dynamic_size=True).write(-1, 3.0).stack(), {}


def array_read_beyond(tf):
    return _array(tf).unstack([1.0, 2.0]).read(2), {}


def array_gathered_twice(tf):
    return _array(tf).unstack([1.0, 2.0]).gather([0, 0]), {}


def array_split_in_too_many(tf):
    return _array(tf).split([1.0, 2.0, 3.0], [1, 1, 1]).concat(), {}


def array_split_in_part(tf):
    return _array(tf).split([1.0, 2.0, 3.0], [1, 1]).concat(), {}


def array_split_twice(tf):
    return _array(tf).split([1.0, 2.0], [1, 1]).split([1.0, 2.0], [1, 1]).concat(), {}


def array_of_negative_size(tf):
    return _array(tf, -1).size(), {}


def array_of_several_sizes(tf):
    n = tf.placeholder(tf.int32)
    return _array(tf, n).size(), {n: [1, 2]}


def array_of_unlike_elements(tf):
    t = _array(tf, infer_shape=False).write(0, [1.0, 2.0]).write(1, [1.0])
    return t.stack(), {}


def array_of_unlike_elements_at_run_time(tf):
    x = tf.placeholder(tf.float32)
    return _array(tf).write(0, [1.0, 2.0]).write(1, x).stack(), {x: [1.0]}


def array_of_nothing_is_stacked(tf):
    return _array(tf, 0).stack(), {}


def array_of_nothing_is_joined(tf):
    return _array(tf, 0).concat(), {}


def array_of_scalars_is_joined(tf):
    return _two(tf).concat(), {}


def array_never_written(tf):
    return _array(tf).read(0), {}


def array_partly_written(tf):
    return _array(tf, 3).write(1, 2.0).stack(), {}


def array_index_of_rank_one(tf):
    return _array(tf).write([0, 1], 1.0).flow, {}


def array_index_of_rank_one_at_run_time(tf):
    i = tf.placeholder(tf.int32)
    return _two(tf).read(i), {i: [0, 1]}


def array_of_another_shape(tf):
    return _array(tf, element_shape=[2]).write(0, [1.0]).stack(), {}


def array_of_a_name(tf):
    t = _array(tf, name="q", tensor_array_name="abc")
    return t.write(0, 1.0).write(0, 1.0).stack(), {}


def eager_array_changes_in_place(tf):
    t = _array(tf)
    t.write(0, 1.0)
    t.write(1, 5.0)
    return t.stack()


def eager_array_read_twice(tf):
    t = _two(tf)
    t.read(0)
    return t.read(0)


def eager_array_read_and_stacked(tf):
    t = _two(tf)
    t.read(0)
    return t.stack()


def eager_array_read_beyond(tf):
    return _two(tf).read(2)


def eager_array_read_below(tf):
    return _two(tf).read(-1)


def eager_array_written_beyond(tf):
    return _two(tf).write(2, 1.0)


def eager_array_written_below(tf):
    return _two(tf).write(-1, 1.0)


def eager_array_unstacked_too_many(tf):
    return _array(tf).unstack([1.0, 2.0, 3.0])


def eager_array_unstacked_few(tf):
    return _array(tf).unstack([1.0]).size()


def eager_array_scattered_beyond(tf):
    return _array(tf).scatter([0, 2], [3.0, 4.0])


def eager_array_split_in_too_many(tf):
    return _array(tf).split([1.0, 2.0, 3.0], [1, 1, 1])


def eager_array_of_another_dtype(tf):
    return _array(tf).write(0, tf.constant(1))


def eager_array_of_another_shape(tf):
    return _array(tf).write(0, [1.0, 2.0]).write(1, [1.0])


def eager_array_of_unlike_elements(tf):
    return _array(tf, infer_shape=False).write(0, [1.0, 2.0]).write(1, [1.0]).stack()


def eager_array_of_nothing(tf):
    return _array(tf, 0).stack()


def eager_array_with_a_tape(tf):
    with tf.GradientTape() as tape:
        v = tf.constant([1.0, 2.0])
        tape.watch(v)
        t = _array(tf, clear_after_read=False).unstack(v)
        y = t.read(0) * t.read(1) + tf.reduce_sum(t.stack())
    return tape.gradient(y, v)


def _chosen(tf, value, shape=None):
    p = tf.placeholder(tf.bool, shape)
    return tf.cond(p, lambda: tf.constant(1.0), lambda: tf.constant(2.0)), {p: value}


def condition_of_rank_one(tf):
    return _chosen(tf, [True], [1])


def condition_of_rank_one_at_run_time(tf):
    return _chosen(tf, [True])


def condition_of_rank_two_at_run_time(tf):
    return _chosen(tf, [[True, False]])


def condition_of_nothing_at_run_time(tf):
    return _chosen(tf, [])


def condition_of_rank_zero_at_run_time(tf):
    return _chosen(tf, True)


def condition_of_a_loop(tf):
    p = tf.placeholder(tf.bool)
    return tf.while_loop(lambda i: p, lambda i: i + 1, [0]), {p: [True]}


def condition_of_a_loop_of_rank_one(tf):
    start = tf.constant([0])
    return tf.while_loop(lambda i: i < 3, lambda i: i + 1, [start], name="l"), {}


def condition_of_a_branch_not_taken(tf):
    p, q = tf.placeholder(tf.bool), tf.placeholder(tf.bool)

    def inner():
        return tf.cond(p, lambda: 1.0, lambda: 2.0)

    return tf.cond(q, inner, lambda: 3.0), {p: [True, True], q: False}


def index_of_a_branch(tf):
    p = tf.placeholder(tf.int32)
    made = tf.switch_case(p, [lambda: tf.constant(1.0), lambda: tf.constant(2.0)])
    return made, {p: [1]}


def loop_body_returns_none(tf):
    start = [0, tf.constant(1.0)]
    return tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, None), start)[1], {}


def loop_shape_changes(tf):
    start = [0, tf.constant([1.0])]

    def body(i, x):
        return i + 1, tf.concat([x, x], 0)

    return tf.while_loop(lambda i, x: i < 3, body, start)[1], {}


def _flat(tf, found):
    """Derivatives in one vector; −9 where there is none."""
    known = [tf.constant(-9.0) if g is None else tf.to_float(g) for g in found]
    return tf.concat([tf.reshape(g, [-1]) for g in known], 0), {}


def zeros_beside_a_part(tf):
    a, b = tf.split(tf.constant([1.0, 2.0, 3.0, 4.0]), 2)
    return _flat(tf, tf.gradients(a, [a, b], unconnected_gradients="zero"))


def zeros_beside_a_part_on_the_way(tf):
    x = tf.constant([1.0, 2.0, 3.0, 4.0])
    a, b = tf.split(x, 2)
    return _flat(tf, tf.gradients(a, [b, b * 2.0, x], unconnected_gradients="zero"))


def zeros_beside_a_part_of_integers(tf):
    x = tf.constant([1.0, 3.0, 2.0])
    v, i = tf.nn.top_k(x, 2)
    return _flat(tf, tf.gradients(v, [v, i, x], unconnected_gradients="zero"))


def zeros_elsewhere(tf):
    x, n = tf.constant([1.0, 2.0]), tf.constant([1, 2])
    return _flat(tf, tf.gradients(x * x, [x + 1.0, n], unconnected_gradients="zero"))


def _variable(tf, start=1.0):
    return tf.get_variable("v", initializer=start, use_resource=False)


def feed_of_a_variable_that_is_assigned(tf):
    v = _variable(tf)
    return tf.assign_add(v, 5.0), {v: 9.0}


def feed_of_a_variable_that_is_trained(tf):
    v = _variable(tf)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(v * v)
    return step, {v: 9.0}


def feed_of_a_variable_that_is_scattered_into(tf):
    v, x = _variable(tf, [1.0, 2.0]), tf.placeholder(tf.float32, [1])
    return tf.scatter_add(v, [0], x), {x: [1.0], v: [7.0, 8.0]}


def feed_of_a_variable_that_is_read(tf):
    v = _variable(tf)
    return v + 1.0, {v: 9.0}


def feed_of_an_assignment(tf):
    v = _variable(tf)
    return tf.identity(tf.assign_add(v, 5.0)), {v: 9.0, tf.assign(v, 2.0): 3.0}


def shape_of_a_range(tf):
    return tf.range([1], 5), {}


def shape_to_fill(tf):
    return tf.fill([2, -1], 1.0), {}


def shape_of_one_negative_size(tf):
    shape = tf.placeholder(tf.int32)
    return tf.reshape([1.0, 2.0, 3.0], shape), {shape: [-3]}


def feed_that_is_a_list(tf):
    return tf.constant(1.0), [1]
