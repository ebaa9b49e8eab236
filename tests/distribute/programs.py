"""Programs for several devices, run under TensorFlow 1.15 and here with equal results.

Written for both Pythons; `tf` is either module.
"""

import numpy as np

DEVICES = ["cpu:0", "cpu:1"]

STRATEGIES = {
    "mirrored": lambda tf: tf.distribute.MirroredStrategy(DEVICES),
    "mirrored_one": lambda tf: tf.distribute.MirroredStrategy(["cpu:0"]),
    "one_device": lambda tf: tf.distribute.OneDeviceStrategy("cpu:0"),
    "default": lambda tf: tf.distribute.get_strategy(),
}


OPTIMIZERS = {
    "sgd": lambda tf: tf.train.GradientDescentOptimizer(0.125),
    "momentum": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9),
    "adam": lambda tf: tf.train.AdamOptimizer(0.1),
    "rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.1),
    "loss_scale": lambda tf: tf.train.experimental.MixedPrecisionLossScaleOptimizer(
        tf.train.MomentumOptimizer(0.1, 0.9),
        tf.train.experimental.DynamicLossScale(4.0, 2),
    ),
}


def replica_number(tf):
    """1, 2 … as a float: an input that differs between replicas."""
    replica = tf.distribute.get_replica_context()
    return tf.cast(replica.replica_id_in_sync_group, tf.float32) + 1.0


def training(tf, strategy, optimizer):
    """A training step in graph mode, and all variables by name."""
    strategy = STRATEGIES[strategy](tf)
    with strategy.scope():
        optimizer = OPTIMIZERS[optimizer](tf)
        step = tf.train.get_or_create_global_step()

        def train():
            w = tf.get_variable("w", [3], initializer=tf.ones_initializer())
            table = tf.get_variable(
                "table",
                initializer=np.linspace(-1, 1, 12).reshape(4, 3).astype("f"),
                use_resource=True,
            )
            x = replica_number(tf)
            rows = tf.gather(table, [0, 2, 2])
            loss = tf.reduce_sum((w * x - 1.0) ** 2) + tf.reduce_sum(rows * rows * x)
            return optimizer.minimize(loss, global_step=step), loss

        done, losses = strategy.experimental_run_v2(train)
        loss = strategy.reduce(tf.distribute.ReduceOp.MEAN, losses)
        together = strategy.group(done)
    found = {"loss": loss}
    for variable in tf.global_variables():
        for copy in strategy.experimental_local_results(variable):
            found[copy.name] = copy
    return together, found


def listing(graph):
    """What a graph holds: op type, device, inputs and control inputs by name."""
    return {
        op.name: [
            op.type,
            op.device,
            [t.name for t in op.inputs],
            sorted(c.name for c in op.control_inputs),
        ]
        for op in graph.get_operations()
    }


def variables(tf):
    """Variables of each kind, assigned to in replicas and for all; their values."""
    strategy = STRATEGIES["mirrored"](tf)
    kinds = tf.VariableAggregation
    mirrored, synced = {}, {}
    with strategy.scope():
        for kind in (kinds.SUM, kinds.MEAN, kinds.ONLY_FIRST_REPLICA):
            mirrored[kind.name] = tf.Variable(1.0, name="m", aggregation=kind)
            synced[kind.name] = tf.get_variable(
                "s_" + kind.name,
                initializer=2.0,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=kind,
            )

        def change():
            x = replica_number(tf)
            done = [v.assign_add(x) for _, v in sorted(mirrored.items())]
            done += [v.assign_sub(3.0 * x) for _, v in sorted(synced.items())]
            return [tf.identity(d) for d in done]

        changed = strategy.experimental_run_v2(change)
        changed = strategy.group(changed)
        reset = [v.assign(7.0) for _, v in sorted(mirrored.items())]
        reset += [v.assign(8.0) for _, v in sorted(synced.items())]
        reset = strategy.group(reset)
        read = {}
        for name, v in sorted(mirrored.items()):
            read["mirrored " + name] = v.read_value()
        for name, v in sorted(synced.items()):
            read["synced " + name] = v.read_value()
    for v in list(mirrored.values()) + list(synced.values()):
        for copy in v.values:
            read[copy.name] = copy
    return [changed, reset], read


def reductions(tf):
    """Sums and means over replicas, by ReduceOp and axis."""
    strategy = STRATEGIES["mirrored"](tf)
    read = {}
    with strategy.scope():

        def values():
            x = replica_number(tf)
            merged = tf.distribute.get_replica_context()
            ramp = x * tf.reshape(tf.range(6.0), [2, 3])
            total = merged.all_reduce(tf.distribute.ReduceOp.SUM, ramp)
            mean = merged.all_reduce(tf.distribute.ReduceOp.MEAN, {"a": x, "b": ramp})
            (slope,) = tf.gradients(tf.reduce_sum(total * ramp * x), [ramp])
            # of sizes that are known, TensorFlow 1.15 cannot take the mean over an axis
            loose = tf.placeholder_with_default(ramp, [None, None])
            return ramp, total, mean, slope, loose

        ramp, total, mean, slope, loose = strategy.experimental_run_v2(values)
        for i in range(2):
            read[f"total {i}"] = strategy.unwrap(total)[i]
            read[f"mean a {i}"] = strategy.unwrap(mean["a"])[i]
            read[f"mean b {i}"] = strategy.unwrap(mean["b"])[i]
            read[f"slope {i}"] = strategy.unwrap(slope)[i]
        for op in (tf.distribute.ReduceOp.SUM, tf.distribute.ReduceOp.MEAN):
            for axis in (None, 0, 1, -1):
                read[f"{op.name} {axis}"] = strategy.reduce(op, loose, axis)
        extended = strategy.extended
        read["reduce_to"] = extended.reduce_to("mean", ramp, "/cpu:1")
        pair = extended.batch_reduce_to("sum", [(ramp, ramp), (total, "/cpu:0")])
        read["batch 0"] = strategy.unwrap(pair[0])[1]
        read["batch 1"] = strategy.unwrap(pair[1])[0]
        read["broadcast"] = extended.broadcast_to(tf.constant(3.0), ramp).values[1]
    return read


def merges(tf):
    """What replicas and merged calls see, as text."""
    strategy = STRATEGIES["mirrored"](tf)
    seen = []
    distribute = tf.distribute

    def note(where):
        scope = tf.get_default_graph().get_name_scope()
        seen.append(
            [
                where,
                distribute.in_cross_replica_context(),
                distribute.has_strategy(),
                distribute.get_strategy() is strategy,
                scope,
                tf.get_variable_scope().name,
                tf.no_op().device,
            ]
        )

    def merged(strategy, value, same, named):
        note("merged")
        seen.append([str(value.values[0].name), same, sorted(named)])
        return {"value": value, "one": tf.constant(1.0, name="one")}

    def replica():
        context = distribute.get_replica_context()
        with tf.variable_scope("model"):
            note("replica")
            x = tf.identity(replica_number(tf), name="x")
            out = context.merge_call(
                merged, args=(x, "same"), kwargs={"named": {"k": x}}
            )
            note("after")
            seen.append([out["value"].name, out["one"].name])
            return x, "text", [out["one"], context.num_replicas_in_sync]

    note("outside")
    with strategy.scope():
        note("scope")
        result = strategy.experimental_run_v2(replica)
    seen.append([v.name for v in result[0].values])
    seen.append([result[1], result[2][0].name, result[2][1]])
    return seen


def failures(tf):
    """Errors: type and first line, objects' places left out."""
    strategy = STRATEGIES["mirrored"](tf)
    other = STRATEGIES["mirrored"](tf)
    default = tf.distribute.get_strategy()
    outside = tf.Variable(1.0, name="outside", use_resource=True)
    with strategy.scope():
        plain = tf.Variable(1.0, name="plain")
        read = tf.get_variable(
            "read",
            initializer=1.0,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )

    def nested(inner):
        def fails():
            with strategy.scope():
                inner()

        return fails

    def in_replica(inner):
        return nested(lambda: strategy.experimental_run_v2(inner))

    def uneven():
        context = tf.distribute.get_replica_context()
        if tf.no_op().device.endswith("0"):
            context.merge_call(lambda strategy: None)

    extended = strategy.extended
    sgd = tf.train.GradientDescentOptimizer(1.0)
    synchronized = dict(synchronization=tf.VariableSynchronization.NONE, name="n")
    return {
        "other strategy": nested(lambda: other.scope().__enter__()),
        "default inside": nested(lambda: default.scope().__enter__()),
        "scope in replica": in_replica(lambda: strategy.scope().__enter__()),
        "reduce in replica": in_replica(
            lambda: strategy.reduce(tf.distribute.ReduceOp.SUM, 1.0)
        ),
        "no aggregation": in_replica(lambda: plain.assign_add(1.0)),
        "uneven merges": in_replica(uneven),
        "handle": nested(lambda: plain.handle),
        "synced add": nested(lambda: read.assign_add(1.0)),
        "synced sub": nested(lambda: read.assign_sub(1.0)),
        "never synchronized": nested(lambda: tf.Variable(1.0, **synchronized)),
        "apply for all": nested(lambda: sgd.apply_gradients([(1.0, plain)])),
        "colocate outside": nested(lambda: extended.colocate_vars_with(outside)),
        "colocate default": lambda: extended.colocate_vars_with(plain),
        "reduce number": nested(
            lambda: extended.reduce_to(tf.distribute.ReduceOp.SUM, 3.0, "/cpu:0")
        ),
        "bad destination": nested(
            lambda: extended.reduce_to(tf.distribute.ReduceOp.SUM, 3.0, 4)
        ),
        "reduce op": nested(lambda: strategy.reduce("product", 1.0)),
        "reduce text axis": nested(
            lambda: strategy.reduce(tf.distribute.ReduceOp.MEAN, 1.0, "x")
        ),
        "reduce axis": nested(
            lambda: strategy.reduce(tf.distribute.ReduceOp.MEAN, tf.ones([2]), 3)
        ),
        "set inside": nested(lambda: tf.distribute.experimental_set_strategy(other)),
        "default devices": lambda: default.extended.worker_devices,
        "batch size": lambda: tf.distribute.InputContext(
            num_replicas_in_sync=2
        ).get_per_replica_batch_size(5),
        "packs": lambda: tf.distribute.NcclAllReduce(-1),
        "packs of copies": lambda: tf.distribute.HierarchicalCopyAllReduce(-1),
        "duplicates": lambda: tf.distribute.MirroredStrategy(["cpu:0", "/cpu:0"]),
    }


def messages(tf):
    """For each of `failures`, what it raises."""
    import re

    found = {}
    for name, fails in failures(tf).items():
        try:
            fails()
            found[name] = None
        except Exception as error:
            text = re.sub(r"<[\w.]+ object at 0x\w+>", "<object>", str(error))
            found[name] = [type(error).__name__, text.split("\n  ")[0]]
    return found
