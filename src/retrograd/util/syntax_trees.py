"""What those who read or rewrite a program's syntax trees have in common."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

#: expressions with variables of their own
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def parameters(arguments: ast.arguments) -> list[str]:
    """The names of all parameters."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a]
    return [a.arg for a in every]


def statements_by(
    worker: ast.NodeTransformer, body: Sequence[ast.stmt]
) -> list[ast.stmt]:
    """Statements as a transformer rewrites them: each as one, or as several."""
    found: list[ast.stmt] = []
    for statement in body:
        result: Any = worker.visit(statement)
        found += result if isinstance(result, list) else [result]
    return found


def defaults(arguments: ast.arguments) -> list[ast.expr]:
    """The default values of parameters."""
    return [*arguments.defaults, *(d for d in arguments.kw_defaults if d)]


def rewrite_defaults(worker: ast.NodeTransformer, arguments: ast.arguments) -> None:
    """Let a transformer rewrite the default values of parameters, in place."""
    arguments.defaults = [worker.visit(d) for d in arguments.defaults]
    arguments.kw_defaults = [d and worker.visit(d) for d in arguments.kw_defaults]
