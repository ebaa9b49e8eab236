"""Name scopes: `tf.name_scope`, of version 1 and of version 2."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from retrograd.graph import context
from retrograd.graph.graph import graph_of


class name_scope:
    """A context: the scope `name`, or else `default_name`, in the graph of `values`.

    The names of operations made inside start with the scope. In eager mode there is no
    graph: the scope is a prefix, not made unique.

    Args:
      name: the scope's name; one that ends in a slash is entered as it is.
      default_name: the name where `name` is None.
      values: tensors and operations; their graph becomes the default inside.

    Raises:
      TypeError: `default_name` is not a string.
      ValueError: neither name is given though values are.
    """

    __slots__ = ("_default_name", "_exits", "_name", "_values")

    def __init__(
        self,
        name: str | None,
        default_name: str | None = None,
        values: Sequence[Any] | None = None,
    ) -> None:
        if default_name is not None and not isinstance(default_name, str):
            raise TypeError(
                f"`default_name` type ({type(default_name)}) is not a string type. You "
                "likely meant to pass this into the `values` kwarg."
            )
        self._name = default_name if name is None else name
        self._default_name = default_name
        self._values = values
        self._exits: list[Callable[..., Any]] = []

    @property
    def name(self) -> str | None:
        """The name that was asked for."""
        return self._name

    def __enter__(self) -> str:
        if context.executing_eagerly():
            for value in self._values or ():
                graph = getattr(value, "_graph", None)
                if graph is not None and graph.takes_eager_ops:
                    self._enter(graph.as_default())
                    return self._enter(graph.name_scope(self._name))
            return self._enter(context.eager_name_scope(self._name))
        if self._name is None and self._values is not None:
            raise ValueError(
                f"At least one of name ({self._name}) and default_name "
                f"({self._default_name}) must be provided."
            )
        graph = graph_of(self._values or ())
        if graph is not context.get_default_graph():
            self._enter(graph.as_default())
        try:
            return self._enter(graph.name_scope(self._name))
        except BaseException:
            while self._exits:
                self._exits.pop()(None, None, None)
            raise

    def _enter(self, manager: contextlib.AbstractContextManager[Any]) -> Any:
        entered = manager.__enter__()
        self._exits.append(manager.__exit__)
        return entered

    def __exit__(self, *details: object) -> None:
        while self._exits:
            self._exits.pop()(*details)


class name_scope_v2(name_scope):
    """A context: the scope `name` of the default graph; it can be entered repeatedly.

    Raises:
      ValueError: `name` is not a string.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        super().__init__(name)

    def __enter__(self) -> str:
        if context.executing_eagerly():
            return self._enter(context.eager_name_scope(self._name))
        return self._enter(context.get_default_graph().name_scope(self._name))

    def __exit__(self, *details: object) -> None:
        self._exits.pop()(*details)
