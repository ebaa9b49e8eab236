"""Summaries, held to those of TensorFlow 1.15."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

import retrograd as tf
from retrograd.graph import context
from tests.summary import programs

DATA = pathlib.Path(__file__).parent.parent / "data" / "summary.json"
WANTED = json.loads(DATA.read_text())
COVERED = {
    "histograms": ("HistogramSummary",),
    "images": ("ImageSummary",),
    "numbers": ("ScalarSummary", "TensorSummary", "TensorSummaryV2"),
    "refused": ("MergeSummary",),
    "sounds": ("AudioSummaryV2",),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.covers(*COVERED.get(name, ())))
        for name in programs.PROGRAMS
    ],
)
def test_against_tensorflow(name: str) -> None:
    assert json.loads(json.dumps(programs.PROGRAMS[name](tf))) == WANTED[name]


@pytest.mark.parametrize(
    ("call", "first"),
    [
        (lambda: tf.summary.merge([b""]), "Merging tf.summary.* ops is not compatible"),
        (tf.summary.merge_all, "Merging tf.summary.* ops is not compatible"),
        (lambda: tf.summary.FileWriter("x"), "tf.summary.FileWriter is not compatible"),
    ],
)
def test_what_needs_a_graph_says_so(call: Any, first: str) -> None:
    with context.eager_mode(), pytest.raises(RuntimeError) as found:
        call()
    assert str(found.value) == (
        f"{first} with eager execution. Use tf.contrib.summary instead."
    )


def test_a_summary_is_made_at_once_when_executing_eagerly() -> None:
    with context.eager_mode(), tf.name_scope("q"):
        made = tf.summary.scalar("a", 1.0)
        assert made.numpy() == b"\n\n\n\x03q/a\x15\x00\x00\x80?"


def test_numbers_beyond_the_last_limit_are_counted() -> None:
    most = 1.7976931348623157e308
    with tf.Graph().as_default(), tf.Session() as session:
        values = tf.constant([most, -most], tf.float64)
        made = session.run(tf.summary.histogram("h", values))
    histo = tf.Summary.FromString(made).value[0].histo
    assert histo.num == sum(histo.bucket) == 2


def test_replicas_but_the_first_leave_summaries_out() -> None:
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    with tf.Graph().as_default() as graph, strategy.scope():
        strategy.experimental_run_v2(lambda: tf.summary.scalar("a", 1.0))
        assert len(graph.get_collection("summaries")) == 1
