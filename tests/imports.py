"""What the modules of the package import: by statement, and by a name in a string."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parent.parent / "src" / "retrograd"
#: the one table of modules that stand above those that call them
TABLE = "graph/hooks.py"
_DOTTED = re.compile(r"retrograd(\.\w+)+")


class Import(NamedTuple):
    """One import of a file.

    Attributes:
      name: the module, or what is taken from it, in full.
      line: where.
      written: whether it is a statement, not a string that names a module.
    """

    name: str
    line: int
    written: bool


@functools.cache
def texts() -> dict[str, str]:
    """The source of each file, by its path in the package."""
    return {
        path.relative_to(SOURCE).as_posix(): path.read_text("utf-8")
        for path in sorted(SOURCE.rglob("*.py"))
    }


def module_of(relative: str) -> str:
    """The name of the module that a file is."""
    dotted = relative.removesuffix(".py").replace("/", ".").removesuffix("__init__")
    return f"retrograd.{dotted}".rstrip(".")


@functools.cache
def modules() -> dict[str, str]:
    """The file of each module, by its name."""
    return {module_of(relative): relative for relative in texts()}


def module_with(name: str) -> str:
    """The module that a name is or lies in; empty for none of the package."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name


def nodes(text: str) -> Iterator[ast.AST]:
    """The nodes of a source but for what only type checkers read, and docstrings."""
    pending: list[ast.AST] = [ast.parse(text)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        yield node
        pending += ast.iter_child_nodes(node)


@functools.cache
def imports(relative: str, text: str) -> tuple[Import, ...]:
    """The imports of a file, inside functions included.

    A string is one if it is the name of a module of the package, other than that of the
    command. The table of hooks is not read for strings: it says what is above.
    """
    return tuple(_imports(relative, text))


def _imports(relative: str, text: str) -> Iterator[Import]:
    for node in nodes(text):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, True)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative}: a relative import"
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", node.lineno, True)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if relative != TABLE and _is_module(node.value):
                yield Import(node.value, node.lineno, False)


def _is_module(text: str) -> bool:
    known = _DOTTED.fullmatch(text) and text in modules()
    return bool(known) and text != "retrograd.__main__"
