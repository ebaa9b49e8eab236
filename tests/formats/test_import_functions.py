"""Functions of a GraphDef: called by name, at fault, calling themselves."""

from __future__ import annotations

import threading

import pytest

import retrograd as tf
from retrograd.functions.typed import Defun
from retrograd.grad import control

from .test_import_checks import const, dims, graph, graph_def, load, node, nodes

__all__ = ["graph"]

X = const("x", "float_val: 3")
T = {"T": "type: DT_FLOAT"}
NEG = "node_def " + node("n", "Neg", "x", **T)


def function(name, body=NEG, returned="n:y:0", argument="DT_FLOAT"):
    return (
        f"function {{ signature {{ name: '{name}' "
        f"input_arg {{ name: 'x' type: {argument} }} "
        f"output_arg {{ name: 'y' type: DT_FLOAT }} }} "
        f"{body} ret {{ key: 'y' value: '{returned}' }} }} "
    )


def gradient(name, other):
    return f"gradient {{ function_name: '{name}' gradient_func: '{other}' }} "


def library(*texts):
    return f"library {{ {' '.join(texts)} }} "


def call(called, name="n", op="PartitionedCall"):
    one = "list { type: DT_FLOAT }"
    return node(name, op, "x", Tin=one, Tout=one, f=f"func {{ name: '{called}' }}")


def branch(then, otherwise):
    """A body that negates x where it is 1 at most, and else calls a function."""
    one = "list { type: DT_FLOAT }"
    parts = (
        const("z", "float_val: 1"),
        node("g", "Greater", "x", "z:output:0", **T),
        node("s", "Sub", "x", "z:output:0", **T),
        node("n", "If", "g:z:0", "s:z:0", Tcond="type: DT_BOOL", Tin=one, Tout=one,
             then_branch=f"func {{ name: '{then}' }}",
             else_branch=f"func {{ name: '{otherwise}' }}"),
    )  # fmt: skip
    return "".join(f"node_def {part}" for part in parts)


def run(text):
    load(text)
    with tf.Session() as session:
        return session.run("u:0")


def test_a_function_is_called_by_its_name(graph):
    for text in (call("f", "u"), node("u", "f", "x")):
        with tf.Graph().as_default() as first:
            assert run(library(function("f")) + nodes(X, text)) == -3
        with tf.Graph().as_default():
            tf.import_graph_def(first.as_graph_def(), name="")
            with tf.Session() as session:
                assert session.run("u:0") == -3


def test_functions_within_functions_survive_an_export(graph):
    body = "node_def " + node("m", "f", "x")
    body += "node_def " + node("n", "Neg", "m:y:0", **T)
    functions = library(function("f"), function("h", body))
    assert run(functions + nodes(X, node("u", "h", "x"))) == 3
    written = graph.as_graph_def()
    with tf.Graph().as_default():
        tf.import_graph_def(written, name="")
        with tf.Session() as session:
            assert session.run("u:0") == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (library(function("Add")), "Cannot add function 'Add' because an op with the"),
        (
            library(function("f"), function("f", "", "x")),
            "Cannot add function 'f' because a different function with the same name",
        ),
        (
            library(
                function("f"), "gradient { function_name: 'f' gradient_func: 'g' }"
            ),
            "FunctionDefLibrary missing 'g' FunctionDef",
        ),
        (
            library(
                function("f"), "gradient { function_name: 'f' gradient_func: 'f' }"
            ),
            "FunctionDefLibrary contains cyclic gradient functions!",
        ),
        (
            library(gradient("f", "g"), gradient("f", "h")),
            "Cannot assign gradient function 'h' to 'f' because it already has",
        ),
    ],
)
def test_libraries_that_are_refused(text, message):
    with pytest.raises(ValueError) as raised:
        load(text)
    assert message in str(raised.value)


def test_an_argument_without_dtype():
    with pytest.raises(TypeError):
        load(library(function("f", argument="DT_INVALID")))


FAULTS = [
    ("node_def " + node("n", "Neg", "q", **T), "n:y:0",
     "input q is not found: {{node n}}"),
    (NEG, "q", "Return y -> q is not found."),
    ("node_def " + node("n", "Neg", "x", T="type: DT_INT32"), "n:y:0",
     "input x[0] expected type int32 != float, the type of x[0]"),
    ("node_def " + node("n", "Shape", "x", **T), "n:output:0",
     "Invalid ret types y : float vs. int32"),
    ("node_def " + node("n", "Neg", **T), "n:y:0",
     "Attempt to access beyond input size: 0 >= 0"),
    ("node_def " + node("n", "Neg", "x", "x", **T), "n:y:0",
     "Expected input[1] == 'x' to be a control input."),
    ("node_def " + node("n", "Neg", "x", "^q", **T), "n:y:0",
     "input[1] == '^q', is not found."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "returned", "message"), FAULTS)
def test_a_faulty_function_fails_when_it_is_called(body, returned, message, graph):
    faulty = library(function("f", body, returned))
    for text in (call("f", "u"), node("u", "f", "x")):
        with pytest.raises(ValueError) as raised:
            load(faulty + nodes(X, text))
        assert message in str(raised.value)
    load(faulty)  # nobody calls it
    assert graph.as_graph_def().library == graph_def(faulty).library


def test_an_unknown_op_type_within_a_function():
    functions = library(function("f", "node_def " + node("n", "Foo", "x")))
    with pytest.raises(tf.errors.NotFoundError, match="not registered 'Foo'"):
        load(functions + nodes(X, call("f")))


def test_a_function_that_is_not_there():
    load(nodes(X, call("f", "u")))
    with tf.Session() as session:
        with pytest.raises(
            tf.errors.InvalidArgumentError, match='Failed to find function "f"'
        ):
            session.run("u:0")


@pytest.mark.parametrize(
    "functions",
    [
        [function("f", "node_def " + node("n", "f", "x"))],
        [function("f", "node_def " + call("f"), "n:output:0")],
        [
            function("h", "node_def " + call("f"), "n:output:0"),
            function("f", "node_def " + call("h"), "n:output:0"),
        ],
    ],
)
def test_functions_that_call_themselves(functions):
    load(library(*functions))  # nobody calls them
    with tf.Graph().as_default(), pytest.raises(ValueError, match="calls itself"):
        load(library(*functions) + nodes(X, call("f", "u")))


def test_a_branch_that_calls_its_function():
    functions = library(function("f", branch("f", "h"), "n:output:0"), function("h"))
    load(functions + nodes(X, call("f", "u")))
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="calls itself"):
            session.run("u:0")


def vector(name, size):
    return const(name, "float_val: 3", f"dim {{ size: {size} }}")


def test_shapes_go_through_calls(graph):
    sizes = const("s", "int_val: 3 int_val: -1", "dim { size: 2 }", "DT_INT32")
    reshape = node("n", "Reshape", "x", "s:output:0", **T)
    body = f"node_def {sizes} node_def {reshape}"
    functions = library(function("f", body, "n:output:0"))
    load(functions + nodes(vector("x", 6), node("u", "f", "x")))
    assert graph.get_tensor_by_name("u:0").shape == [3, 2]
    load(functions + nodes(vector("x", 9), call("f", "v")))
    assert graph.get_tensor_by_name("v:0").shape == [3, 3]
    with pytest.raises(ValueError, match=r"'n' \(op: 'Reshape'\)"):
        load(functions + nodes(vector("x", 7), call("f", "v")))


@pytest.mark.parametrize(("depth", "shape"), [(15, [6]), (200, None)])
def test_functions_that_call_one_another_twice_over_take_no_time(depth, shape, graph):
    """Each doubles what the one below does: no one of them may be looked at twice."""
    texts = [function("f0")]
    for i in range(1, depth):
        first, second = node("m", f"f{i - 1}", "x"), node("n", f"f{i - 1}", "m:y:0")
        texts.append(function(f"f{i}", f"node_def {first} node_def {second}"))
    load(library(*texts) + nodes(vector("x", 6), node("u", f"f{depth - 1}", "x")))
    assert graph.get_tensor_by_name("u:0").shape.as_list() == shape if shape else True


@pytest.mark.parametrize(
    ("attrs", "error", "message"),
    [
        ({"T": ""}, ValueError, "Failed to bind all placeholders in <Unknown"),
        ({}, tf.errors.NotFoundError, r"type attr not found: T\n\tIn {{node n}}"),
        ({**T, "more": "i: 1"}, None, ""),
        ({**T, "_output_shapes": "list { }"}, None, ""),
        ({**T, "_class": "i: 1"}, None, ""),
    ],
)
def test_attributes_of_nodes_in_a_function(attrs, error, message, graph):
    text = library(function("f", "node_def " + node("n", "Neg", "x", **attrs)))
    text += nodes(X, node("u", "f", "x"))
    if error is None:
        assert run(text) == -3
    else:
        with pytest.raises(error, match=message):
            load(text)


@pytest.mark.parametrize("version", [20, 21])
def test_axes_of_old_graphs_may_be_of_any_rank(version, graph):
    x = const("x", "float_val: 3", dims(2))
    axes = const("a", "int_val: 0", dims(1, 1), "DT_INT32")
    body = "node_def " + axes.replace("'a'", "'b'")
    body += "node_def " + node(
        "n", "Sum", "x", "b:output:0", **T, Tidx="type: DT_INT32"
    )
    functions = library(function("f", body, "n:output:0"))
    for part in (
        nodes(x, axes, node("u", "Sum", "x", "a", **T, Tidx="type: DT_INT32")),
        functions + nodes(x, node("u", "f", "x")),
    ):
        text = f"versions {{ producer: {version} }} {part}"
        with tf.Graph().as_default():
            if version < 21:
                load(text)
            else:
                with pytest.raises(ValueError, match="at most rank 1 but is rank 2"):
                    load(text)


def test_the_derivative_that_a_program_gave_a_function():
    @Defun(*[tf.float32] * 4)
    def of_both(x, y, dsum, ddifference):
        return x * 10.0, y * 10.0

    @Defun(tf.float32, tf.float32, grad_func=of_both)
    def both(x, y):
        return x + y, x - y

    with tf.Graph().as_default() as made:
        both(tf.placeholder(tf.float32), tf.placeholder(tf.float32), name="f")
    written = made.as_graph_def()
    for _ in range(2):  # what was read is written, and read again
        (entry,) = written.library.gradient
        assert entry.function_name == both.name
        assert entry.gradient_func == of_both.name
        with tf.Graph().as_default() as made, tf.Session() as session:
            names = ["Placeholder:0", "Placeholder_1:0", "f:0"]
            x, y, total = tf.import_graph_def(written, return_elements=names, name="")
            again = made.as_graph_def()
            slopes = tf.gradients(total, [x, y])
            assert session.run(slopes, {x: 1.0, y: 2.0}) == [10, 20]
        written = again


def nested(depth, last=NEG):
    """Functions `f0`, `f1`, …, each a choice between two calls of the next."""
    one = "list { type: DT_FLOAT }"
    texts = [function(f"f{depth}", last)]
    for i in range(depth):
        then = f"func {{ name: 'f{i + 1}' }}"
        choice = node("n", "If", "x", "x", Tcond=T["T"], Tin=one, Tout=one,
                      then_branch=then, else_branch=then)  # fmt: skip
        texts.append(function(f"f{i}", "node_def " + choice, "n:output:0"))
    return library(*texts) + nodes(X, node("u", "f0", "x"))


@pytest.mark.parametrize("tier", ["0", "1"])
def test_calls_as_many_as_powers_of_two_are_no_more_work(tier, graph, monkeypatch):
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    assert run(nested(40)) == -3


def test_functions_within_too_many_others_are_refused(graph):
    with pytest.raises(tf.errors.ResourceExhaustedError, match="call each other"):
        run(nested(1000))


@pytest.mark.parametrize("op", ["While", "StatelessWhile"])
def test_shapes_of_a_loop_that_does_not_tell_them(op, graph):
    condition = function("c").replace("'y' type: DT_FLOAT", "'y' type: DT_BOOL")
    attrs = {"T": "list { type: DT_FLOAT }"}
    attrs.update(cond="func { name: 'c' }", body="func { name: 'f' }")
    x = const("x", "float_val: 3", dims(3, 2))
    load(library(condition, function("f")) + nodes(x, node("u", op, "x", **attrs)))
    assert graph.get_tensor_by_name("u:0").shape == (3, 2)
    attrs["output_shapes"] = "list { shape { } shape { } }"
    with pytest.raises(ValueError, match=r"same length as num outputs \(2 vs\. 1 for"):
        with tf.Graph().as_default():
            load(nodes(x, node("u", op, "x", **attrs)))


def added_up(step):
    """A graph that adds `step` until 10 is reached, by a loop and a branch."""
    with tf.Graph().as_default() as made:
        x = tf.placeholder(tf.float32, [], name="x")
        z = tf.while_loop(lambda x: x < 10, lambda x: x + step, [x])
        tf.cond(z > 10, lambda: z - step, lambda: z, name="z")
        return made.as_graph_def()


def test_bodies_of_two_graphs_may_have_one_name(graph):
    first, second = added_up(1.0), added_up(4.0)
    names = [f.signature.name for f in first.library.function]
    text = str(second)
    for own, other in zip(second.library.function, names, strict=True):
        text = text.replace(f'"{own.signature.name}"', f'"{other}"')
    second = graph_def(text)
    assert [f.signature.name for f in second.library.function] == names
    ends = ["x:0", "z/Identity:0"]
    results = [
        tf.import_graph_def(given, name="", return_elements=ends)
        for given in (first, second)
    ]

    def ran(results):
        feeds = {x: 0.5 for x, _ in results}
        with tf.Session() as session:
            return session.run([z for _, z in results], feeds)

    assert ran(results) == [9.5, 8.5]
    whole = graph.as_graph_def()
    with tf.Graph().as_default():
        ends = [t.name for pair in results for t in pair]
        x, z, u, v = tf.import_graph_def(whole, name="", return_elements=ends)
        assert ran([(x, z), (u, v)]) == [9.5, 8.5]


def test_a_loop_is_read_as_it_was_before_its_gradient_and_after():
    with tf.Graph().as_default() as made:
        x = tf.placeholder(tf.float32, [], name="x")
        z = tf.while_loop(lambda x: x < 10, lambda x: x * x, [x])
        before = made.as_graph_def()
        tf.identity(tf.gradients(z, x)[0], name="slope")
        tf.import_graph_def(before, name="before")
        ends = ["x:0", "slope:0"]
        x, slope = tf.import_graph_def(
            made.as_graph_def(), name="after", return_elements=ends
        )
        with tf.Session() as session:
            assert session.run(slope, {x: 2.0}) == 32.0


def test_a_graph_is_written_with_all_that_a_gradient_adds_or_without(monkeypatch):
    made, written, writers = tf.Graph(), [], []
    original = control.add_output

    def add_output(*args):
        writer = threading.Thread(target=lambda: written.append(made.as_graph_def()))
        writer.start()
        writer.join(0.1)  # time enough to write what has been added so far
        writers.append(writer)
        return original(*args)

    monkeypatch.setattr(control, "add_output", add_output)
    with made.as_default():
        x = tf.placeholder(tf.float32)
        z = tf.while_loop(lambda x: x < 10, lambda x: x * tf.sin(x), [x])
        tf.gradients(tf.cond(z > 2, lambda: tf.sin(z * z), lambda: z), x)
    assert writers
    for writer in writers:
        writer.join()
    for each in written:
        with tf.Graph().as_default():
            tf.import_graph_def(each)


def test_a_loop_within_a_branch_is_written_with_all_that_its_node_names() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [], name="x")
        y = tf.cond(
            x > 0,
            lambda: tf.while_loop(lambda i: i < 5, lambda i: i + 2, [tf.constant(0)]),
            lambda: tf.constant(1),
        )
        definition = graph.as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        (again,) = tf.import_graph_def(definition, return_elements=[y.name], name="")
        assert [session.run(again, {"x:0": v}) for v in (1.0, -1.0)] == [6, 1]
