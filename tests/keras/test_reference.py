"""Losses, metrics and optimizers of Keras give what TensorFlow 1.15's give."""

from __future__ import annotations

import gzip
import importlib.util
import json
import types
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.layers import naming

DATA = Path(__file__).resolve().parent.parent / "data"
EXPECTED = json.loads(gzip.decompress((DATA / "keras.json.gz").read_bytes()))


def load(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNS = load("keras_runs")
LINES = RUNS.all_lines(load("keras_cases"))


def compare(found: Any, wanted: Any) -> None:
    """Texts and structures are equal, numbers close."""
    if isinstance(wanted, list):
        assert isinstance(found, list) and len(found) == len(wanted)
        if wanted and all(isinstance(x, (int, float)) for x in wanted):
            # of float32 numbers, whose last digits differ
            scale = float(np.abs(wanted).max())
            np.testing.assert_allclose(found, wanted, rtol=3e-5, atol=3e-6 * scale)
            return
        for a, b in zip(found, wanted, strict=True):
            compare(a, b)
    else:
        assert found == wanted


def graph() -> AbstractContextManager[Any]:
    return tf.Graph().as_default()


@pytest.mark.parametrize("mode", ["graph", "eager"])
@pytest.mark.parametrize("kind", list(RUNS.KINDS))
def test_as_tensorflow(kind: str, mode: str) -> None:
    wrong = {}
    for line in [line for found, line in LINES if found == kind]:
        wanted = EXPECTED[mode][f"{kind} {line}"]
        with context.eager_mode() if mode == "eager" else graph():
            naming.uids_of_default_graph().clear()
            found = RUNS.read(RUNS.Mode(tf, mode == "eager"), kind, line)
        try:
            compare(found, wanted)
        except AssertionError as error:
            wrong[line] = (found, wanted, str(error))
    assert not wrong, wrong


def test_all_lines_are_expected() -> None:
    for mode in ("graph", "eager"):
        assert set(EXPECTED[mode]) == {f"{kind} {line}" for kind, line in LINES}
