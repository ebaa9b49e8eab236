"""What a program uses of some packages, read off its syntax tree without running it.

Names are followed through imports and aliases:

    import tensorflow as tf
    from tensorflow.contrib import slim
    layers = tf.contrib.layers

A name that is also bound to something else in the same scope is not followed: what it
stands for is not known then.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from retrograd.util.syntax_trees import defaults, parameters

#: exceptions that say a name may be missing
_EXPECTED = frozenset(
    "ImportError ModuleNotFoundError AttributeError NameError Exception".split()
)


@dataclass(frozen=True, slots=True)
class Use:
    """One place at which a program uses a name.

    Attributes:
      path: the dotted name, beginning with the package: `tensorflow.nn.relu`.
      file, line: the place.
      keywords: those of a call; None where it is not called, or with `**`.
      positional: the number of positional arguments of a call, or None.
      guarded: whether the program expects that the name may be missing.
      imported: whether it is only imported here.
      others: what else the name may stand for, where imports in `try` give a choice.
    """

    path: str
    file: str
    line: int
    keywords: tuple[str, ...] | None = None
    positional: int | None = None
    guarded: bool = False
    imported: bool = False
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class Import:
    """A module that a program imports, whatever package it is of.

    Attributes:
      module: its dotted name, after any dots of a relative import.
      level: the number of these dots.
      names: what `from` takes out of it.
    """

    module: str
    level: int
    names: list[str]
    line: int
    guarded: bool


@dataclass(slots=True)
class Usage:
    """What one file uses.

    Attributes:
      uses: names of the packages that were asked about.
      imports: all that is imported.
    """

    uses: list[Use] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)


def usage(tree: ast.Module, file: str, packages: Sequence[str]) -> Usage:
    """What a file uses of some packages.

    Args:
      tree: the file.
      file: its name, for the places.
      packages: their top-level names.
    """
    reader = _Reader(file, frozenset(packages))
    reader.read(tree)
    return reader.found


class _Scope:
    """The names bound in a module or function, and what they stand for.

    Attributes:
      bound: for each name, a dotted path, an expression that may be one, or None for
        anything else; several where it is bound several times.
    """

    def __init__(self, outer: _Scope | None) -> None:
        self.outer = outer
        self.bound: dict[str, list[Any]] = {}

    def bind(self, name: str, value: object) -> None:
        """Add what a name may stand for."""
        self.bound.setdefault(name, []).append(value)

    def paths(self, name: str, busy: frozenset[str] = frozenset()) -> list[str]:
        """The dotted paths that a name may stand for; none if it may be anything."""
        if name in busy:
            return []
        if name not in self.bound:
            return [] if self.outer is None else self.outer.paths(name, busy)
        found: list[str] = []
        for value in self.bound[name]:
            if isinstance(value, ast.AST):
                paths = self.paths_of(value, busy | {name})
            else:
                paths = [] if value is None else [value]
            if not paths:
                return []
            found += paths
        return list(dict.fromkeys(found))

    def paths_of(self, node: ast.AST, busy: frozenset[str] = frozenset()) -> list[str]:
        """The dotted paths that `name.attribute.attribute` may stand for."""
        chain = []
        while isinstance(node, ast.Attribute):
            chain.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return []
        return [".".join([p, *chain[::-1]]) for p in self.paths(node.id, busy)]


class _Reader(ast.NodeVisitor):
    """Visits a file twice, scope by scope: for what is bound, then for what is used."""

    def __init__(self, file: str, packages: frozenset[str]) -> None:
        self.found = Usage()
        self._file, self._packages = file, packages
        self._scope = _Scope(None)
        self._guards = 0

    def read(self, tree: ast.Module) -> None:
        """Read a whole file."""
        _bind_all(tree.body, self._scope, self._packages)
        for statement in tree.body:
            self.visit(statement)

    # ------------------------------------------------------------------ scopes

    def _visit_function(self, node: Any) -> None:
        for part in (*node.decorator_list, *defaults(node.args)):
            self.visit(part)
        self._inside(node.args, node.body)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in defaults(node.args):
            self.visit(part)
        self._inside(node.args, [ast.Expr(node.body)])

    def _inside(self, arguments: ast.arguments, body: Sequence[ast.stmt]) -> None:
        scope = _Scope(self._scope)
        for name in parameters(arguments):
            scope.bind(name, None)
        _bind_all(body, scope, self._packages)
        outer, self._scope = self._scope, scope
        for statement in body:
            self.visit(statement)
        self._scope = outer

    # ------------------------------------------------------------------ guards

    def visit_Try(self, node: ast.Try) -> None:
        guarded = any(_expects_missing(h) for h in node.handlers)
        self._guards += guarded
        for statement in node.body:
            self.visit(statement)
        self._guards -= guarded
        for part in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(part)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        guarded = "hasattr(" in ast.unparse(node.test)
        self._guards += guarded
        for statement in (*node.body, *node.orelse):
            self.visit(statement)
        self._guards -= guarded

    # ------------------------------------------------------------------ uses

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imported(Import(alias.name, 0, [], node.lineno, self._guards > 0))
            if alias.name.partition(".")[0] in self._packages:
                self._use(node, [alias.name], imported=True)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module, names = node.module or "", [a.name for a in node.names]
        guarded = self._guards > 0
        self._imported(Import(module, node.level, names, node.lineno, guarded))
        if not node.level and module.partition(".")[0] in self._packages:
            for name in names:
                path = module if name == "*" else f"{module}.{name}"
                self._use(node, [path], imported=True)

    def _imported(self, found: Import) -> None:
        self.found.imports.append(found)

    def visit_Call(self, node: ast.Call) -> None:
        paths = self._scope.paths_of(node.func)
        if paths:
            starred = any(isinstance(a, ast.Starred) for a in node.args)
            keywords = tuple(k.arg for k in node.keywords if k.arg is not None)
            positional = None if starred else len(node.args)
            self._use(node.func, paths, keywords=keywords, positional=positional)
        else:
            self.visit(node.func)
        for part in (*node.args, *node.keywords):
            self.visit(part)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        paths = self._scope.paths_of(node)
        if paths:
            self._use(node, paths)
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            paths = self._scope.paths(node.id)
            if paths:
                self._use(node, paths)

    def _use(self, node: Any, paths: Sequence[str], **facts: Any) -> None:
        first, *others = paths
        line = getattr(node, "end_lineno", None) or node.lineno
        guarded = self._guards > 0
        use = Use(
            first, self._file, line, guarded=guarded, others=tuple(others), **facts
        )
        self.found.uses.append(use)


def _expects_missing(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type
    if kinds is None:
        return True
    parts = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    return any(ast.unparse(p).rpartition(".")[2] in _EXPECTED for p in parts)


def _bind_all(body: Sequence[ast.AST], scope: _Scope, packages: frozenset[str]) -> None:
    """Add to a scope what statements bind, those inside of functions left out."""
    pending: list[ast.AST] = list(reversed(body))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            _bind_import(node, scope, packages)
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope.bind(node.name, None)
            if not isinstance(node, ast.ClassDef):
                continue
        elif isinstance(node, ast.Lambda):
            continue
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            (target,) = node.targets
            if isinstance(target, ast.Name):
                is_chain = isinstance(node.value, ast.Attribute | ast.Name)
                scope.bind(target.id, node.value if is_chain else None)
                pending.append(node.value)
                continue
        elif isinstance(node, ast.ExceptHandler) and node.name:
            scope.bind(node.name, None)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            scope.bind(node.id, None)
        pending.extend(reversed(list(ast.iter_child_nodes(node))))


def _bind_import(
    node: ast.Import | ast.ImportFrom, scope: _Scope, packages: frozenset[str]
) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            path = alias.name if alias.asname else top
            scope.bind(alias.asname or top, path if top in packages else None)
        return
    module = node.module or ""
    known = not node.level and module.partition(".")[0] in packages
    for alias in node.names:
        path = f"{module}.{alias.name}" if known else None
        scope.bind(alias.asname or alias.name, path)
