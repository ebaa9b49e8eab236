"""`tf.metrics` of the k highest predictions: numbers and names of TensorFlow 1.15."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as tf

SCORES = np.array([[0.1, 0.3, 0.2, 0.4], [0.4, 0.1, 0.3, 0.2]], np.float32)
LABELS = np.array([[1, 3, 3], [2, 7, -1]])
PAIRS = np.array([[1, 2], [2, 3]])
TRUE, LIKELY = np.array([1, 0, 1, 0]), np.array([0.1, 0.2, 0.9, 0.6], np.float32)


def sparse() -> Any:
    return tf.SparseTensor(
        tf.constant([[0, 0], [0, 1], [1, 0]], tf.int64),
        tf.constant([1, 3, 0], tf.int64),
        tf.constant([2, 3], tf.int64),
    )


M = tf.metrics
#: a metric; by 1.15: its value after an update, the name of that, a variable
METRICS: list[tuple[Callable[[], Any], float, str, str]] = [
    (
        lambda: M.precision_at_k([[1], [2]], SCORES, 2),
        0.5,
        "precision_at_2/update:0",
        "precision_at_2/true_positive_at_2:0",
    ),
    (
        lambda: M.precision_at_k([1, 3], SCORES, 2),
        0.25,
        "precision_at_2/update:0",
        "precision_at_2/false_positive_at_2:0",
    ),
    (
        lambda: M.precision_at_k(LABELS, SCORES, 2, weights=[1.0, 2.0]),
        2 / 3,
        "precision_at_2/update:0",
        "precision_at_2/true_positive_at_2:0",
    ),
    (
        lambda: M.precision_at_k([[1, 1], [2, 3]], SCORES, 2, class_id=1),
        1.0,
        "precision_at_2_class1/update:0",
        "precision_at_2_class1/true_positive_at_2_class1:0",
    ),
    (
        lambda: M.sparse_precision_at_k(PAIRS, SCORES, 3, name="own"),
        2 / 3,
        "own/update:0",
        "own/true_positive_at_3:0",
    ),
    (
        lambda: M.recall_at_k(LABELS, SCORES, 2),
        0.6,
        "recall_at_2/update:0",
        "recall_at_2/false_negative_at_2:0",
    ),
    (
        lambda: M.recall_at_k(sparse(), SCORES, 2),
        1.0,
        "recall_at_2/update:0",
        "recall_at_2/false_negative_at_2:0",
    ),
    (
        lambda: M.recall_at_k([[[1, 3], [2, 0]]], SCORES[None], 2),
        1.0,
        "recall_at_2/update:0",
        "recall_at_2/true_positive_at_2:0",
    ),
    (
        lambda: M.average_precision_at_k(PAIRS, SCORES, 3),
        0.5833333,
        "average_precision_at_3:0",
        "average_precision_at_3/max_1:0",
    ),
    (
        lambda: M.sparse_average_precision_at_k(
            [[1, 2], [2, -1]], SCORES, 3, weights=[1.0, 3.0]
        ),
        0.5208333,
        "average_precision_at_3:0",
        "average_precision_at_3/total:0",
    ),
    (
        lambda: M.average_precision_at_k(sparse(), SCORES, 2),
        1.0,
        "average_precision_at_2:0",
        "average_precision_at_2/total:0",
    ),
    (
        lambda: M.precision_at_top_k([[1], [2]], [[1, 3], [0, 2]], k=2),
        0.5,
        "precision_at_2/update:0",
        "precision_at_2/true_positive_at_2:0",
    ),
    (
        lambda: M.recall_at_top_k([[1], [2]], [[1, 3], [0, 0]]),
        0.5,
        "recall_at_k/update:0",
        "recall_at_k/true_positive_at_k:0",
    ),
    (
        lambda: M.sensitivity_at_specificity(TRUE, LIKELY, 0.5, num_thresholds=4),
        0.5,
        "sensitivity_at_specificity/update_op:0",
        "sensitivity_at_specificity/true_positives:0",
    ),
    (
        lambda: M.sensitivity_at_specificity(TRUE, LIKELY, 0.5, [1.0, 2.0, 3.0, 1.0]),
        0.75,
        "sensitivity_at_specificity/update_op:0",
        "sensitivity_at_specificity/true_negatives:0",
    ),
    (
        lambda: M.specificity_at_sensitivity(TRUE, LIKELY, 0.5, num_thresholds=4),
        1.0,
        "specificity_at_sensitivity/update_op:0",
        "specificity_at_sensitivity/false_negatives:0",
    ),
]


@pytest.mark.parametrize("place", range(len(METRICS)))
def test_values_and_names(place: int) -> None:
    metric, wanted, name, variable = METRICS[place]
    with tf.Graph().as_default(), tf.Session() as session:
        value, update = metric()
        session.run(tf.local_variables_initializer())
        for _ in range(2):
            assert session.run(update) == pytest.approx(wanted, rel=1e-6)
        assert session.run(value) == pytest.approx(wanted, rel=1e-6)
        assert update.name == name
        assert variable in [v.name for v in tf.local_variables()]


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (lambda: M.average_precision_at_k(PAIRS, SCORES, 0), "Invalid k=0."),
        (
            lambda: M.specificity_at_sensitivity(TRUE, LIKELY, 1.5),
            r"`sensitivity` must be in the range \[0, 1\].",
        ),
        (
            lambda: M.precision_at_k(PAIRS, SCORES, 2, weights=[1.0, 2.0, 3.0]),
            "weights can not be broadcast to values.",
        ),
    ],
)
def test_refused(metric: Callable[[], Any], said: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=said):
        metric()
