"""Strategies for several devices against TensorFlow 1.15: graphs, values, messages."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from tests.distribute import programs

DATA = pathlib.Path(__file__).parent.parent / "data" / "distribute.json"
WANTED = json.loads(DATA.read_text())


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as found:
        yield found


def _session() -> Any:
    return tf.Session(config=tf.ConfigProto(device_count={"CPU": 2}))


def _close(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert sorted(found) == sorted(wanted)
    for key, value in found.items():
        np.testing.assert_allclose(value, wanted[key], 2e-6, 1e-6, err_msg=key)


@pytest.mark.parametrize("strategy", programs.STRATEGIES)
def test_operations(strategy: str, graph: Any) -> None:
    """All but the gradients, whose operations are counted differently."""
    programs.training(tf, strategy, "momentum")
    found, wanted = programs.listing(graph), WANTED["graphs"][strategy]
    kept = [
        name
        for name, (kind, *_) in wanted.items()
        if name.startswith("Momentum/")
        or kind in ("VarHandleOp", "AssignVariableOp", "VariableV2")
    ]
    assert len(kept) > 10
    assert {n: found.get(n) for n in kept} == {n: wanted[n] for n in kept}


RUNS = [(name, "0") for name in WANTED["training"]] + [
    ("mirrored " + optimizer, "1") for optimizer in ("momentum", "adam", "loss_scale")
]


@pytest.mark.parametrize(("name", "tier"), RUNS)
def test_training(name: str, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    update, read = programs.training(tf, *name.split())
    with _session() as session:
        session.run(tf.global_variables_initializer())
        for i, wanted in enumerate(WANTED["training"][name]):
            if i:
                session.run(update)
            _close(session.run(read), wanted)


def test_variables() -> None:
    updates, read = programs.variables(tf)
    with _session() as session:
        session.run(tf.global_variables_initializer())
        for update, wanted in zip([None, *updates], WANTED["variables"], strict=True):
            if update is not None:
                session.run(update)
            _close(session.run(read), wanted)


def test_reductions() -> None:
    read = programs.reductions(tf)
    with _session() as session:
        _close(session.run(read), WANTED["reductions"])


def test_merges() -> None:
    assert programs.merges(tf) == WANTED["merges"]


def test_messages() -> None:
    assert programs.messages(tf) == WANTED["messages"]
