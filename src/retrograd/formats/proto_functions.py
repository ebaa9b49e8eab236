"""How the items of a collection become protocol messages, and messages items."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.graph.hooks import hooks
from retrograd.graph.names import GraphKeys

if TYPE_CHECKING:
    from retrograd.typing import Message

Row = tuple[Any, Callable[..., Any] | None, Callable[..., Any] | None]

_registered: dict[str, Row] = {}
#: the hook that has the row of a collection that is known from the start
_KNOWN = {
    **dict.fromkeys(
        (*GraphKeys._VARIABLE_COLLECTIONS[:6], GraphKeys.GLOBAL_STEP), "variable_protos"
    ),
    GraphKeys.QUEUE_RUNNERS: "queue_runner_protos",
    GraphKeys.SAVERS: "saver_protos",
}


def register_proto_function(
    collection_name: str,
    proto_type: type[Message] | None = None,
    to_proto: Callable[..., Any] | None = None,
    from_proto: Callable[..., Any] | None = None,
) -> None:
    """Register how the items of a collection are written to a MetaGraphDef.

    Args:
      collection_name: the collection.
      proto_type: the class of the messages.
      to_proto: `f(item, export_scope=None)`; its message, or None to leave it out.
      from_proto: `f(message, import_scope=None)`; the item.

    Raises:
      TypeError: a function is not callable.
      KeyError: the collection is registered already.
    """
    if to_proto and not callable(to_proto):
        raise TypeError("to_proto must be callable.")
    if from_proto and not callable(from_proto):
        raise TypeError("from_proto must be callable.")
    if collection_name in _registered or collection_name in _KNOWN:
        raise KeyError(
            f"Registering two proto functions with name '{collection_name}'!"
        )
    _registered[collection_name] = (proto_type, to_proto, from_proto)


def _row(collection_name: str) -> Row:
    if collection_name in _KNOWN:
        return getattr(hooks, _KNOWN[collection_name])()
    return _registered.get(collection_name, (None, None, None))


def get_collection_proto_type(collection_name: str) -> Any:
    """The class of a collection's messages; None if it is not registered."""
    return _row(collection_name)[0]


def get_to_proto_function(collection_name: str) -> Any:
    """What turns a collection's items into messages; None if there is nothing."""
    return _row(collection_name)[1]


def get_from_proto_function(collection_name: str) -> Any:
    """What turns a collection's messages into items; None if there is nothing."""
    return _row(collection_name)[2]
