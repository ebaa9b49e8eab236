"""`tf.train.CheckpointManager`: keeps a number of checkpoints, deletes older ones."""

from __future__ import annotations

import collections
import os
import time
from typing import TYPE_CHECKING, Any

from retrograd.graph import context
from retrograd.platform import logs
from retrograd.train import training_util
from retrograd.train.checkpoint_state import (
    get_checkpoint_state,
    remove_checkpoint,
    update_checkpoint_state_internal,
)

if TYPE_CHECKING:
    from retrograd.train.checkpoint import Checkpoint
    from retrograd.typing import Message, TensorLike


class CheckpointManager:
    """Writes numbered checkpoints of objects into a folder.

    Args:
      checkpoint: a `tf.train.Checkpoint`.
      directory: the folder.
      max_to_keep: how many are kept; None for all.
      keep_checkpoint_every_n_hours: one in so many hours is kept for good.
      checkpoint_name: what their names begin with.

    Raises:
      ValueError: `max_to_keep` is not positive.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: str,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
    ) -> None:
        self._checkpoint = checkpoint
        self._save_assign_op: Any = None
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(
                "Expected a positive integer or `None` for `max_to_max_to_keep`, got "
                f"{max_to_keep}."
            )
        self._max_to_keep = max_to_keep
        self._keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self._directory = os.fspath(directory)
        self._checkpoint_prefix = os.path.join(self._directory, checkpoint_name)
        now = time.time()
        state = get_checkpoint_state(self._directory)
        #: when each checkpoint that may be deleted was written, the oldest first
        self._maybe_delete: collections.OrderedDict[str, float]
        self._maybe_delete = collections.OrderedDict()
        self._last_preserved_timestamp = now
        self._latest_checkpoint: str | None = None
        if state is not None:
            self._read_state(state, now)

    def _read_state(self, state: Message, now: float) -> None:
        self._latest_checkpoint = state.model_checkpoint_path
        last = self._last_preserved_timestamp = state.last_preserved_timestamp
        paths = list(state.all_model_checkpoint_paths)
        times = list(state.all_model_checkpoint_timestamps)
        if now < last:
            logs.warning(
                "time.time() returned a value %f seconds behind the last preserved "
                "checkpoint timestamp.",
                last - now,
            )
            self._last_preserved_timestamp = now
            times = []
        if len(times) != len(paths):
            return  # it is not known which of them are kept for good: all are
        for path, written in zip(paths, times, strict=True):
            if written > last:
                self._maybe_delete[path] = written

    @property
    def directory(self) -> str:
        """The folder."""
        return self._directory

    @property
    def latest_checkpoint(self) -> str | None:
        """The latest checkpoint, or None."""
        return self._latest_checkpoint

    @property
    def checkpoints(self) -> list[str]:
        """The checkpoints that are kept, the oldest first; not those kept for good."""
        return list(self._maybe_delete)

    @property
    def _prefix(self) -> str:
        return self._checkpoint_prefix

    def _sweep(self) -> None:
        """Delete checkpoints that are too many, or keep one for good."""
        if not self._max_to_keep:
            return
        while len(self._maybe_delete) > self._max_to_keep:
            path, written = self._maybe_delete.popitem(last=False)
            hours = self._keep_checkpoint_every_n_hours
            if hours and written - hours * 3600 >= self._last_preserved_timestamp:
                self._last_preserved_timestamp = written
                continue
            remove_checkpoint(path)

    def _record_state(self) -> None:
        paths, times = zip(*self._maybe_delete.items(), strict=True)
        update_checkpoint_state_internal(
            self._directory,
            model_checkpoint_path=self.latest_checkpoint or "",
            all_model_checkpoint_paths=paths,
            all_model_checkpoint_timestamps=times,
            last_preserved_timestamp=self._last_preserved_timestamp,
            save_relative_paths=True,
        )

    def save(self, checkpoint_number: TensorLike | None = None) -> str:
        """Write a checkpoint, and delete one that is too many.

        Args:
          checkpoint_number: its number, or a variable or tensor; by default that of
            the checkpoint's `save_counter`.

        Returns:
          Its path.
        """
        # the number that the counter will have is in the checkpoint
        if context.executing_eagerly():
            counter = self._checkpoint.save_counter
            counter.assign_add(1)
            session: Any = None
        else:
            session = context.get_default_session()
            if self._checkpoint._save_counter is None:
                session.run(self._checkpoint.save_counter.initializer)
            counter = self._checkpoint.save_counter
            if self._save_assign_op is None:
                self._save_assign_op = counter.assign_add(1, read_value=False)
            session.run(self._save_assign_op)
        number: Any = counter if checkpoint_number is None else checkpoint_number
        if not isinstance(number, int):
            number = training_util.global_step(session, number)
        path = self._checkpoint.write(f"{self._prefix}-{number}")
        self._latest_checkpoint = path
        self._maybe_delete.pop(path, None)
        self._maybe_delete[path] = time.time()
        self._record_state()
        self._sweep()
        # again: what was deleted is not to be in it
        self._record_state()
        return path
