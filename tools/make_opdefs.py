"""Write the table of TensorFlow 1.15's operation signatures.

Run under TensorFlow 1.15.5 (Python 3.7), the first for ten minutes:

    python tools/make_opdefs.py > src/retrograd/graph/opdefs.tsv
    python tools/make_opdefs.py tests > src/retrograd/testing/opdefs.tsv

The second is of the op types that TensorFlow's own tests define for themselves.

One line an op type: name, inputs, outputs, attributes, flags; of one that newer graphs
may not have, the version that removed it, and why.  An argument reads ``name:type``
where type is a dtype, the name of a type attribute, ``N*type`` for a list of N, the
name of a list(type) attribute, or any of these in ``ref(...)``; of an input that may
not have every rank, ``#low-high``, ``#low+`` or, for a vector of one length,
``#[length]`` follows.  An attribute reads ``name:kind``, then ``{allowed}``,
``>=minimum`` and ``=default`` (JSON).
"""

import json
import sys

import tensorflow as tf
from probe_ranks import bounds_of
from tensorflow.python.framework import op_def_registry


def dtype_name(enum):
    return tf.as_dtype(enum).name


def arg_text(arg, bounds=""):
    if arg.type_list_attr:
        kind = arg.type_list_attr
    else:
        kind = arg.type_attr or dtype_name(arg.type)
        if arg.number_attr:
            kind = arg.number_attr + "*" + kind
    return arg.name + ":" + (f"ref({kind})" if arg.is_ref else kind) + bounds


def shape_value(proto):
    return None if proto.unknown_rank else [d.size for d in proto.dim]


def plain(value):
    """The default of an attribute as JSON data."""
    which = value.WhichOneof("value")
    if which == "list":
        for field, read in (
            ("s", lambda s: s.decode("latin-1")),
            ("i", int),
            ("f", float),
            ("b", bool),
            ("type", dtype_name),
            ("shape", shape_value),
            ("tensor", lambda t: tf.make_ndarray(t).tolist()),
        ):
            items = getattr(value.list, field)
            if len(items):
                return [read(item) for item in items]
        return []
    content = getattr(value, which)
    if which == "s":
        return content.decode("latin-1")
    if which == "type":
        return dtype_name(content)
    if which == "shape":
        return shape_value(content)
    if which == "tensor":
        return tf.make_ndarray(content).tolist()
    if which == "func":
        return content.name
    return content


def attr_text(attr):
    text = attr.name + ":" + attr.type
    if attr.HasField("allowed_values"):
        allowed = attr.allowed_values.list
        names = [dtype_name(t) for t in allowed.type] or [s.decode() for s in allowed.s]
        text += "{" + ",".join(names) + "}"
    if attr.has_minimum:
        text += f">={attr.minimum}"
    if attr.HasField("default_value"):
        text += "=" + json.dumps(plain(attr.default_value))
    return text


def main():
    if sys.argv[1:] == ["tests"]:
        from tensorflow.python.framework import test_ops

        ops = {n: info.op_def for n, info in test_ops._op_def_lib._ops.items()}
    else:
        ops = op_def_registry.get_registered_ops()
    for name in sorted(ops):
        op = ops[name]
        bounds = [""] * len(op.input_arg)
        if not sys.argv[1:]:
            bounds = bounds_of(op)
        flags = [
            word
            for word, on in (
                ("stateful", op.is_stateful),
                ("commutative", op.is_commutative),
                ("aggregate", op.is_aggregate),
                ("uninitialized", op.allows_uninitialized_input),
            )
            if on
        ]
        columns = [
            name,
            " ".join(map(arg_text, op.input_arg, bounds)),
            " ".join(map(arg_text, op.output_arg)),
            "; ".join(map(attr_text, op.attr)),
            " ".join(flags),
        ]
        if op.HasField("deprecation"):
            removed = op.deprecation
            columns.append(f"{removed.version} {removed.explanation}")
        print("\t".join(columns))


main()
