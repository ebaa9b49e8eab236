"""Hand-written gradients: planted errors are found, right ones are left alone."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrograd as tf
from retrograd.explain.report import Report


def kinds(report: Report) -> list[str]:
    json.dumps(report.to_dict())
    return [i["kind"] for i in report.data["inputs"].values()]


# each: a function, and its derivative as made from the input, the output and dy
FUNCTIONS: dict[str, Any] = {
    "tanh": (tf.tanh, lambda x, y, dy: dy * (1 - y * y)),
    "exp": (tf.exp, lambda x, y, dy: dy * y),
    "log": (tf.log, lambda x, y, dy: dy / x),
    "square": (tf.square, lambda x, y, dy: dy * 2 * x),
    "sin": (tf.sin, lambda x, y, dy: dy * tf.cos(x)),
    "relu": (tf.nn.relu, lambda x, y, dy: tf.where(x > 0, dy, tf.zeros_like(dy))),
    "sum": (tf.reduce_sum, lambda x, y, dy: dy * tf.ones_like(x)),
    "softmax": (
        tf.nn.softmax,
        lambda x, y, dy: y * (dy - tf.reduce_sum(dy * y, -1, keepdims=True)),
    ),
    "cumsum": (tf.cumsum, lambda x, y, dy: tf.cumsum(dy, reverse=True)),
}


def written(name: str, factor: Any = 1.0, dtype: Any = None) -> Any:
    """A function with a hand-written gradient, which is wrong by a factor."""
    forward, backward = FUNCTIONS[name]

    @tf.custom_gradient
    def function(x: Any) -> Any:
        if dtype is not None:
            x = x * tf.constant(1, dtype)  # refuses others
        y = forward(x)

        def grad(dy: Any) -> Any:
            dx = backward(x, y, dy)
            wrong = tf.constant(np.asarray(factor), dx.dtype)
            return dx * wrong

        return y, grad

    return function


POINTS = st.lists(st.floats(0.2, 2.0), min_size=3, max_size=3)
NAMES = st.sampled_from(sorted(FUNCTIONS))


@settings(max_examples=25, deadline=None)
@given(NAMES, POINTS, st.booleans())
def test_right_gradients_are_left_alone(name: str, x: Any, single: bool) -> None:
    function = written(name, dtype=tf.float32 if single else None)
    report = tf.check_custom(function, x)
    assert not report.found, report.text
    assert report.verdict == "The gradient is right."
    assert report.data["dtype"] == ("float32" if single else "float64")
    assert report.data["linear"]


@settings(max_examples=25, deadline=None)
@given(NAMES, POINTS, st.sampled_from([1.001, 0.999]), st.booleans())
def test_an_error_of_a_thousandth_is_found(
    name: str, x: Any, factor: float, single: bool
) -> None:
    function = written(name, factor, tf.float32 if single else None)
    report = tf.check_custom(function, x)
    assert kinds(report) == ["wrong"]
    (finding,) = report.findings
    assert "The gradient for x is not the derivative." in finding.what
    if not single:
        assert f"it is {factor} times the derivative throughout" in finding.details
        assert finding.fix == f"divide it by {factor}"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_error_in_one_element(place: int) -> None:
    factor = np.ones(3)
    factor[place] = 1.001
    report = tf.check_custom(written("exp", factor), [0.5, 1.0, 1.5])
    (finding,) = report.findings
    assert finding.details[0].startswith(f"at x[{place}] = ")
    assert "1 of 3 elements are off" in finding.details[1]
    assert len(finding.details) == 2


def test_where_the_rule_is() -> None:
    at = inspect.currentframe()
    assert at is not None

    @tf.custom_gradient
    def doubled(x: Any) -> Any:
        return x * 2.0, lambda dy: dy

    line = at.f_lineno - 2
    (finding,) = tf.check_custom(doubled, [1.0]).findings
    assert finding.at.startswith(f"test_check_custom.py:{line - 2}: @tf.custom")
    assert finding.where is not None
    assert "at x[0] = 1: it gives" in finding.details[0]


# ---------------------------------------------------------------------- registered


@tf.RegisterGradient("CheckTestThrough")
def _through(op: Any, dy: Any) -> Any:
    (x,) = op.inputs
    return tf.where(tf.abs(x) <= 1, dy, tf.zeros_like(dy))


@tf.RegisterGradient("CheckTestClipped")
def _clipped(op: Any, dy: Any) -> Any:
    return tf.clip_by_value(dy, -1.0, 1.0)


@tf.RegisterGradient("CheckTestMul")
def _mul(op: Any, dy: Any) -> Any:
    x, y = op.inputs
    return dy * y, dy * x * 1.001


def test_straight_through_rules_are_recognised() -> None:
    x = [-3.0, -0.5, 0.25, 0.75, 2.0]
    report = tf.check_custom("CheckTestThrough", x, op="Sign")
    assert not report.found and kinds(report) == ["straight-through"]
    assert "straight-through rule, different on purpose" in report.verdict
    assert "it passes it at 3 of 5 elements, none where |x| ≥ 2" in report.text
    rounding = tf.custom_gradient(lambda a: (tf.round(a), lambda dy: dy))
    report = tf.check_custom(rounding, [0.2, 0.7])
    assert kinds(report) == ["straight-through"]
    assert "it passes the upstream derivative as it is" in report.text


def test_clipping_is_said() -> None:
    report = tf.check_custom("CheckTestClipped", [0.5, 2.0], op="Identity")
    assert not report.found and not report.data["linear"]
    assert report.verdict == ("The gradient is right; it clips, no element exceeds 1.")

    def norm_clipped(a: Any) -> Any:
        return a * a, lambda dy: tf.clip_by_norm(dy * 2.0 * a, 0.1)

    report = tf.check_custom(tf.custom_gradient(norm_clipped), [0.5, 2.0])
    assert not report.found and not report.data["linear"]
    cubed = tf.custom_gradient(lambda a: (a * 1.0, lambda dy: dy * dy))
    report = tf.check_custom(cubed, [0.5, 2.0])
    assert "not linear in the upstream derivative" in report.verdict


@pytest.mark.parametrize(
    ("grad", "words"),
    [
        (lambda dy: -dy, "-1 times"),
        (lambda dy: dy * 0.1, "0.1 times"),
        (lambda dy: dy * 1.001, ""),
        (lambda dy: dy * 1.0, ""),
    ],
)
def test_identities_with_another_gradient(grad: Any, words: str) -> None:
    function = tf.custom_gradient(lambda a: (tf.identity(a), grad))
    report = tf.check_custom(function, [1.0, 2.0])
    assert kinds(report) == [
        "chosen" if words else "wrong" if report.found else "right"
    ]
    assert report.found == (grad(1.0) == 1.001)
    if words:
        assert f"{words} the derivative of an identity" in report.text


def test_the_operation_of_a_graph_that_takes_it() -> None:
    with tf.Graph().as_default() as graph:
        a = tf.placeholder(tf.float32, [None, 3])
        with graph.gradient_override_map({"Mul": "CheckTestMul", "Sign": "Missing"}):
            y = a * tf.placeholder(tf.float32, [None, 3])
            repeated = a * tf.constant([1.0, 2.0, 3.0])
            unregistered = tf.sign(a)
        count = len(graph._ops)
        by_name = tf.check_custom("CheckTestMul")
        by_tensor, by_op = tf.check_custom(y), tf.check_custom(y.op)
        assert len(graph._ops) == count
        (finding,) = tf.check_custom(repeated).findings  # nothing sums it for it
        assert "has shape (2, 3); y has shape (3,)" in finding.what
        (finding,) = tf.check_custom(unregistered).findings
        assert "raised LookupError" in finding.what
    for report in (by_name, by_tensor, by_op):
        assert report.title == "check_custom: mul (CheckTestMul)"
        assert kinds(report) == ["right", "wrong"]
        assert report.verdict == "The gradient is wrong for y."
        assert "test_check_custom.py" in report.findings[0].at
    assert not tf.check_custom(tf.tanh(tf.constant([1.0]))).found


def test_rules_of_an_op_type() -> None:
    report = tf.check_custom("CheckTestMul", [1.0, 2.0], [3.0, 4.0], op="Mul")
    assert kinds(report) == ["right", "wrong"]
    ok = tf.check_custom("MatMul", np.eye(2), np.ones([2, 3]), attrs={})
    assert kinds(ok) == ["right", "right"]
    gather = tf.check_custom("Gather", np.eye(3), np.array([0, 2, 0]))
    assert kinds(gather) == ["right"]
    cast = tf.check_custom(
        lambda op, dy: [tf.cast(dy, op.inputs[0].dtype)],
        [1.0, 2.0],
        op="Cast",
        attrs={"DstT": tf.float64},
    )
    assert kinds(cast) == ["right"]


def test_names_that_say_nothing() -> None:
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match='no operation to try "Check'):
            tf.check_custom("CheckTestThrough")
        with pytest.raises(ValueError, match="pass arrays to try"):
            tf.check_custom("CheckTestThrough", op="Sign")
        with pytest.raises(ValueError, match="there is no op type Sing"):
            tf.check_custom("CheckTestThrough", [1.0], op="Sing")


# ---------------------------------------------------------------------- what returns

RETURNS: list[tuple[Any, str]] = [
    (lambda dy, x, y: [dy * y], "It returns 1 gradient for 2 inputs."),
    (lambda dy, x, y: [dy * y, dy * x, dy], "It returns 3 gradients for 2 inputs."),
    (
        lambda dy, x, y: [dy * y, tf.reduce_sum(dy)],
        "Its gradient for y has shape (); y has shape (2,).",
    ),
    (
        lambda dy, x, y: [dy * y, tf.reshape(dy * x, [-1, 1])],
        "Its gradient for y has shape (2, 1); y has shape (2,).",
    ),
    (
        lambda dy, x, y: [tf.cast(dy * y, tf.float16), dy * x],
        "Its gradient for x has dtype float16; x has dtype float32.",
    ),
    (
        lambda dy, x, y: 1 / 0,
        "The gradient function raised ZeroDivisionError: division",
    ),
    (
        lambda dy, x, y: [dy * y, tf.boolean_mask(dy * x, x > 1.5)],
        "Its gradient for y has shape [1]; y has shape [2].",
    ),
]


@pytest.mark.parametrize(("grad", "words"), RETURNS)
def test_what_cannot_be_a_gradient(grad: Any, words: str) -> None:
    def function(x: Any, y: Any) -> Any:
        return x * y, lambda dy: grad(dy, x, y)

    report = tf.check_custom(tf.custom_gradient(function), [1.0, 2.0], [3.0, 4.0])
    assert report.verdict.startswith(words) and report.found
    assert "test_check_custom.py" in report.findings[0].at
    bare = tf.check_custom(function, [1.0, 2.0], [3.0, 4.0])
    assert bare.verdict == report.verdict


def test_a_missing_gradient() -> None:
    function = tf.custom_gradient(lambda x, y: (x * y, lambda dy: (dy * y, None)))
    report = tf.check_custom(function, [1.0, 2.0], [3.0, 4.0])
    assert kinds(report) == ["right", "wrong"]
    assert "it gives none, or zeros" in report.text
    indexed = tf.custom_gradient(
        lambda x, i: (
            tf.gather(x, i),
            lambda dy: (tf.math.unsorted_segment_sum(dy, i, 3), None),
        )
    )
    report = tf.check_custom(indexed, [1.0, 2.0, 3.0], np.array([2, 0, 2]))
    assert kinds(report) == ["right"]


def test_functions_with_variables() -> None:
    @tf.custom_gradient
    def scaled(x: Any) -> Any:
        w = tf.get_variable("w", initializer=[2.0, 3.0], use_resource=True)

        def grad(dy: Any, variables: Any = None) -> Any:
            return dy * w, [dy * x]

        return x * w, grad

    report = tf.check_custom(scaled, [1.0, 2.0])
    assert kinds(report) == ["right"] and report.data["dtype"] == "float32"


def test_functions_without_a_gradient_of_their_own() -> None:
    report = tf.check_custom(lambda x: tf.exp(x) * tf.sin(x), [0.5, 1.0])
    assert not report.found and kinds(report) == ["right"]


def test_points_at_corners_are_left_out() -> None:
    report = tf.check_custom(written("relu"), [-1.0, 0.0, 1.0])
    assert not report.found and "1 left out at corners or steps" in report.text
    report = tf.check_custom(written("relu"), [0.0])
    assert kinds(report) == ["not compared"]
    assert "Nothing could be compared" in report.verdict


def test_random_points_are_taken_where_a_function_is_defined() -> None:
    with tf.Graph().as_default():
        report = tf.check_custom(tf.log(tf.placeholder(tf.float32, [4])))
    assert not report.found and kinds(report) == ["right"]


def test_large_inputs_are_sampled() -> None:
    report = tf.check_custom(written("square", 1.001), np.linspace(1, 2, 200))
    assert kinds(report) == ["wrong"]
    assert "48 of 48 elements" in report.text


def test_functions_of_autograd() -> None:
    from retrograd import autograd as torch

    class Square(torch.Function):
        factor = 2.0

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            (x,) = ctx.saved_tensors
            return dy * Square.factor * x

    assert kinds(tf.check_custom(Square, [1.0, 2.0])) == ["right"]
    Square.factor = 2.002
    report = tf.check_custom(Square, [1.0, 2.0])
    assert kinds(report) == ["wrong"] and "test_check_custom.py" in report.text
