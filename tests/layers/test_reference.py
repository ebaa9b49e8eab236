"""Layers make what TensorFlow 1.15's make: nodes, weights, configurations, numbers."""

from __future__ import annotations

import gzip
import importlib.util
import json
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.layers.deserialization import all_layers

DATA = Path(__file__).resolve().parent.parent / "data"
FILES = {"layer_cases": "layers", "recurrent_cases": "recurrent"}


def load(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expected() -> dict[str, Any]:
    """What TensorFlow makes of each line."""
    found: dict[str, Any] = {}
    for name in FILES.values():
        found.update(
            json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))
        )
    return found


RUNS, EXPECTED = load("layer_runs"), expected()
CASES = [line for cases in FILES for line in load(cases).CASES]

#: by how much numbers may differ; gradients and losses are sums
TOLERANCE = {"value": 1e-5, "updated": 1e-5, "gradients": 1e-4, "losses": 1e-4}


def close(found: Any, wanted: Any, tolerance: float, what: str) -> None:
    (shape, numbers), (wanted_shape, wanted_numbers) = found, wanted
    assert shape == wanted_shape, what
    scale = max(np.abs(wanted_numbers), default=0.0)
    np.testing.assert_allclose(
        numbers, wanted_numbers, rtol=tolerance, atol=tolerance * scale, err_msg=what
    )


def compare(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key in wanted.keys() | found.keys():
        if key not in TOLERANCE:
            assert found.get(key) == wanted.get(key), key
    close_to = [(key, t) for key, t in TOLERANCE.items() if key in wanted]
    for key, tolerance in close_to:
        one = key == "value"
        pairs = zip(
            [found[key]] if one else found[key],
            [wanted[key]] if one else wanted[key],
            strict=True,
        )
        for place, (a, b) in enumerate(pairs):
            close(a, b, tolerance, f"{key} {place}")


@pytest.mark.parametrize("line", CASES)
def test_layer(line: str) -> None:
    found = json.loads(json.dumps(RUNS.described(tf, all_layers(), line)))
    compare(found, EXPECTED[line])


# the recurrent layers are at the end: a loop takes longer to compile
@pytest.mark.parametrize("line", CASES[:-90:6] + CASES[-90::11])
def test_compiled_layer(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", "1")
    test_layer(line)
