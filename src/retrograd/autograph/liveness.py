"""Which variables are still read after a branch or a loop."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from retrograd.autograph import symbols

Live = frozenset[str]
Block = Sequence[ast.stmt]


class Liveness:
    """Looks at a function backwards, statement by statement.

    Attributes:
      after: for each branch and loop, what is read after it.
      head: for each loop, what is read from its condition on.

    Args:
      body: the function, without jumps but for `return` outside of branches and loops.
      at_end: what is read after the function, as it belongs to others too.
    """

    def __init__(self, body: Block, at_end: set[str]) -> None:
        self.after: dict[ast.AST, Live] = {}
        self.head: dict[ast.AST, Live] = {}
        self._at_end = frozenset(at_end)
        self._block(body, self._at_end, frozenset())

    def _block(self, body: Block, live: Live, always: Live) -> Live:
        """What is read from the start of a block on.

        `always` is read wherever the block is left early, by an exception.
        """
        live |= always
        for statement in reversed(body):
            live = self._statement(statement, live, always) | always
        return live

    def _statement(self, node: ast.stmt, live: Live, always: Live) -> Live:
        if isinstance(node, ast.If):
            self.after[node] = live
            branches = self._block(node.body, live, always)
            branches |= self._block(node.orelse, live, always)
            return branches | symbols.read([node.test])
        if isinstance(node, ast.While | ast.For | ast.AsyncFor):
            return self._loop(node, live, always)
        if isinstance(node, ast.Try | ast.TryStar):
            return self._try(node, live, always)
        if isinstance(node, ast.With | ast.AsyncWith):
            live = self._block(node.body, live, always)
            live -= set(symbols.assigned(node.items))
            return live | symbols.read(node.items)
        if isinstance(node, ast.Match):
            found = live
            for case in node.cases:
                found |= self._block(case.body, live, always)
                found |= symbols.read([case.pattern, *filter(None, [case.guard])])
            return found | symbols.read([node.subject])
        if isinstance(node, ast.Return):
            return self._at_end | symbols.read([node])
        if isinstance(node, ast.Raise):
            return frozenset(symbols.read([node]))
        return (live - set(symbols.assigned([node]))) | symbols.read([node])

    def _loop(
        self, node: ast.While | ast.For | ast.AsyncFor, live: Live, always: Live
    ) -> Live:
        self.after[node] = live
        test = getattr(node, "extra", None)
        tests: list[ast.AST] = [] if test is None else [test]
        if isinstance(node, ast.While):
            tests.append(node.test)
        head = live | symbols.read(tests)
        while True:
            start = self._block(node.body, head, always)
            if isinstance(node, ast.For | ast.AsyncFor):
                start -= set(symbols.assigned([node.target]))
                start |= symbols.read([node.target])
            if start <= head:
                break
            head |= start
        self.head[node] = head
        if isinstance(node, ast.While):
            return head
        return head | symbols.read([node.iter])

    def _try(self, node: ast.Try | ast.TryStar, live: Live, always: Live) -> Live:
        final = self._block(node.finalbody, live, always)
        beyond = always | self._block(node.finalbody, frozenset(), always)
        handled = frozenset()
        for handler in node.handlers:
            handled |= self._block(handler.body, final, beyond)
            handled |= symbols.read([handler.type] if handler.type else [])
        rest = self._block(node.orelse, final, beyond)
        return self._block(node.body, rest, beyond | handled) | handled
