"""Functions with Python's control flow become what TensorFlow 1.15 makes of them.

They are in `tests/data/autograph_programs.py`; what they give was written by
`tests/data/make_autograph.py`.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import retrograd as tf

#: what is given where TensorFlow fails, or forgets the `else` of a loop
BETTER: dict[str, Any] = {
    "conditional_expression": ["int32", -3],
    "loop_else": ["int32", 14],
    "private_names": ["int32", 15],
    "items": [["int32", 3], ["int32", 11]],
}
DATA = Path(__file__).resolve().parent.parent / "data"
ROWS = json.loads((DATA / "autograph.json").read_text("utf-8"))


def loaded(name: str) -> ModuleType:
    """A module of the data folder."""
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


programs = loaded("autograph_programs")
runs = loaded("autograph_runs")


@pytest.fixture(autouse=True)
def module_tf() -> Iterator[None]:
    vars(programs)["tf"] = tf
    yield
    vars(programs.side_effects).clear()


def titles() -> list[str]:
    return [f"{i}-{row[0]}" for i, row in enumerate(ROWS)]


@pytest.mark.parametrize("row", range(len(ROWS)), ids=titles())
def test_program(row: int) -> None:
    name, expected = ROWS[row]
    function, args, options = programs.CASES[row]
    assert function.__name__ == name
    if name in BETTER:
        expected = {"value": BETTER[name]}
    found: Any = runs.outcome(tf, programs, function, args, options)
    assert found == expected
