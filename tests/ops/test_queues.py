"""Queues: against TensorFlow 1.15, and with threads that wait for each other."""

from __future__ import annotations

import json
import pathlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.ops.declare import F
from tests.ops import queue_programs

DATA = pathlib.Path(__file__).parent.parent / "data" / "queues.json"
WANTED = json.loads(DATA.read_text())
COVERED = {
    "accumulators": (
        "ResourceAccumulatorNumAccumulated",
        "SparseAccumulatorApplyGradient",
        "SparseAccumulatorTakeGradient",
        "SparseConditionalAccumulator",
    ),
    "padded": ("PaddingFIFOQueueV2",),
    "priorities": ("PriorityQueueV2",),
    "shuffled": ("RandomShuffleQueueV2",),
}
EXACT = [
    pytest.param(name, marks=pytest.mark.covers(*COVERED.get(name, ())))
    for name in queue_programs.PROGRAMS
    if name != "generator"
]


@pytest.mark.parametrize("name", EXACT)
def test_against_tensorflow(name: str) -> None:
    assert queue_programs.PROGRAMS[name](tf) == WANTED[name]


@pytest.mark.parametrize("tier", ["0", "1"])
def test_generator(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    found = queue_programs.generator(tf)
    wanted = dict(WANTED["generator"])
    assert found.pop("operations") == wanted.pop("operations")
    assert sorted(found) == sorted(wanted)
    for name, value in wanted.items():
        if name == "skip":
            assert found[name] == value
            continue
        assert found[name][1] == value[1], name
        np.testing.assert_allclose(
            found[name][0], value[0], rtol=1e-5, atol=1e-7, err_msg=name
        )


class Waiting:
    """A thread that runs something, and what came of it."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._call, args=(run,), daemon=True)
        self._thread.start()

    def _call(self, run: Callable[[], Any]) -> None:
        try:
            self.result = run()
        except Exception as error:
            self.error = error

    @property
    def waits(self) -> bool:
        self._thread.join(0.05)
        return self._thread.is_alive()

    def end(self) -> Any:
        self._thread.join(10)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.result


@pytest.fixture
def session() -> Any:
    with tf.Graph().as_default(), tf.Session() as entered:
        yield entered


@pytest.mark.covers("QueueEnqueueV2")
def test_dequeue_waits_for_an_element(session: Any) -> None:
    q = tf.FIFOQueue(10, tf.float32, [[]])
    take, put = q.dequeue(), q.enqueue(7.0)
    waiting = Waiting(lambda: session.run(take))
    assert waiting.waits
    session.run(put)
    assert waiting.end() == 7.0


def test_enqueue_waits_for_room(session: Any) -> None:
    q = tf.FIFOQueue(2, tf.int32, [[]])
    put, take = q.enqueue_many([[1, 2, 3, 4]]), q.dequeue()
    waiting = Waiting(lambda: session.run(put))
    assert waiting.waits
    assert [session.run(take) for _ in range(4)] == [1, 2, 3, 4]
    waiting.end()


def test_elements_of_calls_that_wait_do_not_mix(session: Any) -> None:
    q = tf.FIFOQueue(10, tf.int32, [[]])
    take, put = q.dequeue_many(3), q.enqueue_many([np.arange(6)])
    both = [Waiting(lambda: session.run(take)) for _ in range(2)]
    assert all(w.waits for w in both)
    session.run(put)
    found = sorted(w.end().tolist() for w in both)
    assert found == [[0, 1, 2], [3, 4, 5]]


def test_closing_lets_waiting_enqueues_finish(session: Any) -> None:
    q = tf.FIFOQueue(1, tf.int32, [[]])
    put, take, close = q.enqueue_many([[1, 2]]), q.dequeue(), q.close()
    first = Waiting(lambda: session.run(put))
    assert first.waits
    second = Waiting(lambda: session.run(close))
    assert second.waits
    assert [session.run(take), session.run(take)] == [1, 2]
    first.end()
    second.end()


def test_closing_with_cancelling_ends_waiting_enqueues(session: Any) -> None:
    q = tf.FIFOQueue(1, tf.int32, [[]])
    put, close = q.enqueue_many([[1, 2]]), q.close(cancel_pending_enqueues=True)
    waiting = Waiting(lambda: session.run(put))
    assert waiting.waits
    session.run(close)
    with pytest.raises(tf.errors.CancelledError, match="Enqueue operation was cancel"):
        waiting.end()


@pytest.mark.covers("QueueDequeueUpToV2")
def test_a_closed_queue_gives_back_what_too_large_a_call_took(session: Any) -> None:
    q = tf.FIFOQueue(10, tf.int32, [[]])
    take, put, close = q.dequeue_many(4), q.enqueue_many([[1, 2, 3]]), q.close()
    waiting = Waiting(lambda: session.run(take))
    assert waiting.waits
    session.run(put)
    session.run(close)
    with pytest.raises(tf.errors.OutOfRangeError, match="requested 1, current size 0"):
        waiting.end()
    assert session.run(q.dequeue_up_to(9)).tolist() == [1, 2, 3]


def test_closing_the_session_ends_all_that_waits() -> None:
    with tf.Graph().as_default():
        q = tf.FIFOQueue(10, tf.int32, [[]])
        take = q.dequeue()
        session = tf.Session()
    waiting = Waiting(lambda: session.run(take))
    assert waiting.waits
    session.close()
    with pytest.raises(tf.errors.CancelledError, match="Dequeue operation was cancel"):
        waiting.end()


def test_a_run_may_wait_for_a_limited_time() -> None:
    with tf.Graph().as_default():
        q = tf.FIFOQueue(10, tf.int32, [[]])
        take, put = q.dequeue(), q.enqueue(3)
    config = tf.ConfigProto(operation_timeout_in_ms=20)
    with tf.Session(graph=take.graph, config=config) as session:
        with pytest.raises(tf.errors.DeadlineExceededError, match="Timed out waiting"):
            session.run(take)
        session.run(put)
        assert session.run(take) == 3


@pytest.mark.covers(
    *"""
    ResourceAccumulatorApplyGradient ResourceAccumulatorTakeGradient
    ResourceConditionalAccumulator
    """.split()
)
def test_taking_from_an_accumulator_waits(session: Any) -> None:
    a = tf.ConditionalAccumulator(tf.float32, [])
    take, add = a.take_grad(2), a.apply_grad(3.0)
    waiting = Waiting(lambda: session.run(take))
    session.run(add)
    assert waiting.waits
    session.run(add)
    assert waiting.end() == 3.0


@pytest.mark.covers(
    *"""
    AccumulatorApplyGradient AccumulatorNumAccumulated AccumulatorSetGlobalStep
    AccumulatorTakeGradient ConditionalAccumulator
    """.split()
)
def test_older_forms_of_the_ops_of_accumulators(session: Any) -> None:
    handle = F.ConditionalAccumulator(dtype=tf.float32, shape=[2])
    session.run(F.AccumulatorSetGlobalStep(handle, 4))
    session.run(F.AccumulatorApplyGradient(handle, 3, [1.0, 2.0]))
    session.run(F.AccumulatorApplyGradient(handle, 4, [5.0, 6.0]))
    assert session.run(F.AccumulatorNumAccumulated(handle)) == 1
    taken = session.run(F.AccumulatorTakeGradient(handle, 1, dtype=tf.float32))
    assert taken.tolist() == [5, 6]


def test_sessions_do_not_share_queues() -> None:
    with tf.Graph().as_default() as graph:
        q = tf.FIFOQueue(10, tf.int32, [[]])
        put, size = q.enqueue(3), q.size()
    with tf.Session(graph=graph) as a, tf.Session(graph=graph) as b:
        a.run(put)
        assert [a.run(size), b.run(size)] == [1, 0]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.covers(f"{kind}Queue", *run))
        for kind, run in (
            ("FIFO", ("QueueDequeue",)),
            ("PaddingFIFO", ()),
            ("Priority", ()),
            ("RandomShuffle", ()),
        )
    ],
)
@pytest.mark.covers(
    *"""
    QueueClose QueueDequeueMany QueueDequeueUpTo QueueEnqueue QueueEnqueueMany
    QueueIsClosed QueueSize
    """.split()
)
def test_older_forms_of_the_ops(kind: str, session: Any) -> None:
    """Handles that are references to strings, as in old graphs."""
    types = [tf.int64, tf.float32]
    made = types[1:] if kind == "Priority" else types
    handle = getattr(F, f"{kind}Queue")(component_types=made, shapes=[()] * len(made))
    q = tf.QueueBase(types, [[], []], None, handle)
    session.run(q.enqueue([3, 1.5]))
    session.run(F.QueueEnqueueMany(handle, [np.array([4, 5]), np.ones(2, "f4")]))
    assert session.run(q.size()) == 3
    if kind != "RandomShuffle":
        assert session.run(q.dequeue()) == [3, 1.5]
    many = F.QueueDequeueMany(handle, 1, component_types=types)
    up_to = F.QueueDequeueUpTo(handle, 9, component_types=types)
    first = session.run(many)[0].tolist()
    assert not session.run(q.is_closed())
    session.run(q.close())
    rest = session.run(up_to)[0].tolist()
    assert session.run(q.is_closed())
    assert sorted(first + rest)[-2:] == [4, 5]


def test_standard_normal_of_a_state_with_its_algorithm(session: Any) -> None:
    g = tf.random.experimental.Generator.from_seed(1234)
    state = tf.concat([[np.int64(1)], g.state.initial_value], 0)
    v = tf.Variable(state, use_resource=True)
    drawn = F.StatefulStandardNormal(v.handle, [5], dtype=tf.float32)
    session.run(v.initializer)
    wanted, after = WANTED["generator"]["normal"]
    np.testing.assert_allclose(session.run(drawn), wanted, rtol=1e-5)
    assert session.run(v).tolist() == [1, *after]


def test_errors_of_generators(session: Any) -> None:
    def failing(value: Any, algorithm: Any = 1) -> Any:
        v = tf.Variable(value, use_resource=True)
        session.run(v.initializer)
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            given = tf.placeholder_with_default(np.int64(algorithm), None)
            session.run(F.StatefulStandardNormalV2(v.handle, given, [2]))
        return str(caught.value)

    good = np.array([1, 2, 3])
    assert "must have shape [], not [2]" in failing(good, [1, 1])
    assert "Unsupported algorithm id: 2" in failing(good, 2)
    assert "must be int64, not int32" in failing(good.astype("i4"))
    assert "one and only one dimension, not 2" in failing(good[None])
    assert "must be at least 3; got 2" in failing(good[:2])


def test_what_was_fed_may_change_afterwards(session: Any) -> None:
    q = tf.FIFOQueue(10, tf.float32, [[2]])
    fed = tf.placeholder(tf.float32, [2])
    value = np.ones(2, np.float32)
    session.run(q.enqueue(fed), {fed: value})
    value[:] = 5
    assert session.run(q.dequeue()).tolist() == [1, 1]


@pytest.mark.covers(
    *"""
    FIFOQueueV2 QueueCloseV2 QueueDequeueV2 QueueEnqueueManyV2 QueueIsClosedV2
    QueueSizeV2
    """.split()
)
def test_queues_in_a_program_that_runs_eagerly() -> None:
    from retrograd.graph import context

    with context.eager_mode():
        q = tf.FIFOQueue(3, [tf.int32, tf.string], [[], []])
        q.enqueue_many([[1, 2], ["a", "b"]])
        first, text = q.dequeue()
        assert (int(first), text.numpy()) == (1, b"a")
        assert int(q.size()) == 1
        q.close()
        assert bool(q.is_closed())


@pytest.mark.covers("NoOp", "QueueDequeueManyV2", "VariableV2")
def test_training_on_what_a_queue_gives(session: Any) -> None:
    q = tf.FIFOQueue(100, tf.float32, [[2]])
    x = q.dequeue_many(4)
    w = tf.Variable([0.0, 0.0])
    loss = tf.reduce_mean(tf.square(tf.reduce_sum(x * w, 1) - x[:, 0]))
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    fill = q.enqueue_many([np.random.default_rng(1).normal(size=(80, 2)).astype("f4")])
    runner = tf.train.QueueRunner(q, [fill])
    tf.train.add_queue_runner(runner)
    session.run(tf.global_variables_initializer())
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord)
    for _ in range(200):
        session.run(step)
    coord.request_stop()
    coord.join(threads)
    np.testing.assert_allclose(session.run(w), [1, 0], atol=1e-3)
