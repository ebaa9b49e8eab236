"""Doing something to a module once it is loaded, or supplying one that is gone."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from retrograd.platform.imports import found_by_others

Action = Callable[[ModuleType], None]


class Watcher(importlib.abc.MetaPathFinder):
    """Waits for modules by name; supplies some that no other finder has.

    Attributes:
      waiting: what to do with a module that is not loaded yet.
      supplied: loaders of modules that are gone, by name.
      packages: those of them that hold modules.
      always: those to supply even where another finder has a module of that name.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, list[Action]] = {}
        self.supplied: dict[str, importlib.abc.Loader] = {}
        self.packages: frozenset[str] = frozenset()
        self.always: frozenset[str] = frozenset()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        actions = self.waiting.pop(fullname, None)
        loader = self.supplied.get(fullname)
        if actions is None and loader is None:
            return None
        spec = (
            None if fullname in self.always else found_by_others(self, fullname, path)
        )
        if spec is None and loader is not None:
            spec = importlib.machinery.ModuleSpec(
                fullname, loader, is_package=fullname in self.packages
            )
        if spec is not None and spec.loader is not None and actions:
            _act_when_loaded(spec.loader, actions)
        return spec


def _act_when_loaded(loader: Any, actions: list[Action]) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        for action in actions:
            action(module)

    loader.exec_module = exec_module


def watcher() -> Watcher:
    """The one watcher of this process; the first call makes it part of the imports."""
    for finder in sys.meta_path:
        if isinstance(finder, Watcher):
            return finder
    made = Watcher()
    sys.meta_path.insert(0, made)
    return made


def when_loaded(name: str, action: Action) -> None:
    """Call `action(module)` now if a module is loaded, else when it is."""
    module = sys.modules.get(name)
    if module is not None:
        action(module)
    else:
        watcher().waiting.setdefault(name, []).append(action)
