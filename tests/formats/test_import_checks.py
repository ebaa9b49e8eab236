"""What TensorFlow 1.15 refuses in a GraphDef is refused, in its words; no more is."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

import retrograd as tf
from retrograd.formats.import_job import input_of


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def graph_def(text):
    if "versions" not in text:
        text = "versions { producer: 134 } " + text
    return text_format.Parse(text, tf.GraphDef())


def load(text):
    tf.import_graph_def(graph_def(text), name="")


def node(name, op, *inputs, **attrs):
    """The text of a node; attributes are given by the text of their values."""
    text = "".join(f"input: {name!r} " for name in inputs)
    for key, value in attrs.items():
        text += f"attr {{ key: '{key}' value {{ {value} }} }} "
    return f"{{ name: {name!r} op: '{op}' {text}}} "


def nodes(*texts):
    return "".join(f"node {text}" for text in texts)


def placeholder(name, dtype="DT_FLOAT", shape=""):
    shown = {"shape": f"shape {{ {shape} }}"} if shape else {}
    return node(name, "Placeholder", dtype=f"type: {dtype}", **shown)


def const(name, values, shape="", dtype="DT_FLOAT", kind=None):
    tensor = f"dtype: {kind or dtype} tensor_shape {{ {shape} }} {values}"
    return node(name, "Const", dtype=f"type: {dtype}", value=f"tensor {{ {tensor} }}")


def dims(*sizes):
    return " ".join(f"dim {{ size: {n} }}" for n in sizes)


T = {"T": "type: DT_FLOAT"}
X = placeholder("x")
PLACEHOLDER = (
    "Op<name=Placeholder; signature= -> output:dtype; attr=dtype:type; "
    "attr=shape:shape,default=<unknown>>"
)


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a\\nb", "a\\n", "a\\000b", "/a", "_a", "-a", "A>b", "a:0", "^a"],
)
def test_names_are_of_some_characters_only(name):
    with pytest.raises(ValueError, match="Node name contains invalid characters"):
        load(f"node {{ name: '{name}' op: 'NoOp' }}")


@pytest.mark.parametrize("name", ["a/", ".a", "a//b", "0", "A-._/b"])
def test_other_names_are_taken(name, graph):
    load(f"node {{ name: '{name}' op: 'NoOp' }}")
    assert [op.name for op in graph.get_operations()] == [name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (node("a", ""), "Node 'a' does not specify an operation"),
        (
            X + "node " + node("y", "Identity", "^x", "x", **T),
            "Node 'y': Control dependencies must come after regular dependencies",
        ),
        (X + "node " + node("y", "NoOp", "^x:0"), "Unknown input node '^x:0'"),
        (node("y", "NoOp", "^y"), "1 nodes in a cycle"),
        (
            X + "node " + node("y", "Neg", "x:4294967297", **T),
            "Node 'y': Connecting to invalid output 1 of source node x which has 1 "
            "outputs.",
        ),
        (
            node("x", "Placeholder", dtype="i: 3"),
            "AttrValue had value with type 'int' when 'type' expected\n\t for attr "
            f"'dtype'\n\t; NodeDef: {{{{node x}}}}; {PLACEHOLDER}",
        ),
        (
            node("x", "Placeholder", dtype="list { type: DT_FLOAT }"),
            "AttrValue had value with type 'list(type)' when 'type' expected",
        ),
        (
            node("x", "Placeholder", dtype="placeholder: 'T'"),
            "AttrValue had value with unexpected type 'placeholder'",
        ),
        (
            node("x", "Placeholder", dtype=""),
            "AttrValue missing value with expected type 'type'\n\t for attr 'dtype'",
        ),
        (node("x", "Placeholder", dtype="type: 99"), "invalid DataType enum: 99\n"),
        (node("x", "Placeholder", dtype="type: 24"), "invalid DataType enum: 24\n"),
        (node("x", "Placeholder", dtype="type: 0"), "has invalid DataType\n"),
        (
            node("x", "Placeholder", dtype="type: DT_FLOAT_REF"),
            "AttrValue must not have reference type value of float_ref\n",
        ),
        (
            node("x", "Placeholder", dtype="type: DT_FLOAT", shape="i: 1"),
            "AttrValue had value with type 'int' when 'shape' expected",
        ),
        (
            node("q", "FIFOQueueV2", component_types="list { type: 0 }"),
            "AttrValue contains invalid DataType",
        ),
        (
            node("q", "FIFOQueueV2", component_types="list { }"),
            "Length for attr 'component_types' of 0 must be at least minimum 1\n\t; ",
        ),
        (
            node("q", "FIFOQueueV2", component_types="list { i: 1 }"),
            "AttrValue had value with type 'list(int)' when 'list(type)' expected",
        ),
        (
            X + "node " + node("y", "AddN", "x", N="i: 0", **T),
            "Value for attr 'N' of 0 must be at least minimum 1\n\t; NodeDef",
        ),
        (
            X + "node " + node("y", "AddN", "x", N="i: 1000000000000", **T),
            "Attr N has value 1000000000000 out of range for an int32",
        ),
        (
            X + "node " + node("y", "AddN", "x", N="i: 2147483647", **T),
            "do not match 1 inputs specified; Op<name=AddN;",
        ),
        (
            X + "node " + node("y", "AddN", "x", "x", N="i: 3", **T),
            "NodeDef expected inputs 'float, float, float' do not match 2 inputs",
        ),
        (
            X + "node " + node("y", "Unpack", "x", num="i: 1000000000000", **T),
            "Attr num has value 1000000000000 out of range for an int32",
        ),
        (
            X + "node " + node("y", "Unpack", "x", num="i: 2000000000", **T),
            "outputs are too many",
        ),
        (
            placeholder("x", shape=dims(1 << 32, 1 << 32)),
            "Shape [4294967296,4294967296] is too large (more than 2**63 - 1 entries) "
            "for 'x' (op: 'Placeholder') with input shapes: .",
        ),
        (placeholder("x", shape=dims(*[1] * 255)), "has too many dimensions for 'x'"),
        (
            placeholder("x", shape=dims(-2, 3)),
            "Shape [-2,3] has dimensions with values below -1 (where -1 means unknown)",
        ),
        (const("c", "", dims(-1)), "Shape [?] is not fully defined for 'c'"),
        (const("c", "", dims(-5)), "Shape [-5] is not fully defined for 'c'"),
        (const("c", "", dims(1 << 40, 1 << 40)), "is too large (more than 2**63"),
    ],
)
def test_refused(text, message, graph):
    with pytest.raises(ValueError) as raised:
        load("node " + text)
    assert message in str(raised.value)
    assert not graph.get_operations()


def test_op_types_that_newer_graphs_may_not_have():
    text = nodes(X, node("y", "BatchMatrixDiag", "x", **T))
    with pytest.raises(tf.errors.UnimplementedError) as raised:
        load(text)
    assert raised.value.message == (
        "Op BatchMatrixDiag is not available in GraphDef version 134. It has been "
        "removed in version 14. Use MatrixDiag."
    )
    load("versions { producer: 13 } " + text)


def test_a_group_that_is_no_string():
    for value in ("i: 3", "s: 'loc:@a'", "list { i: 1 }"):
        with pytest.raises(TypeError):
            load(nodes(node("a", "NoOp", _class=value)))
    load(nodes(node("a", "NoOp", _class="list { }")))


def test_attributes_of_no_signature_may_be_of_any_kind(graph):
    values = {
        "_type": "type: 99",
        "_shape": "shape { dim { size: -7 } }",
        "_tensor": "tensor { dtype: 99 }",
        "_function": "func { name: 'f' attr { key: 'q' value { i: 1 } } }",
        "_output_shapes": "list { i: 3 }",
        "_none": "",
    }
    given = graph_def(nodes(node("a", "Placeholder", dtype="type: DT_INT32", **values)))
    tf.import_graph_def(given, name="")
    attrs = graph.as_graph_def().node[0].attr
    for key in values.keys() - {"_output_shapes"}:
        assert attrs[key] == given.node[0].attr[key], key


def test_an_output_shape_that_no_tensor_has():
    shown = "list { shape { dim { size: -7 } } }"
    text = node("a", "Placeholder", dtype="type: DT_INT32", _output_shapes=shown)
    with pytest.raises(ValueError, match="has an invalid _output_shapes attribute"):
        load(nodes(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", ("a", 0)),
        ("a:3", ("a", 3)),
        ("^a", ("a", -1)),
        ("^a:1", ("^a", 1)),
        ("a:", ("a:", 0)),
        (":1", (":1", 0)),
        ("a:¹", ("a:¹", 0)),
        ("a:1" + "0" * 40, ("a", 10**40 % 2**32)),
    ],
)
def test_inputs_are_taken_apart(text, found):
    assert input_of(text) == found


# ---------------------------------------------------------------------- constants


def value_of(text):
    load(nodes(text))
    with tf.Session() as session:
        return session.run("c:0")


def test_constants_hold_what_their_messages_do():
    text = 'tensor_content: "\\001\\000\\203\\001a' + "x" * 131 + '"'
    found = value_of(const("c", text, dims(3), "DT_STRING"))
    assert found.tolist() == [b"a", b"", b"x" * 131]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (const("c", "float_val: 1 float_val: 2", dims(3)), [1, 2, 2]),
        (const("c", "float_val: 1 float_val: 2", dims(1)), [1]),
        (const("c", "int_val: 1", dims(2)), [0, 0]),
        (const("c", "scomplex_val: 3", dims(2), "DT_COMPLEX64"), [0, 0]),
        (const("c", "int_val: 300", dims(2), "DT_INT8"), [44, 44]),
        (const("c", "uint64_val: 1 uint64_val: 18446744073709551615", dims(2),
               "DT_UINT64"), [1, 2**64 - 1]),
        (const("c", 'tensor_content: "abc"', dims(0)), []),
        (const("c", "float_val: 7", "unknown_rank: true"), 7),
    ],
)  # fmt: skip
def test_values_are_repeated_or_left_out(text, value):
    assert np.array_equal(value_of(text), value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (const("c", "float_val: 1", dims(10**12)), "Cannot parse tensor from proto: "),
        (const("c", "int_val: 1", dims(10**11), "DT_INT8"), "Cannot parse tensor"),
        (const("c", 'tensor_content: "abc"', dims(2)), "Cannot parse tensor"),
        (const("c", 'tensor_content: "\\001"', dims(2), "DT_STRING"), "Cannot parse"),
        (
            const("c", 'tensor_content: "\\001\\001abc"', dims(2), "DT_STRING"),
            "Cannot parse tensor from proto: dtype: DT_STRING",
        ),
        (
            const("c", "int_val: 3", kind="DT_INT32"),
            "Type mismatch between value (int32) and dtype (float)",
        ),
    ],
)
def test_a_constant_that_cannot_be_read_fails_when_it_is_run(text, message, graph):
    load(nodes(text))
    given = graph_def(nodes(text)).node[0].attr["value"]
    assert graph.as_graph_def().node[0].attr["value"] == given
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError) as raised:
            session.run("c:0")
        assert message in raised.value.message
        assert raised.value.op.name == "c"


@pytest.mark.parametrize(
    ("op", "shape", "message"),
    [
        ("BatchMatMulV2", "", "Shape must be at least rank 2 but is rank 0"),
        ("Diag", dims(2, 2, 2, 2), None),
        ("MatrixInverse", dims(3), "Shape must be at least rank 2 but is rank 1"),
        ("LRN", dims(1, 2, 3), "Shape must be rank 4 but is rank 3"),
    ],
)
def test_which_ranks_an_input_may_have_is_part_of_the_signature(op, shape, message):
    count = 2 if "MatMul" in op else 1
    shown = placeholder("x", shape=shape) if shape else placeholder("x", shape=" ")
    text = nodes(shown, node("y", op, *["x"] * count, **T))
    if message is None:
        load(text)
        return
    with pytest.raises(ValueError, match=message) as caught:
        load(text)
    assert f"'y' (op: '{op}') with input shapes: " in str(caught.value)


def test_a_vector_may_have_to_be_of_one_length():
    text = nodes(
        placeholder("x", shape=dims(1, 2, 2, 1)),
        placeholder("size", "DT_INT32", dims(3)),
        node("y", "ResizeBilinear", "x", "size", **T),
    )
    with pytest.raises(ValueError, match="Dimension must be 2 but is 3 for 'y'"):
        load(text)


@pytest.mark.parametrize("op", ["MatrixDiagPartV2", "MatrixSetDiagV2"])
def test_diagonals_of_an_unknown_matrix(op):
    inputs = ["x", "k", "x"] if op == "MatrixDiagPartV2" else ["x", "x", "k"]
    text = nodes(
        placeholder("x"),
        const("k", "int_val: 0", dims(3), "DT_INT32"),
        node("y", op, *inputs, **T),
    )
    if op == "MatrixDiagPartV2":
        load(text)  # which are taken out of what is not known, nobody looks at
        return
    with pytest.raises(ValueError, match=r"one or two elements\. It has 3 elements"):
        load(text)
