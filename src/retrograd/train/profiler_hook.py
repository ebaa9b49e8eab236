"""`tf.train.ProfilerHook`: timelines of some of a session's runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from retrograd.platform import files, logs
from retrograd.summary.writer import FileWriterCache
from retrograd.train import training_util
from retrograd.train.hook_timers import SecondOrStepTimer
from retrograd.train.session_run_hook import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)
from retrograd.train.timeline import Timeline
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message


class ProfilerHook(SessionRunHook):
    """Writes `timeline-STEP.json` for Chrome's `about:tracing` every so often.

    Args:
      save_steps, save_secs: how often; one of the two.
      output_dir: the folder.
      show_dataflow: whether arrows show who takes what of whom.
      show_memory: whether it shows how many bytes results take.

    Raises:
      ValueError: none or both of `save_steps` and `save_secs`.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str = "",
        show_dataflow: bool = True,
        show_memory: bool = False,
    ) -> None:
        self._output_file = os.path.join(output_dir, "timeline-{}.json")
        self._file_writer = FileWriterCache.get(output_dir)
        self._show_dataflow, self._show_memory = show_dataflow, show_memory
        self._timer = SecondOrStepTimer(save_secs, save_steps)

    def begin(self) -> None:
        """Find the global step.

        Raises:
          RuntimeError: there is none.
        """
        self._next_step: int | None = None
        self._global_step_tensor: Any = training_util._get_or_create_global_step_read()
        if self._global_step_tensor is None:
            raise RuntimeError("Global step should be created to use ProfilerHook.")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for a trace where it is time."""
        step = self._next_step
        self._asked = step is not None and self._timer.should_trigger_for_step(step)
        options = protos.message("config.RunOptions")()
        if self._asked:
            options.trace_level = options.FULL_TRACE
        return SessionRunArgs(
            {"global_step": self._global_step_tensor}, options=options
        )

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """Write the timeline."""
        before = run_values.results["global_step"]
        if self._next_step is None:
            self._timer.update_last_triggered_step(before)
        step = before + 1
        if self._asked:
            step = run_context.session.run(self._global_step_tensor)
            self._timer.update_last_triggered_step(step)
            path = self._output_file.format(step)
            self._save(step, path, run_values.run_metadata.step_stats)
            self._file_writer.add_run_metadata(run_values.run_metadata, f"step_{step}")
        self._next_step = step + 1

    def _save(self, step: int, save_path: str, step_stats: Message) -> None:
        logs.info("Saving timeline for %d into '%s'.", step, save_path)
        text = Timeline(step_stats).generate_chrome_trace_format(
            self._show_dataflow, self._show_memory
        )
        files.write_string_to_file(save_path, text)
