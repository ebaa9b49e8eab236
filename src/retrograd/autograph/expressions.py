"""Calls, logic and choices as calls of operators."""

from __future__ import annotations

import ast
from typing import Any

from retrograd.autograph.nodes import attribute, delayed, located, operator
from retrograd.autograph.options import ConversionOptions, Feature
from retrograd.util.syntax_trees import rewrite_defaults

#: functions that look at the function that calls them
_LOOKING = frozenset("locals vars dir eval exec globals super".split())
_COMPARED = {ast.Eq: "eq", ast.NotEq: "not_eq"}


class Expressions(ast.NodeTransformer):
    """Rewrites expressions; functions that they define with `lambda` too.

    Args:
      options: what the conversion was asked for.
      scope: the variable that holds the scope of the function.
      first: the first parameter of a method, for `super()`.
    """

    def __init__(
        self, options: ConversionOptions, scope: str, first: str | None
    ) -> None:
        self.options = options
        self.scope = scope
        self.first = first

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        rewrite_defaults(self, node.args)
        if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node.body)):
            return node
        body = self.visit(node.body)
        node.body = operator("in_scope", attribute(self.scope), delayed(body))
        return located(operator("artifact", node), node)

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "super" and not node.args and not node.keywords and self.first:
            node.args = [attribute("__class__"), attribute(self.first)]
            return located(node, node)
        self.generic_visit(node)
        if name in _LOOKING or (name == "print" and not self._has_builtins()):
            return node
        keywords: ast.expr = ast.Constant(None)
        if node.keywords:
            keywords = ast.Call(attribute("ag__", "dict"), [], node.keywords)
        args = ast.Tuple(node.args, ast.Load())
        scope = attribute(self.scope)
        return located(operator("call", node.func, args, keywords, scope), node)

    def _has_builtins(self) -> bool:
        return self.options.uses(Feature.BUILTIN_FUNCTIONS)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        self.generic_visit(node)
        if _assigns(node):
            return node
        body, orelse = delayed(node.body), delayed(node.orelse)
        return located(operator("if_exp", node.test, body, orelse), node)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        self.generic_visit(node)
        if _assigns(node):
            return node
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        return located(operator(name, *map(delayed, node.values)), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        return located(operator("not_", node.operand), node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        self.generic_visit(node)
        name = _COMPARED.get(type(node.ops[0]))
        if len(node.ops) > 1 or not name:
            return node
        if not self.options.uses(Feature.EQUALITY_OPERATORS):
            return node
        return located(operator(name, node.left, node.comparators[0]), node)


def _assigns(node: ast.AST) -> bool:
    """Whether an expression sets a variable, which it could not do in a lambda."""
    return any(
        isinstance(n, ast.NamedExpr | ast.Await | ast.Yield) for n in ast.walk(node)
    )
