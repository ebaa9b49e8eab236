"""The base class: what it accepts, refuses, makes and hands to subclasses."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.composite import IndexedSlices
from retrograd.train.optimizer import Optimizer


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as made:
        yield made


def run(*fetches: Any) -> list[Any]:
    """Initialize, run each fetch in turn."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [session.run(f) for f in fetches]


def test_one_step(graph: Any) -> None:
    w = tf.Variable([1.0, 2.0], name="w")
    step = tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(0.5).minimize(
        tf.reduce_sum(w * w), global_step=step
    )
    assert train.name == "GradientDescent"
    assert train.type == "AssignAdd"
    assert graph.get_collection("train_op") == [train]
    _, value, count = run(train, w, step)
    np.testing.assert_array_equal(value, [0.0, 0.0])
    assert count == 1


def test_name_of_the_step() -> None:
    w = tf.Variable(1.0)
    optimizer = tf.train.AdamOptimizer(name="Fast")
    assert optimizer.get_name() == "Fast"
    assert optimizer.minimize(w * w).name == "Fast"
    assert optimizer.minimize(w * w, name="again").name == "again"
    with pytest.raises(ValueError, match="Must specify the optimizer name"):
        Optimizer(False, "")


@pytest.mark.parametrize("resource", [False, True])
def test_slots(graph: Any, resource: bool) -> None:
    w = tf.Variable([1.0, 2.0], name="w", use_resource=resource)
    optimizer = tf.train.AdamOptimizer()
    assert optimizer.get_slot(w, "m") is None
    optimizer.minimize(tf.reduce_sum(w * w))
    assert optimizer.get_slot_names() == ["m", "v"]
    m = optimizer.get_slot(w, "m")
    assert m.name == "w/Adam:0"
    assert not m.trainable
    assert m.op.type == ("VarHandleOp" if resource else "VariableV2")
    assert [v.name for v in optimizer.variables()] == [
        "beta1_power:0",
        "beta2_power:0",
        "w/Adam:0",
        "w/Adam_1:0",
    ]
    assert optimizer.get_slot(w, "nothing") is None
    with tf.Graph().as_default():
        assert optimizer.variables() == []


def test_slots_of_parts() -> None:
    """The slot of a part of a variable is a part of a slot."""
    with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(2)):
        whole = tf.get_variable("w", [4, 2])
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    optimizer.minimize(tf.reduce_sum(tf.identity(whole)))
    second = list(whole)[1]
    slot = optimizer.get_slot(second, "momentum")
    assert slot.name == "p/w/part_1/Momentum:0"
    place = slot._get_save_slice_info()
    assert place.full_name == "p/w/Momentum"
    assert place.full_shape == [4, 2]
    assert place.var_offset == [2, 0]


def test_variables_to_change() -> None:
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    frozen = tf.Variable(3.0, trainable=False)
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    loss = a * 2.0 + frozen
    pairs = optimizer.compute_gradients(loss)
    assert [v for _, v in pairs] == [a, b]
    assert pairs[1][0] is None
    assert [v for _, v in optimizer.compute_gradients(loss, a)] == [a]
    assert [v for _, v in optimizer.compute_gradients(loss, (b, [a]))] == [b, a]
    _, *values = run(optimizer.apply_gradients(pairs), a, b)
    assert values == [-1.0, 2.0]


def test_gradient_of_a_tensor() -> None:
    """A gradient with respect to a tensor can be had, but not applied."""
    w = tf.Variable(3.0)
    y = w * 2.0
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    ((gradient, source),) = optimizer.compute_gradients(y * y, [y])
    assert source is y
    assert run(gradient) == [12.0]
    with pytest.raises(NotImplementedError, match="Trying to update a Tensor"):
        optimizer.apply_gradients([(gradient, y)])


def test_weight_of_the_loss() -> None:
    w = tf.Variable([1.0, 2.0])
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    train = optimizer.minimize(w * w, grad_loss=tf.constant([1.0, 0.5]))
    np.testing.assert_array_equal(run(train, w)[1], [-1.0, 0.0])


def test_gates() -> None:
    w = tf.Variable(1.0)
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    for gate in (optimizer.GATE_NONE, optimizer.GATE_OP, optimizer.GATE_GRAPH):
        ((gradient, _),) = optimizer.compute_gradients(w * w, gate_gradients=gate)
        assert run(gradient) == [2.0]
    with pytest.raises(ValueError, match=r"gate_gradients must be one of: Optimizer.G"):
        optimizer.compute_gradients(w * w, gate_gradients=7)


@pytest.mark.parametrize("resource", [False, True])
def test_constraint(resource: bool) -> None:
    w = tf.Variable(
        [1.0, 2.0], use_resource=resource, constraint=lambda x: tf.maximum(x, 0.5)
    )
    optimizer = tf.train.GradientDescentOptimizer(0.5)
    train = optimizer.minimize(tf.reduce_sum(w))
    np.testing.assert_array_equal(run(train, train, w)[2], [0.5, 1.0])
    rows = tf.gather(w, [0])
    with pytest.raises(RuntimeError, match="Cannot use a constraint function on a"):
        optimizer.minimize(tf.reduce_sum(rows))


def test_refusals() -> None:
    w = tf.Variable(1.0, name="w")
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    unrelated = tf.constant(1.0)
    text = (
        "No gradients provided for any variable, check your graph for ops that do not "
        "support gradients, between variables "
        "[\"<tf.Variable 'w:0' shape=() dtype=float32_ref>\"] and loss "
        'Tensor("Const:0", shape=(), dtype=float32).'
    )
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        optimizer.minimize(unrelated)
    with pytest.raises(ValueError, match=r"^No gradients provided for any variable: "):
        optimizer.apply_gradients([(None, w)])
    with pytest.raises(ValueError, match=r"^No variables provided.$"):
        optimizer.apply_gradients([])
    with pytest.raises(ValueError, match=r"^No variables to optimize.$"):
        optimizer.compute_gradients(unrelated, [])
    with pytest.raises(TypeError, match="Gradient must be convertible to a Tensor or"):
        optimizer.apply_gradients([(object(), w)])
    whole = tf.Variable(1, name="n")
    with pytest.raises(
        ValueError, match=r"Invalid type tf.int32 for mul:0, expected: "
    ):
        optimizer.compute_gradients(tf.multiply(whole, 2, name="mul"))
    with pytest.raises(NotImplementedError, match="Trying to optimize unsupported typ"):
        optimizer.compute_gradients(w * w, [tf.sparse_placeholder(tf.float32)])
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match=r"No variables to optimize."):
            optimizer.minimize(tf.constant(1.0))


class _WeightDecay(Optimizer):
    """Adam with decoupled decay, written as programs of the time write theirs."""

    def __init__(self, rate: float, decay: float) -> None:
        super().__init__(False, "WeightDecay")
        self.rate, self.decay = rate, decay

    def apply_gradients(self, pairs: Any, global_step: Any = None, name: Any = None):
        updates = []
        for gradient, variable in pairs:
            name = re.match("^(.*):\\d+$", variable.name).group(1)
            m = tf.get_variable(
                name + "/adam_m",
                shape=variable.shape.as_list(),
                dtype=tf.float32,
                trainable=False,
                initializer=tf.zeros_initializer(),
            )
            next_m = tf.multiply(0.9, m) + tf.multiply(1.0 - 0.9, gradient)
            step = self.rate * (next_m + self.decay * variable)
            updates.extend([variable.assign(variable - step), m.assign(next_m)])
        return tf.group(*updates, name=name)


def test_subclass_that_applies_for_itself() -> None:
    w = tf.get_variable("w", initializer=[1.0, 2.0])
    train = _WeightDecay(0.1, 0.5).minimize(tf.reduce_sum(w * w))
    want, m = np.array([1.0, 2.0]), np.zeros(2)
    for _ in range(2):
        m = 0.9 * m + 0.1 * 2 * want
        want = want - 0.1 * (m + 0.5 * want)
    np.testing.assert_allclose(run(train, train, w)[2], want, 1e-6)


class _Sign(Optimizer):
    """Steps by the sign of the gradient, with a slot that counts."""

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self._zeros_slot(v, "count", self._name)
            self._get_or_make_slot(v, tf.constant([5.0]), "five", "Five")

    def _prepare(self) -> None:
        self._rate = tf.convert_to_tensor(self._call_if_callable(lambda: 0.5))

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        count = self.get_slot(var, "count")
        moved = var.assign_sub(tf.sign(grad) * self._rate)
        return tf.group(moved, count.assign_add(tf.ones_like(grad)))

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        assert isinstance(grad, IndexedSlices)
        return tf.scatter_sub(var, grad.indices, grad.values)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        return handle.scatter_sub(IndexedSlices(grad, indices))


@pytest.mark.parametrize("resource", [False, True])
def test_subclass_with_hooks(resource: bool) -> None:
    w = tf.Variable([1.0, -2.0], name="w", use_resource=resource)
    optimizer = _Sign(False, "Sign")
    train = optimizer.minimize(tf.reduce_sum(w * w))
    count, five = optimizer.get_slot(w, "count"), optimizer.get_slot(w, "five")
    assert (count.name, five.name) == ("w/Sign:0", "w/Five:0")
    _, _, value, counted = run(train, train, w, count)
    np.testing.assert_array_equal(value, [0.0, -1.0])
    np.testing.assert_array_equal(counted, [2.0, 2.0])


@pytest.mark.parametrize("resource", [False, True])
def test_subclass_gets_each_row_once(resource: bool) -> None:
    w = tf.Variable([[1.0], [2.0], [3.0]], use_resource=resource)
    rows = tf.gather(w, [2, 0, 2])
    train = _Sign(False, "Sign").minimize(tf.reduce_sum(rows))
    np.testing.assert_array_equal(run(train, w)[1], [[0.0], [2.0], [1.0]])


def test_learning_rate_that_is_fed() -> None:
    rate = tf.placeholder(tf.float64, [])
    w = tf.Variable([1.0], name="w")
    train = tf.train.MomentumOptimizer(rate, 0.0).minimize(w)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for value in (0.5, 0.25):
            session.run(train, {rate: value})
        np.testing.assert_array_equal(session.run(w), [0.25])


def test_slots_of_unknown_shape() -> None:
    w = tf.Variable(
        tf.placeholder_with_default([1.0, 2.0], [None]), validate_shape=False
    )
    for optimizer in (
        tf.train.MomentumOptimizer(0.5, 0.5),
        tf.train.AdagradOptimizer(0.5),
        tf.train.RMSPropOptimizer(0.5),
    ):
        train = optimizer.minimize(tf.reduce_sum(w))
        with tf.Session() as session:
            session.run(w.initializer)
            session.run(tf.global_variables_initializer())
            session.run(train)
            assert session.run(w).shape == (2,)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda t: t.AdagradOptimizer(1.0, 0.0), "initial_accumulator_value must be"),
        (lambda t: t.ProximalAdagradOptimizer(1.0, -1.0), "must be positive: -1.0"),
        (lambda t: t.AdagradDAOptimizer(1.0, 0, 0.0), "must be positive: 0.0"),
        (lambda t: t.FtrlOptimizer(1.0, 0.5), "learning_rate_power 0.500000 needs to"),
        (
            lambda t: t.FtrlOptimizer(1.0, l1_regularization_strength=-1.0),
            "l1_regularization_strength -1.000000 needs to be positive or zero",
        ),
    ],
)
def test_numbers_out_of_range(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make(tf.train)
