"""What an expression with sparse tensors comes to; Python 3.7 reads this too."""

from __future__ import annotations

import os
import re

import numpy as np

try:
    from tests.ops import outcomes
except ImportError:  # beside it, where TensorFlow 1.15 is asked
    import outcomes  # pyright: ignore[reportMissingImports]

CASES = os.path.join(os.path.dirname(__file__), "..", "data", "sparse_cases.txt")


def cases():
    """The expressions of each section of the file."""
    return outcomes.cases(CASES)


def names(tf, gen, ctc):
    """What each expression may name, as a function of its text."""
    scope = outcomes.names(tf, gen)
    unknown = scope["U"]

    def sparse(indices, values, shape):
        return tf.SparseTensor(indices, values, shape)

    def blurred(indices, values, shape):
        return tf.SparseTensor(
            unknown(np.array(indices, np.int64)),
            unknown(values),
            unknown(np.array(shape, np.int64)),
        )

    def gradients(y, xs):
        weights = tf.cast(tf.range(1, tf.size(y) + 1), y.dtype)
        total = tf.reduce_sum(tf.reshape(y, [-1]) * weights)
        found = tf.gradients(total, xs)
        return [
            tf.constant("none") if g is None else tf.convert_to_tensor(g) for g in found
        ]

    made = tensors(tf, sparse)
    scope.update(
        ctc=ctc,
        crf=tf.contrib.crf,
        S=sparse,
        V=blurred,
        P=lambda s: [s.indices, s.values, s.dense_shape],
        R=lambda s: s.get_shape(),
        DEC=lambda found: [
            [[s.indices, s.values, s.dense_shape] for s in found[0]],
            found[1],
        ],
        G=gradients,
    )
    return lambda text: dict(
        scope, **{n: made[n]() for n in made if re.search(rf"\b{n}\b", text)}
    )


def _noise(shape):
    """Numbers without a pattern, the same everywhere."""
    count = int(np.prod(shape))
    return np.sin(np.arange(1, count + 1) ** 2).astype(np.float32).reshape(shape)


def tensors(tf, sparse):
    """How the tensors that expressions name are made."""
    at = [[0, 0], [0, 2], [1, 1]]
    ids = [[0, 0], [0, 1], [2, 0], [3, 0]]
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    grid = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    return {
        "A": lambda: sparse(at, [1.0, 2.0, 3.0], [2, 3]),
        "B": lambda: sparse([[0, 2], [1, 0]], [4.0, 1.5], [2, 3]),
        "W": lambda: sparse(at, ["a", "b", "c"], [2, 3]),
        "E": lambda: sparse(
            np.zeros([0, 2], np.int64), np.zeros([0], np.float32), [2, 3]
        ),
        "v": lambda: tf.constant(0.5),
        "x2": lambda: tf.constant([1.0, 2.0]),
        "y3": lambda: tf.constant([1.0, 2.0, 3.0]),
        "y23": lambda: tf.constant(grid),
        "x42": lambda: tf.constant(table),
        "D1": lambda: tf.constant([[1, 2, 2], [5, 3, 3]]),
        "D2": lambda: tf.constant([[2, 4], [3, 5]]),
        "S1": lambda: sparse(at, [9, 2, 3], [2, 3]),
        "S2": lambda: sparse([[0, 0], [1, 1], [1, 2]], [2, 4, 3], [2, 3]),
        "H": lambda: sparse([[0, 0], [0, 1], [1, 0]], [1, 2, 3], [3, 2]),
        "T": lambda: sparse([[0, 0], [0, 1], [0, 2], [2, 0]], [1, 3, 2, 1], [3, 3]),
        "T4": lambda: tf.constant(table),
        "L": lambda: sparse(ids, np.array([0, 3, -1, 2]), [5, 2]),
        "LW": lambda: sparse(ids, [1.0, 3.0, 2.0, -1.0], [5, 2]),
        "X": lambda: tf.constant(_noise([5, 2, 4])),
        "XF": lambda: tf.constant(_noise([5, 2, 4]).astype(np.float64)),
        "XR": lambda: tf.constant(
            np.eye(4, dtype=np.float32)[
                np.reshape([2, 1, 2, 1, 3, 0, 2, 0, 0, 3], [5, 2])
            ]
        ),
        "XB": lambda: tf.constant(2 * _noise([12, 2, 5])),
        "XS": lambda: tf.nn.softmax(tf.constant(_noise([2, 5, 4]))),
        "Y": lambda: sparse([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 2, 1, 0], [2, 3]),
        "YR": lambda: sparse([[0, 0], [0, 1], [1, 0]], [2, 2, 1], [2, 2]),
        "LD": lambda: tf.constant([[1, 2, 2], [3, 1, 0]]),
        "CX": lambda: tf.constant(_noise([3, 4, 2])),
        "CT": lambda: tf.constant([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0]]),
        "CL": lambda: tf.constant([4, 2, 3]),
        "CP": lambda: tf.constant(_noise([2, 2]) + 0.5),
        "CB": lambda: tf.constant(np.arange(24).reshape(3, 4, 2) % 5 > 0),
        "L3": lambda: sparse(
            [[0, 0, 0], [0, 1, 0], [1, 1, 1]], np.array([0, 3, 1]), [2, 2, 2]
        ),
    }
