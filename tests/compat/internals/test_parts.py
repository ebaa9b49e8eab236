"""Small parts of TensorFlow's inside, by the names that programs know."""

from __future__ import annotations

import retrograd as tf
from retrograd.compat.namespace import look_up
from retrograd.graph import context


def test_stacks_of_defaults() -> None:
    graphs = look_up("python.framework.ops", "_default_graph_stack")
    assert graphs.is_cleared()
    assert look_up("python.framework.ops", "_default_session_stack").stack == []
    with tf.Graph().as_default() as graph:
        assert graphs.stack == [graph] and graphs.get_default() is graph
        assert not graphs.is_cleared()


def test_nodes_while_executing_eagerly() -> None:
    placeholder = look_up("python.eager.graph_only_ops", "graph_placeholder")
    zeros_like = look_up("python.eager.graph_only_ops", "graph_zeros_like")
    with tf.Graph().as_default() as graph, context.eager_mode():
        made = placeholder(tf.float32, [2])
        zeros = zeros_like(made)
    assert [op.name for op in graph.get_operations()] == ["placeholder", "zeros_like"]
    assert zeros.shape == made.shape == (2,)


def test_messages_of_tensors_and_shapes() -> None:
    same = look_up("python.framework.tensor_util", "ShapeEquals")
    message = tf.make_tensor_proto([1, 2])
    assert same(message, [2]) and not same(message, [3])
    sizes = look_up("python.framework.tensor_util", "TensorShapeProtoToList")
    assert sizes(tf.TensorShape([2, 3]).as_proto()) == [2, 3]


def test_variables_that_nothing_initializes() -> None:
    with tf.Graph().as_default():
        make = look_up("python.ops.state_ops", "variable_op_v2")
        made = make([2], tf.float32, name="v")
        assert (made.op.type, made.name, made.shape) == ("VariableV2", "v:0", (2,))
        make = look_up("python.ops.state_ops", "variable_op")
        made = make([2], tf.float32, set_shape=False)
        assert (made.op.type, made.name) == ("Variable", "Variable:0")
        assert made.shape.ndims is None
        original = tf.get_variable("r", [], use_resource=True)
    copy = look_up("python.ops.resource_variable_ops", "copy_to_graph_uninitialized")
    with tf.Graph().as_default() as graph:
        copied = copy(original)
        assert copied.name == "r:0" and copied.graph is graph
