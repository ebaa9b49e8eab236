"""Where Keras computes with tensors of a graph while everything else runs at once."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from retrograd import nest
from retrograd.graph import context
from retrograd.graph.tensor import Tensor
from retrograd.layers.phase import keras_graph
from retrograd.layers.records import is_symbolic
from retrograd.layers.values import get_session
from retrograd.variables.variable import Variable

if TYPE_CHECKING:
    from retrograd.typing import Structure


def graph_of(*values: Structure) -> AbstractContextManager[Any]:
    """In eager mode the layers' own graph, if a value is a tensor of one."""
    if context.executing_eagerly() and any(map(is_symbolic, nest.flatten(values))):
        return keras_graph().as_default()
    return nullcontext()


def plain(value: Any) -> Any:
    """The value that a tensor or variable holds; anything else as it is."""
    if not isinstance(value, (Tensor, Variable)):
        return value
    if is_symbolic(value) or not context.executing_eagerly():
        return get_session().run(value)
    return value.numpy()  # pyright: ignore[reportAttributeAccessIssue]
