"""Tensors read from strings, held to TensorFlow 1.15."""

from __future__ import annotations

import json
import pathlib

import pytest

import retrograd as tf
from retrograd.graph import context
from tests.ops import parsing_programs as programs

DATA = pathlib.Path(__file__).parent.parent / "data" / "parsing.json"
WANTED = json.loads(DATA.read_text())
COVERED = {
    "base64": ("DecodeBase64", "EncodeBase64"),
    "compressed": ("DecodeCompressed",),
    "csv": ("DecodeCSV",),
    "examples": ("ParseExample", "ParseSingleExample"),
    "json_examples": ("DecodeJSONExample",),
    "raw": ("DecodeRaw", "DecodePaddedRaw"),
    "sequences": ("ParseSequenceExample", "ParseSingleSequenceExample"),
    "sparse_features": ("SparseReorder",),
    "tensors": ("ParseTensor", "SerializeTensor"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.covers(*COVERED.get(name, ())))
        for name in programs.PROGRAMS
    ],
)
def test_against_tensorflow(name: str) -> None:
    assert json.loads(json.dumps(programs.PROGRAMS[name](tf))) == WANTED[name]


def test_records_are_read_at_once_when_executing_eagerly() -> None:
    record = programs.example(tf, a=("int64", [1, 2]), s=("bytes", [b"q"]))
    features = {"a": tf.FixedLenFeature([2], tf.int64), "s": tf.VarLenFeature("string")}
    with context.eager_mode():
        found = tf.parse_single_example(record, features)
        assert found["a"].numpy().tolist() == [1, 2]
        assert found["s"].values.numpy().tolist() == [b"q"]
        assert tf.decode_raw(b"\1\0", tf.int16).numpy().tolist() == [1]


def test_values_of_a_sparse_tensor_keep_their_derivatives_when_sorted() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        values = tf.constant([1.0, 2.0, 3.0])
        made = tf.raw_ops.SparseReorder(
            input_indices=[[2, 0], [0, 1], [0, 0]],
            input_values=values,
            input_shape=[3, 2],
        )
        ordered = made.output_values
        slope = tf.gradients(ordered * [10.0, 20.0, 30.0], values)[0]
        assert session.run(ordered).tolist() == [3, 2, 1]
        assert session.run(slope).tolist() == [30, 20, 10]
