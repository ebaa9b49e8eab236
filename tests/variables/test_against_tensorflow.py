"""Variables against TensorFlow 1.15: operations, collections, and values for seeds."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

import retrograd as tf
from tests.variables import programs

DATA = pathlib.Path(__file__).parent.parent / "data" / "variables.json"
WANTED = json.loads(DATA.read_text())


@pytest.mark.parametrize("name", programs.GRAPHS)
def test_operations_and_collections(name: str) -> None:
    with tf.Graph().as_default() as graph:
        programs.GRAPHS[name](tf)
        found = programs.listing(graph)
        wanted = WANTED["graphs"][name]
        assert sorted(found) == sorted(wanted["operations"])
        for key, parts in wanted["operations"].items():
            assert found[key] == parts, key
        assert programs.collections(tf) == wanted["collections"]


@pytest.mark.parametrize("name", programs.VALUES)
def test_values(name: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(42)
        fetches = programs.VALUES[name](tf)
        session.run(tf.global_variables_initializer())
        runs = [session.run(fetches) for _ in range(2)]
    wanted = WANTED["values"][name]
    assert sorted(fetches) == sorted(wanted)
    for key, values in wanted.items():
        for run, value in zip(runs, values, strict=True):
            np.testing.assert_allclose(
                run[key], value, rtol=1e-5, atol=1e-6, err_msg=key
            )
