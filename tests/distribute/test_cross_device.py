"""Reductions between devices, and copies to several."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd as tf
from retrograd.distribute import cross_device
from retrograd.distribute.devices import LogicalDeviceSpec, ReplicaDeviceMap
from retrograd.distribute.reduce_op import ReduceOp
from retrograd.distribute.values import Mirrored, PerReplica

ONE, TWO = ("/replica:0/task:0/device:CPU:0", "/replica:0/task:0/device:CPU:1")


@pytest.fixture
def own(graph: Any) -> PerReplica:
    made = []
    for i, place in enumerate((ONE, TWO)):
        with tf.device(place):
            made.append(tf.constant(i + 1.0))
    return PerReplica(ReplicaDeviceMap([ONE, TWO]), made)


def _values(found: Any) -> Any:
    with tf.Session() as session:
        return session.run(found.values if isinstance(found, Mirrored) else found)


@pytest.mark.parametrize(
    "ops",
    [
        tf.distribute.ReductionToOneDevice(),
        tf.distribute.ReductionToOneDevice("/cpu:1"),
        tf.distribute.NcclAllReduce(),
        tf.distribute.HierarchicalCopyAllReduce(num_packs=2),
    ],
)
def test_reducing(ops: Any, own: PerReplica) -> None:
    assert _values(ops.reduce(ReduceOp.SUM, own, own)) == (3.0, 3.0)
    mean = ops.reduce(ReduceOp.MEAN, own, "/cpu:1")
    assert mean.device == TWO  # one copy is a tensor
    assert _values(mean) == 1.5
    pairs = [(own, own), (own, LogicalDeviceSpec(own.device_map, 0))]
    both = ops.batch_reduce(ReduceOp.SUM, pairs)
    assert [_values(b) for b in both] == [(3.0, 3.0)] * 2


def test_where_sums_are_made(own: PerReplica) -> None:
    ops = tf.distribute.ReductionToOneDevice(TWO, accumulation_fn=tf.add_n)
    copy = ops.reduce(ReduceOp.SUM, own, ONE)
    assert copy.device == ONE
    assert copy.op.inputs[0].device == TWO


def test_a_value_of_one_replica_stays_where_it_is(graph: Any) -> None:
    ops = tf.distribute.ReductionToOneDevice()
    with tf.device(ONE):
        alone = tf.constant(2.0)
    assert ops.reduce(ReduceOp.SUM, alone, ONE) is alone
    assert ops.batch_reduce(ReduceOp.SUM, [(alone, ONE)]) == [alone]


def test_slices(graph: Any) -> None:
    made = [
        tf.IndexedSlices(
            tf.constant([[i + 1.0]]), tf.constant([i]), tf.constant([3, 1])
        )
        for i in range(2)
    ]
    own = PerReplica(ReplicaDeviceMap([ONE, TWO]), made)
    ops = tf.distribute.ReductionToOneDevice()
    for reduce_op, wanted in ((ReduceOp.SUM, [1.0, 2.0]), (ReduceOp.MEAN, [0.5, 1.0])):
        found = ops.reduce(reduce_op, own, own)
        assert [v.values.device for v in found.values] == [ONE, TWO]
        for part in found.values:
            assert _values(part.values).ravel().tolist() == wanted
            assert _values(part.indices).tolist() == [0, 1]


def test_broadcasts(own: PerReplica) -> None:
    value = tf.constant(4.0)
    found = tf.distribute.ReductionToOneDevice().broadcast(value, own)
    assert [v.device for v in found.values] == [ONE, TWO]
    single = cross_device.simple_broadcast(value, "/cpu:1")
    assert single.device == TWO
    slices = tf.IndexedSlices(tf.ones([1, 1]), tf.constant([0]))
    assert cross_device.simple_broadcast(slices, ONE).dense_shape is None


def test_values_that_are_the_same_everywhere(graph: Any) -> None:
    both = ReplicaDeviceMap([ONE, TWO])
    reduce = cross_device.reduce_non_distributed_value
    assert reduce(ReduceOp.SUM, both, 0, ONE) == 0
    assert reduce(ReduceOp.MEAN, both, 3.0, ONE) == 3.0
    one = ReplicaDeviceMap([ONE])
    assert _values(reduce(ReduceOp.SUM, one, tf.constant(2.0), TWO)) == 2.0
    with pytest.raises(ValueError, match="cannot be reduced with the given reduce op"):
        reduce(ReduceOp.SUM, both, 3.0, ONE)
    with pytest.raises(ValueError, match="You are passing a `DistributedValue`"):
        reduce(ReduceOp.SUM, both, PerReplica(both, (1, 2)), ONE)


def test_refusals(own: PerReplica) -> None:
    ops = tf.distribute.ReductionToOneDevice()
    with pytest.raises(ValueError, match="destinations must be one of a"):
        ops.reduce(ReduceOp.SUM, own, 3)
    with pytest.raises(ValueError, match="destinations can not be empty"):
        ops.reduce(ReduceOp.SUM, own, "")
    with pytest.raises(ValueError, match="but expected a object that is not a tuple"):
        ops.reduce(ReduceOp.SUM, [own], ONE)
    with pytest.raises(ValueError, match="because it doesn't have device set"):
        ops.reduce(ReduceOp.SUM, 3.0, ONE)
    with pytest.raises(
        ValueError, match=r"`reduce_op` must be Reduce.SUM or Reduce.MEAN"
    ):
        ops.reduce("product", own, ONE)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"should be a tuple\.$"):
        ops.batch_reduce(ReduceOp.SUM, [own])
    with pytest.raises(ValueError, match="should be a tuple of size 2"):
        ops.batch_reduce(ReduceOp.SUM, [(own,)])
    base = tf.distribute.CrossDeviceOps()
    with pytest.raises(NotImplementedError, match="_reduce method must be implemented"):
        base.reduce(ReduceOp.SUM, own, own)
    with pytest.raises(NotImplementedError, match="_batch_reduce method must be"):
        base.batch_reduce(ReduceOp.SUM, [(own, own)])


def test_devices_that_do_not_exist(
    graph: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cross_device.choose_the_best(["/gpu:7"])
    assert "not visible to TensorFlow: /replica:0/task:0/device:GPU:7" in caplog.text
