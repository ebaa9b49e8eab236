"""Variables with a copy on each device."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.distribute.variables import (
    MirroredVariable,
    SyncOnReadVariable,
    is_distributed_variable,
)
from tests.distribute.conftest import replica_number

ON_READ = tf.VariableSynchronization.ON_READ


def test_kinds(graph: Any, mirrored: Any) -> None:
    with mirrored.scope():
        plain = tf.Variable([1.0, 2.0], name="v")
        read = tf.get_variable("r", [], synchronization=ON_READ)
    assert type(plain) is MirroredVariable
    assert type(read) is SyncOnReadVariable
    assert is_distributed_variable(plain) and not is_distributed_variable(plain.primary)
    assert not isinstance(plain, tf.Variable)  # nor in TensorFlow 1.15
    assert plain.trainable and not read.trainable
    assert repr(plain) == (
        "MirroredVariable:{\n"
        "  0 /replica:0/task:0/device:CPU:0: <tf.Variable 'v:0' shape=(2,) "
        "dtype=float32>,\n"
        "  1 /replica:0/task:0/device:CPU:1: <tf.Variable 'v/replica_1:0' shape=(2,) "
        "dtype=float32>\n"
        "}"
    )
    assert plain.distribute_strategy is mirrored
    assert plain.devices == mirrored.extended.worker_devices
    assert plain.device == plain.devices[0]


def test_collections(graph: Any, mirrored: Any) -> None:
    with mirrored.scope():
        said = tf.get_variable("said", [])
        left_open = tf.Variable(1.0, name="open")
        local = tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    assert tf.global_variables() == [said, left_open]
    assert tf.local_variables() == [local]
    names = [v.name for v in tf.trainable_variables()]
    # of those about which nothing was said the copies are listed, as in TensorFlow 1.15
    assert names[:3] == ["said:0", "open:0", "open/replica_1:0"]
    assert tf.trainable_variables()[0] is said


def test_copies_begin_equal(graph: Any, mirrored: Any) -> None:
    with mirrored.scope():
        variable = tf.get_variable("w", [3], initializer=tf.random_normal_initializer())
    with tf.Session() as session:
        session.run(variable.initializer)
        first, second = session.run(list(variable.values))
        assert session.run(variable.is_initialized())
    np.testing.assert_array_equal(first, second)


def test_as_a_value(eager: Any, mirrored: Any) -> None:
    with mirrored.scope():
        v = tf.Variable([1.0, 4.0])
    assert (v + 1).numpy().tolist() == [2.0, 5.0]
    assert (1 - v).numpy().tolist() == [0.0, -3.0]
    assert (v / 2).numpy().tolist() == [0.5, 2.0]
    assert (8 // v).numpy().tolist() == [8.0, 2.0]
    assert (v**2).numpy().tolist() == [1.0, 16.0]
    assert (-v)[1].numpy() == -4.0
    assert abs(-v)[1].numpy() == 4.0
    assert (v > 2).numpy().tolist() == [False, True]
    assert v[0].numpy() == 1.0
    assert tf.sqrt(v).numpy().tolist() == [1.0, 2.0]
    assert tf.gather(v, [1]).numpy().tolist() == [4.0]
    assert tf.convert_to_tensor(v).numpy().tolist() == [1.0, 4.0]
    assert v == v and hash(v) == hash(v)
    assert v.shape == [2] and v.dtype == tf.float32


def test_assigning_for_all(eager: Any, mirrored: Any) -> None:
    with mirrored.scope():
        v = tf.Variable(1.0)
    for method, value, wanted in (
        ("assign", 4.0, 4.0),
        ("assign_add", 2.0, 6.0),
        ("assign_sub", 1.0, 5.0),
    ):
        getattr(v, method)(value)
        assert [c.numpy() for c in v.values] == [wanted] * 2
    assert v.read_value().numpy() == v.numpy() == 5.0


def test_assigning_in_replicas(eager: Any, mirrored: Any) -> None:
    with mirrored.scope():
        mean = tf.Variable(0.0, aggregation=tf.VariableAggregation.MEAN)
        own = tf.Variable(
            0.0, synchronization=ON_READ, aggregation=tf.VariableAggregation.SUM
        )

        def run() -> Any:
            mean.assign(replica_number())
            own.assign_add(replica_number())
            return own.read_value()

        found = mirrored.experimental_run_v2(run)
        assert own.read_value().numpy() == 3.0
    assert [c.numpy() for c in mean.values] == [1.5, 1.5]
    assert [float(f) for f in mirrored.unwrap(found)] == [1.0, 2.0]


def test_only_the_first_replica_counts(eager: Any, mirrored: Any) -> None:
    first = tf.VariableAggregation.ONLY_FIRST_REPLICA
    with mirrored.scope():
        v = tf.Variable(0.0, aggregation=first)
        r = tf.Variable(0.0, synchronization=ON_READ, aggregation=first)

        def run() -> None:
            v.assign(replica_number())
            r.assign(replica_number())

        mirrored.experimental_run_v2(run)
        assert r.read_value().numpy() == 1.0
    assert [c.numpy() for c in v.values] == [1.0, 1.0]
    assert [c.numpy() for c in r.values] == [1.0, 2.0]


def test_no_aggregation(eager: Any, mirrored: Any) -> None:
    with mirrored.scope():
        v = tf.Variable(0.0)
    with pytest.raises(
        ValueError, match="You must specify an aggregation method to upd"
    ):
        mirrored.experimental_run_v2(lambda: v.assign(1.0))


def test_wrong_options(graph: Any, mirrored: Any) -> None:
    with mirrored.scope():
        with pytest.raises(
            ValueError, match="`NONE` variable synchronization mode is no"
        ):
            tf.Variable(1.0, synchronization=tf.VariableSynchronization.NONE)
        with pytest.raises(
            ValueError, match="Invalid variable synchronization mode: now"
        ):
            tf.Variable(1.0, synchronization="now")
        with pytest.raises(
            ValueError, match="Invalid variable aggregation mode: all for"
        ):
            tf.Variable(1.0, aggregation="all", name="x")


def test_updates_of_each_copy(graph: Any, mirrored: Any) -> None:
    extended = mirrored.extended
    with mirrored.scope():
        v = tf.Variable(1.0)
        own = mirrored.experimental_run_v2(replica_number)
        same = extended.broadcast_to(tf.constant(5.0), v)
        done = extended.update(v, lambda c, x: c.assign_add(x), (same,))
        parts = extended.update(v, lambda c: c.device, group=False)
        handles = extended.update(v, lambda c: v.handle is c.handle, group=False)
        with pytest.raises(TypeError, match="Expected value to be mirrored across rep"):
            extended.update(v, lambda c, x: c.assign_add(x), (own,))
    assert parts == v.devices
    assert handles == (True,)  # equal in both
    with tf.Session() as session:
        session.run(v.initializer)
        session.run(done)
        assert session.run(list(v.values)) == [6.0, 6.0]


def test_a_function_uses_all_copies(eager: Any, mirrored: Any) -> None:
    with mirrored.scope():
        v = tf.Variable(2.0, aggregation=tf.VariableAggregation.SUM)

    @tf.function
    def step() -> Any:
        with mirrored.scope():
            return mirrored.experimental_run_v2(
                lambda: v.assign_add(tf.stop_gradient(replica_number()))
            )

    step()
    step()
    assert [c.numpy() for c in v.values] == [8.0, 8.0]


def test_tapes_watch_the_whole(eager: Any, mirrored: Any) -> None:
    with mirrored.scope():
        second, first = tf.Variable(1.0, name="z"), tf.Variable(2.0, name="a")
    watched: list[Any] = []

    def run() -> Any:
        with tf.GradientTape() as tape:
            loss = first * second * replica_number()
        watched.append(tape.watched_variables())
        return tape.gradient(loss, [first, second])

    found = mirrored.experimental_run_v2(run)
    for variables in watched:
        assert variables == (second, first)  # in the order they were made
    slopes = [[float(x) for x in mirrored.unwrap(f)] for f in found]
    assert slopes == [[1.0, 2.0], [2.0, 4.0]]


def test_slots_have_copies(graph: Any, mirrored: Any) -> None:
    optimizer = tf.train.AdamOptimizer(0.1)
    with mirrored.scope():
        v = tf.Variable([1.0])
        done = mirrored.experimental_run_v2(
            lambda: optimizer.minimize(lambda: v * replica_number(), var_list=[v])
        )
    slots = [optimizer.get_slot(copy, "m") for copy in v.values]
    assert [s.name for s in slots] == [
        "Variable/Adam:0",
        "Variable/Adam/replica_1:0",
    ]
    assert optimizer.get_slot(v, "nothing") is None
    names = [v.name for v in optimizer.variables()]
    assert names == [
        "Variable/Adam:0",
        "Variable/Adam_1:0",
        "beta1_power:0",
        "beta2_power:0",
    ]
    assert all(map(is_distributed_variable, optimizer.variables()))
    assert graph.get_collection(tf.GraphKeys.TRAIN_OP) == [done]


def test_sparse_gradients_are_summed(graph: Any, mirrored: Any) -> None:
    optimizer = tf.train.GradientDescentOptimizer(1.0)

    def step() -> Any:
        table = tf.get_variable("t", [3, 1], initializer=tf.zeros_initializer())
        rows = tf.nn.embedding_lookup(table, [0, 2, 2])
        return optimizer.minimize(tf.reduce_sum(rows) * replica_number())

    with mirrored.scope():
        done = mirrored.group(mirrored.experimental_run_v2(step))
    (table,) = tf.global_variables()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(done)
        for copy in session.run(list(table.values)):
            assert copy.ravel().tolist() == [-3.0, 0.0, -6.0]
