"""Which ops a test runs: what a mark `covers` says of a test is held to it.

An op that no row describes is tested elsewhere: the test that does so is marked with
the op's name, and fails unless the op runs in it.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retrograd.ops.declare import Declaration, find
from retrograd.run import eager
from retrograd.run.interpret import Program

MARK = "covers"
#: ops that run without a kernel: they are planned, or made at once
NO_KERNEL = frozenset(("NoOp", "Variable", "VariableV2", "VarHandleOp"))


class Watch:
    """A context that sees which of some ops run.

    Attributes:
      seen: those that did.
    """

    def __init__(self, op_types: Iterable[str]) -> None:
        self.wanted = frozenset(op_types)
        self.seen: set[str] = set()

    def __enter__(self) -> Watch:
        self._patch = patch = pytest.MonkeyPatch()
        for op_type in self.wanted - NO_KERNEL:
            declaration = find(op_type)
            if declaration is not None:
                patch.setattr(declaration, "kernel", self._noting(declaration))
        emit = Program._emit

        def noting(program: Program, op: Any, *rest: Any) -> None:
            self._note(op.type)
            emit(program, op, *rest)

        patch.setattr(Program, "_emit", noting)
        patch.setattr(eager, "callbacks", [*eager.callbacks, self._note])
        return self

    def __exit__(self, *unused: object) -> None:
        self._patch.undo()

    def _note(self, op_type: str, *unused: object) -> None:
        if op_type in self.wanted & NO_KERNEL:
            self.seen.add(op_type)

    def _noting(self, declaration: Declaration) -> Callable[..., Any]:
        kernel, name = declaration.kernel, declaration.name

        @functools.wraps(kernel)
        def run(*arguments: Any, **named: Any) -> Any:
            self.seen.add(name)
            return kernel(*arguments, **named)

        return run


def run_marked(item: Any) -> Iterator[None]:
    """The body of a hook around the call of a test: it has to run what it covers."""
    wanted = [name for mark in item.iter_markers(MARK) for name in mark.args]
    if not wanted:
        return (yield)
    with Watch(wanted) as watch:
        result = yield
    missing = sorted(watch.wanted - watch.seen)
    if missing:
        pytest.fail(f"is marked to cover what it does not run: {', '.join(missing)}")
    return result


def covered(folder: Path = Path(__file__).parent) -> dict[str, list[str]]:
    """The tests that are marked to cover each op, by op type."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text("utf-8")
        if f"mark.{MARK}" not in text and ".marked(" not in text:
            continue
        parts = path.relative_to(folder.parent).with_suffix("").parts
        module = importlib.import_module(".".join(parts))
        for name, value in vars(module).items():
            if name.startswith("test_"):
                for op_type in _marks(value):
                    found.setdefault(op_type, []).append(f"{module.__name__}.{name}")
    return found


def _marks(test: Any) -> Iterator[str]:
    """The ops that the marks of a test function name, or those of its parameters."""
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == MARK:
            yield from mark.args
        elif mark.name == "parametrize":
            for value in mark.args[1]:
                for inner in getattr(value, "marks", ()):
                    yield from inner.args if inner.name == MARK else ()
