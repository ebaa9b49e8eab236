"""`tensorflow.python.tools.freeze_graph`: variables of a graph become constants."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from retrograd.formats.checkpoint_reader import NewCheckpointReader
from retrograd.formats.freeze import convert_variables_to_constants
from retrograd.formats.importer import import_graph_def
from retrograd.formats.strip_unused import flag
from retrograd.graph.graph import Graph
from retrograd.ops.declare import kind_of
from retrograd.ops.traits import Kind
from retrograd.platform import files
from retrograd.run.session import Session
from retrograd.train.checkpoint_state import checkpoint_exists
from retrograd.train.import_graph import import_meta_graph
from retrograd.train.saved_model_loader import load as load_saved_model
from retrograd.train.saved_model_signatures import SERVING
from retrograd.train.saved_model_utils import get_meta_graph_def
from retrograd.train.saver import Saver
from retrograd.train.saver_builder import V2
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.graph.tensor import Tensor
    from retrograd.typing import Message


def freeze_graph_with_def_protos(
    input_graph_def: Message | None,
    input_saver_def: Message | None,
    input_checkpoint: str,
    output_node_names: str,
    restore_op_name: str | None,
    filename_tensor_name: str | None,
    output_graph: str,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_blacklist: str = "",
    input_meta_graph_def: Message | None = None,
    input_saved_model_dir: str | None = None,
    saved_model_tags: str | None = None,
    checkpoint_version: int = V2,
) -> Any:
    """A graph whose variables are constants, with the values of a checkpoint.

    Args:
      input_graph_def: the GraphDef.
      input_saver_def: the SaverDef of its Saver; if None, variables are found by the
        names in the checkpoint.
      input_checkpoint: the checkpoint.
      output_node_names: the nodes that are wanted, with commas between them.
      restore_op_name, filename_tensor_name: not used.
      output_graph: a file for the result, if not empty.
      clear_devices: whether to leave out devices.
      initializer_nodes: nodes to run before.
      variable_names_whitelist: the variables to convert, by default all.
      variable_names_blacklist: variables to leave.
      input_meta_graph_def: a MetaGraphDef instead of GraphDef and SaverDef.
      input_saved_model_dir, saved_model_tags: a SavedModel instead, and the tags of
        its graph, with commas between them.
      checkpoint_version: the format of the checkpoint.

    Returns:
      The GraphDef; -1 if there is no checkpoint.

    Raises:
      ValueError: no node is wanted, or variables are partitioned.
    """
    del restore_op_name, filename_tensor_name
    if not input_saved_model_dir and not checkpoint_exists(input_checkpoint):
        raise ValueError(f"Input checkpoint '{input_checkpoint}' doesn't exist!")
    if not output_node_names:
        raise ValueError(
            "You need to supply the name of a node to --output_node_names."
        )
    graph_def: Any = input_graph_def
    if input_meta_graph_def is not None:
        graph_def = input_meta_graph_def.graph_def
    if clear_devices:
        for node in graph_def.node:
            node.device = ""
    if input_meta_graph_def is None and not input_saved_model_dir:
        import_graph_def(graph_def, name="")
    with Session() as session:
        if input_saved_model_dir:
            tags = (saved_model_tags or SERVING).replace(" ", "").split(",")
            load_saved_model(session, tags, input_saved_model_dir)
            saver: Any = None
        elif input_saver_def is not None:
            saver = Saver(saver_def=input_saver_def, write_version=checkpoint_version)
        elif input_meta_graph_def is not None:
            saver = import_meta_graph(input_meta_graph_def, clear_devices=True)
        else:
            saver = _saver_by_name(session, input_checkpoint, checkpoint_version)
        if saver is not None:
            saver.restore(session, input_checkpoint)
        if initializer_nodes:
            session.run(_listed(initializer_nodes))
        frozen = convert_variables_to_constants(
            session,
            graph_def,
            _listed(output_node_names),
            _listed(variable_names_whitelist) or None,
            _listed(variable_names_blacklist) or None,
        )
    if output_graph:
        files.atomic_write_string_to_file(output_graph, frozen.SerializeToString())
    return frozen


def _listed(names: str) -> list[str]:
    return [name for name in names.replace(" ", "").split(",") if name]


def _reading(tensor: Tensor) -> Tensor:
    """A tensor that a Saver takes for a variable: of a handle, one that reads it."""
    for op in tensor.consumers():
        if tensor.dtype.name == "resource" and kind_of(op.type) is Kind.READ:
            return op.outputs[0]
    return tensor


def _saver_by_name(session: Session, checkpoint: str, version: int) -> Saver:
    """A Saver of the variables of the graph that a checkpoint has values of."""
    found, graph = {}, session.graph
    reader = NewCheckpointReader(checkpoint)
    for name in reader.get_variable_to_shape_map():
        try:
            found[name] = _reading(graph.get_tensor_by_name(name + ":0"))
        except KeyError:
            continue
    try:
        return Saver(var_list=found, write_version=version)
    except TypeError:
        if any("/part_" in name for name in found):
            raise ValueError(
                "Models containing partition variables cannot be converted from "
                "checkpoint files. Please pass in a SavedModel using the flag "
                "--input_saved_model_dir."
            ) from None
        raise


def _message(path: str, kind: str, what: str, binary: bool) -> Any:
    """A message in a file of bytes or of text."""
    from google.protobuf import text_format

    if not files.file_exists(path):
        raise OSError(f"Input {what} file '{path}' does not exist!")
    message = protos.message(kind)()
    if binary:
        message.ParseFromString(files.FileIO(path, "rb").read())
    else:
        text_format.Merge(files.FileIO(path, "r").read(), message)
    return message


def freeze_graph(
    input_graph: str,
    input_saver: str,
    input_binary: bool,
    input_checkpoint: str,
    output_node_names: str,
    restore_op_name: str | None,
    filename_tensor_name: str | None,
    output_graph: str,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_blacklist: str = "",
    input_meta_graph: str | None = None,
    input_saved_model_dir: str | None = None,
    saved_model_tags: str = "serve",
    checkpoint_version: int = V2,
) -> Any:
    """As `freeze_graph_with_def_protos`, of files.

    Args:
      input_graph: the file of the GraphDef.
      input_saver: the file of the SaverDef, or nothing.
      input_binary: whether the files are bytes rather than text.
      input_meta_graph: the file of a MetaGraphDef instead.
      input_checkpoint, output_node_names, restore_op_name, filename_tensor_name,
      output_graph, clear_devices, initializer_nodes, variable_names_whitelist,
      variable_names_blacklist, input_saved_model_dir, saved_model_tags,
      checkpoint_version: see there.

    Raises:
      OSError: a file does not exist.
    """
    graph_def = saver_def = meta_graph_def = None
    if input_graph:
        graph_def = _message(input_graph, "graph.GraphDef", "graph", input_binary)
    if input_meta_graph:
        kind = "meta_graph.MetaGraphDef"
        meta_graph_def = _message(input_meta_graph, kind, "meta graph", input_binary)
    if input_saver:
        saver_def = _message(input_saver, "saver.SaverDef", "saver", input_binary)
    if input_saved_model_dir:
        found = get_meta_graph_def(input_saved_model_dir, saved_model_tags)
        graph_def = found.graph_def
    with Graph().as_default():
        return freeze_graph_with_def_protos(
            graph_def,
            saver_def,
            input_checkpoint,
            output_node_names,
            restore_op_name,
            filename_tensor_name,
            output_graph,
            clear_devices,
            initializer_nodes,
            variable_names_whitelist,
            variable_names_blacklist,
            meta_graph_def,
            input_saved_model_dir,
            saved_model_tags,
            checkpoint_version,
        )


def run_main() -> None:
    """Do what the command line of the process says."""
    parser = argparse.ArgumentParser(prog="freeze_graph.py")
    for name in ("input_graph", "input_saver", "input_checkpoint", "output_graph"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--checkpoint_version", type=int, default=V2)
    flag(parser, "--input_binary", False)
    parser.add_argument("--output_node_names", default="")
    parser.add_argument("--restore_op_name", default="save/restore_all")
    parser.add_argument("--filename_tensor_name", default="save/Const:0")
    flag(parser, "--clear_devices", True)
    for name in ("variable_names_whitelist", "variable_names_blacklist"):
        parser.add_argument(f"--{name}", default="")
    for name in ("initializer_nodes", "input_meta_graph", "input_saved_model_dir"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--saved_model_tags", default=SERVING)
    freeze_graph(**vars(parser.parse_args()))
