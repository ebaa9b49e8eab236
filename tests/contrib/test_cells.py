"""The cells of `tf.contrib.rnn` against TensorFlow 1.15: values, gradients, names."""

from __future__ import annotations

import gzip
import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from tests.layers.test_reference import DATA, RUNS, close, load

import retrograd as tf
from retrograd.contrib.rnn import light, neural_turing, normalized

EXPECTED = json.loads(gzip.decompress((DATA / "cells.json.gz").read_bytes()))


#: the cells that are not public
INSIDE = {
    "MinimalRNNCell": light.MinimalRNNCell,
    "CFNCell": light.CFNCell,
    "NTMCell": neural_turing.NTMCell,
    "LayerNormLSTMCell": normalized.LayerNormLSTMCell,
    "WeightNormLSTMCell": normalized.WeightNormLSTMCell,
}


def programs() -> Any:
    """The programs; they import what lies beside them."""
    sys.modules.setdefault("layer_runs", RUNS)
    sys.modules.setdefault("recurrent_programs", load("recurrent_programs"))
    found = load("cell_programs")
    found.inside = SimpleNamespace(**INSIDE)
    return found


PROGRAMS = programs()


#: those that are also run compiled: an op that is a loop, forwards and backwards
RUNS_OF = [(name, 0) for name in PROGRAMS.PROGRAMS] + [("whole_lengths", 1)]


@pytest.mark.parametrize(("name", "tier"), RUNS_OF)
def test_cell(name: str, tier: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", str(tier))
    found = json.loads(json.dumps(PROGRAMS.described(tf, name)))
    wanted = EXPECTED[name]
    assert found.keys() == wanted.keys()
    tolerances = {"values": 1e-5, "gradients": 1e-4}
    for key in wanted.keys() - tolerances.keys():
        # a conditional with two results is of another number of operations there
        if (name, key) == ("turing", "seeds"):
            continue
        assert found[key] == wanted[key], key
    for key, tolerance in tolerances.items():
        pairs = zip(found[key], wanted[key], strict=True)
        for place, (a, b) in enumerate(pairs):
            close(a, b, tolerance, f"{key} {place}")


c = tf.contrib.rnn


def _x(*sizes: int | None) -> Any:
    return tf.placeholder(tf.float32, sizes)


def _z(size: int) -> Any:
    return tf.zeros([2, size])


#: what TensorFlow 1.15 says; in a graph of their own
REFUSED = [
    (lambda: c.UGRNNCell(3)(_x(2, None), _z(3)), "Could not infer input size from inp"),
    (
        lambda: c.IntersectionRNNCell(3)(_z(4), _z(3)),
        "Must have input size == output size for Intersection RNN. To fix, num_in_proj "
        "should be set to num_units at cell init.",
    ),
    (
        lambda: c.GLSTMCell(5, number_of_groups=2),
        "num_units must be divisible by number_of_groups",
    ),
    (
        lambda: c.GLSTMCell(4, number_of_groups=2, num_proj=3),
        "num_proj must be divisible by number_of_groups",
    ),
    (
        lambda: c.GLSTMCell(4, number_of_groups=2)(_z(3), (_z(4), _z(4))),
        "input size (3) must be divisible by number_of_groups (2)",
    ),
    (
        lambda: c.SRUCell(3)(_x(2, None), _z(3)),
        "Expected inputs.shape[-1] to be known, saw shape: (2, ?)",
    ),
    (lambda: c.GridLSTMCell(3), "Must specify num_frequency_blocks"),
    (
        lambda: c.GridLSTMCell(
            3, feature_size=2, frequency_skip=1, num_frequency_blocks=[1]
        )(_z(4), (_z(3), _z(3))),
        "Invalid num_frequency_blocks, requires 1 but gets 3, please check the input "
        "size and filter config are correct.",
    ),
    (
        lambda: c.AttentionCellWrapper(c.GRUCell(3), 0),
        "attn_length should be greater than zero, got 0",
    ),
    (
        lambda: c.AttentionCellWrapper(c.LSTMCell(3), 2, state_is_tuple=False),
        "Cell returns tuple of states, but the flag state_is_tuple is not set. State "
        "size is: LSTMStateTuple(c=3, h=3)",
    ),
    (
        lambda: c.OutputProjectionWrapper(c.GRUCell(3), 0),
        "Parameter output_size must be > 0: 0.",
    ),
    (
        lambda: c.EmbeddingWrapper(c.GRUCell(3), 0, 3),
        "Both embedding_classes and embedding_size must be > 0: 0, 3.",
    ),
    (
        lambda: c.HighwayWrapper(c.GRUCell(3))(_z(4), _z(3)),
        "Shapes (2, 4) and (2, 3) are incompatible",
    ),
    (
        lambda: c.Conv1DLSTMCell(input_shape=[5], output_channels=3, kernel_shape=[3]),
        "Invalid input_shape [5] for conv_ndims=1.",
    ),
    (
        lambda: c.LSTMBlockCell(3)(_x(2, None), (_z(3), _z(3))),
        "Expecting inputs_shape[1] to be set: (2, ?)",
    ),
    (lambda: c.GRUBlockCell(), "Exactly one of num_units or cell_size must be provide"),
    (
        lambda: c.LSTMBlockFusedCell(3)(_x(2, 2, 4)),
        "Either initial_state or dtype needs to be specified",
    ),
    (
        lambda: c.CoupledInputForgetGateLSTMCell(3, num_unit_shards=9)(
            _z(4), (_z(3), _z(3))
        ),
        "Too many shards: shape=[7, 9], num_shards=9",
    ),
]


@pytest.mark.parametrize(("call", "text"), REFUSED)
def test_refused(call: Any, text: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=re.escape(text)):
        call()


def test_an_embedding_is_given_to_the_cell() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        inner = c.BasicRNNCell(2, activation=tf.identity)
        cell = c.EmbeddingWrapper(inner, 5, 2)
        y, _ = cell(tf.constant([[1], [4]]), tf.zeros([2, 2]))
        table, kernel, bias = tf.global_variables()
        assert table.name == "embedding_wrapper/embedding:0"
        assert table.shape == (5, 2)
        session.run(tf.global_variables_initializer())
        got, rows, w, b = session.run([y, table, kernel, bias])
        assert abs(rows).max() <= 3**0.5
        assert abs(got - (rows[[1, 4]] @ w[:2] + b)).max() < 1e-6


def test_weights_are_used_again_by_the_same_cell() -> None:
    with tf.Graph().as_default():
        cell = c.OutputProjectionWrapper(c.LSTMBlockCell(3), 2)
        outputs, _ = tf.nn.dynamic_rnn(cell, tf.zeros([2, 3, 4]), dtype=tf.float32)
        assert outputs.shape == (2, 3, 2)
        assert [w.name for w in tf.global_variables()] == [
            "rnn/output_projection_wrapper/lstm_cell/kernel:0",
            "rnn/output_projection_wrapper/lstm_cell/bias:0",
            "rnn/output_projection_wrapper/kernel:0",
            "rnn/output_projection_wrapper/bias:0",
        ]
