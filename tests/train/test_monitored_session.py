"""Monitored sessions: what hooks see, what is saved; the values are of 1.15."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import retrograd as tf
from retrograd.summary.writer import FileWriterCache


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield
    FileWriterCache.clear()


class Seen(tf.train.SessionRunHook):
    """Notes what it is called with."""

    def __init__(self, fetched: Any = None) -> None:
        self.fetched, self.calls = fetched, []

    def begin(self) -> None:
        self.calls.append("begin")

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.calls.append(f"created, {type(coord).__name__}")

    def before_run(self, run_context: Any) -> Any:
        return tf.train.SessionRunArgs({"it": self.fetched})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.calls.append(f"after, {run_values.results['it']:.4f}")

    def end(self, session: Any) -> None:
        self.calls.append("end")


def model() -> tuple[Any, Any]:
    w = tf.get_variable("w", [], initializer=tf.ones_initializer())
    loss = tf.square(w - 3.0)
    tf.summary.scalar("loss", loss)
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    return loss, optimizer.minimize(loss, global_step=step)


def trained(folder: Path, last: int, loss: Any, train: Any) -> Seen:
    seen = Seen(loss)
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=str(folder),
        hooks=[
            seen,
            tf.train.StopAtStepHook(last_step=last),
            tf.train.NanTensorHook(loss),
        ],
        save_checkpoint_steps=2,
        save_summaries_steps=1,
        log_step_count_steps=1,
    ) as session:
        assert session.graph is tf.get_default_graph()
        while not session.should_stop():
            session.run(train)
    return seen


def events(folder: Path) -> list[tuple[int, str, list[str]]]:
    names = sorted(n for n in os.listdir(folder) if "tfevents" in n)
    return [
        (e.step, e.WhichOneof("what"), [v.tag for v in e.summary.value])
        for name in names
        for e in tf.train.summary_iterator(str(folder / name))
    ]


def test_a_training_and_its_continuation(tmp_path: Path) -> None:
    """Hooks, checkpoints and events, in the order of 1.15; it goes on where it was."""
    loss, train = model()
    first = trained(tmp_path, 3, loss, train)
    assert first.calls == [
        "begin",
        "created, Coordinator",
        "after, 4.0000",
        "after, 2.5600",
        "after, 1.6384",
        "end",
    ]
    tf.get_default_graph()._unsafe_unfinalize()
    second = trained(tmp_path, 5, loss, train)
    assert second.calls[2:] == ["after, 1.0486", "after, 0.6711", "end"]
    saved = {n.split(".")[1] for n in os.listdir(tmp_path) if n.startswith("model")}
    assert saved == {"ckpt-0", "ckpt-2", "ckpt-3", "ckpt-5"}
    assert events(tmp_path) == [
        (0, "file_version", []),
        (0, "graph_def", []),
        (0, "meta_graph_def", []),
        (0, "graph_def", []),
        (0, "meta_graph_def", []),
        (0, "session_log", []),
        (1, "session_log", []),
        (1, "summary", ["loss"]),
        (2, "summary", ["global_step/sec"]),
        (2, "summary", ["loss"]),
        (2, "session_log", []),
        (3, "summary", ["global_step/sec"]),
        (3, "summary", ["loss"]),
        (3, "session_log", []),
        (0, "graph_def", []),
        (0, "meta_graph_def", []),
        (3, "session_log", []),
        (4, "session_log", []),
        (4, "summary", ["loss"]),
        (5, "summary", ["global_step/sec"]),
        (5, "summary", ["loss"]),
        (5, "session_log", []),
    ]


def test_what_is_in_the_collections(tmp_path: Path) -> None:
    trained(tmp_path, 1, *model())
    names = {
        key: [getattr(x, "name", type(x).__name__) for x in tf.get_collection(key)]
        for key in ("init_op", "ready_op", "local_init_op", "summary_op", "savers")
    }
    assert names == {
        "init_op": ["group_deps"],
        "ready_op": ["concat:0"],
        "local_init_op": ["group_deps_1"],
        "summary_op": ["Merge/MergeSummary:0"],
        "savers": ["Saver"],
    }


def test_the_end_of_a_queue_ends_training() -> None:
    item = tf.train.range_input_producer(2, num_epochs=1).dequeue()
    taken = []
    with tf.train.SingularMonitoredSession() as session:
        while not session.should_stop():
            taken.append(session.run(item))
    assert sorted(taken) == [0, 1]


def test_a_loss_that_is_not_a_number() -> None:
    x = tf.placeholder(tf.float32, [])
    loss = tf.log(x)
    session = tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(loss)])
    with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss"):
        session.run(loss, {x: -1.0})
    session.close()
    tf.get_default_graph()._unsafe_unfinalize()
    quiet = tf.train.NanTensorHook(loss, fail_on_nan_loss=False)
    with tf.train.MonitoredSession(hooks=[quiet]) as session:
        session.run(loss, {x: -1.0})
        assert session.should_stop()


def test_an_error_of_the_program_is_passed_on() -> None:
    seen = Seen(tf.constant(1.0))
    with (
        pytest.raises(KeyError, match="mine"),
        tf.train.MonitoredSession(hooks=[seen]) as session,
    ):
        session.run(tf.get_default_graph().get_tensor_by_name("Const:0"))
        raise KeyError("mine")
    assert seen.calls == ["begin", "created, Coordinator", "after, 1.0000"]


def test_two_that_feed_one_tensor() -> None:
    x = tf.placeholder(tf.float32, [])
    feed = tf.train.FeedFnHook(lambda: {x: 2.0})
    with tf.train.MonitoredSession(hooks=[feed]) as session:
        assert session.run(x) == 2.0
        with pytest.raises(RuntimeError, match="fed by a SessionRunHook and user"):
            session.run(x, {x: 1.0})


def test_a_step_function_stops() -> None:
    one = tf.constant(1.0)

    def step(step_context: Any) -> Any:
        assert step_context.run_with_hooks(one) == 1.0
        return step_context.request_stop()

    with tf.train.MonitoredSession() as session:
        session.run_step_fn(step)
        assert session.should_stop()
        with pytest.raises(ValueError, match="`step_fn` may either have one"):
            session.run_step_fn(lambda other: other)


def test_errors_of_what_is_given() -> None:
    x = tf.constant(1.0)
    for make, text in (
        (tf.train.StopAtStepHook, "One of num_steps or last_step must be specified"),
        (lambda: tf.train.LoggingTensorHook([x]), "either at_end and/or exactly one"),
        (tf.train.SummarySaverHook, "Exactly one of scaffold or summary_op"),
        (lambda: tf.train.SecondOrStepTimer(1.0, 2), "Can not provide both"),
    ):
        with pytest.raises(ValueError, match=text):
            make()


def test_a_session_that_is_closed() -> None:
    last = tf.train.FinalOpsHook(tf.constant(4.0))
    session = tf.train.MonitoredSession(hooks=[last])
    session.close()
    assert last.final_ops_values == 4.0
    assert session.should_stop()
    for use in (session.close, lambda: session.run("Const:0")):
        with pytest.raises(RuntimeError, match="closed"):
            use()


def test_a_model_that_is_not_made_ready() -> None:
    tf.get_variable("v", [])
    scaffold = tf.train.Scaffold(init_op=tf.no_op())
    with pytest.raises(
        RuntimeError,
        match=r"Init op: NoOp, init fn: None, error: Variables not initialized: v",
    ):
        tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold))
