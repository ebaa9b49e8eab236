"""tf.contrib.losses, with the numbers of TensorFlow 1.15.5."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd as tf

C = tf.contrib.losses


@pytest.mark.parametrize(
    ("loss", "name", "value"),
    [
        (lambda p, t, y, w: C.absolute_difference(p, t, 2.0), "absolute_d", 0.53333),
        (lambda p, t, y, w: C.mean_squared_error(p, t, weights=w), "mean_sq", 0.07833),
        (lambda p, t, y, w: C.log_loss(p, t), "log_loss/value", 0.32636),
        (lambda p, t, y, w: C.cosine_distance(p, t, axis=1), "cosine_di", 0.4),
        (lambda p, t, y, w: C.sigmoid_cross_entropy(p, t, 1.0, 0.1), "sig", 0.68205),
        (lambda p, t, y, w: C.softmax_cross_entropy(p, t, w), "softmax_cr", 1.00291),
        (
            lambda p, t, y, w: C.sparse_softmax_cross_entropy(p, y, w),
            "sparse_softmax_cross_entropy_loss/value",
            1.00291,
        ),
        (lambda p, t, y, w: C.compute_weighted_loss(p, t), "weighted_loss/va", 0.6),
        (lambda p, t, y, w: C.compute_weighted_loss(p, w), "weighted", 0.41667),
    ],
)
def test_losses(loss: Any, name: str, value: float) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        p = tf.constant([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2]])
        labels = tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
        found = loss(p, labels, tf.constant([1, 0]), tf.constant([2.0, 0.5]))
        assert found.op.name.startswith(name)
        assert C.get_losses() == [found]
        total = session.run(C.get_total_loss())
    assert total == pytest.approx(value, abs=1e-5)


def test_hinge_loss_is_of_each_element_and_in_no_collection() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        found = C.hinge_loss(tf.constant([[0.2, 0.7]]), tf.constant([[0.0, 1.0]]))
        assert session.run(found)[0] == pytest.approx([1.2, 0.3])
        assert C.get_losses() == []
    with pytest.raises(ValueError, match="You must specify 'axis'"):
        C.cosine_distance(tf.zeros([1, 2]), tf.zeros([1, 2]))
