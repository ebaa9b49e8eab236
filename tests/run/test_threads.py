"""Many threads run one session at once; nothing is lost."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import retrograd as tf


@pytest.mark.parametrize("tier", ["0", "1", "auto"])
def test_updates_from_threads_all_count(
    tier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETROGRAD_TIER", tier)
    with tf.Graph().as_default():
        v = tf.Variable(np.zeros(50, np.float32))
        x = tf.placeholder(tf.float32, [50])
        bump = tf.assign_add(v, x * 2.0)
        loss = tf.reduce_sum(v * x)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            failed: list[BaseException] = []

            def work() -> None:
                try:
                    for _ in range(200):
                        session.run(bump, {x: np.ones(50)})
                        session.run(loss, {x: np.ones(50)})
                except BaseException as error:
                    failed.append(error)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert not failed
            np.testing.assert_array_equal(session.run(v), np.full(50, 1600.0))


def test_default_graphs_and_sessions_are_a_threads_own() -> None:
    found = []

    def work() -> None:
        found.append((tf.get_default_session(), tf.get_default_graph() is outer))

    outer = tf.Graph()
    with outer.as_default(), tf.Session():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found == [(None, False)]
