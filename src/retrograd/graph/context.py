"""Which graph, session and mode a thread works in.

Each thread has stacks of default graphs and default sessions and its own eager mode;
the global default graph, the one that programs get without asking, is shared by all
threads.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from retrograd.graph.hooks import hooks
from retrograd.util.decorators import contextmanager

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph


class Summaries:
    """Where the summaries of a thread go, and which are written.

    Attributes:
      writer: what writes them, or None.
      recording: whether they are written; None leaves it to the writer.
      recording_of_strategy: the same, for one replica of a strategy.
      step: the step that they belong to.
    """

    def __init__(self) -> None:
        self.writer: Any = None
        self.recording: Any = None
        self.recording_of_strategy: Any = True
        self.step: Any = None


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
        self.summaries = Summaries()
        #: the graphs and modes that were entered, innermost last: whether it is a
        #: function body, what enters it again, and the graph
        self.switches: list[tuple[bool, Callable[[], Any], Any]] = []


local = _Local()


class _Shared:
    """What all threads have in common."""

    default_graph: Graph | None = None
    eager_by_default = False
    eager_seed: int | None = None
    #: how often it was set: each time random operations begin anew
    seedings = 0


shared = _Shared()


def executing_eagerly() -> bool:
    """Whether an op would run at once, rather than become a node of a graph."""
    return shared.eager_by_default if local.eager is None else local.eager


@contextlib.contextmanager
def _mode(eager: bool) -> Iterator[None]:
    before, local.eager = local.eager, eager
    if eager:
        local.switches.append((False, eager_mode, None))
    try:
        yield
    finally:
        local.eager = before
        if eager:
            local.switches.pop()


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
    return local.graphs[-1] if local.graphs else _global_graph()


def _global_graph() -> Graph:
    graph = shared.default_graph
    if graph is None:
        graph = shared.default_graph = hooks.new_graph()
    return graph


def reset_default_graph() -> None:
    """Leave the global default graph; the next one is made when it is asked for.

    Raises:
      AssertionError: inside a `with graph.as_default()` block.
    """
    if local.graphs:
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a "
            "cleared graph, exit the nesting and create a new graph."
        )
    shared.default_graph = None


@contextlib.contextmanager
def _pushed(
    stack: list[Any], item: object, kind: str, nested: bool = True
) -> Iterator[Any]:
    stack.append(item)
    try:
        yield item
    finally:
        if stack and stack[-1] is item:
            stack.pop()
        elif item in stack:
            if nested:
                raise AssertionError(f"Nesting violated for default stack of {kind}")
            stack.remove(item)


@contextlib.contextmanager
def default_graph(graph: Graph) -> Iterator[Graph]:
    """Make `graph` the thread's default, and build graphs rather than run at once."""
    before, local.eager = local.eager, False
    local.switches.append((graph._building_function, graph.as_default, graph))
    try:
        with _pushed(local.graphs, graph, "<class 'Graph'> objects"):
            yield graph
    finally:
        local.eager = before
        local.switches.pop()


def default_session(
    session: object, nested: bool = True
) -> contextlib.AbstractContextManager[Any]:
    """Make `session` the one that `eval` and `run` use in this thread.

    Args:
      session: the session.
      nested: whether the context must end before those around it.
    """
    return _pushed(local.sessions, session, "<class 'Session'> objects", nested)


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


@contextmanager
def init_scope() -> Iterator[None]:
    """Leave control dependencies and function bodies; keep name scope and devices.

    Ops made inside are lifted into the innermost graph that is not a function body, or
    run at once when the program executes eagerly there. No tape records them.
    """
    tapes, local.tapes = local.tapes, []
    try:
        if executing_eagerly():
            yield
        else:
            with _outside_functions():
                yield
    finally:
        local.tapes = tapes


@contextlib.contextmanager
def _outside_functions() -> Iterator[None]:
    inner = get_default_graph()
    scope = inner.get_name_scope()
    scope = scope + "/" if scope else ""
    enter, devices = _outer_context(inner)
    with enter():
        if executing_eagerly():
            with eager_name_scope(scope), _eager_devices(devices):
                yield
            return
        outer = get_default_graph()
        before = outer._scopes.devices
        with outer.name_scope(scope), outer.control_dependencies(None):
            outer._scopes.devices = devices
            try:
                yield
            finally:
                outer._scopes.devices = before


def _outer_context(inner: Graph) -> tuple[Callable[[], Any], list[Any]]:
    """What enters the context around all functions, and the device blocks in force."""
    devices = inner._scopes.devices
    if not local.graphs:
        if inner._building_function:
            raise RuntimeError("The global graph is a function.")
        return inner.as_default, devices
    for building_function, enter, around in reversed(local.switches):
        devices = devices or ([] if around is None else around._scopes.devices)
        if not building_function:
            return enter, devices
    if shared.eager_by_default:
        return eager_mode, devices
    return _global_graph().as_default, devices


@contextlib.contextmanager
def _eager_devices(scopes: list[Any]) -> Iterator[None]:
    """The device that the innermost block asks for; functions cannot say one."""
    before = local.device
    if scopes and scopes[-1].name:
        local.device = scopes[-1].name
    try:
        yield
    finally:
        local.device = before
