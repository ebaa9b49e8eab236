"""`tf.contrib.training`: evaluation of checkpoints, as they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.platform import logs
from retrograd.summary import summary
from retrograd.summary.writer import FileWriterCache
from retrograd.train import training_util
from retrograd.train.basic_session_run_hooks import FinalOpsHook
from retrograd.train.evaluation import (
    StopAfterNEvalsHook,
    checkpoints_iterator,
    evaluate_once,
    get_or_create_eval_step,
    run_until_stopped,
    tell_count,
    time_of_day,
    wait_for_new_checkpoint,
    with_count,
)
from retrograd.train.monitored_session import ChiefSessionCreator, MonitoredSession
from retrograd.train.session_run_hook import SessionRunHook
from retrograd.variables.updates import assign_add

if TYPE_CHECKING:
    from retrograd.run.session import BaseSession
    from retrograd.summary.writer import FileWriter
    from retrograd.train.coordinator import Coordinator
    from retrograd.train.scaffold import Scaffold
    from retrograd.typing import FeedDict, Fetchable, Message, PathLike, Structure

__all__ = [
    "StopAfterNEvalsHook",
    "SummaryAtEndHook",
    "checkpoints_iterator",
    "evaluate_once",
    "evaluate_repeatedly",
    "get_or_create_eval_step",
    "wait_for_new_checkpoint",
]


class SummaryAtEndHook(SessionRunHook):
    """Writes summaries once, at the end.

    Args:
      log_dir: where a writer of summaries writes to; or
      summary_writer: a writer.
      summary_op: the summaries; by default all of the graph.
      feed_dict: what is fed for them.

    Raises:
      ValueError: neither a folder nor a writer.
    """

    def __init__(
        self,
        log_dir: str | None = None,
        summary_writer: FileWriter | None = None,
        summary_op: Fetchable = None,
        feed_dict: FeedDict | None = None,
    ) -> None:
        if not log_dir and not summary_writer:
            raise ValueError("One of log_dir or summary_writer should be used.")
        self._log_dir, self._summary_writer = log_dir, summary_writer
        self._summary_op = summary_op
        self._replace_summary_op = summary_op is None
        self._feed_dict = feed_dict
        self._global_step: Any = None

    def begin(self) -> None:
        """Find the summaries and the global step."""
        if self._replace_summary_op:
            self._summary_op = summary.merge_all()
        self._global_step = training_util.get_or_create_global_step()

    def after_create_session(self, session: BaseSession, coord: Coordinator) -> None:
        """Find the writer."""
        if self._summary_writer is None and self._log_dir:
            self._summary_writer = FileWriterCache.get(self._log_dir)

    def end(self, session: BaseSession) -> None:
        """Write the summaries."""
        step = training_util.global_step(session, self._global_step)
        written = session.run(self._summary_op, self._feed_dict)
        if self._summary_writer:
            self._summary_writer.add_summary(written, step)
            self._summary_writer.flush()


def evaluate_repeatedly(
    checkpoint_dir: PathLike,
    master: str = "",
    scaffold: Scaffold | None = None,
    eval_ops: Structure = None,
    feed_dict: FeedDict | None = None,
    final_ops: Fetchable = None,
    final_ops_feed_dict: FeedDict | None = None,
    eval_interval_secs: float = 60,
    hooks: Sequence[SessionRunHook] | None = None,
    config: Message | None = None,
    max_number_of_evaluations: int | None = None,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Any:
    """Evaluate the checkpoints of a folder, each as it is written.

    Args:
      checkpoint_dir: the folder.
      eval_interval_secs: how long it is at least from one evaluation to the next.
      max_number_of_evaluations: how many there are; None for no end.
      timeout, timeout_fn: see `checkpoints_iterator`.
      master, scaffold, eval_ops, feed_dict, final_ops, final_ops_feed_dict, hooks,
      config: as for `evaluate_once`.

    Returns:
      The values of `final_ops` of the last one.
    """
    every = list(hooks or ())
    if eval_ops is not None:
        counted = assign_add(get_or_create_eval_step(), 1)
        tell_count(every, counted)
        eval_ops = with_count(eval_ops, counted)
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    done = 0
    for path in checkpoints_iterator(
        checkpoint_dir, eval_interval_secs, timeout, timeout_fn
    ):
        creator = ChiefSessionCreator(
            scaffold=scaffold,
            checkpoint_filename_with_path=path,
            master=master,
            config=config,
        )
        with MonitoredSession(creator, [*every, final]) as session:
            logs.info(f"Starting evaluation at {time_of_day()}")
            run_until_stopped(session, eval_ops, feed_dict)
            logs.info(f"Finished evaluation at {time_of_day()}")
        done += 1
        if max_number_of_evaluations is not None and done >= max_number_of_evaluations:
            break
    return final.final_ops_values
