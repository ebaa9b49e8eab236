"""Programs that make variables, run under TensorFlow 1.15 and here with equal results.

Written for both Pythons; `tf` is either module.
"""

import numpy as np


def initial_values(tf):
    """All ways to give an initial value, of both kinds of variable."""
    w = tf.Variable([2.0, 3.0], name="w")
    tf.Variable([2.0, 3.0])
    r = tf.Variable([2.0, 3.0], name="r", use_resource=True)
    late = {"dtype": tf.float32, "name": "late"}
    tf.Variable(lambda: tf.zeros([2]), **late)
    tf.Variable(lambda: tf.random_uniform([2]), use_resource=True, **late)
    with tf.name_scope("a"):
        d = tf.Variable(w * 2.0, name="d")
        tf.Variable(r.initialized_value() + w.initialized_value(), name="s")
    tf.Variable(d + w, name="e", trainable=False)
    tf.Variable(tf.constant(1, tf.int64), name="i", trainable=False)


def assignments(tf):
    """Every method and function that changes a variable."""
    for resource in (False, True):
        v = tf.Variable(np.zeros((3, 2)), name="v", use_resource=resource)
        v.assign(np.ones((3, 2)))
        v.assign_add(np.ones((3, 2)), name="more")
        v.assign_sub(np.ones((3, 2)), read_value=False)
        tf.assign(v, np.ones((3, 2)), name="set")
        tf.assign_add(v, np.ones((3, 2)))
        tf.scatter_update(v, [0], np.ones((1, 2)))
        tf.scatter_add(v, [0], np.ones((1, 2)), name="sa")
        tf.scatter_nd_update(v, [[0, 1]], np.ones(1))
        v.scatter_nd_sub([[0, 1]], np.ones(1))
        v[1:, 0].assign([5.0, 6.0])
        n = tf.Variable(0, name="n", use_resource=resource)
        n.count_up_to(3)
        (v + 1.0) * v


def scopes(tf):
    """Variable scopes beside name scopes."""
    zeros = tf.zeros_initializer()
    with tf.variable_scope("a") as a:
        tf.get_variable("x", [2, 3])
        with tf.variable_scope("b", reuse=tf.AUTO_REUSE):
            tf.get_variable("y", [3], initializer=zeros)
            tf.get_variable("y", [3])
            tf.Variable([1.0], name="z")
            tf.constant(1.0)
    with tf.variable_scope("a"):
        tf.constant(1.0)
        with tf.variable_scope("b"):
            tf.constant(1.0)
    with tf.variable_scope(a, reuse=True):
        tf.get_variable("x", [2, 3])
        tf.constant(1.0)
    for _ in range(2):
        with tf.variable_scope(None, "default"):
            tf.get_variable("q", [], tf.int32)
            with tf.variable_scope(None, "inner"):
                tf.get_variable("q", [])
    with tf.variable_scope("a", auxiliary_name_scope=False):
        tf.constant(2.0)
    with tf.name_scope("ns"):
        tf.get_variable("in_ns", [2], initializer=tf.truncated_normal_initializer())
        tf.Variable(1.0)
    with tf.variable_scope("r", regularizer=tf.identity, use_resource=True):
        tf.get_variable("v", [2], initializer=tf.initializers.he_normal())
    with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(2)):
        whole = tf.get_variable("v", [5, 2], initializer=tf.constant_initializer(3.0))
        tf.identity(whole)
    tf.get_local_variable("local", [4], initializer=tf.ones_initializer())
    tf.get_variable("given", initializer=[[1, 2]])
    template = tf.make_template("t", lambda: tf.get_variable("v", [1]) * 2.0)
    template()
    template()


GRAPHS = {f.__name__: f for f in (initial_values, assignments, scopes)}


def initializers(tf):
    """Initial values by every initializer, for a graph seed and for seeds of theirs."""
    found = {}
    i = tf.initializers
    makers = {
        "zeros": i.zeros(),
        "ones": i.ones(),
        "constant": i.constant([1.0, 2.0]),
        "random_uniform": i.random_uniform(-1, 3),
        "random_uniform_seed": i.random_uniform(-1, 3, seed=5),
        "random_normal": i.random_normal(1.0, 2.0),
        "truncated_normal": i.truncated_normal(stddev=0.1),
        "uniform_unit_scaling": i.uniform_unit_scaling(1.5),
        "variance_scaling": i.variance_scaling(2.0, "fan_out", "uniform"),
        "untruncated": i.variance_scaling(distribution="untruncated_normal"),
        "orthogonal": i.orthogonal(2.0),
        "glorot_uniform": i.glorot_uniform(),
        "glorot_normal": i.glorot_normal(seed=3),
        "he_normal": i.he_normal(),
        "he_uniform": i.he_uniform(seed=9),
        "lecun_normal": i.lecun_normal(),
        "lecun_uniform": i.lecun_uniform(),
    }
    for name, make in sorted(makers.items()):
        for shape in ([4, 3], [2, 2, 3, 2]):
            key = name + str(len(shape))
            found[key] = tf.get_variable(key, shape, initializer=make)
    found["identity"] = tf.get_variable("id", [3, 4], initializer=i.identity(2.0))
    found["default"] = tf.get_variable("default", [5])
    found["int"] = tf.get_variable("int", [2], tf.int32)
    found["double"] = tf.get_variable("double", [2], tf.float64)
    return found


def random_functions(tf):
    """What the functions of random numbers draw for a graph seed and for their own."""
    logits = np.log(np.array([[1.0, 2.0, 3.0], [3.0, 0.1, 0.1]], np.float32))
    return {
        "uniform": tf.random_uniform([2, 3]),
        "uniform_seed": tf.random_uniform([2, 3], 1.0, 4.0, seed=8),
        "uniform_double": tf.random_uniform([3], dtype=tf.float64),
        "uniform_int": tf.random_uniform([4], 1, 9, dtype=tf.int32),
        "uniform_long": tf.random_uniform([4], -5, 9, dtype=tf.int64, seed=1),
        "normal": tf.random_normal([3], 1.0, 2.0),
        "truncated": tf.truncated_normal([3], stddev=0.5),
        "shuffle": tf.random_shuffle(np.arange(12).reshape(6, 2)),
        "multinomial": tf.multinomial(logits, 4),
        "categorical": tf.random.categorical(logits, 4, seed=2),
        "gamma": tf.random_gamma([3], [0.5, 2.0], beta=[2.0, 3.0]),
        "poisson": tf.random_poisson([3.0, 20.0], [2]),
        "stateless_uniform": tf.random.stateless_uniform([3], [1, 2]),
        "stateless_int": tf.random.stateless_uniform([3], [1, 2], 0, 9, tf.int32),
        "stateless_normal": tf.random.stateless_normal([3], [1, 2], 1.0, 2.0),
        "stateless_truncated": tf.random.stateless_truncated_normal([3], [1, 2]),
        "stateless_categorical": tf.random.stateless_categorical(logits, 3, [3, 4]),
    }


VALUES = {f.__name__: f for f in (initializers, random_functions)}


def listing(graph):
    """Each operation of a graph: what it is made of, by name."""
    found = {}
    for op in graph.get_operations():
        found[op.name] = [
            op.type,
            [t.name for t in op.inputs],
            sorted(c.name for c in op.control_inputs),
            [str(t.shape) for t in op.outputs],
            [t.dtype.name for t in op.outputs],
            sorted(g.decode() for g in op.colocation_groups()),
        ]
    return found


def collections(tf):
    """The names of what is in each collection."""
    graph = tf.get_default_graph()
    keys = (
        "variables",
        "trainable_variables",
        "local_variables",
        "regularization_losses",
    )
    return {key: [v.name for v in graph.get_collection(key)] for key in keys}
