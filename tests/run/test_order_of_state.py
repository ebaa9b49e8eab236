"""What a run sees of variables and of fed tensors, inside branches and loops as well.

The values are those that TensorFlow 1.15.5 gives, of loops where `parallel_iterations`
is 1: with more, turns overlap there, and reads may see writes of later turns. Each turn
comes after the one before here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as tf


@pytest.fixture(autouse=True, params=["0", "1"])
def tier(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RETROGRAD_TIER", request.param)
    with tf.Graph().as_default():
        yield request.param


def values(fetches: Any, feed: Any = None) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feed)


def after(write: Any, read: Callable[[], Any]) -> Any:
    with tf.control_dependencies([write]):
        return read()


def turns(body: Callable[[Any, Any], Any], count: int = 3, start: Any = 0.0) -> Any:
    def step(i: Any, a: Any) -> Any:
        found, awaited = body(i, a)
        with tf.control_dependencies([awaited]):
            return i + 1, found

    first = tf.convert_to_tensor(start)
    return tf.while_loop(lambda i, a: i < count, step, [0, first])[1]


# ------------------------------------------------------------------ variables

WRITES = {
    "add": lambda v: v.assign_add(0.5),
    "half": lambda v: v.assign(v * 0.5),
    "sub": lambda v: v.assign_sub(0.5),
}
READS = {
    "identity": tf.identity,
    "read_value": lambda v: v.read_value(),
    "itself": lambda v: v + 0.0,
}


@pytest.mark.parametrize("resource", [True, False])
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    ("write", "in_loop", "in_branch"),
    [("add", 6.0, 1.5), ("half", 0.875, 0.5), ("sub", 0.0, 0.5)],
)
def test_a_read_after_a_write(write, in_loop, in_branch, read, resource):
    v = tf.Variable(1.0, use_resource=resource)
    x = tf.constant(0.5)

    def body(i: Any, a: Any) -> Any:
        written = WRITES[write](v)
        return after(written, lambda: a + READS[read](v)), written

    assert values(turns(body)) == in_loop
    taken = tf.cond(
        x > 0, lambda: after(WRITES[write](v), lambda: READS[read](v)), lambda: x
    )
    assert values(taken) == in_branch


@pytest.mark.parametrize("resource", [True, False])
def test_several_writes_in_a_turn(resource):
    v = tf.Variable(1.0, use_resource=resource)

    def body(i: Any, a: Any) -> Any:
        one = v.assign_add(1.0)
        with tf.control_dependencies([one]):
            r = v + 0.0
            two = v.assign(r * 2.0)
        with tf.control_dependencies([two]):
            s = v + 0.0
            three = v.assign_sub(s - r)
        return after(three, lambda: a + r * 100.0 + s * 10.0 + v), three

    assert values(turns(body, 1)) == 242


@pytest.mark.parametrize("resource", [True, False])
def test_what_is_read_before_a_write_stays(resource):
    v = tf.Variable(1.0, use_resource=resource)

    def body(i: Any, a: Any) -> Any:
        old = v + 0.0
        return a + old, after(old, lambda: v.assign_add(1.0))

    assert values(turns(body)) == 6


@pytest.mark.parametrize("resource", [True, False])
def test_a_condition_sees_what_the_body_writes(resource):
    v = tf.Variable(1.0, use_resource=resource)
    count = tf.while_loop(
        lambda i: v < 5.0, lambda i: after(v.assign_add(1.0), lambda: i + 1), [0]
    )
    assert values(count) == 4


@pytest.mark.parametrize("resource", [True, False])
def test_branches_inside_branches_and_loops(resource):
    v = tf.Variable(1.0, use_resource=resource)
    x = tf.constant(0.5)

    def inner() -> Any:
        return after(v.assign_add(x), lambda: tf.identity(v))

    def outer() -> Any:
        return after(v.assign_add(x), lambda: tf.cond(x > 0, inner, lambda: x))

    assert values(tf.cond(x > 0, outer, lambda: x)) == 2

    def body(i: Any, a: Any) -> Any:
        done = tf.cond(
            i < 1, lambda: v.assign_add(1.0) + 0.0, lambda: v.assign(v * 3.0) + 0.0
        )
        return after(done, lambda: a + tf.identity(v)), done

    assert values(turns(body)) == 2 + 6 + 18


def test_rows_of_a_table_that_a_loop_writes():
    table = tf.Variable([1.0, 2.0, 3.0], use_resource=False)

    def body(i: Any, a: Any) -> Any:
        written = tf.scatter_add(table, [i], [10.0])
        return after(written, lambda: a + tf.reduce_sum(table)), written

    assert values(turns(body)) == 16 + 26 + 36


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("write", "product"), [("add", 7.5), ("half", 0.015625)])
def test_derivatives_use_what_was_read(write, product, read):
    v = tf.Variable(1.0, use_resource=False)
    start, x = tf.constant(1.0), tf.constant(0.5)

    def body(i: Any, a: Any) -> Any:
        written = WRITES[write](v)
        return after(written, lambda: a * READS[read](v)), written

    y = turns(body, start=start)
    assert values([y, *tf.gradients(y, start)]) == [product, product]
    y = tf.cond(
        x > 0, lambda: after(v.assign_add(1.0), lambda: READS[read](v) * x), lambda: x
    )
    assert values([y, *tf.gradients(y, x)]) == [1, 2]


# ------------------------------------------------------------------ loop variables


def test_a_reference_variable_that_a_loop_starts_with():
    v = tf.Variable(1.0, use_resource=False)
    y = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2.0), [0, v])[1]
    assert values([y, v]) == [8, 1]
    assert values(tf.gradients(y, v)) == [8]
    kept = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x), [0, v])[1]
    assert values(kept) == 1
    u = tf.Variable([1.0, 2.0], use_resource=False)
    grown = tf.while_loop(
        lambda i, x: i < 2,
        lambda i, x: (i + 1, tf.concat([x, x], 0)),
        [0, u],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
    )[1]
    assert values(grown).tolist() == [1, 2] * 4


def test_a_reference_variable_that_a_fold_starts_with():
    v = tf.Variable(2.0, use_resource=False)
    elems = tf.constant([1.0, 2.0, 3.0])
    for fold in (tf.foldl, tf.foldr):
        y = fold(lambda a, e: a * e, elems, initializer=v)
        assert values([y, *tf.gradients(y, v)]) == [12, 6]
    y = tf.scan(lambda a, e: a * e, elems, initializer=v)
    assert values(y).tolist() == [2, 4, 12]


# ------------------------------------------------------------------ what is fed


def test_what_is_fed_wins_over_an_operation_that_runs():
    x = tf.placeholder(tf.float32, [])
    a = x * 2
    b = a + 1
    assert values(b, {x: 5.0, a: 0.0}) == 1
    assert values([a.op, b], {x: 5.0, a: 0.0}) == [None, 1]
    assert values([a, a.op, b], {x: 5.0, a: 0.0}) == [0, None, 1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="You must feed a value"):
        values([a.op, b], {a: 0.0})


def test_one_of_several_outputs_that_is_fed():
    first, second = tf.split(tf.constant([1.0, 2.0]), 2)
    total = first + second
    assert values(total, {first: [10.0]}) == 12
    assert [v.item() for v in values([first, second, total], {first: [10.0]})] == [
        10,
        2,
        12,
    ]
    top, places = tf.nn.top_k(tf.constant([3.0, 1.0, 2.0]), 2)
    total = tf.reduce_sum(top) + tf.cast(tf.reduce_sum(places), tf.float32)
    found = values([total, top.op, places], {top: [0.0, 0.0]})
    assert found[0] == 2 and np.array_equal(found[2], [0, 2])


def test_a_fed_constant_read_branch_and_loop():
    c = tf.constant(3.0)
    y = c * 2.0
    assert values([c.op, y], {c: 7.0}) == [None, 14]
    v = tf.Variable(1.0, use_resource=True)
    read = v.read_value()
    assert values([read.op, read * 10.0], {read: 5.0}) == [None, 50]
    branch = tf.cond(c > 0.0, lambda: c * 2.0, lambda: c * 3.0)
    assert values([branch.op, branch + 1.0], {branch: 10.0}) == [None, 11]
    i, a = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2.0), [0, 1.0])
    total = a + tf.cast(i, tf.float32)
    assert values([a.op, total], {a: 10.0}) == [None, 13]


def test_an_update_that_is_fed_still_happens():
    v = tf.Variable(1.0, use_resource=False)
    written = v.assign_add(1.0)
    with tf.Session() as session:
        session.run(v.initializer)
        fetched = session.run([written.op, written * 10.0], {written: 5.0})
        assert fetched == [None, 50]
        assert session.run(v) == 2


@pytest.mark.parametrize("resource", [True, False])
def test_a_tuple_of_an_update(resource):
    n = tf.Variable(0.0, use_resource=resource, trainable=False)
    h = tf.constant(np.ones((8, 8), np.float32))
    for _ in range(5):
        h = tf.tanh(h * 1.01 + 0.001)
    pair = tf.tuple([h * 2, n.assign_add(tf.reduce_mean(h))])
    with tf.Session() as session:
        session.run(n.initializer)
        once = session.run(pair)[1]
        assert session.run(pair)[1] == pytest.approx(2 * once)
        assert session.run(n) == pytest.approx(2 * once)
