"""Assertions on GraphDef and MetaGraphDef messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tensorboard.compat.proto import types_pb2

import retrograd as tf
from retrograd.testing.protos import protos_equal

if TYPE_CHECKING:
    from retrograd.graph.graph import Graph
    from retrograd.testing.case import TestCase
    from retrograd.typing import Message

SHARDED_SAVE = re.compile(r"_temp_[0-9a-z]{32}/part")
TABLE_SHARED_NAME = re.compile(r"hash_table_[0-9a-z\-]+")


def assert_equal_graph_def(
    actual: Message,
    expected: Message,
    checkpoint_v2: bool = False,
    hash_table_shared_name: bool = False,
) -> None:
    """Raise unless two GraphDefs hold equal nodes, matched by name.

    Versions, the order of nodes, attributes and control inputs, and attributes whose
    names begin with '_' do not count.

    Args:
      checkpoint_v2: leave out the random folder names of sharded savers.
      hash_table_shared_name: leave out the random shared names of hash tables.
        Both remove them from the messages in place.

    Raises:
      AssertionError: with the first difference found.
      TypeError: an argument is no GraphDef.
    """
    for role, graph in (("actual", actual), ("expected", expected)):
        if not isinstance(graph, tf.GraphDef):
            raise TypeError(
                f"Expected tf.GraphDef for {role}, got {type(graph).__name__}"
            )
        if checkpoint_v2:
            _strip_save_folders(graph)
        if hash_table_shared_name:
            _strip_table_names(graph)
    difference = graph_difference(actual, expected)
    if difference:
        raise AssertionError(difference)


def assert_equal_graph_def_v2(expected: Message, actual: Message) -> None:
    """`assert_equal_graph_def` of TensorFlow 2: random names do not count."""
    assert_equal_graph_def(actual, expected, True, True)


def graph_difference(actual: Message, expected: Message) -> str:
    """The first difference between two GraphDefs in words, or ''."""
    nodes = {node.name: node for node in actual.node}
    for want in expected.node:
        node = nodes.pop(want.name, None)
        if node is None:
            return f"Did not find expected node '{_summary(want)}'"
        difference = _node_difference(node, want)
        if difference:
            return difference
    for node in nodes.values():
        return f"Found unexpected node '{_summary(node)}'"
    return ""


def _node_difference(actual: Message, expected: Message) -> str:
    named = f"Node named '{actual.name}'"
    for field in ("op", "device"):
        got, want = getattr(actual, field), getattr(expected, field)
        if got != want:
            return f"{named} has {field} '{got}' that is not expected '{want}'"
    if len(actual.input) != len(expected.input):
        return (
            f"{named} has inputs '{', '.join(actual.input)}' "
            f"that don't match expected '{', '.join(expected.input)}'"
        )
    return (
        _input_difference(named, actual, expected)
        or _control_difference(named, actual, expected)
        or _attr_difference(named, actual, expected)
    )


def _data_inputs(node: Message) -> list[str]:
    return [name for name in node.input if not name.startswith("^")]


def _input_difference(named: str, actual: Message, expected: Message) -> str:
    for i, name in enumerate(_data_inputs(actual)):
        want = expected.input[i]
        if name.removesuffix(":0") != want.removesuffix(":0"):
            return (
                f"{named} has input {i} '{name}' that doesn't match expected '{want}'"
            )
    return ""


def _control_difference(named: str, actual: Message, expected: Message) -> str:
    first = len(_data_inputs(actual))
    got, want = set(actual.input[first:]), set(expected.input[first:])
    for name in sorted(want - got):
        return f"{named} missing expected control input '{name}'"
    for name in sorted(got - want):
        return f"{named} has unexpected control input '{name}'"
    return ""


def _attr_difference(named: str, actual: Message, expected: Message) -> str:
    got, want = _public_attrs(actual), _public_attrs(expected)
    for name, value in want.items():
        text = _attr_text(value)
        if name not in got:
            return f"{named} missing expected attr '{name}' with value: {text}"
        if not protos_equal(got[name], value):
            return (
                f"{named} has attr '{name}' with value: {_attr_text(got[name])} "
                f"that does not match expected: {text}"
            )
    for name in sorted(got.keys() - want.keys()):
        return (
            f"{named} has unexpected attr '{name}' with value: {_attr_text(got[name])}"
        )
    return ""


def _public_attrs(node: Message) -> dict[str, Any]:
    return {k: node.attr[k] for k in sorted(node.attr) if not k.startswith("_")}


def _attr_text(value: Message) -> str:
    """An AttrValue as TensorFlow's messages print it."""
    kind = value.WhichOneof("value")
    if kind == "list":
        items = (item for _, field in value.list.ListFields() for item in field)
        name = value.list.ListFields()[0][0].name if value.list.ListFields() else ""
        return "[" + ", ".join(_plain_text(name, item) for item in items) + "]"
    return (
        _plain_text(kind, getattr(value, kind)) if kind else "<Unknown AttrValue type>"
    )


def _plain_text(kind: str, value: Any) -> str:
    if kind == "type":
        return (
            types_pb2.DESCRIPTOR.enum_types_by_name["DataType"]
            .values_by_number[value]
            .name
        )
    if kind == "s":
        return '"' + value.decode("utf-8", "backslashreplace") + '"'
    if kind == "b":
        return "true" if value else "false"
    if kind == "shape":
        if value.unknown_rank:
            return "<unknown>"
        sizes = ("?" if dim.size < 0 else str(dim.size) for dim in value.dim)
        return "[" + ",".join(sizes) + "]"
    return " ".join(str(value).split())


def _summary(node: Message) -> str:
    attrs = ", ".join(f"{k}={_attr_text(node.attr[k])}" for k in sorted(node.attr))
    return f"{{{{node {node.name}}}}} = {node.op}[{attrs}]({', '.join(node.input)})"


def _strip_save_folders(graph: Message) -> None:
    for node in graph.node:
        for name in list(node.attr):
            texts = node.attr[name].tensor.string_val
            if len(texts) == 1 and SHARDED_SAVE.match(texts[0].decode("latin-1")):
                del node.attr[name]


def _strip_table_names(graph: Message) -> None:
    for node in graph.node:
        if "shared_name" in node.attr:
            name = node.attr["shared_name"].s.decode("latin-1")
            if TABLE_SHARED_NAME.match(name):
                del node.attr["shared_name"]


def assert_ops_in_graph(expected_ops: dict[str, str], graph: Graph) -> dict[str, Any]:
    """The NodeDefs, by name, of operations that have to be in a graph.

    Args:
      expected_ops: op type by operation name.

    Raises:
      ValueError: one is missing, or is of another type.
    """
    found = {}
    for node in graph.as_graph_def().node:
        if node.name not in expected_ops:
            continue
        if expected_ops[node.name] != node.op:
            raise ValueError(
                f"Expected op for node {node.name} is different. "
                f"{expected_ops[node.name]} vs {node.op}"
            )
        found[node.name] = node
    if expected_ops.keys() != found.keys():
        raise ValueError(
            "Not all expected ops are present. "
            f"Expected {expected_ops.keys()}, found {found.keys()}"
        )
    return found


def assert_meta_graph_protos_equal(tester: TestCase, a: Message, b: Message) -> None:
    """Fail the test case `tester` unless two MetaGraphDefs are equal.

    The parts compared are cleared from both messages.
    """
    tester.assertEqual(set(a.collection_def), set(b.collection_def))
    for key, value in a.collection_def.items():
        tester.assertProtoEquals(value, b.collection_def[key], msg=key)
    assert_equal_graph_def(a.graph_def, b.graph_def, checkpoint_v2=True)
    tester.assertProtoEquals(a.graph_def.versions, b.graph_def.versions)
    for message in (a, b):
        message.ClearField("collection_def")
        message.ClearField("graph_def")
    tester.assertProtoEquals(a, b)


def get_node_def_from_graph(node_name: str, graph_def: Message) -> Any:
    """The NodeDef of that name, or None; function bodies are not searched."""
    return next((node for node in graph_def.node if node.name == node_name), None)


def set_producer_version(graph: Graph, producer_version: int) -> None:
    """Give a graph the producer version of an older TensorFlow."""
    graph_def = tf.GraphDef()
    graph_def.versions.producer = producer_version
    with graph.as_default():
        tf.import_graph_def(graph_def)
    if not graph.graph_def_versions.producer:
        raise AssertionError(producer_version)
