"""Histograms, images and sounds of version 2, traces, and summaries of old, as 1.15."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as tf
from retrograd.formats.event_file import summary_iterator
from retrograd.graph import context
from retrograd.summary import tracing

summary: Any = tf.compat.v2.summary


@pytest.fixture
def _eagerly() -> Iterator[None]:
    with context.eager_mode():
        yield
    tracing.trace_off()


def values(folder: Path) -> list[Any]:
    (name,) = os.listdir(folder)
    events = summary_iterator(str(folder / name))
    return [value for event in events for value in event.summary.value]


@pytest.mark.usefixtures("_eagerly")
def test_what_is_written(tmp_path: Path) -> None:
    writer = summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        assert summary.histogram("h", [1.0, 2.0, 3.0, 3.0], step=2, buckets=4).numpy()
        summary.histogram("one", [1.0, 1.0], step=2, buckets=3, description="d")
        summary.histogram("none", [], step=2)
        summary.image("i", np.full((5, 4, 3, 3), 0.5), step=3)
        sound = np.zeros((2, 10, 2), "float32")
        summary.audio("a", sound, 44100, step=4, max_outputs=1)
    writer.close()
    found = values(tmp_path)
    shown = [(v.tag, v.metadata.plugin_data.plugin_name) for v in found]
    plugins = ["histograms"] * 3 + ["images", "audio"]
    assert shown == list(zip(["h", "one", "none", "i", "a"], plugins, strict=True))
    assert [v.metadata.plugin_data.content.hex() for v in found] == [""] * 4 + ["100b"]
    assert found[1].metadata.summary_description == "d"
    arrays = [tf.make_ndarray(v.tensor) for v in found]
    assert arrays[0].tolist() == [[1, 1.5, 1], [1.5, 2, 0], [2, 2.5, 1], [2.5, 3, 2]]
    assert arrays[1].tolist() == [[0.5, 1.5, 2.0]]
    assert arrays[2].shape == (0, 3)
    assert [text[:4] for text in arrays[3]] == [b"3", b"4"] + [b"\x89PNG"] * 3
    assert arrays[4].shape == (1, 2)
    assert arrays[4][0, 0][:12] == b"RIFFL\x00\x00\x00WAVE"


@pytest.mark.usefixtures("_eagerly")
def test_bad_shapes_and_encodings_are_refused(tmp_path: Path) -> None:
    with summary.create_file_writer(str(tmp_path)).as_default():
        with pytest.raises(
            ValueError, match=r"must have rank 4\.  Received rank 2, sh"
        ):
            summary.image("i", np.ones((2, 2)), step=1)
        with pytest.raises(
            ValueError, match=r"must have rank 3\.  Received rank 1, sh"
        ):
            summary.audio("a", [1.0], 1, step=1)
        with pytest.raises(ValueError, match=r"^Unknown encoding: 'mp3'$"):
            summary.audio("a", np.zeros((1, 1, 1), "f"), 1, step=1, encoding="mp3")
        with pytest.raises(ValueError, match=r"^No step set via 'step' argument or tf"):
            summary.histogram("h", [1.0])


@pytest.mark.usefixtures("_eagerly")
def test_the_functions_that_ran_are_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^Must enable trace before export.$"):
        summary.trace_export("g", step=1)
    twice = tf.function(lambda x: x * 2.0)
    summary.trace_on()
    twice(tf.constant(1.0))
    writer = summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        summary.trace_export("g", step=1)
    writer.close()
    (value,) = values(tmp_path)
    assert value.metadata.plugin_data.plugin_name == "graph_run_metadata_graph"
    metadata = tf.RunMetadata.FromString(tf.make_ndarray(value.tensor).item())
    (graph,) = metadata.partition_graphs
    assert "Mul" in {node.op for node in graph.node}


def test_summaries_by_tags() -> None:
    old: Any = tf.contrib.deprecated
    with tf.Graph().as_default(), tf.Session() as session:
        one = old.scalar_summary("t", 1.0)
        two = old.scalar_summary(["x", "y"], [1.0, 2.0], name="n")
        old.histogram_summary("h", [1.0, 2.0])
        old.image_summary("im", tf.ones([2, 2, 2, 1]))
        old.audio_summary("au", tf.zeros([2, 10, 1]), 44100.0)
        assert (one.name, two.name) == ("ScalarSummary:0", "n:0")
        merged = old.merge_summary([one, two])
        assert merged.name == "MergeSummary/MergeSummary:0"
        everything = old.merge_all_summaries()
        assert old.merge_all_summaries("other") is None
        texts = session.run([merged, everything])
    found = [[v.tag for v in tf.Summary.FromString(text).value] for text in texts]
    assert found[0] == ["t", "x", "y"]
    images = ["im/image/0", "im/image/1", "au/audio/0", "au/audio/1"]
    assert found[1] == [*found[0], "h", *images]
