"""What the package is made of: what it requires, what its wheel holds, its version."""

from __future__ import annotations

import ast
import re
import runpy
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from retrograd.platform.versions import RELEASE

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "retrograd"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
#: required, though no import names it
NOT_IMPORTED = {
    "jaxlib": "jax computes by it; named to be of jax's version",
    "six": "programs import it, as TensorFlow 1 brought it along",
    "xstatic-d3": "a page holds its file",
    "xstatic-dagre": "a page holds its file",
}


def imports(text: str) -> Iterator[str]:
    """The modules that a source imports anywhere, by statement or by a literal name.

    Of `import_module(f"a.b.{c}")` it is `a.b`.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).rpartition(".")[2]
            name = _literal(node.args[0])
            if called in ("import_module", "__import__") and name:
                yield name.rpartition(".")[0] or name


def _literal(node: ast.expr) -> str:
    """The text of a string, or what an f-string begins with; else nothing."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ""


def foreign(text: str) -> set[str]:
    """The modules that a source imports which are neither Python's nor its own."""
    ours = {"retrograd", "tensorflow", ""} | sys.stdlib_module_names
    return {name for name in imports(text) if name.partition(".")[0] not in ours}


def required(extra: str | None = None) -> set[str]:
    """The distributions that the package requires, or one of its extras."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    lines = extras[extra] if extra else project["dependencies"]
    return {re.split(r"[\[<>=!~; ]", line)[0].lower() for line in lines}


@cache
def modules(distribution: str) -> frozenset[str]:
    """The modules that an installed distribution brings, by their dotted names."""
    files = metadata.files(distribution) or ()
    names = set()
    for file in files:
        if file.suffix in (".py", ".so"):
            parts = [*file.parts[:-1], file.name.partition(".")[0]]
            names.add(".".join(parts).removesuffix(".__init__"))
    return frozenset(names)


def provider(module: str, distributions: set[str]) -> str | None:
    """Which of the distributions brings a module, or the package that it lies in."""
    while module:
        for name in distributions:
            if module in modules(name):
                return name
        module = module.rpartition(".")[0]
    return None


def used(folder: Path, distributions: set[str]) -> dict[str | None, set[str]]:
    """What a folder's sources import, by who brings it; None: none of those."""
    found: dict[str | None, set[str]] = {}
    wanted: set[str] = set()
    for path in folder.rglob("*.py"):
        wanted |= foreign(path.read_text("utf-8"))
    for module in wanted:
        found.setdefault(provider(module, distributions), set()).add(module)
    return found


def test_what_is_imported_is_required_and_the_reverse() -> None:
    # of scikit-learn, only what a program that imports it looks for
    extra = required("keras") | {"scikit-learn"}
    found = used(SOURCE, required() | extra)
    assert found.pop(None, None) is None
    assert set(found) - extra | set(NOT_IMPORTED) == required()
    assert extra <= set(found)
    assert not set(found) & set(NOT_IMPORTED)


def test_what_tests_import_is_in_their_extra() -> None:
    beside = {"tests", *(p.stem for p in (ROOT / "tests").rglob("*.py"))}
    # asked by scripts of tests/data, in environments of their own
    reference = {"torch", "keras", "tf_keras"}
    found = used(ROOT / "tests", required() | required("test"))
    roots = {module.partition(".")[0] for module in found.get(None, ())}
    assert roots <= beside | reference


@pytest.mark.parametrize(
    "text, module",
    [
        ("def f():\n    import sklearn.svm\n", "sklearn.svm"),
        ("from sklearn import svm\n", "sklearn"),
        ("import importlib\nimportlib.import_module('sklearn.svm')\n", "sklearn"),
        ("m = import_module(f'sklearn.{x}')\n", "sklearn"),
    ],
)
def test_an_import_that_is_not_required_is_found(
    text: str, module: str, tmp_path: Path
) -> None:
    (tmp_path / "planted.py").write_text(f"import os, numpy.linalg\n{text}", "utf-8")
    assert used(tmp_path, required()) == {"numpy": {"numpy.linalg"}, None: {module}}
    assert used(tmp_path, required() | {"scikit-learn"})["scikit-learn"] == {module}


def test_namespaces_that_distributions_share() -> None:
    """`google` belongs to no distribution alone."""
    assert provider("google.protobuf.message", required()) == "protobuf"
    assert provider("google.auth", required()) is None


def test_the_version_stands_in_one_place() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", RELEASE)
    assert "version" not in PROJECT["project"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == (
        "src/retrograd/platform/versions.py"
    )
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\S+)", changes, re.MULTILINE)[0] == RELEASE


def test_a_file_that_a_wheel_lacks_is_found(tmp_path: Path) -> None:
    not_packed = runpy.run_path(str(ROOT / "tools" / "check_wheel.py"))["not_packed"]
    package = tmp_path / "package"
    (package / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "table.tsv", "page.js", "__pycache__/x.pyc"):
        (package / name).write_text(name)
    wheel = tmp_path / "package-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(package / "__init__.py", "package/__init__.py")
        archive.writestr("package/page.js", "older")
    assert not_packed(wheel, package) == ["package/page.js", "package/table.tsv"]
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in package.glob("*.*"):
            archive.write(path, f"package/{path.name}")
    assert not_packed(wheel, package) == []
