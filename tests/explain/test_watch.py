"""`retrograd.nan_watch`: the step where the first NaN is born, found by a replay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import retrograd
import retrograd as tf
from retrograd import NotFiniteError
from retrograd.run.session import Executable
from tests.explain.healthy import BATCHES, STEPS, build, state


@pytest.fixture(autouse=True, params=["0", "1"])
def tier(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("RETROGRAD_TIER", request.param)
    with tf.Graph().as_default():
        yield request.param


class Program:
    """A loss that is log w, with w going down by 1 in each step."""

    def __init__(self, start: float = 5.0, resource: bool = False) -> None:
        self.x = tf.placeholder(tf.float32, [None], name="x")
        self.w = tf.get_variable("w", initializer=start, use_resource=resource)
        self.loss = tf.log(self.w) * tf.reduce_mean(self.x)
        rate = tf.stop_gradient(self.w)
        slope = tf.gradients(self.loss, self.w)[0]
        self.train = tf.train.GradientDescentOptimizer(1.0).apply_gradients(
            [(slope * rate, self.w)]
        )
        self.init = tf.global_variables_initializer()
        tf.get_default_graph().finalize()

    def run(self, session: Any, steps: int) -> None:
        for _ in range(steps):
            session.run([self.train, self.loss], {self.x: np.ones(3, np.float32)})


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("every", [1, 2, 100])
def test_the_step_is_found_and_explained(every: int, resource: bool) -> None:
    program = Program(resource=resource)
    with tf.Session() as session:
        session.run(program.init)
        with (
            pytest.raises(NotFiniteError, match="Step 6 of nan_watch") as raised,
            retrograd.nan_watch(program.loss, every=every),
        ):
            program.run(session, 10)
        assert raised.value.step == 6
        report = raised.value.report
        assert (report.data.kind, report.data.op.type) == ("log of zero", "Log")
        assert "x = 0" in report.findings[0].details
        assert report.data.gradients == {"w": 1}
        assert "log of zero" in str(raised.value)


def test_nothing_is_left_behind() -> None:
    program = Program()
    with tf.Session() as session:
        session.run(program.init)
        program.run(session, 2)
        calls, executables = dict(session._calls), dict(session._executables)
        before = state(session)
        with retrograd.nan_watch(program.loss) as watch:
            pass
        assert state(session) == before
        assert session._calls == calls and session._executables == executables
        assert session._make_executable is Executable
        with retrograd.nan_watch(program.loss):
            program.run(session, 2)
        after = state(session)
        assert not watch.reports and after[:5] == before[:5]
        assert session.run(program.w) == 1


def test_the_same_numbers_with_and_without() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.get_variable("w", initializer=np.ones((3, 1), np.float32))
    loss = tf.reduce_mean(tf.square(tf.matmul(tf.nn.dropout(x, rate=0.5, seed=1), w)))
    train = tf.train.AdamOptimizer(0.1).minimize(loss)
    batch = np.arange(12, dtype=np.float32).reshape(4, 3)
    found = []
    for watched in (False, True):
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            watch = retrograd.nan_watch(loss, every=3)
            if watched:
                watch.__enter__()
            losses = [session.run([loss, train], {x: batch})[0] for _ in range(8)]
            if watched:
                watch.__exit__()
            found.append([*losses, *session.run(w).ravel()])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_collecting() -> None:
    program = Program(3.0)
    with tf.Session() as session:
        session.run(program.init)
        with retrograd.nan_watch(program.loss, raises=False) as watch:
            program.run(session, 8)
            session.run(program.init)
            program.run(session, 4)
    assert [number for number, _ in watch.reports] == [4, 13]
    assert all(r.data.kind == "log of zero" for _, r in watch.reports)


def test_the_state_is_that_after_the_step() -> None:
    program = Program(1.0)
    with tf.Session() as session:
        session.run(program.init)
        with pytest.raises(NotFiniteError), retrograd.nan_watch(program.loss):
            program.run(session, 2)
        watched = session.run(program.w)
        session.run(program.init)
        program.run(session, 2)
        np.testing.assert_equal(watched, session.run(program.w))


def test_the_feed_to_blame() -> None:
    program = Program(100.0)
    with tf.Session() as session:
        session.run(program.init)
        batch = np.ones(3, np.float32)
        with (
            pytest.raises(NotFiniteError) as raised,
            retrograd.nan_watch(program.loss, every=4),
        ):
            for step in range(9):
                batch[1] = np.nan if step == 6 else 1.0
                session.run(program.train, {program.x: batch})
                batch[:] = -1.0  # the program's own array, to be changed at will
    assert raised.value.step == 7
    assert raised.value.report.data.kind == "feed"
    assert raised.value.report.data.index == (1,)


def test_random_numbers_are_drawn_again() -> None:
    w = tf.get_variable("w", initializer=1.0)
    noise = tf.random_uniform([], seed=7)
    loss = tf.log(tf.maximum(noise - 0.1, 0.0)) * w
    train = tf.train.GradientDescentOptimizer(0.0).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        drawn = [session.run(noise) for _ in range(60)]
    first = next(i for i, v in enumerate(drawn, 1) if v < 0.1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(NotFiniteError) as raised, retrograd.nan_watch(loss):
            for _ in range(60):
                session.run([train, loss])
    assert raised.value.step == first
    assert raised.value.report.data.kind == "log of zero"


def test_what_comes_from_queues_and_python_is_given_again() -> None:
    queue = tf.FIFOQueue(20, [tf.float32], [[]])
    filled = queue.enqueue_many([np.arange(9, -1, -1, dtype=np.float32)])
    calls: list[float] = []

    def note(value: Any) -> Any:
        calls.append(float(value))
        return value

    w = tf.get_variable("w", initializer=1.0)
    value = tf.py_func(note, [queue.dequeue()], tf.float32)
    value.set_shape([])
    loss = tf.log(value) * w
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), filled])
        with (
            pytest.raises(NotFiniteError) as raised,
            retrograd.nan_watch(loss, every=4),
        ):
            for _ in range(10):
                session.run([train, loss])
        assert session.run(queue.size()) == 0
    assert raised.value.step == 10
    assert raised.value.report.data.op.type == "Log"
    assert calls == list(range(9, -1, -1))


def test_elements_of_a_dataset_are_given_again() -> None:
    numbers = np.arange(5, -1, -1, dtype=np.float32)
    taken = tf.data.Dataset.from_tensor_slices(numbers).make_one_shot_iterator()
    w = tf.get_variable("w", initializer=1.0)
    loss = tf.log(taken.get_next()) * w
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(NotFiniteError) as raised, retrograd.nan_watch(loss):
            for _ in numbers:
                session.run([train, loss])
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(loss)
    assert raised.value.step == 6
    assert raised.value.report.data.kind == "log of zero"


def test_an_assignment_of_a_trainable_variable_is_an_update() -> None:
    w = tf.get_variable("w", initializer=1.0)
    best = tf.get_variable("best", initializer=1.0, trainable=False)
    zero = tf.placeholder(tf.float32, [])
    step, record = tf.assign(w, w / zero), tf.assign(best, np.inf)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with retrograd.nan_watch():
            session.run(record)
            session.run(step, {zero: 1})
            with pytest.raises(NotFiniteError) as raised:
                session.run(step, {zero: 0})
    assert raised.value.report.data.kind == "division by zero"


def test_callables() -> None:
    program = Program(1.0)
    with tf.Session() as session:
        session.run(program.init)
        with retrograd.nan_watch(program.loss, raises=False) as watch:
            run = session.make_callable([program.train, program.loss], [program.x])
            run([1.0])
            run([1.0])
        assert [number for number, _ in watch.reports] == [2]
        assert len(run([1.0])) == 2


def test_a_step_that_fails_is_not_run_again() -> None:
    program = Program(3.0)
    bad = tf.get_default_graph().get_tensor_by_name("x:0")
    with tf.Session() as session:
        session.run(program.init)
        with retrograd.nan_watch(program.loss, raises=False) as watch:
            program.run(session, 1)
            with pytest.raises(ValueError, match="Cannot feed"):
                session.run(program.train, {bad: [[1.0]]})
            program.run(session, 3)
    assert [number for number, _ in watch.reports] == [4]


def test_an_operation_that_fails() -> None:
    queue = tf.FIFOQueue(5, [tf.float32], [[]])
    filled = [queue.enqueue_many([[1.0, 0.0]]), queue.close()]
    w = tf.get_variable("w", initializer=1.0)
    loss = tf.log(queue.dequeue()) * w
    train = tf.train.GradientDescentOptimizer(0.0).minimize(loss)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), filled[0]])
        session.run(filled[1])
        with retrograd.nan_watch(loss, raises=False) as watch:
            for _ in range(2):
                session.run([train, loss])
            with pytest.raises(tf.errors.OutOfRangeError):
                session.run([train, loss])
            assert watch._snapshot is None
    assert [number for number, _ in watch.reports] == [2]


def test_memory_is_bounded() -> None:
    program = Program(1000.0)
    batch = np.ones(1000, np.float32)
    with tf.Session() as session:
        session.run(program.init)
        with retrograd.nan_watch(program.loss, memory=3 * batch.nbytes) as watch:
            for _ in range(20):
                session.run(program.train, {program.x: batch})
                assert watch._bytes <= 4 * batch.nbytes


def test_metadata_of_a_watched_run() -> None:
    program = Program()
    with tf.Session() as session:
        session.run(program.init)
        with retrograd.nan_watch(program.loss):
            metadata = tf.RunMetadata()
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            feed = {program.x: [1.0]}
            value = session.run(program.loss, feed, options, metadata)
        assert value == pytest.approx(np.log(5)) and metadata.step_stats.dev_stats


def test_refused() -> None:
    program = Program()
    with pytest.raises(TypeError, match="there is no session to watch"):
        retrograd.nan_watch(program.loss).__enter__()
    with pytest.raises(ValueError, match="every is 0"):
        retrograd.nan_watch(every=0)
    with tf.Session() as session:
        with (
            retrograd.nan_watch(program.loss, session),
            pytest.raises(ValueError, match="watched already"),
        ):
            retrograd.nan_watch(program.loss, session).__enter__()
        integer = tf.get_default_graph().get_operations()[0].name
        with pytest.raises(ValueError), retrograd.nan_watch(integer, session):
            pass


@given(STEPS, BATCHES, st.integers(1, 4))
@hypothesis.settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_healthy_training(
    tier: str, steps: list[str], batch: list[list[float]], every: int
) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, _, y = build(steps)
        train = tf.train.MomentumOptimizer(0.01, 0.9).minimize(y)
        session.run(tf.global_variables_initializer())
        with retrograd.nan_watch(y, every=every) as watch:
            for _ in range(6):
                session.run([train, y], {x: batch})
    assert not watch.reports
