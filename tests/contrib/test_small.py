"""Small parts of tf.contrib; the expected values are TensorFlow 1.15.5's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf

X = [[1.0, 0.5, -2.0], [0.0, 3.0, 2.9]]


def test_summaries_of_old() -> None:
    old = tf.contrib.deprecated
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.constant([1.0, 2.0])
        made = [
            old.scalar_summary("a/b c", x[0]),
            old.scalar_summary(["p", "q"], x, name="n"),
            old.image_summary("i", tf.zeros([2, 3, 3, 1]), max_images=2),
            old.audio_summary("au", tf.zeros([1, 5]), 16000),
        ]
        histogram = old.histogram_summary("h", x, collections=["k"])
        merged = old.merge_summary(made[:2])
        names = [t.name for t in tf.get_collection("summaries")]
        assert names == ["ScalarSummary:0", "n:0", "ImageSummary:0", "AudioSummary:0"]
        assert tf.get_collection("k") == [histogram]
        assert graph.get_tensor_by_name("AudioSummary/sample_rate:0").shape == []
        assert old.merge_all_summaries().op.name == "MergeSummary_1/MergeSummary"
        assert old.merge_all_summaries("none") is None
        found = tf.Summary.FromString(session.run(merged)).value
        assert [(v.tag, v.simple_value) for v in found] == [
            ("a/b c", 1.0),
            ("p", 1.0),
            ("q", 2.0),
        ]


def embeddings() -> tuple[Any, Any]:
    random = np.random.RandomState(1)
    first, second = (random.randn(8, 4).astype("float32") for _ in range(2))
    return tf.constant(first), tf.constant(second)


LABELS = [0, 1, 2, 0, 1, 2, 0, 3]


def multilabel(learning: Any, a: Any, b: Any) -> Any:
    rows = ([[0, 1], [0, 3]], [[0, 1]], [[0, 2]])
    labels = [tf.SparseTensor(at, [1] * len(at), [1, 4]) for at in rows]
    return learning.npairs_loss_multilabel(labels, a[:3], b[:3])


@pytest.mark.parametrize(
    ("make", "name", "value", "slope"),
    [
        (
            lambda m, a, b: m.contrastive_loss([0, 1, 1, 0, 1, 0, 1, 1], a, b, 2.0),
            "contrastive_loss",
            5.4817753,
            5.704074,
        ),
        (
            lambda m, a, b: m.triplet_semihard_loss(
                tf.constant(LABELS), tf.nn.l2_normalize(a, 1), 0.5
            ),
            "triplet_semihard_loss",
            0.14203033,
            3.2563717,
        ),
        (
            lambda m, a, b: m.lifted_struct_loss(tf.constant(LABELS), a),
            "liftedstruct_loss",
            5.865518,
            8.630333,
        ),
        (
            lambda m, a, b: m.npairs_loss(tf.constant(LABELS), a, b),
            "add_",
            2.8157496,
            2.4580998,
        ),
        (multilabel, "NpairsLossMultiLabel/add_", 2.4969141, 2.302021),
    ],
)
def test_losses_of_embeddings(make: Any, name: str, value: float, slope: float) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        a, b = embeddings()
        loss = make(tf.contrib.losses.metric_learning, a, b)
        (gradient,) = tf.gradients(loss, a)
        assert loss.op.name.startswith(name)
        found = session.run([loss, tf.reduce_sum(tf.abs(gradient))])
    assert found == pytest.approx([value, slope], 1e-4)


@pytest.mark.parametrize(
    ("weights", "value"),
    [(1.0, 3.5555553), ([1.0, 2.0], 4.0), ([[1.0], [0.5]], -18.0)],
)
def test_errors_of_pairs(weights: Any, value: float) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([[1.0, 2.0, 4.0], [3.0, 1.0, 0.0]])
        y = tf.constant([[0.0, 2.0, 1.0], [3.0, 2.0, 0.0]])
        found = tf.contrib.losses.mean_pairwise_squared_error(x, y, weights)
        assert found.name == "mean_pairwise_squared_error/value_2:0"
        assert tf.get_collection("losses") == [found]
        assert session.run(found) == pytest.approx(value, 1e-5)


def test_sparsemax() -> None:
    functions = tf.contrib.sparsemax
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(X)
        p = functions.sparsemax(x)
        loss = functions.sparsemax_loss(x, p, tf.constant([[1.0, 0, 0], [0, 1.0, 0]]))
        weighed = p * [[1.0, 2, 3], [4, 5, 6]]
        slopes = [tf.gradients(y, x)[0] for y in (loss, weighed)]
        odd = functions.sparsemax(tf.constant([[np.nan, 1], [-np.inf, 2]], tf.float32))
        found = session.run([p, loss, *slopes, odd])
    wanted = [
        [[0.75, 0.25, 0], [0, 0.55, 0.45]],
        [0.0625, 0.2025],
        [[-0.25, 0.25, 0], [0, -0.45, 0.45]],
        [[-0.5, 0.5, 0], [0, -0.5, 0.5]],
        [[np.nan, np.nan], [0, 1]],
    ]
    for value, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(value, right, 1e-5, 1e-6)


def test_activations() -> None:
    functions = tf.contrib.nn
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(X)
        clipped = functions.scaled_softplus(x, 2.0, clip=1.0)
        dropped = functions.alpha_dropout(x, 0.5, seed=3)
        found = session.run([clipped, tf.gradients(clipped, x)[0], dropped])
        assert functions.alpha_dropout(x, 1.0) is x
        with pytest.raises(ValueError, match=r"in the range \(0, 1\], got 2$"):
            functions.alpha_dropout(x, 2)
    np.testing.assert_allclose(found[0], [[1, 1, 0.6265233], [1, 1, 1]], 1e-6)
    np.testing.assert_allclose(found[1], [[0, 0, 0.2689414], [0, 0, 0]], 1e-6)
    # SELU's lowest value after scale and shift, where all that falls is
    lowest = found[2][found[2] < -0.7]
    assert len(lowest) > 0 and (np.abs(lowest + 0.7791939) < 0.3).all()


def test_losses_with_logits_first() -> None:
    functions = tf.contrib.nn
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(X)
        table = tf.constant(np.random.RandomState(0).randn(5, 3).astype("float32"))
        sampled = tf.constant([0, 1, 4], tf.int64), [[0.5], [0.5]], [0.5, 0.5, 0.5]
        labels = tf.constant([[1], [2]], tf.int64)
        found = functions.sampled_sparse_softmax_loss(
            table, tf.zeros([5]), labels, x, 3, 5, sampled_values=sampled
        )
        assert session.run(found) == pytest.approx([0.01143886, 5.1150265], 1e-4)
        y = tf.nn.softmax(x)
        for old, new in (
            (
                functions.deprecated_flipped_softmax_cross_entropy_with_logits(x, y),
                tf.nn.softmax_cross_entropy_with_logits(logits=x, labels=y),
            ),
            (
                functions.deprecated_flipped_sigmoid_cross_entropy_with_logits(x, y),
                tf.nn.sigmoid_cross_entropy_with_logits(logits=x, labels=y),
            ),
            (
                functions.deprecated_flipped_sparse_softmax_cross_entropy_with_logits(
                    x, [1, 2]
                ),
                tf.nn.sparse_softmax_cross_entropy_with_logits(logits=x, labels=[1, 2]),
            ),
        ):
            values = session.run([old, new])
            assert (values[0] == values[1]).all()
