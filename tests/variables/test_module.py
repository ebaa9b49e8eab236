"""`tf.Module` and what it depends on, as TensorFlow 1.15 has them."""

import pytest

import retrograd as tf
from retrograd.util.tracking import NoDependency, Trackable


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


class Dense(tf.Module):
    def __init__(self, size, name=None):
        super().__init__(name)
        with self.name_scope:
            self.w = tf.Variable(tf.zeros([size, size]), name="w")
            self.b = tf.Variable(tf.zeros([size]), trainable=False, name="b")

    @tf.Module.with_name_scope
    def __call__(self, x):
        return tf.matmul(x, self.w, name="product")


class TwoLayers(tf.Module):
    def __init__(self):
        super().__init__()
        with self.name_scope:
            self.layers = [Dense(2), Dense(2)]
            self.first = {"again": self.layers[0]}


def test_names():
    module = TwoLayers()
    assert module.name == "two_layers"
    assert [v.name for v in module.layers[1].variables] == [
        "two_layers/dense_1/b:0",
        "two_layers/dense_1/w:0",
    ]
    assert module.layers[0](tf.zeros([1, 2])).name == "two_layers/dense/product:0"
    assert Dense.__call__.__name__ == "__call__"
    assert Dense(1, "mine").name == "mine"
    with module.name_scope as scope:
        assert scope == "two_layers/"


def test_bad_name():
    with pytest.raises(ValueError) as caught:
        tf.Module("1a")
    assert str(caught.value) == (
        "'1a' is not a valid module name. Module names must be valid Python "
        "identifiers (e.g. a valid class name)."
    )


def test_variables_and_parts_come_once():
    module = TwoLayers()
    first, second = module.layers
    assert module.submodules == (first, second)
    assert module.variables == (first.b, first.w, second.b, second.w)
    assert module.trainable_variables == (first.w, second.w)


def test_breadth_first():
    a, b, c, d = (tf.Module(n) for n in "abcd")
    a.x, a.y, b.z = b, c, d
    assert a.submodules == (b, c, d)
    assert [m.name for m in a._flatten(predicate=lambda o: o is d)] == ["d"]


def test_flatten_with_paths():
    module = TwoLayers()
    found = module._flatten(
        predicate=lambda o: isinstance(o, Dense), with_path=True, recursive=False
    )
    assert list(found) == [
        (("first", "again"), module.layers[0]),
        (("layers", 0), module.layers[0]),
        (("layers", 1), module.layers[1]),
    ]
    backwards = module._flatten(
        predicate=lambda o: isinstance(o, Dense),
        attribute_traversal_key=lambda name: -ord(name[0]),
    )
    assert next(backwards) is module.layers[0]


def test_dependencies():
    outer, inner = tf.Module("outer"), tf.Module("inner")
    outer.part = inner
    outer.other = outer._no_dependency(tf.Module("other"))
    assert [tuple(r) for r in outer._checkpoint_dependencies] == [("part", inner)]
    assert outer._lookup_dependency("part") is inner
    assert outer._lookup_dependency("other") is None
    assert outer.other.name == "other"
    outer.part = replaced = tf.Module("replaced")
    assert outer._lookup_dependency("part") is replaced
    del outer.part
    assert outer._checkpoint_dependencies == []
    assert isinstance(outer._no_dependency(3), NoDependency)


def test_tracking_by_hand():
    one, other = Trackable(), Trackable()
    assert one._track_trackable(other, "x") is other
    one._track_trackable(other, "x")
    with pytest.raises(ValueError, match="already declared as a dependency"):
        one._track_trackable(Trackable(), "x")
    with pytest.raises(TypeError, match="not a Trackable"):
        one._track_trackable(3, "y")  # pyright: ignore[reportArgumentType]
