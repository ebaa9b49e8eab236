"""`retrograd.trace_nan`: planted faults are named, healthy programs are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given

import retrograd
import retrograd as tf
from retrograd.graph import context
from retrograd.ops.declare import F
from tests.explain.healthy import BATCHES, STEPS, build, state

Program = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def variable(*values: float, dtype: Any = tf.float32) -> Any:
    return tf.get_variable("w", initializer=tf.constant(values, dtype))


def traced(y: Any, feed_dict: Any = None, **arguments: Any) -> Any:
    """The report of y; nothing may have changed."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = state(session)
        report = retrograd.trace_nan(y, feed_dict, **arguments)
        assert state(session) == before
        return report


def normalized(w: Any) -> Any:
    mean, variance = tf.nn.moments(w, [0])
    return tf.nn.batch_normalization(w, mean, variance, None, None, 0.0)


def repeated(step: Program) -> Program:
    return lambda w: tf.while_loop(
        lambda i, v: i < 5, lambda i, v: (i + 1, step(v)), [0, tf.identity(w)]
    )[1]


def masked(function: Program) -> Program:
    return lambda w: tf.where(w > 0, function(w), tf.zeros_like(w))


#: what is planted, the variable, the kind that is found, the op type, the element
FAULTS: list[tuple[str, Program, tuple[float, ...], str, str, tuple[int, ...]]] = [
    ("log", tf.log, (1, 0, 2), "log of zero", "Log", (1,)),
    ("negative", tf.log, (1, -1), "log of a negative number", "Log", (1,)),
    ("log1p", tf.log1p, (1, -1), "log of zero", "Log1p", (1,)),
    ("sqrt", tf.sqrt, (1, 0), "sqrt at zero", "Sqrt", (1,)),
    ("sqrt < 0", tf.sqrt, (1, -4), "sqrt of a negative number", "Sqrt", (1,)),
    ("division", lambda w: w / (w - 1), (2, 1), "division by zero", "RealDiv", (1,)),
    ("div", lambda w: F.Div(w, w - 1), (2, 1), "division by zero", "Div", (1,)),
    ("0 / 0", lambda w: w / w, (2, 0), "division by zero", "RealDiv", (1,)),
    ("rsqrt", tf.rsqrt, (1, 0), "division by zero", "Rsqrt", (1,)),
    ("reciprocal", tf.reciprocal, (1, 0), "division by zero", "Reciprocal", (1,)),
    (
        "log softmax",
        lambda w: tf.log(tf.nn.softmax(w)),
        (1000, -1000),
        "log of softmax",
        "Log",
        (1,),
    ),
    (
        "log sigmoid",
        lambda w: tf.log(1 - tf.sigmoid(w)),
        (0, 100),
        "log of sigmoid",
        "Log",
        (1,),
    ),
    ("exp", tf.exp, (1, 100), "exp overflow", "Exp", (1,)),
    ("pow", lambda w: tf.pow(w, 0.5), (1, 0), "pow at zero", "Pow", (1,)),
    ("1/pow", lambda w: tf.pow(w, -1.0), (1, 0), "pow at zero", "Pow", (1,)),
    (
        "pow < 0",
        lambda w: tf.pow(w, 0.5),
        (1, -1),
        "pow of a negative number",
        "Pow",
        (1,),
    ),
    ("norm", tf.norm, (0, 0, 0), "norm at zero", "Sqrt", (0,)),
    ("unit", lambda w: w / tf.norm(w), (0, 0), "norm at zero", "RealDiv", (0,)),
    ("batch norm", normalized, (3, 3, 3), "batch norm without variance", "Rsqrt", ()),
    ("acos", tf.acos, (0, 2), "outside of the domain", "Acos", (1,)),
    ("acos at 1", tf.acos, (0, 1), "outside of the domain", "Acos", (1,)),
    ("overflow", tf.square, (1, 1e30), "overflow", "Square", (1,)),
    ("where log", masked(tf.log), (1, 0, 2), "double where", "Log", (1,)),
    ("where pow", masked(lambda w: w**0.5), (1, 0), "double where", "Pow", (1,)),
    ("where 1/x", masked(lambda w: 1 / w), (1, 0), "double where", "RealDiv", (1,)),
    (
        "masked row",
        lambda w: tf.nn.softmax(w + tf.constant([-np.inf, -np.inf])),
        (1, 2),
        "softmax of nothing",
        "Softmax",
        (0,),
    ),
    (
        "mask by product",
        lambda w: w * tf.constant([np.inf, 1]),
        (0, 1),
        "zero times infinity",
        "Mul",
        (0,),
    ),
    (
        "mean of nothing",
        lambda w: tf.reduce_mean(tf.boolean_mask(w, w > 5)),
        (1, 2),
        "mean of nothing",
        "Mean",
        (),
    ),
    (
        "in a branch",
        lambda w: tf.cond(w[0] > 0, lambda: tf.log(w), lambda: w),
        (1, 0),
        "log of zero",
        "Log",
        (1,),
    ),
    (
        "in a loop",
        repeated(lambda v: tf.sqrt(v - 0.4)),
        (2, 1),
        "sqrt of a negative number",
        "Sqrt",
        (1,),
    ),
    (
        "backward in a loop",
        repeated(lambda v: tf.where(v > 0, tf.log(v), tf.zeros_like(v)) * 0.0 + 1.0),
        (1, 0),
        "double where",
        "Log",
        (1,),
    ),
]


@pytest.mark.parametrize(
    ("function", "values", "kind", "op_type", "index"),
    [f[1:] for f in FAULTS],
    ids=[f[0] for f in FAULTS],
)
def test_planted(
    function: Program,
    values: tuple[float, ...],
    kind: str,
    op_type: str,
    index: tuple[int, ...],
) -> None:
    report = traced(tf.reduce_sum(function(variable(*values))))
    assert report, report.text
    assert (report.data.kind, report.data.forward.type) == (kind, op_type), report.text
    assert report.data.index == index, report.text
    (finding,) = report.findings
    assert finding.fix and "test_nan.py" in finding.at
    assert finding.fix.splitlines()[0] in report.text
    assert kind in report.verdict and kind in report.to_dict()["verdict"]


def test_what_is_told_of_a_log_of_zero() -> None:
    w = variable(1, 0, 2)
    b = tf.get_variable("b", initializer=1.0)
    report = traced(tf.reduce_sum(tf.log(w)) + b)
    (finding,) = report.findings
    assert finding.what == "Log made -inf at [1]: log is not finite at 0"
    assert "x at [1] = 0" in finding.details
    assert "1 of 3 elements are not finite" in finding.details
    assert "spreads: Log → Sum → add" in finding.details
    assert "gradients that are not finite: w (1 of 2)" in finding.details
    assert report.data.gradients == {"w": 1, "b": 0}
    assert np.isneginf(report.data.value) and report.data.count == 1
    assert "<code>" in report.html and "Log" in report.html


@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("batch", [0, 1, 2])
def test_the_row_and_the_column_of_a_matrix_product(
    turned: tuple[bool, bool], batch: int
) -> None:
    """Batches of 0 (none), of 1 (for both matrices) and of 2."""
    a, b = np.ones((2, 4, 5), np.float32), np.ones((2, 5, 3), np.float32)
    a[1, 2], b[1, :, 1] = [1e30, 2, 3, 4, 5], [1e30, 6, 7, 8, 9]
    first, second = (a[1], b[1]) if batch == 0 else (a, b[2 - batch :])
    x, y = (
        np.swapaxes(m, -1, -2) if flip else m
        for m, flip in zip((first, second), turned, strict=True)
    )
    w = tf.get_variable("w", initializer=tf.constant(x))
    product = tf.matmul(w, y, transpose_a=turned[0], transpose_b=turned[1])
    report = traced(tf.reduce_sum(product))
    assert report.data.index == ((2, 1) if batch == 0 else (1, 2, 1))
    row, column = (value for _, value in report.data.operands)
    np.testing.assert_array_equal(row, a[1, 2])
    np.testing.assert_array_equal(column, b[1, :, 1])


def test_the_derivative_of_what_is_masked() -> None:
    w = variable(1, 0)
    report = traced(tf.reduce_sum(tf.where(w > 0, tf.log(w), w)))
    (finding,) = report.findings
    assert report.data.op.type == "Reciprocal" and report.data.turned.type == "Mul"
    assert "y itself is finite" in finding.details
    assert any("0 · inf at [1]" in line for line in finding.details)
    assert "tf.where(ok, x, tf.ones_like(x))" in finding.fix


def test_a_mask_by_a_product_is_no_double_where() -> None:
    w = variable(1, 0)
    report = traced(tf.reduce_sum(tf.log(w) * tf.constant([1.0, 0.0])))
    assert report.data.kind == "log of zero" and report.data.turned.type == "Mul"


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_narrow_types(dtype: Any) -> None:
    large = 60000 if dtype == tf.float16 else 3e38
    report = traced(tf.reduce_sum(variable(1, large, dtype=dtype) * 2))
    assert report.data.kind == f"{dtype.name} overflow"
    assert "float32" in report.findings[0].fix


def test_a_cast_to_float16() -> None:
    report = traced(tf.reduce_sum(tf.cast(variable(1, 1e6), tf.float16)))
    assert report.data.kind == "float16 overflow" and report.data.op.type == "Cast"


def test_nan_in_a_feed() -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    report = traced(tf.reduce_sum(variable(1, 2) * x), {x: [1, np.nan]})
    assert report.data.kind == "feed" and report.data.index == (1,)
    what = "the feed x is NaN at [1] before anything is computed"
    assert report.findings[0].what == what


def test_nan_in_a_variable() -> None:
    report = traced(tf.reduce_sum(variable(1, np.nan) * 2))
    assert report.data.kind == "variable" and report.data.index == (1,)
    assert report.findings[0].what.startswith("the variable w is NaN at [1]")
    assert "nan_watch" in report.findings[0].fix


def test_nan_in_a_resource_variable() -> None:
    w = tf.get_variable("w", initializer=[1.0, np.inf], use_resource=True)
    report = traced(tf.reduce_sum(w * 2))
    assert report.data.kind == "variable"
    assert report.findings[0].what.startswith("the variable w is inf at [1]")


def test_no_value() -> None:
    y = tf.reduce_sum(variable(1, 2))
    with tf.Session():
        report = retrograd.trace_nan(y)
    assert report.data.kind == "uninitialized"
    assert report.verdict == "Nothing can be run: w is not initialized."


def test_the_first_of_several() -> None:
    w = variable(0, 1)
    first = tf.log(w)
    report = traced(tf.reduce_sum(first) + tf.reduce_sum(1 / w))
    assert report.data.op is first.op


def test_what_does_not_reach_y_does_not_matter() -> None:
    w = variable(0, 1)
    assert not traced(tf.reduce_sum(tf.where(w > 0, tf.stop_gradient(tf.log(w)), w)))
    least = tf.minimum(w, tf.constant(np.inf))
    assert not traced(tf.reduce_sum(least))


def test_a_check_that_fails() -> None:
    checked = tf.check_numerics(tf.log(variable(0, 1)), "not finite")
    report = traced(tf.reduce_sum(checked))
    assert report.data.kind == "log of zero"


def test_another_failure_is_an_error() -> None:
    x = tf.placeholder(tf.int32, [])
    with pytest.raises(tf.errors.InvalidArgumentError):
        traced(tf.reshape(variable(1, 2), [x])[0], {x: 3})


def test_without_a_gradient() -> None:
    w = variable(1, 0)
    y = tf.reduce_sum(tf.log(tf.py_func(lambda v: v, [w], tf.float32)))
    report = traced(y)
    assert report.data.kind == "log of zero"


def test_wrt() -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    report = traced(tf.reduce_sum(tf.sqrt(x)), {x: [0, 1]}, wrt=x)
    assert report.data.gradients == {"x": 1}
    assert not traced(tf.reduce_sum(tf.sqrt(x)), {x: [0, 1]})


def test_the_turn_of_a_loop() -> None:
    report = traced(tf.reduce_sum(repeated(lambda v: tf.sqrt(v - 0.4))(variable(1, 2))))
    ((op, turn),) = report.data.loops
    assert op.type == "StatelessWhile" and turn == 4
    assert any(", turn 5" in line for line in report.findings[0].details)


def test_a_loop_that_keeps_an_infinity_for_its_derivative() -> None:
    w = variable(0.0)

    def step(v: Any) -> Any:
        return tf.where(v > 0, tf.log(v) * v, v + 1.0)

    report = traced(tf.reduce_sum(repeated(step)(w)))
    assert report.data.forward.type == "Log", report.text


def test_random_numbers_and_queues_go_on() -> None:
    queue = tf.FIFOQueue(10, [tf.float32], [[]])
    filled = queue.enqueue_many([[1.0, 2.0, 3.0]])
    noise = tf.random_uniform([], seed=1)
    y = tf.log(queue.dequeue() - 1 + noise * 0) * variable(1.0)[0]
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), filled])
        session.run(noise)
        before = state(session)
        report = retrograd.trace_nan(y)
        assert state(session) == before
        after = session.run([noise, queue.size(), queue.dequeue()])
    assert report.data.kind == "log of zero"
    with tf.Session() as session:
        session.run(filled)
        session.run(noise)
        expected = session.run([noise, queue.size(), queue.dequeue()])
    assert after == expected


def test_a_finalized_graph() -> None:
    y = tf.reduce_sum(tf.log(variable(0, 1)))
    initialize = tf.global_variables_initializer()
    tf.get_default_graph().finalize()
    with tf.Session() as session:
        session.run(initialize)
        assert retrograd.trace_nan(y).data.kind == "log of zero"
    assert tf.get_default_graph().finalized


@given(STEPS, BATCHES)
@hypothesis.settings(deadline=None, max_examples=40)
def test_healthy_programs(steps: list[str], batch: list[list[float]]) -> None:
    with tf.Graph().as_default():
        x, _, y = build(steps)
        report = traced(y, {x: batch})
    assert not report, report.text


@given(STEPS, STEPS, BATCHES)
@hypothesis.settings(deadline=None, max_examples=40)
def test_a_fault_in_a_healthy_program(
    before: list[str], after: list[str], batch: list[list[float]]
) -> None:
    with tf.Graph().as_default():
        x, _, y = build(before)
        bad = tf.log(y - tf.stop_gradient(y))
        z = tf.tanh(bad * 0.0)
        report = traced(z, {x: batch})
        assert report.data.op is bad.op, report.text


# ---------------------------------------------------------------------- eager


@pytest.mark.parametrize("persistent", [False, True])
def test_a_tape(persistent: bool) -> None:
    with context.eager_mode():
        x = tf.constant([1.0, 0.0])
        with tf.GradientTape(persistent=persistent) as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.where(x > 0, tf.log(x), x))
        report = retrograd.trace_nan(y, tape=tape, wrt=x)
        assert (report.data.kind, report.data.index) == ("double where", (1,))
        assert report.findings[0].at.startswith("Log (Log), made in test_nan.py")


def test_a_tape_with_nothing_wrong() -> None:
    with context.eager_mode():
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.log(x))
        assert not retrograd.trace_nan(y, tape=tape, wrt=x)


def test_nan_before_a_tape() -> None:
    with context.eager_mode():
        x = tf.constant([1.0, np.nan])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(x * 2)
        report = retrograd.trace_nan(y, tape=tape, wrt=x)
        assert (report.data.kind, report.data.index) == ("input", (1,))


def test_autograd() -> None:
    from retrograd import autograd as torch

    w = torch.tensor([1.0, 0.0], requires_grad=True)
    report = retrograd.trace_nan((w.log() * w).sum(), wrt=w, names={"w": w})
    assert (report.data.kind, report.data.index) == ("log of zero", (1,))
    assert report.data.gradients == {"w": 1}
    assert not retrograd.trace_nan((w * w).sum())


def test_constants_alone_can_be_at_fault() -> None:
    with tf.Graph().as_default():
        logits, labels = tf.constant([[120.0, 0.0]]), tf.constant([[0.0, 1.0]])
        loss = -tf.reduce_sum(labels * tf.log(tf.nn.softmax(logits)))
        report = retrograd.trace_nan(loss)
        assert report.found
        assert "Log made -inf at [0, 1]" in report.text
        assert not retrograd.trace_nan(tf.reduce_sum(logits))
