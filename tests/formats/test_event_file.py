"""Event files: nothing that was added is lost, and TensorBoard reads it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import retrograd as tf
from retrograd.formats import event_file
from retrograd.summary.plugin_asset import PluginAsset, get_plugin_asset


def event(step: int) -> Any:
    return tf.Event(step=step)


def steps(folder: Path) -> list[int]:
    """The steps of all events in a folder, file by file."""
    return [
        e.step
        for path in sorted(folder.iterdir())
        for e in event_file.summary_iterator(path)
        if e.WhichOneof("what") != "file_version"
    ]


def test_tensorboard_reads_what_is_written(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [None])
        tf.summary.scalar("average", tf.reduce_mean(x))
        tf.summary.histogram("values", x)
        tf.summary.image("image", tf.reshape(x, [1, 2, 2, 1]))
        tf.summary.audio("sound", tf.reshape(x, [1, 4]), 8000)
        tf.summary.text("words", tf.constant("some"))
        merged = tf.summary.merge_all()
        with tf.summary.FileWriter(tmp_path, graph) as writer:
            for i in range(3):
                fed = np.float32([i, 1, 0, 0])
                writer.add_summary(session.run(merged, {x: fed}), i)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("average")] == [
        (0, 0.25),
        (1, 0.5),
        (2, 0.75),
    ]
    assert events.Histograms("values")[0].histogram_value.num == 4
    assert events.Images("image/image/0")[0].width == 2
    assert events.Audio("sound/audio/0")[0].length_frames == 4
    assert events.Tensors("words")[0].tensor_proto.string_val == [b"some"]
    assert events.SummaryMetadata("words").plugin_data.plugin_name == "text"
    assert {n.name for n in events.Graph().node} == {
        op.name for op in graph.get_operations()
    }


def test_events_of_several_threads_are_all_there(tmp_path: Path) -> None:
    writer = event_file.EventFileWriter(tmp_path, max_queue=3)

    def add(first: int) -> None:
        for i in range(first, 400, 4):
            writer.add_event(event(i))

    threads = [threading.Thread(target=add, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.flush()
    assert sorted(steps(tmp_path)) == list(range(400))
    writer.close()


def test_a_writer_goes_on_in_a_file_of_its_own(tmp_path: Path) -> None:
    writer = event_file.EventFileWriter(tmp_path)
    other = event_file.EventFileWriter(tmp_path)
    writer.add_event(event(1))
    other.add_event(event(2))
    writer.close()
    writer.add_event(event(99))
    writer.reopen()
    writer.add_event(event(3))
    for each in (writer, other):
        each.close()
        each.close()
    assert len(list(tmp_path.iterdir())) == 3
    assert sorted(steps(tmp_path)) == [1, 2, 3]


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "1 / 0"])
def test_nothing_is_lost_when_the_process_ends(tmp_path: Path, end: str) -> None:
    program = (
        "import retrograd as tf\n"
        f"writer = tf.summary.FileWriter({str(tmp_path)!r}, max_queue=1000)\n"
        "for i in range(300):\n"
        "    writer.add_event(tf.Event(step=i))\n"
    )
    subprocess.run(
        [sys.executable, "-c", program + end], check=False, stderr=subprocess.DEVNULL
    )
    assert steps(tmp_path) == list(range(300))


class Full:
    """A file on a disk that is full for a while."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.full = stream, True

    def write(self, block: bytes) -> None:
        self.stream.write(block[: len(block) // 2] if self.full else block)
        if self.full:
            raise OSError(28, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def test_what_cannot_be_written_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = event_file.EventFileWriter(tmp_path)
    writer.add_event(event(1))
    writer.flush()
    disk: Any = Full(writer._file._stream)
    writer._file._stream = disk
    for i in (2, 3):
        writer.add_event(event(i))
    writer.flush()
    assert steps(tmp_path) == [1]  # and no part of another
    disk.full = False
    writer.close()
    assert steps(tmp_path) == [1, 2, 3]


class Asset(PluginAsset):
    plugin_name = "mine"

    def assets(self) -> dict[str, str | bytes]:
        return {"a.txt": "text"}


def test_files_of_plugins_are_written_with_the_graph(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        assert get_plugin_asset(Asset) is get_plugin_asset(Asset)
        tf.summary.FileWriter(tmp_path, graph).close()
    assert (tmp_path / "plugins" / "mine" / "a.txt").read_text() == "text"


def test_one_writer_is_kept_for_each_folder(tmp_path: Path) -> None:
    cache = tf.summary.FileWriterCache
    with tf.Graph().as_default():
        writer = cache.get(str(tmp_path))
        assert cache.get(str(tmp_path)) is writer
        cache.clear()
        with pytest.warns(UserWarning, match="Attempting to use a closed FileWriter"):
            writer.flush()
        again = cache.get(str(tmp_path))
        assert again is not writer
        cache.clear()
