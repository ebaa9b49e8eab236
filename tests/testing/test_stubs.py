"""tf.test.StubOutForTesting puts back what it replaced."""

import os.path

import pytest

import retrograd as tf


class Base:
    @staticmethod
    def inherited():
        return "base"


class Derived(Base):
    @staticmethod
    def own():
        return "derived"


def test_module_attribute():
    before = os.path.exists
    with tf.test.StubOutForTesting() as stubs:
        stubs.Set(os.path, "exists", lambda path: "stub")
        stubs.Set(os.path, "exists", lambda path: "twice")
        assert os.path.exists("/") == "twice"
    assert os.path.exists is before


def test_static_method_stays_static():
    stubs = tf.test.StubOutForTesting()
    stubs.SmartSet(Derived, "own", lambda: "stub")
    assert Derived.own() == "stub"
    stubs.SmartUnsetAll()
    assert Derived().own() == "derived"


def test_inherited_attribute_leaves_the_base_alone():
    stubs = tf.test.StubOutForTesting()
    stubs.SmartSet(Derived(), "inherited", staticmethod(lambda: "stub"))
    assert (Derived.inherited(), Base.inherited()) == ("stub", "base")
    stubs.CleanUp()
    assert Derived.inherited() == "base"
    assert "inherited" not in vars(Derived)


def test_missing_attribute():
    with pytest.raises(AttributeError):
        tf.test.StubOutForTesting().SmartSet(Derived, "absent", None)
