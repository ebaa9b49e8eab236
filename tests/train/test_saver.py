"""Savers: their operations, files and errors are those of TensorFlow 1.15."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats.tensor_bundle import BundleReader
from retrograd.train import checkpoint_state
from tests.data import saver_programs as programs

DATA = Path(__file__).parent.parent / "data" / "savers.json"
WANTED = json.loads(DATA.read_text())


def stored(kind: str, folder: Path) -> str:
    """Write the files that TensorFlow 1.15 made into a folder; their prefix."""
    for name, content in WANTED["files"][kind].items():
        (folder / name).write_bytes(base64.b64decode(content))
    return str(folder / "m")


@pytest.mark.parametrize("program", programs.GRAPHS, ids=lambda f: f.__name__)
def test_operations(program: Callable[[Any], None]) -> None:
    assert programs.graph_of(tf, program) == WANTED["graphs"][program.__name__]


def test_refusals() -> None:
    found = programs.refused(tf)
    for name, wanted in WANTED["refused"].items():
        assert found[name] == wanted, name


@pytest.mark.parametrize("kind", ["v2", "v1"])
def test_files_are_the_same(kind: str, tmp_path: Path) -> None:
    version = tf.train.SaverDef.V1 if kind == "v1" else tf.train.SaverDef.V2
    programs.save(tf, str(tmp_path), write_version=version)
    for name, content in WANTED["files"][kind].items():
        found = (tmp_path / name).read_bytes().replace(os.fsencode(tmp_path), b"FOLDER")
        assert found == base64.b64decode(content), name


@pytest.mark.covers("RestoreV2")
@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("kind", ["v2", "v1"])
def test_files_are_read(kind: str, parts: int, tmp_path: Path) -> None:
    prefix = stored(kind, tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(tf.zeros([2, 3]), name="v")
        w = tf.Variable([b"", b""], name="w")
        r = tf.get_variable("r", [2], use_resource=True)
        p = tf.get_variable("p", [5, 2], partitioner=tf.fixed_size_partitioner(parts))
        tf.train.Saver().restore(session, prefix)
        found = session.run([v, w, r, tf.convert_to_tensor(p)])
    np.testing.assert_array_equal(found[0], [[0, 1, 2], [3, 4, 5]])
    assert found[1].tolist() == [b"a", b"bcd"]
    np.testing.assert_array_equal(found[2], [1, 1])
    np.testing.assert_array_equal(found[3], np.arange(1, 11).reshape(5, 2))


@pytest.mark.covers("SaveV2", "MergeV2Checkpoints", "ShardedFilename", "StringJoin")
def test_shards_are_merged(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.device("/cpu:0"):
            a = tf.Variable([1.0], name="a")
        b = tf.Variable([2.0], name="b")
        saver = tf.train.Saver(sharded=True)
        session.run([a.initializer, b.initializer])
        path = saver.save(session, str(tmp_path / "m"), write_meta_graph=False)
        session.run([a.assign([0.0]), b.assign([0.0])])
        saver.restore(session, path)
        assert session.run(tf.concat([a, b], 0)).tolist() == [1, 2]
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint",
        "m.data-00000-of-00002",
        "m.data-00001-of-00002",
        "m.index",
    ]


@pytest.mark.covers("SaveSlices", "ShardedFilespec")
def test_shards_of_version_1(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        a = tf.Variable([1.0], name="a")
        saver = tf.train.Saver(sharded=True, write_version=tf.train.SaverDef.V1)
        session.run(a.initializer)
        path = saver.save(session, str(tmp_path / "m"), write_meta_graph=False)
        session.run(a.assign([0.0]))
        saver.restore(session, path)
        assert session.run(a).tolist() == [1]
    assert path.endswith("m-?????-of-00001")


@pytest.mark.covers("Save", "Restore", "RestoreSlice")
def test_single_tensors(tmp_path: Path) -> None:
    path = str(tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        values = [tf.constant([[1, 2], [3, 4]]), tf.constant([b"x"])]
        session.run(
            tf.raw_ops.Save(filename=path, tensor_names=["a", "b"], data=values)
        )
        a = tf.raw_ops.Restore(file_pattern=path, tensor_name="a", dt=tf.int32)
        part = tf.raw_ops.RestoreSlice(
            file_pattern=path,
            tensor_name="a",
            shape_and_slice="2 2 1,1:-",
            dt=tf.int32,
        )
        assert part.shape == (1, 2)
        found = session.run([a, part])
    assert [x.tolist() for x in found] == [[[1, 2], [3, 4]], [[3, 4]]]


def test_old_checkpoints_go(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        saver = tf.train.Saver(max_to_keep=2)
        session.run(step.initializer)
        for i in range(4):
            session.run(step.assign(i))
            saver.save(session, str(tmp_path / "m"), global_step=step)
    kept = [str(tmp_path / f"m-{i}") for i in (2, 3)]
    assert saver.last_checkpoints == kept
    assert tf.train.latest_checkpoint(str(tmp_path)) == kept[-1]
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert list(state.all_model_checkpoint_paths) == kept
    names = {name.partition(".")[0] for name in os.listdir(tmp_path)}
    assert names == {"m-2", "m-3", "checkpoint"}
    other = tf.train.Saver(saver_def=saver.as_saver_def())
    other.recover_last_checkpoints([str(tmp_path / "m-1"), *kept])
    assert other.last_checkpoints == kept


def test_graph_from_a_file(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable([1.0, 2.0], name="v")
        session.run(v.initializer)
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(path + ".meta", import_scope="in")
        saver.restore(session, path)
        assert session.run("in/v:0").tolist() == [1, 2]


def test_what_a_failed_restore_says(tmp_path: Path) -> None:
    prefix = stored("v2", tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.Variable(1.0, name="other")
        with pytest.raises(tf.errors.NotFoundError) as missing:
            tf.train.Saver().restore(session, prefix)
    assert missing.value.message.startswith(
        "Restoring from checkpoint failed. This is most likely due to a Variable name "
        "or other graph key that is missing from the checkpoint. Please ensure that "
        "you have not altered the graph expected based on the checkpoint. Original "
        "error:\n\nKey other not found in checkpoint"
    )
    with tf.Graph().as_default(), tf.Session() as session:
        tf.Variable([1, 2], name="r")
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="expected dtype int32"
        ):
            tf.train.Saver().restore(session, prefix)


def test_a_failed_save_leaves_the_old_files(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        a = tf.Variable([1.0], name="a")
        b = tf.Variable([2.0], name="b")
        saver = tf.train.Saver()
        session.run(a.initializer)
        tf.train.Saver([a]).save(session, prefix)
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        with pytest.raises(tf.errors.FailedPreconditionError):
            saver.save(session, prefix)  # b has no value
        save = tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=["x", "x"],
            shape_and_slices=["", ""],
            tensors=[a, a],
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="duplicate key: x"):
            session.run(save)
        del b
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_parent_folders(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(1.0)
        session.run(v.initializer)
        saver = tf.train.Saver()
        assert saver.save(session, str(tmp_path / "new" / "m"))
        with pytest.raises(ValueError, match=r"Parent directory of .* doesn't exist"):
            saver.save(session, str(tmp_path / "a" / "b" / "m"))


def test_state_with_relative_paths(tmp_path: Path) -> None:
    folder = str(tmp_path)
    checkpoint_state.update_checkpoint_state_internal(
        folder, folder + "/m-1", [folder + "/m-0"], save_relative_paths=True
    )
    text = (tmp_path / "checkpoint").read_text()
    assert text.splitlines() == [
        'model_checkpoint_path: "m-1"',
        'all_model_checkpoint_paths: "m-0"',
        'all_model_checkpoint_paths: "m-1"',
    ]
    state = tf.train.get_checkpoint_state(folder)
    assert state.model_checkpoint_path == folder + "/m-1"
    assert tf.train.latest_checkpoint(folder) is None  # no such files
    (tmp_path / "checkpoint").write_text("not a state")
    assert tf.train.get_checkpoint_state(folder) is None


@pytest.mark.parametrize("resource", [False, True])
def test_what_is_read_is_not_copied(
    resource: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restored variable has the memory that was read, unless a caller gets it too."""
    read: list[np.ndarray] = []

    def noted(reader: Any, name: str) -> np.ndarray:
        read.append(original(reader, name))
        return read[-1]

    original = BundleReader.get
    monkeypatch.setattr(BundleReader, "get", noted)
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable(np.arange(5.0), use_resource=resource)
        session.run(v.initializer)
        saver = tf.train.Saver([v])
        path = saver.save(session, str(tmp_path / "m"))
        session.run(tf.assign(v, np.zeros(5)))
        saver.restore(session, path)
        (cell,) = session._store.cells.values()
        assert cell.value is read[0]
        assert not np.shares_memory(session.run(v), read[0])
        definition = saver.saver_def
        tensor = session.graph.get_tensor_by_name("save/RestoreV2:0")
        feeds = {definition.filename_tensor_name: path}
        value, _ = session.run([tensor, definition.restore_op_name], feeds)
        value[:] = 7
        assert session.run(v).tolist() == [0, 1, 2, 3, 4]
