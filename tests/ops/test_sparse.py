"""Sparse tensors against what TensorFlow 1.15 makes of the same expressions."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import retrograd as tf
from retrograd.ops import raw
from retrograd.ops.nn import ctc
from tests.ops import outcomes, sparse_outcomes
from tests.ops.test_array import assert_same

STORED = Path(__file__).parents[1] / "data" / "sparse.json.gz"
KEPT = json.loads(gzip.decompress(STORED.read_bytes()))

_KNOWN = "more is known of its shape"
_UNKNOWN = "1.15 has not thought of an unknown rank"
_NOTHING = "of no labels 1.15 counts memory that is another's"
#: expressions where TensorFlow gives something else, and why
OTHERWISE = {
    "R(tf.sparse.slice(A, [0, 1], [2, 2]))": _KNOWN,
    "R(tf.sparse.transpose(A))": _KNOWN,
    "R(tf.sparse.expand_dims(A, 0))": _KNOWN,
    "R(tf.sparse.retain(A, [True, False, True]))": _KNOWN,
    "R(tf.sets.union(D1, D2))": _KNOWN,
    "R(tf.sets.union(S1, S2))": _KNOWN,
    "P(tf.sparse.expand_dims(A, -4))": "one of several operations fails first",
    "tf.edit_distance(V([[1, 0], [0, 0]], [1, 2], [2, 2]), V([[0, 0]], [1], [2, 1]))": (
        "of elements that are not in order"
    ),
    "tf.nn.ctc_loss(S([[0, 0], [1, 0]], [1, 3], [2, 1]), X, [5, 5])": _NOTHING,
    "tf.nn.ctc_loss(S([[0, 0], [1, 0]], [1, 7], [2, 1]), X, [5, 5])": _NOTHING,
    "tf.nn.ctc_loss(S([[0, 0], [1, 0], [1, 1]], [1, 3, 3], [2, 2]), X, [5, 5])": (
        _NOTHING
    ),
    "tf.nn.ctc_loss_v2(LD, X, [3, 1], [5, 5], blank_index=-1)": "a label is the blank",
    "P(tf.sparse.expand_dims(A, 3))": "found when run",
    "P(tf.sparse.expand_dims(V([[0, 1]], [2.], [2, 3]), -1))": _UNKNOWN,
    "P(tf.sparse.reset_shape(V([[0, 1]], [2.], [2, 3]), [1, 5]))": _UNKNOWN,
    **{
        text: "1.15 goes on with the log of the least number"
        for text in KEPT["ctc_dense"]
        if "[3, 2], [3, 4]" in text or "[3, 2], [2, 4]" in text or "[0, 4]" in text
    },
    next(t for t in KEPT["ctc_dense"] if t.startswith("G(tf.gradients")): (
        "the error names another operation"
    ),
}
#: the same, of graphs
GRAPHS = {
    "tf.sparse.reset_shape(V([[0, 1]], [2.], [2, 3]), [4, 5])": _UNKNOWN,
    "tf.sparse.concat(0, [A, B], expand_nonconcat_dim=True)": _KNOWN,
    "tf.sparse.transpose(A)": _KNOWN,
    "tf.nn.safe_embedding_lookup_sparse(T4, L, LW)": _KNOWN,
    "tf.nn.safe_embedding_lookup_sparse(T4, L3, default_id=1)": _KNOWN,
    "tf.gradients(tf.nn.ctc_loss(Y, X, [5, 5]), X)": "zeros are made elsewhere",
    "tf.gradients(tf.sparse.to_dense(A, v), [v, A.values])": "no zeros for indices",
    "tf.gradients(tf.sparse.reduce_sum(A, 0), A.values)": "casts what may be cast",
    "tf.gradients(tf.sparse.matmul(A, y23, adjoint_b=True), [A.values, y23])": (
        "derivatives are made in another order"
    ),
}


def _cases() -> list[tuple[str, str]]:
    return [
        (section, text)
        for section, found in KEPT.items()
        for text in found
        if text not in (GRAPHS if section == "graphs" else OTHERWISE)
    ]


class _Generated:
    """Every op type as a function, by its name in lower case."""

    def __getattr__(self, name: str) -> Any:
        return raw.function(name)


SCOPE = sparse_outcomes.names(tf, _Generated(), ctc)


@pytest.mark.parametrize(("section", "text"), _cases())
def test_expression(section: str, text: str) -> None:
    way = outcomes.graph_of if section == "graphs" else outcomes.value_of
    found = json.loads(json.dumps(way(tf, SCOPE, text)))
    kept = KEPT[section][text]
    if section != "graphs":
        assert_same(found, kept, 1e-6 if "ctc" in text or "crf" in text else 0.0)
    else:
        assert found == kept


@pytest.mark.covers("SerializeManySparse", "DeserializeManySparse", "DeserializeSparse")
@pytest.mark.parametrize("kind", [tf.string, tf.variant])
def test_what_is_serialized_comes_back(kind: tf.DType) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        given = tf.SparseTensor([[0, 1], [2, 0]], [b"a" * 200, b""], [3, 2])
        packed = tf.serialize_many_sparse(given, out_type=kind)
        found = raw.function("deserialize_sparse")(packed, tf.string)
        rows = tf.serialize_many_sparse(given)
        again = tf.deserialize_many_sparse(rows, tf.string, rank=1)
        (indices, values, shape), other = session.run([found, again])
    assert indices.tolist() == [[0, 1], [2, 0]]
    assert values.tolist() == [b"a" * 200, b""]
    assert shape.tolist() == [3, 2]
    assert other.values.tolist() == values.tolist()


@pytest.mark.covers("SparseCross")
def test_features_are_crossed() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        colours = tf.constant([["red", "blue"], ["green", ""]])
        sizes = tf.SparseTensor([[0, 0]], [7], [2, 1])
        found = session.run(tf.sparse.cross([colours, sizes]))
    # columns that are sparse come first
    assert found.values.tolist() == [b"7_X_red", b"7_X_blue"]
    assert found.dense_shape.tolist() == [2, 2]
