"""Write gradients.txt: what TensorFlow's registry of gradients says of each op type.

Run from the root of the repository under Python 3.7 with tensorflow==1.15.5.
"""

import pathlib
import textwrap

import tensorflow as tf
from tensorflow import contrib
from tensorflow.python.framework import op_def_registry, ops
from tensorflow.python.ops import while_v2  # noqa: F401 (registers when it is used)

KINDS = ("function", "not differentiable", "no entry")


def kind(op_type):
    try:
        function = ops._gradient_registry.lookup(op_type)
    except LookupError:
        return "no entry"
    return "not differentiable" if function is None else "function"


def main():
    for module in dir(contrib):  # each registers its own when it is loaded
        getattr(contrib, module)
    by_kind = {name: [] for name in KINDS}
    for op_type in sorted(op_def_registry.get_registered_ops()):
        by_kind[kind(op_type)].append(op_type)
    lines = ["TensorFlow " + tf.__version__]
    for name, op_types in by_kind.items():
        lines += ["[" + name + "]", *textwrap.wrap(" ".join(op_types), 88)]
    path = pathlib.Path(__file__).with_name("gradients.txt")
    path.write_text("\n".join(lines) + "\n")


main()
