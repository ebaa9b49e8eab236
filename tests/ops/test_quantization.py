"""`tf.quantization` makes what TensorFlow 1.15's makes."""

from __future__ import annotations

import numpy as np
import pytest

import retrograd as tf
from tests.expressions import Expressions

FOUND = Expressions("quantization")
#: lines that TensorFlow refuses otherwise, or not at all, outside of graphs
IN_GRAPHS = ("tf.constant([1, 2], tf.quint8)", "1.5, tf.uint8)")
EAGER = [x for x in FOUND.lines if not any(part in x for part in IN_GRAPHS)]


@pytest.mark.parametrize("line", FOUND.lines)
def test_in_a_graph(line: str) -> None:
    FOUND.check(line)


@pytest.mark.parametrize("line", EAGER[::3])
def test_in_eager_mode(line: str) -> None:
    FOUND.check_eager(line)


@pytest.mark.parametrize(
    "dtype", [tf.qint8, tf.quint8, tf.qint16, tf.quint16, tf.qint32]
)
def test_feeding_and_fetching(dtype: tf.DType) -> None:
    values = np.array([0, 7, 100], dtype.array_dtype)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(dtype, [3])
        y = tf.identity(x)
        for fed in (values, values.view(dtype.as_numpy_dtype)):
            found = session.run(y, {x: fed})
            assert found.dtype == dtype.array_dtype
            assert found.tolist() == [0, 7, 100]
