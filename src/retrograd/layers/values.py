"""The values of weights, in the session that layers use, or at once in eager mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from retrograd.graph import context
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.tensor_values import constant_value
from retrograd.run.session import Session
from retrograd.variables.collections import is_variable_initialized
from retrograd.variables.partition import PartitionedVariable
from retrograd.variables.variable import Variable

_session: list[Session] = []
_tracked: WeakKeyDictionary[Graph, WeakSet[Any]] = WeakKeyDictionary()


def track_variable(variable: Variable | PartitionedVariable) -> None:
    """Initialize a variable when the layers' session first needs it."""
    if context.executing_eagerly():
        return
    parts = variable if isinstance(variable, PartitionedVariable) else [variable]
    for part in parts:
        graph = getattr(part, "graph", None) or context.get_default_graph()
        _tracked.setdefault(graph, WeakSet()).add(part)


def set_session(session: Session) -> None:
    """Let layers use this session."""
    _session[:] = [session]


def get_session(op_input_list: Any = ()) -> Session:
    """The default session, or one of the layers' own; their variables initialized."""
    del op_input_list
    session = context.get_default_session()
    if session is None:
        graph = context.get_default_graph()
        if not _session or _session[0].graph is not graph:
            _session[:] = [Session(graph=graph)]
        session = _session[0]
    with session.graph.as_default():
        _initialize(session)
    return session


def _initialize(session: Session) -> None:
    """Initialize the tracked variables that have no value yet."""
    pending = [
        v
        for v in _tracked.get(session.graph, ())
        if not getattr(v, "_keras_initialized", False)
    ]
    if not pending:
        return
    known = session.run([is_variable_initialized(v) for v in pending])
    without = [v for v, is_known in zip(pending, known, strict=True) if not is_known]
    for variable in pending:
        variable._keras_initialized = True
    session.run([v.initializer for v in without])


def batch_get_value(variables: Sequence[Any]) -> list[np.ndarray]:
    """The values of variables, as arrays."""
    if context.executing_eagerly():
        return [v.numpy() for v in variables]
    return get_session().run(list(variables)) if variables else []


def value_of(tensor: Tensor) -> Any:
    """The value of a tensor of a graph that depends on nothing that is fed."""
    known = constant_value(tensor)
    if known is not None:
        return known
    graph = tensor.graph
    if not isinstance(graph, FuncGraph):
        with graph.as_default():
            return get_session().run(tensor)
    captured = {inner: outer.numpy() for outer, inner in graph.captures}
    with context.graph_mode(), Session(graph=graph) as session:
        return session.run(tensor, captured)


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Give variables values."""
    if context.executing_eagerly():
        for variable, value in tuples:
            variable.assign(np.asarray(value, variable.dtype.as_numpy_dtype))
        return
    if tuples:
        session = get_session()
        for variable, value in tuples:
            kind = variable.dtype.base_dtype.as_numpy_dtype
            variable.load(np.asarray(value, kind), session)
