"""`break`, `continue` and `return` as variables that say what is left out.

What would not run after a jump runs in the other branch, or `if not break_`: branches
and loops can then become functions.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from retrograd.autograph.nodes import assignment, attribute, located, operator
from retrograd.autograph.symbols import FUNCTIONS, Names

#: variables that say that there was a jump, in the order in which they are asked
Flags = tuple[str, ...]


class _Part(NamedTuple):
    """Statements without jumps: the flags that they may set, and whether they end."""

    body: list[ast.stmt]
    flags: Flags
    ends: bool


class _Loop:
    """The flags of a loop that is being rewritten."""

    def __init__(self) -> None:
        self.stop = self.skip = ""


def without_jumps(node: ast.FunctionDef, names: Names) -> None:
    """Rewrite the jumps of a function, in place.

    A `return` outside of branches and loops stays, if all of them are.
    """
    _Jumps(node, names).rewrite()


class _Jumps:
    def __init__(self, node: ast.FunctionDef, names: Names) -> None:
        self.node = node
        self.names = names
        self.loops: list[_Loop] = []
        self.returned = self.result = ""
        if _returns_inside(node.body, False):
            self.returned = names.new("do_return")
            self.result = names.new("retval_")

    def rewrite(self) -> None:
        part = self._block(self.node.body)
        self.node.body = part.body
        if not self.returned:
            return
        first, last = part.body[0], part.body[-1]
        unset = assignment(self.result, operator("UndefinedReturnValue"))
        begin = [_set(self.returned, False, first), located(unset, first)]
        end = ast.Return(operator("retval", attribute(self.result)))
        self.node.body = [*begin, *part.body, located(end, last)]

    # ------------------------------------------------------------------ blocks

    def _block(self, body: Sequence[ast.stmt]) -> _Part:
        found: list[ast.stmt] = []
        flags: Flags = ()
        for i, statement in enumerate(body):
            part = self._statement(statement)
            found += part.body
            if part.ends:
                return _Part(found, _joined(flags, part.flags), True)
            if part.flags and i + 1 < len(body):
                rest = self._block(body[i + 1 :])
                self._put_behind(part, rest, found)
                return _Part(found, _joined(flags, part.flags, rest.flags), rest.ends)
            flags = _joined(flags, part.flags)
        return _Part(found, flags, False)

    def _put_behind(self, part: _Part, rest: _Part, found: list[ast.stmt]) -> None:
        """Let `rest` run where `part` has not jumped."""
        last = part.body[-1]
        open_branch = getattr(last, "open_branch", None)
        if open_branch is None:
            found.append(_unless(part.flags, rest.body, rest.body[0]))
            return
        branch, flags = open_branch
        if flags:
            branch.append(_unless(flags, rest.body, rest.body[0]))
        else:
            branch.extend(rest.body)

    def _statement(self, node: ast.stmt) -> _Part:
        if isinstance(node, ast.If):
            return self._if(node)
        if isinstance(node, ast.While | ast.For):
            return self._loop(node)
        if isinstance(node, ast.Break | ast.Continue):
            return self._leave(node)
        if isinstance(node, ast.Return):
            if not self.returned:
                return _Part([node], (), True)
            value = node.value or ast.Constant(None)
            result = located(assignment(self.result, value), node)
            both = [_set(self.returned, True, node), result]
            return _Part(both, (self.returned,), True)
        if isinstance(node, ast.Raise):
            return _Part([node], (), True)
        return self._holder(node)

    def _if(self, node: ast.If) -> _Part:
        body, orelse = self._block(node.body), self._block(node.orelse)
        node.body, node.orelse = body.body, orelse.body
        if body.ends and not orelse.ends:
            node.open_branch = node.orelse, orelse.flags  # pyright: ignore[reportAttributeAccessIssue]
        elif orelse.ends and not body.ends:
            node.open_branch = node.body, body.flags  # pyright: ignore[reportAttributeAccessIssue]
        flags = _joined(body.flags, orelse.flags)
        return _Part([node], flags, body.ends and orelse.ends)

    def _holder(self, node: ast.stmt) -> _Part:
        """A statement with blocks in it that runs them itself: `with`, `try`, …"""
        flags: Flags = ()
        blocks = [node]
        blocks += getattr(node, "handlers", []) + getattr(node, "cases", [])
        guard: Flags = ()
        if isinstance(node, FUNCTIONS) or isinstance(node, ast.ClassDef):
            return _Part([node], (), False)
        for block in blocks:
            for field in ("body", "orelse", "finalbody"):
                inner = getattr(block, field, None)
                if not isinstance(inner, list) or not inner:
                    continue
                part = self._block(inner)
                kept = part.body
                if field == "orelse" and guard:
                    kept = [_unless(guard, kept, kept[0])]
                guard = part.flags if field == "body" and block is node else guard
                setattr(block, field, kept)
                flags = _joined(flags, part.flags)
        return _Part([node], flags, False)

    # ------------------------------------------------------------------ loops

    def _leave(self, node: ast.Break | ast.Continue) -> _Part:
        loop = self.loops[-1]
        if isinstance(node, ast.Break):
            loop.stop = flag = loop.stop or self.names.new("break_")
        else:
            loop.skip = flag = loop.skip or self.names.new("continue_")
        return _Part([_set(flag, True, node)], (flag,), True)

    def _loop(self, node: ast.While | ast.For) -> _Part:
        loop = _Loop()
        self.loops.append(loop)
        part = self._block(node.body)
        self.loops.pop()
        node.body = part.body
        if loop.skip:
            node.body.insert(0, _set(loop.skip, False, node))
        outer = tuple(f for f in part.flags if f not in (loop.stop, loop.skip))
        ending = _joined((loop.stop,) if loop.stop else (), outer)
        orelse = self._block(node.orelse)
        node.orelse = []
        whole: list[ast.stmt] = [node]
        if loop.stop:
            whole.insert(0, _set(loop.stop, False, node))
        if ending:
            extra = _none_of(ending, node)
            if isinstance(node, ast.While):
                node.test = located(ast.BoolOp(ast.And(), [extra, node.test]), node)
            else:
                node.extra = extra  # pyright: ignore[reportAttributeAccessIssue]
        if orelse.body and ending:
            whole.append(_unless(ending, orelse.body, orelse.body[0]))
        else:
            whole += orelse.body
        return _Part(whole, _joined(outer, orelse.flags), False)


def _returns_inside(body: Sequence[ast.AST], inside: bool) -> bool:
    """Whether there is a `return` in a branch or a loop."""
    for node in body:
        if isinstance(node, ast.Return) and inside:
            return True
        if isinstance(node, FUNCTIONS) or isinstance(node, ast.ClassDef | ast.expr):
            continue
        deeper = inside or isinstance(node, ast.If | ast.While | ast.For)
        if _returns_inside(list(ast.iter_child_nodes(node)), deeper):
            return True
    return False


def _joined(*flags: Flags) -> Flags:
    return tuple(dict.fromkeys(f for several in flags for f in several))


def _set(name: str, value: bool, like: ast.AST) -> ast.stmt:
    return located(assignment(name, ast.Constant(value)), like)


def _none_of(flags: Flags, like: ast.AST) -> ast.expr:
    tests: list[ast.expr] = [ast.UnaryOp(ast.Not(), attribute(f)) for f in flags]
    whole = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
    return located(whole, like)


def _unless(flags: Flags, body: list[ast.stmt], like: ast.AST) -> ast.stmt:
    return located(ast.If(_none_of(flags, like), body, []), like)
