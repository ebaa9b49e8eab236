"""Explanations of small programs, as text: `golden/NAME.txt` says what they were.

`python -m tests.explain.test_golden` writes those files anew; read the difference.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.explain.programs import PROGRAMS

FOLDER = Path(__file__).parent / "golden"
#: the last digit may be another one on another processor
ALIKE = runpy.run_path(str(FOLDER.parents[2] / "docs" / "alike.py"))["alike"]


def text_of(name: str) -> str:
    """The text of a program's explanation, without line numbers."""
    return re.sub(r"programs\.py:\d+", "programs.py", PROGRAMS[name]().text) + "\n"


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_text(name):
    found, wanted = text_of(name), (FOLDER / f"{name}.txt").read_text("utf-8")
    assert found == wanted or ALIKE(found, wanted), found


def test_every_file_has_a_program():
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(PROGRAMS)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for program in PROGRAMS:
        (FOLDER / f"{program}.txt").write_text(text_of(program), "utf-8")
