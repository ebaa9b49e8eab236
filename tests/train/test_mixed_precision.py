"""Asking for 16-bit numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import retrograd as tf
from retrograd.run import configuration
from retrograd.run import mixed_precision as state
from retrograd.train import mixed_precision

experimental = tf.train.experimental


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(configuration._settings, "options", {})
    monkeypatch.setattr(state, "mixed_precision_graph_rewrite_is_enabled", False)
    monkeypatch.setattr(state, "non_mixed_precision_session_created", False)
    with tf.Graph().as_default():
        yield


def _asked(config: Any) -> int:
    return config.graph_options.rewrite_options.auto_mixed_precision


def test_the_optimizer_scales_the_loss() -> None:
    made = experimental.enable_mixed_precision_graph_rewrite(
        tf.train.GradientDescentOptimizer(1.0), 8.0
    )
    assert isinstance(made, experimental.MixedPrecisionLossScaleOptimizer)
    with tf.Session() as session:
        assert session.run(made._loss_scale()) == 8.0


def test_sessions_ask_for_the_rewrite() -> None:
    experimental.enable_mixed_precision_graph_rewrite(
        tf.train.GradientDescentOptimizer(1.0), 8.0
    )
    assert tf.config.optimizer.get_experimental_options()["auto_mixed_precision"]
    with tf.Session() as session:
        assert _asked(session._config) == 1
    given = tf.ConfigProto(allow_soft_placement=True)
    with tf.Session(config=given) as session:
        assert _asked(session._config) == 1
        assert session._config.allow_soft_placement
    assert _asked(given) == 0
    given.graph_options.rewrite_options.auto_mixed_precision = 2
    with tf.Session(config=given) as session:
        assert _asked(session._config) == 2
    experimental.disable_mixed_precision_graph_rewrite()
    assert not tf.config.optimizer.get_experimental_options()["auto_mixed_precision"]
    with tf.Session() as session:
        assert _asked(session._config) == 2


def test_warnings(caplog: pytest.LogCaptureFixture) -> None:
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    experimental.disable_mixed_precision_graph_rewrite()
    assert "called when mixed precision is already disabled." in caplog.text
    experimental.enable_mixed_precision_graph_rewrite(optimizer)
    assert "You already have existing Sessions" not in caplog.text
    with tf.Session():
        pass
    experimental.enable_mixed_precision_graph_rewrite(optimizer)
    assert "You already have existing Sessions" not in caplog.text
    experimental.disable_mixed_precision_graph_rewrite()
    with tf.Session():
        experimental.enable_mixed_precision_graph_rewrite(optimizer)
    assert "You already have existing Sessions that do not use mixed" in caplog.text


class LossScaleOptimizer:
    """Known by its name, as Keras's is."""


@pytest.mark.parametrize(
    ("optimizer", "text"),
    [
        (
            lambda: 1,
            "instance of a tf.train.Optimizer or a tf.keras.optimizers.Opt",
        ),
        (
            lambda: experimental.MixedPrecisionLossScaleOptimizer(
                tf.train.GradientDescentOptimizer(1.0), 2.0
            ),
            "must not already be an instance of a MixedPrecisionLossScaleOptimizer",
        ),
        (
            LossScaleOptimizer,
            "must not already be an instance of a LossScaleOptimizer.",
        ),
    ],
)
def test_wrong_optimizers(optimizer: Callable[[], Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        experimental.enable_mixed_precision_graph_rewrite(optimizer())
    assert not state.mixed_precision_graph_rewrite_is_enabled


def test_version_2_takes_its_own_optimizers() -> None:
    with pytest.raises(
        ValueError, match=r"instance of a tf.keras.optimizers.Optimizer"
    ):
        mixed_precision.enable_mixed_precision_graph_rewrite(1)


def test_policies_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "using_default_mixed_precision_policy", False)
    with pytest.raises(ValueError, match="a keras mixed precision Policy has been set"):
        experimental.enable_mixed_precision_graph_rewrite(
            tf.train.GradientDescentOptimizer(1.0)
        )
