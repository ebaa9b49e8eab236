"""Which variables pieces of a function set and read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from retrograd.util.syntax_trees import COMPREHENSIONS, defaults, parameters

#: nodes that have variables of their own
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def within(nodes: Iterable[ast.AST], comprehensions: bool = True) -> Iterator[ast.AST]:
    """The nodes of some pieces, without what is inside functions and classes.

    Args:
      nodes: the pieces.
      comprehensions: whether what is inside those counts; else only what `:=` sets.
    """
    waiting = list(nodes)
    while waiting:
        node = waiting.pop(0)
        yield node
        if isinstance(node, FUNCTIONS):
            waiting[:0] = _outside(node)
        elif isinstance(node, ast.ClassDef):
            waiting[:0] = [*node.decorator_list, *node.bases, *node.keywords]
        elif isinstance(node, COMPREHENSIONS) and not comprehensions:
            inside = ast.walk(node)
            yield from (n.target for n in inside if isinstance(n, ast.NamedExpr))
        else:
            waiting[:0] = list(ast.iter_child_nodes(node))


def _outside(node: ast.AST) -> list[ast.AST]:
    """What is computed as a function is defined."""
    assert isinstance(node, FUNCTIONS)
    found: list[ast.AST] = [*defaults(node.args)]
    if not isinstance(node, ast.Lambda):
        found[:0] = node.decorator_list
    return found


def assigned(nodes: Iterable[ast.AST]) -> list[str]:
    """The variables that some pieces set, in the order of the text."""
    found: dict[str, None] = {}
    for node in within(nodes, comprehensions=False):
        for name in _bound_by(node):
            found.setdefault(name)
    return list(found)


def _bound_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [a.asname or a.name.partition(".")[0] for a in node.names]
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return [node.name] if node.name else []
    if isinstance(node, ast.MatchMapping):
        return [node.rest] if node.rest else []
    return []


def read(nodes: Iterable[ast.AST]) -> set[str]:
    """The variables that some pieces read, functions that they define included."""
    found: set[str] = set()
    for node in within(nodes):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, FUNCTIONS):
            found |= free(node)
        elif isinstance(node, ast.ClassDef):
            found |= read(node.body)
    return found


def free(node: ast.AST) -> set[str]:
    """The variables that a function reads from outside of it."""
    assert isinstance(node, FUNCTIONS)
    body: Sequence[ast.AST]
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    own = set(parameters(node.args)) | (set(assigned(body)) - declared(body))
    return (read(body) | declared(body)) - own


def declared(nodes: Iterable[ast.AST], kind: type | None = None) -> set[str]:
    """The variables that `global` or `nonlocal` statements name."""
    kinds = kind or (ast.Global, ast.Nonlocal)
    found: set[str] = set()
    for node in within(nodes):
        if isinstance(node, kinds):
            found |= set(node.names)  # pyright: ignore[reportAttributeAccessIssue]
    return found


def names(node: ast.AST) -> set[str]:
    """All names in a tree: a new variable must be none of them."""
    found = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Name):
            found.add(n.id)
        elif isinstance(n, ast.arg):
            found.add(n.arg)
        elif isinstance(n, ast.Global | ast.Nonlocal):
            found |= set(n.names)
        else:
            found |= set(_bound_by(n))
    return found


def composites(nodes: Sequence[ast.AST]) -> list[str]:
    """Attributes and items that some pieces set, as text: `self.x`, `d['k']`.

    Not those of variables that the pieces set themselves.
    """
    own = set(assigned(nodes))
    found: dict[str, None] = {}
    for node in within(nodes):
        if not isinstance(node, ast.Attribute | ast.Subscript):
            continue
        if isinstance(node.ctx, ast.Store) and _is_lasting(node):
            if not read([node]) & own:
                found.setdefault(ast.unparse(node))
    return list(found)


def _is_lasting(node: ast.AST) -> bool:
    """Whether an expression has one meaning throughout: names and constants only."""
    if isinstance(node, ast.Attribute):
        return _is_lasting(node.value)
    if isinstance(node, ast.Subscript):
        index = node.slice
        simple = isinstance(index, ast.Constant | ast.Name)
        return simple and _is_lasting(node.value)
    return isinstance(node, ast.Name)


class Names:
    """Gives new names to variables of a function.

    Args:
      taken: the names that it has.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def new(self, wanted: str) -> str:
        """A name that nothing has yet: `wanted`, or with a number behind."""
        name, number = wanted, 0
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name
