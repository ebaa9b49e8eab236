"""Losses averaged over replicas; the values are TensorFlow 1.15.5's."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd as tf

_ROWS = [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("losses", "given", "wanted"),
    [
        ([1.0, 2.0], dict(global_batch_size=4), 0.75),
        ([1.0, 2.0], {}, 1.5),
        (_ROWS, dict(sample_weight=[2.0, 1.0]), 6.5),
        (_ROWS, dict(sample_weight=2.0), 10.0),
        (_ROWS, dict(sample_weight=[[2.0, 1.0], [1.0, 0.0]]), 3.5),
        ([1.0, 2.0], dict(sample_weight=[[2.0], [1.0]]), 2.0),
    ],
)
def test_an_average(losses: Any, given: dict[str, Any], wanted: float) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.nn.compute_average_loss(losses, **given)) == wanted


def test_what_is_refused() -> None:
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="at least rank 1, received"):
            tf.nn.compute_average_loss(1.0)
        with pytest.raises(ValueError, match="weights can not be broadcast to values"):
            tf.nn.compute_average_loss(_ROWS, sample_weight=[2.0, 1.0, 4.0])


def test_regularization_counts_once_for_all_replicas() -> None:
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    with tf.Graph().as_default(), strategy.scope(), tf.Session() as session:
        assert session.run(tf.nn.scale_regularization_loss([1.0, 2.0])) == 1.5
        assert session.run(tf.nn.compute_average_loss([1.0, 3.0])) == 1.0
