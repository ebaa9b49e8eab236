"""How the items of a collection become protocol messages, and messages items."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from retrograd.graph.names import GraphKeys

_registered: dict[str, tuple[Any, Any, Any]] = {}
#: modules of layers above that register standard collections, imported when asked for
_PROVIDERS = {
    **dict.fromkeys(
        (
            *GraphKeys._VARIABLE_COLLECTIONS[:6],
            GraphKeys.GLOBAL_STEP,
        ),
        "retrograd.variables.protos",
    ),
    GraphKeys.QUEUE_RUNNERS: "retrograd.train.queue_runner",
    GraphKeys.SAVERS: "retrograd.train.saver",
}


def register_proto_function(
    collection_name: str,
    proto_type: Any = None,
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
    if collection_name in _registered:
        raise KeyError(
            f"Registering two proto functions with name '{collection_name}'!"
        )
    _registered[collection_name] = (proto_type, to_proto, from_proto)


def _part(collection_name: str, index: int) -> Any:
    provider = _PROVIDERS.get(collection_name)
    if collection_name not in _registered and provider is not None:
        if importlib.util.find_spec(provider) is not None:
            importlib.import_module(provider)
    return _registered.get(collection_name, (None, None, None))[index]


def get_collection_proto_type(collection_name: str) -> Any:
    """The class of a collection's messages; None if it is not registered."""
    return _part(collection_name, 0)


def get_to_proto_function(collection_name: str) -> Any:
    """What turns a collection's items into messages; None if there is nothing."""
    return _part(collection_name, 1)


def get_from_proto_function(collection_name: str) -> Any:
    """What turns a collection's messages into items; None if there is nothing."""
    return _part(collection_name, 2)
