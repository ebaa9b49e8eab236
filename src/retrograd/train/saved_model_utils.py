"""What is in a SavedModel: its message, and graphs by their tags."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from retrograd.train.saved_model_loader import (
    maybe_saved_model_directory,
    parse_saved_model,
)

if TYPE_CHECKING:
    from retrograd.typing import PathLike


def read_saved_model(saved_model_dir: PathLike) -> Any:
    """The SavedModel message of a folder.

    Raises:
      OSError: there is none.
    """
    if not maybe_saved_model_directory(saved_model_dir):
        raise OSError(
            f"SavedModel file does not exist at: {os.fsdecode(saved_model_dir)}"
        )
    return parse_saved_model(saved_model_dir)


def get_saved_model_tag_sets(saved_model_dir: PathLike) -> list[list[str]]:
    """The tags of each graph of a SavedModel."""
    graphs = read_saved_model(saved_model_dir).meta_graphs
    return [list(graph.meta_info_def.tags) for graph in graphs]


def get_meta_graph_def(saved_model_dir: PathLike, tag_set: str) -> Any:
    """The MetaGraphDef that has just these tags.

    Args:
      saved_model_dir: the folder.
      tag_set: the tags, with commas between them.

    Raises:
      RuntimeError: there is none.
    """
    wanted = set(tag_set.split(","))
    for graph in read_saved_model(saved_model_dir).meta_graphs:
        if set(graph.meta_info_def.tags) == wanted:
            return graph
    raise RuntimeError(
        f"MetaGraphDef associated with tag-set {tag_set} could not be found in "
        "SavedModel"
    )
