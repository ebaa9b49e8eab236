"""The stacks of default graphs and sessions, as objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograd.graph import context


class _Stack:
    """One of the thread's stacks."""

    def __init__(self, name: str, default: Callable[[], Any]) -> None:
        self._name = name
        self.get_default = default

    @property
    def stack(self) -> list[Any]:
        """What was entered, innermost last."""
        return getattr(context.local, self._name)

    def is_cleared(self) -> bool:
        """Whether nothing is entered."""
        return not self.stack

    def reset(self) -> None:
        """Forget what was entered."""
        self.stack.clear()
        if self._name == "graphs":
            context.shared.default_graph = None


_default_graph_stack = _Stack("graphs", context.get_default_graph)
_default_session_stack = _Stack("sessions", context.get_default_session)
