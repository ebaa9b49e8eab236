"""Writing graphs to files: `tf.train.write_graph`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from retrograd.platform import files

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.typing import Message, PathLike


def write_graph(
    graph_or_graph_def: Graph | Message,
    logdir: str | os.PathLike[str],
    name: str,
    as_text: bool = True,
) -> str:
    """Write a graph, or any protocol message, to a file.

    Args:
      graph_or_graph_def: a Graph, or a message such as a GraphDef or a MetaGraphDef.
      logdir: the folder, made if need be.
      name: the name of the file.
      as_text: whether to write text rather than bytes.

    Returns:
      The path of the file.
    """
    message: Any = graph_or_graph_def
    if hasattr(message, "as_graph_def"):
        message = message.as_graph_def()
    if not str(logdir).startswith("gs:") and str(logdir):
        files.recursive_create_dir(logdir)
    path = os.path.join(logdir, name)
    write_message(path, message, as_text)
    return path


def write_message(path: str, message: Message, as_text: bool) -> None:
    """Replace a file by a message, in one step."""
    if not as_text:
        files.atomic_write_string_to_file(path, message.SerializeToString())
        return
    from google.protobuf import text_format

    files.atomic_write_string_to_file(path, text_format.MessageToString(message))


def read_message(path: PathLike, message: Message) -> Any:
    """Fill `message` from a file of bytes or text.

    Raises:
      OSError: there is no such file, or it is of neither form.
    """
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    if not files.file_exists(path):
        raise OSError(f"File {path} does not exist.")
    content = files.FileIO(path, "rb").read()
    try:
        message.ParseFromString(content)
        return message
    except DecodeError:
        message.Clear()
    try:
        text_format.Merge(content.decode("utf-8"), message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise OSError(f"Cannot parse file {path}: {error}.") from None
    return message
