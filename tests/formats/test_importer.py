"""GraphDefs of ours and of TensorFlow become graphs again."""

from pathlib import Path

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats.importer import import_graph_def

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def loops_and_branches():
    """What tests/data/functions.pb holds, written by `make_functions.py`."""
    x = tf.placeholder(tf.float32, [3], name="x")
    n = tf.placeholder(tf.int32, [], name="n")
    w = tf.constant([2.0, 3.0, 4.0])
    y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * w, lambda: tf.nn.relu(x) - 1)

    def body(i, a):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a * w, lambda: a + x)

    _, result = tf.while_loop(lambda i, a: i < n, body, [0, y])
    tf.identity(result, name="out")
    tf.identity(tf.gradients(tf.reduce_sum(result**2), x)[0], name="grad")


def check_loops_and_branches(graph_def):
    for again in range(2):
        with tf.Graph().as_default() as graph, tf.Session() as session:
            found = import_graph_def(graph_def, None, ["out:0", "grad:0"], name="")
            for x, out, grad in (
                ([1.0, 2.0, 3.0], [10.0, 60.0, 204.0], [200.0, 3600.0, 27744.0]),
                ([-1.0, -2.0, 0.5], [-6.0, -15.0, -6.0], [-24.0, -90.0, -240.0]),
            ):
                results = session.run(found, {"x:0": x, "n:0": 3})
                np.testing.assert_allclose(results, [out, grad])
        graph_def = graph.as_graph_def()
        assert again or graph_def.library.function


def test_functions_survive():
    with tf.Graph().as_default() as graph:
        loops_and_branches()
    check_loops_and_branches(graph.as_graph_def())


def test_functions_of_tensorflow():
    text = (DATA / "functions.pb").read_bytes()
    check_loops_and_branches(tf.GraphDef.FromString(text))


def chain():
    with tf.Graph().as_default() as graph:
        a = tf.placeholder(tf.float32, [2], name="a")
        with tf.device("/cpu:0"):
            b = tf.add(a, a, name="b")
        with tf.control_dependencies([b]), tf.colocate_with(a):
            tf.identity(a, name="c")
    return graph.as_graph_def()


def test_names_are_made_unique(graph):
    first = import_graph_def(chain(), None, ["a", "c:0"])
    assert [first[0].name, first[1].name] == ["import/a", "import/c:0"]
    for suffix in ("", "_1", "_2"):
        (a,) = import_graph_def(chain(), return_elements=["a"], name="")
        assert a.name == "a" + suffix
    c = graph.get_operation_by_name("c_2")
    assert c.colocation_groups() == [b"loc:@a_2"]
    assert [o.name for o in c.control_inputs] == ["b_2"]
    assert tf.identity(a.outputs[0], name="a").op.name == "a_3"


def test_inputs_are_replaced():
    x = tf.constant([1.0, 2.0])
    b, c = import_graph_def(chain(), {"a:0": x, "^b": x.op}, [b"b:0", "c"])
    assert list(b.op.inputs) == [x, x]
    assert c.control_inputs == [x.op]
    with tf.Session() as session:
        assert session.run(b).tolist() == [2, 4]


def test_shapes_are_inferred_anew_and_merged(graph):
    graph_def = chain()
    del graph_def.node[0].attr["shape"].shape.dim[:]
    graph_def.node[0].attr["shape"].shape.unknown_rank = True
    (b,) = import_graph_def(graph_def, {"a:0": tf.zeros([5])}, ["b:0"])
    assert b.shape == [5]
    shapes = graph_def.node[1].attr["_output_shapes"].list.shape
    shapes.add().dim.add(size=7)
    (b,) = import_graph_def(graph_def, None, ["b:0"])
    assert b.shape == [7]
    with pytest.raises(ValueError, match="has an _output_shapes attribute inconsist"):
        import_graph_def(graph_def, {"a:0": tf.zeros([5])})


def test_devices_of_blocks_apply():
    with tf.device("/job:worker"):
        a, b, c = import_graph_def(chain(), None, ["a", "b", "c"])
    assert a.device == c.device == "/job:worker"
    assert b.device == "/job:worker/device:CPU:0"


def node(text):
    from google.protobuf import text_format

    if "versions" not in text:
        text = "versions { producer: 134 } " + text
    return text_format.Parse(text, tf.GraphDef())


A = "node { name: 'A' op: 'Placeholder' attr { key: 'dtype' value { type: DT_INT32 } }}"
FLOAT = "attr { key: 'T' value { type: DT_FLOAT } } }"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (A + A, "Node 'A' is not unique"),
        ("node { name: 'B' op: 'NoOp' input: '^A' }", "Unknown input node '^A'"),
        ("node { name: 'B' op: 'NoOp' input: 'A:B' }", "Unknown input node 'A:B'"),
        (
            A + "node { name: 'B' op: 'Identity' input: 'A:1' " + FLOAT,
            "Node 'B': Connecting to invalid output 1 of source node A which has 1",
        ),
        (
            A + "node { name: 'B' op: 'Identity' input: 'A' " + FLOAT,
            "Input 0 of node import/B was passed int32 from import/A:0 incompatible "
            "with expected float.",
        ),
        (
            A + "node { name: 'B' op: 'NoOp' input: 'A' }",
            "NodeDef expected inputs '' do not match 1 inputs specified; Op<name=NoOp",
        ),
        (
            "node { name: 'B' op: 'Neg' attr { key: 'q' value { i: 1 } } }",
            "NodeDef mentions attr 'q' not in Op<name=Neg;",
        ),
        (
            A + "node { name: 'B' op: 'Mod' input: 'A' input: 'A' "
            "attr { key: 'T' value { type: DT_STRING } } }",
            "Value for attr 'T' of string is not in the list of allowed values: int32",
        ),
        (
            "node { name: 'B' op: 'NoOp' "
            "attr { key: '_class' value { list { s: 'loc:@A' } } } }",
            "Node 'B' expects to be colocated with unknown node 'A'",
        ),
        (
            "versions { min_consumer: 1000 }",
            "GraphDef min consumer version 1000 above current version 134",
        ),
        (
            "versions { producer: -1 }",
            "GraphDef producer version -1 below min producer 0 supported by TensorFlow",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(graph, text, message):
    with pytest.raises(ValueError) as raised:
        import_graph_def(node(text))
    assert message in str(raised.value)
    assert not graph.get_operations()
    assert graph.graph_def_versions.producer == 134


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"graph_def must be a GraphDef proto\."):
        import_graph_def("")
    with pytest.raises(TypeError, match="input_map must be a dictionary mapping"):
        import_graph_def(chain(), [1])
    with pytest.raises(TypeError, match="return_elements must be a list of strings"):
        import_graph_def(chain(), return_elements=[7])
    with pytest.raises(ValueError, match="Cannot convert 'a:b:c' to a tensor name"):
        import_graph_def(chain(), return_elements=["a:b:c"])
    with pytest.raises(ValueError, match="requires a non-empty `name` if `input_map`"):
        import_graph_def(chain(), {"a:0": 1.0}, name="")
    with pytest.raises(ValueError, match=r"not found in graph_def: \[B:0\]"):
        import_graph_def(chain(), {"B:0": tf.zeros([2])})
    with pytest.raises(ValueError, match="Requested return tensor 'z:0' not found"):
        import_graph_def(chain(), return_elements=["z:0"])
    with pytest.raises(tf.errors.NotFoundError, match="Op type not registered 'Foo'"):
        import_graph_def(node("node { name: 'B' op: 'Foo' }"))


def test_attributes_of_later_versions_are_left_out():
    from tensorboard.compat.proto.op_def_pb2 import OpDef

    later = OpDef(name="NoOp")
    later.attr.add(name="speed", type="int").default_value.i = 3

    class List:
        op = (later,)

    text = "node { name: 'B' op: 'NoOp' attr { key: 'speed' value { i: %d } } }"
    (b,) = import_graph_def(node(text % 3), None, ["B"], producer_op_list=List)
    assert "speed" not in b.node_def.attr
    with pytest.raises(ValueError, match="mentions attr 'speed'"):
        import_graph_def(node(text % 4), producer_op_list=List)


def test_versions_are_the_lowest(graph):
    graph_def = chain()
    graph_def.versions.producer = 21
    graph_def.versions.min_consumer = 2
    graph_def.node[0].attr["shape"].shape.Clear()
    (a,) = import_graph_def(graph_def, None, ["a:0"])
    assert a.shape.ndims is None  # an empty shape said nothing then
    assert graph.graph_def_versions.producer == 21
    assert graph.graph_def_versions.min_consumer == 2
