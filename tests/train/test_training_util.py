"""The global step."""

from __future__ import annotations

from typing import Any

import pytest

import retrograd as tf
from retrograd.train import training_util


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as made:
        yield made


def test_made_once(graph: Any) -> None:
    assert tf.train.get_global_step() is None
    with tf.name_scope("inner"):
        step = tf.train.get_or_create_global_step()
    assert step.name == "global_step:0"
    assert step.dtype.base_dtype is tf.int64
    assert not step.trainable
    assert tf.train.get_or_create_global_step() is step
    assert graph.get_collection("global_step") == [step]
    with pytest.raises(ValueError, match=r'"global_step" already exists.'):
        tf.train.create_global_step()
    with tf.Session() as session:
        session.run(step.initializer)
        session.run(step.assign_add(3))
        assert tf.train.global_step(session, step) == 3


def test_found_by_name() -> None:
    tensor = tf.placeholder(tf.int32, [], name="global_step")
    assert tf.train.get_global_step() is tensor


def test_more_than_one(graph: Any) -> None:
    for _ in range(2):
        graph.add_to_collection("global_step", tf.Variable(0))
    assert tf.train.get_global_step() is None


def test_refusals() -> None:
    with pytest.raises(TypeError, match='"global_step" must be a Variable or Tensor'):
        tf.train.assert_global_step(3)
    with pytest.raises(TypeError, match="does not have integer type"):
        tf.train.assert_global_step(tf.constant(1.0))
    with pytest.raises(TypeError, match="is not scalar"):
        tf.train.assert_global_step(tf.constant([1]))


def test_reading_and_counting_up(graph: Any) -> None:
    assert training_util._get_or_create_global_step_read() is None
    with pytest.raises(ValueError, match="Global step tensor should be created by tf"):
        training_util._increment_global_step(1)
    step = tf.train.get_or_create_global_step()
    read = training_util._get_or_create_global_step_read()
    assert training_util._get_or_create_global_step_read() is read
    up = training_util._increment_global_step(2)
    with tf.Session() as session:
        session.run(step.initializer)
        assert session.run([read, up]) == [0, 2]
    graph.add_to_collection(training_util.GLOBAL_STEP_READ_KEY, read)
    with pytest.raises(RuntimeError, match="There are multiple items in collection"):
        training_util._get_global_step_read()
