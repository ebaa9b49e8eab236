"""Write the table of the kernels that TensorFlow 1.15 has on a machine without a GPU.

Run under TensorFlow 1.15.5 (Python 3.7):

    python tools/make_kernels.py > src/retrograd/ops/kernels.tsv

One line for each op type that a session there refuses in some dtype that the signature
allows: the name, then its kernels in the order in which TensorFlow's messages list
them.  A kernel reads ``device attr=dtypes attr=dtypes``; kernels that follow each other
and differ in dtypes only are one entry, with the dtypes between commas and the last
attribute varying first.  Dtypes that one kernel takes all of have a ``+`` between them.

A session has an XLA_CPU device as well, and puts there what the CPU has no kernel for,
so that its kernels count.  They are registered when the device is made.
"""

import itertools

import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

#: where a session without a GPU can put an operation; DEFAULT stands for all devices
DEVICES = ("CPU", "DEFAULT", "XLA_CPU")
ALL = [tf.as_dtype(n).name for n in range(1, 24)]


def names(values):
    return [tf.as_dtype(v).name for v in values.list.type]


def kernels_of(op):
    """(device, ((attribute, dtypes), ...)) for each kernel that is taken by default.

    One that asks for an attribute which the op has not is never taken.
    """
    found = kernels.get_registered_kernels_for_op(op.name).kernel
    known = {a.name for a in op.attr}
    return [
        (
            k.device_type,
            tuple((c.name, "+".join(names(c.allowed_values))) for c in k.constraint),
        )
        for k in found
        if not k.label and all(c.name in known for c in k.constraint)
    ]


def refuses(op, found):
    """Whether there are dtypes that the signature allows and no kernel takes."""
    usable = [dict(c) for device, c in found if device in DEVICES]
    if not usable:
        return False
    held = sorted({name for constraints in usable for name in constraints})
    allowed = {a.name: names(a.allowed_values) or ALL for a in op.attr}
    taken = [{n: c[n].split("+") for n in c} for c in usable]
    return not all(
        any(
            all(d in c.get(n, [d]) for n, d in zip(held, chosen))  # noqa: B905
            for c in taken
        )
        for chosen in itertools.product(*(allowed[n] for n in held))
    )


def entry(run):
    """Some kernels as one entry, or None where they are no product of dtypes."""
    device, first = run[0]
    rows = [[dtypes for _, dtypes in constraints] for _, constraints in run]
    columns = [list(dict.fromkeys(column)) for column in zip(*rows)]  # noqa: B905
    if [list(chosen) for chosen in itertools.product(*columns)] != rows:
        return None
    parts = [
        f"{name}={','.join(column)}"
        for (name, _), column in zip(first, columns)  # noqa: B905
    ]
    return " ".join([device, *parts])


def shape(kernel):
    device, constraints = kernel
    return device, [n for n, _ in constraints]


def entries(found):
    """The kernels as few entries."""
    start = 0
    while start < len(found):
        end = start + 1
        while end < len(found) and shape(found[end]) == shape(found[start]):
            end += 1
        while entry(found[start:end]) is None:
            end -= 1
        yield entry(found[start:end])
        start = end


def main():
    tf.Session().list_devices()
    ops = op_def_registry.get_registered_ops()
    for op_type in sorted(ops):
        found = kernels_of(ops[op_type])
        if refuses(ops[op_type], found):
            print("\t".join([op_type, *entries(found)]))


main()
