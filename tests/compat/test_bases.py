"""Public classes are derived from those that TensorFlow 1.15 derives them from."""

import gzip
import pathlib

import pytest

import retrograd as tf
from retrograd.compat import table
from retrograd.compat.namespace import look_up
from retrograd.contrib.opt.external_optimizer import ExternalOptimizerInterface

DATA = pathlib.Path(__file__).parent.parent / "data" / "bases.txt.gz"
LINES = gzip.decompress(DATA.read_bytes()).decode().splitlines()
#: test cases are collected by this name
OTHER_NAMES = {"test.TestCase", "test.Benchmark"}
#: the initializers of TensorFlow 2 compute as those of 1 do, and are derived from them
SHARED = ("compat.v2.initializers.", "compat.v2.constant_init", "compat.v2.ones_init")
SHARED += ("compat.v2.zeros_init", "compat.v2.random_")


def found(name):
    parent, _, last = name.rpartition(".")
    try:
        return look_up(parent, last)
    except table.NotProvided:
        return None


def read(line):
    """The name, `__name__`, whether the nearest base is public, and public bases."""
    name, own, _, *bases = line.split()
    return name, own, bases[:1] != ["~"], [b for b in bases if b != "~"]


def test_public_bases():
    classes = {name: found(name) for name, *_ in map(read, LINES)}
    provided = {name: c for name, c in classes.items() if isinstance(c, type)}
    names = {c: name for name, c in provided.items()}
    wrong = []
    for name, own, near, bases in map(read, LINES):
        here = provided.get(name)
        if here is None or name.startswith(SHARED):
            continue
        wanted = [b for b in bases if b in provided]
        public = [names[c] for c in here.__mro__[1:] if c in names]
        if wanted != public:
            wrong.append((name, wanted, public))
        if near and bases and bases[0] in provided:
            if here.__base__ is not provided[bases[0]]:
                wrong.append((name, "__base__", here.__base__))
        if here.__name__ != own and name not in OTHER_NAMES:
            wrong.append((name, own, here.__name__))
    assert wrong == []
    assert len(provided) > 100


def test_optimizers_as_a_library_finds_them():
    optimizers = [
        c
        for c in (getattr(tf.train, name) for name in dir(tf.train))
        if isinstance(c, type) and c.__base__ is tf.train.Optimizer
    ]
    assert tf.train.AdamOptimizer in optimizers and len(optimizers) >= 10


def test_an_optimizer_of_a_programs_own():
    class Mine(tf.train.AdamOptimizer):
        def _apply_dense(self, grad, var):
            return super()._apply_dense(2 * grad, var)

    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=[1.0])
        step = Mine(0.1).minimize(tf.reduce_sum(w * w))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(step)
            assert session.run(w) == pytest.approx([0.9], abs=1e-6)
    assert not issubclass(ExternalOptimizerInterface, tf.train.Optimizer)


def test_errors_of_one_code():
    error = tf.errors.NotFoundError(None, None, "gone")
    assert type(error).__base__ is tf.errors.OpError
    assert error.error_code == tf.errors.NOT_FOUND
    assert (error.message, error.op, error.node_def) == ("gone", None, None)


def test_schedules():
    class Mine(tf.keras.optimizers.schedules.LearningRateSchedule):
        pass

    with pytest.raises(NotImplementedError, match="must override __call__"):
        Mine()(3)
    with pytest.raises(NotImplementedError, match="must override get_config"):
        Mine().get_config()
    with tf.Graph().as_default(), tf.Session() as session:
        rate = tf.keras.optimizers.schedules.InverseTimeDecay(0.5, 10, 2.0)
        assert session.run(rate(tf.constant(5))) == pytest.approx(0.25)
        noisy = tf.keras.experimental.NoisyLinearCosineDecay(
            0.5, 10, initial_variance=0.0
        )
        plain = tf.keras.experimental.LinearCosineDecay(0.5, 10)
        assert session.run(noisy(tf.constant(5))) == pytest.approx(
            session.run(plain(tf.constant(5)))
        )


def test_reductions_between_devices():
    with pytest.raises(ValueError, match="NCCL all-reduce requires num_packs >= 0"):
        tf.distribute.NcclAllReduce(-1)
    with pytest.raises(ValueError, match="HierarchicalCopy requires num_packs >= 0"):
        tf.distribute.HierarchicalCopyAllReduce(-1)
    hierarchical = tf.distribute.HierarchicalCopyAllReduce(2)
    assert not isinstance(hierarchical, tf.distribute.NcclAllReduce)
    assert isinstance(hierarchical, tf.contrib.distribute.AllReduceCrossDeviceOps)


def test_names_of_python_2():
    assert tf.Tensor.__nonzero__ is tf.Tensor.__bool__
    assert tf.TensorShape([1]).__nonzero__()
    assert not tf.TensorShape(None).__nonzero__()
    assert tf.Dimension(7).__div__(2) == 3 and tf.Dimension(7).__long__() == 7
    with pytest.raises(TypeError, match="please use // instead"):
        tf.Dimension(7).__rdiv__(20)
    assert not tf.train.ClusterSpec({}).__nonzero__()


def test_the_spec_of_a_sparse_value():
    sparse = tf.SparseTensorValue([[0, 1]], [2.0], [3, 4])
    with tf.Graph().as_default():
        for value in (sparse, tf.SparseTensor(*sparse)):
            spec = tf.SparseTensorSpec.from_value(value)
            assert (spec.dtype, spec.shape) == (tf.float32, tf.TensorShape([3, 4]))
    with pytest.raises(TypeError, match="Expected SparseTensor or SparseTensorValue"):
        tf.SparseTensorSpec.from_value(3)


def test_the_base_of_benchmarks():
    assert tf.test.Benchmark.is_abstract()
