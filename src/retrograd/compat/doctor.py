"""`retrograd doctor`: what a program uses that is not provided, without running it."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from retrograd.compat import absent, hook, namespace, table
from retrograd.compat.restore import names as restored
from retrograd.compat.restore import source as old_source
from retrograd.compat.usage import Import, Usage, Use, usage
from retrograd.explain.report import Finding, Report, Table
from retrograd.explain.trace import place_at

#: lines at which a name is used, that are shown
_MOST_LINES = 8
_LIBRARIES = ("load_op_library", "load_library", "load_file_system_library")
_NO_LIBRARY = (
    "write the op in Python: @op and its gradient rule, from retrograd.ops.declare; or "
    "tf.py_func with tf.RegisterGradient"
)
#: what Python 2 had and 3 does not, by how a line of it looks
_PYTHON_2 = [
    (r"^\s*print\s+[^(=\s]|^\s*print\s+\(.*\)\s*[,%]", "a print statement"),
    (r"^\s*print\s*$|\bprint\s*>>", "a print statement"),
    (r"^\s*except\s+[\w.()\s,]+,\s*\w+\s*:", "`except Error, name:`"),
    (r"^\s*raise\s+[\w.]+\s*,", "`raise Error, value`"),
    (r"^\s*exec\s+[^(\s]", "an exec statement"),
    (r"<>", "`<>`"),
    (r"`[^`]+`", "backticks"),
    (r"\b0[0-7]+\b", "an octal number without `0o`"),
    (r"\b\d+[lL]\b", "a number with `L`"),
    (r"\b[uU][rR][\"']", "a string with `ur`"),
    (r"(def\s+\w+|lambda)\s*\(?[^)]*\(\w+\s*,", "a tuple among parameters"),
]


def doctor(*paths: str | Path) -> Report:
    """What programs need that is not there; they are read, not run.

        print(retrograd.doctor("train.py"))

    or `retrograd doctor train.py` in a shell. Modules that a program imports from its
    own folder are read too.

    Args:
      *paths: files.

    Returns:
      A report with findings for TensorFlow names that are not provided, with the lines
      and the nearest names that are; keywords and positional arguments that a function
      does not take; libraries of compiled ops; and syntax of Python 2. What NumPy,
      SciPy and Python have dropped and `retrograd run` brings back is only noted, as
      are packages that are not installed. `data` has "files", "missing" (names),
      "notes".

    Raises:
      OSError: a file cannot be read.
    """
    if not paths:
        raise ValueError("doctor: name at least one file.")
    found = _Doctor()
    for path in paths:
        found.read(Path(path))
    return found.report()


@dataclass(slots=True)
class _Problem:
    """Something that is missing, with the places at which it is used."""

    what: str
    fix: str = ""
    places: list[tuple[str, int]] = field(default_factory=list)


class _Doctor:
    """Reads files and collects what is wrong with them."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.problems: dict[str, _Problem] = {}
        self.notes: dict[str, list[tuple[str, int]]] = {}
        self.missing: dict[str, None] = {}
        self.names = 0

    def read(self, script: Path) -> None:
        """Read a file and what it imports from its folder."""
        pending = [script.resolve() if script.exists() else script]
        folder = pending[0].parent
        for path in pending:
            if path in self.files:
                continue
            self.files.append(path)
            tree = self._parsed(path)
            if tree is None:
                continue
            self._old_printing(path, tree)
            packages = (*hook.ROOTS, *_packages())
            found = usage(tree, str(path), packages)
            for use in found.uses:
                self._look_at(use)
            pending += self._local(found, path, folder)

    # ------------------------------------------------------------------ syntax

    def _parsed(self, path: Path) -> ast.Module | None:
        """The syntax tree; None, and a problem, where there is none."""
        source = path.read_bytes()
        try:
            return _tree(source)
        except SyntaxError as error:
            changed = old_source.renamed(source)
            if changed is not None:
                try:
                    tree = _tree(changed)
                except SyntaxError:
                    pass
                else:
                    self._note("`async` as a name is restored", str(path), 1)
                    return tree
            self._bad_syntax(path, error)
            return None

    def _bad_syntax(self, path: Path, error: SyntaxError) -> None:
        line = error.lineno or 1
        text = error.text or ""
        old = next((what for p, what in _PYTHON_2 if re.search(p, text)), "")
        if isinstance(error, TabError):
            old = "tabs mixed with spaces"
        if old:
            self._python_2(path, old, line)
        else:
            what = f"{path.name} cannot be read: {error.msg}."
            self._problem(what, "", str(path), line)

    def _python_2(self, path: Path, what: str, line: int) -> None:
        fix = "convert it with 2to3 (`pip install fissix` has it today)"
        text = f"{path.name} is written for Python 2: {what}."
        self._problem(text, fix, str(path), line)

    def _old_printing(self, path: Path, tree: ast.Module) -> None:
        """`print >> file, x`, which Python 3 reads as a shift of a function."""
        for node in ast.walk(tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift):
                if isinstance(node.left, ast.Name) and node.left.id == "print":
                    self._python_2(path, "a print statement", node.lineno)

    # ------------------------------------------------------------------ names

    def _look_at(self, use: Use) -> None:
        root, _, dotted = use.path.partition(".")
        if root not in hook.ROOTS:
            self._dropped(use)
            return
        self.names += 1
        others = [p.partition(".")[2] for p in use.others]
        found = [_resolved(p) for p in (dotted, *others)]
        missing = next((f for f in found if isinstance(f, _Missing)), None)
        if any(not isinstance(f, _Missing) for f in found):
            missing = None
        if missing is not None:
            self._not_provided(use, missing)
        elif len(found) == 1:
            self._check_call(use, dotted, found[0])

    def _not_provided(self, use: Use, missing: _Missing) -> None:
        kind = absent.kind_of(missing.parent, missing.name)
        inside = use.imported and namespace.is_internal(missing.parent)
        if inside and kind in (absent.Kind.LATER, absent.Kind.UNKNOWN):
            return  # such an import succeeds, and fails where the name is used
        name = _shown(missing.path)
        if use.guarded:
            self._note(
                f"{name} is not provided, which the program expects",
                use.file,
                use.line,
            )
            return
        self.missing[name] = None
        fix = ""
        if kind is absent.Kind.OLDER:
            fix = str(absent.successor(missing.parent, missing.name))
        elif kind is not absent.Kind.LATER:
            near = namespace.nearest(missing.parent, missing.name)
            fix = f"nearest: {', '.join(near)}" if near else ""
        what = f"{name} is {kind.value or 'not provided'}."
        self._problem(what, fix, use.file, use.line)

    def _check_call(self, use: Use, dotted: str, found: object) -> None:
        name = dotted.rpartition(".")[2]
        if name in _LIBRARIES and not use.imported:
            what = f"{_shown(dotted)} loads compiled code, which is not possible."
            self._problem(what, _NO_LIBRARY, use.file, use.line)
            return
        if use.keywords is None or not callable(found):
            return
        for problem, fix in _call_problems(use, _shown(dotted), found):
            self._problem(problem, fix, use.file, use.line)

    def _dropped(self, use: Use) -> None:
        """Note what is gone from NumPy, SciPy and Python, and restored."""
        gone = _gone(use.path)
        if gone:
            self._note(
                f"{gone} is gone, and restored by `retrograd run`", use.file, use.line
            )

    # ------------------------------------------------------------------ modules

    def _local(self, found: Usage, path: Path, folder: Path) -> Iterator[Path]:
        """The files that a file imports from the script's folder."""
        for one in found.imports:
            files = list(_files_of(one, path, folder))
            yield from files
            top = one.module.partition(".")[0]
            known = files or one.level or one.guarded or top in hook.ROOTS
            if not known and top not in restored.MODULES and not _is_installed(top):
                self._note(f"{top} is not installed here", str(path), one.line)

    # ------------------------------------------------------------------ results

    def _problem(self, what: str, fix: str, file: str, line: int) -> None:
        problem = self.problems.setdefault(what, _Problem(what, fix))
        if (file, line) not in problem.places:
            problem.places.append((file, line))

    def _note(self, what: str, file: str, line: int) -> None:
        places = self.notes.setdefault(what, [])
        if (file, line) not in places:
            places.append((file, line))

    def report(self) -> Report:
        """All that was found."""
        findings = [
            Finding(
                p.what,
                [_lines(p.places)] if len(p.places) > 1 else [],
                None,
                p.fix,
                place_at(*p.places[0]),
            )
            for p in self.problems.values()
        ]
        files = ", ".join(p.name for p in self.files[:3])
        if len(self.files) > 3:
            files += f" and {len(self.files) - 3} more"
        if findings:
            count = len(findings)
            verdict = f"{count} thing{'s' * (count != 1)} will not work."
        else:
            verdict = f"Nothing is missing, of {self.names} uses of TensorFlow's names."
        rows: list[Sequence[str]] = [
            (what, _lines(places)) for what, places in self.notes.items()
        ]
        tables = [Table(("note", "where"), rows)] if rows else []
        data = {
            "files": [str(p) for p in self.files],
            "missing": list(self.missing),
            "notes": list(self.notes),
        }
        return Report(f"doctor: {files}", verdict, findings, tables, data)


def _tree(source: bytes) -> ast.Module:
    """The syntax tree of a file; warnings of old escapes in strings are left unsaid."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _lines(places: Sequence[tuple[str, int]]) -> str:
    """`train.py:12, 30; model.py:4`."""
    by_file: dict[str, list[int]] = {}
    for file, line in places[:_MOST_LINES]:
        by_file.setdefault(Path(file).name, []).append(line)
    text = "; ".join(f"{f}:{', '.join(map(str, n))}" for f, n in by_file.items())
    more = len(places) - _MOST_LINES
    return f"{text} and {more} more" if more > 0 else text


# ---------------------------------------------------------------------- TensorFlow


@dataclass(frozen=True, slots=True)
class _Missing:
    """A name that is not provided.

    Attributes:
      parent: the namespace that it should be in, below `tensorflow`.
      path: the dotted name below `tensorflow`, as the program writes it.
    """

    parent: str
    name: str
    path: str


def _shown(path: str) -> str:
    """A path as programs write it."""
    if path.partition(".")[0] in ("python", "core"):
        return f"tensorflow.{path}"
    return f"tf.{path}" if path else "tensorflow"


def _resolved(dotted: str) -> Any:
    """What a path below `tensorflow` stands for, or a `_Missing`.

    Beyond classes and functions nothing is looked up: what an object has is known when
    it is there.
    """
    dotted = hook.canonical_path(dotted)
    found: Any = namespace.namespace("")
    parent = path = ""
    for name in dotted.split(".") if dotted else ():
        path = f"{path}.{name}" if path else name
        if isinstance(found, namespace.Namespace):
            parent = found.__name__.partition(".")[2]
            try:
                found = namespace.look_up(parent, name)
            except (table.NotProvided, ImportError):
                return _Missing(parent, name, path)
        elif isinstance(found, ModuleType | type):
            parent = path.rpartition(".")[0]
            if not hasattr(found, name):
                return _Missing(parent, name, path)
            found = getattr(found, name)
        else:
            return None
    return found


def _call_problems(
    use: Use, name: str, function: Callable[..., Any]
) -> Iterator[tuple[str, str]]:
    """Arguments that a function does not take, and what was meant."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # built-in, or made so that nobody can tell
        return
    kinds = {p.kind for p in parameters}
    by_name = [
        p.name
        for p in parameters
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        for keyword in use.keywords or ():
            if keyword not in by_name:
                near = get_close_matches(keyword, by_name, 1)
                fix = f"nearest: {near[0]}" if near else f"it has: {', '.join(by_name)}"
                yield f"{name} does not take the argument `{keyword}`.", fix
    places = [
        p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if (
        use.positional is not None
        and use.positional > len(places)
        and inspect.Parameter.VAR_POSITIONAL not in kinds
    ):
        what = f"{name} takes {len(places)} positional arguments, not {use.positional}."
        yield what, f"it has: {', '.join(by_name)}"


# ---------------------------------------------------------------------- other packages


def _packages() -> set[str]:
    """The packages of which names are restored."""
    known = (*restored.ATTRIBUTES, *restored.MODULES)
    return {name.partition(".")[0] for name in known}


def _gone(path: str) -> str:
    """The name or module on a path that is gone and restored; "" for none."""
    parts = path.split(".")
    for end in range(1, len(parts) + 1):
        module, name = ".".join(parts[: end - 1]), parts[end - 1]
        whole = ".".join(parts[:end])
        if whole in restored.MODULES:
            lost = whole in restored.ALWAYS or not _is_installed(whole)
            return whole if lost else ""
        table_of = restored.ATTRIBUTES.get(module, {})
        if name in table_of or ("*" in table_of and not name.startswith("_")):
            if _has(module, name):
                continue
            return whole
    return ""


def _has(module: str, name: str) -> bool:
    """Whether a module of today has a name; True where that cannot be seen."""
    try:
        found = importlib.import_module(module)
    except ImportError:
        return True
    if name in vars(found) or importlib.util.find_spec(module) is None:
        return True
    if f"{module}.{name}" in sys.modules:
        return True
    try:
        return importlib.util.find_spec(f"{module}.{name}") is not None
    except (ImportError, AttributeError):
        return False


def _is_installed(module: str) -> bool:
    if module in sys.builtin_module_names or module in sys.modules:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _files_of(one: Import, path: Path, folder: Path) -> Iterator[Path]:
    """The files below the script's folder that an import may mean."""
    base = folder
    if one.level:
        base = path.parent
        for _ in range(one.level - 1):
            base = base.parent
    parts = one.module.split(".") if one.module else []
    whole = base.joinpath(*parts)
    steps = [
        base.joinpath(*parts[:i]) / "__init__.py" for i in range(1, len(parts) + 1)
    ]
    choices = [*steps, whole.with_suffix(".py") if parts else whole]
    choices += [whole / f"{name}.py" for name in one.names]
    choices += [whole / name / "__init__.py" for name in one.names]
    for choice in choices:
        if choice.is_file() and os.path.commonpath([choice, folder]) == str(folder):
            yield choice.resolve()
