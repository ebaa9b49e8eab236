"""Libraries that act when they are imported act on stand-ins."""

from __future__ import annotations

import os
import sys
from types import ModuleType

import pytest
from tests.conftest import Launcher

from retrograd.platform import imports

STARTED = "import jax, os; jax.devices(); print('TF_CPP_MIN_LOG_LEVEL' in os.environ)"


def test_variables_that_are_set_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TEST", "outer")
    stand_in = imports._own_variables()
    assert stand_in.environ["RETROGRAD_TEST"] == "outer"
    assert stand_in.environ.setdefault("RETROGRAD_OTHER", "inner") == "inner"
    stand_in.environ["RETROGRAD_TEST"] = "inner"
    assert stand_in.environ["RETROGRAD_TEST"] == "inner"
    assert os.environ["RETROGRAD_TEST"] == "outer"
    assert "RETROGRAD_OTHER" not in os.environ
    assert stand_in.path is os.path


def test_what_a_tpu_reads_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setitem(imports._tpu_variables, "RETROGRAD_TPU", "1")
    found = ModuleType("jax._src.cloud_tpu_init")
    monkeypatch.setitem(sys.modules, found.__name__, found)
    for there, expected in [(False, None), (True, "1")]:
        found.__dict__["running_in_cloud_tpu_vm"] = there
        imports._after_jax(found)
        assert os.environ.get("RETROGRAD_TPU") == expected


@pytest.mark.parametrize("wanted", [None, "0", "1"])
def test_xla_says_what_the_program_wants(
    launcher: Launcher, wanted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    if wanted is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", wanted)
    result = launcher.python("-c", f"import retrograd.arrays; {STARTED}")
    assert result.stdout == f"{wanted is not None}\n"
    assert ("PjRt" in result.stderr) == (wanted == "0"), result.stderr


def test_a_signal_is_not_lost_in_a_collection_of_garbage(launcher: Launcher) -> None:
    source = """
import gc, types
import retrograd.arrays.xla
(found,) = gc.callbacks
print(isinstance(found, types.FunctionType))
called = []
found.args[0].__class__.start.fget.__self__.default_factory = lambda: called.append(1)
gc.collect()
print(len(called) > 0)
"""
    assert launcher.python("-c", source).stdout == "False\nTrue\n"
