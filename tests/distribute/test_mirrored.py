"""Making strategies over several devices."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd as tf


def test_devices(graph: Any) -> None:
    made = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:2"])
    wanted = tuple(f"/replica:0/task:0/device:CPU:{i}" for i in (0, 2))
    extended = made.extended
    assert extended.worker_devices == extended.parameter_devices == wanted
    assert extended.non_slot_devices([]) == wanted
    assert made.num_replicas_in_sync == 2
    assert extended.should_checkpoint and extended.should_save_summary
    assert extended.experimental_should_init
    assert not extended.experimental_between_graph


def test_all_devices_by_default(eager: Any) -> None:
    made = tf.distribute.MirroredStrategy()
    assert made.num_replicas_in_sync == 2
    with made.scope():
        assert [c.device[-5:] for c in tf.Variable(1.0).values] == ["CPU:0", "CPU:1"]


def test_wrong_devices(graph: Any) -> None:
    with pytest.raises(
        AssertionError, match="No duplicates allowed in `devices` argum"
    ):
        tf.distribute.MirroredStrategy(["cpu:0", "/device:CPU:0"])
    with pytest.raises(ValueError, match="a device on another computer") as caught:
        tf.distribute.MirroredStrategy(["/job:worker/task:1/cpu:0"])
    assert "got:  /job:worker/replica:0/task:1/device:CPU:0" in str(caught.value)


def test_a_way_to_reduce_of_ones_own(graph: Any) -> None:
    ops = tf.distribute.ReductionToOneDevice(accumulation_fn=lambda values: values[0])
    made = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"], ops)
    with made.scope():
        found = made.experimental_run_v2(
            lambda: tf.distribute.get_replica_context().replica_id_in_sync_group + 5
        )
        first = made.reduce("sum", found)
        with pytest.raises(AssertionError):
            made.extended.reduce_to("sum", made.extended.broadcast_to(first, found), "")
    with tf.Session() as session:
        assert session.run(first) == 5


def test_numbers_are_the_same_everywhere(graph: Any, mirrored: Any) -> None:
    with mirrored.scope():
        assert mirrored.extended.broadcast_to(2.0, "/cpu:1") == 2.0
        assert mirrored.reduce("mean", 3.0) == 3.0
