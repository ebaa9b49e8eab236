"""Threads that stop together, and those that fill queues."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import retrograd as tf


def started(target: Any, *args: Any) -> threading.Thread:
    thread = threading.Thread(target=target, args=args, daemon=True)
    thread.start()
    return thread


def test_stopping() -> None:
    coord = tf.train.Coordinator()
    assert not coord.should_stop()
    assert not coord.wait_for_stop(0.01)
    threads = [started(coord.wait_for_stop) for _ in range(3)]
    coord.request_stop()
    assert coord.should_stop()
    coord.join(threads)
    assert coord.joined
    coord.clear_stop()
    assert not coord.should_stop()
    assert not coord.joined


def test_the_first_error_is_raised_where_the_program_waits() -> None:
    coord = tf.train.Coordinator()

    def fail(text: str) -> None:
        with coord.stop_on_exception():
            raise ValueError(text)

    started(fail, "first").join()
    started(fail, "second").join()
    with pytest.raises(ValueError, match="first"):
        coord.raise_requested_exception()
    with pytest.raises(ValueError, match="first"):
        coord.join()
    with pytest.raises(KeyError, match="late"):
        coord.request_stop((KeyError, KeyError("late"), None))


def test_some_errors_are_a_regular_end() -> None:
    coord = tf.train.Coordinator()
    with coord.stop_on_exception():
        raise tf.errors.OutOfRangeError(None, None, "end of input")
    assert coord.should_stop()
    coord.join()
    coord = tf.train.Coordinator(clean_stop_exception_types=(StopIteration,))
    with coord.stop_on_exception():
        next(iter([]))
    coord.join()


def test_an_error_that_is_not_being_handled() -> None:
    coord = tf.train.Coordinator()
    coord.request_stop(RuntimeError("made, not raised"))
    with pytest.raises(ValueError, match=r"ex must be a tuple or sys\.exc_info"):
        coord.join()


def test_threads_that_do_not_stop() -> None:
    coord = tf.train.Coordinator()
    release = threading.Event()
    coord.register_thread(started(release.wait))
    coord.request_stop()
    with pytest.raises(RuntimeError, match="threads still running: Thread-"):
        coord.join(stop_grace_period_secs=0.02)
    coord.register_thread(started(release.wait))
    coord.join(stop_grace_period_secs=0.02, ignore_live_threads=True)
    release.set()


def test_looper() -> None:
    coord = tf.train.Coordinator()
    calls: list[Any] = []

    def target(*args: Any, **kwargs: Any) -> None:
        calls.append((args, kwargs))
        if len(calls) == 3:
            coord.request_stop()

    tf.train.LooperThread.loop(coord, 0.001, target, args=(1,), kwargs={"a": 2})
    coord.join()
    assert calls == [((1,), {"a": 2})] * 3
    with pytest.raises(ValueError, match="must be a Coordinator"):
        tf.train.LooperThread(None, 1)
    with pytest.raises(ValueError, match="require that you also pass 'target'"):
        tf.train.LooperThread(coord, 1, args=(1,))


@pytest.fixture
def session() -> Any:
    with tf.Graph().as_default(), tf.Session() as entered:
        yield entered


def counting(session: Any, limit: int) -> tuple[Any, Any]:
    """A queue and an operation that puts 1, 2, … in, up to a limit."""
    count = tf.Variable(0)
    queue = tf.FIFOQueue(100, tf.int32, [[]])
    put = queue.enqueue(count.count_up_to(limit) + 1)
    session.run(tf.global_variables_initializer())
    return queue, put


def test_a_queue_is_closed_at_the_end_of_input(session: Any) -> None:
    queue, put = counting(session, 5)
    runner = tf.train.QueueRunner(queue, [put, put])
    assert (
        sorted(t.name for t in runner.create_threads(session))
        == ["QueueRunnerThread-fifo_queue-fifo_queue_enqueue"] * 2
    )
    assert runner.create_threads(session) == []  # they are to be started still
    other = tf.train.QueueRunner(queue, [put])
    for thread in other.create_threads(session, start=True):
        thread.join()
    assert session.run(queue.dequeue_up_to(9)).tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(tf.errors.OutOfRangeError):
        session.run(queue.dequeue())
    assert other.exceptions_raised == []


def test_errors_go_to_the_coordinator(session: Any) -> None:
    queue, put = counting(session, 5)
    bad = tf.Assert(False, ["bad input"])
    with tf.control_dependencies([bad]):
        failing = queue.enqueue(1)
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [put, failing]))
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord)
    with pytest.raises(tf.errors.InvalidArgumentError, match="bad input"):
        coord.join(threads)
    assert session.run(queue.is_closed())


def test_an_enqueue_that_waits_ends_on_a_stop(session: Any) -> None:
    queue, put = counting(session, 500)
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [put]))
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord)
    for _ in range(200):
        if session.run(queue.size()) == 100:
            break
        time.sleep(0.01)
    coord.request_stop()
    coord.join(threads)
    assert not any(t.is_alive() for t in threads)


def test_messages(session: Any) -> None:
    queue, put = counting(session, 5)
    runner = tf.train.QueueRunner(
        queue,
        [put],
        queue_closed_exception_types=(
            tf.errors.OutOfRangeError,
            tf.errors.CancelledError,
        ),
    )
    message = runner.to_proto()
    assert message.queue_name == "fifo_queue"
    assert list(message.enqueue_op_name) == ["fifo_queue_enqueue"]
    assert list(message.queue_closed_exception_types) == [11, 1]
    again = tf.train.QueueRunner.from_proto(message)
    assert again.to_proto() == message
    assert again.enqueue_ops == [put]
    assert runner.to_proto(export_scope="elsewhere") is None


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="Must provide queue and enqueue_ops"):
        tf.train.QueueRunner()
    with tf.Graph().as_default():
        queue = tf.FIFOQueue(1, tf.int32)
        with pytest.raises(TypeError, match=r"must be a tuple of tf\.error types"):
            tf.train.QueueRunner(
                queue, [queue.enqueue(1)], queue_closed_exception_types=(int,)
            )
    with pytest.raises(ValueError, match="No default session is registered"):
        tf.train.start_queue_runners()
    with pytest.raises(TypeError, match=r"sess must be a `tf.Session` object"):
        tf.train.start_queue_runners("session")
