"""assert_equal_graph_def finds what TensorFlow 1.15's finds, and says it so."""

import pytest
from google.protobuf import text_format

import retrograd as tf

BASE = """
node { name: "a" op: "Const" device: "/device:CPU:0"
       attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "b" op: "Neg" input: "a" input: "^c"
       attr { key: "T" value { type: DT_FLOAT } }
       attr { key: "_x" value { i: 1 } } }
node { name: "c" op: "NoOp" }
"""


def graph():
    return text_format.Parse(BASE, tf.GraphDef())


@pytest.mark.parametrize(
    ("edit", "difference"),
    [
        ("g.node[1].input[0] = 'a:0'", ""),
        ("g.versions.producer = 5", ""),
        ("del g.node[1].attr['_x']", ""),
        (
            "g.node[1].input[0] = 'c'",
            "Node named 'b' has input 0 'c' that doesn't match expected 'a'",
        ),
        (
            "g.node[1].op = 'Abs'",
            "Node named 'b' has op 'Abs' that is not expected 'Neg'",
        ),
        (
            "g.node[0].device = ''",
            "Node named 'a' has device '' that is not expected '/device:CPU:0'",
        ),
        (
            "del g.node[1].input[1]",
            "Node named 'b' has inputs 'a' that don't match expected 'a, ^c'",
        ),
        (
            "g.node[1].input[1] = '^a'",
            "Node named 'b' missing expected control input '^c'",
        ),
        (
            "g.node[1].attr['T'].type = 2",
            "Node named 'b' has attr 'T' with value: DT_DOUBLE that does not match "
            "expected: DT_FLOAT",
        ),
        (
            "del g.node[1].attr['T']",
            "Node named 'b' missing expected attr 'T' with value: DT_FLOAT",
        ),
        (
            "g.node[1].attr['U'].i = 3",
            "Node named 'b' has unexpected attr 'U' with value: 3",
        ),
        (
            "g.node[2].name = 'd'",
            "Did not find expected node '{{node c}} = NoOp[]()'",
        ),
        (
            "g.node.add(name='e', op='NoOp')",
            "Found unexpected node '{{node e}} = NoOp[]()'",
        ),
    ],
)
def test_difference(edit, difference):
    changed = graph()
    exec(edit, {"g": changed})
    if difference:
        with pytest.raises(AssertionError) as caught:
            tf.test.assert_equal_graph_def(changed, graph())
        assert str(caught.value) == difference
    else:
        tf.test.assert_equal_graph_def(changed, graph())


def test_random_names_are_left_out():
    one, other = graph(), graph()
    for g, digit in ((one, "0"), (other, "1")):
        g.node[0].attr["value"].tensor.string_val.append(
            b"_temp_" + digit.encode() * 32 + b"/part"
        )
        g.node[2].op = "HashTableV2"
        g.node[2].attr["shared_name"].s = b"hash_table_" + digit.encode()
    with pytest.raises(AssertionError):
        tf.test.assert_equal_graph_def(one, other)
    tf.test.assert_equal_graph_def(one, other, True, True)


def test_other_messages_are_refused():
    with pytest.raises(TypeError, match=r"Expected tf.GraphDef for actual, got int"):
        tf.test.assert_equal_graph_def(3, graph())


def test_meta_graphs():
    from retrograd.testing.graphs import assert_meta_graph_protos_equal

    def meta_graph(producer=1, size=2):
        message = tf.MetaGraphDef()
        message.collection_def["sizes"].int64_list.value.append(size)
        message.graph_def.versions.producer = producer
        return message

    case = tf.test.TestCase()
    assert_meta_graph_protos_equal(case, meta_graph(), meta_graph())
    for other in (meta_graph(producer=3), meta_graph(size=3)):
        with pytest.raises(AssertionError):
            assert_meta_graph_protos_equal(case, meta_graph(), other)


def test_ops_in_a_graph():
    from retrograd.testing import graphs

    class Graph:
        as_graph_def = staticmethod(graph)

    assert graphs.assert_ops_in_graph({"b": "Neg"}, Graph)["b"].input[0] == "a"
    with pytest.raises(ValueError, match="Expected op for node b is different"):
        graphs.assert_ops_in_graph({"b": "Abs"}, Graph)
    with pytest.raises(ValueError, match="Not all expected ops are present"):
        graphs.assert_ops_in_graph({"x": "Abs"}, Graph)
    assert graphs.get_node_def_from_graph("c", graph()).op == "NoOp"
    assert graphs.get_node_def_from_graph("x", graph()) is None
