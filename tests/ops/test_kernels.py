"""What TensorFlow 1.15 has no kernel for is refused, in its words."""

from __future__ import annotations

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph import context, opdef
from retrograd.ops.declare import F
from retrograd.ops.kernels import kernels

LISTED = """\
  device='CPU'; T in [DT_INT64]
  device='CPU'; T in [DT_INT32]
  device='CPU'; T in [DT_INT16]
  device='CPU'; T in [DT_UINT16]
  device='CPU'; T in [DT_INT8]
  device='CPU'; T in [DT_UINT8]
"""


def test_a_session_refuses_as_tensorflow_does() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        bits = F.PopulationCount(tf.constant([1, 2], tf.uint32), name="a/b")
        with pytest.raises(tf.errors.InvalidArgumentError) as found:
            session.run(bits)
    first, rest = found.value.message.split("\n", 1)
    assert first.startswith(
        "No OpKernel was registered to support Op 'PopulationCount' used by node a/b "
        "(defined at test_kernels.py:"
    )
    assert first.endswith(") with these attrs: [T=DT_UINT32]")
    assert rest == (
        f"Registered devices: [CPU, XLA_CPU]\nRegistered kernels:\n{LISTED}\n\t [[a/b]]"
    )
    assert found.value.op is bits.op


def test_a_function_is_refused_when_it_is_called() -> None:
    @tf.function
    def count(x: tf.Tensor) -> tf.Tensor:
        return F.PopulationCount(x)

    with context.eager_mode():
        assert count(tf.constant([3], tf.int32)).numpy().tolist() == [2]
        with pytest.raises(tf.errors.InvalidArgumentError, match="No OpKernel was"):
            count(tf.constant([3], tf.uint32))


def test_a_branch_that_is_not_taken_is_refused_too() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        bits = tf.constant([1, 2], tf.uint32)
        chosen = tf.cond(
            tf.placeholder_with_default(True, []),
            lambda: tf.constant([1, 2], tf.uint8),
            lambda: F.PopulationCount(bits),
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="No OpKernel was"):
            session.run(chosen)


def test_eager_mode_refuses_as_tensorflow_does() -> None:
    with context.eager_mode():
        bits = tf.constant([1, 2], tf.uint32)
        for _ in range(2):
            with pytest.raises(tf.errors.NotFoundError) as found:
                F.PopulationCount(bits, name="tt")
            assert found.value.message == (
                "Could not find valid device for node.\n"
                "Node:{{node PopulationCount}}\n"
                "All kernels registered for op PopulationCount :\n"
                f"{LISTED} [Op:PopulationCount] name: tt"
            )
        with pytest.raises(tf.errors.NotFoundError) as found:
            F.PopulationCount(bits)
        assert found.value.message.endswith("[DT_UINT8]\n [Op:PopulationCount]")


def test_one_attribute_may_decide_what_another_may_be() -> None:
    """Of the indices that the signature allows, only int32 has kernels."""
    with tf.Graph().as_default(), tf.Session() as session:
        x, ids = tf.constant([1.0, 2.0]), tf.constant([0, 0])
        good = F.SparseSegmentSum(x, tf.constant([0, 1], tf.int32), ids)
        assert session.run(good).tolist() == [3.0]
        bad = F.SparseSegmentSum(x, tf.constant([0, 1], tf.int64), ids)
        with pytest.raises(tf.errors.InvalidArgumentError) as found:
            session.run(bad)
    lines = found.value.message.split("\n")
    assert "T=DT_FLOAT" in lines[0] and "Tidx=DT_INT64" in lines[0]
    assert lines[3] == "  device='CPU'; T in [DT_DOUBLE]; Tidx in [DT_INT32]"
    assert len(lines) == 3 + 10 + 2


def test_the_compilers_kernels_count() -> None:
    """A session without a GPU has a device of XLA; it has the only such kernel."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2])
        inverse = tf.acos(tf.cast(x, tf.bfloat16))
        found = session.run(inverse, {x: np.array([0.1, 0.2])})
    assert found.astype(float).tolist() == [1.46875, 1.3671875]


def test_long_lists_of_dtypes_are_shortened_as_in_tensorflow() -> None:
    found = kernels("ApproximateEqual")
    assert found is not None
    assert found.listing().split("\n")[0] == (
        "  device='XLA_CPU'; T in [DT_FLOAT, DT_DOUBLE, DT_INT32, DT_UINT8, DT_INT8, "
        "..., DT_BFLOAT16, DT_COMPLEX128, DT_HALF, DT_UINT32, DT_UINT64]"
    )


def test_the_table_speaks_of_attributes_that_there_are() -> None:
    read = 0
    for op_type in opdef.names():
        found = kernels(op_type)
        if found is not None:
            definition = opdef.lookup(op_type)
            assert definition is not None
            assert set(found.attrs) <= set(definition.attrs), op_type
            read += 1
    assert read > 300
