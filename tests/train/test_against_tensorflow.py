"""Optimizers, schedules and averages against TensorFlow 1.15, step by step."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

import retrograd as tf
from tests.train import programs

DATA = pathlib.Path(__file__).parent.parent / "data" / "train.json"
WANTED = json.loads(DATA.read_text())


@pytest.mark.parametrize("name", programs.GRAPHS)
def test_operations(name: str) -> None:
    with tf.Graph().as_default() as graph:
        programs.GRAPHS[name](tf)
        found = programs.listing(graph)
    wanted = WANTED["graphs"][name]
    assert sorted(found) == sorted(wanted)
    for key, parts in wanted.items():
        assert found[key] == parts, key


@pytest.mark.parametrize("tier", ["0", "1"])
@pytest.mark.parametrize("name", WANTED["values"])
def test_steps(name: str, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    with tf.Graph().as_default(), tf.Session() as session:
        if name == "averages":
            update, variables = programs.averages(tf)
        else:
            update, variables = programs.training(tf, *name.split())
        session.run(tf.global_variables_initializer())
        wanted = WANTED["values"][name]
        assert sorted(variables) == sorted(wanted)
        for step in range(programs.STEPS):
            session.run(update)
            for key, value in session.run(variables).items():
                assert value.dtype == variables[key].dtype.base_dtype.as_numpy_dtype
                np.testing.assert_allclose(
                    value.ravel(), wanted[key][step], 2e-6, 1e-6, err_msg=key
                )


def test_rates() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(4)
        step, rates = programs.schedules(tf)
        runs = [session.run(rates, {step: s}) for s in WANTED["steps"]]
    for name, wanted in WANTED["rates"].items():
        found = [run[name] for run in runs]
        np.testing.assert_allclose(found, wanted, 2e-6, 1e-8, err_msg=name)
