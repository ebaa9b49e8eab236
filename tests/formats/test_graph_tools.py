"""Tools that change graphs: the nodes that 1.15.5 leaves, and what they compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats import optimize_for_inference as optimize
from retrograd.formats.graph_transforms import parsed, transform_graph
from retrograd.formats.strip_unused import strip_unused
from retrograd.ops.declare import F

X = np.arange(32, dtype="float32").reshape(1, 4, 4, 2) / 10
FLOAT = tf.float32.as_datatype_enum


def convolution(depthwise: bool = False) -> Any:
    """A convolution, a normalization of its channels, an Identity and a Relu."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [1, 4, 4, 2], name="x")
        w = tf.constant(np.arange(36.0).reshape(3, 3, 2, 2) / 10, tf.float32, name="w")
        if depthwise:
            c = F.DepthwiseConv2dNative(
                x, w, strides=[1, 1, 1, 1], padding="SAME", name="c"
            )
        else:
            c = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME", name="c")
        size = c.shape[-1].value

        def part(scale: float, name: str) -> Any:
            return tf.constant(scale * np.arange(1, size + 1), tf.float32, name=name)

        bn = F.FusedBatchNorm(
            c,
            part(0.7, "gamma"),
            part(0.3, "beta"),
            part(0.1, "mean"),
            part(0.5, "var"),
            epsilon=0.01,
            is_training=False,
            name="bn",
        )
        tf.nn.relu(tf.identity(bn[0], name="i"), name="out")
        tf.constant(3, name="unused")
        return graph.as_graph_def()


def computed(graph_def: Any) -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        return session.run("out:0", {"x:0": X})


def names(graph_def: Any) -> list[str]:
    return [node.name for node in graph_def.node]


@pytest.mark.parametrize("depthwise", [False, True])
def test_normalizations_are_folded_into_convolutions(depthwise: bool) -> None:
    graph = convolution(depthwise)
    folded = optimize.fold_batch_norms(graph)
    assert names(folded) == "x i out unused w c c_bn_offset bn".split()
    assert [n.op for n in folded.node][-1] == "BiasAdd"
    np.testing.assert_allclose(computed(folded), computed(graph), rtol=1e-4)
    for change in (
        optimize.optimize_for_inference(graph, ["x"], ["out"], FLOAT),
        transform_graph(
            graph,
            ["x"],
            ["out"],
            ["strip_unused_nodes remove_nodes(op=Identity)", "fold_old_batch_norms"],
        ),
    ):
        assert sorted(names(change)) == sorted("x out w c c_bn_offset bn".split())
        np.testing.assert_allclose(computed(change), computed(graph), rtol=1e-4)


def test_what_lies_between_some_nodes_is_kept() -> None:
    graph = convolution()
    kept = strip_unused(graph, ["c"], ["out"], [FLOAT])
    assert names(kept) == "c gamma beta mean var bn i out".split()
    assert (kept.node[0].op, list(kept.node[0].attr)) == ("Placeholder", ["dtype"])
    with pytest.raises(KeyError, match=r"The following input nodes were not found: "):
        strip_unused(graph, ["nope"], ["out"], FLOAT)
    with pytest.raises(AssertionError, match=r"^nope is not in graph$"):
        strip_unused(graph, ["x"], ["nope"], FLOAT)
    graph.node.add().CopyFrom(graph.node[0])
    with pytest.raises(ValueError, match=r"Duplicate node names detected for "):
        optimize.ensure_graph_is_valid(graph)
    with pytest.raises(ValueError, match=r"^Node named 'x' should be a Const op for"):
        optimize.values_from_const(graph.node[0])


def arithmetic() -> Any:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 2], name="x")
        a = tf.constant([[1.0, 2.0], [3.0, 4.0]], name="a")
        b = tf.constant([[1.0, 2.0], [3.0, 4.0]], name="b")
        k = tf.add(tf.matmul(a, b, name="m"), 1.0, name="k")
        z = tf.identity(x * k, name="z")
        y = tf.check_numerics(z + tf.identity(x * b, name="z2"), "bad", name="cn")
        tf.nn.relu(tf.stop_gradient(y, name="sg"), name="out")
        tf.constant(3, name="unused")
        return graph.as_graph_def()


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("strip_unused_nodes", "a add b cn k k/y m mul mul_1 out sg x z z2"),
        (
            "remove_nodes(op=Identity, op=CheckNumerics)",
            "a add b k k/y m mul mul_1 out sg unused x",
        ),
        (
            "fold_constants(ignore_errors=true)",
            "add b cn k/_0__cf__0 mul mul_1 out sg x z z2",
        ),
        ("merge_duplicate_nodes", "a add cn k k/y m mul mul_1 out sg unused x z z2"),
        ("obfuscate_names", "0 1 2 3 4 5 6 7 8 9 a b c out x"),
        ("remove_device", "a add b cn k k/y m mul mul_1 out sg unused x z z2"),
    ],
)
def test_transforms_leave_these_nodes(transform: str, expected: str) -> None:
    graph = arithmetic()
    changed = transform_graph(graph, ["x"], ["out"], [transform])
    assert sorted(names(changed)) == expected.split()
    found = []
    for each in (graph, changed):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.import_graph_def(each, name="")
            found.append(session.run("out:0", {"x:0": np.eye(2) * 3}))
    np.testing.assert_array_equal(*found)


def test_transforms_change_attributes_devices_and_op_types() -> None:
    graph = arithmetic()
    changed = transform_graph(
        graph,
        ["x"],
        ["out"],
        [
            'set_device(device="/cpu:0")',
            'rename_attribute(old_attribute_name="T", new_attribute_name="TT")',
            "remove_attribute(attribute_name=transpose_a, op_name=MatMul)",
            "rename_op(old_op_name=Identity, new_op_name=Same)",
            "sort_by_execution_order",
        ],
    )
    nodes = {node.name: node for node in changed.node}
    assert {node.device for node in changed.node} == {"/cpu:0"}
    assert sorted(nodes["m"].attr) == ["TT", "transpose_b"]
    assert nodes["z"].op == "Same"
    order = names(changed)
    assert all(
        order.index(name) < order.index(node.name)
        for node in changed.node
        for name in node.input
    )


def test_multiplications_go_into_weights() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [1, 4, 4, 2], name="x")
        w = tf.constant(np.ones((3, 3, 2, 2)), tf.float32, name="w")
        c = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME", name="c")
        tf.nn.relu(tf.multiply(c, tf.constant([2.0, 3.0], name="s"), "mu"), "out")
        before = graph.as_graph_def()
    after = transform_graph(before, ["x"], ["out"], ["fold_batch_norms"])
    assert sorted(names(after)) == ["mu", "out", "w", "x"]
    np.testing.assert_allclose(computed(after), computed(before), rtol=1e-5)


def test_texts_of_transforms_are_read() -> None:
    text = 'a b(c=1, d="2,2") e(op=x, op=y)'
    assert parsed(text) == [
        ("a", {}),
        ("b", {"c": ["1"], "d": ["2,2"]}),
        ("e", {"op": ["x", "y"]}),
    ]
    unknown = tf.errors.InvalidArgumentError
    with pytest.raises(unknown, match=r"^Transform 'nope' not recognized.$"):
        transform_graph(arithmetic(), ["x"], ["out"], ["nope"])
