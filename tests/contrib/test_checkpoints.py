"""Variables that get the values of a checkpoint through `tf.contrib.framework`."""

from __future__ import annotations

from pathlib import Path

import pytest

import retrograd as tf

framework = tf.contrib.framework


def _variables() -> tuple[tf.Variable, list[tf.Variable]]:
    a = tf.get_variable("a", initializer=[1.0, 2.0])
    parts = tf.get_variable(
        "x/w",
        [4],
        partitioner=tf.fixed_size_partitioner(2),
        initializer=tf.ones_initializer(),
    )
    return a, list(parts)


@pytest.fixture
def saved(tmp_path: Path) -> str:
    with tf.Graph().as_default(), tf.Session() as session:
        _variables()
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(tmp_path / "m"))


def test_values_of_a_checkpoint(saved: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        a, parts = _variables()
        z = tf.get_variable("z", [1])
        operation, feeds = framework.assign_from_checkpoint(saved, [a, *parts])
        session.run(operation, feeds)
        assert session.run(a).tolist() == [1, 2]
        assert session.run(parts[1]).tolist() == [1, 1]
        with pytest.raises(ValueError, match=r"Checkpoint is missing variable \[z\]"):
            framework.assign_from_checkpoint(saved, [z])
        with pytest.raises(ValueError, match="Total size of new array must be unch"):
            framework.assign_from_checkpoint(saved, {"a": z})
        session.run(a.assign([0.0, 0.0]))
        framework.assign_from_checkpoint_fn(saved, [a, z], True)(session)
        assert session.run(a).tolist() == [1, 2]
        assert framework.assign_from_checkpoint_fn(saved, [z], True) is None
        with pytest.raises(ValueError, match="var_list cannot be empty"):
            framework.assign_from_checkpoint_fn(saved, [])


def test_given_values() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        a, _ = _variables()
        framework.assign_from_values_fn({"a": [5.0, 6.0]})(session)
        assert session.run(a).tolist() == [5, 6]
        with pytest.raises(ValueError, match="Variable q wasn't found"):
            framework.assign_from_values({"q": 1})


def test_which_variables() -> None:
    with tf.Graph().as_default():
        a, parts = _variables()
        chosen = framework.get_variables_to_restore
        assert chosen() == [a, *parts]
        assert chosen(include=["x", "a"]) == [*parts, a]
        assert chosen(exclude=["x"]) == [a]
        assert framework.get_variable_full_name(parts[0]) == "x/w"
        text = "include is provided but is not a list or a tuple"
        with pytest.raises(TypeError, match=text):
            chosen(include="x")


def test_what_a_checkpoint_of_objects_holds(tmp_path: Path) -> None:
    tracker = tf.contrib.checkpoint.UniqueNameTracker()
    with tf.Graph().as_default(), tf.Session() as session:
        for value in (1.0, 2.0):
            tracker.track(tf.Variable(value, name="v"), "a")
        session.run(tf.global_variables_initializer())
        checkpoint = tf.train.Checkpoint(t=tracker)
        path = checkpoint.write(str(tmp_path / "m"), session)
        named = tf.train.Saver().save(session, str(tmp_path / "named"))
    proto = tf.contrib.checkpoint.object_metadata(path)
    assert [child.local_name for child in proto.nodes[1].children] == ["a", "a_1"]
    assert tf.contrib.checkpoint.dot_graph_from_checkpoint(path).splitlines()[:5] == [
        "digraph {",
        'N_0 [shape=point label="" width=.25]',
        'N_0 -> N_1 [label="t"]',
        'N_1 [shape=point label="" width=.25]',
        'N_1 -> N_2 [label="a"]',
    ]
    assert 'tooltip="Variable v_1 shape=[] float32"' in (
        tf.contrib.checkpoint.dot_graph_from_checkpoint(path)
    )
    with pytest.raises(ValueError, match="does not appear to be object-based"):
        tf.contrib.checkpoint.object_metadata(named)
