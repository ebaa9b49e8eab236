"""The index from op type to the module that declares it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from retrograd.ops import declare

TOOL = Path(__file__).resolve().parents[2] / "tools" / "make_op_index.py"


def _check() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True
    )


def test_the_index_is_up_to_date() -> None:
    result = _check()
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_op_is_found_by_importing_its_module_alone() -> None:
    program = (
        "import sys\n"
        "from retrograd.ops.declare import find\n"
        "assert find('Dilation2D') is not None\n"
        "assert 'retrograd.ops.nn.morphology_ops' in sys.modules\n"
        "assert 'retrograd.ops.linalg.solve_ops' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_not_in_the_index_is_no_op(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = dict(declare.index())
    assert missing.pop("Dilation2D")
    monkeypatch.delitem(declare.registry, "Dilation2D", raising=False)
    monkeypatch.setattr(declare, "index", lambda: missing)
    assert declare.find("Dilation2D") is None
