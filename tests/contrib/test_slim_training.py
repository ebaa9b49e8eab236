"""The loops of slim and tf.contrib.training: training, evaluation, sizes of models.

Expected losses, names and logs are what TensorFlow 1.15.5 gave.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

import retrograd as tf

slim, T = tf.contrib.slim, tf.contrib.training


def training_op() -> Any:
    """The loss x², x = 3 at first, and a summary of x."""
    x = tf.get_variable("x", [], initializer=tf.constant_initializer(3.0))
    tf.summary.scalar("x", x)
    sgd = tf.train.GradientDescentOptimizer(0.1)
    return slim.learning.create_train_op(x * x, sgd)


@pytest.mark.filterwarnings("ignore:Attempting to use a closed FileWriter")
def test_training_writes_what_it_learns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tensorflow")
    found: dict[str, Any] = {}

    def wrap(session: Any) -> Any:
        found["session"] = session
        return session

    with tf.Graph().as_default() as graph:
        op = training_op()
        before = len(graph.get_operations())
        loss = slim.learning.train(
            op,
            str(tmp_path),
            number_of_steps=3,
            trace_every_n_steps=2,
            save_interval_secs=0,
            session_wrapper=wrap,
        )
        made = [o.name for o in graph.get_operations()[before:]]
    assert loss == pytest.approx(3.6864, rel=1e-5) and "session" in found
    names = [n for n in made if n[:5] != "save/" and "report_" not in n]
    assert names[:5] == [
        "init_ops/init",
        "init_ops/init_1",
        "init_ops/init_all_tables",
        "init_ops/group_deps",
        "Merge/MergeSummary",
    ]
    assert [n for n in names if n.count("/") == 1][5:] == [
        "train_step/GreaterEqual",
        "train_step/FloorMod",
        "train_step/Equal",
        "train_step/FloorMod_1",
        "train_step/Equal_1",
    ]
    trace = json.loads((tmp_path / "tf_trace-3.json").read_text())["traceEvents"]
    assert any(event.get("name") == "Mul" for event in trace)
    assert (tmp_path / "model.ckpt-3.index").exists()
    said = [line for line in caplog.messages if "sec/step" in line]
    assert [line.split(" (")[0] for line in said] == [
        "global step 1: loss = 9.0000",
        "global step 2: loss = 5.7600",
        "global step 3: loss = 3.6864",
    ]
    # what was learnt is gone on from
    with tf.Graph().as_default():
        folder = str(tmp_path)
        given: dict[str, Any] = dict(number_of_steps=4, save_interval_secs=0)
        slim.learning.train(training_op(), folder, **given)
    assert tf.train.load_variable(str(tmp_path), "x") == pytest.approx(3 * 0.8**4, 1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(train_op=None), "train_op cannot be None."),
        (dict(summary_op=None), "Cannot provide summary_op because logdir=None"),
        (dict(saver=1), "Cannot provide saver because logdir=None"),
        (
            dict(trace_every_n_steps=1),
            "Cannot provide trace_every_n_steps because logdir=None",
        ),
        (
            dict(number_of_steps=0),
            "`number_of_steps` must be either None or a positive number.",
        ),
        (
            dict(sync_optimizer=3, startup_delay_steps=1),
            "startup_delay_steps must be zero when sync_optimizer is supplied.",
        ),
    ],
)
def test_training_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        slim.learning.train(**{"train_op": 1, "logdir": None, **arguments})
    assert str(error.value) == message


def test_training_of_contrib_stops_by_a_hook() -> None:
    with tf.Graph().as_default():
        op = training_op()
        with pytest.raises(ValueError, match="when save_summaries_steps is not None"):
            T.train(op, None)
        with pytest.raises(ValueError, match="when save_checkpoint_secs is not None"):
            T.train(op, None, save_summaries_steps=None)
        hooks = [tf.train.StopAtStepHook(2)]
        given: dict[str, Any] = dict(
            save_checkpoint_secs=None, save_summaries_steps=None
        )
        assert T.train(op, None, hooks=hooks, **given) == pytest.approx(5.76)


def checkpoint(folder: Path) -> str:
    """A checkpoint of x = 3, whose graph is the default one."""
    tf.get_variable("x", [], initializer=tf.constant_initializer(3.0))
    tf.train.get_or_create_global_step()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saved = tf.train.Saver().save(session, str(folder / "m"), global_step=7)
    assert isinstance(saved, str)
    return saved


def summarized(folder: Path) -> list[str]:
    (file,) = folder.iterdir()
    events = tf.train.summary_iterator(str(file))
    return [v.tag for event in events for v in event.summary.value]


def test_evaluation_of_one_and_of_new_checkpoints(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tensorflow")
    with tf.Graph().as_default() as graph:
        path = checkpoint(tmp_path)
        x = graph.get_tensor_by_name("x:0")
        value, update = tf.metrics.mean(x)
        tf.summary.scalar("v", value)
        before = len(graph.get_operations())
        hooks = [T.StopAfterNEvalsHook(3), T.SummaryAtEndHook(str(tmp_path / "e"))]
        found = T.evaluate_once(
            path, eval_ops=update, final_ops={"v": value}, hooks=hooks
        )
        made = [o.name for o in graph.get_operations()[before:]][:9]
        assert found == {"v": 3.0} and summarized(tmp_path / "e") == ["v"]
        assert made == [
            "eval_step/Initializer/zeros",
            "eval_step",
            "eval_step/Assign",
            "eval_step/read",
            "AssignAdd/value",
            "AssignAdd",
            "read",
            "Identity",
            "Merge/MergeSummary",
        ]
        said = [line for line in caplog.messages if line.startswith("Evaluation")]
        assert said == [f"Evaluation [{i}/3]" for i in (1, 2, 3)]
        logs = str(tmp_path / "f")
        once = slim.evaluation.evaluate_once(
            "", path, logs, num_evals=2, eval_op=update, final_op=value
        )
        loop = slim.evaluation.evaluation_loop(
            "",
            str(tmp_path),
            logs,
            eval_op=[update],
            final_op=value,
            max_number_of_evaluations=1,
        )
        assert (once, loop) == (3.0, 3.0) and summarized(tmp_path / "f") == ["v", "v"]
        wait = slim.evaluation.wait_for_new_checkpoint
        assert wait(str(tmp_path)) == path
        assert wait(str(tmp_path), path, timeout=0) is None
        assert T.get_or_create_eval_step() is tf.get_collection("eval_step")[0]
    every = T.checkpoints_iterator(str(tmp_path), timeout=0, timeout_fn=lambda: True)
    assert list(every) == [path]
    with pytest.raises(ValueError, match="One of log_dir or summary_writer should"):
        T.SummaryAtEndHook()


def test_sizes_of_tensors(capsys: pytest.CaptureFixture[str]) -> None:
    with tf.Graph().as_default() as graph:
        tf.get_variable("a", [3, 4])
        x = tf.placeholder(tf.float32, [None, 3], name="p")
        analyzer = slim.model_analyzer
        assert analyzer.tensor_description(x) == "(float32 ?x3)"
        assert analyzer.analyze_vars(tf.global_variables(), True) == (12, 48)
        assert capsys.readouterr().out == (
            "---------\nVariables: name (type shape) [size]\n---------\n"
            "a:0 (float32_ref 3x4) [12, bytes: 48]\n"
            "Total size of variables: 12\nTotal bytes of variables: 48\n"
        )
        assert analyzer.analyze_ops(graph, True) == 77
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "a/read \t-> (float32 3x4) [12]",
        "p \t-> (float32 ?x3) [0]",
    ]
