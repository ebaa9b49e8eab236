"""The eager context, as TensorFlow 1.15's own modules ask for it."""

from __future__ import annotations

import retrograd as tf
from retrograd.compat.internals.eager_context import context, device, num_gpus
from retrograd.compat.namespace import look_up
from retrograd.graph import context as modes

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


def test_modes_devices_and_scopes():
    here = context()
    assert here.devices() == [CPU]
    assert here.num_gpus() == num_gpus() == 0
    assert repr(here).startswith("Eager TensorFlow Context with 1 devices\n")
    assert not here.executing_eagerly()
    with modes.eager_mode():
        assert here.executing_eagerly()
        assert (here.device_name, here.scope_name) == ("", "")
        with device("cpu:0"), tf.name_scope("scope"):
            assert here.device_name.endswith("CPU:0")
            assert here.scope_name == "scope/"
        assert here.device_name == ""


def test_graphs_are_not_concerned():
    with tf.Graph().as_default(), device("/cpu:0"):
        assert tf.constant(1).op.device == ""


def test_names():
    assert look_up("python.eager.context", "context") is context
    with modes.eager_mode():
        kind = look_up("python.framework.ops", "EagerTensor")
        assert type(tf.constant(1)) is kind
