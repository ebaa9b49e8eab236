"""Variables are whole under signals, threads and both tiers."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.run import handover

pytestmark = pytest.mark.alone
SECONDS = float(os.environ.get("RETROGRAD_STRESS_SECONDS", "2"))


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def _variable(name: str, shape: list[int], resource: bool = True) -> Any:
    start = tf.zeros_initializer()
    return tf.get_variable(name, shape, initializer=start, use_resource=resource)


def _step(count: int = 12) -> tuple[list[Any], Any]:
    """Variables that are equal before and after each run of one operation.

    The first is large, so that it is a buffer of its own; the rest are packed.
    """
    shapes = [[200, 200]] + [[3]] * (count - 1)
    variables = [_variable(f"v{i}", s, bool(i % 2)) for i, s in enumerate(shapes)]
    slow = tf.reduce_sum(tf.matmul(variables[0], variables[0]) * 0.0)
    with tf.control_dependencies([slow]):
        updates = [v.assign_add(tf.ones(v.shape) + slow) for v in variables]
    return variables, tf.group(*updates)


def _check_equal(values: list[np.ndarray]) -> float:
    """All elements of all variables are one number, which is returned."""
    first = float(values[0].reshape(-1)[0])
    assert all((v == first).all() for v in values)
    return first


@pytest.fixture(params=["0", "1"], ids=["interpreted", "compiled"])
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RETROGRAD_TIER", request.param)
    return request.param


def test_interrupts_leave_every_variable_whole(tier: str) -> None:
    """Ctrl-C at any instant: the variables of a step are all old, or all new."""
    variables, step = _step()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        started = time.perf_counter()
        for _ in range(5):
            session.run(step)
        longest = 2 * (time.perf_counter() - started)
        interrupts, steps = 0, 0
        deadline = time.monotonic() + SECONDS
        main = threading.main_thread().ident
        assert main is not None
        while time.monotonic() < deadline:
            delay = random.uniform(0, longest)
            timer = threading.Timer(delay, signal.pthread_kill, (main, signal.SIGINT))
            try:
                timer.start()
                # an interrupt that meets a finalizer is lost, as Python has it
                until = time.monotonic() + 10
                while time.monotonic() < until:
                    session.run(step)
                    steps += 1
            except KeyboardInterrupt:
                interrupts += 1
            finally:
                timer.join()
            if tier == "1":  # one compiled step changes all of them at once
                _check_equal(session.run(variables))
            else:  # one after the other; each is whole
                for value in session.run(variables):
                    assert (value == value.reshape(-1)[0]).all()
        print(f"{interrupts} interrupts, {steps} steps")
        assert interrupts >= 3
        assert steps


def test_a_program_can_save_in_its_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", "1")
    variables, step = _step()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        saved: list[float] = []

        def save(number: int, frame: Any) -> None:
            del number, frame
            saved.append(_check_equal(session.run(variables)))
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.001, 0.004))

        before = signal.signal(signal.SIGALRM, save)
        signal.setitimer(signal.ITIMER_REAL, 0.003)
        try:
            deadline = time.monotonic() + SECONDS / 2
            while time.monotonic() < deadline:
                session.run(step)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        _check_equal(session.run(variables))
    print(f"{len(saved)} times saved")
    assert len(saved) >= 3
    assert saved == sorted(saved)


def _in_threads(works: list[Callable[[], None]]) -> None:
    """Run functions over and over in threads of their own, until the time is up."""
    deadline = time.monotonic() + SECONDS
    errors: list[BaseException] = []

    def again(work: Callable[[], None]) -> None:
        try:
            while time.monotonic() < deadline and not errors:
                work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=again, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("resource", [False, True])
def test_no_update_is_lost_between_tiers(
    resource: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # whole numbers beyond those of float32
    start = tf.zeros([50, 50], tf.float64)
    v = tf.get_variable("v", initializer=start, use_resource=resource)
    add = v.assign_add(tf.ones_like(start), use_locking=True).op
    counts = [0, 0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        runs = []
        for tier in "01":
            monkeypatch.setenv("RETROGRAD_TIER", tier)
            # two plans of the same update, one for each tier
            runs.append(session.make_callable(tf.group(add, name=f"tier{tier}")))
            runs[-1]()

        def adding(i: int) -> Callable[[], None]:
            def work() -> None:
                runs[i]()
                counts[i] += 1

            return work

        _in_threads([adding(0), adding(1)])
        total = session.run(v)
    print(f"{counts} updates")
    assert counts[0] and counts[1]
    assert (total == sum(counts) + 2).all()


def test_readers_and_evaluation_beside_training(tier: str) -> None:
    variables, step = _step()
    x = tf.placeholder(tf.float32, [200])
    evaluation = tf.reduce_sum(tf.linalg.matvec(variables[0], x))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        train = session.make_callable(step)
        read = session.make_callable(variables)
        evaluate = session.make_callable(evaluation, [x])
        last = [0.0]

        def reading() -> None:
            values = read()
            for value in values:
                assert (value == value.reshape(-1)[0]).all()
            now = float(values[0][0, 0])
            assert now >= last[0]
            last[0] = now

        ones = np.ones(200, np.float32)
        _in_threads([train, reading, lambda: evaluate(ones)])
        print(f"{last[0]:.0f} steps beside reads")
        assert last[0] > 0


def test_random_numbers_are_drawn_by_many_threads(tier: str) -> None:
    """The hidden state of a random operation goes on by one draw for each run."""
    drawn = tf.random_uniform([4], seed=1)
    with tf.Session() as session:
        run = session.make_callable(drawn)
        found: list[tuple[float, ...]] = []
        _in_threads([lambda: found.append(tuple(run()))] * 3)
    assert len(set(found)) == len(found)


def test_a_failing_step_leaves_variables_whole(tier: str) -> None:
    v, w = _variable("v", [3]), _variable("w", [2000])
    size = tf.placeholder(tf.int32, [None])
    with tf.control_dependencies([tf.Assert(tf.size(size) < 3, [size])]):
        step = tf.group(v.assign_add(tf.ones([3])), w.assign_add(tf.ones([2000])))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for i in range(20):
            given = np.zeros(i % 4, np.int32)
            if i % 4 == 3:
                with pytest.raises(tf.errors.InvalidArgumentError):
                    session.run(step, {size: given})
            else:
                session.run(step, {size: given})
        assert _check_equal(session.run([v, w])) == 15


def test_the_tiers_take_turns_while_threads_run() -> None:
    """The trial of the tiers beside a thread that trains and one that reads."""
    variables, step = _step()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        train, read = session.make_callable(step), session.make_callable(variables)

        def reading() -> None:
            for value in read():
                assert (value == value.reshape(-1)[0]).all()

        _in_threads([train, train, reading])


def test_a_compiled_call_runs_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a handler could run between the call and its results."""
    monkeypatch.setenv("RETROGRAD_TIER", "1")
    variables, step = _step()
    seen: list[str] = []
    calls: list[Any] = []
    plain = handover._of_c

    def watched(compiled: Any) -> Any:
        calls.append(plain(compiled))
        return calls[-1]

    monkeypatch.setattr(handover, "_of_c", watched)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(4):
            session.run(step)
        session.run(variables)
    assert calls
    assert all(call is not None for call in calls), seen
