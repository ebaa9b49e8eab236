"""`tf.losses`: values, names and collections as TensorFlow 1.15 gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from tests.conftest import Launcher

LABELS = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.25]], np.float32)
GUESSES = np.array([[0.5, 0.25, 0.5], [0.75, 0.5, 0.125]], np.float32)
LOGITS = np.array([[1.0, -2.0, 0.5], [0.25, 2.0, -1.0]], np.float32)
CLASSES = np.array([0, 2])


@pytest.fixture(autouse=True)
def session() -> Iterator[tf.Session]:
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


#: a loss, its value by 1.15, and the name of its result
LOSSES: dict[str, tuple[Callable[[], Any], float, str]] = {
    "absolute": (
        lambda: tf.losses.absolute_difference(LABELS, GUESSES),
        0.35416666,
        "absolute_difference/value",
    ),
    "cosine": (
        lambda: tf.losses.cosine_distance(LABELS, GUESSES, axis=1),
        0.359375,
        "cosine_distance_loss/value",
    ),
    "hinge": (
        lambda: tf.losses.hinge_loss(np.round(LABELS), LOGITS),
        0.45833334,
        "hinge_loss/value",
    ),
    "huber": (
        lambda: tf.losses.huber_loss(LABELS, GUESSES, delta=0.5),
        0.08984375,
        "huber_loss/value",
    ),
    "log": (
        lambda: tf.losses.log_loss(LABELS, GUESSES),
        0.72890425,
        "log_loss/value",
    ),
    "pairs": (
        lambda: tf.losses.mean_pairwise_squared_error(LABELS, GUESSES),
        1.1145834,
        "mean_pairwise_squared_error/value_2",
    ),
    "sigmoid": (
        lambda: tf.losses.sigmoid_cross_entropy(LABELS, LOGITS, label_smoothing=0.1),
        0.49048266,
        "sigmoid_cross_entropy_loss/value",
    ),
    "softmax": (
        lambda: tf.losses.softmax_cross_entropy(LABELS, LOGITS, [1.0, 3.0]),
        2.0067582,
        "softmax_cross_entropy_loss/value",
    ),
    "sparse": (
        lambda: tf.losses.sparse_softmax_cross_entropy(CLASSES[:, None], LOGITS),
        1.8531812,
        "sparse_softmax_cross_entropy_loss/value",
    ),
}


@pytest.mark.parametrize(("make", "value", "name"), LOSSES.values(), ids=LOSSES)
def test_values(
    session: tf.Session, make: Callable[[], Any], value: float, name: str
) -> None:
    loss = make()
    assert loss.op.name == name
    assert tf.losses.get_losses() == [loss]
    np.testing.assert_allclose(session.run(loss), value, rtol=1e-5)


@pytest.mark.parametrize(
    ("reduction", "value"),
    [
        (tf.losses.Reduction.SUM, 5.25),
        (tf.losses.Reduction.MEAN, 0.875),
        (tf.losses.Reduction.SUM_OVER_BATCH_SIZE, 0.875),
        (tf.losses.Reduction.SUM_BY_NONZERO_WEIGHTS, 1.75),
    ],
)
def test_reductions(session: tf.Session, reduction: str, value: float) -> None:
    weights = [[0.0], [2.0]]
    loss = tf.losses.absolute_difference(
        LABELS * 2, GUESSES, weights, reduction=reduction
    )
    np.testing.assert_allclose(session.run(loss), value, rtol=1e-6)


def test_no_weight_gives_zero_and_no_reduction_keeps_the_shape(
    session: tf.Session,
) -> None:
    zeros = np.zeros_like(LABELS)
    assert session.run(tf.losses.mean_squared_error(LABELS, GUESSES, zeros)) == 0
    none = tf.losses.mean_squared_error(
        LABELS, GUESSES, reduction=tf.losses.Reduction.NONE
    )
    np.testing.assert_allclose(session.run(none), (LABELS - GUESSES) ** 2)


def test_collections(session: tf.Session) -> None:
    first = tf.losses.mean_squared_error(LABELS, GUESSES, scope="a")
    second = tf.losses.absolute_difference(LABELS, GUESSES, loss_collection="mine")
    tf.losses.add_loss(second)
    regularizer = tf.constant(2.0, name="r")
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, regularizer)
    assert tf.losses.get_losses() == [first, second]
    assert tf.losses.get_losses("a/") == [first]
    assert tf.losses.get_losses(loss_collection="mine") == [second]
    total = tf.losses.get_total_loss()
    assert total.op.name == "total_loss"
    parts = session.run([total, first, second, tf.losses.get_regularization_loss()])
    np.testing.assert_allclose(parts[0], sum(parts[1:]))
    assert parts[3] == 2


def test_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="labels must not be None"):
        tf.losses.mean_squared_error(None, GUESSES)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="Invalid Reduction Key mean"):
        tf.losses.mean_squared_error(LABELS, GUESSES, reduction="mean")
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(1, 3\) are incompatible"):
        tf.losses.mean_squared_error(LABELS[:1], GUESSES)
    with pytest.raises(ValueError, match="You must specify 'axis'"):
        tf.losses.cosine_distance(LABELS, GUESSES)
    with pytest.raises(ValueError, match="weights can not be broadcast to values"):
        tf.losses.mean_squared_error(LABELS, GUESSES, np.ones([1, 2]))


def test_in_eager_mode(launcher: Launcher) -> None:
    result = launcher.python(
        "-c",
        "import retrograd as tf; tf.enable_eager_execution()\n"
        "print(tf.losses.mean_squared_error([[1.0, 2.0]], [[3.0, 2.0]]).numpy())\n"
        "print(tf.losses.mean_squared_error([[1.0, 2.0]], [[3.0, 2.0]], 0.0).numpy())",
    )
    assert (result.stdout, result.stderr) == ("2.0\n0.0\n", "")
