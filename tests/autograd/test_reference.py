"""Values, derivatives, printed text and messages equal PyTorch's (tests/data)."""

from __future__ import annotations

import importlib.util
import json
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrograd import autograd

DATA = Path(__file__).resolve().parent.parent / "data"
EXPECTED = json.loads((DATA / "autograd.json").read_text("utf-8"))


def load(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES, RUNS = load("autograd_cases"), load("autograd_runs")


def same(found: Any, wanted: Any, tolerance: float) -> None:
    if wanted is None:
        assert found is None
        return
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("expression", CASES.EXPRESSIONS)
def test_value_and_derivatives(expression: str) -> None:
    wanted = EXPECTED["expressions"][expression]
    found = RUNS.derivatives(autograd, expression)
    same(found["value"], wanted["value"], 1e-10)
    for order in ("first", "second"):
        for name, gradient in wanted[order].items():
            same(found[order][name], gradient, 1e-9)


@pytest.mark.parametrize("expression", CASES.CONSTANTS)
def test_value_and_type(expression: str) -> None:
    value, dtype = EXPECTED["constants"][expression]
    found, kind = RUNS.constant(autograd, expression)
    assert kind == dtype
    same(found, value, 2e-6)  # float32: the functions of NumPy and PyTorch round apart


@pytest.mark.parametrize("name", CASES.PROGRAMS)
def test_program_prints_the_same(name: str) -> None:
    found = RUNS.printed(autograd, CASES.PROGRAMS[name])
    assert found == EXPECTED["programs"][name]
