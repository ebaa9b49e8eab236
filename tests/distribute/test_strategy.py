"""What programs use of a strategy."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import retrograd as tf
from retrograd.distribute.reduce_op import ReduceOp
from tests.distribute.conftest import replica_number


def test_a_mean_over_an_axis_of_known_size(graph: Any, mirrored: Any) -> None:
    rows = mirrored.experimental_run_v2(lambda: replica_number() * tf.ones([3]))
    with tf.Session() as session:
        assert session.run(mirrored.reduce("mean", rows, 0)) == 1.5


def test_a_mean_weighs_by_elements(graph: Any, mirrored: Any) -> None:
    def run() -> Any:
        number = replica_number()
        return tf.fill([tf.cast(number, tf.int32)], number)

    found = mirrored.experimental_run_v2(run)
    with tf.Session() as session:
        mean = session.run(mirrored.reduce(tf.distribute.ReduceOp.MEAN, found, 0))
    assert mean == pytest.approx((1 + 2 + 2) / 3)


def test_axes_that_do_not_exist(graph: Any) -> None:
    strategy = tf.distribute.OneDeviceStrategy("cpu:0")
    from retrograd.distribute.strategy import _count

    for axis in (2, -3):
        with pytest.raises(
            ValueError, match=f"`axis` = {axis} out of range for `value`"
        ):
            _count(tf.ones([2, 2]), axis)
    with pytest.raises(TypeError, match="Expected `reduce_op` to be a"):
        strategy.reduce(3, tf.ones([2]), 0)


def test_reduce_ops() -> None:
    kinds = tf.VariableAggregation
    assert ReduceOp.from_variable_aggregation(kinds.SUM) is ReduceOp.SUM
    assert ReduceOp.from_variable_aggregation(kinds.MEAN) is ReduceOp.MEAN
    with pytest.raises(
        ValueError, match=r"Could not convert from `tf.VariableAggregat"
    ):
        ReduceOp.from_variable_aggregation(kinds.NONE)
    assert ReduceOp.of("sum") is ReduceOp.SUM


def test_copies(graph: Any, mirrored: Any) -> None:
    deep = copy.deepcopy(mirrored)
    assert deep is not mirrored
    assert deep.extended is not mirrored.extended
    assert deep.extended._container_strategy() is deep
    with deep.scope():
        assert tf.distribute.get_strategy() is deep
        variable = tf.Variable(1.0)
        assert deep.extended.variable_created_in_scope(variable)
        assert not mirrored.extended.variable_created_in_scope(variable)
    with pytest.raises(RuntimeError, match="Must only deepcopy DistributionStrategy"):
        copy.copy(mirrored)
    with pytest.raises(RuntimeError, match="Should only create a single instance"):
        copy.deepcopy(tf.distribute.get_strategy())


def test_the_default_strategy(graph: Any) -> None:
    strategy = tf.distribute.get_strategy()
    assert strategy.num_replicas_in_sync == 1
    variable = tf.Variable(2.0, use_resource=True)
    assert strategy.extended.variable_created_in_scope(variable)
    with strategy.scope(), tf.device("/cpu:1"):
        beside = strategy.extended.colocate_vars_with(variable)
        with beside:
            assert tf.constant(1.0).op.colocation_groups() == [b"loc:@Variable"]
    assert strategy.unwrap(variable) == (variable,)
    assert strategy.extended.value_container(variable) is variable
    assert strategy.experimental_run_v2(lambda x: x, (variable,)) is variable
    changed = strategy.extended.update(variable, lambda v, d: v.assign_add(d), (3.0,))
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(changed) == 5.0
        assert session.run(strategy.extended.read_var(variable)) == 5.0
        assert session.run(strategy.reduce("sum", variable)) == 5.0


def test_a_scope_of_the_default_strategy_changes_nothing(graph: Any) -> None:
    with tf.distribute.get_strategy().scope() as strategy:
        assert not tf.distribute.has_strategy()
        assert tf.Variable(1.0).op.type == "VariableV2"
        with strategy.scope():
            assert isinstance(tf.Variable(1.0), tf.Variable)


def test_one_device(graph: Any) -> None:
    strategy = tf.distribute.OneDeviceStrategy("cpu:1")
    place = "/replica:0/task:0/device:CPU:1"
    assert strategy.extended.worker_devices == (place,)
    assert strategy.extended.parameter_devices == (place,)
    with strategy.scope():
        variable = tf.Variable(2.0)
        with strategy.extended.colocate_vars_with(variable):
            beside = tf.Variable(3.0)
        total = strategy.experimental_run_v2(
            lambda: variable * replica_number() + beside
        )
        devices = strategy.experimental_run_v2(
            lambda: tf.distribute.get_replica_context().devices
        )
    assert variable.device == total.device == place
    assert beside.op.colocation_groups() == [b"loc:@Variable"]
    assert devices == (place,)
    outside = tf.Variable(1.0, use_resource=True)
    with strategy.scope(), pytest.raises(ValueError, match="created in scope: None"):
        strategy.extended.colocate_vars_with(outside)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(strategy.reduce("sum", total)) == 5.0


def test_partitioners_are_left_aside(
    graph: Any, mirrored: Any, caplog: pytest.LogCaptureFixture
) -> None:
    partitioner = tf.fixed_size_partitioner(2)
    with mirrored.scope():
        found = tf.get_variable("w", [4], partitioner=partitioner)
    assert found.shape == [4]
    assert "Partitioned variables are disabled" in caplog.text


def test_config_protos(mirrored: Any) -> None:
    given = tf.ConfigProto()
    assert mirrored.update_config_proto(given).isolate_session_state
    assert not given.isolate_session_state
    one = tf.distribute.OneDeviceStrategy("cpu:0")
    assert not one.update_config_proto(given).isolate_session_state
    mirrored.configure(session_config=given)


def test_losses_are_divided_by_replicas_where_they_are_means(
    graph: Any, mirrored: Any
) -> None:
    def slope() -> Any:
        variable = tf.get_variable("v", initializer=1.0)
        optimizer = tf.train.GradientDescentOptimizer(1.0)
        ((found, _),) = optimizer.compute_gradients(lambda: 3.0 * variable, [variable])
        return found, tf.get_default_graph()._is_loss_scaled_by_optimizer

    with mirrored.scope():
        whole, scaled = mirrored.experimental_run_v2(slope)
        assert not scaled
        assert tf.distribute.get_loss_reduction() is ReduceOp.SUM
        with mirrored._scale_loss_for_estimator_enabled():
            assert tf.distribute.get_loss_reduction() is ReduceOp.MEAN
            with tf.variable_scope("", reuse=tf.AUTO_REUSE):
                half, scaled = mirrored.experimental_run_v2(slope)
            assert scaled
            graph._last_loss_reduction = "weighted_sum"
            assert tf.distribute.get_loss_reduction() is ReduceOp.SUM
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = session.run([mirrored.unwrap(whole), mirrored.unwrap(half)])
    assert found == [(3.0, 3.0), (1.5, 1.5)]


def test_what_a_subclass_must_define(graph: Any) -> None:
    class Mine(tf.distribute.Strategy):
        def __init__(self) -> None:
            super().__init__(tf.distribute.StrategyExtended(self))

    strategy = Mine()
    with pytest.raises(NotImplementedError, match="must be implemented in descendants"):
        strategy.experimental_run_v2(lambda: None)
    with strategy.scope(), pytest.raises(NotImplementedError):
        tf.Variable(1.0)
    with pytest.raises(NotImplementedError):
        print(strategy.extended.worker_devices)
