"""Keras' backend makes what TensorFlow 1.15's makes, in graphs and in eager mode."""

from __future__ import annotations

import gzip
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.compat.namespace import namespace
from retrograd.graph import context

DATA = Path(__file__).resolve().parent.parent / "data"
EXPECTED = json.loads(gzip.decompress((DATA / "backend.json.gz").read_bytes()))
INNER = namespace("python.keras.backend")

with pytest.MonkeyPatch.context() as patch:
    # the runs import each other as scripts do, under either TensorFlow
    patch.syspath_prepend(str(DATA))
    RUNS = importlib.import_module("backend_runs")

#: where TensorFlow's result is not worth having, or comes from elsewhere, and why
OTHERWISE = {
    "K.batch_normalization(P('2x2x3x3'), P('2'), K.abs(P('2')), P('2'), P('2'), axis=1)"
    : "its CPU has no kernel for channels that come first",
    "f = K.function(x, {'y'": "it refuses to return what it was given",
    "f([A('3')])": "in graphs it feeds placeholders values of other shapes",
    "f(3)": "in graphs it feeds placeholders values of other shapes",
    "tf.SparseTensor([[0, 1]]": "there is no tf.sparse",
}  # fmt: skip


LINES = [x for x in EXPECTED if not any(part in x for part in OTHERWISE)]


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    yield
    tf.keras.backend.clear_session()


def close(found: list[Any], wanted: list[Any]) -> None:
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6)


def compare(line: str, eager: bool) -> None:
    found = json.loads(json.dumps(RUNS.described(tf, INNER, line, eager)))
    RUNS.compared(found, EXPECTED[line][eager], close)


@pytest.mark.parametrize("line", LINES)
def test_in_a_graph(line: str) -> None:
    compare(line, eager=False)


@pytest.mark.parametrize("line", LINES)
def test_in_eager_mode(line: str) -> None:
    with context.eager_mode():
        compare(line, eager=True)
        tf.keras.backend.clear_session()
