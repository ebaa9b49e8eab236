"""Explanations of small programs, as text: `golden/NAME.txt` says what they were.

`python -m tests.explain.test_golden` writes those files anew; read the difference.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.explain.programs import PROGRAMS

FOLDER = Path(__file__).parent / "golden"


def text_of(name: str) -> str:
    """The text of a program's explanation, without line numbers."""
    return re.sub(r"programs\.py:\d+", "programs.py", PROGRAMS[name]().text) + "\n"


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_text(name):
    assert text_of(name) == (FOLDER / f"{name}.txt").read_text("utf-8")


def test_every_file_has_a_program():
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(PROGRAMS)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for program in PROGRAMS:
        (FOLDER / f"{program}.txt").write_text(text_of(program), "utf-8")
