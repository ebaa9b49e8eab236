"""Which strategy is in force, and for whom."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import retrograd as tf
from retrograd.distribute import current

distribute = tf.distribute
pytestmark = pytest.mark.usefixtures("graph")


def _state() -> tuple[Any, ...]:
    return (
        distribute.has_strategy(),
        distribute.in_cross_replica_context(),
        distribute.get_replica_context() is None,
        current.get_cross_replica_context() is None,
    )


def test_without_a_strategy() -> None:
    assert _state() == (False, False, False, True)
    default = distribute.get_strategy()
    assert default is distribute.get_strategy()
    assert distribute.get_replica_context().strategy is default
    assert distribute.get_replica_context().replica_id_in_sync_group == 0
    assert current.get_strategy_and_replica_context() == (
        default,
        distribute.get_replica_context(),
    )


def test_in_a_scope(mirrored: Any) -> None:
    with mirrored.scope() as inner:
        assert inner is mirrored is distribute.get_strategy()
        assert _state() == (True, True, True, False)
        with mirrored.scope():
            assert _state() == (True, True, True, False)
        assert distribute.get_strategy() is mirrored
    assert _state() == (False, False, False, True)


def test_in_a_replica(mirrored: Any) -> None:
    found = mirrored.experimental_run_v2(_state)
    assert found == (True, False, False, True)


def test_in_branches_and_functions(mirrored: Any) -> None:
    inside: list[Any] = []

    def note() -> Any:
        inside.append(distribute.get_strategy() is mirrored)
        return tf.constant(1.0)

    with mirrored.scope():
        tf.cond(tf.placeholder(tf.bool, []), note, note)
        tf.while_loop(lambda x: x < 3.0, lambda x: x + note(), [tf.constant(0.0)])
        tf.function(note)()
    assert inside == [True] * 4


def test_other_threads_and_graphs_have_none(mirrored: Any) -> None:
    found: list[bool] = []
    with mirrored.scope():
        thread = threading.Thread(
            target=lambda: found.append(distribute.has_strategy())
        )
        thread.start()
        thread.join()
        with tf.Graph().as_default():
            found.append(distribute.has_strategy())
    assert found == [False, False]


def test_setting_a_strategy(mirrored: Any) -> None:
    distribute.experimental_set_strategy(mirrored)
    assert distribute.get_strategy() is mirrored
    other = distribute.OneDeviceStrategy("cpu:0")
    distribute.experimental_set_strategy(other)
    assert distribute.get_strategy() is other
    distribute.experimental_set_strategy(None)
    assert not distribute.has_strategy()
    with mirrored.scope():
        with pytest.raises(
            RuntimeError, match=r"Must not be called inside a `tf.distri"
        ):
            distribute.experimental_set_strategy(other)


def test_leaving_scopes_in_a_wrong_order(mirrored: Any) -> None:
    scope, variables = mirrored.scope(), tf.variable_scope("inner")
    scope.__enter__()
    variables.__enter__()
    with pytest.raises(
        RuntimeError, match="Variable scope nesting error: move call to"
    ):
        scope.__exit__(None, None, None)


def test_a_replica_that_is_not_at_work(mirrored: Any) -> None:
    replica = distribute.get_replica_context()
    with mirrored.scope():
        with pytest.raises(RuntimeError, match="Need to be inside `call_for_each_rep"):
            replica.merge_call(lambda strategy: None)

    def other() -> None:
        with pytest.raises(RuntimeError, match=r"Mismatching tf.distribute.Strategy"):
            replica.merge_call(lambda strategy: None)

    mirrored.experimental_run_v2(other)

    def same() -> None:
        copy = type(distribute.get_replica_context())(mirrored, 0)
        with pytest.raises(RuntimeError, match=r"Mismatching ReplicaContext."):
            copy.merge_call(lambda strategy: None)

    mirrored.experimental_run_v2(same)


def test_update_devices() -> None:
    assert current.get_update_device() is None
    with current.updating("a"), current.updating("b"):
        assert current.get_update_device() == "b"
    assert current.get_update_device() is None
