"""Weights of models in checkpoints of objects."""

from __future__ import annotations

import os
from typing import Any

from retrograd.graph import context
from retrograd.layers.values import get_session, restore_with
from retrograd.train.checkpoint import TrackableSaver
from retrograd.train.checkpoint_state import update_checkpoint_state_internal


def current_session() -> Any:
    """What runs the models of a graph; None when executing eagerly."""
    return None if context.executing_eagerly() else get_session()


def save_weights(model: Any, path: str) -> None:
    """Write the weights of a model to a checkpoint.

    Args:
      model: the model.
      path: the beginning of the files' names.
    """
    TrackableSaver(model).save(path, session=current_session())
    update_checkpoint_state_internal(
        save_dir=os.path.dirname(path),
        model_checkpoint_path=path,
        save_relative_paths=True,
        all_model_checkpoint_paths=[path],
    )


def load_weights(model: Any, path: str) -> Any:
    """Give a model the weights of a checkpoint, now or when they are made.

    Args:
      model: the model.
      path: the beginning of the files' names.

    Returns:
      What knows whether all has been found.
    """
    status = TrackableSaver(model).restore(path, [])
    session = current_session()
    if session is not None:
        status.run_restore_ops(session)
        _restore_later(status, session)
    status.assert_nontrivial_match()
    return status


def _restore_later(status: Any, session: Any) -> None:
    """Let variables that are yet to be made have their values, once."""
    restoration = getattr(status, "_restoration", None)
    if restoration is None:
        return
    done = len(restoration.operations)

    def restore(current: Any) -> None:
        nonlocal done
        new = restoration.operations[done:]
        done += len(new)
        if new:
            current.run(new)

    restore_with(session.graph, restore)
