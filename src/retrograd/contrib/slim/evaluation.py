"""`tf.contrib.slim.evaluation`: a number of runs of a checkpoint, with summaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from retrograd.contrib.training import evaluation
from retrograd.contrib.training.evaluation import (
    StopAfterNEvalsHook,
    SummaryAtEndHook,
    checkpoints_iterator,
    wait_for_new_checkpoint,
)
from retrograd.summary import summary
from retrograd.train.saver import Saver
from retrograd.train.scaffold import Scaffold

if TYPE_CHECKING:
    from retrograd.train.session_run_hook import SessionRunHook
    from retrograd.typing import FeedDict, Fetchable, Message, PathLike, Structure

__all__ = [
    "checkpoints_iterator",
    "evaluate_once",
    "evaluation_loop",
    "wait_for_new_checkpoint",
]

#: stands for all summaries of the graph
_USE_DEFAULT = 0


def _hooks(
    num_evals: int,
    logdir: str,
    summary_op: Fetchable,
    feed_dict: FeedDict | None,
    more: Sequence[SessionRunHook] | None,
) -> list[Any]:
    if summary_op is _USE_DEFAULT:
        summary_op = summary.merge_all()
    found: list[Any] = [StopAfterNEvalsHook(num_evals)]
    if summary_op is not None:
        found.append(
            SummaryAtEndHook(log_dir=logdir, summary_op=summary_op, feed_dict=feed_dict)
        )
    return found + list(more or ())


def _saver(variables: Sequence[Any] | None) -> Saver | None:
    return None if variables is None else Saver(variables)


def evaluate_once(
    master: str,
    checkpoint_path: str,
    logdir: str,
    num_evals: int = 1,
    initial_op: Fetchable = None,
    initial_op_feed_dict: FeedDict | None = None,
    eval_op: Structure = None,
    eval_op_feed_dict: FeedDict | None = None,
    final_op: Fetchable = None,
    final_op_feed_dict: FeedDict | None = None,
    summary_op: Fetchable = _USE_DEFAULT,
    summary_op_feed_dict: FeedDict | None = None,
    variables_to_restore: Sequence[Any] | None = None,
    session_config: Message | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
) -> Any:
    """Evaluate a checkpoint, and return the value of `final_op`.

    Args:
      master: of the session.
      checkpoint_path: the checkpoint.
      logdir: where summaries are written.
      num_evals: how often `eval_op` is run.
      initial_op, initial_op_feed_dict: what initializes, and is fed then.
      eval_op, eval_op_feed_dict: what is run, and is fed then.
      final_op, final_op_feed_dict: what is run once afterwards, and is fed then.
      summary_op, summary_op_feed_dict: the summaries, by default all of the graph,
        None for none; and what is fed for them.
      variables_to_restore: which have values from the checkpoint; by default all.
      session_config: of the session.
      hooks: more of them.
    """
    return evaluation.evaluate_once(
        checkpoint_path,
        master=master,
        hooks=_hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks),
        scaffold=Scaffold(
            init_op=initial_op,
            init_feed_dict=initial_op_feed_dict,
            saver=_saver(variables_to_restore),
        ),
        eval_ops=eval_op,
        feed_dict=eval_op_feed_dict,
        final_ops=final_op,
        final_ops_feed_dict=final_op_feed_dict,
        config=session_config,
    )


def evaluation_loop(
    master: str,
    checkpoint_dir: PathLike,
    logdir: str,
    num_evals: int = 1,
    initial_op: Fetchable = None,
    initial_op_feed_dict: FeedDict | None = None,
    init_fn: Callable[..., object] | None = None,
    eval_op: Structure = None,
    eval_op_feed_dict: FeedDict | None = None,
    final_op: Fetchable = None,
    final_op_feed_dict: FeedDict | None = None,
    summary_op: Fetchable = _USE_DEFAULT,
    summary_op_feed_dict: FeedDict | None = None,
    variables_to_restore: Sequence[Any] | None = None,
    eval_interval_secs: float = 60,
    max_number_of_evaluations: int | None = None,
    session_config: Message | None = None,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
) -> Any:
    """Evaluate the checkpoints of a folder, each as it is written.

    Args:
      checkpoint_dir: the folder.
      init_fn: called with scaffold and session after `initial_op`.
      eval_interval_secs: how long it is at least from one evaluation to the next.
      max_number_of_evaluations: how many there are; None for no end.
      timeout, timeout_fn: see `checkpoints_iterator`.
      master, logdir, num_evals, initial_op, initial_op_feed_dict, eval_op,
      eval_op_feed_dict, final_op, final_op_feed_dict, summary_op,
      summary_op_feed_dict, variables_to_restore, session_config, hooks: as for
        `evaluate_once`.

    Returns:
      The value of `final_op` of the last one.
    """
    return evaluation.evaluate_repeatedly(
        checkpoint_dir,
        master=master,
        hooks=_hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks),
        scaffold=Scaffold(
            init_op=initial_op,
            init_feed_dict=initial_op_feed_dict,
            init_fn=init_fn,
            saver=_saver(variables_to_restore),
        ),
        eval_ops=eval_op,
        feed_dict=eval_op_feed_dict,
        final_ops=final_op,
        final_ops_feed_dict=final_op_feed_dict,
        eval_interval_secs=eval_interval_secs,
        max_number_of_evaluations=max_number_of_evaluations,
        config=session_config,
        timeout=timeout,
        timeout_fn=timeout_fn,
    )
