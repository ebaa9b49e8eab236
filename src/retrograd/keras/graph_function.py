"""Functions from arrays to arrays that run a part of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

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
      fetched: tensors whose values other functions are given after each call; it may
        change between calls.
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        updates: Sequence[Any] = (),
        name: str = "function",
        fetched: Mapping[Tensor, Callable[[Any], object]] | None = None,
    ) -> None:
        self.inputs, self.outputs, self.name = list(inputs), list(outputs), name
        self._fetched = {} if fetched is None else fetched
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
        if not self._fetched and all(
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
        besides = list(self._fetched)
        found = session.run([self.outputs, self.updates_op, besides], fed)
        for tensor, value in zip(besides, found[2], strict=True):
            self._fetched[tensor](value)
        return found[0]


def _update(update: Any) -> Any:
    if isinstance(update, tuple):
        variable, value = update
        return variable.assign(value)
    return update
