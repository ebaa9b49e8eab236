"""Profiles and timelines; the numbers are those of 1.15.5's profiler."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import retrograd as tf
from retrograd.ops.declare import F
from retrograd.ops.float_ops import IncompleteShape, float_operations
from retrograd.summary.writer import FileWriterCache
from retrograd.train.timeline import Timeline

Options: Any = tf.profiler.ProfileOptionBuilder


def given(*shape: int | None) -> Any:
    return tf.placeholder(tf.float32, shape)


def pooled(kind: Any) -> Any:
    x = given(2, 6, 6, 3)
    return tf.gradients(kind(x, [1, 3, 2, 1], [1, 2, 2, 1], "SAME"), x)[0]


def convolved(which: int) -> Any:
    x, w = given(2, 8, 8, 3), given(3, 3, 3, 6)
    y = tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
    return [y, *tf.gradients(y, [x, w])][which]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: F.Rsqrt(given(3, 5)), 30),
        (lambda: F.L2Loss(given(3, 5)), 44),
        (lambda: F.Softmax(given(3, 5)), 75),
        (lambda: F.Add(given(3, 1), given(3, 5)), 15),
        (lambda: F.SquaredDifference(given(3, 1), given(3, 5)), 30),
        (lambda: tf.reduce_mean(given(3, 5), 1), 15),
        (lambda: tf.reduce_sum(given(3, 5), 1), 12),
        (lambda: F.BiasAddGrad(given(3, 5)), 10),
        (lambda: tf.add_n([given(3, 5)] * 4), 45),
        (lambda: tf.matmul(given(4, 3), given(4, 5), transpose_a=True), 120),
        (lambda: pooled(tf.nn.avg_pool), 648),
        (lambda: pooled(tf.nn.max_pool), 378),
        (lambda: convolved(0), 10368),
        (lambda: convolved(1), 10368),
        (lambda: convolved(2), 10368),
        (lambda: tf.nn.relu(given(3, 5)), 0),
    ],
)
def test_float_operations_are_counted(make: Any, expected: int) -> None:
    with tf.Graph().as_default():
        assert float_operations(make().op) == expected


def test_sizes_that_are_not_known_are_not_counted() -> None:
    with tf.Graph().as_default(), pytest.raises(IncompleteShape):
        float_operations(F.Square(given(None, 5)).op)


def model() -> Any:
    with tf.variable_scope("layer"):
        w, b = tf.get_variable("w", [4, 5]), tf.get_variable("b", [5])
        tf.get_variable("other", [7], trainable=False)
    tf.get_variable("k", [3, 3, 3, 6])
    return tf.nn.softmax(tf.matmul(given(3, 4), w, name="m") + b, name="s")


def test_parameters_are_shown_by_names(capsys: pytest.CaptureFixture[str]) -> None:
    with tf.Graph().as_default() as graph:
        model()
        found = tf.profiler.profile(graph)
    assert (found.name, found.total_parameters) == ("_TFProfRoot", 187)
    assert [(c.name, c.total_parameters) for c in found.children] == [
        ("k", 162),
        ("layer", 25),
    ]
    text = capsys.readouterr().out
    assert "-account_type_regexes       _trainable_variables\n" in text
    assert text.split("Profile:\n")[1].split("\n\n")[0].splitlines() == [
        "node name | # parameters",
        "_TFProfRoot (--/187 params)",
        "  k (3x3x3x6, 162/162 params)",
        "  layer (--/25 params)",
        "    layer/b (5, 5/5 params)",
        "    layer/w (4x5, 20/20 params)",
    ]


def test_float_operations_are_summed_by_names_and_by_op_types(tmp_path: Path) -> None:
    path = str(tmp_path / "p.txt")
    options = Options(Options.float_operation())
    with tf.Graph().as_default() as graph:
        tf.nn.softmax(tf.matmul(given(3, 4), given(4, 5), name="m"), name="s")
        found = tf.profiler.profile(
            graph, options=options.with_file_output(path).build()
        )
        quiet = options.with_empty_output().build()
        kinds = tf.profiler.profile(graph, cmd="op", options=quiet)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"^unknown cmd: zzz$"):
            tf.profiler.profile(graph, cmd="zzz")
    assert found.total_float_ops == kinds.total_float_ops == 195
    lines = Path(path).read_text().splitlines()
    assert lines[-2:] == ["  m (120/120 flops)", "  s (75/75 flops)"]
    (first,) = kinds.children
    assert (first.name, first.float_ops, first.total_float_ops) == ("MatMul", 120, 195)
    assert first.children[0].total_float_ops == 75


def test_a_traced_run_is_a_timeline() -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [2, 2], name="x")
        y = tf.nn.relu(tf.matmul(x, x, name="m"), name="r")
        metadata = tf.RunMetadata()
        traced = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        session.run(y, {x: [[1, 2], [3, 4]]}, traced, metadata)
        options = Options(Options.time_and_memory()).with_empty_output().build()
        timed = tf.profiler.profile(graph, run_meta=metadata, options=options)
    events = json.loads(Timeline(metadata.step_stats).generate_chrome_trace_format())
    steps = [e for e in events["traceEvents"] if e["ph"] == "X"]
    assert [(e["name"], e["args"]["name"]) for e in steps] == [
        ("MatMul", "m"),
        ("Relu", "r"),
    ]
    assert steps[1]["args"]["input0"] == "m"
    assert [e["ph"] for e in events["traceEvents"] if e["ph"] in "st"] == ["s", "t"]
    assert timed.total_exec_micros >= 2 and timed.total_requested_bytes == 32


def test_a_hook_writes_timelines(tmp_path: Path) -> None:
    folder = str(tmp_path)
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        train = tf.assign_add(step, 1)
        hook = tf.train.ProfilerHook(save_steps=2, output_dir=folder)
        with tf.train.SingularMonitoredSession(hooks=[hook]) as session:
            for _ in range(5):
                session.run(train)
    FileWriterCache.clear()
    found = sorted(n for n in os.listdir(folder) if n.startswith("timeline"))
    assert found == ["timeline-2.json", "timeline-4.json"]
