"""The functions of tf.contrib.layers, as TensorFlow 1.15.5 has them.

Names, shapes and collections are the same; values, gradients and moved averages near.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.data import contrib_runs

import retrograd as tf

DATA = Path(__file__).parents[1] / "data" / "contrib.json.gz"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return json.loads(gzip.decompress(DATA.read_bytes()))


def assert_near(found: dict[str, list[float]], wanted: dict[str, list[float]]) -> None:
    assert sorted(found) == sorted(wanted)
    for name, sums in wanted.items():
        assert found[name] == pytest.approx(sums, rel=2e-4, abs=2e-4, nan_ok=True), name


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize("case", contrib_runs.cases())
def test_a_layer_is_as_in_tensorflow(case: str, reference: dict[str, Any]) -> None:
    wanted = reference[case]
    found = contrib_runs.run(tf, case)
    if "error" in wanted:
        assert found == wanted
        return
    for key in ("output", "shapes", "collections"):
        assert found[key] == wanted[key]
    assert_near({"": found["value"]}, {"": wanted["value"]})
    assert_near(found["gradients"], wanted["gradients"])
    assert_near(found["after"], wanted["after"])
