"""The global step: a variable that counts training steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd import dtypes
from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies, device
from retrograd.graph.graph import Graph
from retrograd.graph.hooks import hooks
from retrograd.graph.names import GraphKeys
from retrograd.graph.tensor import Tensor
from retrograd.platform import logs
from retrograd.variables.initializers import Zeros
from retrograd.variables.options import VariableAggregation
from retrograd.variables.scope import get_variable
from retrograd.variables.updates import assign_add
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import TensorLike, VariableLike

GLOBAL_STEP_READ_KEY = "global_step_read_op_cache"


def global_step(sess: BaseSession, global_step_tensor: Any) -> int:
    """The value of the global step.

    Args:
      sess: a session; not used when executing eagerly.
      global_step_tensor: a tensor or variable, or its name.
    """
    if context.executing_eagerly():
        return int(global_step_tensor.numpy())
    return int(sess.run(global_step_tensor))


def get_global_step(graph: Graph | None = None) -> Any:
    """The global step of a graph, by default the default graph; None if it has none.

    It is the member of the collection GLOBAL_STEP, or what is named `global_step:0`.

    Raises:
      TypeError: it is not an integer scalar.
    """
    graph = graph or context.get_default_graph()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) > 1:
        logs.error("Multiple tensors in global_step collection.")
        return None
    if found:
        step = found[0]
    else:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    assert_global_step(step)
    return step


def create_global_step(graph: Graph | None = None) -> Any:
    """A new global step: an int64 variable `global_step`, zero at first.

    Raises:
      ValueError: there is one already.
    """
    graph = graph or context.get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    if context.executing_eagerly():
        with device("cpu:0"):
            return _new_step()
    with graph.as_default(), graph.name_scope(None):
        return _new_step()


def _new_step() -> Any:
    return get_variable(
        GraphKeys.GLOBAL_STEP,
        shape=[],
        dtype=dtypes.int64,
        initializer=Zeros(),
        trainable=False,
        aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
        collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
    )


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The global step of a graph, by default the default graph; made if need be."""
    graph = graph or context.get_default_graph()
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def assert_global_step(global_step_tensor: VariableLike) -> None:
    """Refuse what cannot be a global step.

    Raises:
      TypeError: it is not an integer scalar, tensor or variable.
    """
    if not isinstance(global_step_tensor, (Variable, Tensor)):
        raise TypeError(
            'Existing "global_step" must be a Variable or Tensor: '
            f"{global_step_tensor}."
        )
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(
            'Existing "global_step" does not have integer type: '
            f"{global_step_tensor.dtype}"
        )
    shape = global_step_tensor.get_shape()
    if shape.ndims != 0 and shape.is_fully_defined():
        raise TypeError(f'Existing "global_step" is not scalar: {shape}')


def _get_global_step_read(graph: Graph | None = None) -> Any:
    """The tensor that reads the global step, if it was made.

    Raises:
      RuntimeError: there are several.
    """
    graph = graph or context.get_default_graph()
    found = graph.get_collection(GLOBAL_STEP_READ_KEY)
    if len(found) > 1:
        raise RuntimeError(
            f"There are multiple items in collection {GLOBAL_STEP_READ_KEY}. There "
            "should be only one."
        )
    return found[0] if found else None


def _get_or_create_global_step_read(graph: Graph | None = None) -> Any:
    """A copy of the global step, which is safe to read before it is initialized."""
    graph = graph or context.get_default_graph()
    found = _get_global_step_read(graph)
    if found is not None:
        return found
    step = get_global_step(graph)
    if step is None:
        return None
    with (
        graph.as_default(),
        graph.name_scope(None),
        graph.name_scope(step.op.name + "/"),
    ):
        value = step.initialized_value() if isinstance(step, Variable) else step
        graph.add_to_collection(GLOBAL_STEP_READ_KEY, value + 0)
    return _get_global_step_read(graph)


def _increment_global_step(increment: TensorLike, graph: Graph | None = None) -> Any:
    """Add to the global step, after it was read.

    Raises:
      ValueError: there is none.
    """
    graph = graph or context.get_default_graph()
    step = get_global_step(graph)
    if step is None:
        raise ValueError(
            "Global step tensor should be created by "
            "tf.train.get_or_create_global_step before calling increment."
        )
    read = _get_or_create_global_step_read(graph)
    with (
        graph.as_default(),
        graph.name_scope(None),
        graph.name_scope(step.op.name + "/"),
        control_dependencies([read]),
    ):
        return assign_add(step, increment)


hooks.provide(get_or_create_global_step=get_or_create_global_step)
