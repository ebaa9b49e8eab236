"""`tfe.Saver`: variables that are executed eagerly."""

from __future__ import annotations

from pathlib import Path

import retrograd as tf
from retrograd.graph import context


def test_a_saver_of_eager_variables(tmp_path: Path) -> None:
    with context.eager_mode():
        v = tf.Variable([1.0], name="v")
        saver = tf.contrib.eager.Saver([v])
        path = saver.save(str(tmp_path / "m"), global_step=2)
        v.assign([0.0])
        saver.restore(path)
        assert path == str(tmp_path / "m-2") and v.numpy() == [1.0]
        optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
        optimizer.apply_gradients([(tf.constant([1.0]), v)])
        (slot,) = tf.contrib.eager.get_optimizer_variables(optimizer)
        assert slot.name == "v/Momentum:0"
