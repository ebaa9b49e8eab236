"""What is done with checkpoints besides saving and restoring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import retrograd as tf
from retrograd.train.freeze_graph import freeze_graph
from retrograd.train.inspect_checkpoint import print_tensors_in_checkpoint_file


@pytest.fixture
def saved(tmp_path: Path) -> str:
    """A checkpoint of a variable `a`, and of `p/w` in two parts."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("a", initializer=[[0.0, 1.0], [2.0, 3.0]])
        tf.get_variable(
            "p/w",
            [4],
            partitioner=tf.fixed_size_partitioner(2),
            initializer=tf.ones_initializer(),
        )
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(tmp_path / "m"))


def test_reading(saved: str) -> None:
    listed = [("a", [2, 2]), ("p/w", [4])]
    assert tf.train.list_variables(saved) == listed
    assert tf.train.list_variables(str(Path(saved).parent)) == listed
    assert tf.train.load_variable(saved, "a:0").tolist() == [[0, 1], [2, 3]]
    assert tf.train.NewCheckpointReader(saved).has_tensor("a")
    with pytest.raises(ValueError, match="Couldn't find 'checkpoint' file"):
        tf.train.load_checkpoint(str(Path(saved).parent.parent))


def test_initializing(saved: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("x"):
            a = tf.get_variable("a", [2, 2], use_resource=True)
            with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(2)):
                w = tf.get_variable("w", [4])
        b = tf.get_variable("b", [2, 2])
        tf.train.init_from_checkpoint(saved, {"/": "x/", "a": b})
        session.run(tf.global_variables_initializer())
        found = session.run([a, b, w.as_tensor()])
        assert a.initial_value.name == "checkpoint_initializer:0"
    np.testing.assert_array_equal(found[0], [[0, 1], [2, 3]])
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], np.ones(4))


@pytest.mark.parametrize(
    ("name", "target", "says"),
    [
        ("zz", "a", "Tensor zz is not found in .* checkpoint {'a': "),
        ("a", "r", r"Shape of variable r:0 \(\(3,\)\) doesn't match with shape of"),
        ("a", "x/none", "scope only name x should map to scope only a. Should be"),
        ("p/", "q/", r"Tensor p/b \(b in p/\) is not found in .* checkpoint"),
    ],
)
def test_what_cannot_be_initialized(
    name: str, target: str, says: str, saved: str
) -> None:
    with tf.Graph().as_default():
        tf.get_variable("a", [2, 2])
        tf.get_variable("r", [3], use_resource=True)
        tf.get_variable("q/b", [4])
        with pytest.raises(ValueError, match=says):
            tf.train.init_from_checkpoint(saved, {name: target})


def test_inspecting(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_tensors_in_checkpoint_file(saved, "", True)
    assert capsys.readouterr().out == (
        "tensor_name:  a\n[[0. 1.]\n [2. 3.]]\ntensor_name:  p/w\n[1. 1. 1. 1.]\n"
        "# Total number of params: 8\n"
    )
    print_tensors_in_checkpoint_file(saved, "", False, True, "p/")
    assert capsys.readouterr().out == (
        "tensor_name:  a\ntensor_name:  p/w\n"
        "# Excluding 1 tensors (4 params) that match p/ when counting.\n"
        "# Total number of params: 4\n"
    )
    print_tensors_in_checkpoint_file(saved, "b", False)
    assert "Key b not found in checkpoint" in capsys.readouterr().out
    print_tensors_in_checkpoint_file(saved + ".data-00000-of-00001", "", True)
    assert f"inspect checkpoint --file_name = {saved}" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["graph", "saver", "meta graph"])
def test_freezing(source: str, tmp_path: Path) -> None:
    folder = str(tmp_path)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        v = tf.Variable([1.0, 2.0], name="v")
        tf.add(v, 1.0, name="y")
        session.run(v.initializer)
        saver = tf.train.Saver()
        path = saver.save(session, folder + "/m")
        tf.train.write_graph(graph, folder, "g.pb", as_text=False)
        tf.train.write_graph(saver.as_saver_def(), folder, "s.pb", as_text=False)
    frozen = freeze_graph(
        "" if source == "meta graph" else folder + "/g.pb",
        folder + "/s.pb" if source == "saver" else "",
        True,
        path,
        "y",
        None,
        None,
        folder + "/out.pb",
        True,
        "",
        input_meta_graph=path + ".meta" if source == "meta graph" else None,
    )
    assert [n.op for n in frozen.node] == ["Const", "Identity", "Const", "Add"]
    assert (tmp_path / "out.pb").read_bytes() == frozen.SerializeToString()
    with pytest.raises(ValueError, match="You need to supply the name of a node"):
        freeze_graph(folder + "/g.pb", "", True, path, "", None, None, "", True, "")
