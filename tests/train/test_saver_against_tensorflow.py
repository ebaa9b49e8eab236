"""Savers and checkpoints against TensorFlow 1.15: graphs, files, failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from tests.train import checkpoint_data, saver_programs
from tests.variables import programs


@pytest.mark.parametrize("name", saver_programs.GRAPHS)
def test_operations(name: str) -> None:
    listed, described = checkpoint_data.wanted()["graphs"][name]
    with tf.Graph().as_default() as graph:
        saver_programs.GRAPHS[name](tf)
        found = programs.listing(graph)
        assert sorted(found) == sorted(listed)
        for key, parts in listed.items():
            assert found[key] == parts, key
        assert saver_programs.described(graph) == described


def test_files_are_those_that_tensorflow_writes(tmp_path: Path) -> None:
    """So 1.15 reads what is written here."""
    found = saver_programs.write_files(tf, str(tmp_path))
    files = checkpoint_data.files().items()
    wanted = {name: data for name, data in files if not name.startswith("objects")}
    assert sorted(found) == sorted(wanted)
    for name in wanted:
        assert found[name] == wanted[name], name


def test_what_the_ops_refuse(tmp_path: Path) -> None:
    folder = checkpoint_data.put(tmp_path)
    found = saver_programs.op_failures(tf, folder)
    for name, wanted in checkpoint_data.wanted()["op failures"].items():
        assert found[name] == wanted, name


def test_damaged_files(tmp_path: Path) -> None:
    found = saver_programs.damage_failures(tf, str(tmp_path), checkpoint_data.files())
    for name, wanted in checkpoint_data.wanted()["damage"].items():
        assert found[name] == wanted, name


def test_what_a_saver_refuses(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        found: dict[str, Any] = saver_programs.saver_failures(tf, str(tmp_path))
    for name, wanted in checkpoint_data.wanted()["failures"].items():
        assert found[name] == wanted, name


def test_objects_are_written_as_by_tensorflow(tmp_path: Path) -> None:
    found = saver_programs.write_objects(tf, str(tmp_path))
    wanted = dict(checkpoint_data.wanted()["objects"])
    for value in ("value", "later"):  # layers begin at random
        del found[value], wanted[value]
    assert found == wanted


def test_objects_that_tensorflow_wrote(tmp_path: Path) -> None:
    wanted = checkpoint_data.wanted()["objects"]
    path = wanted["path"].replace("FOLDER", checkpoint_data.put(tmp_path))
    with tf.Graph().as_default(), tf.Session() as session:
        whole, step, x = saver_programs.objects(tf)
        whole.restore(path).assert_consumed().run_restore_ops(session)
        np.testing.assert_array_equal(session.run(x), np.float32(wanted["value"]))
        session.run(step)
        np.testing.assert_allclose(session.run(x), wanted["later"], rtol=1e-5)
        assert session.run(whole.save_counter) == 1


def test_initial_values_from_checkpoints(tmp_path: Path) -> None:
    found = saver_programs.initializing(tf, str(tmp_path))
    wanted = checkpoint_data.wanted()["initializing"]
    for number, row in enumerate(wanted):
        assert found[number] == row, number
    assert len(found) == len(wanted)
