"""How gradient functions are called: those declared here, and those of programs."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import retrograd as tf
from retrograd.ops import declare


def _types(graph: tf.Graph) -> list[str]:
    return [op.type for op in graph.get_operations()]


def _convolution() -> Any:
    x = tf.placeholder(tf.float32, [1, 4, 4, 1])
    kernel = tf.placeholder(tf.float32, [2, 2, 1, 1])
    return x, kernel, tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "VALID")


def test_a_rule_makes_the_terms_that_are_wanted_only() -> None:
    with tf.Graph().as_default() as graph:
        x, _, y = _convolution()
        tf.gradients(y, x)
    assert "Conv2DBackpropInput" in _types(graph)
    assert "Conv2DBackpropFilter" not in _types(graph)


def test_a_table_of_rules_makes_the_terms_that_are_wanted_only() -> None:
    with tf.Graph().as_default() as graph:
        x, y = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.float32, [3, 4])
        tf.gradients(tf.matmul(x, y), y)
    assert _types(graph).count("MatMul") == 2


def test_a_declared_rule_called_by_a_program_gives_all_terms() -> None:
    with tf.Graph().as_default():
        x, kernel, y = _convolution()
        rule = declare.gradient_registry.lookup("Conv2D")
        terms = rule(y.op, tf.ones_like(y))
        assert [t.shape for t in terms] == [x.shape, kernel.shape]


def test_a_declared_rule_can_be_registered_under_another_name() -> None:
    name = "ConvolutionOfTestRules"
    tf.RegisterGradient(name)(declare.gradient_registry.lookup("Conv2D"))
    with tf.Graph().as_default() as graph:
        with graph.gradient_override_map({"Conv2D": name}):
            x, _, y = _convolution()
        tf.gradients(y, x)
    assert "Conv2DBackpropFilter" not in _types(graph)


def test_a_programs_function_is_called_as_in_tensorflow() -> None:
    """With the operation and a tensor for each output, and nothing is set on either."""
    seen: list[Any] = []

    @tf.RegisterGradient("SplitOfTestRules")
    def rule(op: Any, *grads: Any, wanted: Any = "not given") -> Any:
        seen.append((grads, wanted, set(vars(op))))
        return None, tf.concat(grads, 0)

    with tf.Graph().as_default() as graph:
        x = tf.constant([1.0, 2.0, 3.0, 4.0])
        with graph.gradient_override_map({"Split": "SplitOfTestRules"}):
            parts = tf.split(x, 2)
        before = set(vars(parts[0].op))
        (dx,) = tf.gradients(parts[1] * 3.0, x)
        ((grads, wanted, names),) = seen
        assert wanted == "not given" and names == before
        with tf.Session() as session:
            # what L does not depend on has zeros
            assert session.run(grads[0]).tolist() == [0, 0]
            assert session.run(dx).tolist() == [0, 0, 3, 3]


def test_only_a_rule_that_says_so_is_given_none() -> None:
    given: list[Any] = []

    def rule(n: Any, *dys: Any) -> Any:
        given.append(dys)
        return [None] * len(n.inputs)

    for function, zero in (
        (rule, False),
        (declare.GradientRule(rule, takes_none=True), True),
    ):
        with tf.Graph().as_default():
            x = tf.constant([1.0, 2.0])
            first, second = tf.unstack(x)
            first.op._gradient_function = function
            tf.gradients(second, x)
        assert (given.pop()[0] is None) is zero


def test_sweeps_of_one_operation_inside_one_another() -> None:
    """A rule may differentiate the operation that it is the rule of."""
    with tf.Graph().as_default():
        x, y = tf.constant(3.0), tf.constant(5.0)
        product = x * y
        rule = declare.gradient_function(product.op)
        assert rule is not None

        def nested(n: Any, dy: Any) -> Any:
            n._gradient_function = None
            (inner,) = tf.gradients(n.outputs[0], n.inputs[0])
            n._gradient_function = nested
            return [inner * dy, rule(n, dy)[1]]

        product.op._gradient_function = nested
        found = tf.gradients(product, [x, y])
        with tf.Session() as session:
            assert session.run(found) == [5.0, 3.0]


def test_wanted_is_for_each_input() -> None:
    called: list[Any] = []

    def rule(n: Any, dy: Any, *, wanted: Any) -> Any:
        called.append(list(wanted))
        return [dy if asked else None for asked in wanted]

    function = declare.GradientRule(rule, takes_wanted=True)
    with tf.Graph().as_default():
        x, y = tf.constant(1.0), tf.constant(2.0)
        total = x + y
        total.op._gradient_function = function
        tf.gradients(total, y)
        assert function(total.op, tf.constant(1.0))[0] is not None
    assert called == [[False, True], [True, True]]


@pytest.mark.parametrize("name", ["If", "While", "PartitionedCall"])
def test_rules_of_calls_take_none_and_wanted(name: str) -> None:
    for module in ("calls", "control"):  # they declare these
        importlib.import_module(f"retrograd.grad.{module}")
    rule = declare.gradient_registry.lookup(name)
    assert rule.takes_none and rule.takes_wanted
