"""Elements are made ahead in threads: in order, and only while somebody wants them."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import retrograd as tf

Dataset = tf.data.Dataset


def ours() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.name.startswith("tf_data")}


def test_calls_overlap_and_results_are_in_order() -> None:
    together = threading.Barrier(4, timeout=5)

    def wait(x: Any) -> Any:
        together.wait()
        return x * 2

    with tf.Graph().as_default(), tf.Session() as session:
        made = Dataset.range(8).map(
            lambda x: tf.py_func(wait, [x], tf.int64), num_parallel_calls=4
        )
        value = made.make_one_shot_iterator().get_next()
        assert [session.run(value) for _ in range(8)] == list(range(0, 16, 2))


def test_threads_end_with_the_session() -> None:
    def endless() -> Iterator[int]:
        number = 0
        while True:
            number += 1
            yield number

    before = ours()
    with tf.Graph().as_default(), tf.Session() as session:
        made = Dataset.from_generator(endless, tf.int64, [])
        made = made.map(lambda x: x + 1, num_parallel_calls=2).prefetch(3)
        value = made.make_one_shot_iterator().get_next()
        assert [session.run(value) for _ in range(3)] == [2, 3, 4]
        made_ahead = ours() - before
        assert made_ahead
    deadline = time.monotonic() + 5
    while ours() & made_ahead and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert not ours() & made_ahead


def test_an_error_comes_in_the_place_of_its_element() -> None:
    def fail(x: Any) -> Any:
        if x == 1:
            raise ValueError("one")
        return x

    with tf.Graph().as_default(), tf.Session() as session:
        made = Dataset.range(3).map(
            lambda x: tf.py_func(fail, [x], tf.int64), num_parallel_calls=3
        )
        value = made.prefetch(2).make_one_shot_iterator().get_next()
        assert session.run(value) == 0
        with pytest.raises(tf.errors.InvalidArgumentError, match="ValueError: one"):
            session.run(value)
        assert session.run(value) == 2
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(value)


def test_functions_where_tensors_are_equal_by_value(launcher: Any) -> None:
    lines = launcher.output(
        "import tensorflow as tf\n"
        "tf.compat.v1.enable_v2_behavior()\n"
        "data = tf.compat.v2.data.Dataset.range(10)\n"
        "print([int(x) for x in data.map(lambda x: x + 1).take(3)])\n"
        "mixed = data.shuffle(10, seed=1)\n"
        "first, second = ([int(x) for x in mixed] for _ in range(2))\n"
        "print(first, sorted(second) == sorted(first), second != first)\n"
    )
    # as 1.15 has it
    assert lines == ["[1, 2, 3]", "[0, 9, 5, 1, 2, 7, 3, 8, 6, 4] True True"]
