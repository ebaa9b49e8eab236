"""What a function does with lists as calls of operators, with `Feature.LISTS`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from retrograd.autograph import symbols
from retrograd.autograph.directives import set_element_type
from retrograd.autograph.nodes import attribute, located, operator
from retrograd.util.syntax_trees import statements_by

#: what a name of the program stands for; None for local ones
Meaning = Callable[[ast.expr], object]
_STATEMENTS = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)


def with_lists(
    node: ast.FunctionDef,
    names: symbols.Names,
    meaning: Meaning,
    stacks: Sequence[object],
) -> None:
    """Rewrite what a function does with lists, in place.

    Args:
      node: the function.
      names: gives new variables.
      meaning: of names of the program.
      stacks: the functions that stack a list.
    """
    worker = _Lists(names, meaning, stacks)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Expr):
            worker.note_type(inner.value)
    node.body = statements_by(worker, node.body)


class _Lists(ast.NodeTransformer):
    """Rewrites statements.

    Attributes:
      types: dtype and shape of the elements of lists, as the program says it.
      before: statements to put before the one that is being rewritten.
    """

    def __init__(
        self, names: symbols.Names, meaning: Meaning, stacks: Sequence[object]
    ) -> None:
        self.names = names
        self.meaning = meaning
        self.stacks = stacks
        self.types: dict[str, tuple[ast.expr, ast.expr]] = {}
        self.before: list[ast.stmt] = []

    def note_type(self, node: ast.expr) -> bool:
        """Remember what `set_element_type` says; whether it is that."""
        if not isinstance(node, ast.Call):
            return False
        if self.meaning(node.func) is not set_element_type:
            return False
        given = {k.arg: k.value for k in node.keywords if k.arg}
        parameters = inspect.signature(set_element_type).parameters
        given.update(zip(parameters, node.args, strict=False))
        shape = given.get("shape", ast.Constant(None))
        self.types[ast.unparse(given["entity"])] = given["dtype"], shape
        return True

    def _type(self, node: ast.expr) -> tuple[ast.expr, ast.expr]:
        nothing = ast.Constant(None)
        return self.types.get(ast.unparse(node), (nothing, nothing))

    # ------------------------------------------------------------------ statements

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, _STATEMENTS):
            return super().visit(node)
        outer, self.before = self.before, []
        result = super().visit(node)
        found = [*self.before, result]
        self.before = outer
        return found if len(found) > 1 else result

    def visit_Expr(self, node: ast.Expr) -> Any:
        if self.note_type(node.value):
            return located(ast.Pass(), node)
        call = node.value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "append"
            and len(call.args) == 1
            and _is_place(call.func.value)
        ):
            target = call.func.value
            value = operator("list_append", target, self.visit(call.args[0]))
            return located(ast.Assign([_stored(target)], value), node)
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        target = node.targets[0]
        node.value = self.visit(node.value)
        if len(node.targets) > 1 or not isinstance(target, ast.Subscript):
            return node
        if isinstance(target.slice, ast.Slice) or not _is_place(target.value):
            return node
        index = self.visit(target.slice)
        value = operator("set_item", target.value, index, node.value)
        return located(ast.Assign([_stored(target.value)], value), node)

    # ------------------------------------------------------------------ expressions

    def visit_List(self, node: ast.List) -> Any:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Store):
            return node
        return located(operator("new_list", node), node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        dtype, _ = self._type(node.value)
        self.generic_visit(node)
        simple = not any(isinstance(n, ast.Slice) for n in ast.walk(node.slice))
        if not isinstance(node.ctx, ast.Load) or not simple:
            return node
        return located(operator("get_item", node.value, node.slice, dtype), node)

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr == "pop":
            if len(node.args) < 2 and not node.keywords and _is_place(func.value):
                return self._popped(func.value, node)
        original = self.meaning(func)
        stacks = any(original is function for function in self.stacks)
        if stacks and len(node.args) == 1 and not node.keywords:
            dtype, _ = self._type(node.args[0])
            return located(operator("list_stack", node.args[0], dtype, func), node)
        return node

    def _popped(self, list_: ast.expr, node: ast.Call) -> ast.expr:
        item = self.names.new("item_")
        place = node.args[0] if node.args else ast.Constant(None)
        call = operator("list_pop", list_, place, *self._type(list_))
        both = ast.Tuple([_stored(list_), ast.Name(item, ast.Store())], ast.Store())
        self.before.append(located(ast.Assign([both], call), node))
        return located(attribute(item), node)


def _is_place(node: ast.expr) -> bool:
    """Whether an expression is a name, or a dotted one."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _stored(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute):
        return ast.Attribute(node.value, node.attr, ast.Store())
    return ast.Name(ast.unparse(node), ast.Store())
