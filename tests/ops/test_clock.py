"""The time."""

from __future__ import annotations

import time

import pytest

import retrograd as tf


@pytest.mark.covers("Timestamp")
def test_the_time_is_that_of_the_run() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        now = tf.timestamp()
        before = time.time()
        first, second = session.run(now), session.run(now)
    assert now.dtype == tf.float64
    assert before - 1e-3 <= first <= second <= time.time() + 1e-3
