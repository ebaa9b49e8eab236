"""The default graph's methods as functions of tf."""

import pytest

from retrograd.graph import context, defaults
from retrograd.graph.graph import Graph
from retrograd.ops.array.constant import constant
from retrograd.ops.array.identity import identity


def test_in_a_graph():
    with Graph().as_default():
        first = constant(1.0)
        with defaults.device("/gpu:0"), defaults.container("box"):
            placed = identity(first)
        with defaults.control_dependencies([placed]), defaults.colocate_with(placed.op):
            after = identity(first)
        assert placed.device == "/device:GPU:0"
        assert after.op.control_inputs == [placed.op]
        assert after.op.colocation_groups() == [b"loc:@Identity"]
        with defaults.op_scope([first], None, "named") as scope:
            assert (scope, defaults.get_name_scope()) == ("named/", "named")
        assert not defaults.inside_function()
        assert not defaults.executing_eagerly_outside_functions()
        assert defaults.has_default_graph()


def test_collections():
    with Graph().as_default():
        defaults.add_to_collection("one", 1)
        defaults.add_to_collections(["one", "two"], 2)
        assert defaults.get_collection("one") == [1, 2]
        assert defaults.get_collection("two") == [2]
        defaults.get_collection_ref("three").append(3)
        assert sorted(defaults.get_all_collection_keys()) == ["one", "three", "two"]


def test_eagerly():
    called = []
    with context.eager_mode():
        with defaults.device("/cpu:0"):
            assert context.local.device == "/device:CPU:0"
        assert context.local.device == ""
        text = r"tf\.device does not support functions"
        with pytest.raises(RuntimeError, match=text):
            defaults.device(lambda op: "/cpu:0")
        with defaults.control_dependencies(lambda: called.append(1)):
            assert called == [1]
        assert defaults.executing_eagerly_outside_functions()
