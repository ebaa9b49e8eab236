"""Whether layers are training: the learning phase, a placeholder unless it is set."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from retrograd.graph import context
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.name_scopes import name_scope
from retrograd.ops.array.constant import placeholder_with_default

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Training

_by_graph: WeakKeyDictionary[Graph, Tensor | int] = WeakKeyDictionary()
_eager: list[int] = []
_keras_graph: list[FuncGraph] = []


def keras_graph() -> Graph:
    """Where layers add operations: the default graph; in eager mode their own."""
    if not context.executing_eagerly():
        return context.get_default_graph()
    if not _keras_graph:
        _keras_graph.append(FuncGraph("keras_graph"))
        _keras_graph[0].takes_eager_ops = True
    return _keras_graph[0]


def is_in_keras_graph() -> bool:
    """Whether operations are added to the graph of layers in eager mode."""
    return bool(_keras_graph) and context.get_default_graph() is _keras_graph[0]


def in_function() -> bool:
    """Whether a function is built whose calls are in eager mode."""
    graph = None if context.executing_eagerly() else context.get_default_graph()
    if not isinstance(graph, FuncGraph) or is_in_keras_graph():
        return False
    with context.init_scope():
        return context.executing_eagerly()


def _is_at_once() -> bool:
    """Whether layers compute values: in eager mode, and in functions called there."""
    return context.executing_eagerly() or in_function()


def learning_phase() -> Tensor | int:
    """1 in training, 0 in testing: what was set, or a placeholder of 0."""
    if _is_at_once():
        return _eager[0] if _eager else 0
    return _of_graph(context.get_default_graph())


def symbolic_learning_phase() -> Tensor | int:
    """The phase in the graph of layers: a placeholder, unless it is set."""
    return _of_graph(keras_graph())


def _of_graph(graph: Graph) -> Tensor | int:
    if graph not in _by_graph:
        with graph.as_default(), name_scope(""):
            _by_graph[graph] = placeholder_with_default(
                False, shape=(), name="keras_learning_phase"
            )
    return _by_graph[graph]


def learning_phase_is_set() -> bool:
    """Whether the program has set the phase, for this graph or eager mode."""
    if _is_at_once():
        return bool(_eager)
    return isinstance(_by_graph.get(context.get_default_graph()), int)


def eager_learning_phase_is_set() -> bool:
    """Whether the program has set the phase of eager mode."""
    return bool(_eager)


def set_learning_phase(value: int) -> None:
    """Set the phase: for the default graph; or eager mode, and the graph of layers.

    Raises:
      ValueError: neither 0 nor 1.
    """
    _check(value)
    with context.init_scope():
        if context.executing_eagerly():
            _eager[:] = [value]
        _by_graph[keras_graph()] = value


def _check(value: int) -> None:
    if value not in (0, 1):
        raise ValueError("Expected learning phase to be 0 or 1.")


@contextlib.contextmanager
def learning_phase_scope(value: int) -> Iterator[int]:
    """A context with a phase.

    Raises:
      ValueError: neither 0 nor 1.
    """
    _check(value)
    with context.init_scope():
        graph, eager = keras_graph(), list(_eager)
        before = _by_graph.get(graph)
    try:
        set_learning_phase(value)
        yield value
    finally:
        _eager[:] = eager
        if before is not None:
            _by_graph[graph] = before
        else:
            _by_graph.pop(graph, None)


@contextlib.contextmanager
def eager_learning_phase_scope(value: int) -> Iterator[None]:
    """A context with a phase of eager mode alone.

    Raises:
      ValueError: neither 0 nor 1.
    """
    _check(value)
    before = list(_eager)
    try:
        _eager[:] = [value]
        yield
    finally:
        _eager[:] = before


def forget() -> None:
    """Leave the phases and the graph of layers behind; begin with new ones."""
    _keras_graph.clear()
    _by_graph.clear()
    _eager.clear()
    with context.init_scope():
        _of_graph(keras_graph())


def training_or_phase(training: Training | None) -> Training:
    """`training`, or the learning phase where it is None."""
    return learning_phase() if training is None else training
