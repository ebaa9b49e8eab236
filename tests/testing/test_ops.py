"""Op types of TensorFlow's own tests, and op types added from their messages."""

import pytest
from google.protobuf import text_format
from tensorboard.compat.proto import op_def_pb2

import retrograd as tf
from retrograd.graph import opdef
from retrograd.testing import op_library, ops


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as sess:
        yield sess


def test_functions_of_op_types(session):
    op = ops.int_input_int_output(ops.int_output(), name="x").op
    assert (op.type, op.name, op.inputs[0].op.type) == (
        "IntInputIntOutput",
        "x",
        "IntOutput",
    )
    assert ops.foo2(ops.float_output(), "a", "b").e.dtype == tf.int32
    with pytest.raises(AttributeError, match="no attribute 'absent_op'"):
        ops.absent_op()


def test_kernels(session):
    with session.graph._kernel_label_map({"KernelLabel": "overload_1"}):
        labelled = ops.kernel_label()
    assert session.run(labelled) == b"My label is: overload_1"
    assert session.run(ops.kernel_label()) == b"My label is: default"
    producer = session.graph.graph_def_versions.producer
    assert session.run(ops.graph_def_version()) == producer
    with tf.device("/cpu:0"):
        placed = session.run(ops.device_placement_op())
    assert placed == b"/job:localhost/replica:0/task:0/device:CPU:0"


def test_refused_graphs(session):
    with pytest.raises(
        NotImplementedError,
        match=r"Op Old is not available in GraphDef version 134\. "
        r"It has been removed in version 8\. For reasons\.",
    ):
        ops.old()
    with pytest.raises(ValueError, match="Shape must be rank 1 but is rank 0"):
        ops.kernel_label_required(1)
    with pytest.raises(ValueError, match="Wrong graph version for shape"):
        ops.requires_older_graph_version()


def test_resource(session):
    handle = ops.stub_resource_handle_op(shared_name="b")
    created = ops.resource_initialized_op(handle)
    assert not session.run(created)
    with pytest.raises(tf.errors.NotFoundError):
        session.run(ops.resource_using_op(handle))
    session.run(ops.resource_create_op(handle))
    assert session.run(created)
    session.run(ops.resource_using_op(handle))


def add(text):
    op_library.OpDefLibrary().add_op(text_format.Parse(text, op_def_pb2.OpDef()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name: 'X' input_arg { name: 'a' type_attr: 'T' }",
            "Inconsistent OpDef for 'X', missing attr 'T'",
        ),
        (
            "name: 'X' output_arg { name: 'a' type_attr: 'T' } "
            "attr { name: 'T' type: 'int' }",
            "Attr 'T' of 'X' used as a type_attr but has type int",
        ),
        (
            "name: 'X' output_arg { name: 'a' type: DT_INT32 number_attr: 'N' } "
            "attr { name: 'N' type: 'type' }",
            "Attr 'N' of 'X' used as a number_attr but has type type",
        ),
        (
            "name: 'X' output_arg { name: 'a' } ",
            "Arg 'a' of 'X' must have one type field not 0",
        ),
    ],
)
def test_inconsistent_op_types(text, message):
    with pytest.raises(TypeError) as caught:
        add(text)
    assert str(caught.value) == message


def test_signature_survives_the_message(session):
    text = """
      name: 'Every' is_stateful: true
      input_arg { name: 'a' type_attr: 'T' number_attr: 'N' }
      input_arg { name: 'r' type: DT_INT32 is_ref: true }
      output_arg { name: 'out' type_list_attr: 'L' }
      attr { name: 'T' type: 'type' default_value { type: DT_FLOAT }
             allowed_values { list { type: DT_FLOAT type: DT_INT32 } } }
      attr { name: 'N' type: 'int' has_minimum: true minimum: 2 }
      attr { name: 'L' type: 'list(type)' }
      attr { name: 's' type: 'string' default_value { s: 'x' } }
      attr { name: 'sizes' type: 'list(shape)' default_value {
             list { shape { dim { size: 2 } } shape { unknown_rank: true } } } }
    """
    message = text_format.Parse(text, op_def_pb2.OpDef())
    assert op_library.signature(message) == (
        "Every\ta:N*T r:ref(int32)\tout:L\t"
        'T:type{float32,int32}="float32"; N:int>=2; L:list(type); s:string="x"; '
        "sizes:list(shape)=[[2], null]\tstateful"
    )
    parsed = opdef.parse(op_library.signature(message))
    assert parsed.is_stateful
    assert parsed.attrs["sizes"].default == [(2,), None]


def test_apply_op(session):
    library = ops._op_def_lib
    assert library.apply_op("Simple", a=3, name="n").op.name == "n"
    assert [t.name for t in library.apply_op("NIntsOut", N=2)] == [
        "NIntsOut:0",
        "NIntsOut:1",
    ]
    assert library.apply_op("ReservedInput", input_=7).inputs[0].dtype == tf.int32
    assert library.apply_op("SimpleStruct", n_a=0) == []
    for arguments, message in (
        ({}, "No argument for input a"),
        ({"a": 6, "y": 1, "x": 1}, "got unexpected keyword arguments: x, y"),
        ({"a": "text"}, "Expected int32 passed to parameter 'a' of op 'Simple'"),
    ):
        with pytest.raises(TypeError, match=message):
            library.apply_op("Simple", **arguments)
    with pytest.raises(TypeError, match="Should not specify value for inferred attr"):
        library.apply_op("Polymorphic", a=1, T=tf.int32)
    with pytest.raises(RuntimeError, match="Unrecognized Op name Absent"):
        library.apply_op("Absent")
    with pytest.raises(RuntimeError, match="Op name Simple registered twice"):
        library.add_op(op_def_pb2.OpDef(name="Simple"))
