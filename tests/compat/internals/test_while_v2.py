"""Loops by TensorFlow's inner name for its second implementation."""

from __future__ import annotations

import retrograd as tf
from retrograd.compat.internals.while_v2 import while_loop


def test_a_loop_and_its_gradient() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(2.0)
        found = while_loop(lambda v: v < 8.0, lambda v: v * v, [x])
        single = while_loop(
            lambda v: v < 8.0, lambda v: v * v, [x], return_same_structure=False
        )
        assert session.run([found, single]) == [[16.0], 16.0]
        assert session.run(tf.gradients(single, x)) == [32.0]
