"""`tensorflow.python.tools.strip_unused`: the part of a graph between some nodes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrograd.formats.graph_io import read_message, write_message
from retrograd.formats.graph_util import extract_sub_graph
from retrograd.ops.folding import PLACEHOLDER
from retrograd.platform import files
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message


def strip_unused(
    input_graph_def: Message,
    input_node_names: Sequence[str],
    output_node_names: Sequence[str],
    placeholder_type_enum: int | Sequence[int],
) -> Any:
    """The part of a GraphDef that leads from some nodes to others.

    Args:
      input_graph_def: the GraphDef.
      input_node_names: nodes in whose place placeholders are put.
      output_node_names: nodes that are wanted.
      placeholder_type_enum: the number of the placeholders' dtype, or one for each.

    Raises:
      KeyError: an input is not there.
      AssertionError: an output is not there.
    """
    missing = set(input_node_names) - {node.name for node in input_graph_def.node}
    if missing:
        raise KeyError(f"The following input nodes were not found: {missing}")
    changed = protos.message("graph.GraphDef")()
    for node in input_graph_def.node:
        made = changed.node.add()
        if node.name not in input_node_names:
            made.CopyFrom(node)
            continue
        made.op, made.name = PLACEHOLDER, node.name
        kind = placeholder_type_enum
        if isinstance(kind, Sequence):
            kind = kind[list(input_node_names).index(node.name)]
        made.attr["dtype"].type = kind
        for name in ("_output_shapes", "shape"):
            if name in node.attr:
                made.attr[name].CopyFrom(node.attr[name])
    result = extract_sub_graph(changed, list(output_node_names))
    result.library.CopyFrom(input_graph_def.library)
    return result


def strip_unused_from_files(
    input_graph: str,
    input_binary: bool,
    output_graph: str,
    output_binary: bool,
    input_node_names: str,
    output_node_names: str,
    placeholder_type_enum: int,
) -> Any:
    """As `strip_unused`, from a file to a file; names have commas between them.

    Returns:
      -1 where something is missing, which is said.
    """
    if not files.file_exists(input_graph):
        print(f"Input graph file '{input_graph}' does not exist!")
        return -1
    if not output_node_names:
        print("You need to supply the name of a node to --output_node_names.")
        return -1
    found = strip_unused(
        graph_from(input_graph, input_binary),
        input_node_names.split(","),
        output_node_names.split(","),
        placeholder_type_enum,
    )
    write_message(output_graph, found, not output_binary)
    print(f"{len(found.node)} ops in the final graph.")


def graph_from(path: str, binary: bool) -> Any:
    """The GraphDef in a file of bytes or of text."""
    message = protos.message("graph.GraphDef")()
    if binary:
        message.ParseFromString(files.read_file_to_string(path, True))
        return message
    return read_message(path, message)


def flag(parser: argparse.ArgumentParser, name: str, default: bool) -> None:
    """Add a flag that may stand alone or be given a value."""
    parser.add_argument(
        name, nargs="?", const=True, type=_is_true, default=default, metavar="BOOL"
    )


def _is_true(text: str) -> bool:
    return text.lower() == "true"


def run_main() -> None:
    """Do what the command line of the process says."""
    parser = argparse.ArgumentParser(prog="strip_unused.py")
    parser.add_argument("--input_graph", default="")
    flag(parser, "--input_binary", False)
    parser.add_argument("--output_graph", default="")
    flag(parser, "--output_binary", True)
    parser.add_argument("--input_node_names", default="")
    parser.add_argument("--output_node_names", default="")
    parser.add_argument("--placeholder_type_enum", type=int, default=1)
    given = vars(parser.parse_args())
    strip_unused_from_files(**given)
