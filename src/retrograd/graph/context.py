"""Which graph, session and mode a thread works in.

Each thread has stacks of default graphs and default sessions and its own eager mode; the
global default graph, the one that programs get without asking, is shared by all threads.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph


class _Local(threading.local):
    def __init__(self) -> None:
        self.graphs: list[Graph] = []
        self.sessions: list[Any] = []
        self.eager: bool | None = None
        self.tapes: list[Any] = []
        self.device: str = ""
        #: when a run that has a time limit must be done, by `time.monotonic`
        self.deadline: float | None = None
        self.name_scope: str = ""


local = _Local()


class _Shared:
    """What all threads have in common."""

    default_graph: Graph | None = None
    eager_by_default = False
    eager_seed: int | None = None

    @staticmethod
    def make_graph() -> Graph:
        """A new graph; the class is above this module."""
        from retrograd.graph.graph import Graph

        return Graph()


shared = _Shared()


def executing_eagerly() -> bool:
    """Whether an op would run at once, rather than become a node of a graph."""
    return shared.eager_by_default if local.eager is None else local.eager


@contextlib.contextmanager
def _mode(eager: bool) -> Iterator[None]:
    before, local.eager = local.eager, eager
    try:
        yield
    finally:
        local.eager = before


def eager_mode() -> contextlib.AbstractContextManager[None]:
    """A context in which ops run at once."""
    return _mode(True)


def graph_mode() -> contextlib.AbstractContextManager[None]:
    """A context in which ops become nodes of the default graph."""
    return _mode(False)


@contextlib.contextmanager
def eager_name_scope(name: str | None) -> Iterator[str]:
    """Put `name/` before the names of what is made at once; as `Graph.name_scope`."""
    before = local.name_scope
    if not name:
        local.name_scope = ""
    else:
        local.name_scope = name if name[-1] == "/" else f"{before}{name}/"
    try:
        yield local.name_scope
    finally:
        local.name_scope = before


def get_default_graph() -> Graph:
    """The graph that new operations are added to in this thread."""
    if local.graphs:
        return local.graphs[-1]
    if shared.default_graph is None:
        shared.default_graph = shared.make_graph()
    return shared.default_graph


def reset_default_graph() -> None:
    """Start a new global default graph.

    Raises:
      AssertionError: inside a `with graph.as_default()` block.
    """
    if local.graphs:
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a "
            "cleared graph, exit the nesting and create a new graph."
        )
    shared.default_graph = shared.make_graph()


@contextlib.contextmanager
def _pushed(stack: list[Any], item: Any, kind: str) -> Iterator[Any]:
    stack.append(item)
    try:
        yield item
    finally:
        if stack and stack[-1] is item:
            stack.pop()
        elif item in stack:
            if getattr(item, "_enforce_nesting", True):
                raise AssertionError(f"Nesting violated for default stack of {kind}")
            stack.remove(item)


@contextlib.contextmanager
def default_graph(graph: Graph) -> Iterator[Graph]:
    """Make `graph` the thread's default, and build graphs rather than run at once."""
    before, local.eager = local.eager, False
    try:
        with _pushed(local.graphs, graph, "<class 'Graph'> objects"):
            yield graph
    finally:
        local.eager = before


def default_session(session: Any) -> contextlib.AbstractContextManager[Any]:
    """Make `session` the one that `eval` and `run` use in this thread."""
    return _pushed(local.sessions, session, "<class 'Session'> objects")


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """A context in which a loop that runs longer fails."""
    before, local.deadline = local.deadline, time.monotonic() + seconds
    try:
        yield
    finally:
        local.deadline = before


def get_default_session() -> Any:
    """The innermost default session of this thread, or None."""
    return local.sessions[-1] if local.sessions else None


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Leave control dependencies and function bodies; keep the name scope.

    Ops made inside are lifted into the outermost graph that is not a function body, or
    run at once when the program executes eagerly outside of all graphs.
    """
    if executing_eagerly():
        yield
        return
    inner = get_default_graph()
    scope = inner.get_name_scope()
    outer = inner
    while getattr(outer, "outer_graph", None) is not None:
        outer = outer.outer_graph
    with contextlib.ExitStack() as stack:
        if outer is not inner:
            stack.enter_context(default_graph(outer))
        stack.enter_context(outer.name_scope(scope + "/" if scope else ""))
        stack.enter_context(outer.control_dependencies(None))
        yield
