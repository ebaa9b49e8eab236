"""Functions from arrays to arrays that run a part of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from retrograd.graph import context
from retrograd.graph.defaults import control_dependencies
from retrograd.graph.name_scopes import name_scope
from retrograd.graph.tensor import Tensor
from retrograd.layers.values import get_session
from retrograd.ops.flow.control import group
from retrograd.run.session import Session


class GraphFunction:
    """A function that feeds tensors, runs updates and returns the values of others.

    Args:
      inputs: the tensors that are fed.
      outputs: the tensors that are returned.
      updates: operations that are run besides, or pairs of variable and new value.
      name: a scope for the operation that makes the updates.
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        updates: Sequence[Any] = (),
        name: str = "function",
    ) -> None:
        self.inputs, self.outputs, self.name = list(inputs), list(outputs), name
        graph = (self.outputs or self.inputs)[0].graph
        with graph.as_default(), control_dependencies(self.outputs[:1]):
            made = [_update(update) for update in updates if update is not None]
            with name_scope(name):
                self.updates_op = group(*made)
        self._calls: WeakKeyDictionary[Session, Callable[..., Any]] = (
            WeakKeyDictionary()
        )

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The values of the outputs for those of the inputs; None is not fed."""
        graph = self.updates_op.graph
        with graph.as_default():
            session = get_session()
        pairs = list(zip(self.inputs, values, strict=True))
        if all(
            value is not None and not isinstance(value, Tensor) for _, value in pairs
        ):
            call = self._calls.get(session)
            if call is None:
                fetches = [*self.outputs, self.updates_op]
                call = self._calls[session] = session.make_callable(
                    fetches, self.inputs
                )
            return call(*values)[:-1]
        fed = {tensor: value for tensor, value in pairs if value is not None}
        return session.run([self.outputs, self.updates_op], fed)[0]


def _update(update: Any) -> Any:
    if isinstance(update, tuple):
        variable, value = update
        return variable.assign(value)
    return update


def in_graph() -> bool:
    """Whether models are built in graphs: eager mode is off."""
    return not context.executing_eagerly()
