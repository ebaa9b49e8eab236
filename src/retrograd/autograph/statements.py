"""Branches and loops as functions that operators call."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from retrograd.autograph import symbols
from retrograd.autograph.expressions import Expressions
from retrograd.autograph.jumps import without_jumps
from retrograd.autograph.liveness import Liveness
from retrograd.autograph.nodes import (
    assignment,
    attribute,
    delayed,
    function,
    located,
    no_arguments,
    operator,
)
from retrograd.autograph.options import ConversionOptions, Feature
from retrograd.util.syntax_trees import parameters, rewrite_defaults, statements_by


def converted_body(
    node: ast.FunctionDef, options: ConversionOptions, names: symbols.Names
) -> ast.FunctionDef:
    """A function whose branches, loops and calls are those of operators; in place.

    Args:
      node: the function.
      options: what the conversion was asked for.
      names: of the outermost function.
    """
    without_jumps(node, names)
    foreign = symbols.declared(node.body)
    live = Liveness(node.body, foreign)
    scope = names.new("fscope")
    args = parameters(node.args)
    worker = _Statements(options, scope, args[0] if args else None, names)
    worker.outer = foreign
    worker.live = live
    worker.shared = symbols.declared(node.body, ast.Global)
    begin = _unset(node, set(args) | foreign)
    documented = ast.get_docstring(node, False) is not None
    heading = [node.body[0]] if documented else []
    rest = node.body[len(heading) :]
    declaring = [s for s in rest if isinstance(s, ast.Global | ast.Nonlocal)]
    body = statements_by(worker, [s for s in rest if s not in declaring])
    held = ast.withitem(
        operator("FunctionScope", ast.Constant(node.name), attribute("options__")),
        ast.Name(scope, ast.Store()),
    )
    whole = located(ast.With([held], body or [ast.Pass()]), first_line(node))
    node.body = [*heading, *declaring, *begin, whole]
    return node


def _unset(node: ast.FunctionDef, known: set[str]) -> list[ast.stmt]:
    """Statements that make the variables of branches and loops undefined.

    Not those that a statement at the beginning of the function sets.
    """
    found: dict[str, None] = {}
    for statement in node.body:
        if not isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
            holders = [n for n in symbols.within([statement]) if _is_flow(n)]
            for name in symbols.assigned(holders):
                if name not in known:
                    found.setdefault(name)
        elif isinstance(statement, ast.Assign):
            targets = [t for t in statement.targets if isinstance(t, ast.Name)]
            known = known | {t.id for t in targets}
    made = []
    for name in found:
        value = operator("Undefined", ast.Constant(name))
        made.append(located(assignment(name, value), node))
    return made


def _is_flow(node: ast.AST) -> bool:
    return isinstance(node, ast.If | ast.While | ast.For)


class _Statements(Expressions):
    """Rewrites the statements of one function."""

    live: Liveness
    outer: set[str]
    shared: set[str]

    def __init__(
        self,
        options: ConversionOptions,
        scope: str,
        first: str | None,
        names: symbols.Names,
    ) -> None:
        super().__init__(options, scope, first)
        self.names = names

    # ------------------------------------------------------------------ functions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        rewrite_defaults(self, node.args)
        if is_generator(node):
            return node
        converted_body(node, self.options, self.names)
        mark = located(attribute("ag__", "artifact"), node)
        node.decorator_list.append(mark)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return node

    def visit_Return(self, node: ast.Return) -> Any:
        value = node.value and self.visit(node.value)
        if value is not None:
            mark = attribute(self.scope, "mark_return_value")
            value = located(ast.Call(mark, [value], []), node)
        node.value = value
        return node

    # ------------------------------------------------------------------ simple ones

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return located(ast.Pass(), node)
        plain = ast.Assign([node.target], node.value)
        return self.visit(located(plain, node))

    def visit_Delete(self, node: ast.Delete) -> Any:
        found: list[ast.stmt] = []
        for target in node.targets:
            if isinstance(target, ast.Name):
                value = operator("Undefined", ast.Constant(target.id))
                found.append(located(assignment(target.id, value), node))
            else:
                found.append(located(ast.Delete([self.visit(target)]), node))
        return found

    def visit_Assert(self, node: ast.Assert) -> Any:
        self.generic_visit(node)
        if not self.options.uses(Feature.ASSERT_STATEMENTS):
            return node
        text = node.msg or ast.Constant("Assertion error")
        made = ast.Expr(operator("assert_stmt", node.test, delayed(text)))
        return located(made, node)

    # ------------------------------------------------------------------ branches

    def visit_If(self, node: ast.If) -> Any:
        changed = symbols.assigned([*node.body, *node.orelse])
        after = self.live.after[node]
        state = sorted(changed, key=lambda name: name not in after)
        results = sum(name in after for name in changed)
        parts = symbols.composites([*node.body, *node.orelse])
        test = self.visit(node.test)
        functions = [
            self._function("if_body", statements_by(self, node.body), changed),
            self._function("else_body", statements_by(self, node.orelse), changed),
            *self._state(state, parts),
        ]
        given = [attribute(f.name) for f in functions]
        call = operator(
            "if_stmt",
            test,
            *given,
            _texts(state + parts),
            ast.Constant(results),
        )
        return self._finished(functions, call, node)

    def _function(
        self,
        name: str,
        body: list[ast.stmt],
        changed: Sequence[str],
        parameter: str | None = None,
    ) -> ast.FunctionDef:
        """A function of the generated code that sets variables around it."""
        args = no_arguments()
        if parameter:
            args.args.append(ast.arg(parameter))
        declared = self._declared(changed)
        statements = declared + body or [ast.Pass()]
        return function(self.names.new(name), args, statements)

    def _declared(self, changed: Sequence[str]) -> list[ast.stmt]:
        inner = [name for name in changed if name not in self.shared]
        outer = [name for name in changed if name in self.shared]
        found: list[ast.stmt] = [ast.Nonlocal(inner)] if inner else []
        return found + ([ast.Global(outer)] if outer else [])

    def _state(
        self, state: Sequence[str], parts: Sequence[str]
    ) -> list[ast.FunctionDef]:
        """Functions that give and set all that changes."""
        get: list[ast.expr] = [attribute(name) for name in state]
        get = [
            operator("ldu", delayed(e), _text(n))
            for e, n in zip(get, state, strict=True)
        ]
        get += [ast.parse(part, mode="eval").body for part in parts]
        put: list[ast.expr] = [ast.Name(name, ast.Store()) for name in state]
        for part in parts:
            target: Any = ast.parse(part, mode="eval").body
            target.ctx = ast.Store()
            put.append(target)
        for e in ast.walk(ast.Tuple([*get, *put], ast.Load())):
            for place in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
                e.__dict__.pop(place, None)
        given = self.names.new("state_")
        result: list[ast.stmt] = [ast.Return(ast.Tuple(get, ast.Load()))]
        setting: list[ast.stmt] = []
        if put:
            value = attribute(given)
            setting = [ast.Assign([ast.Tuple(put, ast.Store())], value)]
        return [
            self._function("get_state", result, []),
            self._function("set_state", setting, state, given),
        ]

    def _finished(
        self, functions: Sequence[ast.stmt], call: ast.expr, node: ast.stmt
    ) -> list[ast.stmt]:
        return [located(s, first_line(node)) for s in [*functions, ast.Expr(call)]]

    # ------------------------------------------------------------------ loops

    def visit_While(self, node: ast.While) -> Any:
        changed = symbols.assigned([node.test, *node.body])
        state, parts = self._loop_state(node, changed)
        test: list[ast.stmt] = [ast.Return(self.visit(node.test))]
        functions = [
            self._function("loop_test", test, symbols.assigned([node.test])),
            self._function("loop_body", statements_by(self, node.body), changed),
            *self._state(state, parts),
        ]
        given = [attribute(f.name) for f in functions]
        call = operator("while_stmt", *given, _texts(state + parts))
        return self._finished(functions, call, node)

    def _loop_state(
        self, node: ast.While | ast.For, changed: list[str]
    ) -> tuple[list[str], list[str]]:
        """The variables that go from one turn to the next, and attributes and items."""
        live = self.live.after[node] | self.live.head[node]
        return [n for n in changed if n in live], symbols.composites(node.body)

    def visit_For(self, node: ast.For) -> Any:
        changed = symbols.assigned([node.target, *node.body])
        state, parts = self._loop_state(node, changed)
        item = self.names.new("item_")
        target = self.visit(node.target)
        take: ast.stmt = ast.Assign([target], attribute(item))
        located(take, node.target)
        body = [take, *statements_by(self, node.body)]
        functions = [
            self._function("loop_body", body, changed, item),
            *self._state(state, parts),
        ]
        extra = getattr(node, "extra", None)
        more = ast.Constant(None) if extra is None else delayed(self.visit(extra))
        given = [attribute(f.name) for f in functions]
        call = operator(
            "for_stmt", self.visit(node.iter), more, *given, _texts(state + parts)
        )
        return self._finished(functions, call, node)


def first_line(node: ast.stmt) -> ast.stmt:
    """A statement in place of the first line of another, for errors to name."""
    start, column = node.lineno, node.col_offset
    place = {"lineno": start, "col_offset": column, "end_lineno": start}
    return ast.Pass(**place, end_col_offset=column + 1)


def _text(text: str) -> ast.expr:
    return ast.Constant(text)


def _texts(texts: Sequence[str]) -> ast.expr:
    return ast.Tuple([ast.Constant(text) for text in texts], ast.Load())


def is_generator(node: ast.AST) -> bool:
    """Whether a function makes a generator, or waits."""
    body = getattr(node, "body", [])
    body = body if isinstance(body, list) else [body]
    kinds = (ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return any(isinstance(n, kinds) for n in symbols.within(body))
