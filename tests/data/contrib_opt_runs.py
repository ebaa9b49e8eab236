"""Runs optimizers of tf.contrib: under TensorFlow 1.15 and under retrograd alike.

Imported by `make_contrib_opt.py` under Python 3.7 and by the tests.
"""

import numpy as np


def _step(tf):
    return tf.train.get_or_create_global_step()


def _sgd(tf):
    return tf.train.GradientDescentOptimizer(0.1)


def _dims(tf, axis, part=""):
    return {v: [axis] for v in tf.trainable_variables() if part in v.name}


#: by name: which variables, and an optimizer of tf.contrib.opt, of decays, and of tf
OPTIMIZERS = {
    "adamax": ("all", lambda o, d, tf: o.AdaMaxOptimizer(0.1)),
    "addsign": ("dense", lambda o, d, tf: o.AddSignOptimizer(0.1)),
    "addsign_decay": (
        "dense",
        lambda o, d, tf: o.AddSignOptimizer(
            0.1, alpha=0.5, beta=0.8, sign_decay_fn=d.get_cosine_decay_fn(10)
        ),
    ),
    "powersign": ("dense", lambda o, d, tf: o.PowerSignOptimizer(0.1)),
    "powersign_decay": (
        "dense",
        lambda o, d, tf: o.PowerSignOptimizer(
            0.1, sign_decay_fn=d.get_linear_decay_fn(5)
        ),
    ),
    "addsign_sparse": ("all", lambda o, d, tf: o.AddSignOptimizer(0.1)),
    "adam_by_step": ("all", lambda o, d, tf: o.AdamGSOptimizer(_step(tf), 0.1)),
    "lazy_adam": ("all", lambda o, d, tf: o.LazyAdamOptimizer(0.1)),
    "lazy_adam_by_step": (
        "all",
        lambda o, d, tf: o.LazyAdamGSOptimizer(_step(tf), 0.1),
    ),
    "nadam": ("all", lambda o, d, tf: o.NadamOptimizer(0.1)),
    # TensorFlow reads rows of reference variables before or after their decay
    "adamw": ("resource", lambda o, d, tf: o.AdamWOptimizer(0.01, 0.1)),
    "momentumw": ("resource", lambda o, d, tf: o.MomentumWOptimizer(0.01, 0.1, 0.9)),
    "decayed": (
        "dense",
        lambda o, d, tf: o.extend_with_decoupled_weight_decay(
            tf.train.AdagradOptimizer
        )(weight_decay=0.02, learning_rate=0.1),
    ),
    "lars": ("all", lambda o, d, tf: o.LARSOptimizer(0.1)),
    "lars_skipping": (
        "all",
        lambda o, d, tf: o.LARSOptimizer(
            0.1, skip_list=["dense_1"], use_nesterov=True, epsilon=0.01
        ),
    ),
    "adagrad": ("all", lambda o, d, tf: o.RegAdagradOptimizer(0.1)),
    "shampoo": ("all", lambda o, d, tf: o.ShampooOptimizer(learning_rate=0.1)),
    "shampoo_diagonal": (
        "all",
        lambda o, d, tf: o.ShampooOptimizer(
            learning_rate=0.1,
            use_iterative_root=True,
            mat_gbar_weight=0.1,
            max_matrix_size=3,
        ),
    ),
    "shampoo_seldom": (
        "dense",
        lambda o, d, tf: o.ShampooOptimizer(
            _step(tf), 3, 0.5, 0.5, mat_gbar_decay=0.9, svd_interval=2
        ),
    ),
    "averages": ("all", lambda o, d, tf: o.MovingAverageOptimizer(_sgd(tf), 0.9)),
    "tasks": (
        "all",
        lambda o, d, tf: o.MultitaskOptimizerWrapper(
            tf.train.MomentumOptimizer(0.1, 0.9)
        ),
    ),
    "clipped": (
        "all",
        lambda o, d, tf: o.VariableClippingOptimizer(_sgd(tf), _dims(tf, 0), 0.7),
    ),
    "clipped_rows": (
        "all",
        lambda o, d, tf: o.VariableClippingOptimizer(_sgd(tf), _dims(tf, 1), 0.7),
    ),
    "stale": ("all", lambda o, d, tf: o.DropStaleGradientOptimizer(_sgd(tf), 2)),
}


def _variables(tf, which):
    start = np.linspace(-1.0, 1.5, 12).reshape(4, 3).astype("float32")
    found = []
    for i in range(4):
        kind = "sparse" if i % 2 else "dense"
        if which in ("all", kind) or (which == "resource" and i > 1):
            found.append(
                tf.Variable(
                    start * (1 + i),
                    name=f"{kind}_{i // 2}",
                    use_resource=i > 1,
                )
            )
    return found


def _loss(tf, variables):
    parts = []
    for var in variables:
        rows = tf.gather(var, [2, 0, 2]) if "sparse" in var.name else var
        weights = np.linspace(0.5, 2.0, rows.shape.as_list()[0]).reshape(-1, 1)
        parts.append(tf.reduce_sum(rows * rows * weights.astype("float32")))
    return tf.add_n(parts)


def run(tf, name, decays):
    """All variables after two steps."""
    which, make = OPTIMIZERS[name]
    with tf.Graph().as_default(), tf.Session() as session:
        step = _step(tf)
        loss = _loss(tf, _variables(tf, which))
        try:
            train = make(tf.contrib.opt, decays, tf).minimize(loss, global_step=step)
        except NotImplementedError as error:
            return {"error": str(error)}
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            session.run(train)
        return {
            v.name: [float(format(x, ".6g")) for x in session.run(v).ravel()[:5]]
            for v in tf.global_variables()
        }
