"""Why gradients are None or zero: planted faults of each kind, and healthy graphs."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrograd as tf
from retrograd.explain.report import Report
from retrograd.graph import context
from retrograd.ops.declare import gradient_registry

FEED = [1.0, 2.0, 3.0]


@pytest.fixture
def graph() -> Any:
    with tf.Graph().as_default() as made:
        yield made


@pytest.fixture
def eager() -> Any:
    with context.eager_mode():
        yield


def line() -> int:
    """The line of the caller."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno


def vector(name: str = "x") -> Any:
    return tf.placeholder(tf.float32, [3], name=name)


def state(report: Report) -> str:
    (found,) = report.data.values()
    return found


# ---------------------------------------------------------------------- on a way

HEALTHY: list[Callable[[Any], Any]] = [
    lambda x: x * 2.0,
    tf.tanh,
    lambda x: tf.reshape(x, [3]),
    lambda x: tf.nn.relu(x) + x,
    tf.nn.softplus,
    lambda x: tf.cast(tf.cast(x, tf.float64), tf.float32),
    lambda x: x + tf.stop_gradient(tf.round(x) - x),
    lambda x: tf.cond(tf.constant(True), lambda: x * 3.0, lambda: x),
    lambda x: tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, a * 1.5), [0, x])[
        1
    ],
]
#: what stops gradients, and the op type that is to be named
BLOCKING: list[tuple[Callable[[Any], Any], str]] = [
    (tf.stop_gradient, "StopGradient"),
    (tf.floor, "Floor"),
    (tf.round, "Round"),
    (tf.ceil, "Ceil"),
    (lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32), "Cast"),
    (lambda x: tf.cast(x > 1.0, tf.float32), "Greater"),
    (lambda x: tf.where(x > 1.0, tf.ones([3]), tf.zeros([3])), "Greater"),
    (lambda x: tf.gather(tf.ones([9]), tf.cast(x, tf.int32)), "Cast"),
    (lambda x: tf.cast(tf.argmax(x), tf.float32) * tf.ones([3]), "ArgMax"),
    (lambda x: tf.one_hot(tf.cast(x[0], tf.int32), 3), "Cast"),
    (lambda x: tf.py_func(lambda a: a, [x], tf.float32), "PyFunc"),
]
CHAINS = st.lists(st.sampled_from(HEALTHY), max_size=4)


@settings(max_examples=25, deadline=None)
@given(CHAINS, st.sampled_from(BLOCKING), CHAINS)
def test_what_blocks_is_named_wherever_it_is(
    before: list[Any], fault: tuple[Any, str], after: list[Any]
) -> None:
    blocking, op_type = fault
    with tf.Graph().as_default():
        x = y = vector()
        for make in before:
            y = make(y)
        inner = y
        y = blocking(y)
        y.set_shape([3])
        for make in after:
            y = make(y)
        assert tf.gradients(y, x) == [None]
        report = tf.why_none(y, x, {x: FEED})
    assert state(report) == "none"
    (finding,) = report.findings
    assert finding.op.type == op_type
    assert finding.op._id > inner.op._id
    assert f"in {finding.op.where}" in report.verdict
    assert finding.fix and finding.details is not None
    json.dumps(report.to_dict())
    assert report.text and report.html


@settings(max_examples=15, deadline=None)
@given(CHAINS)
def test_healthy_gradients_are_said_to_be(chain: list[Any]) -> None:
    with tf.Graph().as_default():
        x = y = vector()
        for make in chain:
            y = make(y)
        y = y * 2.0
        report = tf.why_none(y, x, {x: FEED})
        assert not report.found and state(report) == "healthy"
        assert "is healthy" in report.verdict
        blind = tf.why_none(y, x)
        assert not blind.found and "must feed a value" in blind.verdict


def test_the_graph_and_the_session_stay_as_they_were(graph: Any) -> None:
    x = vector()
    v = tf.Variable(FEED)
    draw = tf.random.uniform([3], seed=3)
    y = x * v * draw
    ys = [y, tf.stop_gradient(y), tf.while_loop(*_loop(lambda a: a * v), [0, y])[1]]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = (len(graph._ops), dict(graph._names_in_use), graph._last_id)
        consumers = len(x.consumers())
        definition = graph.as_graph_def()
        for one in ys:
            tf.why_none(one, [x, v, y], {x: FEED})
        assert (len(graph._ops), graph._names_in_use, graph._last_id) == before
        assert len(x.consumers()) == consumers
        assert graph.as_graph_def() == definition
        first = session.run(draw)
    with tf.Session() as session:
        assert np.array_equal(first, session.run(draw))


def _loop(body: Any) -> Any:
    return lambda i, a: i < 3, lambda i, a: (i + 1, body(a))


def test_the_line_and_the_words_of_a_stop(graph: Any) -> None:
    x = vector("x")
    stopped, at = tf.stop_gradient(x), line()
    y = tf.exp(stopped, name="y")
    report = tf.why_none(y, x)
    assert report.title == "why_none: ∂y/∂x"
    assert report.verdict == (
        f"∂y/∂x is None because of tf.stop_gradient in test_why_none.py:{at}."
    )
    assert report.findings[0].fix == "take tf.stop_gradient away there"
    assert f"test_why_none.py:{at}: stopped, at" in report.text


def test_several_breaks_are_all_told(graph: Any) -> None:
    x = vector()
    report = tf.why_none(tf.floor(x) + tf.stop_gradient(x), x)
    assert sorted(f.op.type for f in report.findings) == ["Floor", "StopGradient"]
    assert report.verdict.endswith("and one more.")
    through = tf.why_none(tf.floor(x) + x, x, {x: FEED})
    assert not through.found  # one way is enough


def test_stop_gradients(graph: Any) -> None:
    x = vector()
    middle = x * 2.0
    report = tf.why_none(tf.exp(middle), x, stop_gradients=[middle])
    (finding,) = report.findings
    assert finding.op is middle.op
    assert finding.what == "stop_gradients names mul, so it counts as constant."
    other = tf.why_none(tf.exp(middle), x, {x: FEED}, stop_gradients=x * 3.0)
    assert not other.found


def test_y_or_x_of_whole_numbers(graph: Any) -> None:
    x = vector()
    (finding,) = tf.why_none(tf.cast(x, tf.int64), x).findings
    assert finding.what.startswith("tf.cast to int64 passes no gradient on")
    assert finding.details == ["y has dtype int64"]
    whole = tf.placeholder(tf.int32, [], name="count")
    report = tf.why_none(tf.cast(whole, tf.float32), whole)
    assert "because of the dtype of count, int32" in report.verdict
    assert "whole numbers have no derivative" in report.findings[0].what


def test_rules_of_the_program(graph: Any) -> None:
    x = vector()

    @tf.RegisterGradient("WhyNoneTestNothing")
    def nothing(op: Any, dy: Any) -> Any:
        return None

    with graph.gradient_override_map({"Tanh": "WhyNoneTestNothing"}):
        y = tf.tanh(x)
    (finding,) = tf.why_none(y, x).findings
    assert "with the gradient function WhyNoneTestNothing" in finding.what
    assert "registered in test_why_none.py:" in finding.fix
    custom = tf.custom_gradient(lambda a: (a * 2.0, lambda dy: [None]))
    (finding,) = tf.why_none(custom(x), x).findings
    assert "the function of tf.custom_gradient" in finding.what


def test_what_a_program_declared_not_differentiable(
    graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = dict(gradient_registry._registry)
    monkeypatch.setattr(gradient_registry, "_registry", kept)
    kept.pop("Tanh")
    tf.NotDifferentiable("Tanh")
    x = vector()
    (finding,) = tf.why_none(tf.tanh(x), x).findings
    assert "declared so in test_why_none.py:" in finding.what


def test_errors_are_told_apart_from_none(graph: Any) -> None:
    x = vector()
    with graph.gradient_override_map({"Tanh": "WhyNoneTestUnregistered"}):
        y = tf.tanh(x) * 2.0
    with pytest.raises(LookupError):
        tf.gradients(y, x)
    report = tf.why_none(y, x)
    assert state(report) == "error"
    assert "is not None: tf.gradients raises LookupError" in report.verdict
    assert report.findings[0].op.type == "Tanh"
    blocked = tf.why_none(tf.tanh(tf.floor(x)), x)
    assert state(blocked) == "none"

    @tf.RegisterGradient("WhyNoneTestFails")
    def fails(op: Any, dy: Any) -> Any:
        raise RuntimeError("as planted")

    with graph.gradient_override_map({"Tanh": "WhyNoneTestFails"}):
        y = tf.tanh(x)
    report = tf.why_none(y, x)
    assert report.findings[0].what == "as planted"


def test_a_rule_is_not_asked_where_tf_gradients_would_not(graph: Any) -> None:
    x = vector()
    with graph.gradient_override_map({"Tanh": "WhyNoneTestUnregistered"}):
        y = tf.tanh(tf.cast(tf.cast(x, tf.int32), tf.float32))
    assert tf.gradients(y, x) == [None]
    report = tf.why_none(y, x)
    assert state(report) == "none" and report.found


@pytest.mark.parametrize("kind", ["cond", "while", "defun"])
def test_inside_bodies(graph: Any, kind: str) -> None:
    x = vector()
    if kind == "cond":
        y = tf.cond(x[0] > 0, lambda: tf.floor(x), lambda: tf.ones([3]))
    elif kind == "while":
        y = tf.while_loop(*_loop(lambda a: tf.floor(a) * 2.0), [0, x])[1]
    else:
        y = tf.function(lambda a: tf.floor(a) * 2.0)(x)
    report = tf.why_none(y, x, {x: FEED})
    assert report.found
    assert "tf.floor" in report.text and "inside" in report.text
    assert "tf.stop_gradient(tf.floor(x) - x)" in report.findings[0].fix


# ---------------------------------------------------------------------- no way


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("copy", [tf.identity, lambda v: tf.reshape(v, [3, 1])])
def test_a_later_copy(graph: Any, resource: bool, copy: Any) -> None:
    w = tf.get_variable("w", [3], use_resource=resource)
    y = tf.multiply(w, 2.0, name="y")
    x = copy(w)
    (finding,) = tf.why_none(y, x).findings
    assert "y is made from w, not from" in finding.what
    assert "a copy of it made after y" in finding.what
    assert finding.fix.startswith("tf.gradients(y, w), or make y from")
    assert finding.op is x.op
    assert not tf.why_none(y, w).found


@pytest.mark.parametrize(
    "part",
    [lambda v: v[:2], lambda v: tf.gather(tf.identity(v), [2, 0]), tf.reverse_v2],
)
def test_a_later_part(graph: Any, part: Any) -> None:
    w = tf.get_variable("w", [3])
    y = tf.multiply(w, 2.0, name="y")
    x = part(w) if part is not tf.reverse_v2 else part(w, [0])
    (finding,) = tf.why_none(y, x).findings
    assert "which is taken from it made after y" in finding.what


def test_a_relative_that_is_no_copy(graph: Any) -> None:
    w = vector("w")
    squared = tf.square(w, name="squared")
    y = tf.exp(w, name="y")
    (finding,) = tf.why_none(y, squared).findings
    assert "which is computed from it" in finding.what
    assert finding.details[0].startswith("from w to squared: squared (Square")


def test_a_variable_assigned_on_the_way(graph: Any) -> None:
    x, v = vector(), tf.Variable(FEED, name="v")
    with tf.control_dependencies([tf.assign(v, x * 2.0)]):
        y = v * 3.0
    (finding,) = tf.why_none(y, x).findings
    assert "only through the variable v" in finding.what
    assert finding.op.type == "Assign"


def test_a_queue_on_the_way(graph: Any) -> None:
    x = vector()
    queue = tf.FIFOQueue(3, tf.float32, shapes=[[3]])
    queue.enqueue([x])
    (finding,) = tf.why_none(queue.dequeue() * 2.0, x).findings
    assert "only through fifo_queue" in finding.what


def test_a_variable_that_a_python_function_uses(graph: Any) -> None:
    w, x = tf.Variable(FEED, name="w"), vector()

    def uses(a: Any) -> Any:
        return a * w.eval()

    y = tf.py_func(uses, [x], tf.float32)
    (finding,) = tf.why_none(y, w).findings
    assert "uses w as its variable `w`, not as an argument" in finding.what
    unrelated = tf.why_none(tf.py_func(lambda a: a, [x], tf.float32), w)
    assert "does not depend on" in unrelated.verdict


def test_another_variable_of_the_same_name(graph: Any) -> None:
    with tf.variable_scope("dense"):
        first = tf.get_variable("kernel", [2, 3])
    with tf.variable_scope("dense_1"):
        second = tf.get_variable("kernel", [2, 3])
    (finding,) = tf.why_none(second * 2.0, first).findings
    assert "is made from dense_1/kernel, not from dense/kernel" in finding.what
    assert "reuse" in finding.fix


def test_nothing_in_common(graph: Any) -> None:
    x, other = vector("x"), vector("other")
    side = tf.exp(x, name="side")
    y = tf.square(other, name="y")
    (finding,) = tf.why_none(y, x).findings
    assert finding.what.startswith("y does not depend on x")
    assert finding.details[0].startswith("y is made from: other (Placeholder")
    assert finding.details[1].startswith("x is used by: side (Exp")
    unused = vector("unused")
    assert "nothing uses unused" in tf.why_none(y, unused).text
    with tf.control_dependencies([side]):
        late = tf.identity(other, name="late")
    assert "late only waits for it" in tf.why_none(late, x).text


def test_two_graphs(graph: Any) -> None:
    y = vector() * 2.0
    with tf.Graph().as_default():
        x = vector()
    (finding,) = tf.why_none(y, x).findings
    assert "belongs to another graph" in finding.what


def test_names_lists_and_all_variables(graph: Any) -> None:
    x = vector("x")
    with pytest.raises(ValueError, match="no x is named"):
        tf.why_none(x)
    w, unused = tf.Variable(FEED, name="w"), tf.Variable(FEED, name="unused")
    tf.multiply(tf.stop_gradient(w), x, name="y")
    report = tf.why_none("y")
    assert report.data == {"w": "none", "unused": "none"}
    assert report.verdict == "2 of 2 gradients are missing or zero."
    assert [row[:2] for row in report.tables[0].rows] == [
        ("w", "none"),
        ("unused", "none"),
    ]
    assert "concerns w" in report.findings[0].details
    assert tf.why_none("y:0", ["x", unused]).data == {"x": "healthy", "unused": "none"}
    with pytest.raises(KeyError):
        tf.why_none("y", "nowhere")


def test_parts_of_a_variable(graph: Any) -> None:
    cut = tf.get_variable(
        "cut",
        [4, 2],
        partitioner=tf.fixed_size_partitioner(2),
        initializer=tf.ones_initializer(),
    )
    report = tf.why_none(next(iter(cut)) * 2.0, cut)
    assert report.data == {"cut/part_0": "healthy", "cut/part_1": "none"}


# ---------------------------------------------------------------------- zeros

ZEROS: list[tuple[Callable[[Any], Any], str, str]] = [
    (tf.sign, "Sign", "always"),
    (lambda x: x * tf.zeros([3]), "Mul", "always: the other factor, zeros, is zero"),
    (lambda x: tf.nn.relu(-x), "Relu", "all 3 inputs are ≤ 0 (from -3 to -1)"),
    (lambda x: tf.nn.relu6(x + 6.0), "Relu6", "≤ 0 or ≥ 6"),
    (lambda x: tf.tanh(x * 100.0), "Tanh", "saturated (from 100 to 300)"),
    (lambda x: tf.sigmoid(x * -300.0), "Sigmoid", "saturated"),
    (lambda x: tf.nn.softmax(x), "Softmax", "the same for every class"),
    (lambda x: tf.maximum(x, 5.0), "Maximum", "the other input is larger"),
    (lambda x: tf.clip_by_value(x, 4.0, 5.0), "Maximum", "the other input is larger"),
    (lambda x: tf.where(x > 9, x, x * x) * (x - x), "Mul", "the other factor"),
    (lambda x: tf.square(x - tf.constant(FEED)), "Square", "derivative is zero there"),
]


@pytest.mark.parametrize(("make", "op_type", "words"), ZEROS)
def test_zero_gradients(graph: Any, make: Any, op_type: str, words: str) -> None:
    x = vector()
    y = make(x)
    with tf.Session() as session:
        assert not np.any(session.run(tf.gradients(y, x)[0], {x: FEED}))
        report = tf.why_none(y, x, {x: FEED})
    assert state(report) == "zero"
    assert report.findings[0].op.type == op_type
    assert words in report.findings[0].what
    assert "is not None but zero, because of" in report.verdict


def test_the_same_graph_at_other_values_is_healthy(graph: Any) -> None:
    x = vector()
    y = tf.nn.relu(x)
    assert state(tf.why_none(y, x, {x: [-1.0, -2.0, -3.0]})) == "zero"
    assert state(tf.why_none(y, x, {x: [-1.0, 2.0, -3.0]})) == "healthy"


def test_zero_by_construction_needs_no_feeds(graph: Any) -> None:
    x = vector()
    assert state(tf.why_none(tf.sign(x) * 3.0, x)) == "zero"
    assert state(tf.why_none(tf.sign(x) + x, x)) == "healthy"
    assert state(tf.why_none(tf.matmul(x[None], tf.zeros([3, 2])), x)) == "zero"


@pytest.mark.parametrize(
    "make",
    [
        lambda x, nought: x * tf.gather(nought, [2, 1, 0]),
        lambda x, nought: x * tf.split(nought, 1)[0],
        lambda x, nought: x * tf.identity_n([x, nought])[1],
        lambda x, nought: x * tf.check_numerics(-nought, "?"),
        lambda x, nought: tf.nn.conv1d(
            x[None, :, None], nought[:, None, None], 1, "VALID"
        ),
        lambda x, nought: tf.nn.conv3d(
            tf.reshape(x, [1, 3, 1, 1, 1]),
            tf.reshape(nought, [3, 1, 1, 1, 1]),
            [1] * 5,
            "VALID",
        ),
    ],
)
def test_zero_factors(graph: Any, make: Any) -> None:
    x = vector()
    report = tf.why_none(make(x, tf.zeros([3])), x)
    assert state(report) == "zero"
    assert "always: the other factor" in report.findings[0].what


def test_what_is_fed_is_not_zero_by_construction(graph: Any) -> None:
    x, mask = vector(), tf.placeholder_with_default(tf.zeros([3]), [3])
    assert state(tf.why_none(x * mask, x, {x: FEED, mask: FEED})) == "healthy"
    assert state(tf.why_none(x * mask, x, {x: FEED})) == "zero"


def test_contributions_that_cancel(graph: Any) -> None:
    x = vector()
    report = tf.why_none(tf.exp(x) - tf.exp(x), x, {x: FEED})
    assert state(report) == "zero"
    assert "The contributions to x cancel" in report.findings[0].what


def test_a_zero_variable(graph: Any) -> None:
    x, w = vector(), tf.Variable(tf.zeros([3, 2]), name="w")
    y = tf.matmul(x[None], w)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        report = tf.why_none(y, x, {x: FEED})
        assert "the other factor, w, is zero" in report.findings[0].what
        assert not tf.why_none(y, w, {x: FEED}).found


# ---------------------------------------------------------------------- tapes


@pytest.mark.usefixtures("eager")
class TestTapes:
    def test_not_watched(self) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape() as tape:
            y, at = x * x, line()
        report = tf.why_none(y, x, tape=tape)
        assert report.verdict == "∂y/∂x is None: The tape does not watch x."
        assert f"test_why_none.py:{at}" in report.findings[0].at

    def test_not_watched_beside_something_that_is(self) -> None:
        x, v = tf.constant(FEED), tf.Variable(FEED, name="v", use_resource=True)
        with tf.GradientTape() as tape:
            y = tf.exp(x) * v
        report = tf.why_none(y, x, tape=tape)
        assert "does not watch x" in report.verdict
        assert report.findings[0].op.type == "Exp"
        assert not tf.why_none(y, v, tape=tape).found
        assert not tf.why_none(y, tape=tape).found

    def test_watched_too_late(self) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape() as tape:
            y, at = x * 3.0, line()
            tape.watch(x)
        report = tf.why_none(y, x, tape=tape)
        assert report.findings[0].what == "x was watched after y was made from it."
        assert f"test_why_none.py:{at}" in report.findings[0].at

    def test_the_tape_was_used(self) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        assert not tf.why_none(y, x, tape=tape).found  # which does not use it
        tape.gradient(y, x)
        report = tf.why_none(y, x, tape=tape)
        assert "used already" in report.verdict
        assert "persistent=True" in report.findings[0].fix

    @pytest.mark.parametrize(
        ("take", "call"),
        [
            (lambda t: t.numpy(), ".numpy()"),
            (np.sin, "np.array(…)"),
            (lambda t: float(t[0]), "float(…)"),
            (lambda t: int(t[0]), "int(…)"),
        ],
    )
    def test_a_value_that_left_the_tape(self, take: Any, call: str) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape() as tape:
            tape.watch(x)
            doubled = x * 2.0
            y = tf.constant(take(doubled)) * 3
        report = tf.why_none(y, x, tape=tape)
        assert report.findings[0].what.startswith(f"{call} took a value made from x")

    def test_looking_at_a_value_is_no_fault(self) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * 2.0
            y.numpy()
        assert not tf.why_none(y, x, tape=tape).found

    def test_an_assigned_variable(self) -> None:
        x, v = tf.constant(FEED), tf.Variable(FEED, use_resource=True)
        with tf.GradientTape() as tape:
            tape.watch(x)
            v.assign(x * 2.0)
            y = v * 3.0
        report = tf.why_none(y, x, tape=tape)
        assert "only through a variable that was assigned" in report.verdict
        assert report.findings[0].op.type == "AssignVariableOp"

    def test_variables_that_are_not_watched_by_themselves(self) -> None:
        kept = tf.Variable(FEED, trainable=False, name="kept", use_resource=True)
        with tf.GradientTape() as tape:
            y = kept * 2.0
        report = tf.why_none(y, kept, tape=tape)
        assert "does not watch kept" in report.verdict
        assert report.findings[0].details == ["it is a variable with trainable=False"]
        free = tf.Variable(FEED, use_resource=True)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            y = free * 2.0
        report = tf.why_none(y, free, tape=tape)
        assert "watch_accessed_variables=False" in report.text

    def test_outside_of_the_block(self) -> None:
        x = tf.constant(FEED)
        y = x * 2.0
        with tf.GradientTape() as tape:
            tape.watch(x)
        assert "not seen how y was made" in tf.why_none(y, x, tape=tape).verdict
        assert "computed at once" in tf.why_none(y, x).verdict

    def test_nothing_in_common(self) -> None:
        x, v = tf.constant(FEED), tf.Variable(FEED, use_resource=True)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = v * 2.0
        report = tf.why_none(y, x, tape=tape)
        assert "y does not depend on x" in report.verdict

    def test_python_functions(self) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.py_func(lambda a: a, [x * 1.0], tf.float32)
        (finding,) = tf.why_none(y, x, tape=tape).findings
        assert "took a value made from x out of the tape" in finding.what

    @pytest.mark.parametrize(("make", "op_type"), BLOCKING[:-1])
    def test_what_blocks(self, make: Any, op_type: str) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = make(x * 1.0) * 2.0
        report = tf.why_none(y, x, tape=tape)
        assert state(report) == "none"
        assert report.findings[0].op.type == op_type

    @pytest.mark.parametrize("make", HEALTHY)
    def test_healthy(self, make: Any) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = make(x) * 2.0
        report = tf.why_none(y, x, tape=tape)
        assert not report.found and "is healthy" in report.verdict

    def test_zeros(self) -> None:
        x = tf.constant(FEED)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            dead, stepped = tf.nn.relu(-x), tf.sign(x)
        report = tf.why_none(dead, x, tape=tape)
        assert "all 3 inputs are ≤ 0" in report.text
        assert "always" in tf.why_none(stepped, x, tape=tape).text

    def test_inside_a_function(self) -> None:
        x = tf.constant(FEED)
        function = tf.function(lambda a: tf.stop_gradient(a) * 2.0)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = function(x)
        report = tf.why_none(y, x, tape=tape)
        assert "tf.stop_gradient" in report.verdict
        assert "inside PartitionedCall" in report.verdict
        assert np.array_equal(function(x).numpy(), [2.0, 4.0, 6.0])

    def test_names_of_the_program(self) -> None:
        weights = tf.constant(FEED)
        with tf.GradientTape() as tape:
            cost = weights * 2.0
        report = tf.why_none(cost, weights, tape=tape, names=locals())
        assert report.verdict == (
            "∂cost/∂weights is None: The tape does not watch weights."
        )
        whole = tf.constant([1, 2])
        with tf.GradientTape(persistent=True) as tape:
            tape._producers[whole] = None  # as `watch` does, beside a warning
            cost = tf.cast(whole, tf.float32)
        report = tf.why_none(cost, whole, tape=tape, names=locals())
        assert "because of the dtype of whole, int32" in report.verdict


def test_results_of_autograd() -> None:
    from retrograd import autograd as torch

    x: Any = torch.tensor([1.0, -2.0], requires_grad=True)
    assert not tf.why_none((x * x).sum(), x).found
    dead = tf.why_none(torch.relu(-x * x).sum(), x)
    assert "≤ 0" in dead.text and state(dead) == "zero"
    other: Any = torch.tensor([1.0], requires_grad=True)
    assert "does not depend on" in tf.why_none((x.detach() * other).sum(), x).verdict
