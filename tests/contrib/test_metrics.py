"""The metrics of tf.contrib, as TensorFlow 1.15.5 has them: names, types, values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.data import contrib_metric_runs

import retrograd as tf

DATA = Path(__file__).parents[1] / "data" / "contrib_metrics.json"
WANTED: dict[str, Any] = json.loads(DATA.read_text())


@pytest.mark.parametrize("case", contrib_metric_runs.cases())
def test_a_metric(case: str) -> None:
    wanted, found = WANTED[case], contrib_metric_runs.run(tf, case)
    for key in wanted.keys() - {"runs"}:
        assert found[key] == wanted[key]
    for found_run, run in zip(
        found.get("runs", ()), wanted.get("runs", ()), strict=True
    ):
        assert found_run == pytest.approx(run, 1e-5, 1e-6)


def test_lists_of_metrics() -> None:
    a, b = object(), object()
    assert tf.contrib.metrics.aggregate_metrics((a, b), (b, a)) == ([a, b], [b, a])
    found = tf.contrib.metrics.aggregate_metric_map({"x": (a, b), "y": (b, a)})
    assert found == ({"x": a, "y": b}, {"x": b, "y": a})
    with pytest.raises(
        ValueError, match="Expected at least one value_tensor/update_op"
    ):
        tf.contrib.metrics.aggregate_metrics()
