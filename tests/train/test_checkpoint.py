"""Checkpoints of objects: the graph of objects, what is matched, what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats.checkpoint_reader import NewCheckpointReader
from retrograd.graph import context
from retrograd.train.object_graph import OBJECT_GRAPH_PROTO_KEY
from retrograd.util import protos
from retrograd.util.tracking import AutoTrackable


class Net(AutoTrackable):
    """Two variables and a step of training."""

    def __init__(self, value: float) -> None:
        self.w = tf.Variable([value, value], name="w", use_resource=True)
        self.b = tf.Variable(value, name="b")

    def loss(self) -> Any:
        return tf.reduce_sum(self.w * self.w) + self.b


def _written(folder: Path) -> str:
    """A checkpoint of a net and its optimizer after a step."""
    with tf.Graph().as_default(), tf.Session() as session:
        net, optimizer = Net(1.0), tf.train.AdamOptimizer(0.1)
        step = optimizer.minimize(net.loss())
        checkpoint = tf.train.Checkpoint(net=net, optimizer=optimizer)
        session.run(tf.global_variables_initializer())
        session.run(step)
        return checkpoint.save(str(folder / "c"), session)


def test_keys_and_graph(tmp_path: Path) -> None:
    """As TensorFlow 1.15 writes them."""
    path = _written(tmp_path)
    assert path.endswith("c-1")
    assert tf.train.latest_checkpoint(str(tmp_path)) == path
    reader = NewCheckpointReader(path)
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    assert list(reader.get_variable_to_shape_map()) == [
        OBJECT_GRAPH_PROTO_KEY,
        "net/b" + value,
        "net/b/.OPTIMIZER_SLOT/optimizer/m" + value,
        "net/b/.OPTIMIZER_SLOT/optimizer/v" + value,
        "net/w" + value,
        "net/w/.OPTIMIZER_SLOT/optimizer/m" + value,
        "net/w/.OPTIMIZER_SLOT/optimizer/v" + value,
        "optimizer/beta1_power" + value,
        "optimizer/beta2_power" + value,
        "save_counter" + value,
    ]
    proto = protos.message("trackable_object_graph.TrackableObjectGraph")()
    proto.ParseFromString(reader.get_tensor(OBJECT_GRAPH_PROTO_KEY))
    root, net, optimizer = proto.nodes[:3]
    assert [(c.node_id, c.local_name) for c in root.children] == [
        (1, "net"),
        (2, "optimizer"),
        (3, "save_counter"),
    ]
    assert [(c.node_id, c.local_name) for c in net.children] == [(4, "w"), (5, "b")]
    assert [
        (s.original_variable_node_id, s.slot_name, s.slot_variable_node_id)
        for s in optimizer.slot_variables
    ] == [(4, "m", 8), (5, "m", 9), (4, "v", 10), (5, "v", 11)]
    assert proto.nodes[8].attributes[0].full_name == "w/Adam"


@pytest.mark.parametrize("first", ["restore", "step"])
def test_all_is_restored(first: str, tmp_path: Path) -> None:
    """Slots too, whether they are made before or after `restore`."""
    path = _written(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        net, optimizer = Net(0.0), tf.train.AdamOptimizer(0.1)
        checkpoint = tf.train.Checkpoint(net=net, optimizer=optimizer)
        if first == "step":
            optimizer.minimize(net.loss())
        status = checkpoint.restore(path)
        if first == "restore":
            with pytest.raises(AssertionError, match="Unresolved object in checkpoint"):
                status.assert_consumed()
            optimizer.minimize(net.loss())
        status.assert_consumed().run_restore_ops(session)
        slot = optimizer.get_slot(net.w, "m")
        found = session.run([net.w, net.b, slot, checkpoint.save_counter])
    np.testing.assert_allclose(found[0], [0.9, 0.9], rtol=1e-6)
    np.testing.assert_allclose(found[1], 0.9, rtol=1e-6)
    np.testing.assert_allclose(found[2], [0.2, 0.2], rtol=1e-6)
    assert found[3] == 1


def test_what_is_missing(tmp_path: Path) -> None:
    path = _written(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        status = tf.train.Checkpoint(net=Net(0.0)).restore(path)
        status.assert_existing_objects_matched().assert_nontrivial_match()
        with pytest.raises(AssertionError) as error:
            status.assert_consumed()
        assert str(error.value).startswith(
            "Unresolved object in checkpoint (root).optimizer: children {"
        )
        other = tf.Variable(0.5)
        status = tf.train.Checkpoint(other=other).restore(path)
        with pytest.raises(AssertionError, match="Some Python objects were not bound"):
            status.assert_existing_objects_matched()
        status.expect_partial().initialize_or_restore(session)
        assert session.run(other) == 0.5
        nothing = tf.train.Checkpoint(other=other).restore(None)
        with pytest.raises(AssertionError, match="No checkpoint specified"):
            nothing.assert_consumed()
        nothing.initialize_or_restore(session)
    with pytest.raises(ValueError, match="`Checkpoint` was expecting a trackable obj"):
        tf.train.Checkpoint(a=1)


def test_across_names_and_objects(tmp_path: Path) -> None:
    """A Saver reads a checkpoint of objects, a Checkpoint one of names."""
    path = _written(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        net = Net(0.0)
        tf.train.Saver([net.w, net.b]).restore(session, path)
        np.testing.assert_allclose(session.run(net.w), [0.9, 0.9], rtol=1e-6)
        named = tf.train.Saver([net.w, net.b]).save(session, str(tmp_path / "named"))
        tf.Variable(1.0, name="unknown")
        with pytest.raises(tf.errors.NotFoundError, match="Existing variables not"):
            tf.train.Saver().restore(session, path)
    with tf.Graph().as_default(), tf.Session() as session:
        net = Net(0.0)
        status = tf.train.Checkpoint(net=net).restore(named)
        status.assert_existing_objects_matched().initialize_or_restore(session)
        np.testing.assert_allclose(session.run(net.b), 0.9, rtol=1e-6)


EAGER = """
import os, tempfile
import tensorflow as tf
tf.logging.set_verbosity(tf.logging.ERROR)
tf.enable_eager_execution()
a = tf.Variable([1.0, 2.0])
prefix = os.path.join(tempfile.mkdtemp(), "m")
first = tf.train.Checkpoint(a=a)
path = first.save(prefix)
a.assign([0.0, 0.0])
second = tf.train.Checkpoint()
status = second.restore(path)
second.a = a  # it is restored as it comes
status.assert_consumed()
print(a.numpy(), second.save_counter.numpy())
saver = tf.train.Saver([a])
saver.save(None, prefix)
a.assign([5.0, 5.0])
saver.restore(None, prefix)
print(a.numpy())
manager = tf.train.CheckpointManager(first, os.path.dirname(prefix), max_to_keep=1)
print([os.path.basename(manager.save()) for _ in range(2)])
"""


def test_eager(launcher: Any) -> None:
    assert launcher.output(EAGER) == ["[1. 2.] 1", "[1. 2.]", "['ckpt-2', 'ckpt-3']"]


def test_manager(tmp_path: Path) -> None:
    folder = str(tmp_path / "new")
    with tf.Graph().as_default(), tf.Session() as session:
        net = Net(1.0)
        checkpoint = tf.train.Checkpoint(net=net)
        session.run([net.w.initializer, net.b.initializer])
        manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
        assert (manager.latest_checkpoint, manager.checkpoints) == (None, [])
        paths = [manager.save() for _ in range(3)]
        assert paths == [f"{folder}/ckpt-{i}" for i in (1, 2, 3)]
        assert manager.checkpoints == paths[1:]
        assert not tf.train.checkpoint_exists(paths[0])
        again = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
        assert again.checkpoints == paths[1:]
        assert again.save(checkpoint_number=20) == f"{folder}/ckpt-20"
        assert tf.train.latest_checkpoint(folder) == f"{folder}/ckpt-20"
        with pytest.raises(ValueError, match="Expected a positive integer or `None`"):
            tf.train.CheckpointManager(checkpoint, folder, max_to_keep=0)


def test_lists_and_dictionaries(tmp_path: Path) -> None:
    def holder(start: float) -> AutoTrackable:
        made = AutoTrackable()
        made.items = [tf.Variable(start), "text", [tf.Variable(start + 1)]]
        made.named = {"k": tf.Variable(start + 2), "n": 1}
        made.plain = [1, 2]
        made.fixed = (tf.Variable(0.0),)  # tuples are not looked into
        return made

    with tf.Graph().as_default(), tf.Session() as session:
        first = tf.train.Checkpoint(x=holder(1.0))
        session.run(tf.global_variables_initializer())
        path = first.write(str(tmp_path / "m"))
        value = "/.ATTRIBUTES/VARIABLE_VALUE"
        assert [name for name, _ in tf.train.list_variables(path)[1:]] == [
            "x/items/0" + value,
            "x/items/2/0" + value,
            "x/named/k" + value,
        ]
        second = holder(0.0)
        tf.train.Checkpoint(x=second).restore(path).run_restore_ops()
        found = session.run([second.items[0], second.items[2][0], second.named["k"]])
    assert found == [1, 2, 3]


def test_variables_made_for_an_object() -> None:
    from retrograd.train.checkpoint import add_variable, gather_initializers

    owner = AutoTrackable()
    with tf.Graph().as_default(), tf.Session() as session:
        a = add_variable(owner, "a", initializer=2.0)
        b = add_variable(owner, "b", [3], initializer=tf.ones_initializer())
        assert owner._lookup_dependency("b") is b
        session.run(gather_initializers(owner))
        assert session.run([a, tf.reduce_sum(b)]) == [2, 3]


def test_variables_that_a_saver_has_not_saved(tmp_path: Path) -> None:
    """In eager mode and in a graph: what is there is restored, the rest is told."""
    with context.eager_mode():
        v = tf.Variable([1.0, 2.0], name="v")
        path = tf.train.Saver({"v": v}).save(None, str(tmp_path / "m"))
        v.assign([0.0, 0.0])
        more = tf.Variable(3.0, name="w")
        status = tf.train.Checkpoint(v=v, w=more).restore(path)
        assert v.numpy().tolist() == [1, 2] and more.numpy() == 3
        with pytest.raises(AssertionError) as error:
            status.assert_existing_objects_matched()
        text = str(error.value)
        first = "Some objects had attributes which were not restored:\n    <tf.Variable"
        assert text.startswith(first) and text.endswith(": ['w']")
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", [2])
        more = tf.get_variable("w", initializer=4.0)
        tf.train.Checkpoint(v=v, w=more).restore(path).initialize_or_restore(session)
        assert session.run(v).tolist() == [1, 2] and session.run(more) == 4
