"""`tf.train.checkpoints_iterator`."""

from __future__ import annotations

from pathlib import Path

import retrograd as tf


def test_checkpoints_come_once(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(1.0)
        session.run(v.initializer)
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    timeouts = []

    def ended() -> bool:
        timeouts.append(len(timeouts))
        return len(timeouts) == 2

    found = tf.train.checkpoints_iterator(str(tmp_path), timeout=0, timeout_fn=ended)
    assert list(found) == [path] and timeouts == [0, 1]
