"""Run cases of rows under TensorFlow 1.15: what `make_rows.py` starts.

    python rows_worker.py JOBS RESULTS

Both files hold pickles, one a case: `(op type, inputs, attributes)`, and what became of
it. An array is `(dtype, shape, bytes)`, or the list of its elements for texts.
"""

import pickle
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_library, op_def_registry

LIBRARY = op_def_library.OpDefLibrary()
for info in op_def_registry.get_registered_ops().values():
    LIBRARY.add_op(info)
REFUSALS = ("No OpKernel was registered", "Cannot assign a device")


def unpacked(dtype, shape, content):
    kind = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    if isinstance(content, list):
        return np.array(content, object).reshape(shape)
    return np.frombuffer(content, kind).reshape(shape)


def packed(value):
    value = np.asarray(value)
    name = tf.as_dtype(value.dtype).name
    content = value.tobytes()
    if name == "string":
        content = [v if isinstance(v, bytes) else v.encode() for v in value.ravel()]
    return name, value.shape, content


def default(attr):
    """The default of an attribute, which `apply_op` wants to be told."""
    value = attr.default_value
    which = value.WhichOneof("value")
    if which == "list":
        fields = [list(content) for _, content in value.list.ListFields()]
        return fields[0] if fields else []
    content = getattr(value, which)
    return tf.TensorShape(content) if which == "shape" else content


def apply(op_type, **given):
    definition = op_def(op_type)
    inferred = {
        name
        for arg in definition.input_arg
        for name in (arg.type_attr, arg.number_attr, arg.type_list_attr)
    }
    for attr in definition.attr:
        if attr.HasField("default_value") and attr.name not in inferred:
            given.setdefault(attr.name, default(attr))
    return LIBRARY.apply_op(op_type, **given)


def op_def(op_type):
    return op_def_registry.get_registered_ops()[op_type]


class Inputs:
    """The inputs of one case: placeholders, constants and variables."""

    def __init__(self):
        self.feed = {}
        self.started = []
        self.after = []

    def make(self, item):
        if isinstance(item, list):
            return [self.make(i) for i in item]
        dtype, stored, static, array = item
        value = unpacked(dtype, *array)
        if static:
            return tf.constant(value, dtype)
        if not stored:
            fed = tf.placeholder(dtype, value.shape)
            self.feed[fed] = value
            return fed
        fed = tf.placeholder(dtype, value.shape)
        if stored == "ref":
            held = apply("VariableV2", shape=value.shape, dtype=dtype)
            start = apply("Assign", ref=held, value=fed).op
            self.after.append(held)
        else:
            held = apply(
                "VarHandleOp",
                shape=value.shape,
                dtype=dtype,
                shared_name=f"v{len(self.started)}",
            )
            start = apply("AssignVariableOp", resource=held, value=fed)
            self.after.append(apply("ReadVariableOp", resource=held, dtype=dtype))
        self.started.append((start, {fed: value}))
        return held


def tensors(found):
    if found is None or isinstance(found, tf.Operation):
        return []
    if isinstance(found, (list, tuple)):
        return [t for f in found for t in tensors(f)]
    return [found]


def run(op_type, inputs, attrs):
    with tf.Graph().as_default() as graph:
        made = Inputs()
        names = [a.name for a in op_def(op_type).input_arg]
        given = {name: made.make(item) for name, item in zip(names, inputs)}  # noqa: B905
        found = apply(op_type, name="row", **dict(given, **attrs))
        outputs = tensors(found)
        with tf.Session(graph=graph) as session:
            for start, feed in made.started:
                session.run(start, feed)
            values = session.run(outputs or found, made.feed)
            return [packed(v) for v in [*(values or []), *session.run(made.after)]]


def outcome(job):
    try:
        return ("values", run(*job))
    except Exception as error:
        lines = str(error).split("\n")
        # of several errors that are one, what the first says
        text = lines[1] if lines[0].endswith("root error(s) found.") else lines[0]
        kind = "refused" if text.startswith(REFUSALS) else "failed"
        return (kind, [type(error).__name__, text[:300]])


def main(jobs, results):
    with open(jobs, "rb") as source, open(results, "ab") as target:
        while True:
            try:
                job = pickle.load(source)
            except EOFError:
                return
            pickle.dump(outcome(job), target, 2)
            target.flush()


main(*sys.argv[1:])
