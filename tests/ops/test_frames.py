"""Loops made of Enter, Merge, Switch, NextIteration and Exit."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.ops.declare import F
from retrograd.ops.flow import control

DATA = Path(__file__).parents[1] / "data"
SAVED = json.loads((DATA / "v1_loops.json").read_text("utf-8"))


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


@pytest.fixture(scope="module", params=["0", "1"])
def session(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A session, in each tier, for a graph that TensorFlow 1.15 saved."""
    graph = tf.Graph()
    saved = tf.GraphDef()
    saved.ParseFromString(gzip.decompress((DATA / "v1_loops.pb.gz").read_bytes()))
    with graph.as_default():
        tf.import_graph_def(saved, name="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETROGRAD_TIER", request.param)
        yield tf.Session(graph=graph)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.covers(*["ControlTrigger"] * (name == "power_0"))
        )
        for name in SAVED["values"]
    ],
)
def test_saved_loops(name: str, session: Any) -> None:
    """Loops and their gradients, with the stacks and arrays these keep."""
    value = session.run(f"{name}:0", SAVED["feed"])
    np.testing.assert_allclose(value, SAVED["values"][name], rtol=1e-5)


def counting(limit: Any) -> Any:
    """The primitives of `while i < limit: i += 1`, by hand."""
    start = F.Enter(tf.constant(0), frame_name="count")
    bound = F.Enter(limit, frame_name="count", is_constant=True)
    one = F.Enter(tf.constant(1), frame_name="count", is_constant=True)
    merged = F.Merge([start, start])[0]
    goes_on = F.LoopCond(tf.less(merged, bound))
    done, going = F.Switch(merged, goes_on)
    merged.op._update_input(1, F.NextIteration(tf.add(going, one)))
    return F.Exit(done)


def test_by_hand() -> None:
    limit = tf.placeholder(tf.int32, [])
    out = counting(limit)
    with tf.Session() as session:
        assert session.run(out, {limit: 7}) == 7
        assert session.run(out * 2, {limit: -1}) == 0


@pytest.mark.covers("PyFunc")
def test_effects_of_each_turn() -> None:
    """What the next turn waits for runs in each turn."""
    seen: list[int] = []

    def note(value: Any) -> Any:
        seen.append(int(value))
        return value

    out = counting(tf.constant(3))
    ops = tf.get_default_graph().get_operations()
    (following,) = [op for op in ops if op.type == "NextIteration"]
    noted = tf.py_func(note, [following.inputs[0]], tf.int32)
    following._add_control_input(noted.op)
    with tf.Session() as session:
        session.run(out)
    assert seen == [1, 2, 3]


@pytest.mark.covers("Merge", "Switch", "While")
def test_a_loop_on_a_branch_that_is_not_taken() -> None:
    side = tf.placeholder(tf.bool, [])
    no, yes = control.switch(tf.constant(5), side)
    out = F.Merge([tf.negative(no), counting(yes)])[0]
    with tf.Session() as session:
        assert session.run(out, {side: True}) == 5
        assert session.run(out, {side: False}) == -5


def test_dead_fetch() -> None:
    no, yes = control.switch(tf.constant(5), tf.constant(True))
    with tf.Session() as session:
        assert session.run(tf.identity(yes)) == 5
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"Retval\[1\] does not have value"
        ):
            session.run([yes, tf.identity(no)])


def test_two_frames_at_once() -> None:
    data = tf.placeholder(tf.float32, [])
    first = F.Enter(data, frame_name="a")
    second = F.Enter(data, frame_name="b")
    with (
        tf.Session() as session,
        pytest.raises(
            tf.errors.InvalidArgumentError, match="has inputs from different frames"
        ),
    ):
        session.run(first + second, {data: 1.0})


def test_a_loop_of_another_form() -> None:
    """What is no loop of `tf.while_loop` is refused, not run wrongly."""
    start = F.Enter(tf.constant(0), frame_name="odd")
    merged = F.Merge([start, start])[0]
    merged.op._update_input(1, F.NextIteration(merged))
    with (
        tf.Session() as session,
        pytest.raises(tf.errors.UnimplementedError, match="does not have the form"),
    ):
        session.run(F.Exit(merged))


# ---------------------------------------------------------------------- arrays


def run(value: Any) -> Any:
    with tf.Session() as session:
        return session.run(value)


def array(size: int, **changes: Any) -> tuple[Any, Any]:
    given = {"dtype": tf.float32, **changes}
    return tuple(F.TensorArrayV3(size, **given))


def refused(value: Any, match: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=match):
        run(value)


@pytest.mark.covers("TensorArrayCloseV3", "TensorArraySizeV3")
def test_array_rules() -> None:
    """What an array refuses."""
    handle, flow = array(2, element_shape=[None])
    once = F.TensorArrayWriteV3(handle, 0, [1.0], flow)
    refused(F.TensorArrayWriteV3(handle, 0, [1.0], once), "already been written to")
    refused(F.TensorArrayWriteV3(handle, 2, [1.0], flow), "not resizeable and size is")
    refused(F.TensorArrayWriteV3(handle, 0, 1.0, flow), "inferred element shape")
    refused(F.TensorArrayWriteV3(handle, 0, [1], flow), "trying to write dtype int32")
    first = F.TensorArrayReadV3(handle, 0, once, dtype=tf.float32)
    with tf.control_dependencies([first]):
        again = F.TensorArrayReadV3(handle, 0, once, dtype=tf.float32)
        late = F.TensorArrayWriteV3(handle, 0, [2.0], once)
        size = F.TensorArraySizeV3(handle, once)
    refused(again, "twice because it was cleared")
    refused(late, "it has already been read")
    refused(F.TensorArrayReadV3(handle, 2, flow, dtype=tf.float32), "array size is: 2")
    refused(F.TensorArrayReadV3(handle, 1, flow, dtype=tf.float32), "not fully defined")
    refused(F.TensorArrayScatterV3(handle, [0, 5], [[1.0], [2.0]], flow), "array size")
    refused(F.TensorArraySplitV3(handle, [1.0], [1], flow), "size of lengths")
    with tf.control_dependencies([F.TensorArrayCloseV3(handle)]):
        closed = F.TensorArraySizeV3(handle, flow)
    refused(closed, "already been closed")
    assert run([first, size])[1] == 2


def test_array_of_any_size() -> None:
    handle, flow = array(0, dynamic_size=True, element_shape=[2])
    flow = F.TensorArrayWriteV3(handle, 2, [1.0, 2.0], flow)
    rows = F.TensorArrayGatherV3(handle, [2, 0], flow, dtype=tf.float32)
    np.testing.assert_array_equal(run(rows), [[1.0, 2.0], [0.0, 0.0]])


@pytest.mark.covers(
    *"""
    TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayGradV3 TensorArrayReadV3
    TensorArrayScatterV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3
    """.split()
)
def test_array_gradients() -> None:
    """Reads of one element add up in the array of gradients."""
    x = tf.constant([1.0, 2.0, 3.0])
    handle, flow = array(2, clear_after_read=False)
    flow = F.TensorArraySplitV3(handle, x * 2.0, [1, 2], flow)
    a = F.TensorArrayReadV3(handle, 0, flow, dtype=tf.float32)
    b, _ = F.TensorArrayConcatV3(handle, flow, dtype=tf.float32)
    slope = tf.gradients([a * 10.0, b * b], x)[0]
    np.testing.assert_allclose(run(slope), [28.0, 16.0, 24.0])

    handle, flow = array(3)
    flow = F.TensorArrayScatterV3(handle, [0, 2], [[1.0] * 2, [2.0] * 2] * x[1], flow)
    flow = F.TensorArrayWriteV3(handle, 1, x[:2], flow)
    rows = F.TensorArrayGatherV3(handle, [0, 1, 2], flow, dtype=tf.float32)
    slope = tf.gradients(rows * [[1.0], [10.0], [100.0]], x)[0]
    np.testing.assert_allclose(run(slope), [10.0, 412.0, 0.0])


@pytest.mark.covers("StackCloseV2", "StackPopV2", "StackPushV2", "StackV2")
def test_stack() -> None:
    stack = F.StackV2(-1, elem_type=tf.int32, stack_name="s")
    first = F.StackPushV2(stack, 1)
    with tf.control_dependencies([first]):
        second = F.StackPushV2(stack, 2)
    with tf.control_dependencies([second]):
        last = F.StackPopV2(stack, elem_type=tf.int32)
    with tf.control_dependencies([last]):
        before = F.StackPopV2(stack, elem_type=tf.int32)
    with tf.control_dependencies([before]):
        none = F.StackPopV2(stack, elem_type=tf.int32)
    assert run([last, before]) == [2, 1]
    refused(none, "is empty when calling Pop")
    refused(F.StackPushV2(F.StackV2(0, elem_type=tf.int32), 1), "overflowed its max")
    with tf.control_dependencies([F.StackCloseV2(stack)]):
        refused(F.StackPushV2(stack, 1), "already been closed")
