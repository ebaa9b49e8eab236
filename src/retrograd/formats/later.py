"""Graphs of later TensorFlow: what their nodes say that is not known here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from retrograd.graph import opdef
from retrograd.graph.graph import VERSION

if TYPE_CHECKING:
    from retrograd.typing import Message

#: op types that say how a variable is to be kept, and compute nothing
_HINTS = ("DisableCopyOnRead",)


def drop_what_came_later(graph_def: Message) -> None:
    """Take away attributes that op types got after TensorFlow 1.15, in place.

    Operations that are hints for later TensorFlow only become ones that do nothing.

    Graphs that are not of later versions stay as they are: there such an attribute is
    an error, which importing them tells.
    """
    graph: Any = graph_def
    if graph.versions.producer <= VERSION:
        return
    for node in _nodes(graph):
        if node.op in _HINTS:
            node.input[:] = [name for name in node.input if name[:1] == "^"]
            node.op = "NoOp"
            node.attr.clear()
        known = opdef.lookup(node.op)
        if known is None:
            continue
        for name in list(node.attr):
            if name[:1] != "_" and name not in known.attrs:
                del node.attr[name]


def _nodes(graph: Message) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def
