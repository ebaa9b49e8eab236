"""Running programs in a process of their own, beside a TensorFlow to leave alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import retrograd
from tests import covering

SOURCE = Path(retrograd.__file__).parent.parent
FAKE = """
import pathlib
(pathlib.Path(__file__).parent / "touched").write_text("imported")
raise RuntimeError("the other TensorFlow was imported")
"""


class Launcher:
    """Writes programs into a folder and runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = SOURCE
        self.other = folder / "site" / "tensorflow"
        self.other.mkdir(parents=True)
        (self.other / "__init__.py").write_text(FAKE)

    def write(self, name: str, source: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return path

    def python(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        paths = [str(self.folder / "site"), str(SOURCE)]
        result = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not (self.other / "touched").exists()
        return result

    def run(
        self, source: str, *arguments: object, options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """`retrograd run` of a program given as text."""
        path = self.write("program.py", source)
        return self.python("-m", "retrograd", "run", *options, path, *arguments)

    def output(self, source: str, *arguments: object) -> list[str]:
        """The lines that a program prints; it must succeed, and say nothing else."""
        result = self.run(source, *arguments)
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        return result.stdout.splitlines()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that is marked to cover ops runs them."""
    return (yield from covering.run_marked(item))


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(tmp_path)
