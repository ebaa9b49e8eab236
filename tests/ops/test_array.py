"""Array functions against what TensorFlow 1.15 makes of the same expressions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.ops import raw
from tests.ops import outcomes

KEPT = json.loads((Path(__file__).parents[1] / "data" / "array.json").read_text())

#: expressions where TensorFlow gives something else, and why
OTHERWISE = {
    "tf.slice([1, 2, 3], [1], [5])": "its optimizer skips the check of constants",
    "tf.slice([1, 2, 3], [4], [1])": "its optimizer skips the check of constants",
    "gen.parallel_concat([[1], [2]], shape=[3])": "it leaves memory as it is",
    "gen.tile_grad([[1, 2], [3, 4]], [2, 1])": "it names the version of removal",
    "tf.space_to_depth(np.zeros([1, 1, 2, 2]), 2, data_format='NCHW')": "no CPU kernel",
    "tf.nn.top_k([1, 3, 2, 3], 3, sorted=False)": "any order is right",
    "gen.unique_v2([[1, 2], [1, 2], [0, 1]], [0])[0].shape": "its shape is wrong",
    "tf.reshape(u, tf.shape(x)[::-1])": "it refuses what is right",
}


class _Generated:
    """Every op type as a function, by its name in lower case."""

    def __getattr__(self, name: str) -> Any:
        return raw.function(name)


def _section(name: str) -> list[str]:
    return [text for text in KEPT[name] if text not in OTHERWISE]


@pytest.fixture(scope="module")
def scope() -> dict[str, Any]:
    return outcomes.names(tf, _Generated())


def assert_same(found: Any, kept: Any, atol: float = 0.0) -> None:
    if found[0] != "value" or kept[0] != "value":
        assert found == kept
        return
    assert_close(found[1], kept[1], atol)


def assert_close(found: Any, kept: Any, atol: float) -> None:
    if kept and isinstance(kept[0], str) and len(kept) == 3:
        assert found[:2] == kept[:2]
        if kept[0].startswith(("float", "complex")):
            ours, theirs = ([complex(v) for v in part[2]] for part in (found, kept))
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=atol)
        else:
            assert found[2] == kept[2]
        return
    assert len(found) == len(kept)
    for one, other in zip(found, kept, strict=True):
        assert_close(one, other, atol)


@pytest.mark.parametrize("text", _section("values"))
def test_value(scope: dict[str, Any], text: str) -> None:
    assert_same(outcomes.value_of(tf, scope, text), KEPT["values"][text])


@pytest.mark.parametrize("text", _section("shapes"))
def test_static_shape(scope: dict[str, Any], text: str) -> None:
    assert outcomes.shape_of(tf, scope, text) == KEPT["shapes"][text]


@pytest.mark.parametrize("text", _section("graphs"))
def test_graph(scope: dict[str, Any], text: str) -> None:
    assert outcomes.graph_of(tf, scope, text) == KEPT["graphs"][text]
