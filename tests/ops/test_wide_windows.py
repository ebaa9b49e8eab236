"""Windows and dilations far wider than the input cost no more than narrow ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.ops.declare import F

from .test_rare_ops import session

WIDE = 2**31 - 1


__all__ = ["session"]


@pytest.mark.parametrize("function", [tf.nn.max_pool, tf.nn.avg_pool])
def test_pooling(function: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [1, 3, 4, 2])
    given = np.arange(24, dtype=np.float32).reshape(1, 3, 4, 2)
    found = []
    for wide in (9, WIDE):  # either reaches over all of the input
        y = function(x, [1, wide, wide, 1], [1, 2, 1, 1], "SAME")
        found.append(session.run([y, *tf.gradients(y * y, x)], {x: given}))
    for narrow, wide in zip(*found, strict=True):
        np.testing.assert_allclose(narrow, wide)


def test_convolutions_and_their_derivatives(session: Any) -> None:
    x = tf.placeholder(tf.float32, [1, 3, 3, 1])
    f = tf.constant([1.0, 2, 3, 4, 5, 6, 7, 8, 9], shape=[3, 3, 1, 1])
    found = []
    for wide in (3, WIDE):  # of either only the middle of the filter meets the input
        for op in (F.Conv2D, F.DepthwiseConv2dNative):
            y = op(x, f, strides=[1] * 4, padding="SAME", dilations=[1, wide, wide, 1])
            results = [y, *tf.gradients(y * y, [x, f])]
            found.append(session.run(results, {x: np.ones([1, 3, 3, 1])}))
    for results in found[1:]:
        for one, other in zip(found[0], results, strict=True):
            np.testing.assert_allclose(one, other)
    assert found[0][0].tolist() == np.full([1, 3, 3, 1], 5.0).tolist()


def test_numbers_of_more_than_32_bits_are_refused() -> None:
    x = tf.placeholder(tf.float32, [1, 3, 3, 1])
    with pytest.raises(ValueError, match="Attr ksize has value 1099511627776 out of"):
        F.MaxPool(x, ksize=[1, 2**40, 1, 1], strides=[1] * 4, padding="SAME")
    with pytest.raises(ValueError, match="Attr dilations has value 1099511627776 out"):
        f = tf.zeros([1, 1, 1, 1])
        F.Conv2D(x, f, strides=[1] * 4, padding="SAME", dilations=[1, 2**40, 1, 1])
