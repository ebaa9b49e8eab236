"""Strategies over two devices of the host."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd as tf
from retrograd.graph import context
from retrograd.run import configuration


@pytest.fixture
def graph() -> Any:
    """A graph of the test's own."""
    with tf.Graph().as_default() as found:
        yield found


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Eager mode, the CPU in two parts."""
    cpu = configuration.list_physical_devices("CPU")[0]
    parts = [configuration.VirtualDeviceConfiguration()] * 2
    monkeypatch.setattr(configuration._settings, "virtual", {cpu: parts})
    with context.eager_mode():
        yield


@pytest.fixture
def mirrored() -> Any:
    """A strategy with two replicas."""
    return tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])


def replica_number() -> Any:
    """1 and 2: a float32 scalar that differs between replicas."""
    replica = tf.distribute.get_replica_context()
    return tf.cast(replica.replica_id_in_sync_group, tf.float32) + 1.0
