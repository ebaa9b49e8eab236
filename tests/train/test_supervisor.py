"""Supervisors, devices of replicas, synchronous replicas: as 1.15.5 has them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats.event_file import summary_iterator


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def model() -> tuple[Any, Any]:
    w = tf.Variable(1.0, name="w")
    step = tf.train.get_or_create_global_step()
    tf.summary.scalar("s", w)
    return step, tf.group(tf.assign_add(step, 1), tf.assign_add(w, 1.0))


def events(folder: Path) -> list[Any]:
    (name,) = (n for n in os.listdir(folder) if "tfevents" in n)
    return list(summary_iterator(os.path.join(folder, name)))


def test_a_session_is_initialized_saved_summarized_and_restored(tmp_path: Path) -> None:
    _, train = model()
    supervisor = tf.train.Supervisor(
        logdir=str(tmp_path), save_summaries_secs=0, save_model_secs=0
    )
    graph = tf.get_default_graph()
    assert graph.finalized
    kept = {
        k: [getattr(x, "name", None) for x in graph.get_collection(k)]
        for k in ("ready_op", "init_op", "local_init_op", "summary_op", "global_step")
    }
    assert kept == {
        "ready_op": ["report_uninitialized_variables/boolean_mask/GatherV2:0"],
        "init_op": ["init"],
        "local_init_op": ["group_deps_1"],
        "summary_op": ["Merge/MergeSummary:0"],
        "global_step": ["global_step:0"],
    }
    with supervisor.managed_session() as session:
        for _ in range(3):
            session.run(train)
        supervisor.summary_computed(session, session.run(supervisor.summary_op))
        path = supervisor.saver.save(session, supervisor.save_path, 3)
    assert supervisor.should_stop()
    assert os.path.exists(tmp_path / "graph.pbtxt") and path.endswith("model.ckpt-3")
    found = events(tmp_path)
    assert [e.WhichOneof("what") for e in found[:4]] == [
        "file_version",
        "graph_def",
        "meta_graph_def",
        "session_log",
    ]
    assert found[3].session_log.status == 1  # START
    values = [(e.step, v.tag, v.simple_value) for e in found for v in e.summary.value]
    assert values == [(3, "s", 4.0)]
    assert found[-1].session_log.status == 2  # STOP
    with tf.Graph().as_default():
        step, _ = model()
        again = tf.train.Supervisor(logdir=str(tmp_path), summary_op=None)
        assert again.summary_op is None and again.save_path == str(
            tmp_path / "model.ckpt"
        )
        with again.managed_session(start_standard_services=False) as session:
            assert session.run(step) == 3


def test_who_is_not_the_chief_writes_nothing(tmp_path: Path) -> None:
    tf.Variable(2.0, name="v")
    with pytest.raises(ValueError, match=r"^When using replicas, all Variables must"):
        tf.train.Supervisor(is_chief=False)
    with tf.Graph().as_default(), tf.device("/cpu:0"):
        model()
        supervisor = tf.train.Supervisor(logdir=str(tmp_path), is_chief=False)
        assert supervisor.save_path is None and supervisor.summary_writer is None
        assert supervisor.save_model_secs is None
        with tf.Session() as session:
            with pytest.raises(RuntimeError, match=r"^Only chief supervisor can start"):
                supervisor.start_standard_services(session)
            with pytest.raises(RuntimeError, match=r"requires a summary writer.$"):
                supervisor.summary_computed(session, b"")


def test_errors_end_a_managed_session(caplog: pytest.LogCaptureFixture) -> None:
    step, train = model()
    supervisor = tf.train.Supervisor()
    with pytest.raises(ValueError, match=r"^oops"), supervisor.managed_session():
        raise ValueError("oops")
    with supervisor.managed_session():
        raise tf.errors.OutOfRangeError(None, None, "the end")
    seen = []

    def one_step(session: Any, most: int) -> None:
        seen.append(session.run([train, step])[1])
        if len(seen) == 2:
            raise tf.errors.AbortedError(None, None, "lost")
        if len(seen) == most:
            supervisor.request_stop()

    with caplog.at_level(logging.WARNING, "tensorflow"):
        tf.train.basic_train_loop(supervisor, one_step, args=(4,))
    assert len(seen) == 4  # the second session goes on where the count was
    assert "Standard services need a 'logdir' passed to the SessionManager" in (
        caplog.text
    )


def placed(**options: Any) -> list[str]:
    with tf.Graph().as_default() as graph:
        with tf.device(tf.train.replica_device_setter(**options)):
            tf.Variable(1.0, name="a")
            tf.get_variable("b", [3], use_resource=True)
            with tf.device("/gpu:0"):
                tf.constant(2.0, name="s")
                tf.Variable(3.0, name="v")
            with tf.device("/job:foo/task:3"):
                tf.constant(1, name="q")
        return [graph.get_operation_by_name(n).device for n in "absvq"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["", "", "/device:GPU:0", "/device:GPU:0", "/job:foo/task:3"]),
        (
            {"ps_tasks": 2, "worker_device": "/job:worker/task:1/cpu:0"},
            [
                "/job:ps/task:0",
                "/job:ps/task:1",
                "/job:worker/task:1/device:GPU:0",
                "/job:ps/task:0/device:GPU:0",
                "/job:foo/task:3/device:CPU:0",
            ],
        ),
        (
            {"cluster": {"ps": ["a:1", "b:1"], "worker": ["x:1"]}, "ps_ops": ["Const"]},
            [
                "/job:worker",
                "/job:worker",
                "/job:ps/task:1/device:GPU:0",
                "/job:worker/device:GPU:0",
                "/job:foo/task:3",
            ],
        ),
        (
            {"ps_tasks": 3, "ps_device": "/job:qq", "merge_devices": False},
            [
                "/job:qq/task:0",
                "/job:qq/task:1",
                "/device:GPU:0",
                "/device:GPU:0",
                "/job:foo/task:3",
            ],
        ),
        (
            {"ps_tasks": 3, "ps_strategy": lambda op: 2},
            [
                "/job:ps/task:2",
                "/job:ps/task:2",
                "/job:worker/device:GPU:0",
                "/job:ps/task:2/device:GPU:0",
                "/job:foo/task:3",
            ],
        ),
    ],
)
def test_variables_go_to_parameter_servers(options: Any, expected: list[str]) -> None:
    assert placed(**options) == expected


def test_bad_strategies_and_clusters_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^ps_strategy must be callable$"):
        tf.train.replica_device_setter(ps_tasks=2, ps_strategy=3)
    with pytest.raises(TypeError, match=r"^`cluster` must be a dictionary mapping"):
        tf.train.replica_device_setter(cluster=3)


def test_a_step_is_the_mean_of_the_gradients_of_all_workers() -> None:
    step = tf.train.get_or_create_global_step()
    w = tf.Variable([1.0, 2.0], name="w")
    e = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="e")
    x = tf.placeholder(tf.float32, [])
    loss = x * tf.reduce_sum(w * w) + tf.reduce_sum(tf.nn.embedding_lookup(e, [0, 0]))
    inner = tf.train.GradientDescentOptimizer(0.1)
    optimizer = tf.train.SyncReplicasOptimizer(inner, 2, total_num_replicas=2)
    with pytest.raises(ValueError, match=r"^Should be called after apply_grad"):
        optimizer.get_chief_queue_runner()
    with pytest.raises(ValueError, match=r"^Global step is required"):
        optimizer.minimize(loss)
    train = optimizer.minimize(loss, global_step=step)
    assert train.name == "Assign_1:0"
    assert [v.name for v in tf.local_variables()] == ["sync_rep_local_step:0"]
    with pytest.raises(ValueError, match=r"-5 \(given\) vs 0 \(needed\)$"):
        optimizer.get_init_tokens_op(-5)
    runner = optimizer.get_chief_queue_runner()
    tokens = optimizer.get_init_tokens_op()
    assert [op.name for op in runner.enqueue_ops] == ["sync_token_q_EnqueueMany"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run([optimizer.chief_init_op, tokens])
        assert session.run(train, {x: 1.0}) == session.run(train, {x: 3.0}) == 0
        session.run(runner.enqueue_ops)  # what the chief's thread does
        found = session.run([w, e, step])
    np.testing.assert_allclose(found[0], [0.6, 1.2], rtol=1e-6)
    np.testing.assert_allclose(found[1], [[0.8, 1.8], [3.0, 4.0]], rtol=1e-6)
    assert found[2] == 1


def test_the_hook_of_synchronous_replicas_prepares_a_session() -> None:
    step = tf.train.get_or_create_global_step()
    w = tf.Variable(1.0, name="w")
    inner = tf.train.GradientDescentOptimizer(0.1)
    optimizer = tf.train.SyncReplicasOptimizer(inner, replicas_to_aggregate=1)
    hook: Any = optimizer.make_session_run_hook(True)
    with pytest.raises(ValueError, match=r"^SyncReplicasOptimizer.apply_gradient sh"):
        hook.begin()
    train = optimizer.minimize(w * w, global_step=step)
    hook.begin()
    # the chief's thread would wait for gradients until its session is closed
    runner, hook._q_runner = hook._q_runner, None
    assert runner is optimizer.get_chief_queue_runner()
    with tf.Session() as session:
        with pytest.raises(RuntimeError, match=r"^Init operations did not make model"):
            hook.after_create_session(session, None)
        session.run(tf.global_variables_initializer())
        hook.after_create_session(session, None)
        assert session.run(train) == 0
        session.run(runner.enqueue_ops)
        np.testing.assert_allclose(session.run(w), 0.8, rtol=1e-6)
