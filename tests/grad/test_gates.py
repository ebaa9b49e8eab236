"""`gate_gradients`: the names are those that TensorFlow 1.15 gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf


def _gates(graph: Any) -> dict[str, list[str]]:
    """The operations of gates, with what they take or wait for."""
    return {
        op.name: [t.name for t in op.inputs] + ["^" + c.name for c in op.control_inputs]
        for op in graph.get_operations()
        if "/tuple/" in op.name
    }


def test_both_terms_wait_for_each_other() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 3], name="x")
        y = tf.placeholder(tf.float32, [2, 3], name="y")
        found = tf.gradients(x - y, [x, y], gate_gradients=True)
    gate = "gradients/sub_grad/tuple/group_deps"
    first, second = (
        f"gradients/sub_grad/tuple/control_dependency{end}" for end in ("", "_1")
    )
    assert [d.name for d in found] == [f"{first}:0", f"{second}:0"]
    assert _gates(graph) == {
        gate: ["^gradients/Fill", "^gradients/sub_grad/Neg"],
        first: ["gradients/Fill:0", f"^{gate}"],
        second: ["gradients/sub_grad/Neg:0", f"^{gate}"],
    }
    element = graph.get_operation_by_name(second)
    assert element.colocation_groups() == [b"loc:@gradients/sub_grad/Neg"]
    assert graph.get_operation_by_name(gate).type == "NoOp"


def test_a_term_keeps_its_name_where_others_are_not_wanted() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 3], name="x")
        w = tf.get_variable("w", [3, 2])
        loss = tf.matmul(x, w) * 2.0
        (found,) = tf.gradients(loss, [w], gate_gradients=True)
    assert found.name == "gradients/MatMul_grad/tuple/control_dependency_1:0"
    assert "gradients/mul_grad/tuple/control_dependency" in _gates(graph)
    assert "gradients/mul_grad/tuple/control_dependency_1" not in _gates(graph)


def test_one_differentiable_input_has_no_gate() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [4, 3])
        rows = tf.gather(tf.reshape(tf.square(x), [3, 4]), [0, 1])
        tf.gradients(rows, [x], gate_gradients=True)
        assert _gates(graph) == {}
        both = tf.gradients(tf.concat([x, x], 0), [x], gate_gradients=True)
    assert len(_gates(graph)) == 3
    assert both[0].op.type == "AddN"


def test_without_gates() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2])
        tf.gradients(x * x, [x])
    assert _gates(graph) == {}


def test_a_gate_is_where_its_terms_are() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2])
        y = x * tf.sin(x)
        with tf.device("/cpu:1"):
            tf.gradients(y, [x], gate_gradients=True, colocate_gradients_with_ops=True)
    scope = "gradients/mul_grad/tuple/"
    gate = graph.get_operation_by_name(scope + "group_deps")
    identity = graph.get_operation_by_name(scope + "control_dependency")
    assert (gate.device, identity.device) == ("", "")
    assert gate.colocation_groups() == [f"loc:@{gate.name}".encode()]
    assert identity.colocation_groups() == [b"loc:@mul"]


@pytest.mark.parametrize("tier", ["0", "1"])
@pytest.mark.parametrize("gate", [0, 1, 2])
def test_gates_change_no_number(
    gate: int, tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        v = tf.Variable([1.0, 2.0])
        optimizer = tf.train.GradientDescentOptimizer(0.5)
        step = optimizer.minimize(v * tf.exp(v) / 3.0, gate_gradients=gate)
        session.run(tf.global_variables_initializer())
        session.run(step)
        found = session.run(v)
    start = np.array([1.0, 2.0])
    wanted = start - 0.5 * (1 + start) * np.exp(start) / 3
    np.testing.assert_allclose(found, wanted, 1e-5)
    per_op = [n for n in _gates(graph) if "_grad/tuple/" in n]
    assert bool(per_op) == (gate == 1)


def test_backward_operations_of_gates_remember_the_forward_one() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2])
        y = x * tf.sin(x)
        tf.gradients(y, [x], gate_gradients=True)
    identity = graph.get_operation_by_name(
        "gradients/mul_grad/tuple/control_dependency"
    )
    assert identity._forward_op is y.op


def test_sparse_terms_are_gated() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable([[1.0], [2.0]])
        rows = tf.nn.embedding_lookup(v, [1, 1])
        (found,) = tf.gradients(rows * rows, [v], gate_gradients=True)
        assert isinstance(found, tf.IndexedSlices)
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(found.values), [[4.0], [4.0]])
