"""Reading SavedModels: the graph with some tags, its variables, its initialization."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.formats import messages
from retrograd.formats.later import drop_what_came_later
from retrograd.platform import files, logs
from retrograd.train.import_graph import _import_meta_graph_with_return_elements
from retrograd.train.saved_model_signatures import (
    ASSETS_DIRECTORY,
    ASSETS_KEY,
    LEGACY_INIT_OP_KEY,
    MAIN_OP_KEY,
    SAVED_MODEL_FILENAME_PB,
    SAVED_MODEL_FILENAME_PBTXT,
    get_variables_path,
)
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.typing import Message, PathLike


def maybe_saved_model_directory(export_dir: PathLike) -> bool:
    """Whether a folder holds a SavedModel."""
    folder = os.fsdecode(export_dir)
    names = (SAVED_MODEL_FILENAME_PB, SAVED_MODEL_FILENAME_PBTXT)
    return any(files.file_exists(os.path.join(folder, name)) for name in names)


def parse_saved_model(export_dir: PathLike) -> Any:
    """The SavedModel message of a folder.

    Raises:
      OSError: there is none, or it cannot be read.
    """
    folder = os.fsdecode(export_dir)
    binary = os.path.join(folder, SAVED_MODEL_FILENAME_PB)
    text = os.path.join(folder, SAVED_MODEL_FILENAME_PBTXT)
    message: Any = messages.SavedModel()
    if files.file_exists(binary):
        from google.protobuf.message import DecodeError

        try:
            message.ParseFromString(files.read_file_to_string(binary, True))
        except DecodeError as error:
            raise OSError(f"Cannot parse file {binary}: {error}.") from None
        return message
    if files.file_exists(text):
        from google.protobuf import text_format

        try:
            text_format.Merge(files.read_file_to_string(text), message)
        except text_format.ParseError as error:
            raise OSError(f"Cannot parse file {text}: {error}.") from None
        return message
    raise OSError(
        f"SavedModel file does not exist at: {folder}/"
        f"{{{SAVED_MODEL_FILENAME_PBTXT}|{SAVED_MODEL_FILENAME_PB}}}"
    )


def meta_graph_with_tags(saved_model: Message, tags: Sequence[str]) -> Any:
    """The MetaGraphDef that has just these tags.

    Raises:
      RuntimeError: there is none.
    """
    known: Any = saved_model
    wanted = {tags} if isinstance(tags, str) else set(tags)
    available = [set(m.meta_info_def.tags) for m in known.meta_graphs]
    for meta_graph, own in zip(known.meta_graphs, available, strict=True):
        if own == wanted:
            return meta_graph
    raise RuntimeError(
        f"MetaGraphDef associated with tags {str(list(tags)).strip('[]')} could not be "
        "found in SavedModel. To inspect available tag-sets in the SavedModel, please "
        f"use the SavedModel CLI: `saved_model_cli`\navailable_tags: {available}"
    )


class SavedModelLoader:
    """Reads a SavedModel, step by step.

    Args:
      export_dir: the folder.
    """

    def __init__(self, export_dir: PathLike) -> None:
        self._export_dir = os.fsdecode(export_dir)
        self._saved_model = parse_saved_model(export_dir)

    @property
    def export_dir(self) -> str:
        """The folder."""
        return self._export_dir

    @property
    def variables_path(self) -> str:
        """What the names of the variables' files begin with."""
        return get_variables_path(self._export_dir)

    @property
    def saved_model(self) -> Any:
        """The message."""
        return self._saved_model

    def get_meta_graph_def_from_tags(self, tags: Sequence[str]) -> Any:
        """The MetaGraphDef that has just these tags."""
        return meta_graph_with_tags(self._saved_model, tags)

    def load_graph(
        self,
        graph: Any,
        tags: Sequence[str],
        import_scope: str | None = None,
        **saver_kwargs: Any,
    ) -> tuple[Any, Any]:
        """Add the graph with some tags to one; its Saver, and what was returned."""
        message = protos.message("meta_graph.MetaGraphDef")()
        message.CopyFrom(self.get_meta_graph_def_from_tags(tags))
        drop_what_came_later(message.graph_def)
        with graph.as_default():
            return _import_meta_graph_with_return_elements(
                message, import_scope=import_scope, **saver_kwargs
            )

    def restore_variables(
        self, sess: BaseSession, saver: Any, import_scope: str | None = None
    ) -> None:
        """Give the variables their values."""
        del import_scope
        with sess.graph.as_default():
            if saver is None:
                logs.info(
                    "The specified SavedModel has no variables; no checkpoints "
                    "were restored."
                )
                return
            saver.restore(sess, self.variables_path)

    def run_init_ops(
        self, sess: BaseSession, tags: Sequence[str], import_scope: str | None = None
    ) -> None:
        """Run what initializes the model, with the files that it brings along."""
        message = self.get_meta_graph_def_from_tags(tags)
        with sess.graph.as_default():
            feeds = self._assets(message, import_scope)
            init = _init_op(message, import_scope, sess.graph)
            if init is not None:
                sess.run(fetches=[init], feed_dict=feeds)

    def _assets(self, message: Any, scope: str | None) -> dict[str, str]:
        """Where the files that the model brings along are, by tensor."""
        if ASSETS_KEY not in message.collection_def:
            return {}
        found = {}
        for packed in message.collection_def[ASSETS_KEY].any_list.value:
            asset = protos.message("meta_graph.AssetFileDef")()
            asset.ParseFromString(packed.value)
            name = asset.tensor_info.name
            path = os.path.join(self._export_dir, ASSETS_DIRECTORY, asset.filename)
            found[f"{scope}/{name}" if scope else name] = path
        return found

    def load(
        self,
        sess: BaseSession,
        tags: Sequence[str],
        import_scope: str | None = None,
        **saver_kwargs: Any,
    ) -> Any:
        """Add the graph, give its variables values, initialize it; its MetaGraphDef."""
        saver, _ = self.load_graph(sess.graph, tags, import_scope, **saver_kwargs)
        self.restore_variables(sess, saver, import_scope)
        self.run_init_ops(sess, tags, import_scope)
        return self.get_meta_graph_def_from_tags(tags)


def _init_op(message: Any, scope: str | None, graph: Any) -> Any:
    """What initializes a model: by its main operation, or as older files have it."""
    for key in (MAIN_OP_KEY, LEGACY_INIT_OP_KEY):
        if key in message.collection_def:
            found = graph.get_collection(key, scope=scope)
            if len(found) != 1:
                raise RuntimeError(
                    f"Expected exactly one {key} or none, but found {len(found)}"
                )
            return found[0]
    return None


def load(
    sess: BaseSession,
    tags: Sequence[str],
    export_dir: PathLike,
    import_scope: str | None = None,
    **saver_kwargs: Any,
) -> Any:
    """Read a SavedModel into a session.

    Args:
      sess: the session, and its graph.
      tags: the tags of the graph that is wanted, all of them.
      export_dir: the folder.
      import_scope: a name scope to put before all names.
      **saver_kwargs: further arguments for `tf.train.import_meta_graph`.

    Returns:
      The MetaGraphDef, whose `signature_def` says what can be fed and fetched.

    Raises:
      OSError: there is no SavedModel.
      RuntimeError: it has no graph with these tags.
    """
    return SavedModelLoader(export_dir).load(sess, tags, import_scope, **saver_kwargs)
