"""Names of devices in full, and which replica is on which."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd as tf
from retrograd.distribute.devices import (
    ReplicaDeviceMap,
    SingleDeviceMap,
    canonicalize,
    current_device,
    host_of,
    resolve,
)


def test_names_in_full(graph: Any) -> None:
    assert canonicalize("cpu:1") == "/replica:0/task:0/device:CPU:1"
    assert canonicalize("/gpu:0") == "/replica:0/task:0/device:GPU:0"
    assert canonicalize("/job:worker/task:2") == (
        "/job:worker/replica:0/task:2/device:CPU:0"
    )
    assert canonicalize("/task:3", "/gpu:1") == "/replica:0/task:3/device:GPU:1"
    assert host_of("/job:a/task:2/gpu:3") == "/job:a/task:2/device:CPU:0"


def test_names_where_ops_run_at_once(eager: Any) -> None:
    assert canonicalize("cpu:1") == "/job:localhost/replica:0/task:0/device:CPU:1"
    with tf.device("cpu:1"):
        assert resolve("") == "/job:localhost/replica:0/task:0/device:CPU:1"


def test_the_device_in_force(graph: Any) -> None:
    assert current_device() == ""
    with tf.device("/job:a"), tf.device("/gpu:1"):
        assert current_device() == "/job:a/device:GPU:1"
        assert resolve("/task:1") == "/job:a/replica:0/task:1/device:GPU:1"
        with tf.device(None):
            assert current_device() == ""
    with tf.device(lambda op: "/cpu:2"):
        assert resolve("") == "/replica:0/task:0/device:CPU:2"


def test_maps(graph: Any) -> None:
    both = ReplicaDeviceMap(["cpu:0", "cpu:1"])
    assert both.num_replicas_in_graph == 2
    assert both.logical_to_actual_devices(0) == both.all_devices
    assert list(both.devices_by_replica) == [(d,) for d in both.all_devices]
    assert both.select_for_device("ab", both.all_devices[1]) == "b"
    assert both.replica_for_device("elsewhere") is None
    assert both.is_device_in_replica("/cpu:1", 1)
    assert not both.is_device_in_replica("/cpu:1", 0)
    assert str(both) == f"[{', '.join(both.all_devices)}]"
    one = SingleDeviceMap("cpu:1")
    assert one.select_for_device("a", one.all_devices[0]) == "a"
    assert one.select_for_current_replica("a", None) == "a"
    assert repr(one) == "SingleDeviceMap('/replica:0/task:0/device:CPU:1')"
    for places in (both, one):
        with pytest.raises(ValueError, match="Device elsewhere not found in"):
            places.select_for_device("ab", "elsewhere")
    with pytest.raises(ValueError, match="Duplicate devices in"):
        ReplicaDeviceMap(["cpu:0", "/device:CPU:0"])
