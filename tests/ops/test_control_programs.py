"""Branches, loops, checks and host functions against TensorFlow 1.15.

The programs are in `tests/data/control_programs.py`; the results were written by
`make_control.py`.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.graph import Graph
from retrograd.run.session import Session

DATA = Path(__file__).parents[1] / "data"
KNOWN = json.loads((DATA / "control.json").read_text())


def _programs() -> types.ModuleType:
    path = DATA / "control_programs.py"
    spec = importlib.util.spec_from_file_location("control_programs", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROGRAMS = _programs()


@pytest.fixture(autouse=True)
def primitives(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one module of TensorFlow's own that the programs import."""
    from retrograd.ops.flow import control

    ops = types.SimpleNamespace(control_flow_ops=control)
    monkeypatch.setitem(sys.modules, "tensorflow", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "tensorflow.python", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "tensorflow.python.ops", ops)


#: programs, with ops that they run
COVERED = {
    "branch_with_loop": (
        "If",
        "OptionalFromValue",
        "OptionalGetValue",
        "OptionalNone",
        "StatelessIf",
        "StatelessWhile",
    ),
    "python_functions": ("EagerPyFunc",),
    "run_error_assert": ("Assert",),
    "switch_of_three": ("Case",),
}


def _covering(kind: str) -> list[Any]:
    """The names of programs, as parameters."""
    return [
        pytest.param(name, marks=pytest.mark.covers(*COVERED.get(name, ())))
        for name in KNOWN[kind]
    ]


def _check(name: str, value: Any, known: Any) -> None:
    if known is None:
        assert value is None, name
        return
    if "text" in known:
        flat = np.asarray(value, object).reshape(-1)
        texts = [v.decode() for v in flat]
        wanted = known["text"]
        assert texts == (wanted if isinstance(wanted, list) else [wanted]), name
        return
    array = np.asarray(value)
    assert array.dtype.name == known["dtype"], name
    assert list(array.shape) == known["shape"], name
    wanted = np.array(known["flat"], array.dtype).reshape(array.shape)
    np.testing.assert_allclose(array, wanted, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("tier", ["0", "1"])
@pytest.mark.parametrize("name", _covering("values"))
def test_values(name: str, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    with Graph().as_default(), Session() as session:
        fetches, feeds = getattr(PROGRAMS, name)(tf)
        session.run(tf.global_variables_initializer())
        made = {k: v for k, v in fetches.items() if v is not None}
        for feed, known in zip(feeds, KNOWN["values"][name], strict=True):
            found = session.run(made, feed)
            for key, wanted in known.items():
                _check(key, found.get(key), wanted)


@pytest.mark.parametrize("name", KNOWN["errors"])
def test_errors(name: str) -> None:
    kind, text = KNOWN["errors"][name]
    with Graph().as_default(), pytest.raises(Exception) as caught:
        getattr(PROGRAMS, name)(tf)
    assert (type(caught.value).__name__, str(caught.value).split("\n")[0]) == (
        kind,
        text,
    )


@pytest.mark.parametrize("name", _covering("run_errors"))
def test_errors_of_a_run(name: str) -> None:
    kind, text = KNOWN["run_errors"][name]
    with Graph().as_default(), Session() as session:
        fetch, feed = getattr(PROGRAMS, name)(tf)
        with pytest.raises(Exception) as caught:
            session.run(fetch, feed)
    first = re.sub(r"pyfunc_\d+", "pyfunc_N", str(caught.value).split("\n")[0])
    assert (type(caught.value).__name__, first) == (kind, text)
