"""Runs that leave no trace: what a session holds is put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.run.observe import Observed
from retrograd.run.witness import OpRun, Witness

QUEUES: dict[str, Callable[[], Any]] = {
    "fifo": lambda: tf.FIFOQueue(20, [tf.float32], [[]]),
    "padding": lambda: tf.PaddingFIFOQueue(20, [tf.float32], [[]]),
    "shuffle": lambda: tf.RandomShuffleQueue(20, 1, [tf.float32], [[]], seed=3),
}


def rest(kind: str, between: Callable[[Any, Any], None]) -> Any:
    """What a queue gives after `between` has happened."""
    with tf.Graph().as_default():
        queue = QUEUES[kind]()
        filled = queue.enqueue_many([np.arange(9.0, dtype=np.float32)])
        one, some = queue.dequeue(), queue.dequeue_many(7)
        with tf.Session() as session:
            session.run(filled)
            first = session.run(one)
            between(session, queue)
            return [first, session.run(queue.size()), *session.run(some)]


@pytest.mark.parametrize("kind", sorted(QUEUES))
def test_queues(kind: str) -> None:
    def between(session: Any, queue: Any) -> None:
        taken = queue.dequeue_many(4)
        more, closed = queue.enqueue([9.0]), queue.close()
        with session._store.kept():
            session.run(taken)
            session.run(more)
            session.run(closed)
            assert session.run(queue.is_closed())

    assert rest(kind, between) == rest(kind, lambda session, queue: None)


def test_a_priority_queue() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        queue = tf.PriorityQueue(10, [tf.string], [[]])
        session.run(queue.enqueue_many([[3, 1, 2], ["c", "a", "b"]]))
        one = queue.dequeue()
        with session._store.kept():
            assert session.run(one)[1] == b"a"
            assert session.run(one)[1] == b"b"
        assert [session.run(one)[1] for _ in range(3)] == [b"a", b"b", b"c"]


def test_iterators() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        numbers = tf.data.Dataset.from_tensor_slices(np.arange(5))
        one_shot = numbers.make_one_shot_iterator().get_next()
        iterator = numbers.make_initializable_iterator()
        taken = iterator.get_next()
        session.run(iterator.initializer)
        session.run(taken)
        for _ in range(2):
            with session._store.kept():
                assert [session.run([one_shot, taken])[1] for _ in range(3)] == [
                    1,
                    2,
                    3,
                ]
        with session._store.kept():
            session.run(iterator.initializer)
        assert session.run([one_shot, taken]) == [0, 1]
        assert session.run([one_shot, taken]) == [1, 2]


def test_accumulators() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        whole = tf.ConditionalAccumulator(tf.float32, [2])
        rows = tf.SparseConditionalAccumulator(tf.float32, [4, 1])
        add = [
            whole.apply_grad([1.0, 2.0]),
            rows.apply_grad([0, 2], [[1.0], [2.0]]),
        ]
        session.run(add)
        taken = [whole.take_grad(1), rows.take_grad(1)]
        with session._store.kept():
            session.run(add)
            session.run(taken)
        assert session.run(whole.num_accumulated()) == 1
        dense, sparse = session.run(taken)
        assert dense.tolist() == [1, 2] and sparse.values.tolist() == [[1], [2]]


def test_variables_and_random_numbers() -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        w = tf.get_variable("w", initializer=1.0)
        noise = tf.random_normal([], seed=2)
        step = tf.assign_add(w, noise)
        session.run(tf.global_variables_initializer())
        observed = Observed(session, graph)
        (value,) = observed([step]).values()
        assert session.run(w) == 1
        assert session.run(step) == value


class Names(Witness):
    """Notes what happens."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def ran(self, run: OpRun) -> None:
        if not run.folded:
            self.told.append(
                (run.op.type, [np.asarray(v).tolist() for v in run.inputs])
            )

    def entered(self, body: Any, arguments: Any) -> None:
        self.told.append("enter")

    def left(self, body: Any, results: Any) -> None:
        self.told.append("leave")


def test_a_witness_sees_into_branches() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [])
        y = tf.cond(x > 0, lambda: tf.exp(x), lambda: x)
        witness = Names()
        Observed(None, graph, {x: 2.0})([y], witness=witness)
    assert ("Exp", [2.0]) in witness.told
    inside = witness.told[witness.told.index("enter") :]
    assert inside.index("leave") > inside.index(("Exp", [2.0]))


def test_a_witness_is_told_what_was_written() -> None:
    runs: list[OpRun] = []

    class All(Witness):
        def ran(self, run: OpRun) -> None:
            runs.append(run)

    with tf.Graph().as_default() as graph, tf.Session() as session:
        w = tf.get_variable("w", initializer=1.0)
        step = tf.assign_add(w, 2.0)
        session.run(tf.global_variables_initializer())
        Observed(session, graph)([], witness=All(), targets=[step.op])
    (run,) = [r for r in runs if r.op is step.op]
    assert (run.inputs, run.written, run.outputs) == ([1, 2], (3,), [3])
