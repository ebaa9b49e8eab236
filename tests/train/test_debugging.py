"""The names of the debugger: sessions pass runs on, values are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.train import debugging


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1.0, np.nan], True),
        ([np.inf], True),
        ([1.0], False),
        ([1], False),
        ([b"a"], False),
        ([complex(np.nan, 0)], True),
    ],
)
def test_infinite_values_and_nan_are_found(value: Any, expected: bool) -> None:
    assert debugging.has_inf_or_nan(None, np.array(value)) is expected


def test_runs_are_passed_on() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        wrapped: Any = debugging.LocalCLIDebugWrapperSession(session)
        wrapped.add_tensor_filter("has_inf_or_nan", debugging.has_inf_or_nan)
        x = tf.placeholder(tf.float32)
        assert wrapped.run(x + 1.0, feed_dict={x: 2.0}) == 3
        assert wrapped.graph is session.graph and wrapped.session is session
        with pytest.raises(TypeError, match=r"filter_callable is expected to"):
            wrapped.add_tensor_filter("a", 3)
        with pytest.raises(ValueError, match=r"^Unknown ui_type: zz$"):
            debugging.LocalCLIDebugWrapperSession(session, ui_type="zz")
    with pytest.raises(TypeError, match=r"got type <class 'int'>$"):
        debugging.LocalCLIDebugWrapperSession(3)


def test_the_hook_lets_a_session_be() -> None:
    with tf.Graph().as_default():
        value = tf.constant(2.0) * 3.0
        hook = debugging.LocalCLIDebugHook()
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            assert session.run(value) == 6
