"""What a handle stands for is known wherever the handle goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.graph.tensor import Held
from retrograd.ops.declare import F


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def _variable() -> Any:
    return tf.get_variable("v", [2, 3], use_resource=True).handle


def _list() -> Any:
    return F.TensorListReserve([3], 4, element_dtype=tf.float32)


def _through_cond(handle: Any) -> Any:
    return tf.cond(tf.placeholder(tf.bool, []), lambda: handle, lambda: handle)


def _through_while(handle: Any) -> Any:
    return tf.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, h), [0, handle])[1]


def _through_call(handle: Any) -> Any:
    return tf.function(lambda: tf.identity(handle))()


def _through_argument(handle: Any) -> Any:
    return tf.function(tf.identity)(handle)


def _through_switch(handle: Any) -> Any:
    return F.Switch(handle, tf.placeholder(tf.bool, []))[1]


WAYS = [
    tf.identity,
    tf.stop_gradient,
    lambda handle: tf.identity_n([tf.constant(1.0), handle])[1],
    _through_switch,
    _through_cond,
    _through_while,
    _through_call,
    _through_argument,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("make", "held"),
    [(_variable, Held((2, 3), tf.float32)), (_list, Held((3,), tf.float32))],
)
def test_it_is_carried_on(
    way: Callable[[Any], Any], make: Callable[[], Any], held: Held
) -> None:
    assert way(make())._held == held


def test_it_decides_the_shape_of_a_read() -> None:
    handle = tf.stop_gradient(_variable())
    assert F.ReadVariableOp(handle, dtype=tf.float32).shape == (2, 3)
    elements = tf.stop_gradient(_list())
    item = F.TensorListGetItem(elements, 0, np.int32(-1), element_dtype=tf.float32)
    assert item.shape == (3,)


def test_branches_that_differ_leave_it_open() -> None:
    one, other = _variable(), tf.get_variable("w", [5], use_resource=True).handle
    chosen = tf.cond(tf.placeholder(tf.bool, []), lambda: one, lambda: other)
    assert chosen._held is None


def test_nothing_is_known_of_what_is_fed() -> None:
    assert tf.placeholder(tf.resource)._held is None
    assert tf.placeholder(tf.variant, [])._held is None
