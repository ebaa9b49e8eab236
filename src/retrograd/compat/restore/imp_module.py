"""The module `imp`, gone in Python 3.12, as far as programs use it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from importlib import reload  # noqa: F401  a public name
from types import ModuleType
from typing import IO, Any

PY_SOURCE, PY_COMPILED, C_EXTENSION, PKG_DIRECTORY = 1, 2, 3, 5


def new_module(name: str) -> ModuleType:
    """An empty module."""
    return ModuleType(name)


def load_source(name: str, pathname: str, file: IO[Any] | None = None) -> ModuleType:
    """Run a source file as the module `name` and return it."""
    del file
    spec = importlib.util.spec_from_file_location(name, pathname)
    if spec is None or spec.loader is None:
        raise ImportError(f"No module named {name!r}", name=name, path=pathname)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def find_module(
    name: str, path: list[str] | None = None
) -> tuple[IO[Any] | None, str, tuple[str, str, int]]:
    """Where a module lies: an open file, its path, and (suffix, mode, kind).

    Raises:
      ImportError: there is none.
    """
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is None or spec.origin is None:
        raise ImportError(f"No module named {name!r}", name=name)
    if spec.submodule_search_locations:
        return None, os.path.dirname(spec.origin), ("", "", PKG_DIRECTORY)
    suffix = os.path.splitext(spec.origin)[1]
    if suffix == ".py":
        return open(spec.origin), spec.origin, (suffix, "r", PY_SOURCE)
    return open(spec.origin, "rb"), spec.origin, (suffix, "rb", C_EXTENSION)


def load_module(
    name: str, file: IO[Any] | None, filename: str, details: tuple[str, str, int]
) -> ModuleType:
    """Load what `find_module` found."""
    if details[2] == PKG_DIRECTORY:
        filename = os.path.join(filename, "__init__.py")
    return load_source(name, filename, file)


def load_dynamic(name: str, path: str, file: IO[Any] | None = None) -> ModuleType:
    """Load an extension module."""
    return load_source(name, path, file)


def get_suffixes() -> list[tuple[str, str, int]]:
    """The file endings of modules, each with the mode to open it and its kind."""
    machinery = importlib.machinery
    found = [(s, "rb", C_EXTENSION) for s in machinery.EXTENSION_SUFFIXES]
    found += [(s, "r", PY_SOURCE) for s in machinery.SOURCE_SUFFIXES]
    return found + [(s, "rb", PY_COMPILED) for s in machinery.BYTECODE_SUFFIXES]
