"""Operations from nodes, scopes of devices and names, registries of a graph."""

import pytest

import retrograd as tf
from retrograd.compat.internals.devices import merge_device
from retrograd.errors import InvalidArgumentError, NotFoundError, OutOfRangeError
from retrograd.formats.node import make_node_def
from retrograd.graph import context, convert, opdef
from retrograd.graph.device import DeviceSpecV1
from retrograd.graph.name_scopes import name_scope, name_scope_v2
from retrograd.graph.operation import Operation


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def test_an_operation_from_its_node(graph):
    x = tf.constant([1.0, 2.0])
    op = Operation(make_node_def("Identity", "y", device="/cpu:0"), graph, [x])
    assert (op.name, op.type, op.device) == ("y", "Identity", "/cpu:0")
    assert graph.get_tensor_by_name("y:0").shape == [2]
    assert tf.identity(x, name="y").op.name == "y_1"


@pytest.mark.parametrize(
    ("node", "inputs", "error", "text"),
    [
        ("a", [], TypeError, "node_def needs to be a NodeDef: a"),
        (("NoOp", "_bad"), [], ValueError, "'_bad' is not a valid node name"),
        (("NoOp", "taken"), [], ValueError, "Duplicate node name in graph: 'taken'"),
        (("NoOp", "x"), 4, TypeError, "inputs needs to be a list of Tensors: 4"),
        (("NoOp", "x"), [4], TypeError, "input needs to be a Tensor: 4"),
        (("FooBar", "x"), [], NotFoundError, "Op type not registered 'FooBar' in"),
        (
            ("Const", "x"),
            [],
            ValueError,
            "NodeDef missing attrs 'dtype', 'value' from Op<name=Const; signature= -> "
            "output:dtype; attr=value:tensor; attr=dtype:type>; NodeDef: {{node x}}",
        ),
    ],
)
def test_nodes_that_do_not_fit(graph, node, inputs, error, text):
    tf.no_op("taken")
    node = make_node_def(*node) if isinstance(node, tuple) else node
    with pytest.raises(error) as raised:
        Operation(node, graph, inputs)
    assert str(raised.value).startswith(text)
    assert len(graph.get_operations()) == 1


def test_given_attributes_agree_with_inputs(graph):
    x = tf.constant(1)
    with pytest.raises(
        ValueError, match="Inconsistent values for attr 'T' DT_INT32 vs"
    ):
        graph.create_op("Identity", [x], attrs={"T": tf.float32})


def test_signatures_as_text():
    assert opdef.summary(opdef.lookup("MatMul")) == (
        "Op<name=MatMul; signature=a:T, b:T -> product:T; "
        "attr=transpose_a:bool,default=false; attr=transpose_b:bool,default=false; "
        "attr=T:type,allowed=[DT_BFLOAT16, DT_HALF, DT_FLOAT, DT_DOUBLE, DT_INT32, "
        "DT_INT64, DT_COMPLEX64, DT_COMPLEX128]>"
    )


def test_inputs_are_replaced_by_like_ones():
    x, y = tf.zeros([3, 1]), tf.zeros([2, 2])
    z = (x + x).op
    with pytest.raises(InvalidArgumentError, match=r"shapes: \[2,2\] and \[3,1\]"):
        z._update_input(0, y)
    with pytest.raises(OutOfRangeError, match=r"Input index \[2\] is greater than"):
        z._update_input(2, x)
    assert x.consumers() == [z, z]
    with pytest.raises(AttributeError):
        z.inputs.append(x)


def test_places_of_devices_and_colocation():
    with tf.device("/cpu:0"), tf.device(lambda op: "/gpu:1"):
        a = tf.constant(1).op
    with tf.device("/job:worker"), tf.colocate_with(a):
        b = tf.constant(1).op
    assert [d.obj for d in a._device_assignments][1] == "/cpu:0"
    assert a._device_assignments[0].obj.startswith("<lambda><")
    assert a._device_assignments[0].filename == __file__
    assert b.device == a.device == "/device:GPU:1"
    assert b._colocation_dict[a.name].filename == __file__


def test_device_blocks_nest(graph):
    outer = graph.device("/cpu:0")
    outer.__enter__()
    with graph.device("/gpu:0"), pytest.raises(RuntimeError, match="proper scope nest"):
        outer.__exit__(None, None, None)


def test_device_functions_give_names():
    with tf.device(lambda op: None), pytest.raises(TypeError, match="unicode string"):
        tf.constant(1)
    with tf.device(merge_device("/job:a/gpu:1")), tf.device("/cpu:*"):
        assert tf.constant(1).device == "/job:a/device:CPU:1"


def test_device_names():
    spec = DeviceSpecV1.from_string("/job:w/task:1/gpu:2")
    assert spec.to_string() == "/job:w/task:1/device:GPU:2"
    assert spec.replace(task=3, device_index=None).to_string() == (
        "/job:w/task:3/device:GPU:*"
    )
    assert spec == spec.make_merged_spec(DeviceSpecV1())
    assert spec != DeviceSpecV1(job="w")
    with pytest.raises(ValueError, match="Cannot specify multiple device types"):
        DeviceSpecV1.from_string("/gpu:1/cpu:1")
    with pytest.raises(ValueError, match="Unknown attribute: 'gpu' in '/gpu:1:1'"):
        DeviceSpecV1.from_string("/gpu:1:1")


def test_name_scopes(graph):
    with name_scope("a") as scope, name_scope(None, "b", [tf.constant(1)]) as inner:
        assert (scope, inner) == ("a/", "a/b/")
    with name_scope("x//") as odd, name_scope("/") as slash:
        assert (odd, slash) == ("x//", "/")
    with tf.Graph().as_default():
        far = tf.constant(1)
    with name_scope("far", values=[far]):
        assert tf.get_default_graph() is far.graph
    assert tf.get_default_graph() is graph
    with pytest.raises(ValueError, match="At least one of name"):
        name_scope(None, values=[far]).__enter__()
    with pytest.raises(TypeError, match="You likely meant to pass this into the"):
        name_scope("x", [far])


def test_name_scopes_of_version_2_are_entered_again():
    a, b = name_scope_v2("a"), name_scope_v2("b")
    with a, b, a as scope:
        assert scope == "a/b/a/"
    with b as scope:
        assert scope == "b/"
    with pytest.raises(ValueError, match="must be a string"):
        name_scope_v2(None)


def test_init_scope_leaves_functions_for_the_graph_or_eager_mode():
    function = tf.Graph()
    function._building_function = True
    around = tf.get_default_graph()
    with tf.device("/cpu:0"), function.as_default(), tf.device("/gpu:0"):
        with tf.init_scope():
            assert tf.get_default_graph() is around
            assert tf.constant(1).device == "/device:GPU:0"
    with context.eager_mode(), context.graph_mode(), function.as_default():
        with tf.init_scope():
            assert tf.executing_eagerly()
        assert not tf.executing_eagerly()


def test_operations_are_no_tensors():
    with pytest.raises(TypeError, match="Can't convert Operation 'NoOp' to Tensor"):
        tf.convert_to_tensor(tf.no_op())


def test_dense_types_have_a_name_and_a_dtype():
    class Plain:
        name = "x"

    with pytest.raises(TypeError, match="does not define a `name` property"):
        convert.register_dense_tensor_like_type(Plain)
    assert convert.is_dense_tensor_like(tf.constant(1))
