"""New pieces of syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, TypeVar

_E = TypeVar("_E", bound=ast.AST)
#: newer versions of Python want to be told that a function has no such parameters
_UNTYPED: dict[str, Any] = (
    {"type_params": []} if "type_params" in ast.FunctionDef._fields else {}
)


def operator(name: str, *args: ast.expr) -> ast.expr:
    """A call of one of the operators."""
    return ast.Call(attribute("ag__", name), list(args), [])


def attribute(name: str, *path: str) -> ast.expr:
    """A name, or a dotted one."""
    found: ast.expr = ast.Name(name, ast.Load())
    for part in path:
        found = ast.Attribute(found, part, ast.Load())
    return found


def no_arguments() -> ast.arguments:
    """The parameters of a function that has none."""
    return ast.arguments([], [], None, [], [], None, [])


def delayed(value: ast.expr) -> ast.expr:
    """A lambda that computes an expression."""
    return ast.Lambda(no_arguments(), value)


def located(node: _E, like: ast.AST) -> _E:
    """A new node, with all that is new in it, where another stands in the file."""
    waiting: list[ast.AST] = [node]
    while waiting:
        inner = waiting.pop()
        if "lineno" in inner._attributes and not hasattr(inner, "lineno"):
            ast.copy_location(inner, like)
        waiting.extend(ast.iter_child_nodes(inner))
    return node


def function(
    name: str, args: ast.arguments, body: Sequence[ast.stmt]
) -> ast.FunctionDef:
    """The definition of a function."""
    return ast.FunctionDef(name, args, list(body), [], None, None, **_UNTYPED)


def assignment(name: str, value: ast.expr) -> ast.Assign:
    """A variable gets a value."""
    return ast.Assign([ast.Name(name, ast.Store())], value)
