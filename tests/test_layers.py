"""A module imports from lower layers only; jax stays in the compiled tier."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "retrograd"
#: layer of each part of the package; parts of one layer do not import each other,
#: except that the parts of layer 0 and of layer 6 may
LAYERS = {
    "errors": 0,
    "dtypes": 0,
    "shapes": 0,
    "nest": 0,
    "util": 0,
    "platform": 0,
    "graph": 1,
    "arrays": 2,
    "ops": 3,
    "grad": 4,
    "run": 4,
    "formats": 5,
    "variables": 6,
    "train": 6,
    "functions": 6,
    "autograd": 6,
    "data": 6,
    "distribute": 6,
    "explain": 7,
    "contrib": 7,
    "behavior": 7,
    "compat": 8,
    "testing": 8,
    "cli": 9,
}
MAY_IMPORT_EACH_OTHER = {0, 6}
USES_JAX = ("arrays/xla", "run/lower.py", "run/portable.py")

Import = tuple[str, int]


def imports(text: str, package: str) -> Iterator[Import]:
    """The modules that a source imports, inside functions included, with lines.

    What is imported for type checkers only does not count.
    """
    tree = ast.parse(text)
    typing_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{package}: a relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def violations(relative: str, text: str) -> list[str]:
    """What is wrong with the imports of one file of the package."""
    part = relative.split("/")[0].removesuffix(".py")
    found = []
    for name, line in imports(text, relative):
        root, _, rest = name.partition(".")
        if root in ("jax", "jaxlib") and not relative.startswith(USES_JAX):
            found.append(f"{relative}:{line} imports {name}")
        if root != "retrograd" or not rest:
            continue
        other = rest.split(".")[0]
        if other == part or other not in LAYERS or part not in LAYERS:
            continue
        mine, theirs = LAYERS[part], LAYERS[other]
        if theirs > mine or (theirs == mine and mine not in MAY_IMPORT_EACH_OTHER):
            found.append(f"{relative}:{line} (layer {mine}) imports {name} ({theirs})")
    return found


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def test_every_part_has_a_layer() -> None:
    parts = {p.relative_to(SOURCE).parts[0].removesuffix(".py") for p in files()}
    assert parts - set(LAYERS) == {"__init__", "__main__"}


@pytest.mark.parametrize("part", sorted(LAYERS))
def test_imports_go_downwards(part: str) -> None:
    wrong: list[str] = []
    for path in files():
        relative = path.relative_to(SOURCE).as_posix()
        if relative.split("/")[0].removesuffix(".py") == part:
            wrong += violations(relative, path.read_text("utf-8"))
    assert not wrong, "\n".join(wrong)


def test_a_wrong_import_is_found() -> None:
    upward = "def f():\n    from retrograd.run.session import Session\n"
    assert violations("ops/x.py", upward)
    assert violations("grad/x.py", "import retrograd.run.plan\n")
    assert violations("run/session.py", "import jax\n")
    assert not violations("run/lower.py", "import jax\nimport retrograd.ops.declare\n")
