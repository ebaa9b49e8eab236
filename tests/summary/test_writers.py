"""Summary writers in graphs and executing eagerly, held to TensorFlow 1.15."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

import retrograd as tf
from retrograd.formats.event_file import summary_iterator
from retrograd.graph import context
from tests.summary import writer_programs

DATA = pathlib.Path(__file__).parent.parent / "data" / "writers.json"
WANTED = json.loads(DATA.read_text())
COVERED = {
    "in_a_graph": (
        *"SummaryWriter CreateSummaryFileWriter FlushSummaryWriter".split(),
        *"CloseSummaryWriter WriteScalarSummary WriteHistogramSummary".split(),
        *"WriteImageSummary WriteAudioSummary WriteSummary WriteGraphSummary".split(),
    ),
    "with_a_session": ("ImportEvent",),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.covers(*COVERED.get(name, ())))
        for name in writer_programs.PROGRAMS
    ],
)
def test_against_tensorflow(name: str) -> None:
    found = writer_programs.PROGRAMS[name](tf)
    assert json.loads(json.dumps(found)) == WANTED[name]


def written(folder: pathlib.Path) -> list[Any]:
    """The events of a folder but for those that name the format."""
    return [
        event
        for path in sorted(folder.iterdir())
        for event in summary_iterator(path)
        if event.WhichOneof("what") != "file_version"
    ]


@pytest.mark.covers("WriteRawProtoSummary")
def test_summaries_are_written_at_once_when_executing_eagerly(
    tmp_path: pathlib.Path,
) -> None:
    v2 = tf.compat.v2.summary
    with context.eager_mode():
        writer = v2.create_file_writer(str(tmp_path))
        with writer.as_default():
            assert v2.scalar("loss", 0.5, step=1).numpy()
            v2.text("words", "some", step=2)
            with v2.record_if(lambda: False):
                assert not v2.scalar("loss", 0.5, step=3).numpy()
            raw = tf.Summary(value=[tf.Summary.Value(tag="raw", simple_value=2.0)])
            v2.experimental.write_raw_pb(raw.SerializeToString(), step=4)
        events = written(tmp_path)
        assert [e.step for e in events] == [1, 2, 4]
        plugins = [e.summary.value[0].metadata.plugin_data.plugin_name for e in events]
        assert plugins == ["scalars", "text", ""]
        writer.close()
        with pytest.raises(RuntimeError, match="SummaryWriter is already closed"):
            writer.set_as_default()


def test_two_writers_of_a_folder_are_one(tmp_path: pathlib.Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.create_global_step()
        for _ in range(2):
            writer = tf.contrib.summary.create_file_writer(str(tmp_path))
        session.run(tf.contrib.summary.summary_writer_initializer_op())
        session.run(tf.global_variables_initializer())
        with writer.as_default(), tf.contrib.summary.always_record_summaries():
            session.run(tf.contrib.summary.scalar("a", 1.0))
        session.run(writer.close())
    assert len(list(tmp_path.iterdir())) == 1
    assert len(written(tmp_path)) == 1


def test_an_error_inside_is_the_one_that_is_raised(tmp_path: pathlib.Path) -> None:
    with context.eager_mode():
        writer = tf.compat.v2.summary.create_file_writer(str(tmp_path))
        with pytest.raises(KeyError), writer.as_default():
            raise KeyError("mine")
        assert tf.compat.v2.summary.write("a", 1.0, step=1).numpy() is not True
        writer.close()
