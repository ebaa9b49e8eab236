"""What a supervisor does every so many seconds: save, summarize, count steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from retrograd.platform import logs
from retrograd.train import training_util
from retrograd.train.coordinator import LooperThread
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.train.supervisor import Supervisor
    from retrograd.typing import Fetchable


class SVSummaryThread(LooperThread):
    """Writes summaries.

    Args:
      sv: the supervisor.
      sess: a session.
    """

    def __init__(self, sv: Supervisor, sess: BaseSession) -> None:
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self) -> None:
        """Write one."""
        sv, step = self._sv, None
        if sv.global_step is None:
            summary = self._sess.run(sv.summary_op)
        else:
            summary, step = self._sess.run([sv.summary_op, sv.global_step])
        if sv.summary_writer:
            logs.info("Recording summary at step %s.", step)
            sv.summary_writer.add_summary(summary, step)


class SVStepCounterThread(LooperThread):
    """Writes how many steps a second took.

    Args:
      sv: the supervisor.
      sess: a session.
      step_counter: the counter of steps, by default the global step.
    """

    def __init__(
        self, sv: Supervisor, sess: BaseSession, step_counter: Fetchable = None
    ) -> None:
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess
        self._last_time, self._last_step = 0.0, 0
        counter: Any = sv.global_step if step_counter is None else step_counter
        self._step_counter = counter
        self._summary_tag = f"{counter.op.name}/sec"

    def start_loop(self) -> None:
        """Look at the clock and the counter."""
        self._last_time = time.time()
        self._last_step = training_util.global_step(self._sess, self._step_counter)

    def run_loop(self) -> None:
        """Write what it was since the last time."""
        now = time.time()
        step = training_util.global_step(self._sess, self._step_counter)
        seconds, steps = now - self._last_time, step - self._last_step
        self._last_time, self._last_step = now, step
        rate = steps / seconds if seconds > 0 else float("inf")
        summary = protos.message("summary.Summary")()
        summary.value.add(tag=self._summary_tag, simple_value=rate)
        if self._sv.summary_writer:
            self._sv.summary_writer.add_summary(summary, step)
        logs.log_first_n(logs.INFO, "%s: %g", 10, self._summary_tag, rate)


class SVTimerCheckpointThread(LooperThread):
    """Saves checkpoints.

    Args:
      sv: the supervisor.
      sess: a session.
    """

    def __init__(self, sv: Supervisor, sess: BaseSession) -> None:
        super().__init__(sv.coord, sv.save_model_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self) -> None:
        """Save one."""
        sv = self._sv
        logs.info("Saving checkpoint to path %s", sv.save_path)
        sv.saver.save(self._sess, sv.save_path, global_step=sv.global_step)
        if sv.summary_writer and sv.global_step is not None:
            step = training_util.global_step(self._sess, sv.global_step)
            log = protos.message("event.SessionLog")
            entry = log(status=log.CHECKPOINT, checkpoint_path=sv.save_path)
            sv.summary_writer.add_session_log(entry, step)
