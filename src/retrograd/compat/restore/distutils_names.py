"""The parts of `distutils`, gone in Python 3.12, that programs use.

One module stands for `distutils.version`, `util`, `spawn`, `dir_util`, `file_util`.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
from typing import Any


@functools.total_ordering
class LooseVersion:
    """A version compared part by part, numbers as numbers."""

    def __init__(self, vstring: str | None = None) -> None:
        self.version: list[int | str] = []
        if vstring is not None:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        """Split a version at dots and between letters and digits."""
        self.vstring = vstring
        parts = [p for p in re.split(r"(\d+|[a-z]+|\.)", vstring) if p and p != "."]
        self.version = [int(p) if p.isdigit() else p for p in parts]

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return f"{type(self).__name__} ('{self}')"

    def _other(self, other: object) -> Any:
        return type(self)(other) if isinstance(other, str) else other

    def __eq__(self, other: object) -> bool:
        return self.version == self._other(other).version

    def __lt__(self, other: object) -> bool:
        return self.version < self._other(other).version

    __hash__ = None  # pyright: ignore[reportAssignmentType]


class StrictVersion(LooseVersion):
    """A version of the form 1.2, 1.2.3 or 1.2a4."""

    def parse(self, vstring: str) -> None:
        """Read a version; ValueError for another form."""
        match = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", vstring)
        if match is None:
            raise ValueError(f"invalid version number '{vstring}'")
        major, minor, patch, tag, number = match.groups()
        self.vstring = vstring
        # a version without a tag comes after those with one
        self.version = [int(major), int(minor), int(patch or 0), tag or "z"]
        self.version.append(int(number or 0))


def strtobool(val: str) -> int:
    """1 for yes, true, on …; 0 for no, false, off …; ValueError for anything else."""
    word = val.lower()
    if word in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if word in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError(f"invalid truth value {word!r}")


def find_executable(executable: str, path: str | None = None) -> str | None:
    """The path of a program, looked for in PATH; None if there is none."""
    return shutil.which(executable, path=path)


def mkpath(name: str, mode: int = 0o777, verbose: int = 1, dry_run: int = 0) -> list:
    """Make a folder and those above it; returns those that were made."""
    del verbose
    made: list[str] = []
    folder = os.path.normpath(name)
    while folder and not os.path.isdir(folder):
        made.insert(0, folder)
        folder = os.path.dirname(folder)
    if not dry_run:
        os.makedirs(name, mode, exist_ok=True)
    return made


def copy_tree(src: str, dst: str, *args: object, **kwargs: object) -> list[str]:
    """Copy a folder into another; returns the files that were made."""
    del args, kwargs
    shutil.copytree(src, dst, dirs_exist_ok=True)
    return [
        os.path.join(dst, os.path.relpath(os.path.join(folder, file), src))
        for folder, _, files in os.walk(src)
        for file in files
    ]


def remove_tree(directory: str, verbose: int = 1, dry_run: int = 0) -> None:
    """Delete a folder and everything in it."""
    del verbose
    if not dry_run:
        shutil.rmtree(directory, ignore_errors=True)


def copy_file(src: str, dst: str, *args: object, **kwargs: object) -> tuple[str, int]:
    """Copy a file; returns its new path and 1."""
    del args, kwargs
    return shutil.copy2(src, dst), 1
