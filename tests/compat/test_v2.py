"""`tf.compat.v2`: all names of 1.15's that are provided, as TensorFlow 2 has them."""

import gzip
import pathlib

import numpy as np
import pytest

import retrograd as tf
from retrograd.compat import table
from retrograd.compat.namespace import look_up, namespace

DATA = pathlib.Path(__file__).parent.parent / "data" / "shared_names.txt.gz"
v2 = tf.compat.v2
X = np.array([[1.0, -2.0, 0.0], [4.0, 0.5, 3.0]], np.float32)


def is_there(name: str) -> bool:
    parent, _, last = name.rpartition(".")
    try:
        look_up(parent, last)
    except table.NotProvided:
        return False
    return True


def test_what_has_a_name_in_tf_has_those_of_v2():
    absent = []
    for line in gzip.decompress(DATA.read_bytes()).decode().splitlines():
        public = [n[1:] for n in line.split() if n.startswith(":")]
        if any(is_there(n) for n in public):
            absent += [n for n in public if not is_there(n)]
    assert absent == []


def test_v1_lies_inside():
    assert v2.compat.v1.reduce_sum is tf.reduce_sum
    assert v2.compat.v1.nn.softmax_cross_entropy_with_logits is (
        tf.nn.softmax_cross_entropy_with_logits
    )
    assert {"nn", "compat", "reduce_sum", "Module"} - {*dir(v2)} <= {"Module"}


def value(tensor):
    with tf.Session(graph=tensor.graph) as session:
        return session.run(tensor)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reduce_sum", X.sum(1)),
        ("reduce_mean", X.mean(1)),
        ("reduce_prod", X.prod(1)),
        ("reduce_min", X.min(1)),
        ("reduce_max", X.max(1)),
        ("reduce_logsumexp", np.log(np.exp(X).sum(1))),
    ],
)
def test_reductions(name, expected):
    function = getattr(v2, name)
    assert function is getattr(v2.math, name) is not getattr(tf, name)
    with tf.Graph().as_default():
        assert np.allclose(value(function(X, 1)), expected, atol=1e-6)
        kept = function(X, axis=1, keepdims=True, name="kept")
        assert kept.shape == (2, 1) and kept.op.name.startswith("kept")
    with pytest.raises(TypeError):
        function(X, reduction_indices=1)


def test_logical_reductions_and_counts():
    with tf.Graph().as_default():
        assert value(v2.reduce_all(X > -3, 1)).tolist() == [True, True]
        assert value(v2.reduce_any(X > 3, 1)).tolist() == [False, True]
        assert value(v2.math.count_nonzero(input=X, axis=1)).tolist() == [2, 3]
        assert v2.math.count_nonzero(X, dtype=tf.int32).dtype == tf.int32


def test_positions():
    with tf.Graph().as_default():
        assert value(v2.argmax(X, 1, tf.int32)).tolist() == [0, 0]
        assert value(v2.argmin(X, 1)).tolist() == [1, 1]
        assert v2.argmax(X, 1, tf.int32).dtype == tf.int32


def test_arguments_in_another_order():
    with tf.Graph().as_default():
        matrix = v2.math.confusion_matrix([0, 1], [1, 1], 2, [2, 5])
        assert value(matrix).tolist() == [[0, 2], [0, 5]]
        assert v2.convert_to_tensor(3, None, tf.float32, "three").dtype == tf.float32
        counts = v2.math.bincount([0, 1, 1], name="counts")
        assert counts.op.name.startswith("counts") and value(counts).tolist() == [1, 2]
        loss = v2.nn.softmax_cross_entropy_with_logits([[0.0, 1.0]], [[1.0, 1.0]])
        assert np.allclose(value(loss), np.log(2))
        assert np.allclose(value(v2.norm(X)), np.linalg.norm(X))
        assert value(v2.scalar_mul(2.0, tf.constant(3.0), "twice")) == 6
        checked = v2.debugging.assert_all_finite(X, "finite")
        assert (value(checked) == X).all()


def test_branches_keep_lists():
    with tf.Graph().as_default():
        yes = tf.constant(True)
        assert isinstance(v2.cond(yes, lambda: [1.0], lambda: [2.0]), list)
        assert not isinstance(tf.cond(yes, lambda: [1.0], lambda: [2.0]), list)
        pairs = [(yes, lambda: [tf.constant(1.0)])]
        assert isinstance(v2.case(pairs, default=lambda: [tf.constant(2.0)]), list)


def test_gradients():
    with tf.Graph().as_default():
        x = tf.constant(3.0)
        assert value(v2.gradients(x * x, x)[0]) == 6
        with pytest.raises(TypeError):
            v2.gradients(x, x, colocate_gradients_with_ops=True)


def test_devices():
    with tf.Graph().as_default():
        with v2.device("/cpu:0"):
            assert tf.constant(1.0).device == "/device:CPU:0"
        with pytest.raises(RuntimeError, match=r"tf.device does not support functions"):
            v2.device(lambda op: "/cpu:0")


def test_device_specs():
    spec = v2.DeviceSpec(job="a", device_type="gpu", device_index=1)
    assert spec.to_string() == "/job:a/device:GPU:1"
    with pytest.raises(AttributeError):
        spec.job = "b"
    assert spec.parse_from_string("/job:c").to_string() == "/job:c"
    assert spec.job == "a"
    assert spec.make_merged_spec(v2.DeviceSpec(job="d")).job == "d"
    assert issubclass(tf.DeviceSpec, v2.DeviceSpec)
    changing = tf.DeviceSpec(job="a")
    changing.job, changing.device_type = 3, "gpu"
    assert changing.to_string() == "/job:3/device:GPU:*"
    assert changing.parse_from_string("/cpu:0") is changing
    assert changing.job is None


def test_generated_functions_take_the_names_of_115():
    module = namespace("python.ops.gen_math_ops")
    with tf.Graph().as_default():
        assert value(module.mean(input=X, axis=1, keep_dims=False)).shape == (2,)
        expanded = namespace("python.ops.gen_array_ops").expand_dims(X, axis=0)
        assert expanded.shape == (1, 2, 3)
    with pytest.raises(TypeError):
        module.mean(input=X, reduction_indices=1)


def test_assert_equal_graph_def():
    with tf.Graph().as_default() as graph:
        tf.constant(1.0)
    v2.test.assert_equal_graph_def(graph.as_graph_def(), graph.as_graph_def())
    with pytest.raises(AssertionError):
        v2.test.assert_equal_graph_def(graph.as_graph_def(), tf.GraphDef())
