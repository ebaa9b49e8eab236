"""`if`, as a choice of Python or an operation of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from retrograd.autograph.state import (
    GetState,
    SetState,
    check_branches,
    is_dense,
    refuse_undefined_in_branch,
)
from retrograd.ops.flow.branches import cond

Block = Callable[[], None]


def if_stmt(
    test: Any,
    body: Block,
    orelse: Block,
    get_state: GetState,
    set_state: SetState,
    names: Sequence[str],
    results: int,
) -> None:
    """Run one of two blocks: by a Python value, or in the graph.

    Args:
      test: what decides.
      body, orelse: the blocks.
      get_state, set_state: give and set all that the blocks change.
      names: of these: variables that are read later, others, attributes and items.
      results: how many are read later.
    """
    if not is_dense(test):
        body() if test else orelse()
        return
    before = get_state()
    variables = sum(_is_variable(name) for name in names)
    kept = [*range(results), *range(variables, len(names))]
    branch = _Branches(get_state, set_state, before, kept, [names[i] for i in kept])
    found = cond(test, branch.runs(body, "if"), branch.runs(orelse, "else"))
    set_state(branch.merged(found))


def _is_variable(name: str) -> bool:
    return name.isidentifier()


class _Branches:
    """Two blocks as functions that give values, while they are traced."""

    def __init__(
        self,
        get_state: GetState,
        set_state: SetState,
        before: tuple[Any, ...],
        kept: list[int],
        names: list[str],
    ) -> None:
        self.get_state, self.set_state = get_state, set_state
        self.before = before
        self.kept = kept
        self.names = names
        self.left: dict[str, list[Any]] = {}

    def runs(self, block: Block, label: str) -> Callable[[], Any]:
        """A function that runs a block from the state before; what is left of it."""

        def run() -> Any:
            self.set_state(self.before)
            try:
                block()
                state = self.get_state()
            finally:
                self.set_state(self.before)
            left = self.left[label] = [state[i] for i in self.kept]
            refuse_undefined_in_branch(left, label)
            if len(self.left) == 2:
                check_branches(self.left["if"], self.left["else"], self.names)
            return tuple(left) if left else 1  # a branch has to make something

        return run

    def merged(self, found: Any) -> tuple[Any, ...]:
        """The state after the choice."""
        state = list(self.before)
        if len(self.kept) == 1 and not isinstance(found, tuple):
            found = (found,)
        for place, value in zip(self.kept, found if self.kept else (), strict=True):
            state[place] = value
        return tuple(state)


def if_exp(test: Any, body: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """One of two expressions: by a Python value, or in the graph."""
    if is_dense(test):
        return cond(test, body, orelse)
    return body() if test else orelse()
