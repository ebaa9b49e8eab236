"""The values of weights, in the session that layers use, or at once in eager mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from retrograd.graph import context
from retrograd.graph.defaults import executing_eagerly_outside_functions
from retrograd.graph.function import FuncGraph
from retrograd.graph.graph import Graph, graph_of
from retrograd.graph.tensor import Tensor
from retrograd.ops.array.constant import placeholder
from retrograd.ops.array.tensor_values import constant_value, is_tensor
from retrograd.run.session import Session
from retrograd.variables.collections import (
    is_variable_initialized,
    variables_initializer,
)
from retrograd.variables.partition import PartitionedVariable
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_session: list[Session] = []
_restorations: WeakKeyDictionary[Graph, list[Callable[[Session], object]]] = (
    WeakKeyDictionary()
)
_manual: list[bool] = []
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
    """The default session, or one of the layers' own; their variables initialized.

    Args:
      op_input_list: tensors whose graph it is for, by default the default graph.
    """
    session = context.get_default_session()
    if session is None:
        graph = graph_of(op_input_list)
        if not _session or _session[0].graph is not graph:
            _session[:] = [Session(graph=graph)]
        session = _session[0]
    with session.graph.as_default():
        _initialize(session)
    return session


def _initialize(session: Session) -> None:
    """Initialize the tracked variables that have no value yet."""
    if _manual:
        return
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
    if without:
        session.run(variables_initializer(without))
    for restore in _restorations.get(session.graph, ()):
        restore(session)


def restore_with(graph: Graph, restore: Callable[[Session], object]) -> None:
    """Call a function with the session whenever variables of a graph have been made.

    Args:
      graph: the graph.
      restore: gives those that a checkpoint has values for these.
    """
    _restorations.setdefault(graph, []).append(restore)


def manual_variable_initialization(value: bool) -> None:
    """Leave the initialization of variables to the program, or not."""
    _manual[:] = [True] if value else []


def forget() -> None:
    """Leave the session and the variables of the default graph behind."""
    _session.clear()
    _tracked.pop(context.get_default_graph(), None)


# ---------------------------------------------------------------------- reading


def get_value(x: Any) -> Any:
    """The value of a variable or tensor as an array; others as they are.

    Raises:
      RuntimeError: in a function that is traced.
    """
    if not is_tensor(x):
        return x
    if context.executing_eagerly() or getattr(x, "_is_eager", False):
        return x.numpy()
    if not getattr(x, "_in_graph_mode", True):
        with context.eager_mode():
            return x.numpy()
    with x.graph.as_default():
        return x.eval(session=get_session((x,)))


def batch_get_value(tensors: Sequence[Any]) -> list[np.ndarray]:
    """The values of variables or tensors, as arrays.

    Raises:
      RuntimeError: in a function that is traced.
    """
    if context.executing_eagerly():
        return [x.numpy() for x in tensors]
    if context.get_default_graph().building_function:
        raise RuntimeError("Cannot get value inside Tensorflow graph function.")
    return get_session(tensors).run(list(tensors)) if tensors else []


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


# ---------------------------------------------------------------------- writing


def set_value(x: Any, value: ArrayLike) -> None:
    """Give a variable a value.

    Raises:
      ValueError: of another shape.
    """
    batch_set_value([(x, value)])


def batch_set_value(tuples: Sequence[tuple[Any, ArrayLike]]) -> None:
    """Give variables values, all in one run.

    Raises:
      ValueError: one of another shape.
    """
    if executing_eagerly_outside_functions():
        for x, value in tuples:
            x.assign(np.asarray(value, x.dtype.base_dtype.as_numpy_dtype))
        return
    if not tuples:
        return
    ops, feeds = [], {}
    for x, value in tuples:
        kind = x.dtype.base_dtype
        array = np.asarray(value, kind.as_numpy_dtype)
        if not hasattr(x, "_assign_placeholder"):
            # made once, however often values are set
            x._assign_placeholder = placeholder(kind, [None] * array.ndim)
            x._assign_op = x.assign(x._assign_placeholder)
        ops.append(x._assign_op)
        feeds[x._assign_placeholder] = array
    get_session().run(ops, feed_dict=feeds)
