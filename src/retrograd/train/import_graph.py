"""Graphs in files, with the Savers that were written with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.formats import meta_graph
from retrograd.graph import context
from retrograd.platform import logs
from retrograd.train.saver import Saver
from retrograd.variables.collections import _all_saveable_objects

if TYPE_CHECKING:
    from retrograd.typing import Message, PathLike


def import_meta_graph(
    meta_graph_or_file: Message | PathLike,
    clear_devices: bool = False,
    import_scope: str | None = None,
    **kwargs: Any,
) -> Saver | None:
    """Add the graph of a MetaGraphDef to the default graph.

    Args:
      meta_graph_or_file: the message, or a file that holds it.
      clear_devices: whether to leave out devices.
      import_scope: a name scope to put before all names.
      **kwargs: `input_map` and others of `import_scoped_meta_graph`.

    Returns:
      A Saver, the one that was written with the graph or one of all variables; None if
      there are none.

    Raises:
      RuntimeError: executing eagerly.
    """
    return _import_meta_graph_with_return_elements(
        meta_graph_or_file, clear_devices, import_scope, **kwargs
    )[0]


def _import_meta_graph_with_return_elements(
    meta_graph_or_file: Message | PathLike,
    clear_devices: bool = False,
    import_scope: str | None = None,
    return_elements: list[str] | None = None,
    **kwargs: Any,
) -> tuple[Saver | None, list[Any] | None]:
    if context.executing_eagerly():
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is "
            "enabled. No graph exists when eager execution is enabled."
        )
    message: Any = meta_graph_or_file
    if not hasattr(message, "meta_info_def"):
        message = meta_graph.read_meta_graph_file(message)
    found, elements = meta_graph.import_scoped_meta_graph_with_return_elements(
        message,
        clear_devices=clear_devices,
        import_scope=import_scope,
        return_elements=return_elements,
        **kwargs,
    )
    return _saver_of(message, import_scope, found), elements


def _saver_of(
    message: Message, import_scope: str | None, variables: dict[str, Any]
) -> Saver | None:
    if message.HasField("saver_def"):
        scope = import_scope
        for name, variable in variables.items():
            # the scope may have been made unique
            scope = variable.name[: -len(name)]
            break
        return Saver(saver_def=message.saver_def, name=scope)
    if _all_saveable_objects(scope=import_scope):
        return Saver()
    logs.info(
        "Saver not created because there are no variables in the graph to restore"
    )
    return None
