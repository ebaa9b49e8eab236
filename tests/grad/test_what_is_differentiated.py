"""What counts as x, what is constant, in which order terms come: as in TensorFlow 1.15.

The values and messages are those that TensorFlow 1.15.5 gives.
"""

import numpy as np
import pytest

import retrograd as tf
from retrograd.grad.forward import ForwardGradientAccumulator
from retrograd.graph import context
from retrograd.ops.lists import tensor_list as list_ops


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def values(tensors, feed=None):
    """The values; of slices, their indices."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        parts = [t.indices if isinstance(t, tf.IndexedSlices) else t for t in tensors]
        return [
            None if t is None else np.asarray(session.run(t, feed)).tolist()
            for t in parts
        ]


# ------------------------------------------------------------------ stop_gradients


def test_an_x_that_is_stopped_gets_its_term():
    a = tf.constant(0.0)
    b = 2 * a
    both = tf.gradients(a + b, [a, b], stop_gradients=[a, b])
    assert values(both) == [1, 1]
    assert values(tf.gradients(a + b, [a, b])) == [3, 1]


def test_a_y_that_is_stopped_is_cut():
    x = tf.constant(2.0)
    y = x * x
    z = y * 3.0
    assert values(tf.gradients([y, z], [x], stop_gradients=[z])) == [4]
    assert values(tf.gradients(y, [x, y], stop_gradients=[y])) == [None, 1]
    assert values(tf.gradients([y, z], [x, y, z], stop_gradients=[y])) == [None, 4, 1]


def test_a_stopped_output_stops_its_operation():
    x = tf.constant([1.0, 2.0])
    a, b = tf.split(x, 2)
    assert values(tf.gradients(a * b, [x, a, b], stop_gradients=[a])) == [
        None,
        [2.0],
        [1.0],
    ]


@pytest.mark.parametrize("resource", [True, False])
def test_a_stopped_variable_that_is_an_x(resource):
    v = tf.get_variable("v", initializer=[3.0], use_resource=resource)
    assert values(tf.gradients(v * v, [v], stop_gradients=[v])) == [[6.0]]


# ------------------------------------------------------------------ dtypes


def test_whole_numbers_and_truth_values():
    whole = tf.constant(2)
    assert values(tf.gradients(whole, whole)) == [1]
    assert tf.gradients(tf.cast(whole, tf.float32), whole) == [None]
    truth = tf.constant(True)
    with pytest.raises(TypeError, match="Expected bool, got 1 of type 'int' instead"):
        tf.gradients(truth, truth)
    x = tf.constant(2.0)
    above = x > 1.0
    with pytest.raises(TypeError) as caught:
        tf.gradients(above, x, grad_ys=[tf.constant(1.0)])
    assert str(caught.value) == (
        'Tensor Tensor("Greater:0", shape=(), dtype=bool) with type bool must be '
        "numeric to obtain a default gradient"
    )


# ------------------------------------------------------------------ order


def test_the_order_of_slices():
    table = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    e = tf.get_variable("e", initializer=table)
    a, b, c = (tf.gather(e, rows) for rows in ([0], [1, 2], [2]))
    y = tf.reduce_sum(c) * tf.reduce_sum(a) + tf.reduce_sum(b * tf.tanh(b))
    assert values(tf.gradients(y, [e])) == [[2, 0, 1, 2]]


def test_the_order_of_slices_of_different_depth():
    table = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    e = tf.get_variable("e", initializer=table, use_resource=True)
    a, b, c = (tf.gather(e, rows) for rows in ([0], [1, 2], [2]))
    assert values(tf.gradients(tf.concat([tf.tanh(c), b, a], 0), [e])) == [[1, 2, 0, 2]]


def test_the_order_of_slices_on_a_tape():
    with context.eager_mode():
        e = tf.Variable(np.arange(6.0, dtype=np.float32).reshape(3, 2))
        with tf.GradientTape() as tape:
            a, b, c = (tf.reduce_sum(tf.gather(e, [i])) for i in range(3))
            y = a * b + c
        assert tape.gradient(y, e).indices.numpy().tolist() == [2, 0, 1]


# ------------------------------------------------------------------ unused outputs

HERMITIAN = np.array([[2, 1j], [-1j, 3]], np.complex64)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: tf.split(x, 2)[0], [[1, 1], [0, 0]]),
        (lambda x: tf.unstack(x)[1], [[0, 0], [1, 1]]),
        (lambda x: tf.dynamic_partition(x, [0, 1], 2)[0], [[1, 1], [0, 0]]),
        (lambda x: tf.self_adjoint_eig(x)[0], [[1, 0], [0, 1]]),
        (lambda x: tf.self_adjoint_eigvals(x), [[1, 0], [0, 1]]),
        (lambda x: tf.svd(x, compute_uv=False), [[1, 0], [0, 1]]),
        (lambda x: tf.meshgrid(x[0], x[1])[0], [[2, 2], [0, 0]]),
    ],
)
def test_complex_outputs_of_which_one_is_used(build, expected):
    x = tf.constant(HERMITIAN)
    (term,) = tf.gradients(tf.real(build(x)), x)
    with tf.Session() as session:
        assert np.allclose(session.run(term), expected, atol=1e-5)


def test_a_list_whose_rest_is_not_used():
    x = tf.constant(np.arange(1.0, 7.0).reshape(3, 2))
    handle = list_ops.tensor_list_from_tensor(x, element_shape=[2])
    _, last = list_ops.tensor_list_pop_back(handle, tf.float64)
    found = values(tf.gradients(last * last, x))
    assert found == [[[0, 0], [0, 0], [10, 12]]]


# ------------------------------------------------------------------ segments


@pytest.mark.parametrize(
    ("data", "ids", "kinds"),
    [
        (None, [3], "'NoneType' and 'int'"),
        ([3, 3], None, "'NoneType' and 'NoneType'"),
    ],
)
def test_segments_of_unknown_rank(data, ids, kinds):
    x, places = tf.placeholder(tf.float64, data), tf.placeholder(tf.int32, ids)
    y = tf.unsorted_segment_sum(x, places, 2)
    with pytest.raises(TypeError) as caught:
        tf.gradients(y, x)
    first = str(caught.value).splitlines()[0]
    assert first == f"unsupported operand type(s) for -: {kinds}"


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
def test_a_second_derivative_of_a_gather():
    x = tf.placeholder(tf.float64, [None, 2])
    (first,) = tf.gradients(tf.reduce_sum(tf.gather(x, [0, 2, 2]) ** 3), x)
    (second,) = tf.gradients(tf.reduce_sum(tf.convert_to_tensor(first) ** 2), x)
    feed = {x: np.arange(1.0, 7.0).reshape(3, 2)}
    assert values([tf.convert_to_tensor(second)], feed) == [
        [[36, 288], [0, 0], [18000, 31104]]
    ]


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
def test_a_second_derivative_of_a_gather_of_unknown_rank():
    x = tf.placeholder(tf.float64)
    (first,) = tf.gradients(tf.reduce_sum(tf.gather(x, [0, 2, 2]) ** 3), x)
    total = tf.reduce_sum(tf.convert_to_tensor(first) ** 2)
    with pytest.raises(TypeError, match="'NoneType' and 'int'"):
        tf.gradients(total, x)


# ------------------------------------------------------------------ inside a loop


def in_loop(ask, start, *more):
    asked = []

    def body(i, a):
        asked.append(ask(a))
        return i + 1, a * 2.0

    tf.while_loop(lambda i, a: i < 3, body, [0, start])
    return asked[0]


REFUSED = (
    "Cannot compute gradient inside while loop with respect to op '{}'. We do not "
    "support taking the gradient wrt or through the initial value of a loop variable. "
    "Gradients can be computed through loop invariants or wrt the input parameters to "
    "the loop body."
)


def test_for_what_started_the_loop():
    z = tf.cumsum(tf.constant([1.0, 2.0]))
    with pytest.raises(ValueError) as caught:
        in_loop(lambda a: tf.gradients(a * 2.0, z), z[-1])
    assert str(caught.value) == REFUSED.format("Cumsum")
    w = tf.constant(3.0, name="w")
    for start in (w, tf.stop_gradient(w)):
        with pytest.raises(ValueError) as caught:
            in_loop(lambda a: tf.gradients(a * w, [w, a]), start)
        assert str(caught.value) == REFUSED.format("w")


def test_for_what_stays_the_same_or_is_a_parameter():
    w, start = tf.constant(2.0), tf.constant(3.0)
    assert in_loop(lambda a: tf.gradients(a * w, w), start) != [None]
    assert in_loop(lambda a: tf.gradients(a * a, a), start) != [None]
    assert in_loop(lambda a: tf.gradients(w * w, start), start) == [None]


# ------------------------------------------------------------------ tapes


def test_the_shape_of_a_program_s_own_gradient():
    @tf.custom_gradient
    def turned(x):
        return x * 2.0, tf.transpose

    with context.eager_mode():
        x = tf.zeros([2, 3])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = turned(x)
        assert tape.gradient(y, x).shape == (3, 2)
    x = tf.zeros([2, 3])
    with pytest.raises(ValueError, match="Incompatible shapes between op input and"):
        tf.gradients(turned(x), x)


def test_a_product_for_the_result_of_a_function_in_a_function():
    @tf.function
    def cubed(x):
        return x**3.0

    @tf.function
    def product():
        x = tf.constant(2.0)
        with ForwardGradientAccumulator() as accumulator:
            accumulator.watch(x, tf.constant(1.0))
            y = cubed(x)
        return y, accumulator.jvp(y)

    with context.eager_mode():
        assert [v.numpy() for v in product()] == [8, 12]


def test_a_constant_made_of_a_value():
    with context.eager_mode():
        x = tf.constant([1.0, 2.0])
        assert tf.constant(x, shape=[2, 1]).numpy().tolist() == [[1], [2]]
        with pytest.raises(TypeError, match="Expected tensor with type"):
            tf.constant(x, tf.float64)
    assert values([tf.constant(x)]) == [[1, 2]]


def test_products_of_products() -> None:
    """The numbers are TensorFlow 1.15.5's."""
    with context.eager_mode():
        x = tf.constant(3.0)
        accumulators = [ForwardGradientAccumulator() for _ in range(3)]
        with accumulators[0] as outer:
            outer.watch(x, tf.constant(1.0))
            with accumulators[1] as middle:
                middle.watch(x, tf.constant(1.0))
                with accumulators[2] as inner:
                    inner.watch(x, tf.constant(1.0))
                    y = x * x * x * x
                first = inner.jvp(y)
            second = middle.jvp(first)
        found = [first, second, outer.jvp(second), outer.jvp(first)]
        assert [float(v.numpy()) for v in found] == [108, 108, 72, 108]


def test_a_product_for_the_tangent_of_another() -> None:
    with context.eager_mode():
        x, along = tf.constant(3.0), tf.constant(1.0)
        with ForwardGradientAccumulator() as outer:
            outer.watch(along, tf.constant(5.0))
            with ForwardGradientAccumulator() as inner:
                inner.watch(x, along)
                y = x * x
            first = inner.jvp(y)
        assert (first.numpy(), outer.jvp(first).numpy()) == (6, 30)
        assert outer.jvp(y) is None
