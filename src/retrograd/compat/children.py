"""Processes that a program starts through `multiprocessing` are given the hook too.

A child started by fork has it already. One started afresh unpickles what its parent
prepared for it before it runs the program's own code; there the hook is installed.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

import retrograd
from retrograd.compat.loading import when_loaded


class _Installer:
    """Unpickled, it installs the hook."""

    def __init__(self, **options: object) -> None:
        self.options = options

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        folder = os.path.dirname(os.path.dirname(os.path.abspath(retrograd.__file__)))
        return exec, (
            f"import sys; sys.path.append({folder!r})\n"
            f"from retrograd.compat import hook; hook.install(**{self.options!r})",
        )


def install_in_children(restore: bool, promotion: frozenset[str] | None) -> None:
    """Install the hook in processes that this one starts from now on."""

    options = {"restore": restore, "promotion": promotion}

    def prepare(spawn: ModuleType) -> None:
        original = spawn.get_preparation_data

        def get_preparation_data(name: str) -> dict[str, Any]:
            return {**original(name), "retrograd": _Installer(**options)}

        spawn.get_preparation_data = get_preparation_data  # pyright: ignore[reportAttributeAccessIssue]

    when_loaded("multiprocessing.spawn", prepare)
