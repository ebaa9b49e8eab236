"""Ops that TensorFlow's functions seldom or never make, and no row can describe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.function import FuncGraph
from retrograd.ops.declare import F

covers = pytest.mark.covers


@pytest.fixture(autouse=True, params=["0", "1"])
def session(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A session of a new graph, in each tier."""
    monkeypatch.setenv("RETROGRAD_TIER", request.param)
    with tf.Graph().as_default(), tf.Session() as entered:
        yield entered


def body(name: str, function: Any, *dtypes: Any) -> FuncGraph:
    """A function of scalars, as an attribute holds it."""
    graph = FuncGraph(name)
    with graph.as_default():
        inputs = [tf.placeholder(dtype, []) for dtype in dtypes]
        graph.inputs = inputs
        graph.outputs = [tf.convert_to_tensor(y) for y in function(*inputs)]
    return graph


# ---------------------------------------------------------------------- references


@covers("RefSwitch", "RefMerge")
def test_a_reference_takes_one_of_two_ways(session: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    chosen = tf.placeholder(tf.bool, [])
    no, yes = F.RefSwitch(v._ref(), chosen)
    merged, which = F.RefMerge([tf.assign_add(no, [1.0, 1.0]), yes])
    session.run(v.initializer)
    found = [session.run([merged, which], {chosen: c}) for c in (True, False, True)]
    values = [(value.tolist(), int(at)) for value, at in found]
    assert values == [([1.0, 2.0], 1), ([2.0, 3.0], 0), ([2.0, 3.0], 1)]


# ---------------------------------------------------------------------- functions


@covers("For")
def test_a_loop_over_numbers(session: Any) -> None:
    step = body("step", lambda i, x: [x * 2 + i], tf.int32, tf.int32)
    limit = tf.placeholder(tf.int32, [])
    (found,) = F.For(1, limit, 2, [tf.constant(1)], body=step)
    assert session.run(found, {limit: 6}) == ((1 * 2 + 1) * 2 + 3) * 2 + 5
    assert session.run(found, {limit: 0}) == 1


@covers("RemoteCall", "StatefulPartitionedCall")
def test_calls(session: Any) -> None:
    doubled = body("doubled", lambda x: [x + x], tf.float32)
    x = tf.placeholder(tf.float32, [])
    (one,) = F.RemoteCall("/cpu:0", [x], f=doubled, Tout=[tf.float32])
    (other,) = F.StatefulPartitionedCall([x], f=doubled, Tout=[tf.float32])
    assert session.run([one, other], {x: 1.5}) == [3.0, 3.0]


@covers("PyFuncStateless")
def test_a_python_function_without_state(session: Any) -> None:
    x = tf.placeholder(tf.float32, [2])
    found = tf.py_func(lambda v: v + 1, [x], tf.float32, stateful=False)
    assert found.op.type == "PyFuncStateless"
    assert session.run(found, {x: [1, 2]}).tolist() == [2, 3]


@pytest.mark.parametrize("depth", [0, 1, 12])
def test_failures_within_py_func_keep_a_bounded_message(
    depth: int, session: Any
) -> None:
    def level(k: int) -> Any:
        def called(x: Any) -> Any:
            if not k:
                raise LookupError(f"not {x}")
            with tf.Graph().as_default(), tf.Session() as inner:
                return inner.run(tf.py_func(level(k - 1), [x], tf.float32))

        return called

    with pytest.raises(tf.errors.OpError, match=r"LookupError: not 1\.0") as caught:
        session.run(tf.py_func(level(depth), [1.0], tf.float32))
    assert len(str(caught.value)) < 20_000  # the runner's frames count too


# ---------------------------------------------------------------------- linear algebra


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_functions_of_matrices_that_are_not_finite(bad: float, session: Any) -> None:
    x = tf.placeholder(tf.complex64, [2, 2])
    given = {x: [[1, 0], [0, bad]]}
    for function in (tf.linalg.logm, tf.linalg.sqrtm):
        assert np.isnan(session.run(function(x), given)).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not invertible"):
        session.run(tf.linalg.expm(tf.real(x)), given)
    for function in (tf.self_adjoint_eig, tf.self_adjoint_eigvals):
        with pytest.raises(tf.errors.InvalidArgumentError, match="was not successful"):
            session.run(function(tf.real(x)), given)


# ---------------------------------------------------------------------- the host


@covers("OptionalHasValue")
def test_an_optional_knows_whether_it_has_a_value(session: Any) -> None:
    some, none = F.OptionalFromValue([tf.constant(1)]), F.OptionalNone()
    assert session.run([F.OptionalHasValue(o) for o in (some, none)]) == [True, False]


@covers("PrintV2")
def test_printing(session: Any, capfd: pytest.CaptureFixture[str]) -> None:
    session.run(F.PrintV2(tf.constant("a b"), output_stream="stdout", end="!\n"))
    session.run(F.PrintV2(tf.constant("c")))
    assert capfd.readouterr() == ("a b!\n", "c\n")


@covers("Abort")
def test_giving_up(session: Any) -> None:
    with pytest.raises(tf.errors.AbortedError, match="intentional failure; enough"):
        session.run(F.Abort(error_msg="enough"))
    with pytest.raises(SystemExit) as ended:
        session.run(F.Abort(exit_without_error=True))
    assert ended.value.code == 0


@covers("ResourceAccumulatorSetGlobalStep")
def test_an_accumulator_takes_no_gradient_of_an_older_step(session: Any) -> None:
    handle = F.ResourceConditionalAccumulator(dtype=tf.float32, shape=[2])
    session.run(F.ResourceAccumulatorSetGlobalStep(handle, 4))
    session.run(F.ResourceAccumulatorApplyGradient(handle, 3, [1.0, 2.0]))
    assert session.run(F.ResourceAccumulatorNumAccumulated(handle)) == 0


# ---------------------------------------------------------------------- arrays


@covers(
    *"""
    TensorArrayV2 TensorArrayWriteV2 TensorArrayReadV2 TensorArrayGatherV2
    TensorArrayScatterV2 TensorArrayConcatV2 TensorArraySplitV2 TensorArraySizeV2
    TensorArrayCloseV2
    """.split()
)
def test_older_tensor_arrays(session: Any) -> None:
    """Their handles are texts; each op is given the flow of the one before it."""
    handle = F.TensorArrayV2(4, dtype=tf.float32, clear_after_read=False)
    kind = {"dtype": tf.float32}
    flow = F.TensorArrayWriteV2(handle, 1, [1.0, 2.0], 0.0)
    flow = F.TensorArrayScatterV2(handle, [0, 2], [[3.0, 4.0], [5.0, 6.0]], flow)
    flow = F.TensorArrayWriteV2(handle, 3, [7.0, 8.0], flow)
    read = F.TensorArrayReadV2(handle, 2, flow, **kind)
    rows = F.TensorArrayGatherV2(handle, [3, 0], flow, **kind)
    whole, lengths = F.TensorArrayConcatV2(handle, flow, **kind)
    size = F.TensorArraySizeV2(handle, flow)
    found = session.run([read, rows, whole, lengths, size])
    with tf.control_dependencies([read, rows, whole, size]):
        closed = F.TensorArrayCloseV2(handle)
    session.run(closed)
    wanted = [
        [5, 6],
        [[7, 8], [3, 4]],
        [3, 4, 1, 2, 5, 6, 7, 8],
        [2, 2, 2, 2],
        4,
    ]
    assert [np.asarray(value).tolist() for value in found] == wanted

    parts = F.TensorArrayV2(2, **kind)
    flow = F.TensorArraySplitV2(parts, [1.0, 2.0, 3.0], [1, 2], 0.0)
    assert session.run(F.TensorArrayReadV2(parts, 1, flow, **kind)).tolist() == [2, 3]


@covers("TensorArrayGradV2")
def test_the_gradients_of_an_older_array(session: Any) -> None:
    handle = F.TensorArrayV2(2, dtype=tf.float32)
    flow = F.TensorArrayWriteV2(handle, 0, [1.0, 2.0], 0.0)
    slopes = F.TensorArrayGradV2(handle, flow, source="gradients")
    flow = F.TensorArrayWriteV2(slopes, 0, [3.0, 4.0], flow)
    flow = F.TensorArrayWriteV2(slopes, 0, [0.5, 0.5], flow)  # here it is added
    total = F.TensorArrayReadV2(slopes, 0, flow, dtype=tf.float32)
    assert session.run(total).tolist() == [3.5, 4.5]


@covers("TensorArrayGradWithShape")
def test_gradients_of_more_dimensions(session: Any) -> None:
    handle, flow = F.TensorArrayV3(2, dtype=tf.float32, element_shape=[2])
    flow = F.TensorArrayWriteV3(handle, 0, [1.0, 2.0], flow)
    slopes, flow = F.TensorArrayGradWithShape(handle, flow, [3], source="jacobian")
    flow = F.TensorArrayWriteV3(slopes, 0, np.ones((3, 2), np.float32), flow)
    read = F.TensorArrayReadV3(slopes, 0, flow, dtype=tf.float32)
    assert session.run(read).tolist() == [[1, 1]] * 3
