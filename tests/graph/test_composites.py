"""Composite values: conversions, descriptions; what graphs do not allow."""

import numpy as np
import pytest

import retrograd as tf
from retrograd import dtypes
from retrograd.errors import OperatorNotAllowedInGraphError
from retrograd.graph import composite, context, specs
from retrograd.graph.conversion_status import ControlStatusCtx, Status
from retrograd.ops.array.tensor_values import is_tensor
from retrograd.ops.state import shared_resources


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


class Pair:
    def __init__(self, *parts):
        self.parts = parts


class PairTensor(specs.CompositeTensor):
    def __init__(self, parts):
        self.parts = [tf.convert_to_tensor(p) for p in parts]


def test_own_composites():
    tf.register_tensor_conversion_function(
        Pair, lambda x, *_, **__: PairTensor(x.parts)
    )
    made = composite.convert_to_tensor_or_composite(Pair(1, [2.0]))
    assert [t.dtype for t in made.parts] == [tf.int32, tf.float32]
    assert not is_tensor(made)
    with pytest.raises(RuntimeError, match="returned non-Tensor"):
        tf.convert_to_tensor(Pair(1))
    several = composite.convert_n_to_tensor_or_composite([Pair(1), None, 2])
    assert several[0].parts and several[1] is None and is_tensor(several[2])


def test_sparse_values_become_sparse_tensors():
    value = tf.SparseTensorValue([[0, 1]], [2.0], [2, 2])
    made = composite.convert_to_tensor_or_sparse_tensor(value)
    assert isinstance(made, tf.SparseTensor)
    assert composite.convert_to_tensor_or_sparse_tensor(made) is made
    assert is_tensor(composite.convert_to_tensor_or_sparse_tensor([1]))
    with pytest.raises(RuntimeError, match="Sparse dtype: requested = int32"):
        composite.convert_to_tensor_or_sparse_tensor(made, tf.int32)


def test_arrays_make_values():
    arrays = [np.array([[0]]), np.array([1.0]), np.array([3])]
    made = composite.SparseTensorSpec()._from_components(arrays)
    assert isinstance(made, tf.SparseTensorValue)
    made = composite.IndexedSlicesSpec()._from_components(arrays[:2])
    assert isinstance(made, composite.IndexedSlicesValue) and made.dense_shape is None


def test_batches_of_sparse_tensors():
    spec = composite.SparseTensorSpec([2, None], dtypes.int32)
    assert spec._batch(3) == composite.SparseTensorSpec([3, 2, None], dtypes.int32)
    assert spec._unbatch() == composite.SparseTensorSpec([None], dtypes.int32)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (Status.UNSPECIFIED, "is not allowed in Graph execution. Use Eager"),
        (Status.ENABLED, "is not allowed: AutoGraph did not convert this function."),
        (Status.DISABLED, "is not allowed: AutoGraph is disabled in this function."),
    ],
)
def test_values_are_not_there_yet(status, text):
    with ControlStatusCtx(status):
        with pytest.raises(OperatorNotAllowedInGraphError) as raised:
            bool(tf.constant(True))
        assert text in str(raised.value)
        with pytest.raises(OperatorNotAllowedInGraphError, match="iterating over"):
            iter(tf.constant([1]))


def test_tensors_of_graphs_are_no_values():
    x = tf.constant(1.0)
    with (
        context.eager_mode(),
        pytest.raises(TypeError, match="being passed"),
    ):
        tf.add(x, x)


def test_eager_devices_nest():
    with context.eager_mode():
        outer = tf.device("/cpu:0")
        outer.__enter__()
        with tf.device(None), pytest.raises(RuntimeError, match="proper scope nesting"):
            outer.__exit__(None, None, None)
        context.local.device = ""


def test_functions_are_called_for_control_in_eager_mode():
    calls = []
    with context.eager_mode(), tf.control_dependencies([lambda: calls.append(1)]):
        assert calls == [1]


def test_resources_are_reported_until_they_are_created():
    created = tf.Variable(False)
    make = tf.assign(created, True)
    handle = tf.constant(1, name="thing")
    shared_resources.register_resource(handle, make.op, created.read_value())
    shared_resources.register_resource(handle, make.op, created, is_shared=False)
    missing = shared_resources.report_uninitialized_resources()
    shared = shared_resources.shared_resources()
    with tf.Session() as session:
        session.run(created.initializer)
        assert session.run(missing).tolist() == [b"thing:0"] * 2
        session.run(shared_resources.initialize_resources(shared))
        assert session.run(missing).tolist() == []
    assert shared_resources.report_uninitialized_resources([]).shape == [0]
    assert shared_resources.initialize_resources([]).type == "NoOp"
