"""Files that plugins of TensorBoard want beside the events."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

from retrograd.graph import context

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph

_PREFIX = "__tensorboard_plugin_asset"


class PluginAsset(abc.ABC):
    """What a plugin of TensorBoard adds to a graph, for its files.

    Attributes:
      plugin_name: the name of the plugin, and of its folder.
    """

    plugin_name: str | None = None

    @abc.abstractmethod
    def assets(self) -> dict[str, str | bytes]:
        """What each file holds, by its name."""


def get_plugin_asset(
    plugin_asset_cls: type[PluginAsset], graph: Graph | None = None
) -> Any:
    """The asset of a graph that is of a class; made if there is none.

    Raises:
      ValueError: the class has no name, or two classes have the same.
    """
    name = plugin_asset_cls.plugin_name
    if not name:
        raise ValueError(f"Class {plugin_asset_cls.__name__} does not have plugin_name")
    graph = graph or context.get_default_graph()
    key = f"{_PREFIX}_{name}"
    found = graph.get_collection(key)
    if found:
        if not isinstance(found[0], plugin_asset_cls):
            raise ValueError(f"Plugin name collision: {name}")
        return found[0]
    made = plugin_asset_cls()
    graph.add_to_collection(key, made)
    graph.get_collection_ref(_PREFIX).append(name)
    return made


def get_all_plugin_assets(graph: Graph | None = None) -> list[Any]:
    """All assets of a graph."""
    graph = graph or context.get_default_graph()
    return [
        asset
        for name in graph.get_collection(_PREFIX)
        for asset in graph.get_collection(f"{_PREFIX}_{name}")
    ]
