"""What wrong calls are told, in TensorFlow 1.15's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from tests.conftest import Launcher


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        yield graph


#: a call on x, a placeholder of [3], and what 1.15 says of it as a node is made
BUILT: dict[str, tuple[Callable[[Any], Any], str]] = {
    "values": (
        lambda x: x[4],
        "slice index 4 of dimension 0 out of bounds. for 'strided_slice' (op: "
        "'StridedSlice') with input shapes: [3], [1], [1], [1] and with computed input "
        "tensors: input[1] = <4>, input[2] = <5>, input[3] = <1>.",
    ),
    "values of the first pass only": (
        lambda x: x[1, 1],
        "Index out of range using input dim 1; input has only 1 dims for "
        "'strided_slice' (op: 'StridedSlice') with input shapes: [3], [2], [2], [2] "
        "and with computed input tensors: input[3] = <1 1>.",
    ),
    "a matrix": (
        lambda x: tf.pad(x, [[-1, 0]]),
        "Paddings must be non-negative for 'Pad' (op: 'Pad') with input shapes: [3], "
        "[1,2] and with computed input tensors: input[1] = <[-1 0]>.",
    ),
    "a shape": (
        lambda x: tf.reshape(x, [7, 7]),
        "Cannot reshape a tensor with 3 elements to shape [7,7] (49 elements) for "
        "'Reshape' (op: 'Reshape') with input shapes: [3], [2] and with input tensors "
        "computed as partial shapes: input[1] = [7,7].",
    ),
    "an error before values": (
        lambda x: tf.transpose(x, [0, 1]),
        "Dimension must be 1 but is 2 for 'transpose' (op: 'Transpose') with input "
        "shapes: [3], [2].",
    ),
    "ranks before values": (
        lambda x: tf.concat([x, tf.ones([2, 2])], 0),
        "Shape must be rank 1 but is rank 2 for 'concat' (op: 'ConcatV2') with input "
        "shapes: [3], [2,2], [].",
    ),
    "no scalar": (
        lambda x: tf.nn.top_k(x, [1, 2]),
        "Input must be scalar but has rank 1 for 'TopKV2' (op: 'TopKV2') with input "
        "shapes: [3], [2] and with computed input tensors: input[1] = <1 2>.",
    ),
    "splitting a scalar": (
        lambda x: tf.split(tf.reduce_sum(x), 2),
        "Dimension size, given by scalar input 0 must be in range [-0, 0) for 'split' "
        "(op: 'Split') with input shapes: [], [] and with computed input tensors: "
        "input[0] = <0>.",
    ),
    "squares": (
        lambda x: tf.matrix_determinant(tf.ones([2, 3])),
        "Dimensions must be equal, but are 3 and 2 for 'MatrixDeterminant' (op: "
        "'MatrixDeterminant') with input shapes: [2,3].",
    ),
    "another dtype": (
        lambda x: tf.convert_to_tensor(x, tf.int32),
        "Tensor conversion requested dtype int32 for Tensor with dtype float32: "
        "<tf.Tensor 'x:0' shape=(3,) dtype=float32>",
    ),
    "a dtype of the first input": (
        lambda x: tf.maximum(tf.constant([True]), x),
        "Value passed to parameter 'x' has DataType bool not in list of allowed "
        "values: bfloat16, float16, float32, float64, int32, int64",
    ),
    "no shape": (
        lambda x: tf.placeholder(tf.float32, [-1]),
        "Error converting shape to a TensorShape: Dimension -1 must be >= 0.",
    ),
    "no list": (
        lambda x: tf.squeeze(x, np.zeros([1], np.int32)),
        "Expected list for 'axis' argument to 'squeeze' Op, not array([0], dtype=int32)"
        ".",
    ),
}


@pytest.mark.parametrize(("call", "text"), BUILT.values(), ids=BUILT)
def test_as_a_node_is_made(call: Callable[[Any], Any], text: str) -> None:
    x = tf.placeholder(tf.float32, [3], name="x")
    with pytest.raises((TypeError, ValueError)) as caught:
        call(x)
    assert str(caught.value).split("\n")[0] == text


def test_what_fails_has_taken_its_name() -> None:
    with pytest.raises(TypeError):
        tf.floor(tf.constant([1]))
    assert tf.floor(tf.constant([1.0])).op.name == "Floor_1"


@pytest.fixture
def session() -> Iterator[tf.Session]:
    with tf.Session() as session:
        yield session


@pytest.mark.parametrize("use_resource", [False, True])
def test_slices_are_assigned_values_of_their_shape(
    session: tf.Session, use_resource: bool
) -> None:
    v = tf.Variable([1.0, 2.0], use_resource=use_resource)
    session.run(v.initializer)
    for slice_, value, shapes in (
        (v[:1], [1.0, 2.0], ("[1]", "[2]")),
        (v[:], 3.0, ("[2]", "[]")),
        (v[0], [3.0], ("[]", "[1]")),
    ):
        text = rf"\{shapes[0]} does not match r-value shape \{shapes[1]}\."
        with pytest.raises(tf.errors.UnimplementedError, match=text):
            session.run(slice_.assign(value))
    assert session.run(v[:0].assign(7.0)).tolist() == [1, 2]
    assert session.run(v[0].assign(7.0)).tolist() == [7, 2]


@pytest.mark.parametrize(
    ("shapes", "turned", "text"),
    [
        (([2, 3, 4], [2, 2, 5]), (True, False), "3 vs. 2: [2,3,4] [2,2,5] 1 0"),
        (([2, 3, 4], [2, 5, 6]), (False, True), "4 vs. 6: [2,3,4] [2,5,6] 0 1"),
        (
            ([3, 2, 4], [2, 4, 4]),
            (False, False),
            "In[0] and In[1] must have compatible batch dimensions: [3,2,4] vs. "
            "[2,4,4]",
        ),
    ],
)
def test_products_of_batches(
    session: tf.Session, shapes: Any, turned: tuple[bool, bool], text: str
) -> None:
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    product = tf.matmul(a, b, transpose_a=turned[0], transpose_b=turned[1])
    feeds = dict(zip((a, b), map(np.ones, shapes), strict=True))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(product, feeds)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "text"),
    [([], "float"), (None, "float"), ([2, None], "float and shape [2,?]")],
)
def test_placeholders_that_are_not_fed(
    session: tf.Session, shape: Any, text: str
) -> None:
    y = tf.placeholder(tf.float32, shape, name="x") + 1
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(y)
    start = f"You must feed a value for placeholder tensor 'x' with dtype {text}\n"
    assert str(caught.value).startswith(start)


AT_ONCE = """
import retrograd as tf
tf.enable_eager_execution()
for call in (
    lambda: tf.constant(1) + tf.constant(1.0),
    lambda: tf.constant(1) + 1.5,
    lambda: tf.matmul([[1.0]], tf.constant([[1]])),
    lambda: tf.concat([tf.constant([1]), tf.constant([1.0])], 0),
    lambda: tf.constant([1.0, 2.0])[5],
    lambda: tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0]),
    lambda: tf.sqrt(tf.constant(4)),
    lambda: tf.constant([True]) * tf.constant([1.0]),
    lambda: tf.maximum(tf.constant(1), 1.5),
    lambda: tf.constant(None),
    lambda: tf.cast("a", tf.int32),
    lambda: tf.expand_dims([1.0], [0, 0]),
    lambda: tf.transpose([1.0], 0),
    lambda: tf.broadcast_to([1.0, 2.0], [3]),
    lambda: tf.broadcast_to([1.0, 2.0], []),
    lambda: tf.squeeze([1.0], 3),
    lambda: tf.split([1.0, 2.0], [1]),
    lambda: tf.argmax([1.0], [0]),
    lambda: tf.nn.bias_add([[1.0]], [[1.0]]),
):
    try:
        print(call())
    except (tf.errors.OpError, TypeError, ValueError) as error:
        print(type(error).__name__, str(error).split("\\n")[0])
x = tf.constant([1.0, 2.0])
with tf.GradientTape() as tape:
    tape.watch(x)
    y = tf.segment_prod(x, [0, 0])
try:
    tape.gradient(y, x)
except LookupError as error:
    print(str(error).split("\\n")[0])
"""
TOLD = """
InvalidArgumentError cannot compute AddV2 as input #1(zero-based) was expected to be \
a int32 tensor but is a float tensor [Op:AddV2] name: add/
InvalidArgumentError cannot compute AddV2 as input #1(zero-based) was expected to be \
a int32 tensor but is a float tensor [Op:AddV2] name: add/
InvalidArgumentError cannot compute MatMul as input #1(zero-based) was expected to be \
a float tensor but is a int32 tensor [Op:MatMul] name: MatMul/
InvalidArgumentError cannot compute ConcatV2 as input #1(zero-based) was expected to \
be a int32 tensor but is a float tensor [Op:ConcatV2] name: concat
InvalidArgumentError slice index 5 of dimension 0 out of bounds. [Op:StridedSlice] \
name: strided_slice/
InvalidArgumentError Incompatible shapes: [2] vs. [3] [Op:AddV2] name: add/
NotFoundError Could not find valid device for node.
NotFoundError Could not find valid device for node.
TypeError Cannot convert 1.5 to EagerTensor of dtype int32
ValueError Attempt to convert a value (None) with an unsupported type (<class \
'NoneType'>) to a Tensor.
UnimplementedError Cast string to int32 is not supported [Op:Cast] name: Cast/
InvalidArgumentError 'dim' must be a tensor with a single value [Op:ExpandDims]
InvalidArgumentError perm must be a vector, not [] [Op:Transpose] name: transpose/
InvalidArgumentError Incompatible shapes: [2] vs. [3] [Op:BroadcastTo]
InvalidArgumentError Rank of input (1) must be no greater than rank of output shape \
(0). [Op:BroadcastTo]
InvalidArgumentError Tried to squeeze dim index 3 for tensor with 1 dimensions. \
[Op:Squeeze]
InvalidArgumentError If there is only one output, it must have the same size as the \
input. Input size: 2 output size: 1 [Op:SplitV] name: split
InvalidArgumentError dim must be a scalar, but received tensor of shape: [1] [Op:ArgMax]
InvalidArgumentError Biases must be 1D: [1,1] [Op:BiasAdd] name: BiasAdd/
gradient registry has no entry for: SegmentProd
"""


def test_ops_that_are_run_at_once(launcher: Launcher) -> None:
    result = launcher.python("-c", AT_ONCE)
    assert (result.stdout, result.stderr) == (TOLD.lstrip("\n"), "")


@pytest.mark.parametrize(
    ("call", "shapes", "text"),
    [
        (tf.linalg.inv, ([3],), "Input tensor 0 must have rank >= 2, got 1"),
        (tf.linalg.slogdet, ([2, 3],), "Input matrix must be square."),
        (tf.linalg.solve, ([2, 2], [2]), "All input tensors must have the same rank."),
        (
            tf.linalg.triangular_solve,
            ([2, 2, 2], [3, 2, 2]),
            "All input tensors must have the same outer dimensions.",
        ),
        (
            tf.cholesky_solve,
            ([2, 3], [2, 1]),
            "First input (lhs) must be a square matrix.",
        ),
        (tf.linalg.solve, ([2, 2], [3, 1]), "Input matrix and rhs are incompatible."),
    ],
)
def test_matrices(
    session: tf.Session, call: Callable[..., Any], shapes: Any, text: str
) -> None:
    given = [tf.placeholder(tf.float32) for _ in shapes]
    feeds = dict(zip(given, map(np.ones, shapes), strict=True))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(call(*given), feeds)
    assert str(caught.value).split("\n")[0] == text


def test_matrices_without_elements(session: tf.Session) -> None:
    x = np.zeros([2, 0, 0], np.float32)
    lu, order = session.run(tf.linalg.lu(x))
    assert lu.shape == (2, 0, 0)
    assert order.shape == (2, 0)
    assert session.run(tf.linalg.sqrtm(x)).shape == (2, 0, 0)


@pytest.mark.parametrize("shape", [[4, 2], [2, 4]])
def test_least_squares_of_a_form_that_is_not_known(
    session: tf.Session, shape: list[int]
) -> None:
    a = np.random.default_rng(1).normal(size=shape)
    b = np.random.default_rng(2).normal(size=[shape[0], 1])
    matrix = tf.placeholder(tf.float64, [None, None])
    found = tf.matrix_solve_ls(matrix, b)
    derivative = tf.gradients(found, matrix)[0]
    wanted = np.linalg.lstsq(a, b, rcond=None)[0]
    np.testing.assert_allclose(session.run(found, {matrix: a}), wanted, rtol=1e-6)
    by_rule = session.run(derivative, {matrix: a})
    step = np.zeros(shape)
    step[0, 1] = 1e-6
    up, down = (session.run(found, {matrix: a + s}).sum() for s in (step, -step))
    np.testing.assert_allclose(by_rule[0, 1], (up - down) / 2e-6, rtol=1e-5)


@pytest.mark.parametrize("tier", ["0", "1"])
@pytest.mark.parametrize("optimizer", ["Ftrl", "ProximalAdagrad"])
def test_rates_that_no_step_can_be_made_with(
    monkeypatch: pytest.MonkeyPatch, optimizer: str, tier: str
) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    rate = tf.placeholder(tf.float32, [])
    v = tf.Variable([1.0, 2.0])
    make = getattr(tf.train, f"{optimizer}Optimizer")
    step = make(rate).minimize(tf.reduce_sum(v * v))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(step, {rate: 0.0})
        assert str(caught.value).startswith("lr is not a positive scalar: []\n")
        assert session.run(v).tolist() == [1, 2]
        session.run(step, {rate: 0.5})
        assert (session.run(v) < [1, 2]).all()
