"""A module imports from lower layers only: by statement, by string and by hook."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.imports import TABLE, imports, module_of, modules, nodes, texts

#: the parts of the package; those of a layer import what is in the layers above this
#: line, and in a stack (`<`) what is to the left. Parts beside each other do not see
#: each other.
LAYERS = """
0  errors nest typing util < dtypes platform < shapes
1  graph
2  arrays
3  ops
4  grad, run
5  formats < variables, autograd
6  functions < autograph < data < distribute summary < train < layers < keras
7  explain, contrib, behavior
8  compat, testing
9  cli
"""
USES_JAX = ("arrays/xla", "run/lower.py", "run/portable.py")
#: what imports modules by names that a program or a table of data gives
LOADERS = (TABLE, "ops/declare.py", "platform/imports.py", "__init__.py", "compat/")

# ---------------------------------------------------------------------- the layers


class Place(NamedTuple):
    """Where a part stands: its layer, its stack in there, its step in the stack."""

    layer: int
    stack: int
    step: int

    def sees(self, other: Place) -> bool:
        """Whether a part here may import one that stands there."""
        if other.layer != self.layer:
            return other.layer < self.layer
        return other.stack == self.stack and other.step < self.step


@functools.cache
def places() -> dict[str, Place]:
    """The place of each part."""
    found = {}
    for line in LAYERS.strip().splitlines():
        number, _, stacks = line.partition(" ")
        for i, stack in enumerate(stacks.split(",")):
            for j, step in enumerate(stack.split("<")):
                found.update({part: Place(int(number), i, j) for part in step.split()})
    return found


def part_of(relative: str) -> str:
    """The part of the package that a file belongs to."""
    return relative.split("/")[0].removesuffix(".py")


def part_with(module: str) -> str:
    """The part of the package that a module belongs to."""
    return module.split(".")[1] if "." in module else ""


def files_of(part: str) -> dict[str, str]:
    return {r: text for r, text in texts().items() if part_of(r) == part}


# ---------------------------------------------------------------------- imports


def upward(relative: str, text: str) -> list[str]:
    """The imports of a file that do not go down, and those of jax outside its place."""
    mine = part_of(relative)
    found = []
    for name, line, written in imports(relative, text):
        root = name.partition(".")[0]
        if root in ("jax", "jaxlib") and not relative.startswith(USES_JAX):
            found.append(f"{relative}:{line} imports {name}")
        other = part_with(name) if root == "retrograd" else mine
        if other == mine or mine not in places() or other not in places():
            continue
        if not places()[mine].sees(places()[other]):
            how = "imports" if written else "names, in a string,"
            found.append(f"{relative}:{line} ({mine}) {how} {name} ({other})")
    return found


def blind(relative: str, text: str) -> list[str]:
    """Imports by a name that is made as the program runs, so that no test reads it.

    A name that starts with that of another package, or of the module itself, is fine.
    """
    if relative.startswith(LOADERS) or "import_" not in text:
        return []
    return [
        f"{relative}:{node.lineno} imports {ast.unparse(node.args[0])}"
        for node in nodes(text)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__")
        and not _is_known(node.args[0])
    ]


def _is_known(name: ast.expr) -> bool:
    first = name.values[0] if isinstance(name, ast.JoinedStr) else name
    if isinstance(first, ast.FormattedValue):
        return ast.unparse(first.value) == "__name__"
    if not isinstance(first, ast.Constant):
        return False
    return first is name or not str(first.value).startswith("retrograd")


def test_every_part_has_a_place() -> None:
    assert {part_of(r) for r in texts()} - set(places()) == {"__init__", "__main__"}


def test_the_design_shows_the_same_layers() -> None:
    design = Path(__file__).resolve().parent.parent / "docs" / "design.md"
    assert f"```text{LAYERS}```" in design.read_text("utf-8")


@pytest.mark.parametrize("part", sorted(places()))
def test_imports_go_downwards(part: str) -> None:
    wrong: list[str] = []
    for relative, text in files_of(part).items():
        wrong += upward(relative, text) + blind(relative, text)
    assert not wrong, "\n".join(wrong)


# ---------------------------------------------------------------------- hooks


def table(text: str) -> dict[str, str]:
    """The module that provides each hook, as the source of the table has it."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROVIDERS":
            return ast.literal_eval(node.value)
    raise AssertionError("there is no table")


def provided(text: str) -> Iterator[tuple[str, int]]:
    """The hooks that a file hands over, with lines."""
    for node in nodes(text):
        if isinstance(node, ast.Call) and _of_hooks(node.func) == "provide":
            yield from ((keyword.arg or "**", node.lineno) for keyword in node.keywords)


def used(text: str) -> Iterator[tuple[str, int]]:
    """The hooks that a file calls, with lines."""
    for node in nodes(text):
        if isinstance(node, ast.Attribute) and _of_hooks(node) not in ("", "provide"):
            yield node.attr, node.lineno


def _of_hooks(node: ast.AST) -> str:
    """The name that a node takes from `hooks`; empty for other nodes."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "hooks" else ""
    return ""


def wrong_hooks(relative: str, text: str, rows: dict[str, str]) -> list[str]:
    """Hooks that are handed over or called past the table, or from above."""
    if "graph.hooks import hooks" not in text:
        return []
    found = [
        f"{relative}:{line} provides {name}: {TABLE} does not say so"
        for name, line in provided(text)
        if rows.get(name) != module_of(relative)
    ]
    mine = part_of(relative)
    for name, line in used(text):
        other = part_with(rows.get(name, ""))
        if not other:
            found.append(f"{relative}:{line} calls {name}, which {TABLE} lacks")
        elif mine != other and places()[mine].sees(places()[other]):
            found.append(f"{relative}:{line} calls {name}, which it could import")
    return found


def test_hooks_are_those_of_the_table() -> None:
    rows = table(texts()[TABLE])
    wrong = [w for r, text in texts().items() for w in wrong_hooks(r, text, rows)]
    for name, module in rows.items():
        handed = dict(provided(texts()[modules()[module]]))
        wrong += [] if name in handed else [f"{module} does not provide {name}"]
    assert not wrong, "\n".join(wrong)


# ---------------------------------------------------------------------- planted faults


def test_a_wrong_import_is_found() -> None:
    inside = "def f():\n    from retrograd.run.session import Session\n"
    assert upward("ops/x.py", inside)
    assert upward("grad/x.py", "import retrograd.run.plan\n")
    assert upward("run/session.py", "import jax\n")
    assert not upward("run/lower.py", "import jax\nimport retrograd.ops.declare\n")
    for_types = "if TYPE_CHECKING:\n    from retrograd.run.session import Session\n"
    assert not upward("ops/x.py", for_types)


def test_an_upward_import_within_a_stack_is_found() -> None:
    assert upward("variables/x.py", "from retrograd.distribute import current\n")
    assert upward("functions/x.py", "from retrograd.data.dataset import DatasetV1\n")
    assert upward("data/x.py", "import retrograd.train.optimizer\n")
    assert not upward("train/x.py", "from retrograd.distribute import current\n")
    assert upward("autograd/x.py", "from retrograd.variables.scope import get_variable")
    assert upward("nest.py", "from retrograd import dtypes\n")


def test_an_import_by_string_is_found() -> None:
    load = 'import importlib\nm = importlib.import_module("retrograd.run.session")\n'
    assert upward("ops/x.py", load)
    assert not upward("explain/x.py", load)
    assert not upward("ops/x.py", '"""retrograd.run.session"""\n')
    made = 'importlib.import_module(f"retrograd.{part}.{name}")\n'
    assert blind("ops/x.py", made)
    assert blind("ops/x.py", "import_module(name)\n")
    assert blind("ops/x.py", '__import__("retrograd." + name)\n')
    assert not blind("ops/x.py", 'import_module(f"tensorboard.{name}")\n')


def test_an_upward_hook_outside_the_table_is_found() -> None:
    own_table = 'PROVIDERS = {"run": "retrograd.run.session"}\n'
    assert upward("graph/x.py", own_table)
    assert upward("formats/x.py", 'LATE = ("retrograd.variables.protos", "to_proto")\n')
    assert not upward(TABLE, own_table)
    rows = {"node_def": "retrograd.formats.node"}
    start = "from retrograd.graph.hooks import hooks\n"
    assert wrong_hooks("run/x.py", start + "hooks.provide(run=run)\n", rows)
    assert wrong_hooks("run/x.py", start + "hooks.provide(node_def=run)\n", rows)
    assert wrong_hooks("ops/x.py", start + "hooks.run()\n", rows)
    assert wrong_hooks("train/x.py", start + "hooks.node_def(op)\n", rows)
    assert not wrong_hooks("ops/x.py", start + "hooks.node_def(op)\n", rows)
