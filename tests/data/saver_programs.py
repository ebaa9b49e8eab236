"""Programs with Savers, run under TensorFlow 1.15 and under retrograd."""

import os


def _variables(tf):
    tf.Variable([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], name="v")
    tf.Variable([b"a", b"bcd"], name="w")
    tf.get_variable("r", [2], use_resource=True, initializer=tf.ones_initializer())
    values = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]]

    def part(shape, dtype, partition_info):
        start = partition_info.var_offset[0]
        return tf.constant(values[start : start + shape[0]], dtype)

    tf.get_variable(
        "p", [5, 2], partitioner=tf.fixed_size_partitioner(2), initializer=part
    )


def _two(tf):
    v = tf.Variable([1.0, 2.0], name="v")
    return v, tf.get_variable("r", [2], use_resource=True)


def plain(tf):
    _variables(tf)
    tf.train.Saver()


def dictionary(tf):
    v, r = _two(tf)
    tf.train.Saver({"x": v, "y": r}, max_to_keep=None)


def reshaped(tf):
    _two(tf)
    tf.train.Saver(restore_sequentially=True, reshape=True, name="my")


def sharded(tf):
    with tf.device("/cpu:0"):
        tf.Variable(1.0, name="v")
    with tf.device("/job:a/task:1"):
        tf.Variable(1.0, name="w")
    tf.train.Saver(sharded=True)


def version_1(tf):
    _two(tf)
    tf.train.Saver(write_version=tf.train.SaverDef.V1)
    tf.train.Saver(write_version=tf.train.SaverDef.V1, sharded=True)


def devices(tf):
    with tf.device("/job:ps"):
        _two(tf)
    with tf.device("/gpu:0"):
        tf.get_variable("g", [2], use_resource=True)
    tf.train.Saver(filename="abc")


def saveable(tf):
    base = type(tf.train.Saver([tf.Variable(0.0)], name="other")._builder)

    class Doubled(base.SaveableObject):
        def __init__(self, tensor, name):
            spec = base.SaveSpec(tensor, "", name)
            super().__init__(tensor, [spec], name)

        def restore(self, restored_tensors, restored_shapes):
            return tf.group(restored_tensors[0], name="rr")

    v, r = _two(tf)
    tf.train.Saver([Doubled(v.value(), "k"), r])


def deferred(tf):
    saver = tf.train.Saver(defer_build=True)
    _two(tf)
    saver.build()


GRAPHS = (
    plain,
    dictionary,
    reshaped,
    sharded,
    version_1,
    devices,
    saveable,
    deferred,
)


def graph_of(tf, build):
    """The nodes that a program makes beside its variables, a line each."""
    with tf.Graph().as_default() as graph:
        build(tf)
    lines = []
    for op in graph.get_operations():
        if not op.name.startswith(("save", "my")):
            continue
        inputs = [x.name for x in op.inputs]
        control = [c.name for c in op.control_inputs]
        shapes = [str(y.shape) for y in op.outputs]
        lines.append(repr((op.name, op.type, inputs, control, op.device, shapes)))
    return lines


def save(tf, folder, **arguments):
    """Write a checkpoint of all kinds of variables; the files that there are."""
    with tf.Graph().as_default():
        _variables(tf)
        saver = tf.train.Saver(**arguments)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            saver.save(session, os.path.join(folder, "m"))
    return sorted(os.listdir(folder))


def _refused(tf, run):
    with tf.Graph().as_default():
        try:
            run(tf)
        except Exception as error:
            text = getattr(error, "message", None) or str(error)
            return [type(error).__name__, text.split("\n")[0]]
    return None


REFUSED = {
    "nothing": lambda tf: tf.train.Saver(),
    "twice": lambda tf: tf.train.Saver([_two(tf)[0]] * 2),
    "two names": lambda tf: tf.train.Saver(dict.fromkeys("xy", _two(tf)[0])),
    "text": lambda tf: tf.train.Saver("v"),
    "no list": lambda tf: tf.train.Saver(_two(tf)[0]),
    "number as name": lambda tf: tf.train.Saver({1: _two(tf)[0]}),
    "no slices": lambda tf: tf.train.Saver({"a": [1]}),
    "no names": lambda tf: tf.train.Saver({"a": [_two(tf)[0]]}),
    "constant": lambda tf: tf.train.Saver([tf.constant(1.0)]),
    "constant by name": lambda tf: tf.train.Saver({"a": tf.constant(1.0)}),
    "deferred": lambda tf: tf.train.Saver(defer_build=True, var_list=_two(tf)),
    "not built": lambda tf: tf.train.Saver(defer_build=True).save(None, "x"),
    "no session": lambda tf: (_two(tf), tf.train.Saver().save(None, "/tmp/x")),
    "path as name": lambda tf: (
        _two(tf),
        tf.train.Saver().save(None, "/tmp/x", latest_filename="a/b"),
    ),
    "one name": lambda tf: (
        _two(tf),
        tf.train.Saver().save(None, "/tmp/x/checkpoint"),
    ),
    "none": lambda tf: (_two(tf), tf.train.Saver().restore(None, None)),
    "absent": lambda tf: (_two(tf), tf.train.Saver().restore(None, "/tmp/no/such")),
}


def refused(tf):
    """The errors of wrong calls."""
    return {name: _refused(tf, run) for name, run in REFUSED.items()}
