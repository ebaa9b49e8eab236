"""`tensorflow.python.tools.optimize_for_inference`: graphs that are only run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.formats.freeze import constant_node
from retrograd.formats.graph_io import write_message
from retrograd.formats.graph_util import node_name as _node_name
from retrograd.formats.graph_util import remove_training_nodes
from retrograd.formats.node import tensor_value
from retrograd.formats.strip_unused import flag, graph_from, strip_unused
from retrograd.ops.declare import kind_of
from retrograd.ops.folding import (
    CONVOLUTIONS,
    DEPTHWISE,
    EPSILON_ATTR,
    INPUT_ORDER,
    SCALE_ATTR,
)
from retrograd.ops.traits import Kind
from retrograd.platform import files, logs

if TYPE_CHECKING:
    from retrograd.typing import Array, Message


def optimize_for_inference(
    input_graph_def: Message,
    input_node_names: Sequence[str],
    output_node_names: Sequence[str],
    placeholder_type_enum: int | Sequence[int],
    toco_compatible: bool = False,
) -> Any:
    """A GraphDef without what only training needs, its normalizations folded.

    Args:
      input_graph_def: a GraphDef whose variables are constants.
      input_node_names: nodes in whose place placeholders are put.
      output_node_names: nodes that are wanted.
      placeholder_type_enum: the number of the placeholders' dtype, or one for each.
      toco_compatible: accepted: paddings are left as operations of their own anyway.

    Raises:
      ValueError: the graph is not well formed.
    """
    del toco_compatible
    ensure_graph_is_valid(input_graph_def)
    found = strip_unused(
        input_graph_def, input_node_names, output_node_names, placeholder_type_enum
    )
    found = remove_training_nodes(found, output_node_names)
    found = fold_batch_norms(found)
    ensure_graph_is_valid(found)
    return found


def ensure_graph_is_valid(graph_def: Message) -> None:
    """Check that names of nodes are unique, and that inputs are there.

    Raises:
      ValueError: they are not.
    """
    known: set[str] = set()
    for node in graph_def.node:
        if node.name in known:
            raise ValueError("Duplicate node names detected for ", node.name)
        known.add(node.name)
    for node in graph_def.node:
        for name in node.input:
            wanted = node_name_from_input(name)
            if wanted not in known:
                raise ValueError("Input for ", node.name, " not found: ", name)


def node_name_from_input(node_name: str) -> str:
    """The name of the node that an input names."""
    return _node_name(node_name)


def node_from_map(node_map: Mapping[str, Any], name: str) -> Any:
    """The node that an input names.

    Raises:
      ValueError: there is none.
    """
    stripped = node_name_from_input(name)
    if stripped not in node_map:
        raise ValueError(f"No node named '{name}' found in map.")
    return node_map[stripped]


def values_from_const(node_def: Message) -> Any:
    """The value of a constant.

    Raises:
      ValueError: the node is none.
    """
    if kind_of(node_def.op) is not Kind.CONSTANT:
        raise ValueError(
            f"Node named '{node_def.name}' should be a Const op for values_from_const."
        )
    return np.asarray(tensor_value(node_def.attr["value"].tensor))


def scale_after_normalization(node: Message) -> bool:
    """Whether a normalization multiplies by γ."""
    attr = SCALE_ATTR.get(node.op)
    return True if attr is None else node.attr[attr].b


def fold_batch_norms(input_graph_def: Message) -> Any:
    """A GraphDef in which convolutions do what normalizations after them did."""
    nodes = {node.name: node for node in input_graph_def.node}
    skipped: set[str] = set()
    made: list[Any] = []
    for node in input_graph_def.node:
        if node.op in INPUT_ORDER:
            folded = _folded(node, nodes)
            if folded is not None:
                names, new = folded
                skipped.update(names)
                made.extend(new)
    result = type(input_graph_def)()
    result.node.extend(n for n in input_graph_def.node if n.name not in skipped)
    result.node.extend(made)
    result.library.CopyFrom(input_graph_def.library)
    return result


def _folded(node: Message, nodes: dict[str, Any]) -> tuple[list[str], list[Any]] | None:
    """The nodes that go, and those that come; None where it cannot be done."""
    parts = dict(zip(INPUT_ORDER[node.op], node.input, strict=False))
    convolution = node_from_map(nodes, parts["conv_op"])
    if convolution.op not in CONVOLUTIONS:
        logs.warning(
            "Didn't find expected Conv2D or DepthwiseConv2dNative input to '%s'",
            node.name,
        )
        return None
    weights = node_from_map(nodes, convolution.input[1])
    constants = {
        key: node_from_map(nodes, name)
        for key, name in parts.items()
        if key != "conv_op"
    }
    for one in (weights, *constants.values()):
        if kind_of(one.op) is not Kind.CONSTANT:
            logs.warning(
                "Didn't find expected constant input '%s' to '%s'.", one.name, node.name
            )
            return None
    values = {key: values_from_const(one) for key, one in constants.items()}
    depthwise = convolution.op == DEPTHWISE
    kernel = values_from_const(weights)
    count = kernel.shape[2] * kernel.shape[3] if depthwise else kernel.shape[3]
    if any(value.shape != (count,) for value in values.values()):
        logs.warning("Unexpected shapes of the normalization '%s'", node.name)
        return None
    epsilon = node.attr[EPSILON_ATTR[node.op]].f
    scale = 1.0 / np.sqrt(values["var_op"] + np.float32(epsilon))
    if scale_after_normalization(node):
        scale = scale * values["gamma_op"]
    offset = values["beta_op"] - values["mean_op"] * scale
    spread = scale.reshape(kernel.shape[2:]) if depthwise else scale
    names = [node.name, weights.name, convolution.name]
    names += [one.name for one in constants.values()]
    new = _replacements(node, convolution, weights, kernel * spread, offset)
    return names, new


def _replacements(
    node: Message,
    convolution: Message,
    weights: Message,
    kernel: Array,
    offset: Array,
) -> list[Any]:
    made: Any = type(node)
    changed = made()
    changed.CopyFrom(convolution)
    bias = made(op="BiasAdd", name=node.name)
    shift = f"{convolution.name}_bn_offset"
    bias.input.extend([convolution.name, shift])
    bias.attr["T"].CopyFrom(convolution.attr["T"])
    bias.attr["data_format"].CopyFrom(convolution.attr["data_format"])
    kind = weights.attr["dtype"].type
    scaled = constant_node(weights.name, kind, kernel.astype(offset.dtype))
    return [scaled, changed, constant_node(shift, kind, offset), bias]


def run_main() -> None:
    """Do what the command line of the process says."""
    parser = argparse.ArgumentParser(prog="optimize_for_inference.py")
    for name in ("--input", "--output", "--input_names", "--output_names"):
        parser.add_argument(name, default="")
    flag(parser, "--frozen_graph", True)
    parser.add_argument("--placeholder_type_enum", default="1")
    flag(parser, "--toco_compatible", False)
    given = parser.parse_args()
    if not files.file_exists(given.input):
        print(f"Input graph file '{given.input}' does not exist!")
        raise SystemExit(-1)
    kinds = [int(kind) for kind in given.placeholder_type_enum.split(",")]
    found = optimize_for_inference(
        graph_from(given.input, given.frozen_graph),
        given.input_names.split(","),
        given.output_names.split(","),
        kinds if len(kinds) > 1 else kinds[0],
        given.toco_compatible,
    )
    write_message(given.output, found, not given.frozen_graph)
