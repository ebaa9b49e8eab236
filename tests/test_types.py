"""Signatures have types that say something; `Any` is kept where anything may come.

The names that signatures use are in `retrograd/typing.py`; docs/design.md says which
there are.
"""

from __future__ import annotations

import ast
import functools
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple, TypeAlias

import pytest

from tests.imports import SOURCE, texts

#: how many in a hundred parameters of each part may be bare `Any`; `.` for the files
#: beside the parts. None is to grow.
LIMITS = """
.            5
arrays       4
autograd     4
autograph   18
cli          4
compat       5
contrib      5
data         4
distribute   6
explain      4
formats      4
functions    5
grad         5
graph        4
keras       17
layers      17
ops          4
ops/array    2
ops/data     3
ops/flow     2
ops/host     1
ops/image    1
ops/io       1
ops/linalg   1
ops/lists    1
ops/math     1
ops/nn       1
ops/parsing  2
ops/quantized 0
ops/queues   2
ops/random   0
ops/sparse   0
ops/signal   0
ops/state    0
ops/strings  0
ops/summary  1
ops/tables   0
platform    10
run          4
summary      2
testing      9
train        3
util         6
variables    4
"""
#: aliases that are `Any`: nothing narrower is true of them, and each says why
OPEN = {"Fetchable", "Structure"}

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Parameter(NamedTuple):
    """A parameter: its name, whether it has a type, whether that says nothing."""

    name: str
    is_typed: bool
    is_bare: bool


class Signature(NamedTuple):
    """A function of a source.

    Attributes:
      name: of the function.
      is_public: whether programs may call it: it is no part of another function, and no
        name on the way to it begins with an underscore, `__len__` and the like aside.
      parameters: in order, without that of the instance or the class.
      returns: whether it says what it returns.
    """

    name: str
    is_public: bool
    parameters: tuple[Parameter, ...]
    returns: bool


@functools.cache
def signatures(text: str) -> tuple[Signature, ...]:
    """The functions and methods of a source, those inside others too."""
    collects = gc.isenabled()
    gc.disable()  # it would look through the growing tree again and again
    try:
        return tuple(_within(ast.parse(text), public=True, in_class=False))
    finally:
        if collects:
            gc.enable()


def _within(node: ast.AST, public: bool, in_class: bool) -> Iterator[Signature]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _within(child, public and _is_public(child.name), True)
        elif isinstance(child, Function):
            shown = public and _is_public(child.name)
            found = _parameters(child, in_class)
            yield Signature(child.name, shown, found, child.returns is not None)
            yield from _within(child, False, False)
        elif not isinstance(child, ast.expr):
            yield from _within(child, public, in_class)


def _parameters(node: Function, in_class: bool) -> tuple[Parameter, ...]:
    given = node.args
    static = any(ast.unparse(mark) == "staticmethod" for mark in node.decorator_list)
    places = [*given.posonlyargs, *given.args][in_class and not static :]
    stars = [star for star in (given.vararg, given.kwarg) if star is not None]
    return tuple(
        Parameter(p.arg, p.annotation is not None, is_bare(p.annotation))
        for p in (*places, *given.kwonlyargs, *stars)
    )


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def is_bare(annotation: ast.expr | None) -> bool:
    """Whether an annotation says nothing: there is none, or it is `Any`."""
    if annotation is None:
        return True
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return is_bare(ast.parse(annotation.value, mode="eval").body)
    if isinstance(annotation, ast.BinOp):  # `Any | None` is Any
        return any(
            not _is_none(side) and is_bare(side)
            for side in (annotation.left, annotation.right)
        )
    return ast.unparse(annotation) in ("Any", "typing.Any")


def _is_none(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Constant) and annotation.value is None


def counted(text: str) -> tuple[int, int]:
    """How many parameters of a source are bare, and how many there are."""
    found = [p for signature in signatures(text) for p in signature.parameters]
    return sum(p.is_bare for p in found), len(found)


def unsaid(text: str) -> list[str]:
    """What public functions do not say: `name: parameter` or `name: return`."""
    return [
        f"{signature.name}: {what}"
        for signature in signatures(text)
        if signature.is_public
        for what in (
            *(p.name for p in signature.parameters if not p.is_typed),
            *(() if signature.returns else ("return",)),
        )
    ]


def excess(sources: dict[str, str], limits: dict[str, int]) -> list[str]:
    """The parts of which a larger share of parameters is bare than their limit allows.

    Args:
      sources: the text of each file, by its path in the package.
      limits: percent, by part.
    """
    bare, all_ = Counter[str](), Counter[str]()
    for relative, text in sources.items():
        part = part_of(relative)
        some, of = counted(text)
        bare[part] += some
        all_[part] += of
    return [
        f"{part}: {bare[part]} of {total} parameters are bare Any, "
        f"more than {limits.get(part, 0)} %"
        for part, total in sorted(all_.items())
        if 100 * bare[part] > limits.get(part, 0) * total
    ]


def part_of(relative: str) -> str:
    """The part that a file belongs to; the rooms of `ops` count as parts."""
    folders = PurePosixPath(relative).parts[:-1]
    return "/".join(folders[: 2 if folders[:1] == ("ops",) else 1]) or "."


def aliases_of_any(text: str) -> dict[str, str]:
    """The comment above each alias of a source that is `Any`, by the alias."""
    lines = text.splitlines()
    return {
        ast.unparse(node.target): lines[node.lineno - 2].strip()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.annotation) == "TypeAlias"
        and is_bare(node.value)
    }


# ---------------------------------------------------------------------- the package


def _limits() -> dict[str, int]:
    pairs = (line.split() for line in LIMITS.strip().splitlines())
    return {part: int(limit) for part, limit in pairs}


def test_few_parameters_are_bare() -> None:
    found = excess(texts(), _limits())
    assert not found, "\n".join(found)


def test_limits_are_those_of_parts_that_exist() -> None:
    assert set(_limits()) == {part_of(relative) for relative in texts()}


def test_public_functions_say_what_they_take_and_return() -> None:
    found = {relative: unsaid(text) for relative, text in texts().items()}
    missing = {relative: names for relative, names in found.items() if names}
    assert not missing


def test_aliases_that_are_any_are_few_and_say_why() -> None:
    found = aliases_of_any((SOURCE / "typing.py").read_text("utf-8"))
    assert set(found) == OPEN
    assert all(comment.startswith("#: ") for comment in found.values())
    others = {r: t for r, t in texts().items() if "TypeAlias" in t and r != "typing.py"}
    assert not [r for r, text in others.items() if aliases_of_any(text)]


# ---------------------------------------------------------------------- the test itself

PLANTED = """
from typing import Any, TypeAlias

Loose: TypeAlias = Any

def f(a: Any, b: "Any", c: Any | None, *rest: Any, d, e: int, **more: Any) -> int: ...

class Public:
    def __len__(self): ...
    def method(self, x: Any) -> None:
        def inner(y): ...
    @staticmethod
    def static(first, second: list[Any]) -> None: ...
    @classmethod
    def made(cls, text: str) -> Public: ...

class _Private:
    def method(self, x): ...

def _private(x): ...
"""


def test_bare_parameters_are_counted() -> None:
    assert counted(PLANTED) == (11, 14)
    assert counted("def f(a: Any): ...") == (1, 1)
    assert counted("class C:\n    def f(self, x: int | None): ...") == (0, 1)


@pytest.mark.parametrize("limit", [49, 50])
def test_more_than_the_limit_is_reported(limit: int) -> None:
    sources = {"ops/nn/conv.py": "def f(a: Any, b: int): ...", "nest.py": "x = 1"}
    found = excess(sources, {"ops/nn": limit})
    assert found == (
        []
        if limit == 50
        else ["ops/nn: 1 of 2 parameters are bare Any, more than 49 %"]
    )


def test_a_part_without_a_limit_may_have_none() -> None:
    assert excess({"graph/graph.py": "def f(a): ..."}, {})
    assert not excess({"graph/graph.py": "def f(a: int): ..."}, {})


def test_what_public_functions_leave_unsaid_is_reported() -> None:
    assert unsaid(PLANTED) == ["f: d", "__len__: return", "static: first"]


def test_an_alias_that_is_any_is_seen() -> None:
    assert aliases_of_any(PLANTED) == {"Loose": ""}
