"""What input functions are told of the replicas they make batches for."""

from __future__ import annotations

import enum


class InputReplicationMode(enum.Enum):
    """How often an input function is called: once on each computer."""

    PER_WORKER = "PER_WORKER"


class InputContext:
    """For whom an input function makes batches.

    Args:
      num_input_pipelines: how many input functions feed the replicas.
      input_pipeline_id: which of them this one is.
      num_replicas_in_sync: how many replicas share a step.
    """

    def __init__(
        self,
        num_input_pipelines: int = 1,
        input_pipeline_id: int = 0,
        num_replicas_in_sync: int = 1,
    ) -> None:
        self._num_input_pipelines = num_input_pipelines
        self._input_pipeline_id = input_pipeline_id
        self._num_replicas_in_sync = num_replicas_in_sync

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas share a step."""
        return self._num_replicas_in_sync

    @property
    def input_pipeline_id(self) -> int:
        """Which of the input functions this one is."""
        return self._input_pipeline_id

    @property
    def num_input_pipelines(self) -> int:
        """How many input functions feed the replicas."""
        return self._num_input_pipelines

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """The examples of one replica, out of those of a step.

        Raises:
          ValueError: they cannot be shared out evenly.
        """
        size, rest = divmod(global_batch_size, self._num_replicas_in_sync)
        if rest:
            raise ValueError(
                f"The `global_batch_size` {global_batch_size!r} is not divisible by "
                f"`num_replicas_in_sync` {self._num_replicas_in_sync!r} "
            )
        return size
