"""What libraries ask of tensors by TensorFlow's inner names."""

from __future__ import annotations

from typing import Any

import retrograd as tf
from retrograd.graph.tensor_like import _TensorLike


def test_tensors_dense_and_sparse_are_like_tensors() -> None:
    with tf.Graph().as_default():
        x = tf.constant([1.0])
        variable = tf.Variable([1.0])
        alike = (x, tf.SparseTensor([[0]], [1], [2]), tf.IndexedSlices(x, [0]))
    # as 1.15 has it: a variable is none
    found = [isinstance(v, _TensorLike) for v in (*alike, variable, 1.0)]
    assert found == [True, True, True, False, False]


def test_libraries_find_them(launcher: Any) -> None:
    source = """
from tensorflow.python.framework import ops, tensor_like
from tensorflow.python.util import tf_inspect as i
assert ops._TensorLike is tensor_like._TensorLike
assert issubclass(ops.Tensor, ops._TensorLike)
class Own:
    "A class."
print(i.getdoc(Own), i.getmro(Own)[1:], i.getmodule(Own).__name__)
print(("__doc__", "A class.") in i.getmembers(Own))
print(i.getframeinfo(i.currentframe()).function)
"""
    lines = launcher.output(source)
    assert lines == ["A class. (<class 'object'>,) __main__", "True", "<module>"]
