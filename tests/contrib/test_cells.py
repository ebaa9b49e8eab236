"""The cells of `tf.contrib.rnn` against TensorFlow 1.15: values, gradients, names."""

from __future__ import annotations

import gzip
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from tests.layers.test_reference import DATA, RUNS, close, load

import retrograd as tf
from retrograd.contrib.rnn import light, normalized

EXPECTED = json.loads(gzip.decompress((DATA / "cells.json.gz").read_bytes()))


#: the cells that are not public
INSIDE = {
    "MinimalRNNCell": light.MinimalRNNCell,
    "CFNCell": light.CFNCell,
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


@pytest.mark.parametrize("name", PROGRAMS.PROGRAMS)
def test_cell(name: str) -> None:
    found = json.loads(json.dumps(PROGRAMS.described(tf, name)))
    wanted = EXPECTED[name]
    assert found.keys() == wanted.keys()
    tolerances = {"values": 1e-5, "gradients": 1e-4}
    for key in wanted.keys() - tolerances.keys():
        assert found[key] == wanted[key], key
    for key, tolerance in tolerances.items():
        pairs = zip(found[key], wanted[key], strict=True)
        for place, (a, b) in enumerate(pairs):
            close(a, b, tolerance, f"{key} {place}")
