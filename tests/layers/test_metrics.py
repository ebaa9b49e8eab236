"""`tf.metrics`: values, names, collections and variables as TensorFlow 1.15's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from tests.conftest import Launcher

LABELS = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.25]], np.float32)
GUESSES = np.array([[0.5, 0.25, 0.5], [0.75, 0.5, 0.125]], np.float32)
WEIGHTS = np.array([[1.0], [0.5]], np.float32)
TRUTH = LABELS > 0.4
CLASSES = np.array([0, 2, 1, 2])
FOUND = np.array([0, 1, 1, 2])


@pytest.fixture(autouse=True)
def session() -> Iterator[tf.Session]:
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


#: a metric; by 1.15: its first update, its value after two, the name of its value
METRICS: list[tuple[Callable[[], Any], Any, Any, str]] = [
    (
        lambda: tf.metrics.accuracy(CLASSES, FOUND),
        0.75,
        0.75,
        "accuracy/value:0",
    ),
    (
        lambda: tf.metrics.accuracy(CLASSES, FOUND, [1.0, 2.0, 0.0, 1.0]),
        0.5,
        0.5,
        "accuracy/value:0",
    ),
    (
        lambda: tf.metrics.mean_absolute_error(LABELS, GUESSES),
        0.3541667,
        0.3541667,
        "mean_absolute_error/value:0",
    ),
    (
        lambda: tf.metrics.mean_squared_error(LABELS, GUESSES, WEIGHTS),
        0.1614583,
        0.1614583,
        "mean_squared_error/value:0",
    ),
    (
        lambda: tf.metrics.root_mean_squared_error(LABELS, GUESSES),
        0.4360094,
        0.4360094,
        "Sqrt:0",
    ),
    (
        lambda: tf.metrics.mean_relative_error(LABELS, GUESSES, LABELS),
        0.25,
        0.25,
        "mean_relative_error/value:0",
    ),
    (
        lambda: tf.metrics.mean_cosine_distance(LABELS, GUESSES, 1),
        0.359375,
        0.359375,
        "Sub:0",
    ),
    (
        lambda: tf.metrics.percentage_below(GUESSES, 0.3),
        0.3333333,
        0.3333333,
        "percentage_below_threshold/value:0",
    ),
    (
        lambda: tf.metrics.mean(GUESSES, WEIGHTS),
        0.4305556,
        0.4305556,
        "mean/value:0",
    ),
    (
        lambda: tf.metrics.mean_tensor(GUESSES),
        [[0.5, 0.25, 0.5], [0.75, 0.5, 0.125]],
        [[0.5, 0.25, 0.5], [0.75, 0.5, 0.125]],
        "mean/value:0",
    ),
]


@pytest.mark.parametrize(("make", "first", "second", "name"), METRICS)
def test_value(
    make: Callable[[], Any],
    first: Any,
    second: Any,
    name: str,
    session: tf.Session,
) -> None:
    value, update = make()
    session.run(tf.local_variables_initializer())
    np.testing.assert_allclose(session.run(update), first, rtol=2e-6)
    session.run(update)
    np.testing.assert_allclose(session.run(value), second, rtol=2e-6)
    assert value.name == name


def test_variables_are_local_and_not_trained() -> None:
    tf.metrics.mean([1.0], name="m")
    assert [v.name for v in tf.local_variables()] == ["m/total:0", "m/count:0"]
    assert tf.get_collection(tf.GraphKeys.METRIC_VARIABLES) == tf.local_variables()
    assert not tf.global_variables()
    assert not tf.trainable_variables()


def test_collections() -> None:
    value, update = tf.metrics.accuracy(
        [1, 2], [1, 1], metrics_collections="values", updates_collections=["updates"]
    )
    assert tf.get_collection("values") == [value]
    assert tf.get_collection("updates") == [update]


def test_values_of_unknown_shape(session: tf.Session) -> None:
    labels, guesses, weights = (tf.placeholder(tf.float32) for _ in range(3))
    _, update = tf.metrics.mean_squared_error(labels, guesses, weights)
    session.run(tf.local_variables_initializer())
    fed = {labels: LABELS[..., np.newaxis], guesses: LABELS - 2, weights: WEIGHTS}
    assert session.run(update, fed) == 4.0


def test_a_mean_of_nothing_is_zero(session: tf.Session) -> None:
    value, update = tf.metrics.mean(tf.zeros([0]))
    session.run(tf.local_variables_initializer())
    assert session.run(update) == session.run(value) == 0.0


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"Shapes \(2, 3\) and \(2, 2\) are incompat"):
        tf.metrics.accuracy(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="weights can not be broadcast to values"):
        tf.metrics.mean(LABELS, [[1.0, 2.0]])


def test_predictions_for_thresholds_are_probabilities(session: tf.Session) -> None:
    guesses = tf.placeholder(tf.float32, [2])
    _, update = tf.metrics.auc([True, False], guesses)
    session.run(tf.local_variables_initializer())
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be in \[0, 1\]"):
        session.run(update, {guesses: [0.5, 1.5]})


def test_no_such_curve_or_method() -> None:
    with pytest.raises(ValueError, match="curve must be either ROC or PR, X unknown"):
        tf.metrics.auc([True], [0.5], curve="X")
    with pytest.raises(ValueError, match="Invalid summation_method: X"):
        tf.metrics.auc([True], [0.5], summation_method="X")


def test_not_in_eager_mode(launcher: Launcher) -> None:
    result = launcher.python(
        "-c",
        "import retrograd as tf; tf.enable_eager_execution()\n"
        "try: tf.metrics.mean([1.0])\n"
        "except RuntimeError as error: print(error)\n",
    )
    expected = "tf.metrics.mean is not supported when eager execution is enabled.\n"
    assert (result.stdout, result.stderr) == (expected, "")
