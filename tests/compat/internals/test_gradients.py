"""Gradient functions by their names in TensorFlow, called as it calls them."""

import re

import numpy as np
import pytest

import retrograd as tf
from retrograd.compat import inside, table
from retrograd.compat.namespace import look_up, namespace
from retrograd.ops import declare
from retrograd.ops.declare import gradient_registry

#: the modules of TensorFlow of which names are listed
SECTIONS = re.findall(r"^\[(.+)\]$", inside._text(), re.MULTILINE)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def value(tensor):
    with tf.Session() as session:
        return session.run(tensor)


def test_a_function_of_one_input_returns_a_tensor():
    x = tf.constant([1.0, -2.0])
    nn_grad = namespace("python.ops.nn_grad")
    math_grad = namespace("python.ops.math_grad")
    relu, sigmoid = tf.nn.relu(x), tf.sigmoid(x)
    assert value(nn_grad._ReluGrad(relu.op, tf.ones(2))).tolist() == [1, 0]
    s = 1 / (1 + np.exp([-1.0, 2.0]))
    got = value(math_grad._SigmoidGrad(sigmoid.op, tf.ones(2)))
    assert np.allclose(got, s * (1 - s))
    get = namespace("python.framework.ops").get_gradient_function
    assert isinstance(get(relu.op)(relu.op, tf.ones(2)), tf.Tensor)


def test_one_of_several_inputs_returns_a_list():
    product = tf.matmul([[2.0]], [[3.0]])
    terms = namespace("python.ops.math_grad")._MatMulGrad(product.op, tf.ones([1, 1]))
    assert [value(t).item() for t in terms] == [3, 2]


def test_it_is_the_registered_function():
    nn_grad = namespace("python.ops.nn_grad")
    assert nn_grad._ReluGrad is gradient_registry.lookup("Relu")


def test_a_function_of_several_op_types():
    x = tf.constant([[3.0, 1.0, 2.0]])
    top, _ = tf.nn.top_k(x, 2)
    assert top.op.type == "TopKV2"
    terms = namespace("python.ops.nn_grad")._TopKGrad(
        top.op, tf.ones([1, 2]), tf.zeros([1, 2], tf.int32)
    )
    assert value(terms[0]).tolist() == [[1, 0, 1]]


def test_a_function_of_a_program_stays_what_it_is():
    @tf.RegisterGradient("MineOfThisTest")
    def mine(op, grad):
        return [grad]

    assert gradient_registry.lookup("MineOfThisTest") is mine


def test_every_gradient_function_of_ops_that_have_one():
    absent, found = [], 0
    for path in SECTIONS:
        for name, (kind, types, _) in inside.section(path)[0].items():
            provided = [t for t in types.split(",") if t in declare.index()]
            if kind != "rule" or not provided:
                continue
            try:
                function = look_up(path, name)
            except table.NotProvided:
                absent.append((path, name))
            else:
                assert callable(function)
                found += 1
    assert absent == [] and found > 100


def test_what_is_differentiated():
    util = namespace("python.ops.gradients_util")
    assert util._IsBackpropagatable(tf.constant(1.0))
    assert not util._IsBackpropagatable(tf.constant(1))
    half = tf.constant(1.0, tf.bfloat16)
    assert util._IsBackpropagatable(half) and not util.IsTrainable(half)
    assert namespace("python.eager.backprop").IsTrainable(tf.float64)


def test_variables_that_are_read_in_parts():
    reference = tf.Variable([1.0, 2.0], use_resource=False)
    resource = tf.Variable([1.0, 2.0], use_resource=True)
    assert hasattr(tf.Variable, "gather_nd") and hasattr(tf.Variable, "sparse_read")
    for read, indices in (("sparse_read", [1]), ("gather_nd", [[1]])):
        with pytest.raises(AttributeError):
            getattr(reference, read)(indices)
        assert getattr(resource, read)(indices).shape == (1,)
    assert tf.gather(reference, [1]).op.type == "GatherV2"
    assert tf.gather_nd(reference, [[1]]).op.type == "GatherNd"
    assert tf.gather(resource, [1]).op.inputs[0].op.type == "ResourceGather"


# What TensorFlow's gradient functions are made of; libraries use it for their own.


@pytest.mark.parametrize(
    ("first", "second", "axes"),
    [
        ((2, 3), (3,), ((), (0,))),
        ((2, 3), (2, 3), ((), ())),
        ((2, 1), (1, 3), ((1,), (0,))),
        ((), (4,), ((0,), ())),
        ((1, 1), (), ((0, 1), (0, 1))),
    ],
)
def test_what_a_gradient_is_summed_over(first, second, axes):
    arguments = namespace("python.ops.math_grad").SmartBroadcastGradientArgs
    x, y = tf.zeros(first), tf.zeros(second)
    total = x + y
    found = arguments(x, y, total)
    assert found == tuple(
        (raw, summed, raw != tuple(total.shape.as_list()))
        for raw, summed in zip((first, second), axes, strict=True)
    )


def test_what_a_gradient_of_unknown_shape_is_summed_over():
    math_grad = namespace("python.ops.math_grad")
    x, y = tf.placeholder(tf.float32, [None, 2]), tf.zeros([2])
    sizes, others = math_grad.SmartBroadcastGradientArgs(x, y, x)
    assert sizes[2] and others[2]
    with tf.Session() as session:
        found = session.run([*sizes[:2], *others[:2]], {x: np.ones([3, 2])})
    assert [part.tolist() for part in found] == [[3, 2], [], [2], [0]]
    assert not math_grad._ShapesFullySpecifiedAndEqual(x, x, x)
    assert math_grad._ShapesFullySpecifiedAndEqual(y, y, y)
    assert math_grad._IsScalar(tf.constant(1.0)) and not math_grad._IsScalar(y)


def test_small_helpers():
    product = namespace("python.ops.nn_grad")._BroadcastMul(
        tf.constant([1.0, 2.0]), tf.ones([2, 3])
    )
    assert value(product).tolist() == [[1, 1, 1], [2, 2, 2]]
    divided = namespace("python.ops.math_grad")._safe_shape_div(
        tf.constant([4, 0]), tf.constant([2, 0])
    )
    assert value(divided).tolist() == [2, 0]
    as_list = namespace("python.ops.gradients_util")._AsList
    assert (as_list(3), as_list((1, 2))) == ([3], (1, 2))


def test_zeros_of_a_variable():
    module = namespace("python.ops.default_gradient")
    v = tf.get_variable("v", [2, 3], tf.float64, use_resource=True)
    shape, dtype = module.shape_and_dtype(v.handle)
    assert (shape.as_list(), dtype) == ([2, 3], tf.float64)
    assert module.get_zeros_dtype(v.handle) == tf.float64
    assert not value(module.zeros_like(v.handle)).any()
    assert module.zeros_like(tf.ones([4])).shape == (4,)


def test_the_sum_of_slices():
    total = namespace("python.eager.backprop").aggregate_indexed_slices_gradients
    rows = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0]), tf.constant([3, 2]))
    assert total([]) is None and total([rows]) is rows
    assert value(total([rows, None, rows]).indices).tolist() == [0, 0]
    assert value(total([rows, tf.ones([3, 2])])).tolist() == [[2, 2], [1, 1], [1, 1]]
