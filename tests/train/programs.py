"""Programs that train, run under TensorFlow 1.15 and here with equal results.

Written for both Pythons; `tf` is either module.
"""

import numpy as np

STEPS = 4


#: every optimizer, in the ways that change its arithmetic
OPTIMIZERS = {
    "sgd": lambda tf: tf.train.GradientDescentOptimizer(0.5),
    "sgd_tensor": lambda tf: tf.train.GradientDescentOptimizer(tf.constant(0.25)),
    "sgd_callable": lambda tf: tf.train.MomentumOptimizer(lambda: 0.25, lambda: 0.5),
    "momentum": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda tf: tf.train.AdamOptimizer(0.1),
    "adam_epsilon": lambda tf: tf.train.AdamOptimizer(0.1, 0.8, 0.9, 0.5),
    "adagrad": lambda tf: tf.train.AdagradOptimizer(0.3),
    "adagrad_da": lambda tf: tf.train.AdagradDAOptimizer(
        0.3,
        tf.train.get_or_create_global_step(),
        l1_regularization_strength=0.1,
        l2_regularization_strength=0.2,
    ),
    "rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "rmsprop_centered": lambda tf: tf.train.RMSPropOptimizer(
        0.1, 0.8, epsilon=0.1, centered=True
    ),
    "adadelta": lambda tf: tf.train.AdadeltaOptimizer(1.0, epsilon=1e-3),
    "ftrl": lambda tf: tf.train.FtrlOptimizer(0.5, l1_regularization_strength=0.05),
    "ftrl_power": lambda tf: tf.train.FtrlOptimizer(
        0.5, -0.7, l2_regularization_strength=0.1
    ),
    "ftrl_shrinkage": lambda tf: tf.train.FtrlOptimizer(
        0.5, l2_shrinkage_regularization_strength=0.1
    ),
    "proximal_sgd": lambda tf: tf.train.ProximalGradientDescentOptimizer(
        0.1, l1_regularization_strength=0.2, l2_regularization_strength=0.3
    ),
    "proximal_adagrad": lambda tf: tf.train.ProximalAdagradOptimizer(
        0.5, l1_regularization_strength=0.1, l2_regularization_strength=0.2
    ),
}


#: optimizers that are run in float64 too
DOUBLE = ("momentum", "adam", "rmsprop")


def variables(tf, dtype):
    """A variable of each kind for a dense and for a sparse gradient."""
    start = np.linspace(-1.0, 1.5, 12).reshape(4, 3)
    return [
        tf.Variable(
            start.astype(dtype) * (1 + i),
            name="{}_{}".format("sparse" if i % 2 else "dense", i // 2),
            use_resource=i > 1,
        )
        for i in range(4)
    ]


def loss_of(tf, found):
    """A loss with repeated rows of the sparse variables."""
    parts = []
    for i, var in enumerate(found):
        rows = tf.gather(var, [2, 0, 2]) if i % 2 else var
        weights = np.linspace(0.5, 2.0, 3 if i % 2 else 4).reshape(-1, 1)
        parts.append(
            tf.reduce_sum(rows * rows * weights.astype(rows.dtype.base_dtype.name))
        )
    return tf.add_n(parts)


def training(tf, name, dtype="float32"):
    """A training step, and all variables by name."""
    found = variables(tf, dtype)
    step = tf.train.get_or_create_global_step()
    train = OPTIMIZERS[name](tf).minimize(loss_of(tf, found), global_step=step)
    return train, {v.name: v for v in tf.global_variables()}


def schedules(tf):
    """Learning rates at a fed step."""
    train = tf.train
    step = tf.placeholder(tf.int64, [], name="step")
    rates = {
        "noisy": train.noisy_linear_cosine_decay(0.1, step, 20),
        "exponential": train.exponential_decay(0.1, step, 10, 0.96),
        "exponential_stairs": train.exponential_decay(0.1, step, 10, 0.96, True),
        "natural_exp": train.natural_exp_decay(0.1, step, 10, 0.5),
        "natural_exp_stairs": train.natural_exp_decay(0.1, step, 10, 0.5, True),
        "inverse": train.inverse_time_decay(0.1, step, 10, 0.5),
        "inverse_stairs": train.inverse_time_decay(0.1, step, 10, 0.5, True),
        "piecewise": train.piecewise_constant(step, [3, 12, 20], [1.0, 0.5, 0.1, 0.0]),
        "polynomial": train.polynomial_decay(0.1, step, 15, 0.01),
        "polynomial_square": train.polynomial_decay(0.1, step, 15, 0.01, 2.0),
        "polynomial_cycle": train.polynomial_decay(0.1, step, 9, 0.01, 0.5, True),
        "cosine": train.cosine_decay(0.1, step, 20, 0.1),
        "restarts": train.cosine_decay_restarts(0.1, step, 5, 2.0, 0.9, 0.1),
        "restarts_equal": train.cosine_decay_restarts(0.1, step, 5, 1.0),
        "linear_cosine": train.linear_cosine_decay(0.1, step, 20, 1.5, 0.1, 0.01),
    }
    return step, rates


def averages(tf):
    """Moving averages of variables and tensors; an update, and what to look at."""
    from_module = tf.train.ExponentialMovingAverage
    found = {}
    updates = []
    for resource in (False, True):
        v = tf.Variable([1.0, 2.0], name="v", use_resource=resource)
        change = v.assign_add([0.5, -1.0])
        with tf.control_dependencies([change]):
            t = tf.identity(v * 2.0, name="t")
            ema = from_module(0.9)
            updates.append(ema.apply([v, t]))
            late = from_module(0.9, num_updates=3, zero_debias=True, name="late")
            updates.append(late.apply([v, t]))
    for v in tf.global_variables():
        found[v.op.name] = v
    return tf.group(*updates), found


GRAPHS = {
    **{name: lambda tf, name=name: training(tf, name) for name in OPTIMIZERS},
    "averages": averages,
}


def listing(graph):
    """The operations of a graph but for the backward ones, by name."""
    found = {}
    for op in graph.get_operations():
        if op.name.startswith("gradients/"):
            continue
        inputs = [t.name for t in op.inputs]
        found[op.name] = [
            op.type,
            [n if n[:10] != "gradients/" else "gradients" for n in inputs],
            sorted(c.name for c in op.control_inputs),
            sorted(g.decode()[5:] for g in op.colocation_groups()),
        ]
    return found
