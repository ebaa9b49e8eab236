"""Hooks: to stop, to log, to save, to summarize, to watch for NaN."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.formats.graph_io import write_graph
from retrograd.formats.meta_graph import create_meta_graph_def
from retrograd.graph import context
from retrograd.summary.writer import FileWriterCache
from retrograd.train import training_util
from retrograd.train.hook_timers import NeverTriggerTimer, SecondOrStepTimer
from retrograd.train.session_run_hook import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)
from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.summary.writer import FileWriter
    from retrograd.train.coordinator import Coordinator
    from retrograd.train.saver import Saver
    from retrograd.train.scaffold import Scaffold
    from retrograd.typing import FeedDict, Fetchable, Structure, TensorLike

_log = logging.getLogger("tensorflow")


class LoggingTensorHook(SessionRunHook):
    """Logs the values of tensors.

    Args:
      tensors: tensors or their names, in a list, or in a dict by what they are called.
      every_n_iter, every_n_secs: how often; one of the two, unless `at_end` is True.
      at_end: whether only, or also, at the end.
      formatter: makes a text of a dict of values.

    Raises:
      ValueError: when to log is not said in just one way.
    """

    def __init__(
        self,
        tensors: Structure,
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError(
                "either at_end and/or exactly one of every_n_iter and every_n_secs "
                "must be provided."
            )
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if isinstance(tensors, Mapping):
            self._tag_order, self._tensors = list(tensors), dict(tensors)
        else:
            self._tag_order = list(tensors)
            self._tensors = {item: item for item in tensors}
        self._formatter, self._log_at_end = formatter, at_end
        self._timer: Any = (
            NeverTriggerTimer()
            if only_at_end
            else SecondOrStepTimer(every_n_secs, every_n_iter)
        )

    def begin(self) -> None:
        """Find the tensors."""
        self._timer.reset()
        self._iter_count = 0
        self._current_tensors = {k: _tensor(v) for k, v in self._tensors.items()}

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Ask for the tensors, where it is time."""
        self._should_trigger = self._timer.should_trigger_for_step(self._iter_count)
        return SessionRunArgs(self._current_tensors) if self._should_trigger else None

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """Log the values, where it is time."""
        if self._should_trigger:
            self._log_tensors(run_values.results)
        self._iter_count += 1

    def _log_tensors(self, values: dict[Any, Any]) -> None:
        seconds, _ = self._timer.update_last_triggered_step(self._iter_count)
        if self._formatter:
            _log.info(self._formatter(values))
            return
        with np.printoptions(suppress=True):
            shown = [f"{_name(tag)} = {values[tag]}" for tag in self._tag_order]
        stats = ", ".join(shown)
        _log.info(stats if seconds is None else f"{stats} ({seconds:.3f} sec)")

    def end(self, session: BaseSession) -> None:
        """Log the last values, if asked to."""
        if self._log_at_end:
            self._log_tensors(session.run(self._current_tensors))


def _tensor(graph_item: TensorLike) -> Any:
    """A tensor, or what has the name in the default graph."""
    if isinstance(graph_item, str):
        return context.get_default_graph().as_graph_element(graph_item)
    return graph_item


def _name(tag: object) -> object:
    return tag if isinstance(tag, str) else getattr(tag, "name", tag)


class StopAtStepHook(SessionRunHook):
    """Stops after some steps, or at one.

    Args:
      num_steps: how many more.
      last_step: which is the last.

    Raises:
      ValueError: none or both.
    """

    def __init__(
        self, num_steps: int | None = None, last_step: int | None = None
    ) -> None:
        if num_steps is None and last_step is None:
            raise ValueError("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise ValueError("Only one of num_steps or last_step can be specified.")
        self._num_steps, self._last_step = num_steps, last_step

    def begin(self) -> None:
        """Find the global step."""
        self._global_step_tensor = _global_step("StopAtStepHook")

    def after_create_session(self, session: BaseSession, coord: Coordinator) -> None:
        """Work out which step is the last."""
        if self._last_step is None:
            assert self._num_steps is not None
            self._last_step = session.run(self._global_step_tensor) + self._num_steps

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """Stop, if it was the last."""
        assert self._last_step is not None
        if run_values.results + 1 < self._last_step:
            return
        # the step was read at some time during the run
        if run_context.session.run(self._global_step_tensor) >= self._last_step:
            run_context.request_stop()


def _global_step(who: str) -> Any:
    """What reads the global step.

    Raises:
      RuntimeError: there is none.
    """
    found = training_util._get_or_create_global_step_read()
    if found is None:
        raise RuntimeError(f"Global step should be created to use {who}.")
    return found


class CheckpointSaverListener:
    """Is called when a checkpoint is saved; a subclass overrides what it needs."""

    def begin(self) -> None:
        """The graph can still be changed."""

    def before_save(self, session: BaseSession, global_step_value: int) -> None:
        """A checkpoint is about to be saved."""

    def after_save(self, session: BaseSession, global_step_value: int) -> Any:
        """A checkpoint was saved; True asks to stop."""

    def end(self, session: BaseSession, global_step_value: int) -> None:
        """The session is about to be closed."""


class CheckpointSaverHook(SessionRunHook):
    """Saves checkpoints every N steps or seconds, at the beginning and at the end.

    Args:
      checkpoint_dir: the folder.
      save_secs, save_steps: how often; one of the two.
      saver: what saves; by default that of `scaffold` or of the collection SAVERS.
      checkpoint_basename: the beginning of the files' names.
      scaffold: has a saver.
      listeners: are told of each checkpoint.

    Raises:
      ValueError: a saver and a scaffold.
    """

    def __init__(
        self,
        checkpoint_dir: str,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Saver | None = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Scaffold | None = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
    ) -> None:
        _log.info("Create CheckpointSaverHook.")
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._saver, self._scaffold = saver, scaffold
        self._checkpoint_dir = checkpoint_dir
        self._save_path = os.path.join(checkpoint_dir, checkpoint_basename)
        self._timer = SecondOrStepTimer(save_secs, save_steps)
        self._listeners = listeners or []
        self._steps_per_run = 1

    def _set_steps_per_run(self, steps_per_run: int) -> None:
        self._steps_per_run = steps_per_run

    def begin(self) -> None:
        """Find the global step and the writer of summaries."""
        self._summary_writer = FileWriterCache.get(self._checkpoint_dir)
        self._global_step_tensor = _global_step("CheckpointSaverHook")
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: BaseSession, coord: Coordinator) -> None:
        """Write the graph, and the first checkpoint."""
        global_step = session.run(self._global_step_tensor)
        graph = context.get_default_graph()
        graph_def = graph.as_graph_def(add_shapes=True)
        write_graph(graph_def, self._checkpoint_dir, "graph.pbtxt")
        saver = self._get_saver()
        meta_graph = create_meta_graph_def(
            graph_def=graph_def, saver_def=saver.saver_def if saver else None
        )
        self._summary_writer.add_graph(graph)
        self._summary_writer.add_meta_graph(meta_graph)
        self._save(session, global_step)
        self._timer.update_last_triggered_step(global_step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """Save, if it is time."""
        stale = run_values.results
        if not self._timer.should_trigger_for_step(stale + self._steps_per_run):
            return
        # the step was read at some time during the run
        step = run_context.session.run(self._global_step_tensor)
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: BaseSession) -> None:
        """Save the last step, unless that has been done."""
        step = session.run(self._global_step_tensor)
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: BaseSession, step: int) -> bool:
        """Save a checkpoint; whether a listener asks to stop."""
        _log.info("Saving checkpoints for %d into %s.", step, self._save_path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._get_saver().save(session, self._save_path, global_step=step)
        log = protos.message("event.SessionLog")
        self._summary_writer.add_session_log(
            log(status=log.CHECKPOINT, checkpoint_path=self._save_path), step
        )
        stop = False
        for listener in self._listeners:
            if listener.after_save(session, step):
                _log.info(
                    "A CheckpointSaverListener requested that training be stopped. "
                    "listener: %s",
                    listener,
                )
                stop = True
        return stop

    def _get_saver(self) -> Any:
        """What saves.

        Raises:
          RuntimeError: there is none, or there are several.
        """
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        savers = context.get_default_graph().get_collection("savers")
        if not savers:
            raise RuntimeError(
                "No items in collection savers. Please add a saver to the collection "
                "or provide a saver or scaffold."
            )
        if len(savers) > 1:
            raise RuntimeError(
                "More than one item in collection savers. Please indicate which one to "
                "use by passing it to the constructor."
            )
        self._saver = savers[0]
        return savers[0]


class StepCounterHook(SessionRunHook):
    """Writes how many steps there are in a second.

    Args:
      every_n_steps, every_n_secs: how often; one of the two.
      output_dir: where a writer of summaries writes to.
      summary_writer: a writer, in place of one for `output_dir`.

    Raises:
      ValueError: both of the first two, or none.
    """

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: FileWriter | None = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError(
                "exactly one of every_n_steps and every_n_secs should be provided."
            )
        self._timer = SecondOrStepTimer(every_n_secs, every_n_steps)
        self._summary_writer, self._output_dir = summary_writer, output_dir
        self._last_global_step: int | None = None
        self._steps_per_run = 1

    def _set_steps_per_run(self, steps_per_run: int) -> None:
        self._steps_per_run = steps_per_run

    def begin(self) -> None:
        """Find the global step and the writer."""
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = FileWriterCache.get(self._output_dir)
        self._global_step_tensor = _global_step("StepCounterHook")
        self._summary_tag = f"{training_util.get_global_step().op.name}/sec"

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def _log_and_record(self, seconds: float, steps: int, step: int) -> None:
        rate = steps / seconds
        if self._summary_writer is not None:
            summary = protos.message("summary.Summary")()
            summary.value.add(tag=self._summary_tag, simple_value=rate)
            self._summary_writer.add_summary(summary, step)
        _log.info("%s: %g", self._summary_tag, rate)

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """Write, if it is time."""
        stale = run_values.results
        if self._timer.should_trigger_for_step(stale + self._steps_per_run):
            step = run_context.session.run(self._global_step_tensor)
            if self._timer.should_trigger_for_step(step):
                seconds, steps = self._timer.update_last_triggered_step(step)
                if seconds is not None and steps is not None:
                    self._log_and_record(seconds, steps, step)
        if stale == self._last_global_step:
            _log.warning(
                "It seems that global step (tf.train.get_global_step) has not been "
                "increased. Current value (could be stable): %s vs previous value: %s. "
                "You could increase the global step by passing "
                "tf.train.get_global_step() to Optimizer.apply_gradients or "
                "Optimizer.minimize.",
                stale,
                self._last_global_step,
            )
        self._last_global_step = stale


class NanLossDuringTrainingError(RuntimeError):
    """The loss has become NaN."""

    def __str__(self) -> str:
        return "NaN loss during training."


class NanTensorHook(SessionRunHook):
    """Stops when a loss is NaN.

    Args:
      loss_tensor: the loss.
      fail_on_nan_loss: whether it is an error, or training just ends.
    """

    def __init__(self, loss_tensor: TensorLike, fail_on_nan_loss: bool = True) -> None:
        self._loss_tensor, self._fail_on_nan_loss = loss_tensor, fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the loss."""
        return SessionRunArgs(self._loss_tensor)

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """Stop, if it is NaN.

        Raises:
          NanLossDuringTrainingError: it is, and that is an error.
        """
        if not np.isnan(run_values.results):
            return
        text = "Model diverged with loss = NaN."
        if self._fail_on_nan_loss:
            _log.error(text)
            raise NanLossDuringTrainingError
        _log.warning(text)
        run_context.request_stop()


class SummarySaverHook(SessionRunHook):
    """Writes summaries every N steps or seconds.

    Args:
      save_steps, save_secs: how often; one of the two.
      output_dir: where a writer of summaries writes to.
      summary_writer: a writer, in place of one for `output_dir`.
      scaffold: has the summaries; or
      summary_op: a tensor, or several, of serialized summaries.

    Raises:
      ValueError: both a scaffold and summaries, or none.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: FileWriter | None = None,
        scaffold: Scaffold | None = None,
        summary_op: Structure = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._summary_op, self._scaffold = summary_op, scaffold
        self._summary_writer, self._output_dir = summary_writer, output_dir
        self._timer = SecondOrStepTimer(save_secs, save_steps)

    def begin(self) -> None:
        """Find the global step and the writer."""
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = FileWriterCache.get(self._output_dir)
        self._next_step: int | None = None
        self._global_step_tensor = _global_step("SummarySaverHook")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Ask for the global step, and the summaries where it is time."""
        step, timer = self._next_step, self._timer
        self._request_summary = step is None or timer.should_trigger_for_step(step)
        requests: dict[str, Any] = {"global_step": self._global_step_tensor}
        summary = self._get_summary_op()
        if self._request_summary and summary is not None:
            requests["summary"] = summary
        return SessionRunArgs(requests)

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues
    ) -> None:
        """Write the summaries."""
        if not self._summary_writer:
            return
        stale = run_values.results["global_step"]
        step = stale + 1
        if self._next_step is None or self._request_summary:
            step = run_context.session.run(self._global_step_tensor)
        if self._next_step is None:
            log = protos.message("event.SessionLog")
            self._summary_writer.add_session_log(log(status=log.START), step)
        if self._request_summary:
            self._timer.update_last_triggered_step(step)
            for summary in run_values.results.get("summary", ()):
                self._summary_writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: BaseSession) -> None:
        """Let what was written reach the file."""
        if self._summary_writer:
            self._summary_writer.flush()

    def _get_summary_op(self) -> Any:
        found: Any = self._summary_op
        if found is None and self._scaffold is not None:
            found = self._scaffold.summary_op
        if found is None:
            return None
        return found if isinstance(found, list) else [found]


class GlobalStepWaiterHook(SessionRunHook):
    """Waits until the global step has reached a number.

    Args:
      wait_until_step: the number.
    """

    def __init__(self, wait_until_step: int) -> None:
        self._wait_until_step = wait_until_step
        self._worker_is_started = False

    def begin(self) -> None:
        """Find the global step."""
        self._global_step_tensor = _global_step("_GlobalStepWaiterHook")

    def before_run(self, run_context: SessionRunContext) -> None:
        """Wait."""
        if self._worker_is_started:
            return
        if self._wait_until_step > 0:
            _log.info(
                "Waiting for global step %d before starting training.",
                self._wait_until_step,
            )
            while run_context.session.run(self._global_step_tensor) < (
                self._wait_until_step
            ):
                time.sleep(0.5)
        self._worker_is_started = True


class FinalOpsHook(SessionRunHook):
    """Runs something at the end.

    Args:
      final_ops: what is fetched.
      final_ops_feed_dict: what is fed.
    """

    def __init__(
        self, final_ops: Fetchable, final_ops_feed_dict: FeedDict | None = None
    ) -> None:
        self._final_ops, self._feed_dict = final_ops, final_ops_feed_dict
        self._final_ops_values: Any = None

    @property
    def final_ops_values(self) -> Any:
        """What it was."""
        return self._final_ops_values

    def end(self, session: BaseSession) -> None:
        """Run it."""
        if self._final_ops is not None:
            self._final_ops_values = session.run(self._final_ops, self._feed_dict)


class FeedFnHook(SessionRunHook):
    """Feeds what a function gives.

    Args:
      feed_fn: gives a dict of tensors and their values.
    """

    def __init__(self, feed_fn: Callable[[], dict[Any, TensorLike]]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Feed it."""
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())
