"""Names of layers: one after another for each kind, by graph."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, MutableMapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from retrograd.graph import context

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph

#: counts of names: by namespace and name, or by what `get_uid` was called with
Uids = MutableMapping[tuple[str, str] | str, int]

_by_graph: WeakKeyDictionary[Graph, Uids] = WeakKeyDictionary()


def to_snake_case(name: str) -> str:
    """`batch_normalization` for `BatchNormalization`, `conv2d` for `Conv2D`."""
    words = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
    # a private class gives no name of a scope
    return f"private{snake}" if snake[0] == "_" else snake


def uids_of_default_graph() -> Uids:
    """How often each name has been given in the default graph."""
    return _by_graph.setdefault(context.get_default_graph(), defaultdict(int))


def reset_uids() -> None:
    """Count from the beginning, in every graph."""
    _by_graph.clear()


def get_uid(prefix: str = "") -> int:
    """How often this was called with `prefix` for the default graph."""
    counts = uids_of_default_graph()
    counts[prefix] += 1
    return counts[prefix]


def unique_object_name(
    name: str,
    name_uid_map: Uids | None = None,
    avoid_names: Collection[str] | None = None,
    namespace: str = "",
    zero_based: bool = False,
) -> str:
    """`name` with the next number, by default in the default graph.

    Args:
      name: what the object is.
      name_uid_map: how often each name has been given.
      avoid_names: names that must not come out.
      namespace: names of different namespaces are counted apart.
      zero_based: whether the first has no number; else it is 1.
    """
    counts = uids_of_default_graph() if name_uid_map is None else name_uid_map
    key = namespace, name
    while True:
        number = counts.get(key, 0)
        counts[key] = number + 1
        shown = number if zero_based else number + 1
        found = f"{name}_{shown}" if shown else name
        if not avoid_names or found not in avoid_names:
            return found
