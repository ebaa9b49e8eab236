"""Parts of graphs; variables made constants."""

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats import graph_util
from retrograd.formats.freeze import convert_variables_to_constants


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def test_parts(graph):
    a = tf.constant(1.0, name="a")
    with tf.colocate_with(a):
        b = tf.constant(2.0, name="b")
    tf.add(b, b, name="c")
    tf.constant(3.0, name="d")
    part = graph_util.extract_sub_graph(graph.as_graph_def(), ["c"])
    assert [n.name for n in part.node] == ["a", "b", "c"]
    assert part.versions.producer == 134
    with pytest.raises(AssertionError, match="z is not in graph"):
        graph_util.extract_sub_graph(graph.as_graph_def(), ["z"])
    with pytest.raises(TypeError, match="dest_nodes must be a list"):
        graph_util.extract_sub_graph(graph.as_graph_def(), "c")
    with pytest.raises(TypeError, match="graph_def must be a"):
        graph_util.extract_sub_graph(3, ["c"])


def test_what_only_training_needs_goes(graph):
    a = tf.constant(1.0, name="a")
    checked = tf.check_numerics(a, "x", name="checked")
    plain = tf.identity(checked, name="plain")
    waited = tf.identity(plain, name="waited")
    with tf.control_dependencies([waited]):
        tf.add(plain, plain, name="sum")
    left = graph_util.remove_training_nodes(graph.as_graph_def())
    nodes = {n.name: list(n.input) for n in left.node}
    assert nodes == {"a": [], "waited": ["a"], "sum": ["a", "a", "^waited"]}
    kept = graph_util.remove_training_nodes(graph.as_graph_def(), ["plain", "checked"])
    assert {n.name for n in kept.node} == {"a", "checked", "plain", "waited", "sum"}


def test_where_nodes_run(graph):
    assert graph_util.must_run_on_cpu(tf.constant(1).op)
    assert graph_util.must_run_on_cpu(tf.constant("x").op.node_def)
    assert not graph_util.must_run_on_cpu(tf.constant(1.0).op)
    assert graph_util.must_run_on_cpu(tf.cast(tf.constant(1), tf.float32).op)
    variable = tf.Variable(1.0, use_resource=False)
    assert graph_util.must_run_on_cpu(variable.op, pin_variables_on_cpu=True)
    assert not graph_util.must_run_on_cpu(variable.op)


def test_shapes_by_name(graph):
    tf.zeros([2, 3], name="a")
    shape = graph_util.tensor_shape_from_node_def_name(graph, "a")
    assert shape == graph_util.tensor_shape_from_node_def_name(graph, "a:0") == [2, 3]


@pytest.mark.parametrize("use_resource", [False, True])
def test_variables_become_constants(graph, use_resource):
    x = tf.placeholder(tf.float32, [3], name="x")
    with tf.variable_scope("", use_resource=use_resource):
        v = tf.get_variable("v", initializer=tf.constant([1.0, 2.0, 3.0]))
        table = tf.get_variable("table", initializer=tf.eye(2))
        kept = tf.get_variable("kept", initializer=tf.constant(1.0))
    y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * v, lambda: x - v)
    _, y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * v), [0, y])
    rows = tf.nn.embedding_lookup(table, [0, 1])
    out = tf.add(tf.reduce_sum(y) + tf.reduce_sum(rows), kept, name="out")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        expected = [session.run(out, {x: s * np.arange(1.0, 4.0)}) for s in (1, -1)]
        whole = graph.as_graph_def()
        frozen = convert_variables_to_constants(session, whole, ["out"])
        part = convert_variables_to_constants(
            session, whole, ["out"], variable_names_blacklist=["kept"]
        )
    variables = [n.name for n in part.node if n.op in ("VarHandleOp", "VariableV2")]
    assert variables == ["kept"]
    reading = {"VarHandleOp", "ReadVariableOp", "ResourceGather", "VariableV2"}
    assert not reading & {n.op for n in frozen.node}
    with tf.Graph().as_default(), tf.Session() as session:
        (out,) = tf.import_graph_def(frozen, return_elements=["out:0"], name="")
        found = [session.run(out, {"x:0": s * np.arange(1.0, 4.0)}) for s in (1, -1)]
    np.testing.assert_allclose(found, expected)
